//! JsonLogic, as far as targeting rules use it, with flagd's own operators.
//! Source: jsonlogic.com, and flagd's specification of its custom operations.

use std::cmp::Ordering;

use serde_json::Value;

use super::Method;
use crate::config::{Error, Node};
use crate::versions::Version;
use crate::{Bucket, Subject, Why, script};

const OPERATORS: &str = "var if == === != !== ! !! > >= < <= and or in cat + - * / % \
    starts_with ends_with sem_ver fractional $ref";

#[derive(Debug)]
pub(super) enum Logic {
    Value(Value),
    List(Vec<Logic>),
    Variable(Box<Logic>, Option<Box<Logic>>),
    Call(Operator, Vec<Logic>),
    /// What is hashed, when it is said, and parts with their weights.
    Fractional(Option<Box<Logic>>, Vec<(Logic, Logic)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    If,
    Equal,
    Same,
    NotEqual,
    NotSame,
    Not,
    Truthy,
    Above,
    AtLeast,
    Below,
    AtMost,
    And,
    Or,
    In,
    Join,
    Add,
    Subtract,
    Multiply,
    Divide,
    Rest,
    StartsWith,
    EndsWith,
    Version,
}

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "if" | "?:" => Operator::If,
        "==" => Operator::Equal,
        "===" => Operator::Same,
        "!=" => Operator::NotEqual,
        "!==" => Operator::NotSame,
        "!" => Operator::Not,
        "!!" => Operator::Truthy,
        ">" => Operator::Above,
        ">=" => Operator::AtLeast,
        "<" => Operator::Below,
        "<=" => Operator::AtMost,
        "and" => Operator::And,
        "or" => Operator::Or,
        "in" => Operator::In,
        "cat" => Operator::Join,
        "+" => Operator::Add,
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        "%" => Operator::Rest,
        "starts_with" => Operator::StartsWith,
        "ends_with" => Operator::EndsWith,
        "sem_ver" => Operator::Version,
        _ => return None,
    })
}

/// How deep evaluators may refer to each other.
const DEEPEST: usize = 64;

pub(super) fn read(
    node: &Node<'_>,
    evaluators: Option<&Node<'_>>,
    depth: usize,
) -> Result<Logic, Error> {
    if depth > DEEPEST {
        return Err(node.fail("is nested too deep, or refers to itself"));
    }
    let nested = |node: &Node<'_>| read(node, evaluators, depth + 1);
    if node.value().is_array() {
        return Ok(Logic::List(node.items()?.iter().map(nested).collect::<Result<_, _>>()?));
    }
    let Value::Object(fields) = node.value() else { return Ok(Logic::Value(node.value().clone())) };
    let fields = match fields.len() {
        1 => node.fields()?,
        _ => return Err(node.fail("is not one operator")),
    };
    let (name, given) = &fields[0];
    let arguments = || match given.value().is_array() {
        true => given.items(),
        false => Ok(vec![given.clone()]),
    };
    match *name {
        "$ref" => {
            let evaluator = evaluators.and_then(|all| all.get(given.text().ok()?));
            nested(&evaluator.ok_or_else(|| given.fail("there is no such evaluator"))?)
        }
        "var" => {
            let arguments = arguments()?;
            let mut parts = arguments.iter().map(nested);
            let path = parts.next().transpose()?.unwrap_or(Logic::Value(Value::Null));
            let default = parts.next().transpose()?.map(Box::new);
            Ok(Logic::Variable(Box::new(path), default))
        }
        "fractional" => fractional(&arguments()?, &nested),
        name => {
            let operator = operator(name).ok_or_else(|| {
                given
                    .fail(format!("the operator \"{name}\" is not known here"))
                    .hint(format!("it is one of {OPERATORS}"))
            })?;
            let arguments = arguments()?.iter().map(nested).collect::<Result<_, _>>()?;
            Ok(Logic::Call(operator, arguments))
        }
    }
}

