//! What the pictures are compared with.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the pictures are compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Against {
    /// Pictures that somebody approved.
    #[default]
    Baselines,
    /// The version that the promotion would replace.
    Promotion,
    /// A named environment.
    Environment(String),
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Against::Baselines => "baselines",
            Against::Promotion => "promotion",
            Against::Environment(name) => name,
        })
    }
}

impl Serialize for Against {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Against {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Against, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.as_str() {
            "baselines" => Against::Baselines,
            "promotion" => Against::Promotion,
            _ => Against::Environment(text),
        })
    }
}

impl JsonSchema for Against {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Against".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["baselines", "promotion", "live"] })
    }
}
