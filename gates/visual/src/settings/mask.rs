//! Parts of a page that may change.

use std::borrow::Cow;
use std::str::FromStr;

use gate_core::evidence::Area;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A part of a page that may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaskSpec {
    /// The boxes of all elements that match this CSS selector.
    Selector(String),
    /// An area in CSS pixels from the top left of the page.
    Area(Area),
}

impl FromStr for MaskSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<MaskSpec, String> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        if let [x, y, width, height] = parts[..]
            && let Ok([x, y, width, height]) = [x, y, width, height]
                .map(str::parse::<u32>)
                .into_iter()
                .collect::<Result<Vec<_>, _>>()
                .map(|v| [v[0], v[1], v[2], v[3]])
        {
            return Ok(MaskSpec::Area(Area { x, y, width, height }));
        }
        if text.trim().is_empty() {
            return Err("an empty selector matches nothing".to_owned());
        }
        Ok(MaskSpec::Selector(text.to_owned()))
    }
}

impl Serialize for MaskSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            MaskSpec::Selector(selector) => serializer.serialize_str(selector),
            MaskSpec::Area(Area { x, y, width, height }) => {
                serializer.collect_str(&format_args!("{x},{y},{width},{height}"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for MaskSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MaskSpec, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for MaskSpec {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Mask".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "a CSS selector, or an area as \"x,y,width,height\""
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_selectors_or_areas() {
        assert_eq!(
            "1, 2,3,4".parse(),
            Ok(MaskSpec::Area(Area { x: 1, y: 2, width: 3, height: 4 }))
        );
        assert_eq!(".a, .b".parse(), Ok(MaskSpec::Selector(".a, .b".to_owned())));
        assert!(" ".parse::<MaskSpec>().is_err());
    }
}
