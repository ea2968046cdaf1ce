use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Role, Structured, schema_tag};

schema_tag!(ExchangeSchema, "gate-evidence-exchange/v1");

/// A request and the response it got, beside the response that was expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeEvidence {
    /// Always `gate-evidence-exchange/v1`.
    #[serde(default)]
    pub schema: ExchangeSchema,
    /// What was asked.
    pub request: Request,
    /// What came back; absent when nothing did.
    pub response: Option<Response>,
    /// What should have come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Response>,
    /// Where the two differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

impl Structured for ExchangeEvidence {
    const ROLE: Role = Role::Exchange;
}

/// A request over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Absolute.
    pub url: String,
    /// Names in lower case; repeated headers keep their order.
    #[serde(default)]
    pub headers: BTreeMap<String, Vec<String>>,
    /// As text, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// A response over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case; repeated headers keep their order.
    #[serde(default)]
    pub headers: BTreeMap<String, Vec<String>>,
    /// As text, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// One place where two responses differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Where: `status`, `headers.content-type`, `body.items[0].id`.
    pub path: String,
    /// What sort: `removed`, `added`, `type`, `value`.
    pub kind: String,
    /// What it was.
    pub before: serde_json::Value,
    /// What it is now.
    pub after: serde_json::Value,
}
