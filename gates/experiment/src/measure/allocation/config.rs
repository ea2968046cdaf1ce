//! A service with its configuration.

use std::collections::BTreeMap;
use std::path::Path;

use bucketing::{Assign, Provider};
use gate_core::Error;
use serde_json::{Map, Value, json};

use crate::seen::allocation::Broken;
use crate::settings::{AlsoRunning, ProviderSpec, Settings};

/// Why a service cannot be asked.
pub(super) enum Unusable {
    /// There is no configuration.
    File(Error),
    /// There is one, and something is wrong with it.
    Config(Broken),
}

/// One that can be asked.
pub(super) struct Service {
    pub provider: &'static Provider,
    pub config: Value,
    pub settings: BTreeMap<String, String>,
    /// The file, for people.
    file: String,
}

impl Service {
    /// That of the experiment.
    pub(super) fn of(
        spec: &Settings,
        provider: &ProviderSpec,
        folder: &Path,
    ) -> Result<Service, Unusable> {
        let found = find(&provider.kind)?;
        match &provider.config {
            Some(file) => Ok(Service {
                provider: found,
                config: read(&folder.join(file), file)?,
                settings: provider.settings.clone(),
                file: file.clone(),
            }),
            None => Ok(Service {
                provider: found,
                config: in_words(spec, provider),
                settings: BTreeMap::new(),
                file: "provider".to_owned(),
            }),
        }
    }

    /// That of another experiment among the same visitors.
    pub(super) fn of_other(
        other: &AlsoRunning,
        own: &Service,
        provider: &ProviderSpec,
        folder: &Path,
    ) -> Result<Service, Unusable> {
        let is_same = other.kind.as_ref().is_none_or(|kind| *kind == provider.kind);
        let mut settings = if is_same { own.settings.clone() } else { BTreeMap::new() };
        settings.extend(other.settings.clone());
        let found = find(other.kind.as_deref().unwrap_or(&provider.kind))?;
        let (config, file) = match &other.config {
            Some(file) => (read(&folder.join(file), file)?, file.clone()),
            None => (own.config.clone(), own.file.clone()),
        };
        Ok(Service { provider: found, config, settings, file })
    }

    /// The same with another configuration.
    pub(super) fn with(&self, config: Value) -> Service {
        let (settings, file) = (self.settings.clone(), self.file.clone());
        Service { provider: self.provider, config, settings, file }
    }

    /// The same with the configuration of another file.
    pub(super) fn with_file(&self, file: &Path) -> Result<Service, Unusable> {
        let name = file.display().to_string();
        let config = read(file, &name)?;
        Ok(Service { file: name, ..self.with(config) })
    }

    /// Makes an experiment ready to be asked.
    pub(super) fn prepare(&self, key: &str) -> Result<Box<dyn Assign>, Unusable> {
        self.provider.prepare(&self.config, key, &self.settings).map_err(|error| {
            let is_setting = self.provider.settings.iter().any(|one| one.name == error.place);
            let (of, place) = if is_setting {
                ("provider.settings", error.place)
            } else {
                (self.file.as_str(), error.place)
            };
            let place = if place.is_empty() { of.to_owned() } else { format!("{of}: {place}") };
            Unusable::Config(Broken { place, message: error.message, hint: error.hint })
        })
    }
}

fn find(kind: &str) -> Result<&'static Provider, Unusable> {
    bucketing::find(kind).map_err(|error| {
        let (place, message, hint) = ("provider".to_owned(), error.message, error.hint);
        Unusable::Config(Broken { place, message, hint })
    })
}

fn read(path: &Path, name: &str) -> Result<Value, Unusable> {
    let bytes = std::fs::read(path).map_err(|error| {
        let error = Error::new(format!("the configuration {name} cannot be read: {error}"));
        Unusable::File(error.hint("export it at the service, and name it in provider.config"))
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let hint = Some("export it again: is it whole, and in JSON?".to_owned());
        let message = format!("this is no JSON: {error}");
        Unusable::Config(Broken { place: name.to_owned(), message, hint })
    })
}

/// A hash of one's own, as the spec's settings say it; arms in the order of `weights` among these, or
/// else of the split.
fn in_words(spec: &Settings, provider: &ProviderSpec) -> Value {
    let mut all: Map<String, Value> = Map::new();
    for (name, text) in &provider.settings {
        let number = text
            .parse::<u64>()
            .ok()
            .filter(|_| matches!(name.as_str(), "modulus" | "seed" | "bytes"));
        all.insert(name.clone(), number.map_or_else(|| Value::from(text.as_str()), Value::from));
    }
    let arms: Vec<Value> = match provider.settings.get("weights") {
        Some(weights) => {
            let pairs = weights.split(',').filter_map(|one| one.split_once('='));
            let weight = |text: &str| text.trim().parse::<f64>().unwrap_or_default();
            pairs.map(|(name, of)| json!({ "name": name.trim(), "weight": weight(of) })).collect()
        }
        None => {
            let name = |arm: &String| provider.arms.get(arm).unwrap_or(arm).clone();
            let arm = |(arm, share): (&String, &gate_core::values::Percent)| json!({ "name": name(arm), "weight": share.fraction() });
            spec.split.iter().map(arm).collect()
        }
    };
    all.remove("weights");
    all.insert("arms".to_owned(), arms.into());
    all.into()
}

/// A namespace of GrowthBook that both experiments are confined to, when their parts of it overlap.
pub(super) fn overlap(one: (&Value, &str), other: (&Value, &str)) -> Option<String> {
    let (name, from, to) = namespace(one.0, one.1)?;
    let (same, start, end) = namespace(other.0, other.1)?;
    let is_overlapping = from.max(start) < to.min(end);
    (name == same && is_overlapping).then_some(name)
}

fn namespace(config: &Value, key: &str) -> Option<(String, f64, f64)> {
    let read = |rule: &Value| {
        let all = rule.get("namespace")?.as_array()?;
        Some((all.first()?.as_str()?.to_owned(), all.get(1)?.as_f64()?, all.get(2)?.as_f64()?))
    };
    super::ramp::rules(config, key).into_iter().find_map(read)
}
