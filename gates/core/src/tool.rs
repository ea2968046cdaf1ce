//! Tools: questions that people put to a kind, outside of any run.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Problem;
use crate::evidence::Page;

/// A question that people can put to a kind, in the review application or by `gate tool`.
///
/// It computes and reads nothing but its input. It is asked on a thread of its own; after a while
/// nobody waits for the answer any more.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Unique among all kinds of a binary, of letters, digits and hyphens: `colour-difference`.
    pub id: &'static str,
    /// The question.
    pub title: &'static str,
    /// The draft-07 schema of its input, an object; see [`input_schema`]. The form is drawn from
    /// it: the required fields as they stand there, then the others by name.
    pub input: fn() -> Value,
    /// Answers it, or says what is wrong with the input: see [`Problem::of_field`] and
    /// [`Problem::of_input`].
    pub run: fn(Value) -> Result<Page, Vec<Problem>>,
}

/// The schema of a tool's input, from its type.
pub fn input_schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<T>().to_value()
}

/// A tool's input as its type. Whoever asks holds it against the schema first, so that little is
/// left to go wrong here.
pub fn read_input<T: DeserializeOwned>(input: Value) -> Result<T, Vec<Problem>> {
    serde_json::from_value(input).map_err(|error| vec![Problem::of_input(error.to_string())])
}
