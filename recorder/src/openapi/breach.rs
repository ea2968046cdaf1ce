//! How an answer breaks a document, in words. No value of an answer is told: it may be a secret.

use std::collections::BTreeSet;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use redact::placeholder;
use serde_json::Value;

use super::files::{Files, Place};
use crate::drift::{Change, at};

/// How many places are told of one answer.
const MOST: usize = 2000;
/// How many values of a list are named.
const NAMED: usize = 5;
/// How long a text of the document may be that is told, in characters.
const LONGEST: usize = 120;

/// What kind of breach it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// The document says otherwise.
    Breaks,
    /// The document says nothing of it.
    Undocumented,
    /// Nobody can tell.
    Unknown,
}

/// A place where an answer is not what the document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) weight: Weight,
    pub(crate) change: Change,
    /// As findings name it: `$.results[*].id`, `header x` or `body`.
    pub(crate) place: String,
    /// The first such place in the body, as a JSON pointer.
    pub(crate) pointer: Option<String>,
    /// What in the document is broken: `#/components/schemas/Contact/properties/id/type`.
    pub(crate) rule: String,
    /// In which of the ways that one rule can be broken.
    pub(crate) detail: String,
    /// What the document says, in words.
    pub(crate) wanted: String,
    /// What is there, in words.
    pub(crate) got: String,
}

impl Breach {
    pub(super) fn undocumented(place: &str, rule: String, wanted: String, got: String) -> Breach {
        Breach {
            weight: Weight::Undocumented,
            change: Change::Undocumented,
            place: place.to_owned(),
            pointer: None,
            rule,
            detail: String::new(),
            wanted,
            got,
        }
    }

    /// Whether another answer breaks the same rule in the same way, wherever that is: a rule that
    /// never held proves nothing.
    pub(crate) fn is_same(&self, other: &Breach) -> bool {
        self.key() == other.key()
    }

    fn key(&self) -> (Weight, Change, &str, &str) {
        (self.weight, self.change, &self.rule, &self.detail)
    }
}

/// What cannot be looked at.
pub(super) fn unknown(place: &str, rule: &str, why: String) -> Box<Breach> {
    Box::new(Breach {
        weight: Weight::Unknown,
        change: Change::Opaque,
        place: place.to_owned(),
        pointer: None,
        rule: rule.to_owned(),
        detail: why.clone(),
        wanted: String::new(),
        got: why,
    })
}

/// A place of the document as people find it.
pub(super) fn rule(files: &Files, place: &Place) -> String {
    format!("{}#{}", files.name(place.file), place.pointer)
}

/// One breach for each place at which a rule is broken in one way: places may be passed over later,
/// one by one.
pub(super) fn distinct(all: impl Iterator<Item = Breach>) -> Vec<Breach> {
    let mut seen = BTreeSet::new();
    let mut found: Vec<Breach> = Vec::new();
    for breach in all {
        let Breach { change, place, rule, detail, .. } = &breach;
        if !seen.insert((*change, place.clone(), rule.clone(), detail.clone())) {
            continue;
        }
        if found.len() == MOST {
            let why = format!("it breaks the document in more than {MOST} places");
            found.push(*unknown("body", "", why));
            break;
        }
        found.push(breach);
    }
    found
}

/// What an error of a schema says; nothing, where what stands for a secret is looked at.
pub(super) fn of(
    error: &ValidationError<'_>,
    body: &Value,
    is_recorded: bool,
    placed: impl Fn(&str) -> String,
) -> Option<Breach> {
    let told = told(error.kind(), error.instance());
    if is_recorded && is_of_secret(error.instance(), told.change) {
        return None;
    }
    let pointer = error.instance_path().as_str();
    let mut place = place(body, pointer);
    if let Some(member) = &told.member {
        place = at(&place, member);
    }
    Some(Breach {
        weight: if told.change == Change::Opaque { Weight::Unknown } else { Weight::Breaks },
        change: told.change,
        place,
        pointer: Some(pointer.to_owned()),
        rule: placed(error.schema_path().as_str()),
        detail: told.detail,
        wanted: told.wanted,
        got: told.got,
    })
}

/// Whether it may be that only what stands for a secret is not as it should be.
fn is_of_secret(value: &Value, change: Change) -> bool {
    match value {
        Value::String(text) => is_placeholder(text),
        // One of several forms: what is in it decides.
        whole => change == Change::Alternative && is_placeholder(&whole.to_string()),
    }
}

fn is_placeholder(text: &str) -> bool {
    matches!(placeholder::generalised(text.as_bytes()), std::borrow::Cow::Owned(_))
}

/// A JSON pointer into a body, as findings name places: all elements of an array are one.
fn place(body: &Value, pointer: &str) -> String {
    let mut place = "$".to_owned();
    let mut value = body;
    for step in pointer.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        if let Value::Array(all) = value {
            place.push_str("[*]");
            value = name.parse().ok().and_then(|at: usize| all.get(at)).unwrap_or(&Value::Null);
        } else {
            place = at(&place, &name);
            value = &value[name.as_str()];
        }
    }
    place
}

