use gate_core::values::{DurationValue, Rate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::time::Duration;

use super::{Wanted, able};

/// How the service is asked again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Methods that are asked with. Others than GET and HEAD may change something there.
    #[serde(default = "safe")]
    pub methods: Vec<String>,
    /// Recordings that are not asked again: `GET /v1/orders/*`. Data that is not there, for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<Wanted>,
    /// Ask no more often than this, such as `5/s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How long an answer may take, and how long the service may ask for patience.
    #[serde(default = "patience")]
    pub patience: DurationValue,
    /// An OpenAPI document (3.0 or 3.1, JSON or YAML) that the answers are held against, too: a
    /// file, relative to the spec. YAML lies outside of the folders where specs are looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openapi: Option<String>,
    /// Places that may differ, such as `$.beta` or `header x-build`, with all that is below them.
    #[serde(default, skip_serializing_if = "able::is_default")]
    pub ignore: Vec<String>,
}

fn safe() -> Vec<String> {
    ["GET", "HEAD"].map(str::to_owned).into()
}

fn patience() -> DurationValue {
    DurationValue(Duration::from_secs(30))
}
