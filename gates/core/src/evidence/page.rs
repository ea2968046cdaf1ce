use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Role, SeriesEvidence, Structured, TableEvidence, schema_tag};

schema_tag!(PageSchema, "gate-evidence-page/v1");

/// A page for people: headings, text, tables and charts. Also what a tool of a kind answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// Always `gate-evidence-page/v1`.
    #[serde(default)]
    pub schema: PageSchema,
    /// The page's title.
    pub title: String,
    /// From top to bottom.
    pub blocks: Vec<Block>,
}

impl Structured for Page {
    const ROLE: Role = Role::Page;
}

/// One part of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A heading.
    Heading(String),
    /// A paragraph of plain text.
    Text(String),
    /// Points of plain text.
    List(Vec<String>),
    /// Rows and columns.
    Table(TableEvidence),
    /// Lines of a chart.
    Series(SeriesEvidence),
    /// Bars with a middle, on one axis.
    Intervals {
        /// The unit of all values.
        unit: String,
        /// From top to bottom.
        intervals: Vec<Interval>,
    },
    /// Questions for a tool of the kind.
    Form {
        /// Which tool answers.
        tool: String,
        /// The questions.
        fields: Vec<FormField>,
    },
}

/// An estimate with its uncertainty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// What was estimated.
    pub label: String,
    /// Lower end.
    pub low: f64,
    /// The estimate.
    pub middle: f64,
    /// Upper end.
    pub high: f64,
    /// A line to hold it against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
}

/// One question of a form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FormField {
    /// The property of the tool's input that it fills.
    pub name: String,
    /// What the person is asked.
    pub label: String,
    /// What stands there at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
}
