//! The requests of a spec, one after the other.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use gate_core::values::{Part, Template};
use gate_core::{Context, Error, Json, Role, files};
use recorder::{Headers, Interaction, Request, Response, UNANSWERED};
use redact::Cleaner;
use reqwest::Method;
use reqwest::cookie::Jar;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};

use super::client::{self, basic, root};
use super::exchange::Kept;
use super::{Playing, Service, authorities};
use crate::claim::{Answer, Assert, Variables, filled};
use crate::judge::is_as_wanted;
use crate::seen::{Answered, Asked, Looked};
use crate::settings::{RequestSpec, Settings};

/// The longest text that stands in the observation itself, in bytes.
const LONGEST: usize = 16 << 10;
/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 << 20;
/// How often an answer may send somewhere else.
const REDIRECTS: usize = 10;
/// Headers that go along to another service.
const ALONG: [&str; 3] = ["accept", "accept-language", "content-type"];
/// Why something could not be looked at where the reason would give a secret away.
const UNREADABLE: &str = "it cannot be read like this, and a secret is in it";
const SECRET: &str = "it is a secret";
/// How much of a breach is told, in characters.
const LONGEST_BREACH: usize = 300;
/// How many breaches of a schema are told.
const BREACHES: usize = 20;

/// Makes all requests. What could not be asked is told in its place.
pub(super) async fn flow(
    spec: &Settings,
    service: &Service,
    playing: Option<&Playing>,
    kept: &mut Kept,
    cx: &Context,
) -> Result<Vec<Asked>, Error> {
    let jar = Arc::new(Jar::default());
    for cookie in &service.cookies {
        jar.add_cookie_str(cookie, &service.url);
    }
    let client = match playing {
        Some(playing) => client::through(&playing.proxy, &jar)?,
        None => client::direct(authorities(spec, cx)?.as_deref(), &jar)?,
    };
    let searching = fresh(cx)?;
    let cleaner = match playing {
        Some(playing) => playing.cleaner.clone(),
        None => fresh(cx)?,
    };
    let variables = Variables::new(cx.seed(), cx.clock().now());
    let (is_through, tainted) = (playing.is_some(), BTreeSet::new());
    let mut flow =
        Flow { service, client, is_through, cleaner, searching, variables, tainted, kept, cx };
    let mut all = Vec::new();
    for (at, request) in spec.requests.iter().enumerate() {
        cx.progress(at as u64, Some(spec.requests.len() as u64), "requests", request.title());
        all.push(flow.one(request).await?);
    }
    Ok(all)
}

/// Knows the run's secrets and has learnt nothing.
fn fresh(cx: &Context) -> Result<Cleaner, Error> {
    let key = recorder::fresh_key().map_err(crate::commands::engine_error)?;
    Ok(Cleaner::new(cx.redactor().clone(), &[], key))
}

struct Flow<'f> {
    service: &'f Service,
    client: reqwest::Client,
    /// Whether the answers come through a recording.
    is_through: bool,
    /// Takes the secrets out of what is kept.
    cleaner: Cleaner,
    /// Has learnt nothing, so that a token that an answer repeats is none that leaks.
    searching: Cleaner,
    variables: Variables,
    /// Variables that hold a secret.
    tainted: BTreeSet<String>,
    kept: &'f mut Kept,
    cx: &'f Context,
}

/// A request, ready to be sent.
#[derive(Clone)]
struct Ready {
    url: url::Url,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Flow<'_> {
    async fn one(&mut self, spec: &RequestSpec) -> Result<Asked, Error> {
        let written = spec.request.to_string();
        let ready = match self.ready(spec)? {
            Ok(ready) => ready,
            Err(why) => {
                return Ok(Asked { line: written, answer: Err(why), is_left_out: true });
            }
        };
        let line = format!("{} {}", spec.request.method, self.cleaner.url(ready.url.as_str()));
        match self.sent(spec, &ready).await {
            Ok(answer) => {
                let answered = self.answered(spec, &ready, &answer)?;
                Ok(Asked { line, answer: Ok(answered), is_left_out: false })
            }
            Err(why) => Ok(Asked { line, answer: Err(why), is_left_out: false }),
        }
    }

