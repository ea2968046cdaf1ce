use std::collections::BTreeMap;
use std::time::Duration;

use gate_core::values::{DurationValue, Template};
use gate_core::{Json, Problem, json};
use gate_request::{Assert, Expression, Line};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::able;

/// One request, and what has to hold of its answer. The words are Hurl's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestSpec {
    /// What it is called in reports; without a name, the request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The method, and a path of the service or a whole address: `POST /api/signup`.
    /// `{{NAME}}` stands for what was captured, here and in headers, bodies and asserts;
    /// `{{newUuid}}` and `{{newDate}}` for new ones.
    pub request: Line,
    /// Headers, besides those of all requests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// Parameters of the query.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Template>,
    /// `user:password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<Template>,
    /// The fields of a form, as the body.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub form: BTreeMap<String, Template>,
    /// JSON, as the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Json>,
    /// Any text, as the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Template>,
    /// Whether redirects are followed.
    #[serde(default, skip_serializing_if = "able::is_default")]
    pub follow: bool,
    /// How long the answer may take before it is given up.
    #[serde(default = "timeout")]
    pub timeout: DurationValue,
    /// The status that has to be answered. Without it, and without an assert about it, any below
    /// 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What later requests may use, by name: `token: jsonpath "$.access_token"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captures: BTreeMap<String, Expression>,
    /// What has to hold of the answer, in Hurl's words: `jsonpath "$.items" count > 2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asserts: Vec<Assert>,
    /// A JSON Schema that the answer has to follow: a file, relative to the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Kinds of secrets that the answer is meant to hold, such as `jwt`; they are named when an
    /// answer holds one that is not listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_hold: Vec<String>,
}

fn timeout() -> DurationValue {
    DurationValue(Duration::from_secs(30))
}

impl RequestSpec {
    /// What it is called.
    pub(crate) fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.request.to_string())
    }

    /// `tells_time` says whether how long an answer takes says anything of the service.
    pub(super) fn problems(&self, index: usize, tells_time: bool) -> Vec<Problem> {
        let at = |field: &str, message: String| {
            Problem::at(["requests".to_owned(), index.to_string(), field.to_owned()], message)
        };
        let mut found = Vec::new();
        let bodies = [
            ("form", !self.form.is_empty()),
            ("json", self.json.is_some()),
            ("body", self.body.is_some()),
        ];
        let given: Vec<&str> =
            bodies.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect();
        if let [first, second, ..] = given[..] {
            found.push(
                at(second, format!("the body is given by `{first}` already"))
                    .hint("leave one of the two out"),
            );
        }
        if self.status.is_some_and(|status| !(100..=599).contains(&status)) {
            found.push(at("status", "a status lies between 100 and 599".to_owned()));
        }
        for (at, assert) in self.asserts.iter().enumerate() {
            if assert.is_of_duration() && !tells_time {
                let place = ["requests", &index.to_string(), "asserts", &at.to_string()];
                found.push(
                    Problem::at(place, "a recording that answers at once says nothing of time")
                        .hint("leave it out, or let answers take their time: latency: recorded"),
                );
            }
        }
        for name in self.captures.keys() {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || !name.chars().all(plain) {
                let text = format!("`{name}` cannot be the name of a variable");
                found.push(at("captures", text).hint("use letters, digits, `_` and `-`"));
            }
        }
        found
    }

    /// Without what answers are held against.
    pub(super) fn measured_by(&self) -> Json {
        let mut all = serde_json::to_value(self).unwrap_or(Json::Null);
        if let Some(fields) = all.as_object_mut() {
            for limit in ["name", "status", "may_hold"] {
                fields.remove(limit);
            }
            let asked: Vec<&str> = self.asserts.iter().map(Assert::measured_by).collect();
            fields.insert("asserts".to_owned(), json!(asked));
        }
        all
    }
}
