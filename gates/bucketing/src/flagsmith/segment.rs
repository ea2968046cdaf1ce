//! Flagsmith's segments.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Identity, percentage};
use crate::config::{Error, Node};
use crate::pattern::{Dialect, Pattern};
use crate::script;
use crate::versions::Version;

const OPERATORS: &str = "EQUAL NOT_EQUAL GREATER_THAN GREATER_THAN_INCLUSIVE LESS_THAN \
    LESS_THAN_INCLUSIVE CONTAINS NOT_CONTAINS REGEX IN MODULO IS_SET IS_NOT_SET PERCENTAGE_SPLIT";

#[derive(Debug)]
pub(super) struct Segment {
    key: String,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    kind: Kind,
    conditions: Vec<Condition>,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    All,
    Any,
    None,
}

#[derive(Debug)]
struct Condition {
    /// Empty for the identity's key.
    property: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Order(String, fn(Ordering) -> bool),
    Contains(String, bool),
    Pattern(Pattern),
    In(Vec<String>),
    Modulo(f64, f64),
    Set(bool),
    Percentage(f64),
}

pub(super) fn read(node: &Node<'_>) -> Result<Segment, Error> {
    let key = script::text(Some(node.need("id")?.value())).into_owned();
    let rules = node.list("rules")?.iter().map(rule).collect::<Result<_, _>>()?;
    Ok(Segment { key, rules })
}

fn rule(node: &Node<'_>) -> Result<Rule, Error> {
    let kind = node.need("type")?;
    let kind = match kind.text()? {
        "ALL" => Kind::All,
        "ANY" => Kind::Any,
        "NONE" => Kind::None,
        unknown => return Err(kind.fail(format!("\"{unknown}\" is not known"))),
    };
    Ok(Rule {
        kind,
        conditions: node.list("conditions")?.iter().map(condition).collect::<Result<_, _>>()?,
        rules: node.list("rules")?.iter().map(rule).collect::<Result<_, _>>()?,
    })
}

fn condition(node: &Node<'_>) -> Result<Condition, Error> {
    let value = node.value().get("value").cloned().unwrap_or(Value::Null);
    let text = || match &value {
        Value::Null => String::new(),
        value => script::text(Some(value)).into_owned(),
    };
    let number = |text: &str| {
        text.trim().parse::<f64>().map_err(|_| node.fail(format!("\"{text}\" is not a number")))
    };
    let operator = node.need("operator")?;
    let test = match operator.text()? {
        "EQUAL" => Test::Order(text(), Ordering::is_eq),
        "NOT_EQUAL" => Test::Order(text(), Ordering::is_ne),
        "GREATER_THAN" => Test::Order(text(), Ordering::is_gt),
        "GREATER_THAN_INCLUSIVE" => Test::Order(text(), Ordering::is_ge),
        "LESS_THAN" => Test::Order(text(), Ordering::is_lt),
        "LESS_THAN_INCLUSIVE" => Test::Order(text(), Ordering::is_le),
        "CONTAINS" => Test::Contains(text(), true),
        "NOT_CONTAINS" => Test::Contains(text(), false),
        "REGEX" => {
            // Python's `match` begins at the start of the text.
            let pattern = Pattern::read(&format!("^(?:{})", text()), Dialect::Script, false);
            Test::Pattern(pattern.map_err(|why| node.fail(format!("is not a pattern: {why}")))?)
        }
        "IN" => Test::In(list(&value)),
        "MODULO" => {
            let text = text();
            let parts =
                text.split_once('|').ok_or_else(|| node.fail("has no divisor|remainder"))?;
            Test::Modulo(number(parts.0)?, number(parts.1)?)
        }
        "IS_SET" => Test::Set(true),
        "IS_NOT_SET" => Test::Set(false),
        "PERCENTAGE_SPLIT" => Test::Percentage(number(&text())?),
        unknown => {
            return Err(operator
                .fail(format!("the operator \"{unknown}\" is not known"))
                .hint(format!("it is one of {OPERATORS}")));
        }
    };
    Ok(Condition { property: node.text_at("property_")?.unwrap_or_default().to_owned(), test })
}

