//! `cassette.yaml`: what a cassette says about itself. It holds no times, so that it changes only
//! when somebody means it.

use std::collections::BTreeSet;

use redact::placeholder::Key;
use redact::{BadSetting, Cleaner, Redactor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canonical::{Ignored, JsonPath, Matching, Part};
use crate::{Error, Result};

/// The schema that the file names.
pub const SCHEMA: &str = "gate-cassette/v1";

/// How a cassette is recorded and looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Always `gate-cassette/v1`.
    pub schema: String,
    /// What of a request counts when it is looked up.
    #[serde(rename = "match", default, skip_serializing_if = "is_default")]
    pub matching: MatchPolicy,
    /// Whether a recording that was used up answers again (its last one).
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_repeats: bool,
    /// What differs each time although nothing has changed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub volatile: Volatile,
    /// What is taken out before anything is written.
    #[serde(default, skip_serializing_if = "is_default")]
    pub redact: RedactPolicy,
}

/// What of a request counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MatchPolicy {
    /// The parts that do [default: method, host, path, query, body].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<BTreeSet<Part>>,
    /// Headers that do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Parameters of the query that do not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_query: Vec<String>,
    /// Fields of forms that do not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_form: Vec<String>,
    /// Places in JSON that do not, such as `$.sent_at`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_json: Vec<String>,
}

/// What of a response may differ without being a change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Volatile {
    /// Headers, besides those that always do (`date` and the like).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Places in JSON, such as `$..updated_at`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub json: Vec<String>,
}

/// What is taken out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RedactPolicy {
    /// Names of further headers, parameters, fields and JSON members whose values are secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Values (regular expressions) that look secret and are not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Platforms whose names for secrets hold for every host, such as `salesforce-marketing-cloud`;
    /// those of a host are chosen without being named here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
    /// Whether personal data (e-mail addresses, telephone numbers) may stay.
    #[serde(skip_serializing_if = "is_default")]
    pub keep_personal: bool,
}

impl RedactPolicy {
    /// What takes the secrets out: these that are known by value, and what the policy says. The key
    /// decides about the placeholders.
    pub fn cleaner(&self, known: Redactor, key: Key) -> Result<Cleaner> {
        let wrong = |error: BadSetting| Error::new(error.to_string());
        let cleaner = Cleaner::new(known, &self.names, key).keeping_personal(self.keep_personal);
        cleaner.allowing(&self.allow).and_then(|it| it.with_profiles(&self.profiles)).map_err(wrong)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            schema: SCHEMA.to_owned(),
            matching: MatchPolicy::default(),
            allow_repeats: false,
            volatile: Volatile::default(),
            redact: RedactPolicy::default(),
        }
    }
}

impl Policy {
    /// From the text of the file.
    pub fn read(text: &str) -> Result<Policy> {
        let policy: Policy = crate::yaml::read(text)
            .map_err(|error| Error::new(format!("reading cassette.yaml: {error}")))?;
        if policy.schema != SCHEMA {
            let text =
                format!("cassette.yaml is {}, which this version cannot read", policy.schema);
            return Err(Error::new(text).hint(format!("it reads {SCHEMA}")));
        }
        policy.matching()?;
        paths(&policy.volatile.json)?;
        policy.redact.cleaner(Redactor::default(), Key([0; 32]))?;
        Ok(policy)
    }

    /// The text of the file.
    pub fn write(&self) -> String {
        crate::yaml::write(self)
    }

    /// What counts when a request is looked up.
    pub fn matching(&self) -> Result<Matching> {
        let wanted = &self.matching;
        Ok(Matching {
            on: wanted.on.clone().unwrap_or_else(|| Matching::default().on),
            headers: wanted.headers.iter().map(|name| name.to_ascii_lowercase()).collect(),
            ignored: Ignored {
                query: wanted.ignore_query.clone(),
                form: wanted.ignore_form.clone(),
                json: paths(&wanted.ignore_json)?,
            },
        })
    }

    /// Where in JSON a response may differ.
    pub fn volatile_json(&self) -> Result<Vec<JsonPath>> {
        paths(&self.volatile.json)
    }
}

fn paths(texts: &[String]) -> Result<Vec<JsonPath>> {
    texts.iter().map(|text| text.parse().map_err(Error::new)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut policy = Policy::default();
        assert_eq!(policy.write(), "schema: gate-cassette/v1\n");
        policy.matching.headers = vec!["Revision".to_owned()];
        policy.matching.on = Some(BTreeSet::from([Part::Method, Part::Path]));
        policy.volatile.json = vec!["$..at".to_owned()];
        assert_eq!(Policy::read(&policy.write()).unwrap(), policy);
        assert_eq!(policy.matching().unwrap().headers, ["revision"]);
    }

    #[test]
    fn a_policy_says_what_is_taken_out() {
        let text = "schema: gate-cassette/v1\nredact:\n  names: [pin]\n  allow: ['0+']\n  \
                    profiles: [meta]\n  keep_personal: true\n";
        let policy = Policy::read(text).unwrap();
        let cleaner = policy.redact.cleaner(Redactor::default(), Key([0; 32])).unwrap();
        let check = |body: &str, stays: bool| {
            let clean = cleaner.body("a", "application/json", body.as_bytes()).into_owned();
            assert_eq!(clean == body.as_bytes(), stays, "{body}");
        };
        check(r#"{"pin":"1234"}"#, false);
        check(r#"{"pin":"0000"}"#, true);
        check(r#"{"appsecret_proof":"x1"}"#, false);
        check(r#"{"email":"kim@example.org"}"#, true);
    }

    #[test]
    fn mistakes_are_said() {
        let check = |text: &str, expect: &str| {
            let error = Policy::read(text).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check("schema: gate-cassette/v9\n", "gate-cassette/v9, which this version cannot read");
        check("schema: gate-cassette/v1\nmatching: {}\n", "unknown field `matching`");
        check("schema: gate-cassette/v1\nmatch: { ignore_json: [at] }\n", "`at` is no path");
        check("schema: gate-cassette/v1\nredact: { profiles: [crm] }\n", "`crm` is no platform");
        check("schema: gate-cassette/v1\nredact: { allow: ['('] }\n", "no regular expression");
        check("[", "reading cassette.yaml");
    }
}
