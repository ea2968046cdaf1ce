//! YAML, in the one module that knows serde_yaml.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a text of a known shape. The error says where.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

/// Writes what has no shape that YAML could not hold.
pub(crate) fn write(value: &impl Serialize) -> String {
    serde_yaml::to_string(value).expect("what is written here are maps, lists and texts")
}
