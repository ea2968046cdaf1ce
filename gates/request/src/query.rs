//! What of an answer is looked at.

use gate_core::{Json, json};
use serde_json_path::JsonPath;

use crate::words::{Word, Words};
use crate::{Answer, Variables, filled};

/// The queries that there are.
const NAMES: &str = "status, version, url, header \"NAME\", cookie \"NAME\", body, bytes, \
                     jsonpath \"PATH\", regex \"PATTERN\", sha256, duration, variable \"NAME\"";

/// What of an answer is looked at.
#[derive(Debug, Clone)]
pub(crate) enum Query {
    Status,
    Version,
    Url,
    Header(String),
    Cookie(String),
    Body,
    Bytes,
    JsonPath(String),
    Regex(regex::Regex),
    Sha256,
    Duration,
    Variable(String),
}

impl Query {
    pub(crate) fn read(words: &mut Words<'_>) -> Result<Query, String> {
        let Some(Word::Bare(name)) = words.next()? else {
            return Err(format!("it has to begin with what is looked at: {NAMES}"));
        };
        Ok(match name.as_str() {
            "status" => Query::Status,
            "version" => Query::Version,
            "url" => Query::Url,
            "header" => Query::Header(words.wanted_text("header")?.to_ascii_lowercase()),
            "cookie" => {
                let name = words.wanted_text("cookie")?;
                crate::answer::is_cookie(&name)?;
                Query::Cookie(name)
            }
            "body" => Query::Body,
            "bytes" => Query::Bytes,
            "jsonpath" => {
                let path = words.wanted_text("jsonpath")?;
                if !path.contains("{{") {
                    parsed(&path)?;
                }
                Query::JsonPath(path)
            }
            "regex" => Query::Regex(words.wanted_regex("regex")?),
            "sha256" => Query::Sha256,
            "duration" => Query::Duration,
            "variable" => Query::Variable(words.wanted_text("variable")?),
            other => return Err(format!("`{other}` is nothing of an answer; there are: {NAMES}")),
        })
    }

    /// Whether it is a path that may lead to any number of values.
    pub(crate) fn leads_to_many(&self) -> bool {
        let Query::JsonPath(path) = self else { return false };
        JsonPath::parse(path).is_ok_and(|path| !is_singular(&path))
    }

    /// The variable that is looked at, if it is one.
    pub(crate) fn variable(&self) -> Option<&str> {
        match self {
            Query::Variable(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn of(
        &self,
        answer: &Answer,
        variables: &Variables,
    ) -> Result<Option<Json>, String> {
        Ok(match self {
            Query::Status => Some(json!(answer.status)),
            Query::Version => Some(json!(answer.version.trim_start_matches("HTTP/"))),
            Query::Url => Some(json!(answer.url)),
            Query::Header(name) => header(answer, name),
            Query::Cookie(name) => answer.cookie(name),
            Query::Body => Some(json!(answer.text())),
            Query::Bytes => Some(json!(hex(&answer.body))),
            Query::JsonPath(path) => select(answer.json()?, &filled(path, variables)?)?,
            Query::Regex(regex) => found(regex, &answer.text()).map(Json::from),
            Query::Sha256 => {
                let digest = ring::digest::digest(&ring::digest::SHA256, &answer.body);
                Some(json!(hex(digest.as_ref())))
            }
            Query::Duration => Some(json!(answer.duration_ms)),
            Query::Variable(name) => variables.get(name).cloned(),
        })
    }
}

/// A header's value; a list where it is repeated.
fn header(answer: &Answer, name: &str) -> Option<Json> {
    let texts: Vec<Json> = answer
        .all(name)
        .map(|value| Json::from(String::from_utf8_lossy(value).into_owned()))
        .collect();
    match texts.len() {
        0 => None,
        1 => texts.into_iter().next(),
        _ => Some(Json::Array(texts)),
    }
}

/// What a path leads to: the value itself where it can lead to one only, else a list, which may be
/// empty.
pub(crate) fn select(json: &Json, path: &str) -> Result<Option<Json>, String> {
    let path = parsed(path)?;
    let found = path.query(json).all();
    if is_singular(&path) {
        return Ok(found.first().map(|&value| value.clone()));
    }
    let all: Vec<Json> = found.into_iter().cloned().collect();
    Ok(Some(Json::Array(all)))
}

fn parsed(path: &str) -> Result<JsonPath, String> {
    JsonPath::parse(path).map_err(|error| format!("`{path}` is no JSONPath: {error}"))
}

/// Whether it has names and indices only (RFC 9535, "singular query").
fn is_singular(path: &JsonPath) -> bool {
    let text = path.to_string();
    let mut quote = None;
    let mut inside = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => inside = true,
            (None, ']') => inside = false,
            (None, '*' | '?') => return false,
            (None, ':' | ',') if inside => return false,
            (None, '.') if chars.peek() == Some(&'.') => return false,
            _ => {}
        }
    }
    true
}

/// The first group of a match, or all of it.
pub(crate) fn found(regex: &regex::Regex, text: &str) -> Option<String> {
    let groups = regex.captures(text)?;
    groups.get(1).or_else(|| groups.get(0)).map(|part| part.as_str().to_owned())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
