//! The requests of a spec, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use gate_core::values::{Part, Template};
use gate_core::{Context, Error, Json, Role, files};
use recorder::{Codings, Headers, Interaction, Request, Response};
use redact::Cleaner;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::client::{Clients, basic, root};
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
    let clients = match playing {
        Some(playing) => Clients::through(&playing.proxy)?,
        None => Clients::direct(authorities(spec, cx)?.as_deref())?,
    };
    let searching = fresh(cx)?;
    let cleaner = match playing {
        Some(playing) => playing.cleaner.clone(),
        None => fresh(cx)?,
    };
    let variables = Variables::new(cx.seed(), cx.clock().now());
    let mut flow = Flow { service, clients, cleaner, searching, variables, kept, cx };
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
    clients: Clients,
    /// Takes the secrets out of what is kept.
    cleaner: Cleaner,
    /// Has learnt nothing, so that a token that an answer repeats is none that leaks.
    searching: Cleaner,
    variables: Variables,
    kept: &'f mut Kept,
    cx: &'f Context,
}

/// A request, ready to be sent.
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
        let mut url = given!(self.url(&to));
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

    fn url(&self, to: &str) -> Result<url::Url, String> {
        let text = if to.starts_with('/') {
            format!("{}{to}", self.service.origin())
        } else {
            to.to_owned()
        };
        let url =
            url::Url::parse(&text).map_err(|error| format!("`{to}` is no address: {error}"))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(format!("`{to}` is no address of HTTP: {other}")),
        }
    }

    async fn sent(&self, spec: &RequestSpec, ready: &Ready) -> Result<Answer, String> {
        let client = if spec.follow { &self.clients.following } else { &self.clients.plain };
        let method = spec.request.method.parse().map_err(|_| "it has no method".to_owned())?;
        let mut request = client
            .request(method, ready.url.clone())
            .headers(header_map(&ready.headers)?)
            .timeout(spec.timeout.0);
        if let Some(body) = &ready.body {
            request = request.body(body.clone());
        }
        let started = Instant::now();
        let mut response = request.send().await.map_err(|error| root(&error))?;
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
        let codings = Codings::of(headers.all("content-encoding")).unwrap_or_default();
        let body = codings
            .decoded(&coded)
            .map_err(|error| format!("the answer cannot be read: {error}"))?;
        Ok(Answer {
            status: response.status().as_u16(),
            version: format!("{:?}", response.version()),
            url: response.url().to_string(),
            headers,
            body,
            duration_ms,
        })
    }

    /// What is kept of an answer, after its captures were taken.
    fn answered(
        &mut self,
        spec: &RequestSpec,
        ready: &Ready,
        answer: &Answer,
    ) -> Result<Answered, Error> {
        let mut uncaptured = BTreeMap::new();
        for (name, expression) in &spec.captures {
            match expression.of(answer, &self.variables) {
                Ok(Some(value)) => self.variables.set(name, value),
                Ok(None) => {
                    uncaptured.insert(name.clone(), format!("there is no {expression}"));
                }
                Err(why) => {
                    uncaptured.insert(name.clone(), why);
                }
            }
        }
        let clean = self.clean(ready, answer);
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
            url: self.cleaner.url(&answer.url).into_owned(),
            headers: response.headers,
            body: response.body.bytes().map(|bytes| bytes.to_vec()).unwrap_or_default(),
            ..answer.clone()
        }
    }

    fn looked(&self, assert: &Assert, answer: &Answer, clean: &Answer) -> Result<Looked, Error> {
        let value = match assert.what().of(answer, &self.variables) {
            Ok(Some(value)) => value,
            Ok(None) => return Ok(Looked::Nothing),
            Err(why) => return Ok(Looked::Wrong(why)),
        };
        let wanted = match assert.wanted(&self.variables) {
            Ok(wanted) => wanted,
            Err(why) => return Ok(Looked::Wrong(why)),
        };
        let shown = assert.what().of(clean, &self.variables).ok().flatten();
        let wanted_text = wanted.as_ref().map(Json::to_string).unwrap_or_default();
        let is_known = *self.cleaner.again(wanted_text.as_bytes()) != *wanted_text.as_bytes();
        if is_known || shown.as_ref() != Some(&value) {
            let broken = assert.broken(Some(&value), wanted.as_ref());
            let is_all = |text: &str| redact::placeholder::is_one(text.as_bytes());
            let broken = broken.map(|_| match shown {
                Some(Json::String(text)) if is_all(&text) => "it is a secret".to_owned(),
                Some(shown) => format!("it is {}", crate::claim::shown(&shown)),
                None => "it is a secret".to_owned(),
            });
            return Ok(Looked::Secret { assert: assert.to_string(), broken });
        }
        match value {
            Json::String(text) if text.len() > LONGEST => {
                let label = assert.what().text();
                let media_type = "text/plain; charset=utf-8";
                let text = self.cx.keep(Role::Log, label, media_type, text.as_bytes())?;
                Ok(Looked::Text { text, wanted })
            }
            value => Ok(Looked::Value { value, wanted }),
        }
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
        if has_secret {
            return format!("{place}: {}", error.masked());
        }
        format!("{place}: {error}")
    };
    Ok(validator.iter_errors(&json).take(BREACHES).map(told).collect())
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
