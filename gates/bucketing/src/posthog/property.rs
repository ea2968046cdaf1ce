//! PostHog's filters on one property.

use std::cmp::Ordering;

use serde_json::Value;

use crate::config::{Error, Node};
use crate::pattern::{Dialect, Pattern};
use crate::{Why, script, times};

const OPERATORS: &str = "exact is_not is_set is_not_set icontains not_icontains starts_with \
    not_starts_with ends_with not_ends_with regex not_regex gt gte lt lte is_date_after \
    is_date_before semver_eq semver_neq semver_gt semver_gte semver_lt semver_lte semver_tilde \
    semver_caret semver_wildcard";

type Numbers = [u64; 3];

#[derive(Debug)]
pub(super) enum Test {
    Exact {
        to: Value,
        strict: bool,
        expect: bool,
    },
    Set(bool),
    Text {
        part: String,
        test: fn(&str, &str) -> bool,
        expect: bool,
    },
    Pattern(Pattern, bool),
    Order(Value, fn(Ordering) -> bool),
    Date(f64, fn(Ordering) -> bool),
    /// A time before now, of which nothing is known here.
    RelativeDate,
    Version(Numbers, fn(Ordering) -> bool),
    Within(Numbers, Numbers),
}

fn digits(part: &str) -> Option<u64> {
    let plain = part.len() == 1 || !part.starts_with('0');
    let number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (number && plain).then(|| part.parse().ok()).flatten()
}

fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix(['v', 'V']).unwrap_or(text)
}

/// Three numbers; what follows them does not count, and what is missing is 0.
fn version(text: &str) -> Option<Numbers> {
    let text = bare(text).split(['-', '+']).next()?;
    if text.is_empty() || text.starts_with('.') {
        return None;
    }
    let mut parts = text.split('.');
    let mut next = || match parts.next() {
        None | Some("") => Some(0),
        Some(part) => digits(part),
    };
    Some([next()?, next()?, next()?])
}

fn wildcard(text: &str) -> Option<(Numbers, Numbers)> {
    let text = bare(text);
    let text = text.strip_suffix(".*").unwrap_or(text);
    let text = text.strip_suffix('*').unwrap_or(text);
    let mut parts = text.split('.');
    let major = digits(parts.next()?)?;
    Some(match parts.next() {
        None => ([major, 0, 0], [major + 1, 0, 0]),
        Some(minor) => {
            let minor = digits(minor)?;
            ([major, minor, 0], [major, minor + 1, 0])
        }
    })
}

fn caret([major, minor, patch]: Numbers) -> Numbers {
    match (major, minor) {
        (0, 0) => [0, 0, patch + 1],
        (0, minor) => [0, minor + 1, 0],
        (major, _) => [major + 1, 0, 0],
    }
}

/// `-7d` and the like.
fn is_relative(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let count = text.strip_suffix(['h', 'd', 'w', 'm', 'y']);
    count.is_some_and(|count| count.len() < 5 && digits(count).is_some())
}

impl Test {
    pub(super) fn read(node: &Node<'_>, strict: bool) -> Result<Test, Error> {
        let value = node.value().get("value").cloned().unwrap_or(Value::Null);
        let text = || script::text(Some(&value)).into_owned();
        let exact = |expect| Test::Exact { to: value.clone(), strict, expect };
        let part = |test, expect| Test::Text { part: text().to_ascii_lowercase(), test, expect };
        let order = |test| Test::Order(value.clone(), test);
        let bad = || node.fail(format!("{value} is no version"));
        let parsed = || version(&text()).ok_or_else(bad);
        let pattern = |expect| {
            let pattern = Pattern::read(&text(), Dialect::Re2, false);
            let pattern = pattern.map_err(|why| node.fail(format!("is not a pattern: {why}")))?;
            Ok::<_, Error>(Test::Pattern(pattern, expect))
        };
        let date = |test| -> Result<Test, Error> {
            if is_relative(&text()) {
                return Ok(Test::RelativeDate);
            }
            let moment = times::millis(&value);
            moment
                .map(|moment| Test::Date(moment, test))
                .ok_or_else(|| node.fail(format!("{value} is no date")))
        };
        let operator = node.text_at("operator")?.unwrap_or("exact");
        Ok(match operator {
            "exact" => exact(true),
            "is_not" => exact(false),
            "is_set" => Test::Set(true),
            "is_not_set" => Test::Set(false),
            "icontains" => part(|text, part| text.contains(part), true),
            "not_icontains" => part(|text, part| text.contains(part), false),
            "starts_with" => part(|text, part| text.starts_with(part), true),
            "not_starts_with" => part(|text, part| text.starts_with(part), false),
            "ends_with" => part(|text, part| text.ends_with(part), true),
            "not_ends_with" => part(|text, part| text.ends_with(part), false),
            "regex" => pattern(true)?,
            "not_regex" => pattern(false)?,
            "gt" => order(Ordering::is_gt),
            "gte" => order(Ordering::is_ge),
            "lt" => order(Ordering::is_lt),
            "lte" => order(Ordering::is_le),
            "is_date_after" => date(Ordering::is_gt)?,
            "is_date_before" => date(Ordering::is_lt)?,
            "semver_eq" => Test::Version(parsed()?, Ordering::is_eq),
            "semver_neq" => Test::Version(parsed()?, Ordering::is_ne),
            "semver_gt" => Test::Version(parsed()?, Ordering::is_gt),
            "semver_gte" => Test::Version(parsed()?, Ordering::is_ge),
            "semver_lt" => Test::Version(parsed()?, Ordering::is_lt),
            "semver_lte" => Test::Version(parsed()?, Ordering::is_le),
            "semver_tilde" => {
                let lower = parsed()?;
                Test::Within(lower, [lower[0], lower[1] + 1, 0])
            }
            "semver_caret" => parsed().map(|lower| Test::Within(lower, caret(lower)))?,
            "semver_wildcard" => {
                let (lower, upper) = wildcard(&text()).ok_or_else(bad)?;
                Test::Within(lower, upper)
            }
            unknown => {
                return Err(node
                    .fail(format!("the operator \"{unknown}\" is not known"))
                    .hint(format!("it is one of {OPERATORS}")));
            }
        })
    }

