use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::diagnosis::Diagnosis;
use super::document::Place;
use super::yaml::{self, Spot};
use super::{Reading, SpecFile, did_you_mean};
use crate::values::{Template, Vars};

/// `gate.yaml`: where things are.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Globs of spec files, relative to this file.
    #[serde(default = "default_specs")]
    pub specs: Vec<String>,
    /// The running versions that gates look at.
    #[serde(default)]
    pub environments: BTreeMap<String, EnvironmentSpec>,
    /// Which version is to follow which.
    #[serde(default)]
    pub promotions: BTreeMap<String, Promotion>,
    /// Where the values of secrets come from.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretSource>,
    /// Kinds that are executables of their own.
    #[serde(default)]
    pub plugins: Vec<PluginSpec>,
}

fn default_specs() -> Vec<String> {
    vec!["specs/**/*.yaml".to_owned()]
}

impl Default for Config {
    fn default() -> Config {
        Config {
            specs: default_specs(),
            environments: BTreeMap::new(),
            promotions: BTreeMap::new(),
            secrets: BTreeMap::new(),
            plugins: Vec::new(),
        }
    }
}

/// A running version of the site.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Its address, with `http://` or `https://`.
    pub url: Template,
    /// `user:password`, for sites behind basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<Template>,
    /// Headers sent with every request to it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// Cookies sent with every request to it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cookies: BTreeMap<String, Template>,
    /// Whether it is meant when no environment is named.
    #[serde(default)]
    pub default: bool,
}

/// Which version is to follow which.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// The environment that may be promoted.
    pub candidate: String,
    /// The environment that it would replace.
    pub baseline: String,
    /// The gates that guard it: those that have all of these tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Where the value of a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// A variable of the environment.
    Env(String),
    /// A file, relative to `gate.yaml`; a line end at its end does not count.
    File(PathBuf),
}

/// An executable that is a kind of gate.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginSpec {
    /// The kind that specs name.
    pub kind: String,
    /// The program and its arguments, relative to the workspace.
    pub command: Vec<String>,
}

impl Config {
    /// Reads `gate.yaml`, and reports its first structural or all of its semantic mistakes.
    pub fn read(file: &SpecFile, vars: &dyn Vars) -> Result<Config, Vec<Diagnosis>> {
        let place = Place { file, text: &file.text, first_line: 1 };
        let tree = yaml::parse(&file.text).map_err(|error| vec![place.syntax(&error)])?;
        let config: Config =
            Reading::deferring(vars).read(&tree).map_err(|error| vec![place.read(&error)])?;
        let found: Vec<_> = config
            .mistakes()
            .into_iter()
            .map(|(path, message, hint)| {
                let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
                place.at(yaml::position(&file.text, &path, Spot::Value), message, hint)
            })
            .collect();
        if found.is_empty() { Ok(config) } else { Err(found) }
    }

    fn mistakes(&self) -> Vec<(Vec<&str>, String, Option<String>)> {
        let mut found = Vec::new();
        for (name, promotion) in &self.promotions {
            for (role, environment) in
                [("candidate", &promotion.candidate), ("baseline", &promotion.baseline)]
            {
                if !self.environments.contains_key(environment) {
                    found.push((
                        vec!["promotions", name, role],
                        format!("there is no environment `{environment}`"),
                        self.environment_hint(environment),
                    ));
                }
            }
        }
        let mut defaults = self.environments.iter().filter(|(_, spec)| spec.default).skip(1);
        if let Some((name, _)) = defaults.next() {
            let message = "a second environment is the default".to_owned();
            found.push((vec!["environments", name, "default"], message, None));
        }
        for (name, environment) in &self.environments {
            for secret in environment.secrets() {
                if !self.secrets.contains_key(secret) {
                    found.push((
                        vec!["environments", name],
                        format!("there is no secret `{secret}`"),
                        Some(format!("add it: secrets: {{ {secret}: {{ env: {secret} }} }}")),
                    ));
                }
            }
        }
        found
    }

