//! What is kept of an answer: what was captured and asserted, its secrets, its breaches of a schema.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use gate_core::{Error, Json, Role, files};
use gate_request::{Answer, Assert, Ready};
use recorder::{Headers, Interaction, Request, Response};

use super::Flow;
use crate::judge::is_as_wanted;
use crate::seen::{Answered, Looked};
use crate::settings::RequestSpec;

/// The longest text that stands in the observation itself, in bytes.
const LONGEST: usize = 16 << 10;
/// Why something could not be looked at where the reason would give a secret away.
const UNREADABLE: &str = "it cannot be read like this, and a secret is in it";
const SECRET: &str = "it is a secret";
/// How much of a breach is told, in characters.
const LONGEST_BREACH: usize = 300;
/// How many breaches of a schema are told.
const BREACHES: usize = 20;

impl Flow<'_> {
    /// What is kept of an answer, after its captures were taken.
    pub(super) fn answered(
        &mut self,
        spec: &RequestSpec,
        ready: &Ready,
        answer: &Answer,
    ) -> Result<Answered, Error> {
        let clean = self.clean(ready, answer);
        let mut uncaptured = BTreeMap::new();
        for (name, expression) in &spec.captures {
            let is_secret = |value: &Json| !self.is_open(expression.variables(), value);
            let shown = expression.of(&clean, &self.variables);
            match expression.of(answer, &self.variables) {
                Ok(Some(value)) => {
                    if shown.ok().flatten().as_ref() != Some(&value) || is_secret(&value) {
                        self.tainted.insert(name.clone());
                    } else {
                        self.tainted.remove(name);
                    }
                    self.variables.set(name, value);
                }
                Ok(None) => {
                    uncaptured.insert(name.clone(), format!("there is no {expression}"));
                }
                Err(_) => {
                    let why =
                        shown.err().filter(|_| is_open(&self.tainted, expression.variables()));
                    let why = why.unwrap_or_else(|| UNREADABLE.to_owned());
                    uncaptured.insert(name.clone(), why);
                }
            }
        }
        let mut values = Vec::new();
        for assert in &spec.asserts {
            values.push(self.looked(assert, answer, &clean)?);
        }
        let schema = match &spec.schema {
            Some(path) => {
                let has_secret = clean.body != answer.body;
                Some(breaches(&self.cx.spec_folder().join(path), answer, has_secret)?)
            }
            None => None,
        };
        let mut answered = Answered {
            status: answer.status,
            duration_ms: answer.duration_ms,
            values,
            uncaptured,
            schema,
            secrets: self.secrets(answer),
            exchange: None,
        };
        let texts = |evidence: &gate_core::Evidence| {
            let bytes = self.cx.store().get(&evidence.digest)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        if !is_as_wanted(spec, &answered, &texts)? {
            let interaction = interaction(spec, ready, answer);
            let cleaner = &self.cleaner;
            answered.exchange =
                self.kept.exchange(&interaction, None, Vec::new(), cleaner, self.cx)?;
        }
        Ok(answered)
    }

    /// The answer without its secrets.
    fn clean(&self, ready: &Ready, answer: &Answer) -> Answer {
        let url = ready.url.to_string();
        let request = Request { url, ..Request::default() };
        let response = Response {
            headers: headers_of(answer),
            body: answer.body.clone().into(),
            ..Response::default()
        };
        let both = Interaction { request, response };
        let Interaction { response, .. } = recorder::without_secrets(&both, &self.cleaner);
        Answer {
            status: answer.status,
            version: answer.version.clone(),
            url: self.cleaner.url(&answer.url).into_owned(),
            headers: response.headers.iter().map(|(n, v)| (n.to_owned(), v.to_vec())).collect(),
            body: response.body.bytes().map(|bytes| bytes.to_vec()).unwrap_or_default(),
            duration_ms: answer.duration_ms,
            json: OnceLock::new(),
        }
    }

    /// Whether a value holds nothing that is known to be a secret, and comes from no variable that
    /// does.
    fn is_open<'v>(&self, variables: impl Iterator<Item = &'v str>, value: &Json) -> bool {
        let text = value.to_string();
        is_open(&self.tainted, variables)
            && matches!(self.cleaner.again(text.as_bytes()), Cow::Borrowed(_))
    }

    fn looked(&self, assert: &Assert, answer: &Answer, clean: &Answer) -> Result<Looked, Error> {
        let shown = assert.what().of(clean, &self.variables);
        let value = match assert.what().of(answer, &self.variables) {
            Ok(Some(value)) => value,
            Ok(None) => return Ok(Looked::Nothing),
            Err(_) => {
                let why = shown.err().filter(|_| is_open(&self.tainted, assert.variables()));
                return Ok(Looked::Wrong(why.unwrap_or_else(|| UNREADABLE.to_owned())));
            }
        };
        let wanted = match assert.wanted(&self.variables) {
            Ok(wanted) => wanted,
            Err(why) => return Ok(Looked::Wrong(why)),
        };
        let shown = shown.ok().flatten();
        let is_open = |value: &Json| self.is_open(assert.variables(), value);
        let is_told = shown.as_ref() == Some(&value)
            && is_open(&value)
            && wanted.as_ref().is_none_or(&is_open);
        if !is_told {
            let is_all = |text: &str| redact::placeholder::is_one(text.as_bytes());
            let broken = assert.broken(Some(&value), wanted.as_ref()).map(|_| match &shown {
                Some(Json::String(text)) if is_all(text) => SECRET.to_owned(),
                Some(shown) if shown != &value && is_open(shown) => {
                    format!("it is {}", gate_request::shown(shown))
                }
                _ => SECRET.to_owned(),
            });
            return Ok(Looked::Secret { assert: assert.to_string(), broken });
        }
        let text = value.to_string();
        if text.len() > LONGEST {
            let label = assert.what().text();
            let json = self.cx.keep(Role::Log, label, "application/json", text.as_bytes())?;
            return Ok(Looked::Long { json, wanted });
        }
        Ok(Looked::Value { value, wanted })
    }

    /// What a secret is called: those of gate.yaml by their names.
    fn kind(&self, kind: &str, part: &[u8]) -> Vec<String> {
        if kind != "known-value" {
            return vec![kind.to_owned()];
        }
        let clean = self.cx.redactor().bytes(part).into_owned();
        let (before, after) = (String::from_utf8_lossy(part), String::from_utf8_lossy(&clean));
        let (was, is) = (secret_names(&before), secret_names(&after));
        let new: Vec<String> = is.difference(&was).map(|name| (*name).to_owned()).collect();
        if new.is_empty() { vec![kind.to_owned()] } else { new }
    }

    /// Kinds of secrets that an answer holds: values that are known here, and what has the shape
    /// of one. Headers count but for cookies, whose purpose it is.
    fn secrets(&self, answer: &Answer) -> Vec<String> {
        let headers = answer.headers.iter().filter(|(name, _)| *name != "set-cookie");
        let parts = headers.map(|(_, value)| value.as_slice()).chain([answer.body.as_slice()]);
        let kinds = parts.flat_map(|part| {
            let found = self.searching.scan(part);
            let kinds: BTreeSet<&str> = found.iter().map(|one| one.rule).collect();
            kinds.into_iter().flat_map(|kind| self.kind(kind, part)).collect::<Vec<_>>()
        });
        let mut kinds: Vec<String> = kinds.collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }
}