    /// The text with its secrets and variables filled in. Nothing is looked for in a secret.
    fn text(&self, template: &Template) -> Result<Result<String, String>, Error> {
        let mut text = String::new();
        for part in template.parts() {
            match part {
                Part::Secret(_) => {
                    let one = Template::parse(&part.to_string()).map_err(Error::new)?;
                    text.push_str(&self.cx.reveal(&one)?);
                }
                other => match filled(&other.to_string(), &self.variables) {
                    Ok(part) => text.push_str(&part),
                    Err(why) => return Ok(Err(why)),
                },
            }
        }
        Ok(Ok(text))
    }

    fn texts(
        &self,
        all: &BTreeMap<String, Template>,
    ) -> Result<Result<Vec<(String, String)>, String>, Error> {
        let mut texts = Vec::new();
        for (name, template) in all {
            match self.text(template)? {
                Ok(text) => texts.push((name.clone(), text)),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(texts))
    }

    /// The request; the inner error says what stands in its way.
    fn ready(&self, spec: &RequestSpec) -> Result<Result<Ready, String>, Error> {
        macro_rules! given {
            ($given:expr) => {
                match $given {
                    Ok(value) => value,
                    Err(why) => return Ok(Err(why)),
                }
            };
        }
        let to = given!(filled(&spec.request.to, &self.variables));
        let mut url = given!(self.url(&to, &spec.request.to));
        let query = given!(self.texts(&spec.query)?);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        // What belongs to the service is told to nobody else.
        let is_service = url.origin() == self.service.url.origin();
        let mut headers = if is_service { self.service.headers.clone() } else { Vec::new() };
        let mut set = |name: &str, value: String| {
            let name = name.to_ascii_lowercase();
            headers.retain(|(other, _)| *other != name);
            headers.push((name, value));
        };
        if let Some(auth) = &spec.basic_auth {
            set("authorization", basic(&given!(self.text(auth)?)));
        }
        let mut body = None;
        if !spec.form.is_empty() {
            let fields = given!(self.texts(&spec.form)?);
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            body = Some(form.extend_pairs(fields).finish().into_bytes());
            set("content-type", "application/x-www-form-urlencoded".to_owned());
        } else if let Some(json) = &spec.json {
            let json = given!(filled_json(json, &self.variables));
            body = Some(serde_json::to_vec(&json)?);
            set("content-type", "application/json".to_owned());
        } else if let Some(text) = &spec.body {
            body = Some(given!(self.text(text)?).into_bytes());
        }
        for (name, value) in given!(self.texts(&spec.headers)?) {
            set(&name, value);
        }
        Ok(Ok(Ready { url, headers, body }))
    }

    /// The address; an error names it as it was written, since anything may have been filled in.
    fn url(&self, to: &str, written: &str) -> Result<url::Url, String> {
        let text = if to.starts_with('/') {
            format!("{}{to}", self.service.origin())
        } else {
            to.to_owned()
        };
        let url = url::Url::parse(&text)
            .map_err(|error| format!("`{written}` is no address: {error}"))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(format!("`{written}` is no address of HTTP: {other}")),
        }
    }

