//! Which service puts visitors into arms.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Settings, Wrong, names};

/// A service, and the experiment there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderSpec {
    /// Which one: `growthbook`, `unleash`, `optimizely`, `launchdarkly`, `posthog`, `statsig`,
    /// `split`, `eppo`, `flagd`, `absmartly`, `firebase`, `flagsmith`, or `generic` for one's own.
    #[serde(rename = "type")]
    pub kind: String,
    /// The service's own export of its configuration, relative to the spec. `generic` needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The key of the experiment or flag there.
    pub experiment: String,
    /// The configuration that is live until this one is, relative to the spec: nobody who is in an arm
    /// there may be in another one here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What the service calls an arm, where that is not its name here: `{ control: "0", new_hero: "1" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arms: BTreeMap<String, String>,
    /// What else the service's replica can be told, such as `encoding` or `salt`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The languages whose SDKs put visitors into arms. Where they differ in how they read an id,
    /// the gate looks whether any id would be in another arm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sdks: Vec<Sdk>,
}

/// A language that an SDK is written in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Sdk {
    /// JavaScript or TypeScript, in browsers or on a server.
    Javascript,
    /// Python.
    Python,
    /// Ruby.
    Ruby,
    /// PHP.
    Php,
    /// Go.
    Go,
    /// Rust.
    Rust,
    /// Java.
    Java,
    /// Kotlin.
    Kotlin,
    /// Swift.
    Swift,
    /// C# and other languages of .NET.
    Dotnet,
    /// Elixir.
    Elixir,
    /// Dart, such as Flutter.
    Dart,
}

impl ProviderSpec {
    /// What is wrong with it.
    pub(super) fn problems(&self, spec: &Settings, wrong: &mut Wrong<'_>) {
        known_service(&self.kind, &["provider", "type"], wrong);
        if self.kind != "generic" && self.config.is_none() {
            let hint = "export it there and write config: features.json";
            wrong(&["provider"], "nothing says how the service is set up", hint);
        }
        if self.experiment.trim().is_empty() {
            wrong(&["provider", "experiment"], "this names no experiment", "write its key");
        }
        for arm in self.arms.keys().filter(|arm| !spec.split.contains_key(*arm)) {
            let hint = names::suggest(arm, spec.split.keys());
            wrong(&["provider", "arms", arm], &format!("there is no arm `{arm}`"), &hint);
        }
    }
}

fn known_service(kind: &str, path: &[&str], wrong: &mut Wrong<'_>) {
    let known: Vec<String> =
        bucketing::all().iter().map(|provider| provider.name.to_owned()).collect();
    if !known.iter().any(|name| name == kind) {
        let hint = names::suggest(kind, known.iter());
        wrong(path, &format!("there is no service `{kind}`"), &hint);
    }
}

/// Another experiment among the same visitors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlsoRunning {
    /// The key of the experiment or flag.
    pub experiment: String,
    /// Which service it is of; the same as this experiment's unless something else is said.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its configuration; the same as this experiment's unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// What else the service's replica can be told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The column of this experiment's exposures that says which arm of the other one a visitor is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

impl AlsoRunning {
    pub(super) fn problems(&self, at: usize, spec: &Settings, wrong: &mut Wrong<'_>) {
        let at = at.to_string();
        if let Some(kind) = &self.kind {
            known_service(kind, &["also_running", &at, "type"], wrong);
        }
        let is_same = spec.provider.as_ref().is_some_and(|own| {
            own.experiment == self.experiment && self.config.is_none() && self.kind.is_none()
        });
        if is_same {
            let hint = "name another one, or leave it out";
            wrong(&["also_running", &at, "experiment"], "this is the experiment itself", hint);
        }
        if self.column.is_none() && spec.provider.is_none() && self.kind.is_none() {
            let hint = "name its service, or the column of the exposures that says its arm";
            wrong(&["also_running", &at], "nothing says who is in it", hint);
        }
        if self.column.is_some() && spec.data.is_none() {
            let hint = "leave it out, or say where the data are";
            wrong(&["also_running", &at, "column"], "there are no data with columns", hint);
        }
    }
}
