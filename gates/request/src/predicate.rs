//! What has to hold of a value.

use std::cmp::Ordering;

use gate_core::Json;

use crate::filter::given;
use crate::words::{Given, Word, Words};
use crate::{Variables, shown};

/// The predicates that there are.
const NAMES: &str = "==, !=, >, >=, <, <=, contains, startsWith, endsWith, matches, exists, \
                     isEmpty, isBoolean, isInteger, isFloat, isNumber, isString, isList, \
                     isObject, isCollection, isIsoDate, isUuid";

/// What has to hold of a value.
#[derive(Debug, Clone)]
pub(crate) enum Predicate {
    /// In comparison with another value.
    Compares(Compares, Given),
    /// It fits a regular expression.
    Matches(regex::Regex),
    /// It is there.
    Exists,
    /// It is of a kind.
    Is(Kind),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compares {
    Equal,
    Unequal,
    More,
    AtLeast,
    Less,
    AtMost,
    Contains,
    StartsWith,
    EndsWith,
}

/// A kind of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Empty,
    Boolean,
    Integer,
    Float,
    Number,
    Text,
    List,
    Object,
    Collection,
    IsoDate,
    Uuid,
}

impl Predicate {
    pub(crate) fn read(words: &mut Words<'_>) -> Result<Predicate, String> {
        let name = match words.next()? {
            Some(Word::Bare(name)) => name,
            Some(word) => return Err(format!("{word} is no predicate; there are: {NAMES}")),
            None => return Err(format!("it does not say what has to hold; there are: {NAMES}")),
        };
        let compares = match name.as_str() {
            "==" => Compares::Equal,
            "!=" => Compares::Unequal,
            ">" => Compares::More,
            ">=" => Compares::AtLeast,
            "<" => Compares::Less,
            "<=" => Compares::AtMost,
            "contains" | "includes" => Compares::Contains,
            "startsWith" => Compares::StartsWith,
            "endsWith" => Compares::EndsWith,
            "matches" => return words.wanted_regex("matches").map(Predicate::Matches),
            "exists" => return Ok(Predicate::Exists),
            other => {
                return Kind::find(other).map(Predicate::Is).ok_or_else(|| {
                    format!(
                        "`{other}` is neither a filter ({}) nor a predicate ({NAMES})",
                        crate::filter::NAMES
                    )
                });
            }
        };
        words.wanted_value(&name).map(|value| Predicate::Compares(compares, value))
    }

    /// Whether what it is held against is known only when the answer is there.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Predicate::Compares(_, Given::Variable(_)) => true,
            Predicate::Compares(_, Given::Text(text)) => text.contains("{{"),
            _ => false,
        }
    }

    pub(crate) fn wanted(&self, variables: &Variables) -> Result<Option<Json>, String> {
        match self {
            Predicate::Compares(_, one) if self.is_open() => given(one, variables).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether it holds; the error says what cannot be compared.
    pub(crate) fn holds(
        &self,
        value: Option<&Json>,
        wanted: Option<&Json>,
    ) -> Result<bool, String> {
        let value = match (self, value) {
            (Predicate::Exists, value) => return Ok(value.is_some()),
            (_, Some(value)) => value,
            (_, None) => return Err("there is none".to_owned()),
        };
        match self {
            Predicate::Compares(how, other) => match (other, wanted) {
                _ if self.is_open() => match wanted {
                    Some(wanted) => how.holds(value, wanted),
                    None => Err("what it is held against was not kept; run again".to_owned()),
                },
                (Given::Text(text), _) => how.holds(value, &Json::from(text.clone())),
                (Given::Value(other), _) => how.holds(value, other),
                (Given::Variable(_), _) => Err("it is a variable".to_owned()),
            },
            Predicate::Matches(regex) => match value {
                Json::String(text) => Ok(regex.is_match(text)),
                other => Err(format!("{} is no text", shown(other))),
            },
            Predicate::Exists => Ok(true),
            Predicate::Is(kind) => kind.holds(value),
        }
    }
}

impl Compares {
    fn holds(self, value: &Json, other: &Json) -> Result<bool, String> {
        let differ = || format!("{} cannot be compared with {}", shown(value), shown(other));
        let ordered = |good: &[Ordering]| {
            order(value, other).map(|order| good.contains(&order)).ok_or_else(differ)
        };
        let texts = || match (value, other) {
            (Json::String(value), Json::String(other)) => Ok((value, other)),
            _ => Err(differ()),
        };
        match self {
            Compares::Equal => Ok(is_equal(value, other)),
            Compares::Unequal => Ok(!is_equal(value, other)),
            Compares::More => ordered(&[Ordering::Greater]),
            Compares::AtLeast => ordered(&[Ordering::Greater, Ordering::Equal]),
            Compares::Less => ordered(&[Ordering::Less]),
            Compares::AtMost => ordered(&[Ordering::Less, Ordering::Equal]),
            Compares::Contains => match value {
                Json::Array(all) => Ok(all.iter().any(|one| is_equal(one, other))),
                _ => texts().map(|(value, other)| value.contains(other.as_str())),
            },
            Compares::StartsWith => texts().map(|(value, other)| value.starts_with(other.as_str())),
            Compares::EndsWith => texts().map(|(value, other)| value.ends_with(other.as_str())),
        }
    }
}

/// Numbers by what they are worth, `1` and `1.0` alike; texts letter by letter.
fn order(one: &Json, other: &Json) -> Option<Ordering> {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        (Json::String(one), Json::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

fn is_equal(one: &Json, other: &Json) -> bool {
    one == other || order(one, other) == Some(Ordering::Equal)
}

impl Kind {
    fn find(name: &str) -> Option<Kind> {
        Some(match name {
            "isEmpty" => Kind::Empty,
            "isBoolean" => Kind::Boolean,
            "isInteger" => Kind::Integer,
            "isFloat" => Kind::Float,
            "isNumber" => Kind::Number,
            "isString" => Kind::Text,
            "isList" => Kind::List,
            "isObject" => Kind::Object,
            "isCollection" => Kind::Collection,
            "isIsoDate" | "isDate" => Kind::IsoDate,
            "isUuid" => Kind::Uuid,
            _ => return None,
        })
    }

    fn holds(self, value: &Json) -> Result<bool, String> {
        let is_text = |good: fn(&str) -> bool| value.as_str().is_some_and(good);
        Ok(match self {
            Kind::Empty => match value {
                Json::Array(all) => all.is_empty(),
                Json::Object(all) => all.is_empty(),
                Json::String(text) => text.is_empty(),
                other => return Err(format!("{} is no list, object or text", shown(other))),
            },
            Kind::Boolean => value.is_boolean(),
            Kind::Integer => value.is_i64() || value.is_u64(),
            Kind::Float => value.is_f64(),
            Kind::Number => value.is_number(),
            Kind::Text => value.is_string(),
            Kind::List => value.is_array(),
            Kind::Object => value.is_object(),
            Kind::Collection => value.is_array() || value.is_object(),
            Kind::IsoDate => is_text(|text| text.parse::<jiff::Timestamp>().is_ok()),
            Kind::Uuid => is_text(is_uuid),
        })
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