    /// "did you mean", or the list of the environments that there are.
    pub fn environment_hint(&self, wrong: &str) -> Option<String> {
        let names = || self.environments.keys().map(String::as_str);
        did_you_mean(wrong, names()).or_else(|| {
            let all: Vec<_> = names().collect();
            (!all.is_empty()).then(|| format!("there are: {}", all.join(", ")))
        })
    }
}

impl EnvironmentSpec {
    /// An environment at an address, with nothing else to it.
    pub fn at(url: &Url) -> EnvironmentSpec {
        EnvironmentSpec {
            url: Template::parse(url.as_str()).unwrap_or_default(),
            basic_auth: None,
            headers: BTreeMap::new(),
            cookies: BTreeMap::new(),
            default: false,
        }
    }

    /// All of its templates.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        [Some(&self.url), self.basic_auth.as_ref()]
            .into_iter()
            .flatten()
            .chain(self.headers.values())
            .chain(self.cookies.values())
    }

    /// The secrets that it names.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.templates().flat_map(Template::secrets)
    }

    /// The same with its plain variables filled in; the error is the name that is not set.
    pub fn expand(&self, vars: &dyn Vars) -> Result<EnvironmentSpec, String> {
        let all = |map: &BTreeMap<String, Template>| -> Result<_, String> {
            map.iter().map(|(name, value)| Ok((name.clone(), value.expand(vars)?))).collect()
        };
        Ok(EnvironmentSpec {
            url: self.url.expand(vars)?,
            basic_auth: self.basic_auth.as_ref().map(|auth| auth.expand(vars)).transpose()?,
            headers: all(&self.headers)?,
            cookies: all(&self.cookies)?,
            default: self.default,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Vec<String>> {
        let file = SpecFile::new("gate.yaml".into(), "gate.yaml".into(), text.as_bytes()).unwrap();
        Config::read(&file, &|_: &str| None)
            .map_err(|found| found.iter().map(ToString::to_string).collect())
    }

    const GOOD: &str = "
environments:
  test: { url: \"${TEST_URL:-http://localhost:8080}\", basic_auth: \"${secret:PREVIEW}\" }
  live: { url: https://www.example.com, headers: { x-key: \"k ${secret:PREVIEW}\" } }
promotions:
  test-to-live: { candidate: test, baseline: live, tags: [promotion] }
secrets:
  PREVIEW: { env: PREVIEW_AUTH }
  CRM: { file: /run/secrets/crm }
plugins:
  - { kind: lighthouse, command: [./tools/gate-lighthouse] }
";

    #[test]
    fn the_example_of_the_manual() {
        let config = read(GOOD).unwrap();
        assert_eq!(config.specs, ["specs/**/*.yaml"]);
        // Variables of environments wait until the environment is in use.
        assert_eq!(
            config.environments["test"].url.to_string(),
            "${TEST_URL:-http://localhost:8080}"
        );
        assert_eq!(config.secrets["CRM"], SecretSource::File("/run/secrets/crm".into()));
    }

    fn check(text: &str, expect: &[&str]) {
        assert_eq!(read(text).unwrap_err(), expect);
    }

    #[test]
    fn mistakes_have_places() {
        check("enviroments: {}\n", &["gate.yaml:1:1: unknown field `enviroments`"]);
        check(
            "environments:\n  live: {url: http://a}\npromotions:\n  p: {candidate: tset, baseline: liev}\n",
            &[
                "gate.yaml:4:18: there is no environment `tset`",
                "gate.yaml:4:34: there is no environment `liev`",
            ],
        );
        check(
            "environments:\n  live: {url: \"http://${secret:X}\"}\n",
            &["gate.yaml:2:9: there is no secret `X`"],
        );
        check(
            "secrets:\n  A: {vault: x}\n",
            &["gate.yaml:2:7: `vault` is not one of `env`, `file`"],
        );
    }
}