    pub(super) fn holds(&self, value: &Value) -> Result<bool, Why> {
        let unclear = Why::Unpredictable("a property cannot be compared with what is asked");
        let lower = || script::text(Some(value)).to_ascii_lowercase();
        Ok(match self {
            Test::Set(expect) => *expect,
            Test::Exact { to, strict, expect } => exact(to, value, *strict) == *expect,
            Test::Text { part, test, expect } => test(&lower(), part) == *expect,
            Test::Pattern(pattern, expect) => pattern.finds(&script::text(Some(value))) == *expect,
            // None of the rest holds for nothing.
            _ if value.is_null() => false,
            Test::Order(than, test) => {
                let (given, wanted) = (leading_number(value), leading_number(than));
                match (given, wanted) {
                    (Some(given), Some(wanted)) => given.partial_cmp(&wanted).is_some_and(test),
                    _ => {
                        let (given, wanted) = (script::text(Some(value)), script::text(Some(than)));
                        test(script::compare_texts(&given, &wanted))
                    }
                }
            }
            Test::Date(moment, test) => {
                times::millis(value).ok_or(unclear)?.partial_cmp(moment).is_some_and(test)
            }
            Test::RelativeDate => return Err(Why::Unpredictable("a condition asks for the time")),
            Test::Version(wanted, test) => {
                test(version(&script::text(Some(value))).ok_or(unclear)?.cmp(wanted))
            }
            Test::Within(lower, upper) => {
                let given = version(&script::text(Some(value))).ok_or(unclear)?;
                given >= *lower && given < *upper
            }
        })
    }
}

/// As `parseFloat` reads: what follows the number is let be.
fn leading_number(value: &Value) -> Option<f64> {
    if let Value::Number(number) = value {
        return number.as_f64();
    }
    let text = script::text(Some(value));
    let text = text.trim_start();
    let (mut end, mut digits, mut point, mut power) = (0, false, false, false);
    for (at, letter) in text.char_indices() {
        let after_power = text[..at].ends_with(['e', 'E']);
        match letter {
            '0'..='9' => digits = true,
            '+' | '-' if at == 0 || after_power => {}
            '.' if !point && !power => point = true,
            'e' | 'E' if digits && !power => power = true,
            _ => break,
        }
        end = at + 1;
    }
    let mut number = &text[..end];
    while !number.is_empty() {
        match number.parse::<f64>() {
            Ok(number) => return Some(number).filter(|number| number.is_finite()),
            Err(_) => number = &number[..number.len() - 1],
        }
    }
    None
}

fn is_truth(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::String(text) => matches!(text.to_lowercase().as_str(), "true" | "false"),
        Value::Array(items) => items.iter().all(is_truth),
        _ => false,
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::String(text) => text.to_lowercase() == "true",
        Value::Array(items) => items.iter().all(truth),
        _ => false,
    }
}

/// Equal whatever the case; what is true or false by its words is compared by that, unless
/// the project compares strictly.
fn exact(target: &Value, actual: &Value, strict: bool) -> bool {
    let empty = target.as_array().is_some_and(Vec::is_empty);
    if empty || !strict && is_truth(target) {
        return truth(target) == truth(actual);
    }
    if strict && actual.is_number() && is_truth(target) {
        return false;
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.to_lowercase(),
        other => script::json(Some(other)).to_lowercase(),
    };
    match target {
        Value::Array(items) => items.iter().any(|item| text(item) == text(actual)),
        target => text(target) == text(actual),
    }
}