    async fn sent(&self, spec: &RequestSpec, ready: &Ready) -> Result<Answer, String> {
        let mut method: Method =
            spec.request.method.parse().map_err(|_| "it has no method".to_owned())?;
        let mut ready = ready.clone();
        let started = Instant::now();
        for _ in 0..=REDIRECTS {
            let left = spec.timeout.0.saturating_sub(started.elapsed());
            let mut request = self
                .client
                .request(method.clone(), ready.url.clone())
                .headers(header_map(&ready.headers)?)
                .timeout(left.max(Duration::from_millis(1)));
            if let Some(body) = &ready.body {
                request = request.body(body.clone());
            }
            let response = request.send().await.map_err(|error| root(&error))?;
            let status = response.status();
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let Some(to) = to.filter(|_| spec.follow && status.is_redirection()) else {
                let answer = read(response, started).await?;
                if self.is_through && answer.headers.text(UNANSWERED).is_some() {
                    let why = String::from_utf8_lossy(&answer.body);
                    return Err(why.trim().trim_start_matches("gate: ").to_owned());
                }
                return Ok(answer);
            };
            let to = ready.url.join(to).map_err(|_| "it leads to no address".to_owned())?;
            // 303 means: ask there. For 301 and 302 browsers do the same with a POST.
            let is_asked = status.as_u16() == 303 && method != Method::HEAD;
            if is_asked || (matches!(status.as_u16(), 301 | 302) && method == Method::POST) {
                method = Method::GET;
                ready.body = None;
                ready.headers.retain(|(name, _)| name != "content-type");
            }
            if to.origin() != ready.url.origin() {
                // What belongs to one service is told to no other.
                ready.headers.retain(|(name, _)| ALONG.contains(&name.as_str()));
            }
            ready.url = to;
        }
        Err(format!("it is sent on more than {REDIRECTS} times"))
    }

    /// What is kept of an answer, after its captures were taken.
    fn answered(
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
            headers: answer.headers.clone(),
            body: answer.body.clone().into(),
            ..Response::default()
        };
        let both = Interaction { request, response };
        let Interaction { response, .. } = recorder::without_secrets(&both, &self.cleaner);
        Answer {
            status: answer.status,
            version: answer.version.clone(),
            url: self.cleaner.url(&answer.url).into_owned(),
            headers: response.headers,
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
                    format!("it is {}", crate::claim::shown(shown))
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
        let parts = headers.map(|(_, value)| value).chain([answer.body.as_slice()]);
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

/// The whole answer, its content codings taken off.
async fn read(mut response: reqwest::Response, started: Instant) -> Result<Answer, String> {
    let mut headers = Headers::new();
    for (name, value) in response.headers() {
        headers.add(name.as_str(), value.as_bytes());
    }
    let mut coded = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| root(&error))? {
        coded.extend_from_slice(&part);
        if coded.len() > LARGEST {
            return Err("the answer is larger than 64 MiB".to_owned());
        }
    }
    let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
    Ok(Answer {
        status: response.status().as_u16(),
        version: format!("{:?}", response.version()),
        url: response.url().to_string(),
        body: recorder::content(&headers, &coded, LARGEST)?,
        headers,
        duration_ms,
        json: OnceLock::new(),
    })
}

/// Whether none of these variables holds a secret.
fn is_open<'v>(tainted: &BTreeSet<String>, mut named: impl Iterator<Item = &'v str>) -> bool {
    !named.any(|name| tainted.contains(name))
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let wrong = || format!("the header {name} cannot be sent");
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        map.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
    }
    Ok(map)
}

/// The same with its variables filled in; a text that is nothing but a variable becomes its value.
fn filled_json(json: &Json, variables: &Variables) -> Result<Json, String> {
    Ok(match json {
        Json::String(text) => {
            let name = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
            match name.filter(|name| !name.contains("{{")) {
                Some(name) => variables.wanted(name.trim())?,
                None => filled(text, variables)?.into(),
            }
        }
        Json::Array(all) => Json::Array(
            all.iter().map(|one| filled_json(one, variables)).collect::<Result<_, _>>()?,
        ),
        Json::Object(all) => Json::Object(
            all.iter()
                .map(|(name, one)| Ok((name.clone(), filled_json(one, variables)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
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
        headers: answer.headers.clone(),
        body: answer.body.clone().into(),
        ..Response::default()
    };
    Interaction { request, response }
}
