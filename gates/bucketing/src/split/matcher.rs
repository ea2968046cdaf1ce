//! Split's matchers.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::config::{Error, Node};
use crate::pattern::{Dialect, Pattern};
use crate::versions::Version;
use crate::{Subject, script};

const MINUTE: f64 = 60_000.0;
const DAY: f64 = 86_400_000.0;

#[derive(Debug)]
pub(super) enum Matcher {
    /// Of an attribute, or of the key.
    Value(Option<String>, Test),
    /// Another split, by its place, that has to give one of these treatments.
    Split(usize, Vec<String>),
}

#[derive(Debug)]
pub(super) enum Test {
    All,
    List(Vec<String>),
    Text(Vec<String>, fn(&str, &str) -> bool),
    /// From and to, each of which is in; times are cut to whole units.
    Range {
        from: f64,
        to: f64,
        unit: Option<f64>,
    },
    Set(Vec<String>, Relation),
    Truth(bool),
    Pattern(Pattern),
    Version(Version, fn(Ordering) -> bool),
    VersionIn(Vec<String>),
    VersionRange(Version, Version),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Relation {
    Equal,
    HasAny,
    HasAll,
    PartOf,
}

fn cut(number: f64, unit: Option<f64>) -> f64 {
    unit.map_or(number, |unit| (number / unit).floor() * unit)
}

fn version(node: &Node<'_>) -> Result<Version, Error> {
    let text = node.text()?;
    Version::read(text, false).ok_or_else(|| node.fail(format!("\"{text}\" is no version")))
}

pub(super) fn read(node: &Node<'_>, segments: Option<&Node<'_>>) -> Result<Matcher, Error> {
    let list = || node.need("whitelistMatcherData")?.texts_at("whitelist");
    let text = || node.need("stringMatcherData");
    let kind = node.need("matcherType")?;
    let unit = |data: &Node<'_>, unit| {
        Ok::<_, Error>((data.text_at("dataType")? == Some("DATETIME")).then_some(unit))
    };
    let number = |wide: (bool, bool), of: f64| -> Result<Test, Error> {
        let data = node.need("unaryNumericMatcherData")?;
        let unit = unit(&data, of)?;
        let value = cut(data.need("value")?.number()?, unit);
        let from = if wide.0 { f64::NEG_INFINITY } else { value };
        let to = if wide.1 { f64::INFINITY } else { value };
        Ok(Test::Range { from, to, unit })
    };
    let test = match kind.text()? {
        "ALL_KEYS" => Test::All,
        "WHITELIST" => Test::List(list()?),
        "IN_SEGMENT" => {
            let name = node.need("userDefinedSegmentMatcherData")?.need("segmentName")?;
            let segment = segments.and_then(|segments| segments.get(name.text().ok()?));
            let segment = segment.ok_or_else(|| {
                name.fail("is a segment whose members are not given")
                    .hint("give them in the configuration: \"segments\": {\"name\": [\"key\"]}")
            })?;
            let keys = segment.items()?;
            Test::List(
                keys.iter().map(|key| Ok(key.text()?.to_owned())).collect::<Result<_, Error>>()?,
            )
        }
        "EQUAL_TO" => number((false, false), DAY)?,
        "GREATER_THAN_OR_EQUAL_TO" => number((false, true), MINUTE)?,
        "LESS_THAN_OR_EQUAL_TO" => number((true, false), MINUTE)?,
        "BETWEEN" => {
            let data = node.need("betweenMatcherData")?;
            let unit = unit(&data, MINUTE)?;
            let end = |name| Ok::<_, Error>(cut(data.need(name)?.number()?, unit));
            Test::Range { from: end("start")?, to: end("end")?, unit }
        }
        "EQUAL_TO_SET" => Test::Set(list()?, Relation::Equal),
        "CONTAINS_ANY_OF_SET" => Test::Set(list()?, Relation::HasAny),
        "CONTAINS_ALL_OF_SET" => Test::Set(list()?, Relation::HasAll),
        "PART_OF_SET" => Test::Set(list()?, Relation::PartOf),
        "STARTS_WITH" => Test::Text(list()?, |text, start| text.starts_with(start)),
        "ENDS_WITH" => Test::Text(list()?, |text, end| text.ends_with(end)),
        "CONTAINS_STRING" => Test::Text(list()?, |text, part| text.contains(part)),
        "EQUAL_TO_BOOLEAN" => Test::Truth(node.need("booleanMatcherData")?.truth()?),
        "MATCHES_STRING" => Test::Pattern(Pattern::of(&text()?, Dialect::Script, false)?),
        "EQUAL_TO_SEMVER" => Test::VersionIn(vec![text()?.text()?.to_owned()]),
        "GREATER_THAN_OR_EQUAL_TO_SEMVER" => Test::Version(version(&text()?)?, Ordering::is_ge),
        "LESS_THAN_OR_EQUAL_TO_SEMVER" => Test::Version(version(&text()?)?, Ordering::is_le),
        "IN_LIST_SEMVER" => Test::VersionIn(list()?),
        "BETWEEN_SEMVER" => {
            let data = node.need("betweenStringMatcherData")?;
            Test::VersionRange(version(&data.need("start")?)?, version(&data.need("end")?)?)
        }
        unknown => return Err(kind.fail(format!("the matcher \"{unknown}\" is not known"))),
    };
    let selector = node.get("keySelector");
    let attribute = selector.map(|selector| selector.text_at("attribute")).transpose()?.flatten();
    Ok(Matcher::Value(attribute.map(str::to_owned), test))
}

