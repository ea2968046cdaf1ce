//! The fields of a JSON object, taken out one by one: what is left in the end was not understood,
//! and the report of an import says so.

use serde_json::{Map, Value};

/// The fields that nobody has asked for yet.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn of(value: Value) -> Option<Fields> {
        match value {
            Value::Object(fields) => Some(Fields(fields)),
            _ => None,
        }
    }

    /// Adds the fields that others have in common, where these have none of that name.
    pub(super) fn fill_in(&mut self, shared: Option<&Value>) {
        for (name, value) in shared.and_then(Value::as_object).into_iter().flatten() {
            self.0.entry(name).or_insert_with(|| value.clone());
        }
    }

    /// Whether a text stands anywhere in them.
    pub(super) fn hold(&self, text: &str) -> bool {
        self.0.values().any(|value| value.to_string().contains(text))
    }

    /// Any value that says something: no null, no empty text, no empty list.
    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        })
    }

    /// A text; anything else stays.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text),
            other => self.back(name, other),
        }
    }

    /// A number, also one that is written as a text; anything else stays.
    pub(super) fn number(&mut self, name: &str) -> Option<f64> {
        let value = self.value(name)?;
        let number = match &value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number: &f64| number.is_finite()).or_else(|| self.back(name, value))
    }

    /// One text or a list of texts; anything else stays.
    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        match self.value(name) {
            None => Vec::new(),
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(other) => self.back(name, other).unwrap_or_default(),
        }
    }

    /// A list of objects; anything else stays.
    pub(super) fn objects(&mut self, name: &str) -> Vec<Fields> {
        match self.value(name) {
            None => Vec::new(),
            Some(Value::Array(items)) if items.iter().all(Value::is_object) => {
                items.into_iter().filter_map(Fields::of).collect()
            }
            Some(other) => self.back(name, other).unwrap_or_default(),
        }
    }

    /// The names of the fields that are left and say something.
    pub(super) fn left(self) -> Vec<String> {
        let says = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            Value::Bool(true) => true,
        };
        self.0.into_iter().filter(|(_, value)| says(value)).map(|(name, _)| name).collect()
    }

    fn back<T>(&mut self, name: &str, value: Value) -> Option<T> {
        self.0.insert(name.to_owned(), value);
        None
    }
}
