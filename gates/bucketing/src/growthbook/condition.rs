//! GrowthBook's targeting conditions, which look like MongoDB's queries.
//! Source: GrowthBook's SDK specification, "evalCondition", and the JavaScript SDK 1.8.0.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::config::{Error, Node};
use crate::pattern::{Dialect, Pattern};
use crate::script;

/// The operators that are known; two more are for groups.
const OPERATORS: &str = "$veq $vne $vgt $vgte $vlt $vlte $eq $ne $lt $lte $gt $gte $exists $in \
    $ini $nin $nini $inGroup $notInGroup $not $size $elemMatch $all $alli $regex $regexi $type";

/// A condition on an object.
#[derive(Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Field(Vec<String>, Test),
    Never,
}

/// What is asked of one value.
#[derive(Debug)]
pub(super) enum Test {
    Text(String),
    Number(f64),
    Truth(bool),
    Null,
    Json(String),
    Operators(Vec<Operator>),
}

#[derive(Debug)]
pub(super) enum Operator {
    Version(String, fn(Ordering) -> bool),
    Order(Value, fn(Ordering) -> bool),
    Equal {
        to: Value,
        expect: bool,
    },
    Exists(bool),
    In {
        list: Vec<Value>,
        any_case: bool,
        expect: bool,
    },
    /// A group that cannot be read matches nobody, and leaves out nobody either.
    Nobody,
    Not(Box<Test>),
    Size(Box<Test>),
    Item(Box<Condition>),
    ItemValue(Box<Test>),
    All {
        tests: Vec<Test>,
        any_case: bool,
    },
    Pattern(Pattern),
    Type(String),
}

/// Reads conditions against the saved groups of a payload.
pub(super) struct Reader<'v> {
    pub groups: Option<&'v Map<String, Value>>,
}