impl Test {
    /// What has no value, or none of the type that is asked for, is not matched.
    pub(super) fn holds(&self, attribute: Option<&str>, subject: &Subject<'_>) -> bool {
        let value: Option<Cow<'_, Value>> = match attribute {
            None => Some(Cow::Owned(Value::String(subject.id.to_owned()))),
            Some(name) => subject.attribute(name, "key"),
        };
        let Some(value) = value.filter(|value| !value.is_null()) else { return false };
        let text = || match &*value {
            Value::Object(_) | Value::Array(_) => None,
            value => Some(script::text(Some(value))).filter(|text| !text.is_empty()),
        };
        let version = || text().and_then(|text| Version::read(&text, false));
        match self {
            Test::All => text().is_some(),
            Test::List(list) => text().is_some_and(|text| list.iter().any(|one| *one == text)),
            Test::Text(list, test) => {
                text().is_some_and(|text| list.iter().any(|one| test(&text, one)))
            }
            Test::Range { from, to, unit } => {
                let number = match &*value {
                    Value::Number(number) => number.as_f64(),
                    Value::String(text) => Some(script::number_of_text(text)),
                    _ => None,
                };
                let number = number.map(|number| cut(number, *unit));
                number.is_some_and(|number| number >= *from && number <= *to)
            }
            Test::Set(list, relation) => {
                let items = value.as_array().filter(|items| !items.is_empty());
                items.is_some_and(|items| {
                    let own: Vec<Cow<'_, str>> =
                        items.iter().map(|item| script::text(Some(item))).collect();
                    let has = |one: &String| own.iter().any(|item| item == one);
                    let within = || own.iter().all(|item| list.iter().any(|one| one == item));
                    match relation {
                        Relation::HasAny => list.iter().any(has),
                        Relation::HasAll => list.iter().all(has),
                        Relation::PartOf => within(),
                        Relation::Equal => within() && list.iter().all(has),
                    }
                })
            }
            Test::Truth(expect) => match &*value {
                Value::Bool(truth) => truth == expect,
                Value::String(text) => match text.to_lowercase().as_str() {
                    "true" => *expect,
                    "false" => !*expect,
                    _ => false,
                },
                _ => false,
            },
            Test::Pattern(pattern) => text().is_some_and(|text| pattern.finds(&text)),
            Test::Version(expect, test) => version().is_some_and(|given| test(given.cmp(expect))),
            // Unlike in their order, what is built in counts in whether two are the same.
            Test::VersionIn(list) => {
                version().is_some()
                    && text().is_some_and(|text| list.iter().any(|one| *one == text))
            }
            Test::VersionRange(from, to) => {
                version().is_some_and(|given| given >= *from && given <= *to)
            }
        }
    }
}
