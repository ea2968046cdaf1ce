//! Optimizely's audiences. What cannot be told is neither true nor false, and stays so.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::{Error, Node};
use crate::{Subject, script};

/// The largest number that a condition may compare.
const LARGEST: f64 = 9_007_199_254_740_992.0;
const MATCHES: &str =
    "exact exists gt ge lt le substring semver_eq semver_gt semver_ge semver_lt semver_le";

#[derive(Debug)]
pub(super) enum Audience {
    Everyone,
    All(Vec<Audience>),
    Any(Vec<Audience>),
    Not(Option<Box<Audience>>),
    Attribute {
        name: String,
        test: Test,
    },
    /// An audience that the datafile does not have.
    Unknown,
}

#[derive(Debug)]
pub(super) enum Test {
    Exact(Value),
    Exists,
    Number(f64, fn(Ordering) -> bool),
    Part(String),
    Version(String, fn(Ordering) -> bool),
    /// A value of the wrong type, which the SDK cannot compare with anything.
    Nothing,
}

type Known<'v> = BTreeMap<&'v str, Node<'v>>;

/// The audiences of an experiment; none are everyone.
pub(super) fn of_experiment(node: &Node<'_>, known: &Known<'_>) -> Result<Audience, Error> {
    let empty = node.value().as_array().is_some_and(Vec::is_empty);
    if empty { Ok(Audience::Everyone) } else { tree(node, &|leaf| by_id(leaf, known)) }
}

fn by_id(leaf: &Node<'_>, known: &Known<'_>) -> Result<Audience, Error> {
    let Some(audience) = known.get(leaf.text()?) else { return Ok(Audience::Unknown) };
    let conditions = audience.need("conditions")?;
    let Value::String(text) = conditions.value() else { return tree(&conditions, &attribute) };
    let parsed = serde_json::from_str(text)
        .map_err(|error| conditions.fail(format!("is not JSON: {error}")))?;
    tree(&Node::at(conditions.place().to_owned(), &parsed), &attribute)
}

fn tree(
    node: &Node<'_>,
    leaf: &dyn Fn(&Node<'_>) -> Result<Audience, Error>,
) -> Result<Audience, Error> {
    if !node.value().is_array() {
        return leaf(node);
    }
    let items = node.items()?;
    let operator = items.first().and_then(|first| first.value().as_str());
    let rest = |from: usize| -> Result<Vec<Audience>, Error> {
        items[from..].iter().map(|item| tree(item, leaf)).collect()
    };
    Ok(match operator {
        Some("and") => Audience::All(rest(1)?),
        Some("or") => Audience::Any(rest(1)?),
        Some("not") => Audience::Not(rest(1)?.into_iter().next().map(Box::new)),
        // A bare list is one of which any is enough.
        _ => Audience::Any(rest(0)?),
    })
}

fn attribute(node: &Node<'_>) -> Result<Audience, Error> {
    if let Some(kind) = node.get("type")
        && kind.text()? != "custom_attribute"
    {
        return Err(kind
            .fail(format!("the type \"{}\" is not known", kind.text()?))
            .hint("segments of the service's data platform cannot be told from the datafile"));
    }
    let name = node.need("name")?.text()?.to_owned();
    let value = node.value().get("value").unwrap_or(&Value::Null);
    let number = |test| match value.as_f64() {
        Some(number) if number.abs() <= LARGEST => Test::Number(number, test),
        _ => Test::Nothing,
    };
    let text = value.as_str().map(str::to_owned);
    let version = |test| text.clone().map_or(Test::Nothing, |text| Test::Version(text, test));
    let test = match node.text_at("match")?.filter(|kind| !kind.is_empty()).unwrap_or("exact") {
        "exact" => Test::Exact(value.clone()),
        "exists" => Test::Exists,
        "gt" => number(Ordering::is_gt),
        "ge" => number(Ordering::is_ge),
        "lt" => number(Ordering::is_lt),
        "le" => number(Ordering::is_le),
        "substring" => text.map_or(Test::Nothing, Test::Part),
        "semver_eq" => version(Ordering::is_eq),
        "semver_gt" => version(Ordering::is_gt),
        "semver_ge" => version(Ordering::is_ge),
        "semver_lt" => version(Ordering::is_lt),
        "semver_le" => version(Ordering::is_le),
        unknown => {
            return Err(node
                .fail(format!("the match \"{unknown}\" is not known"))
                .hint(format!("it is one of {MATCHES}")));
        }
    };
    Ok(Audience::Attribute { name, test })
}

impl Audience {
    pub(super) fn holds(&self, subject: &Subject<'_>) -> Option<bool> {
        match self {
            Audience::Everyone => Some(true),
            Audience::All(all) => decide(all, subject, false),
            Audience::Any(any) => decide(any, subject, true),
            Audience::Not(None) | Audience::Unknown => None,
            Audience::Not(Some(not)) => not.holds(subject).map(|holds| !holds),
            Audience::Attribute { name, test } => {
                test.holds(subject.attributes.and_then(|all| all.get(name)))
            }
        }
    }
}

/// One that is `decisive` decides; then one that cannot be told; then the others.
fn decide(list: &[Audience], subject: &Subject<'_>, decisive: bool) -> Option<bool> {
    let mut told = true;
    for audience in list {
        match audience.holds(subject) {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => told = false,
        }
    }
    told.then_some(!decisive)
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> Option<bool> {
        let comparable = |value: &Value| match value {
            Value::String(_) | Value::Bool(_) => true,
            Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() <= LARGEST),
            _ => false,
        };
        match self {
            Test::Exists => Some(value.is_some_and(|value| !value.is_null())),
            Test::Nothing => None,
            Test::Exact(expect) => {
                let value = value.filter(|value| comparable(value) && comparable(expect))?;
                let alike = std::mem::discriminant(value) == std::mem::discriminant(expect);
                alike.then(|| script::same(Some(value), Some(expect)))
            }
            Test::Number(expect, test) => {
                let number = value?.as_f64().filter(|number| number.abs() <= LARGEST)?;
                number.partial_cmp(expect).map(test)
            }
            Test::Part(part) => Some(value?.as_str()?.contains(part.as_str())),
            Test::Version(expect, test) => Some(test(compare(expect, value?.as_str()?)?)),
        }
    }
}