/// The names in `${secret:NAME}`, wherever it stands.
fn secret_names(text: &str) -> BTreeSet<&str> {
    let parts = text.split("${secret:").skip(1);
    parts.filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
}

/// Whether none of these variables holds a secret.
fn is_open<'v>(tainted: &BTreeSet<String>, mut named: impl Iterator<Item = &'v str>) -> bool {
    !named.any(|name| tainted.contains(name))
}

/// How an answer breaks the schema in a file; without the values that do, when there may be a secret
/// among them.
fn breaches(path: &Path, answer: &Answer, has_secret: bool) -> Result<Vec<String>, Error> {
    let wrong = |error: &dyn std::fmt::Display| {
        Error::new(format!("{} is no JSON Schema: {error}", path.display()))
    };
    let schema: Json = serde_json::from_slice(&files::read(path)?).map_err(|e| wrong(&e))?;
    let validator = jsonschema::validator_for(&schema).map_err(|error| wrong(&error))?;
    let json = match answer.json() {
        Ok(json) => json,
        Err(why) => return Ok(vec![why]),
    };
    let told = |error: jsonschema::ValidationError<'_>| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "the body".to_owned() } else { place };
        let text = if has_secret { error.masked().to_string() } else { error.to_string() };
        let short: String = text.chars().take(LONGEST_BREACH).collect();
        if short.len() < text.len() {
            format!("{place}: {short}…")
        } else {
            format!("{place}: {text}")
        }
    };
    Ok(validator.iter_errors(json).take(BREACHES).map(told).collect())
}

fn interaction(spec: &RequestSpec, ready: &Ready, answer: &Answer) -> Interaction {
    let headers = ready.headers.iter().map(|(name, value)| (name, value.as_bytes())).collect();
    let request = Request {
        method: spec.request.method.clone(),
        url: ready.url.to_string(),
        headers,
        body: ready.body.clone().unwrap_or_default().into(),
    };
    let response = Response {
        status: answer.status,
        headers: headers_of(answer),
        body: answer.body.clone().into(),
        ..Response::default()
    };
    Interaction { request, response }
}

fn headers_of(answer: &Answer) -> Headers {
    answer.headers.iter().map(|(name, value)| (name, value.as_slice())).collect()
}
