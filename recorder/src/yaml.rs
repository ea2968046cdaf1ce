//! YAML, in the one module that knows serde_yaml.

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

/// Reads a text of a known shape. The error says where.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

/// Writes what has no shape that YAML could not hold.
pub(crate) fn write(value: &impl Serialize) -> String {
    serde_yaml::to_string(value).expect("what is written here are maps, lists and texts")
}

/// Reads a text of any shape, its tags included: `!!binary` is handed on as the variant
/// `std:binary`, `!ruby/x` as `ruby/x`. No tag makes anything; what is tagged is data.
pub(crate) fn read_tagged<'t, S: DeserializeSeed<'t>>(
    text: &str,
    buffer: &'t mut String,
    seed: S,
) -> Result<S::Value, String> {
    // serde_yaml hands a tag on when it begins with an exclamation mark, and the standard ones do
    // not: this gives them another beginning.
    buffer.push_str("%TAG !! !std:\n");
    if !text.lines().any(|line| line.trim_end() == "---" || line.starts_with("--- ")) {
        buffer.push_str("---\n");
    }
    buffer.push_str(text);
    seed.deserialize(serde_yaml::Deserializer::from_str(buffer)).map_err(|error| error.to_string())
}