fn list(value: &Value) -> Vec<String> {
    let texts =
        |items: &[Value]| items.iter().map(|item| script::text(Some(item)).into_owned()).collect();
    match value {
        Value::Array(items) => texts(items),
        value => {
            let text = script::text(Some(value));
            match serde_json::from_str(&text) {
                Ok(Value::Array(items)) if text.starts_with('[') => texts(&items),
                _ => text.split(',').map(str::to_owned).collect(),
            }
        }
    }
}

impl Kind {
    fn holds(self, mut all: impl Iterator<Item = bool>) -> bool {
        match self {
            Kind::All => all.all(|holds| holds),
            Kind::Any => all.any(|holds| holds),
            Kind::None => !all.any(|holds| holds),
        }
    }
}

impl Segment {
    pub(super) fn contains(&self, identity: &Identity<'_>) -> bool {
        !self.rules.is_empty() && self.rules.iter().all(|rule| rule.holds(identity, &self.key))
    }
}

impl Rule {
    fn holds(&self, identity: &Identity<'_>, segment: &str) -> bool {
        let conditions = self.conditions.iter().map(|condition| condition.holds(identity, segment));
        let rules = self.rules.iter().map(|rule| rule.holds(identity, segment));
        (self.conditions.is_empty() || self.kind.holds(conditions))
            && (self.rules.is_empty() || self.kind.holds(rules))
    }
}

impl Condition {
    fn holds(&self, identity: &Identity<'_>, segment: &str) -> bool {
        if let Test::Percentage(share) = self.test
            && self.property.is_empty()
        {
            return percentage(segment, &identity.key) <= share;
        }
        let value = identity.get(&self.property).filter(|value| !value.is_null());
        match (&self.test, value.as_deref()) {
            (Test::Set(expect), value) => value.is_some() == *expect,
            (_, None) => false,
            (Test::Percentage(share), Some(value)) => percentage(segment, &python(value)) <= *share,
            (Test::In(list), Some(value)) => match value {
                Value::String(text) => list.contains(text),
                Value::Number(number) if !number.is_f64() => list.contains(&number.to_string()),
                _ => false,
            },
            (Test::Contains(part, expect), Some(value)) => {
                value.as_str().is_some_and(|text| text.contains(part.as_str()) == *expect)
            }
            (Test::Pattern(pattern), Some(value)) => pattern.finds(&python(value)),
            (Test::Modulo(divisor, rest), Some(value)) => value.as_f64().is_some_and(|number| {
                // Python's remainder has the sign of the divisor.
                let left = number % divisor;
                let left = if left != 0.0 && (left < 0.0) != (*divisor < 0.0) {
                    left + divisor
                } else {
                    left
                };
                left == *rest
            }),
            (Test::Order(expect, test), Some(value)) => compare(value, expect).is_some_and(test),
        }
    }
}

/// `str(value)` of Python.
fn python(value: &Value) -> String {
    match value {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) if number.is_f64() => {
            let text = number.to_string();
            if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
        }
        value => script::text(Some(value)).into_owned(),
    }
}

/// The value against a text that is read as the value's type; none when it cannot be.
fn compare(value: &Value, expect: &str) -> Option<Ordering> {
    match value {
        Value::String(text) => match expect.strip_suffix(":semver") {
            Some(expect) => Some(Version::read(text, false)?.cmp(&Version::read(expect, false)?)),
            None => Some(text.as_str().cmp(expect)),
        },
        Value::Bool(truth) => Some(truth.cmp(&!matches!(expect, "False" | "false"))),
        Value::Number(number) if number.is_f64() => {
            number.as_f64()?.partial_cmp(&expect.trim().parse().ok()?)
        }
        Value::Number(number) => number.as_i64()?.partial_cmp(&expect.trim().parse().ok()?),
        _ => None,
    }
}
