//! WireMock's stub mappings, with large bodies and those that are no text in files of their own.
//!
//! WireMock answers a request as often as it comes, so several answers to one request become a
//! scenario, as its own recorder has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{CREATOR, base64, in_memory, pairs, stubs};
use crate::canonical::{Address, Origin};
use crate::cassette::Recorded;
use crate::coding::Codings;
use crate::message::{Headers, Interaction, Request, Response};
use crate::rules::Rule;
use crate::{Result, files};

/// How long a body may be to stand in its mapping, in bytes.
const LONGEST: usize = 4096;
/// The priority of a mapping that names none.
const USUAL_PRIORITY: usize = 5;
/// What WireMock reckons for itself.
const RECKONED: &[&str] = &["content-length", "transfer-encoding"];
/// What asks without a body.
const BODILESS: &[&str] = &["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"];

/// What is to be written into WireMock's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mappings {
    /// The text of `mappings/gate.json`.
    pub mappings: Vec<u8>,
    /// Files of `__files`, by name.
    pub files: BTreeMap<String, Bytes>,
    /// The places of the rules that WireMock has no words for.
    pub left_out: Vec<usize>,
}

impl Mappings {
    /// Writes `mappings/gate.json` and `__files` into a folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for (name, bytes) in &self.files {
            files::write_changed(&folder.join("__files").join(name), bytes)?;
        }
        files::write_changed(&folder.join("mappings").join("gate.json"), &self.mappings)?;
        Ok(())
    }
}

/// What WireMock tells requests apart by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    method: String,
    scheme: Option<String>,
    host: Option<String>,
    url: String,
    body: Bytes,
}

/// A map that keeps its order: names of headers with their values.
struct Named(Vec<(String, Vec<String>)>);

impl Serialize for Named {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, values)| match &values[..] {
            [one] => (name, json!(one)),
            several => (name, json!(several)),
        }))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Named>,
    #[serde(flatten)]
    body: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_delay_milliseconds: Option<u64>,
}

#[derive(Serialize)]
struct Mapping {
    request: Value,
    response: Answered,
    /// The scenario of a recording, the priority of a rule.
    #[serde(flatten)]
    more: Map<String, Value>,
    metadata: Value,
}

/// The recordings as mappings, and the rules behind them. The host is asked for only where there is
/// more than one: who replays with WireMock sends the requests to its own address. What a rule says
/// that WireMock has no word for leaves the rule out; the others answer as they do here.
pub fn to_wiremock(recorded: &[Recorded], rules: &[Rule]) -> Result<Mappings> {
    let origins: BTreeSet<_> =
        recorded.iter().map(|one| Address::of(&one.interaction.request.url).origin()).collect();
    let has_several = origins.len() > 1;
    let asked = recorded
        .iter()
        .map(|one| asked(&one.interaction.request, has_several))
        .collect::<Result<Vec<_>>>()?;
    let mut sizes: BTreeMap<&Asked, usize> = BTreeMap::new();
    for one in &asked {
        *sizes.entry(one).or_default() += 1;
    }
    let mut scenarios: BTreeMap<&Asked, (usize, usize)> = BTreeMap::new();
    let mut files = BTreeMap::new();
    let mut mappings = Vec::new();
    for (one, asked) in recorded.iter().zip(&asked) {
        let mut scenario = Map::new();
        if sizes[asked] > 1 {
            let number = scenarios.len() + 1;
            let (number, done) = scenarios.entry(asked).or_insert((number, 0));
            *done += 1;
            scenario = step(*number, *done, sizes[asked]);
        }
        mappings.push(mapping(one, request(asked), scenario, &mut files)?);
    }
    let mut left_out = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let Some(asked) = stubs::request(rule) else {
            left_out.push(place);
            continue;
        };
        let Rule { order, request, response, .. } = rule.clone();
        let one = Recorded { order, interaction: Interaction { request, response } };
        // Recordings have none, which is 5: a larger one comes later.
        let last = Map::from_iter([("priority".to_owned(), (USUAL_PRIORITY + 1 + place).into())]);
        mappings.push(mapping(&one, asked, last, &mut files)?);
    }
    let mut text = serde_json::to_vec_pretty(&Whole { mappings }).expect("texts can be written");
    text.push(b'\n');
    Ok(Mappings { mappings: text, files, left_out })
}

#[derive(Serialize)]
struct Whole {
    mappings: Vec<Mapping>,
}

fn asked(request: &Request, with_host: bool) -> Result<Asked> {
    let address = Address::of(&request.url);
    let query = address.query.map(|query| format!("?{query}")).unwrap_or_default();
    let origin = if with_host { address.origin() } else { Origin::default() };
    Ok(Asked {
        method: request.method.clone(),
        scheme: origin.scheme,
        host: origin.host,
        url: format!("{}{query}", address.path),
        body: in_memory(&request.body)?.clone(),
    })
}

