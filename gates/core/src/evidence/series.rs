use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Role, Structured, schema_tag};

schema_tag!(SeriesSchema, "gate-evidence-series/v1");

/// Values over time or another axis, to be drawn as lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesEvidence {
    /// Always `gate-evidence-series/v1`.
    #[serde(default)]
    pub schema: SeriesSchema,
    /// The common axis.
    pub x: Axis,
    /// One line each.
    pub series: Vec<Series>,
    /// Horizontal lines to hold the values against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<SeriesLimit>,
}

impl Structured for SeriesEvidence {
    const ROLE: Role = Role::Series;
}

/// A name with a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Axis {
    /// Such as `time`.
    pub name: String,
    /// Such as `s`.
    pub unit: String,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Such as `p95`.
    pub name: String,
    /// Such as `ms`.
    pub unit: String,
    /// `[x, y]`, by rising x.
    pub points: Vec<[f64; 2]>,
    /// `[low, high]` around each point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<Vec<[f64; 2]>>,
}

/// A horizontal line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesLimit {
    /// What it means.
    pub name: String,
    /// Where it lies.
    pub value: f64,
}