/// What is said of one error.
struct Told {
    change: Change,
    /// The member that it is about, where it is one of the value.
    member: Option<String>,
    detail: String,
    wanted: String,
    got: String,
}

fn told(kind: &ValidationErrorKind, value: &Value) -> Told {
    use ValidationErrorKind as Kind;
    let told = |change, wanted: String, got: &str| Told {
        change,
        member: None,
        detail: String::new(),
        wanted,
        got: got.to_owned(),
    };
    let limit = |wanted: String, got: &str| told(Change::Limit, wanted, got);
    match kind {
        Kind::Type { kind } => {
            let change = if value.is_null() { Change::Null } else { Change::Type };
            Told {
                detail: word(value).to_owned(),
                ..told(change, types(kind), got_type(kind, value))
            }
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default().to_owned();
            let member = Some(name.clone());
            Told { member, detail: name, ..told(Change::Removed, "required".to_owned(), "missing") }
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let more = unexpected.len().saturating_sub(1);
            let got =
                if more == 0 { "there".to_owned() } else { format!("there, and {more} more") };
            let wanted = "no member of this name".to_owned();
            Told { member: unexpected.first().cloned(), ..told(Change::Added, wanted, &got) }
        }
        Kind::FalseSchema => told(Change::Added, "excluded".to_owned(), "there"),
        Kind::Enum { options } => told(Change::Enumeration, options_of(options), "another value"),
        Kind::Constant { expected_value } => {
            told(Change::Enumeration, short(&expected_value.to_string()), "another value")
        }
        Kind::Format { format } => {
            told(Change::Format, format!("a text of the format {}", short(format)), "another text")
        }
        Kind::Pattern { pattern } => {
            told(Change::Format, format!("a text like {}", short(pattern)), "another text")
        }
        Kind::MinLength { limit: n } => limit(letters("at least", *n), "fewer"),
        Kind::MaxLength { limit: n } => limit(letters("at most", *n), "more"),
        Kind::MinItems { limit: n } => limit(format!("at least {n} elements"), "fewer"),
        Kind::MaxItems { limit: n } => limit(format!("at most {n} elements"), "more"),
        Kind::MinProperties { limit: n } => limit(format!("at least {n} members"), "fewer"),
        Kind::MaxProperties { limit: n } => limit(format!("at most {n} members"), "more"),
        Kind::Minimum { limit: n } => limit(format!("at least {n}"), "less"),
        Kind::ExclusiveMinimum { limit: n } => limit(format!("more than {n}"), "no more than that"),
        Kind::Maximum { limit: n } => limit(format!("at most {n}"), "more"),
        Kind::ExclusiveMaximum { limit: n } => limit(format!("less than {n}"), "no less than that"),
        Kind::MultipleOf { multiple_of } => {
            limit(format!("a multiple of {multiple_of}"), "another number")
        }
        Kind::UniqueItems => limit("elements that differ".to_owned(), "some that are equal"),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            told(Change::Alternative, format!("one of {} forms", context.len()), "none of them")
        }
        Kind::OneOfMultipleValid { context } => {
            let wanted = format!("exactly one of {} forms", context.len());
            let several = "several of them";
            Told { detail: several.to_owned(), ..told(Change::Alternative, wanted, several) }
        }
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
            let got = "a pattern takes too long to try";
            told(Change::Opaque, String::new(), got)
        }
        Kind::Referencing(_) => {
            let got = "a reference of its schema leads nowhere";
            told(Change::Opaque, String::new(), got)
        }
        other => limit(format!("what `{}` says", other.keyword()), "otherwise"),
    }
}

fn letters(how: &str, n: u64) -> String {
    format!("{how} {n} letter{}", if n == 1 { "" } else { "s" })
}

fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A number where a whole one is wanted is told as one.
fn got_type(kind: &TypeKind, value: &Value) -> &'static str {
    if value.is_number() && types(kind).contains("a whole number") {
        "another number"
    } else {
        word(value)
    }
}

fn types(kind: &TypeKind) -> String {
    let name = |one: JsonType| match one {
        JsonType::Null => "null",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a text",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    };
    match kind {
        TypeKind::Single(one) => name(*one).to_owned(),
        TypeKind::Multiple(set) => {
            let all: Vec<&str> = set.iter().map(name).collect();
            all.join(" or ")
        }
    }
}

/// What the document names.
fn options_of(options: &Value) -> String {
    let all = options.as_array().map_or(&[][..], Vec::as_slice);
    let named = all.iter().take(NAMED).map(|one| match one {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let named: Vec<String> = named.collect();
    let more = all.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("one of {}{more}", short(&named.join(", ")))
}

fn short(text: &str) -> String {
    let short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
