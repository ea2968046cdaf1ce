//! Patterns of places in JSON: a part of JSONPath (RFC 9535) that can be held against one place at
//! a time, without evaluating anything.

use std::fmt;
use std::str::FromStr;

/// One step from a value to a value in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A member of an object.
    Member(String),
    /// An element of an array.
    Element(usize),
}

/// A step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Member(String),
    Element(usize),
    /// `[*]` or `.*`.
    Any,
    /// `..`: any steps, none included.
    Deep,
}

/// A pattern such as `$.data[*].updated_at`, `$..id` or `$['first name']`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    text: String,
    wanted: Vec<Wanted>,
}

impl JsonPath {
    /// Whether it means exactly this place.
    pub fn matches(&self, place: &[Step]) -> bool {
        matches(&self.wanted, place)
    }

    /// The name of the member that it means, where it means one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.wanted.iter().rev().find_map(|step| match step {
            Wanted::Member(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

fn matches(wanted: &[Wanted], place: &[Step]) -> bool {
    let Some((first, rest)) = wanted.split_first() else { return place.is_empty() };
    if *first == Wanted::Deep {
        return (0..=place.len()).any(|skipped| matches(rest, &place[skipped..]));
    }
    let Some((step, below)) = place.split_first() else { return false };
    let fits = match (first, step) {
        (Wanted::Any, _) => true,
        (Wanted::Member(name), Step::Member(other)) => name == other,
        (Wanted::Element(index), Step::Element(other)) => index == other,
        _ => false,
    };
    fits && matches(rest, below)
}

/// A place, written as JSONPath.
pub fn written(place: &[Step]) -> String {
    let mut text = "$".to_owned();
    for step in place {
        match step {
            Step::Element(index) => text.push_str(&format!("[{index}]")),
            Step::Member(name) if is_name(name) => text.push_str(&format!(".{name}")),
            Step::Member(name) => {
                text.push_str(&format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")));
            }
        }
    }
    text
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for JsonPath {
    type Err = String;

    fn from_str(text: &str) -> Result<JsonPath, String> {
        let wrong = |why: &str| format!("`{text}` is no path such as $.data[*].id: {why}");
        let mut rest = text.strip_prefix('$').ok_or_else(|| wrong("it begins with $"))?;
        let mut wanted = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("..") {
                wanted.push(Wanted::Deep);
                rest = after;
                if rest.starts_with('[') {
                    continue;
                }
                rest = name(rest, &mut wanted).ok_or_else(|| wrong("`..` wants a name"))?;
            } else if let Some(after) = rest.strip_prefix('.') {
                rest = name(after, &mut wanted).ok_or_else(|| wrong("`.` wants a name"))?;
            } else if let Some(after) = rest.strip_prefix('[') {
                rest = bracket(after, &mut wanted)
                    .ok_or_else(|| wrong("in brackets stand *, a number or a quoted name"))?;
            } else {
                return Err(wrong("a step begins with `.` or `[`"));
            }
        }
        Ok(JsonPath { text: text.to_owned(), wanted })
    }
}

fn name<'t>(text: &'t str, wanted: &mut Vec<Wanted>) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix('*') {
        wanted.push(Wanted::Any);
        return Some(rest);
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !is_name(name) {
        return None;
    }
    wanted.push(Wanted::Member(name.to_owned()));
    Some(rest)
}

fn bracket<'t>(text: &'t str, wanted: &mut Vec<Wanted>) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix("*]") {
        wanted.push(Wanted::Any);
        return Some(rest);
    }
    if let Some(quote) = text.chars().next().filter(|quote| matches!(quote, '\'' | '"')) {
        let mut name = String::new();
        let mut letters = text[1..].char_indices();
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                wanted.push(Wanted::Member(name));
                return text[1 + at + 1..].strip_prefix(']');
            }
            name.push(if letter == '\\' { letters.next()?.1 } else { letter });
        }
        return None;
    }
    let (index, rest) = text.split_once(']')?;
    wanted.push(Wanted::Element(index.parse().ok()?));
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Vec<Step> {
        let steps = text.split('/').filter(|step| !step.is_empty());
        steps
            .map(|step| match step.parse() {
                Ok(index) => Step::Element(index),
                Err(_) => Step::Member(step.to_owned()),
            })
            .collect()
    }

    #[test]
    fn patterns_mean_places() {
        let check = |pattern: &str, at: &str, expect: bool| {
            let path: JsonPath = pattern.parse().unwrap();
            assert_eq!(path.matches(&place(at)), expect, "{pattern} at {at}");
        };
        check("$", "", true);
        check("$", "a", false);
        check("$.a.b", "a/b", true);
        check("$.a.b", "a/b/c", false);
        check("$.a[*].id", "a/3/id", true);
        check("$.a[3].id", "a/4/id", false);
        check("$.*.id", "x/id", true);
        check("$..id", "id", true);
        check("$..id", "a/0/b/id", true);
        check("$..a[0]", "x/a/0", true);
        check("$..[0]", "x/a/0", true);
        check("$['a b']", "a b", true);
        check(r#"$["it's"].x"#, "it's/x", true);
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for wrong in ["", "a", "$a", "$.", "$..", "$[", "$[x]", "$['a", "$.a b", "$[-1]"] {
            let error = wrong.parse::<JsonPath>().unwrap_err();
            assert!(error.contains("is no path such as"), "{error}");
        }
    }

    #[test]
    fn places_are_written_as_patterns_that_mean_them() {
        for at in ["", "a/b", "a/3/id", "it's/a b/\\"] {
            let place = place(at);
            let path: JsonPath = written(&place).parse().unwrap();
            assert!(path.matches(&place), "{path}");
        }
    }
}