#[derive(PartialEq)]
enum Suffix {
    None,
    Before,
    Build,
}

fn suffix(version: &str) -> Suffix {
    match (version.find('-'), version.find('+')) {
        (None, None) => Suffix::None,
        (Some(before), Some(build)) if build < before => Suffix::Build,
        (Some(_), _) => Suffix::Before,
        (None, Some(_)) => Suffix::Build,
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Numbers, and as one more part what follows them.
fn parts(version: &str) -> Option<Vec<&str>> {
    if version.contains(char::is_whitespace) {
        return None;
    }
    let cut = match suffix(version) {
        Suffix::None => None,
        Suffix::Before => version.find('-'),
        Suffix::Build => version.find('+'),
    };
    let (numbers, rest) = cut.map_or((version, ""), |at| (&version[..at], &version[at + 1..]));
    let mut parts: Vec<&str> = numbers.split('.').collect();
    if parts.len() > 3 || !parts.iter().all(|part| is_number(part)) {
        return None;
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    Some(parts)
}

/// The user's version against a condition's, which may leave parts open.
fn compare(expect: &str, given: &str) -> Option<Ordering> {
    let (wanted, own) = (parts(expect)?, parts(given)?);
    let (before, own_before) = (suffix(expect) == Suffix::Before, suffix(given) == Suffix::Before);
    let released = suffix(expect) == Suffix::None;
    for (at, wanted) in wanted.iter().enumerate() {
        let Some(part) = own.get(at) else {
            return Some(if released { Ordering::Less } else { Ordering::Greater });
        };
        if is_number(part) {
            let number = |part: &str| part.parse::<f64>().unwrap_or(f64::NAN);
            match number(part).partial_cmp(&number(wanted)) {
                Some(Ordering::Equal) | None => {}
                decided => return decided,
            }
            continue;
        }
        match script::compare_texts(part, wanted) {
            Ordering::Less if before && !own_before => return Some(Ordering::Greater),
            Ordering::Greater if !before && own_before => return Some(Ordering::Less),
            Ordering::Equal => {}
            decided => return Some(decided),
        }
    }
    Some(if own_before && !before { Ordering::Less } else { Ordering::Equal })
}