/// The place of an answer among those to its request, counted from 1.
fn step(scenario: usize, place: usize, of: usize) -> Map<String, Value> {
    let state = |place: usize| if place == 1 { "Started".to_owned() } else { place.to_string() };
    let mut step = Map::new();
    step.insert("scenarioName".to_owned(), format!("{CREATOR}-{scenario}").into());
    step.insert("requiredScenarioState".to_owned(), state(place).into());
    if place < of {
        step.insert("newScenarioState".to_owned(), state(place + 1).into());
    }
    step
}

fn mapping(
    one: &Recorded,
    request: Value,
    more: Map<String, Value>,
    files: &mut BTreeMap<String, Bytes>,
) -> Result<Mapping> {
    let response = &one.interaction.response;
    let named = named(&response.headers);
    let mut ours = Map::new();
    let mut add = |name: &str, value: Value| ours.insert(name.to_owned(), value);
    add("order", one.order.into());
    add("url", one.interaction.request.url.clone().into());
    let sent = &one.interaction.request.headers;
    if !sent.is_empty() {
        add("request_headers", pairs(sent).into());
    }
    let back = named.0.iter().flat_map(|(name, values)| values.iter().map(move |one| (name, one)));
    if back.map(|(name, value)| (name, value.as_str())).collect::<Headers>() != response.headers {
        add("response_headers", pairs(&response.headers).into());
    }
    if !response.trailers.is_empty() {
        add("trailers", pairs(&response.trailers).into());
    }
    let timing = response.timing.as_ref();
    let chunks = timing.iter().flat_map(|timing| &timing.chunks);
    let chunks: Vec<Value> = chunks.map(|(at, length)| json!([at, length])).collect();
    if !chunks.is_empty() {
        add("chunks", chunks.into());
    }
    let answered = Answered {
        status: response.status,
        body: body(response, files)?,
        headers: (!named.0.is_empty()).then_some(named),
        fixed_delay_milliseconds: timing.map(|timing| timing.head_ms),
    };
    let metadata = json!({ CREATOR: ours });
    Ok(Mapping { request, response: answered, more, metadata })
}

fn request(asked: &Asked) -> Value {
    let mut request = json!({"method": asked.method, "url": asked.url});
    let members = request.as_object_mut().expect("it was just made one");
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    if let Some(scheme) = &asked.scheme {
        add("scheme", scheme.clone().into());
    }
    if let Some(host) = &asked.host {
        let (name, port) = stubs::host_and_port(host);
        add("host", json!({"equalTo": name}));
        if let Some(port) = port {
            add("port", port.into());
        }
    }
    let pattern = match std::str::from_utf8(&asked.body) {
        Ok("") if BODILESS.contains(&asked.method.as_str()) => return request,
        Ok("") => json!({"absent": true}),
        Ok(text) => json!({"equalTo": text}),
        Err(_) => json!({"binaryEqualTo": base64(&asked.body)}),
    };
    add("bodyPatterns", json!([pattern]));
    request
}

/// Texts by name; what WireMock reckons for itself, and what is no text, is left out.
fn named(headers: &Headers) -> Named {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in headers.iter().filter(|(name, _)| !RECKONED.contains(name)) {
        let Ok(text) = std::str::from_utf8(value) else { continue };
        match all.iter_mut().find(|(other, _)| other == name) {
            Some((_, values)) => values.push(text.to_owned()),
            None => all.push((name.to_owned(), vec![text.to_owned()])),
        }
    }
    Named(all)
}

/// The body as it goes over the wire: WireMock sends it as it stands, with the headers.
fn body(response: &Response, files: &mut BTreeMap<String, Bytes>) -> Result<Map<String, Value>> {
    let content = in_memory(&response.body)?;
    let codings = Codings::of(response.headers.all("content-encoding"));
    let sent = match (&response.encoded, codings) {
        (Some(encoded), _) => in_memory(encoded)?.clone(),
        (None, Some(codings)) if !codings.is_empty() && !content.is_empty() => {
            codings.encoded(content).into()
        }
        _ => content.clone(),
    };
    let mut body = Map::new();
    let text = std::str::from_utf8(&sent).ok().filter(|_| sent.len() <= LONGEST);
    match text {
        Some("") => {}
        Some(text) => {
            body.insert("body".to_owned(), text.into());
        }
        None => {
            let name = blake3::hash(&sent).to_hex().to_string();
            body.insert("bodyFileName".to_owned(), name.clone().into());
            files.insert(name, sent);
        }
    }
    Ok(body)
}