impl Reader<'_> {
    /// Reads a condition.
    pub(super) fn condition(&self, node: &Node<'_>) -> Result<Condition, Error> {
        self.nested(node, &[])
    }

    fn nested(&self, node: &Node<'_>, within: &[&str]) -> Result<Condition, Error> {
        let all = |node: &Node<'_>| -> Result<Vec<Condition>, Error> {
            node.items()?.iter().map(|item| self.nested(item, within)).collect()
        };
        let any = |node: &Node<'_>| -> Result<Condition, Error> {
            let conditions = all(node)?;
            // None asked for means that all are let in.
            Ok(match conditions.is_empty() {
                true => Condition::All(conditions),
                false => Condition::Any(conditions),
            })
        };
        let mut parts = Vec::new();
        for (name, field) in node.fields()? {
            parts.push(match name {
                "$or" => any(&field)?,
                "$nor" => Condition::Not(Box::new(any(&field)?)),
                "$and" => Condition::All(all(&field)?),
                "$not" => Condition::Not(Box::new(self.nested(&field, within)?)),
                "$savedGroup" => self.saved_group(&field, within)?,
                unknown if unknown.starts_with('$') => {
                    return Err(field.fail(format!("\"{unknown}\" is not known here")).hint(
                        "a condition has $or, $nor, $and, $not, $savedGroup and attributes",
                    ));
                }
                path => {
                    let path = path.split('.').map(str::to_owned).collect();
                    Condition::Field(path, self.test(&field, within)?)
                }
            });
        }
        Ok(Condition::All(parts))
    }

    /// A reference to a saved group; what cannot be resolved matches nobody.
    fn saved_group(&self, node: &Node<'_>, within: &[&str]) -> Result<Condition, Error> {
        let Some(id) = node.value().get("id").and_then(Value::as_str) else {
            return Ok(Condition::Never);
        };
        let own = node.value().get("attributeKey");
        let Some(group) = self.groups.and_then(|groups| groups.get(id)) else {
            return Ok(Condition::Never);
        };
        if within.contains(&id) || own.is_some_and(|own| !own.is_string()) {
            return Ok(Condition::Never);
        }
        match group.get("type").and_then(Value::as_str) {
            Some("list") => {
                let key = own.or_else(|| group.get("attributeKey")).and_then(Value::as_str);
                let values = group.get("values").and_then(Value::as_array);
                let (Some(key), Some(list)) = (key, values) else { return Ok(Condition::Never) };
                let list = list.clone();
                let test = Operator::In { list, any_case: false, expect: true };
                let path = key.split('.').map(str::to_owned).collect();
                Ok(Condition::Field(path, Test::Operators(vec![test])))
            }
            Some("condition") => match group.get("condition").filter(|group| group.is_object()) {
                Some(condition) => {
                    let within: Vec<&str> = within.iter().copied().chain([id]).collect();
                    self.nested(
                        &Node::at(format!("savedGroups.{id}.condition"), condition),
                        &within,
                    )
                }
                None => Ok(Condition::Never),
            },
            Some(unknown) => Err(node
                .fail(format!("refers to a group of the type \"{unknown}\", which is not known"))),
            None => Ok(Condition::Never),
        }
    }

    fn test(&self, node: &Node<'_>, within: &[&str]) -> Result<Test, Error> {
        Ok(match node.value() {
            Value::String(text) => Test::Text(text.clone()),
            Value::Number(number) => Test::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::Bool(truth) => Test::Truth(*truth),
            Value::Null => Test::Null,
            Value::Object(fields)
                if !fields.is_empty() && fields.keys().all(|name| name.starts_with('$')) =>
            {
                let fields = node.fields()?;
                let operator =
                    |(name, field): &(&str, Node<'_>)| self.operator(name, field, within);
                Test::Operators(fields.iter().map(operator).collect::<Result<_, _>>()?)
            }
            composite => Test::Json(script::json(Some(composite))),
        })
    }

    fn operator(&self, name: &str, node: &Node<'_>, within: &[&str]) -> Result<Operator, Error> {
        let order = |test: fn(Ordering) -> bool| Operator::Order(node.value().clone(), test);
        let version = |test| Operator::Version(padded(Some(node.value())), test);
        let test = |node: &Node<'_>| self.test(node, within);
        let list = |any_case, expect| -> Result<Operator, Error> {
            let list = node.items()?.iter().map(|item| item.value().clone()).collect();
            Ok(Operator::In { list, any_case, expect })
        };
        let pattern =
            |any_case| Pattern::of(node, Dialect::Script, any_case).map(Operator::Pattern);
        let all = |any_case| -> Result<Operator, Error> {
            let tests = node.items()?.iter().map(test).collect::<Result<_, _>>()?;
            Ok(Operator::All { tests, any_case })
        };
        Ok(match name {
            "$veq" => version(Ordering::is_eq),
            "$vne" => version(Ordering::is_ne),
            "$vgt" => version(Ordering::is_gt),
            "$vgte" => version(Ordering::is_ge),
            "$vlt" => version(Ordering::is_lt),
            "$vlte" => version(Ordering::is_le),
            "$eq" => Operator::Equal { to: node.value().clone(), expect: true },
            "$ne" => Operator::Equal { to: node.value().clone(), expect: false },
            "$lt" => order(Ordering::is_lt),
            "$lte" => order(Ordering::is_le),
            "$gt" => order(Ordering::is_gt),
            "$gte" => order(Ordering::is_ge),
            "$exists" => Operator::Exists(script::truthy(Some(node.value()))),
            "$in" => list(false, true)?,
            "$ini" => list(true, true)?,
            "$nin" => list(false, false)?,
            "$nini" => list(true, false)?,
            "$inGroup" => self.group(node, true)?,
            "$notInGroup" => self.group(node, false)?,
            "$not" => Operator::Not(Box::new(test(node)?)),
            "$size" => Operator::Size(Box::new(test(node)?)),
            "$elemMatch" => match test(node)? {
                operators @ Test::Operators(_) => Operator::ItemValue(Box::new(operators)),
                _ => Operator::Item(Box::new(self.nested(node, within)?)),
            },
            "$all" => all(false)?,
            "$alli" => all(true)?,
            "$regex" => pattern(false)?,
            "$regexi" => pattern(true)?,
            "$type" => Operator::Type(node.text()?.to_owned()),
            unknown => {
                return Err(node
                    .fail(format!("the operator \"{unknown}\" is not known"))
                    .hint(format!("it is one of {OPERATORS}")));
            }
        })
    }

    fn group(&self, node: &Node<'_>, expect: bool) -> Result<Operator, Error> {
        let values = match self.groups.and_then(|groups| groups.get(node.text().ok()?)) {
            None => Some(&[][..]),
            Some(Value::Array(list)) => Some(list.as_slice()),
            Some(group) if group.get("type").and_then(Value::as_str) == Some("list") => {
                group.get("values").and_then(Value::as_array).map(Vec::as_slice)
            }
            Some(_) => None,
        };
        node.text()?;
        Ok(match values {
            Some(list) => Operator::In { list: list.to_vec(), any_case: false, expect },
            None => Operator::Nobody,
        })
    }
}