fn fractional(
    nodes: &[Node<'_>],
    nested: &dyn Fn(&Node<'_>) -> Result<Logic, Error>,
) -> Result<Logic, Error> {
    let by = nodes.first().filter(|first| !first.value().is_array());
    let mut parts = Vec::new();
    for part in &nodes[usize::from(by.is_some())..] {
        match part.items()?.as_slice() {
            [variant] => parts.push((nested(variant)?, Logic::Value(Value::from(1)))),
            [variant, weight] => parts.push((nested(variant)?, nested(weight)?)),
            _ => return Err(part.fail("is not a variant and its weight")),
        }
    }
    Ok(Logic::Fractional(by.map(nested).transpose()?.map(Box::new), parts))
}

/// What a rule is asked of.
pub(super) struct Scope<'s> {
    pub subject: Subject<'s>,
    pub flag: &'s str,
    pub method: Method,
    /// Of the last `fractional`.
    pub bucket: Option<Bucket>,
}

impl Scope<'_> {
    fn variable(&self, path: &str) -> Result<Value, Why> {
        match path {
            "" => return Ok(Value::Object(self.subject.object("targetingKey"))),
            "$flagd.flagKey" => return Ok(Value::String(self.flag.to_owned())),
            "$flagd.timestamp" => return Err(Why::Unpredictable("a rule asks for the time")),
            _ => {}
        }
        let mut parts = path.split('.');
        let first = parts.next().unwrap_or_default();
        let Some(mut current) = self.subject.attribute(first, "targetingKey") else {
            return Ok(Value::Null);
        };
        for part in parts {
            let next = match &*current {
                Value::Object(fields) => fields.get(part).cloned(),
                Value::Array(items) => {
                    part.parse().ok().and_then(|at: usize| items.get(at).cloned())
                }
                _ => None,
            };
            current = std::borrow::Cow::Owned(next.unwrap_or(Value::Null));
        }
        Ok(current.into_owned())
    }
}

/// An empty list counts as false, unlike in JavaScript.
fn truthy(value: &Value) -> bool {
    value.as_array().is_none_or(|items| !items.is_empty()) && script::truthy(Some(value))
}

impl Logic {
    /// The weights of a rule that is nothing but one `fractional` with plain parts.
    pub(super) fn only_fractional(&self) -> Option<Vec<(String, f64)>> {
        let Logic::Fractional(_, parts) = self else { return None };
        let plain = |(variant, weight): &(Logic, Logic)| match (variant, weight) {
            (Logic::Value(variant), Logic::Value(weight)) => {
                Some((script::text(Some(variant)).into_owned(), weight.as_f64()?))
            }
            _ => None,
        };
        parts.iter().map(plain).collect()
    }

    pub(super) fn value(&self, scope: &mut Scope<'_>) -> Result<Value, Why> {
        match self {
            Logic::Value(value) => Ok(value.clone()),
            Logic::List(items) => items
                .iter()
                .map(|item| item.value(scope))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            Logic::Variable(path, default) => {
                let path = path.value(scope)?;
                let path = match &path {
                    Value::Null => String::new(),
                    path => script::text(Some(path)).into_owned(),
                };
                match (scope.variable(&path)?, default) {
                    (Value::Null, Some(default)) => default.value(scope),
                    (found, _) => Ok(found),
                }
            }
            Logic::Fractional(by, parts) => chosen(by.as_deref(), parts, scope),
            Logic::Call(operator, arguments) => call(*operator, arguments, scope),
        }
    }
}

/// The part that a `fractional` falls on; null where it is not well formed.
fn chosen(
    by: Option<&Logic>,
    parts: &[(Logic, Logic)],
    scope: &mut Scope<'_>,
) -> Result<Value, Why> {
    let key = match by {
        Some(by) => match by.value(scope)? {
            Value::String(text) => Some((String::new(), text)),
            _ => return Ok(Value::Null),
        },
        None => {
            let own = scope.subject.attribute("targetingKey", "targetingKey");
            let key = own.map(|key| script::text(Some(&key)).into_owned());
            key.filter(|key| !key.is_empty()).map(|key| (scope.flag.to_owned(), key))
        }
    };
    let Some((before, key)) = key else { return Ok(Value::Null) };
    let mut weights = Vec::new();
    for (_, weight) in parts {
        match weight.value(scope)?.as_f64() {
            Some(weight) if weight.fract() == 0.0 => weights.push(weight.max(0.0) as u64),
            _ => return Ok(Value::Null),
        }
    }
    if weights.iter().sum::<u64>() > i32::MAX as u64 {
        return Ok(Value::Null);
    }
    let (bucket, at) = scope.method.choose([&before, &key], &weights);
    scope.bucket = Some(bucket);
    at.map_or(Ok(Value::Null), |at| parts[at].0.value(scope))
}

