//! Statsig's conditions.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Prepared, unit};
use crate::config::{Error, Node};
use crate::hashes::{first_u64, sha256};
use crate::pattern::{Dialect, Pattern};
use crate::{Subject, Why, script, times};

#[derive(Debug)]
pub(super) enum Condition {
    Public,
    /// Gates by their places, any of which has to have the value.
    Gates(Vec<usize>, bool),
    Value(Source, Test),
}

#[derive(Debug)]
pub(super) enum Source {
    /// A field of the user; where it comes from the address or the browser, when not given.
    Field(String, Option<&'static str>),
    Environment(String),
    Bucket {
        salt: String,
        id_type: String,
    },
    Unit(String),
    Time,
}

#[derive(Debug)]
pub(super) enum Test {
    Number(Value, fn(Ordering) -> bool),
    Version(String, fn(Ordering) -> bool),
    Any { list: Vec<Value>, any_case: bool, test: fn(&str, &str) -> bool, expect: bool },
    Pattern(Pattern),
    Equal(Value, bool),
    Date(f64, fn(Ordering) -> bool),
    Items { list: Vec<Value>, all: bool, expect: bool },
}

pub(super) fn read(
    node: &Node<'_>,
    gate: &mut dyn FnMut(&Node<'_>, &str) -> Result<usize, Error>,
) -> Result<Condition, Error> {
    let kind = node.need("type")?;
    let target = || node.need("targetValue");
    let field = || Ok::<_, Error>(node.text_at("field")?.unwrap_or_default().to_owned());
    let id_type = || Ok::<_, Error>(node.text_at("idType")?.unwrap_or("userID").to_owned());
    let name = kind.text()?.to_lowercase();
    let source = match name.as_str() {
        "public" => return Ok(Condition::Public),
        "pass_gate" | "fail_gate" => {
            let target = target()?;
            let place = gate(&target, target.text()?)?;
            return Ok(Condition::Gates(vec![place], name == "pass_gate"));
        }
        "multi_pass_gate" | "multi_fail_gate" => {
            let mut places = Vec::new();
            for target in target()?.items()? {
                places.push(gate(&target, target.text()?)?);
            }
            return Ok(Condition::Gates(places, name == "multi_pass_gate"));
        }
        "ip_based" => Source::Field(field()?, Some("ip")),
        "ua_based" => Source::Field(field()?, Some("userAgent")),
        "user_field" => Source::Field(field()?, None),
        "environment_field" => Source::Environment(field()?),
        "current_time" => Source::Time,
        "user_bucket" => {
            let salt = node.get("additionalValues").and_then(|values| values.get("salt"));
            let salt = salt.ok_or_else(|| node.fail("has no salt"))?;
            let salt = script::text(Some(salt.value())).into_owned();
            Source::Bucket { salt, id_type: id_type()? }
        }
        "unit_id" => Source::Unit(id_type()?),
        unknown => return Err(kind.fail(format!("the type \"{unknown}\" is not known"))),
    };
    Ok(Condition::Value(source, test(node)?))
}

fn test(node: &Node<'_>) -> Result<Test, Error> {
    let target = node.value().get("targetValue").cloned().unwrap_or(Value::Null);
    let list = || target.as_array().cloned().unwrap_or_default();
    let number = |test| Test::Number(target.clone(), test);
    let version = |test| Test::Version(script::text(Some(&target)).into_owned(), test);
    let any = |test, any_case, expect| Test::Any { list: list(), any_case, test, expect };
    let items = |all, expect| Test::Items { list: list(), all, expect };
    let equal: fn(&str, &str) -> bool = |a, b| a == b;
    let part: fn(&str, &str) -> bool = |text, part| text.contains(part);
    let date = |test| {
        let moment = moment(&target);
        moment.map(|moment| Test::Date(moment, test)).ok_or_else(|| node.fail("has no time"))
    };
    let operator = node.need("operator")?;
    Ok(match operator.text()?.to_lowercase().as_str() {
        "gt" => number(Ordering::is_gt),
        "gte" => number(Ordering::is_ge),
        "lt" => number(Ordering::is_lt),
        "lte" => number(Ordering::is_le),
        "version_gt" => version(Ordering::is_gt),
        "version_gte" => version(Ordering::is_ge),
        "version_lt" => version(Ordering::is_lt),
        "version_lte" => version(Ordering::is_le),
        "version_eq" => version(Ordering::is_eq),
        "version_neq" => version(Ordering::is_ne),
        "any" => any(equal, true, true),
        "none" => any(equal, true, false),
        "any_case_sensitive" => any(equal, false, true),
        "none_case_sensitive" => any(equal, false, false),
        "str_starts_with_any" => any(|text, start| text.starts_with(start), true, true),
        "str_ends_with_any" => any(|text, end| text.ends_with(end), true, true),
        "str_contains_any" => any(part, true, true),
        "str_contains_none" => any(part, true, false),
        "str_matches" => {
            Test::Pattern(Pattern::of(&node.need("targetValue")?, Dialect::Script, false)?)
        }
        "eq" => Test::Equal(target, true),
        "neq" => Test::Equal(target, false),
        "before" => date(Ordering::is_lt)?,
        "after" => date(Ordering::is_gt)?,
        "array_contains_any" => items(false, true),
        "array_contains_none" => items(false, false),
        "array_contains_all" => items(true, true),
        "not_array_contains_all" => items(true, false),
        "in_segment_list" | "not_in_segment_list" => {
            return Err(operator.fail("asks for a list of ids, which is not in the specs"));
        }
        unknown => return Err(operator.fail(format!("the operator \"{unknown}\" is not known"))),
    })
}

/// Milliseconds; numbers that are too small for them are seconds to nobody, so they stay.
fn moment(value: &Value) -> Option<f64> {
    let number = script::number(Some(value));
    if value.is_null() || number.is_nan() { times::millis(value) } else { Some(number) }
}

/// A field of the user, of its custom ones, or of its private ones.
fn field<'s>(subject: &Subject<'s>, name: &str) -> Option<Cow<'s, Value>> {
    if subject.unit.unwrap_or("userID") == name {
        return Some(Cow::Owned(Value::String(subject.id.to_owned())));
    }
    let user = subject.attributes?;
    let lower = name.to_lowercase();
    let set = |all: &'s Map<String, Value>| {
        let of = |name: &str| all.get(name).filter(|value| !value.is_null());
        of(name).or_else(|| of(&lower))
    };
    let within = |part: &str| set(user.get(part)?.as_object()?);
    let found = set(user).or_else(|| within("custom")).or_else(|| within("privateAttributes"));
    found.map(Cow::Borrowed)
}

