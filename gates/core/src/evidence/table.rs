use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Role, Structured, schema_tag};

schema_tag!(TableSchema, "gate-evidence-table/v1");

/// Rows and columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableEvidence {
    /// Always `gate-evidence-table/v1`.
    #[serde(default)]
    pub schema: TableSchema,
    /// From left to right.
    pub columns: Vec<Column>,
    /// Each as long as `columns`; a cell is a text, a number, a truth value or null.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// A sentence below the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Structured for TableEvidence {
    const ROLE: Role = Role::Table;
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// The unit of its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// To which side its cells are set.
    #[serde(default)]
    pub align: Align,
}

/// To which side the cells of a column are set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// Text.
    #[default]
    Left,
    /// Numbers.
    Right,
}
