//! Schemas, made ready once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{Draft, PatternOptions, Validator};

use super::Version;
use super::bundle::{Bundle, bundle};
use super::files::{Files, Place};

/// The stack of a thread that follows references, in bytes: schemas refer to one another up to a
/// few thousand times, and each step takes some of it. What is not used is never taken.
const STACK: usize = 512 << 20;
/// How large a pattern may become, in bytes.
const PATTERN: usize = 4 << 20;
/// How often a pattern may try again.
const TRIES: usize = 100_000;

/// A schema that values can be held against.
pub(super) struct Schema {
    pub(super) validator: Validator,
    places: Vec<Place>,
}

impl Schema {
    /// Where in the document something stands, from where it stands in the bundle.
    pub(super) fn place(&self, path: &str, files: &Files) -> String {
        let inner = path.strip_prefix("/$defs/s");
        let inner = inner.map(|rest| rest.split_once('/').unwrap_or((rest, "")));
        let part = inner.and_then(|(number, rest)| {
            let place = self.places.get(number.parse::<usize>().ok()?)?;
            Some((place, rest))
        });
        let Some((place, rest)) = part else { return path.to_owned() };
        let rest: String = rest
            .split('/')
            // What a member that may be null was put into.
            .filter(|step| !step.is_empty() && *step != "else")
            .map(|step| format!("/{step}"))
            .collect();
        format!("{}#{}{rest}", files.name(place.file), place.pointer)
    }
}

/// All schemas that were asked for.
#[derive(Default)]
pub(super) struct Schemas(Mutex<HashMap<Place, Result<Arc<Schema>, String>>>);

impl Schemas {
    /// The schema at a place; made ready when it is asked for the first time.
    pub(super) fn at(
        &self,
        place: &Place,
        files: &Files,
        version: Version,
    ) -> Result<Arc<Schema>, String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = all.get(place) {
            return schema.clone();
        }
        let schema = on_large_stack(|| ready(place, files, version)).and_then(|made| made);
        let schema = schema.map(Arc::new);
        all.insert(place.clone(), schema.clone());
        schema
    }
}

impl Drop for Schemas {
    fn drop(&mut self) {
        let all = std::mem::take(&mut self.0);
        // What is nested deeply is dropped by going as deep.
        let _ = on_large_stack(move || drop(all));
    }
}

fn ready(place: &Place, files: &Files, version: Version) -> Result<Schema, String> {
    let Bundle { schema, places } = bundle(files, version, place)?;
    let patterns = PatternOptions::fancy_regex().backtrack_limit(TRIES).size_limit(PATTERN);
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_pattern_options(patterns)
        .with_format("byte", is_base64)
        .offline()
        .build(&schema)
        .map_err(|error| wrong(&error))?;
    Ok(Schema { validator, places })
}

fn is_base64(text: &str) -> bool {
    crate::import::decode_base64(text).is_some()
}

/// Why a schema is none; what it says may be long.
fn wrong(error: &jsonschema::ValidationError<'_>) -> String {
    let text: String = error.masked_with("it").to_string().chars().take(200).collect();
    format!("its schema is no JSON Schema: {text}")
}

/// Does what may go deep where there is room for it.
pub(super) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| format!("no thread could be started: {error}"))?;
        thread.join().map_err(|_| "its schema could not be worked with".to_owned())
    })
}
