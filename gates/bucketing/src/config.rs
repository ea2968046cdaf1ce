//! Values of a service's configuration with the place where each lies, so that what is malformed
//! or unknown is said with its place.

use std::fmt;

use serde_json::{Map, Value};

/// Why a configuration, a setting or an input of a hash cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where it lies: `features.hero.rules[2].weights`, or the name of a setting.
    pub place: String,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// What would be right, when that is known.
    pub hint: Option<String>,
}

impl Error {
    /// At a place, without a hint.
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Error {
        Error { place: place.into(), message: message.into(), hint: None }
    }

    /// With what would be right.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => write!(f, "{}", self.message),
            place => write!(f, "{place}: {}", self.message),
        }
    }
}

impl std::error::Error for Error {}

/// A value of the configuration and its place.
#[derive(Debug, Clone)]
pub struct Node<'v> {
    value: &'v Value,
    place: String,
}

impl<'v> Node<'v> {
    /// The whole configuration.
    pub fn root(value: &'v Value) -> Node<'v> {
        Node { value, place: String::new() }
    }

    /// A value whose place is known from elsewhere.
    pub fn at(place: String, value: &'v Value) -> Node<'v> {
        Node { value, place }
    }

    /// The value itself.
    pub fn value(&self) -> &'v Value {
        self.value
    }

    /// Where it lies.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// An error about this value.
    pub fn fail(&self, message: impl Into<String>) -> Error {
        let place = if self.place.is_empty() { "the configuration" } else { &self.place };
        Error::new(place, message)
    }

    fn wanted(&self, what: &str) -> Error {
        let is = match self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "a truth value".to_owned(),
            Value::Number(number) => format!("the number {number}"),
            Value::String(_) => "a text".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
        };
        self.fail(format!("is {is}, not {what}"))
    }

    /// A field of an object; none when it is missing or null, or when this is no object.
    pub fn get(&self, name: &str) -> Option<Node<'v>> {
        match self.value.get(name) {
            None | Some(Value::Null) => None,
            Some(value) => Some(self.under(name, value)),
        }
    }

    /// A field that has to be there.
    pub fn need(&self, name: &str) -> Result<Node<'v>, Error> {
        self.object()?;
        self.get(name).ok_or_else(|| self.fail(format!("has no \"{name}\"")))
    }

    fn under(&self, name: &str, value: &'v Value) -> Node<'v> {
        let place = match self.place.as_str() {
            "" => name.to_owned(),
            place => format!("{place}.{name}"),
        };
        Node { value, place }
    }

    /// As an object.
    pub fn object(&self) -> Result<&'v Map<String, Value>, Error> {
        self.value.as_object().ok_or_else(|| self.wanted("an object"))
    }

    /// The fields of an object; null ones too.
    pub fn fields(&self) -> Result<Vec<(&'v str, Node<'v>)>, Error> {
        let object = self.object()?;
        Ok(object.iter().map(|(name, value)| (name.as_str(), self.under(name, value))).collect())
    }

    /// The items of a list.
    pub fn items(&self) -> Result<Vec<Node<'v>>, Error> {
        let items = self.value.as_array().ok_or_else(|| self.wanted("a list"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(at, value)| Node { value, place: format!("{}[{at}]", self.place) })
            .collect())
    }

    /// The items of a list in a field; empty when the field is missing or null.
    pub fn list(&self, name: &str) -> Result<Vec<Node<'v>>, Error> {
        self.get(name).map_or(Ok(Vec::new()), |list| list.items())
    }

    /// As a text.
    pub fn text(&self) -> Result<&'v str, Error> {
        self.value.as_str().ok_or_else(|| self.wanted("a text"))
    }

    /// As a number.
    pub fn number(&self) -> Result<f64, Error> {
        self.value.as_f64().ok_or_else(|| self.wanted("a number"))
    }

    /// As a whole number of at least 0.
    pub fn whole(&self) -> Result<u64, Error> {
        let whole = |number: f64| number >= 0.0 && number.fract() == 0.0 && number < 9e15;
        match self.value.as_u64() {
            Some(number) => Ok(number),
            None => match self.value.as_f64() {
                Some(number) if whole(number) => Ok(number as u64),
                _ => Err(self.wanted("a whole number of at least 0")),
            },
        }
    }

    /// As a truth value.
    pub fn truth(&self) -> Result<bool, Error> {
        self.value.as_bool().ok_or_else(|| self.wanted("true or false"))
    }

    /// A text in a field, when it is there.
    pub fn text_at(&self, name: &str) -> Result<Option<&'v str>, Error> {
        self.get(name).map(|node| node.text()).transpose()
    }

    /// A number in a field, when it is there.
    pub fn number_at(&self, name: &str) -> Result<Option<f64>, Error> {
        self.get(name).map(|node| node.number()).transpose()
    }

    /// A truth value in a field; false when it is not there.
    pub fn truth_at(&self, name: &str) -> Result<bool, Error> {
        self.get(name).map_or(Ok(false), |node| node.truth())
    }

    /// Texts in a list in a field; empty when it is not there.
    pub fn texts_at(&self, name: &str) -> Result<Vec<String>, Error> {
        self.list(name)?.iter().map(|item| item.text().map(str::to_owned)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let config = json!({"features": {"hero": {"rules": [{"weights": [0.5, "half"]}]}}});
        let rules = Node::root(&config).get("features").unwrap().get("hero").unwrap();
        let rule = rules.list("rules").unwrap().remove(0);
        let weights = rule.list("weights").unwrap();
        let said = weights[1].number().unwrap_err().to_string();
        assert_eq!(said, "features.hero.rules[0].weights[1]: is a text, not a number");
        let said = rule.need("variations").unwrap_err().to_string();
        assert_eq!(said, "features.hero.rules[0]: has no \"variations\"");
        let said = Node::root(&config).items().unwrap_err().to_string();
        assert_eq!(said, "the configuration: is an object, not a list");
    }

    #[test]
    fn whole_numbers_may_be_written_with_a_point() {
        let check = |value: Value, expect: Option<u64>| {
            assert_eq!(Node::root(&value).whole().ok(), expect, "{value}");
        };
        check(json!(3), Some(3));
        check(json!(3.0), Some(3));
        check(json!(3.5), None);
        check(json!(-1), None);
    }
}