impl Prepared {
    pub(super) fn condition(
        &self,
        condition: &Condition,
        subject: &Subject<'_>,
        last: &mut Option<u64>,
    ) -> Result<bool, Why> {
        let (source, test) = match condition {
            Condition::Public => return Ok(true),
            Condition::Gates(gates, expect) => {
                for gate in gates {
                    if self.spec(&self.specs[*gate], subject, &mut None)?.pass == *expect {
                        return Ok(true);
                    }
                }
                return Ok(false);
            }
            Condition::Value(source, test) => (source, test),
        };
        let value = match source {
            Source::Time => return Err(Why::Unpredictable("a condition asks for the time")),
            Source::Bucket { salt, id_type } => {
                let hash = sha256(&[salt, ".", &unit(subject, id_type)]);
                let bucket = first_u64(&hash) % 1000;
                *last = Some(bucket);
                Some(Cow::Owned(Value::from(bucket)))
            }
            Source::Unit(id_type) => {
                let id = unit(subject, id_type);
                (!id.is_empty()).then(|| Cow::Owned(Value::String(id.into_owned())))
            }
            Source::Environment(name) => {
                let environment = subject.attributes.and_then(|all| all.get("statsigEnvironment"));
                let fields = environment.and_then(Value::as_object);
                let alike = |(known, _): &(&String, &Value)| known.eq_ignore_ascii_case(name);
                fields.and_then(|all| all.iter().find(alike)).map(|(_, value)| Cow::Borrowed(value))
            }
            Source::Field(name, from) => match (field(subject, name), from) {
                (None, Some(from)) if field(subject, from).is_some() => {
                    return Err(Why::Unpredictable("a condition looks an address or a browser up"));
                }
                (found, _) => found,
            },
        };
        Ok(test.holds(value.as_deref().filter(|value| !value.is_null())))
    }
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> bool {
        let text = || value.map_or(Cow::Borrowed("null"), |value| script::text(Some(value)));
        match self {
            Test::Number(target, test) => {
                let target = script::number(Some(target).filter(|target| !target.is_null()));
                value.is_some() && script::number(value).partial_cmp(&target).is_some_and(test)
            }
            Test::Version(target, test) => {
                let given = value.map(|value| script::text(Some(value)));
                given.and_then(|given| versions(&given, target)).is_some_and(test)
            }
            Test::Any { list, any_case, test, expect } => {
                let fold = |text: Cow<'_, str>| match any_case {
                    true => text.to_lowercase(),
                    false => text.into_owned(),
                };
                let given = fold(text());
                let known = list.iter().any(|one| test(&given, &fold(script::text(Some(one)))));
                known == *expect
            }
            Test::Pattern(pattern) => {
                let text = text();
                text.encode_utf16().count() < 1000 && pattern.finds(&text)
            }
            Test::Equal(target, expect) => script::equal(value, Some(target)) == *expect,
            Test::Date(target, test) => value
                .and_then(moment)
                .is_some_and(|moment| moment.partial_cmp(target).is_some_and(test)),
            Test::Items { list, all, expect } => {
                let Some(items) = value.and_then(Value::as_array) else { return false };
                let has =
                    |one: &Value| items.iter().any(|item| script::same(Some(item), Some(one)));
                let found = if *all { list.iter().all(has) } else { list.iter().any(has) };
                found == *expect
            }
        }
    }
}

/// Numbers between points; what follows a hyphen does not count.
fn versions(a: &str, b: &str) -> Option<Ordering> {
    let parts = |text: &str| -> Option<Vec<f64>> {
        let text = text.split('-').next().unwrap_or_default();
        let part = |part: &str| part.parse::<u32>().ok().map(f64::from);
        text.split('.').map(part).collect()
    };
    let (a, b) = (parts(a)?, parts(b)?);
    let of = |all: &[f64], at: usize| all.get(at).copied().unwrap_or(0.0);
    (0..a.len().max(b.len()))
        .map(|at| of(&a, at).partial_cmp(&of(&b, at)))
        .find(|order| *order != Some(Ordering::Equal))
        .unwrap_or(Some(Ordering::Equal))
}
