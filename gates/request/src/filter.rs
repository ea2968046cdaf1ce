//! What is made of a value before it is looked at.

use base64::Engine;
use gate_core::{Json, json};
use percent_encoding::percent_decode_str;

use crate::query::{found, select};
use crate::words::{Given, Word, Words};
use crate::{Variables, filled};

/// The filters that there are.
pub(crate) const NAMES: &str = "count, first, last, nth N, jsonpath \"PATH\", regex \"PATTERN\", \
                                replace \"A\" \"B\", split \"SEPARATOR\", toInt, toFloat, \
                                toString, urlDecode, base64Decode";

/// What is made of a value.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    Count,
    First,
    Last,
    Nth(usize),
    JsonPath(String),
    Regex(regex::Regex),
    Replace(String, String),
    Split(String),
    ToInt,
    ToFloat,
    ToText,
    UrlDecode,
    Base64Decode,
}

impl Filter {
    /// The next filter, if one comes next.
    pub(crate) fn read(words: &mut Words<'_>) -> Result<Option<Filter>, String> {
        let Some(Word::Bare(name)) = words.peek()? else { return Ok(None) };
        let plain = match name.as_str() {
            "count" => Some(Filter::Count),
            "first" => Some(Filter::First),
            "last" => Some(Filter::Last),
            "toInt" => Some(Filter::ToInt),
            "toFloat" => Some(Filter::ToFloat),
            "toString" => Some(Filter::ToText),
            "urlDecode" => Some(Filter::UrlDecode),
            "base64Decode" => Some(Filter::Base64Decode),
            "nth" | "jsonpath" | "regex" | "replace" | "split" => None,
            _ => return Ok(None),
        };
        words.next()?;
        if plain.is_some() {
            return Ok(plain);
        }
        Ok(Some(match name.as_str() {
            "nth" => Filter::Nth(words.wanted_count("nth")?),
            "jsonpath" => Filter::JsonPath(words.wanted_text("jsonpath")?),
            "regex" => Filter::Regex(words.wanted_regex("regex")?),
            "replace" => {
                Filter::Replace(words.wanted_text("replace")?, words.wanted_text("replace")?)
            }
            _ => Filter::Split(words.wanted_text("split")?),
        }))
    }

    /// What it makes of a value; none when nothing is left.
    pub(crate) fn of(&self, value: Json, variables: &Variables) -> Result<Option<Json>, String> {
        Ok(match self {
            Filter::Count => Some(json!(match &value {
                Json::Array(all) => all.len(),
                Json::Object(all) => all.len(),
                other => return Err(format!("{other} cannot be counted")),
            })),
            Filter::First => list(value)?.into_iter().next(),
            Filter::Last => list(value)?.pop(),
            Filter::Nth(n) => list(value)?.into_iter().nth(*n),
            Filter::JsonPath(path) => {
                let path = filled(path, variables)?;
                match &value {
                    Json::String(text) => {
                        let json = serde_json::from_str(text)
                            .map_err(|error| format!("it is no JSON: {error}"))?;
                        select(&json, &path)?
                    }
                    other => select(other, &path)?,
                }
            }
            Filter::Regex(regex) => found(regex, &text(&value)?).map(Json::from),
            Filter::Replace(old, new) => {
                let (old, new) = (filled(old, variables)?, filled(new, variables)?);
                Some(json!(text(&value)?.replace(&old, &new)))
            }
            Filter::Split(separator) => {
                let separator = filled(separator, variables)?;
                Some(json!(text(&value)?.split(&separator).collect::<Vec<_>>()))
            }
            Filter::ToInt => {
                let text = text(&value)?;
                let whole = text.trim().parse::<i64>().ok();
                let near = || text.trim().parse::<f64>().ok().filter(|one| one.abs() < 2e15);
                let number = whole.or_else(|| near().map(|one| one.trunc() as i64));
                Some(json!(number.ok_or_else(|| no_number(&value))?))
            }
            Filter::ToFloat => {
                let number = text(&value)?.trim().parse::<f64>().ok();
                let number = number.filter(|number| number.is_finite());
                Some(json!(number.ok_or_else(|| no_number(&value))?))
            }
            Filter::ToText => Some(json!(text(&value)?)),
            Filter::UrlDecode => {
                Some(json!(percent_decode_str(&text(&value)?).decode_utf8_lossy()))
            }
            Filter::Base64Decode => {
                let engine = base64::engine::general_purpose::STANDARD;
                let bytes = engine
                    .decode(text(&value)?.trim())
                    .map_err(|error| format!("it is no base64: {error}"))?;
                Some(json!(String::from_utf8_lossy(&bytes)))
            }
        })
    }
}

fn no_number(value: &Json) -> String {
    format!("{} is no number", crate::shown(value))
}

fn list(value: Json) -> Result<Vec<Json>, String> {
    match value {
        Json::Array(all) => Ok(all),
        other => Err(format!("{} is no list", crate::shown(&other))),
    }
}

/// The value as text: lists and objects are none.
fn text(value: &Json) -> Result<String, String> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(_) | Json::Bool(_) => Ok(value.to_string()),
        other => Err(format!("{} is no text", crate::shown(other))),
    }
}

/// What was given, with its variables filled in.
pub(crate) fn given(given: &Given, variables: &Variables) -> Result<Json, String> {
    match given {
        Given::Text(text) => Ok(filled(text, variables)?.into()),
        Given::Variable(name) => variables.wanted(name),
        Given::Value(value) => Ok(value.clone()),
    }
}
