//! When two values of JSON say the same, as stubs mean it.

use serde_json::Value;

use super::matcher::{Matcher, has_placeholder};
use crate::canonical::{JsonPath, Step};

/// A value, and what of another may differ from it.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonRule {
    /// The value. Texts such as `${json-unit.any-string}` stand for any value of a kind.
    pub value: Value,
    /// Whether lists may be in another order.
    pub any_order: bool,
    /// Whether there may be more members and elements.
    pub may_have_more: bool,
}

impl JsonRule {
    /// Whether a value fits.
    pub fn fits(&self, there: &Value) -> bool {
        self.same(&self.value, there)
    }

    fn same(&self, wanted: &Value, there: &Value) -> bool {
        match (wanted, there) {
            (Value::String(text), there) if text.starts_with("${json-unit.") => {
                match text.as_str() {
                    "${json-unit.any-string}" => there.is_string(),
                    "${json-unit.any-number}" => there.is_number(),
                    "${json-unit.any-boolean}" => there.is_boolean(),
                    "${json-unit.ignore}" | "${json-unit.ignore-element}" => true,
                    _ => wanted == there,
                }
            }
            (Value::Object(wanted), Value::Object(there)) => {
                (self.may_have_more || wanted.len() == there.len())
                    && wanted.iter().all(|(name, value)| {
                        there.get(name).is_some_and(|there| self.same(value, there))
                    })
            }
            (Value::Array(wanted), Value::Array(there)) => self.same_list(wanted, there),
            (Value::Number(one), Value::Number(other)) => {
                one == other || one.as_f64() == other.as_f64()
            }
            _ => wanted == there,
        }
    }

    fn same_list(&self, wanted: &[Value], there: &[Value]) -> bool {
        if wanted.len() > there.len() || (!self.may_have_more && wanted.len() != there.len()) {
            return false;
        }
        if !self.any_order {
            return wanted.iter().zip(there).all(|(one, other)| self.same(one, other));
        }
        let mut left: Vec<&Value> = there.iter().collect();
        wanted.iter().all(|one| {
            let found = left.iter().position(|other| self.same(one, other));
            found.map(|at| left.swap_remove(at)).is_some()
        })
    }
}

/// Whether something in a value stands in the place of a secret.
pub(super) fn is_redacted(value: &Value) -> bool {
    match value {
        Value::String(text) => has_placeholder(text.as_bytes()),
        Value::Array(elements) => elements.iter().any(is_redacted),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| has_placeholder(name.as_bytes()) || is_redacted(value)),
        _ => false,
    }
}

/// Whether there is such a place, with a value that fits.
pub(super) fn has(value: &Value, path: &JsonPath, wanted: Option<&Matcher>) -> bool {
    let mut found = false;
    let mut here = Vec::new();
    walk(value, &mut here, &mut |place, value| {
        found |= path.matches(place)
            && match (wanted, value) {
                (None, value) => !value.is_null(),
                (Some(wanted), Value::String(text)) => wanted.fits(Some(text.as_bytes())),
                (Some(wanted), value) => wanted.fits(Some(value.to_string().as_bytes())),
            };
    });
    found || (matches!(wanted, Some(Matcher::Absent)) && !has(value, path, None))
}

fn walk(value: &Value, place: &mut Vec<Step>, see: &mut impl FnMut(&[Step], &Value)) {
    see(place, value);
    let mut below = |step: Step, value: &Value| {
        place.push(step);
        walk(value, place, see);
        place.pop();
    };
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| below(Step::Member(name.clone()), value));
        }
        Value::Array(elements) => {
            (0..).zip(elements).for_each(|(at, value)| below(Step::Element(at), value));
        }
        _ => {}
    }
}