/// A value on a path through objects and lists; null where it ends early.
fn on_path<'v>(object: &'v Value, path: &[String]) -> Cow<'v, Value> {
    let mut current = object;
    for (at, part) in path.iter().enumerate() {
        let next = match current {
            Value::Object(fields) => fields.get(part),
            Value::Array(items) if part == "length" && at + 1 == path.len() => {
                return Cow::Owned(Value::from(items.len()));
            }
            Value::Array(items) => part.parse().ok().and_then(|at: usize| items.get(at)),
            _ => None,
        };
        match next {
            Some(next) => current = next,
            None => return Cow::Owned(Value::Null),
        }
    }
    Cow::Borrowed(current)
}

impl Condition {
    /// Whether an object meets it.
    pub(super) fn holds(&self, object: &Value) -> bool {
        match self {
            Condition::All(all) => all.iter().all(|condition| condition.holds(object)),
            Condition::Any(any) => any.iter().any(|condition| condition.holds(object)),
            Condition::Not(not) => !not.holds(object),
            Condition::Field(path, test) => test.holds(&on_path(object, path), false),
            Condition::Never => false,
        }
    }
}

impl Test {
    fn holds(&self, value: &Value, any_case: bool) -> bool {
        match self {
            Test::Text(expect) if any_case => {
                script::text(Some(value)).to_lowercase() == expect.to_lowercase()
            }
            Test::Text(expect) => script::text(Some(value)) == expect.as_str(),
            Test::Number(expect) => script::number(Some(value)) == *expect,
            Test::Truth(expect) => !value.is_null() && script::truthy(Some(value)) == *expect,
            Test::Null => value.is_null(),
            Test::Json(expect) => script::json(Some(value)) == *expect,
            Test::Operators(all) => all.iter().all(|operator| operator.holds(value)),
        }
    }
}

impl Operator {
    fn holds(&self, value: &Value) -> bool {
        let items = value.as_array();
        match self {
            Operator::Version(expect, test) => {
                test(script::compare_texts(&padded(Some(value)), expect))
            }
            Operator::Order(expect, test) => {
                script::compare(Some(value), Some(expect)).is_some_and(test)
            }
            Operator::Equal { to, expect } => script::same(Some(value), Some(to)) == *expect,
            Operator::Exists(expect) => value.is_null() != *expect,
            Operator::In { list, any_case, expect } => is_in(value, list, *any_case) == *expect,
            Operator::Nobody => false,
            Operator::Not(test) => !test.holds(value, false),
            Operator::Size(test) => {
                items.is_some_and(|items| test.holds(&Value::from(items.len()), false))
            }
            Operator::Item(condition) => items.is_some_and(|items| {
                items.iter().any(|item| !item.is_null() && condition.holds(item))
            }),
            Operator::ItemValue(test) => items.is_some_and(|items| {
                items.iter().any(|item| !item.is_null() && test.holds(item, false))
            }),
            Operator::All { tests, any_case } => items.is_some_and(|items| {
                tests.iter().all(|test| items.iter().any(|item| test.holds(item, *any_case)))
            }),
            Operator::Pattern(pattern) => pattern.finds(&script::text(Some(value))),
            Operator::Type(expect) => type_name(value) == expect,
        }
    }
}

fn is_in(value: &Value, list: &[Value], any_case: bool) -> bool {
    let alike = |a: &Value, b: &Value| match (a, b) {
        (Value::String(a), Value::String(b)) if any_case => a.to_lowercase() == b.to_lowercase(),
        _ => script::same(Some(a), Some(b)),
    };
    match value {
        Value::Array(items) => items.iter().any(|item| list.iter().any(|one| alike(item, one))),
        value => list.iter().any(|one| alike(value, one)),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A version whose order as a text is its order as a version.
fn padded(value: Option<&Value>) -> String {
    let text = match value {
        Some(Value::Number(_)) => script::text(value),
        Some(Value::String(text)) if !text.is_empty() => Cow::Borrowed(text.as_str()),
        _ => "0".into(),
    };
    let text = text.strip_prefix('v').unwrap_or(&text);
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let mut parts: Vec<&str> = text.split(['-', '.']).collect();
    // A release comes after all that lead to it, and nothing in ASCII comes after this.
    if parts.len() == 3 {
        parts.push("~");
    }
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let pad = |part: &str| if numeric(part) { format!("{part:>5}") } else { part.to_owned() };
    parts.into_iter().map(pad).collect::<Vec<_>>().join("-")
}