fn call(operator: Operator, arguments: &[Logic], scope: &mut Scope<'_>) -> Result<Value, Why> {
    match operator {
        Operator::If => {
            let mut rest = arguments;
            while let [condition, then, others @ ..] = rest {
                if truthy(&condition.value(scope)?) {
                    return then.value(scope);
                }
                rest = others;
            }
            return rest.first().map_or(Ok(Value::Null), |last| last.value(scope));
        }
        Operator::And | Operator::Or => {
            let mut last = Value::Null;
            for argument in arguments {
                last = argument.value(scope)?;
                if truthy(&last) == (operator == Operator::Or) {
                    break;
                }
            }
            return Ok(last);
        }
        _ => {}
    }
    let values: Vec<Value> =
        arguments.iter().map(|argument| argument.value(scope)).collect::<Result<_, _>>()?;
    Ok(compute(operator, &values))
}

fn compute(operator: Operator, values: &[Value]) -> Value {
    let (a, b) = (values.first(), values.get(1));
    let numbers = || values.iter().map(|value| script::number(Some(value)));
    let number = |number: f64| match number {
        whole if whole.fract() == 0.0 && whole.abs() < 9e15 => Value::from(whole as i64),
        number => Value::from(number),
    };
    // Two or three in order.
    let ordered = |test: fn(Ordering) -> bool| {
        let holds =
            |pair: &[Value]| script::compare(Some(&pair[0]), Some(&pair[1])).is_some_and(test);
        Value::Bool(values.len() > 1 && values.windows(2).all(holds))
    };
    let texts = |test: fn(&str, &str) -> bool| match (a, b) {
        (Some(Value::String(a)), Some(Value::String(b))) => Value::Bool(test(a, b)),
        _ => Value::Bool(false),
    };
    match operator {
        Operator::Equal => Value::Bool(script::equal(a, b)),
        Operator::Same => Value::Bool(script::same(a, b)),
        Operator::NotEqual => Value::Bool(!script::equal(a, b)),
        Operator::NotSame => Value::Bool(!script::same(a, b)),
        Operator::Not => Value::Bool(!a.is_some_and(truthy)),
        Operator::Truthy => Value::Bool(a.is_some_and(truthy)),
        Operator::Above => ordered(Ordering::is_gt),
        Operator::AtLeast => ordered(Ordering::is_ge),
        Operator::Below => ordered(Ordering::is_lt),
        Operator::AtMost => ordered(Ordering::is_le),
        Operator::In => Value::Bool(match (a, b) {
            (Some(Value::String(part)), Some(Value::String(text))) => text.contains(part.as_str()),
            (one, Some(Value::Array(items))) => {
                items.iter().any(|item| script::same(one, Some(item)))
            }
            _ => false,
        }),
        Operator::Join => {
            Value::String(values.iter().map(|value| script::text(Some(value))).collect())
        }
        Operator::Add => number(numbers().sum()),
        Operator::Multiply => number(numbers().product()),
        Operator::Subtract if values.len() == 1 => number(-script::number(a)),
        Operator::Subtract => number(script::number(a) - script::number(b)),
        Operator::Divide => number(script::number(a) / script::number(b)),
        Operator::Rest => number(script::number(a) % script::number(b)),
        Operator::StartsWith => texts(|text, start| text.starts_with(start)),
        Operator::EndsWith => texts(|text, end| text.ends_with(end)),
        Operator::Version => Value::Bool(versions(values).unwrap_or(false)),
        Operator::If | Operator::And | Operator::Or => Value::Null,
    }
}

/// `sem_ver` of a version, an operator and another version.
fn versions(values: &[Value]) -> Option<bool> {
    let [a, operator, b] = values else { return None };
    let read = |value: &Value| {
        let text = value.as_str()?.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let version = Version::read(text, false)?;
        let mut numbers = text.split(['.', '-', '+']).map(|part| part.parse::<u64>().ok());
        Some((version, numbers.next()??, numbers.next()??))
    };
    let ((a, major_a, minor_a), (b, major_b, minor_b)) = (read(a)?, read(b)?);
    let order = a.cmp(&b);
    Some(match operator.as_str()? {
        "=" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "^" => major_a == major_b,
        "~" => major_a == major_b && minor_a == minor_b,
        _ => return None,
    })
}
