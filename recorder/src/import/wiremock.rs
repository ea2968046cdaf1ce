//! WireMock's stub mappings: one, several in a list, or a folder of them with the bodies beside it.

use std::path::Path;

use super::stub::{self, Step, Stub};
use super::{Format, Imported, Node, Reading, body, files, mapping};
use crate::canonical::Address;
use crate::export::CREATOR;
use crate::message::{Headers, Request, Response, Timing};
use crate::rules::Matcher;
use crate::{Error, Result};

/// What comes last but for the order of adding.
const USUAL_PRIORITY: i64 = 5;
/// The state in which every scenario begins.
const STARTED: &str = "Started";
/// What a response may have that is not carried over.
const LEFT: &[&str] = &[
    "delayDistribution",
    "chunkedDribbleDelay",
    "transformers",
    "transformerParameters",
    "additionalProxyRequestHeaders",
];
/// What a mapping may have that is not carried over.
const LEFT_OF_MAPPING: &[&str] = &["postServeActions", "serveEventListeners"];

/// Whether a file holds mappings.
pub(super) fn is_one(tree: &Node) -> bool {
    let is_mapping = |node: &Node| {
        let (asked, answered) = (node.get("request"), node.get("response"));
        let names = ["url", "urlPattern", "urlPath", "urlPathPattern", "urlPathTemplate"];
        (answered.is_map() || asked.is_map())
            && !asked.has("uri")
            && (names.iter().any(|name| asked.has(name))
                || asked.is_map() && asked.has("method")
                || asked.is_null() && answered.has("status"))
    };
    tree.get("mappings").is_list() || is_mapping(tree)
}

/// Reads the mappings of a folder, files in order of their names.
pub(super) fn read_folder(folder: &Path) -> Result<Imported> {
    let mut paths = Vec::new();
    collect(folder, 0, &mut paths)?;
    paths.sort();
    let mut trees = Vec::new();
    for path in &paths {
        let bytes = crate::files::read(path)?;
        let tree = super::text_of(&bytes).and_then(|text| super::parse(&text));
        let place = format!("reading {}", path.display());
        trees.push(tree.map_err(|error| super::prefixed(&place, &error))?);
    }
    Ok(read(&trees.iter().collect::<Vec<_>>(), Some(folder)))
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<std::path::PathBuf>) -> Result<()> {
    let wrong = |error: std::io::Error| Error::file("reading", folder, error);
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        if is_json {
            paths.push(path);
        } else if depth < 16 && path.is_dir() {
            collect(&path, depth + 1, paths)?;
        }
    }
    Ok(())
}

/// Reads mappings. Bodies lie in `__files`, beside them or beside their folder.
pub(super) fn read(trees: &[&Node], beside: Option<&Path>) -> Imported {
    let mut reading = Reading::new(Format::WireMock, beside);
    reading.imported.repeats = true;
    let mut stubs = Vec::new();
    let mappings = trees.iter().flat_map(|tree| {
        let several = tree.get("mappings");
        if several.is_list() { several.list().iter().collect() } else { vec![*tree] }
    });
    for (place, mapping) in mappings.enumerate() {
        let name = named(mapping, place);
        match one(mapping, place, &name, &mut reading) {
            Ok(stub) => stubs.push(stub),
            Err(error) => reading.warn(format!("{name} {error}: left out")),
        }
    }
    stub::arrange(stubs, STARTED, &mut reading);
    reading.imported
}

fn named(mapping: &Node, place: usize) -> String {
    let name = ["name", "id", "uuid"].into_iter().find_map(|name| mapping.get(name).text());
    match name {
        Some(name) => format!("mapping {} ({name})", place + 1),
        None => format!("mapping {}", place + 1),
    }
}

fn one(mapping: &Node, place: usize, name: &str, reading: &mut Reading) -> Result<Stub> {
    let answered = mapping.get("response");
    for left in LEFT_OF_MAPPING {
        if mapping.has(left) {
            reading.warn(format!("{name}: {left} is not carried over"));
        }
    }
    for left in LEFT {
        let is_empty =
            answered.get(left).list().is_empty() && answered.get(left).members().is_empty();
        if answered.has(left) && !is_empty {
            reading.warn(format!("{name}: {left} is not carried over"));
        }
    }
    let (mut rule, is_exact) = mapping::rule(mapping.get("request"))?;
    let ours = mapping.get("metadata").get(CREATOR);
    rule.order = ours.get("order").number().unwrap_or(place as u64);
    rule.response = response(answered, reading)?;
    if ours.is_map() {
        restore(ours, &mut rule.request, &mut rule.response);
    }
    let priority = mapping.get("priority").number().map_or(USUAL_PRIORITY, |n| n as i64);
    let scenario = mapping.get("scenarioName").text();
    let state = |name: &str| mapping.get(name).text().map(str::to_owned);
    let step = scenario.map(|sequence| Step {
        sequence: sequence.to_owned(),
        from: state("requiredScenarioState"),
        to: state("newScenarioState"),
    });
    // What was added last comes first.
    Ok(Stub { name: name.to_owned(), rule, is_exact, rank: (priority, -(place as i64)), step })
}

fn response(answered: &Node, reading: &Reading) -> Result<Response> {
    for cannot in ["fault", "proxyBaseUrl"] {
        if !answered.get(cannot).is_null() {
            return Err(Error::new(format!("answers with {cannot} and no response")));
        }
    }
    let code = answered.get("status");
    let status = if code.is_null() { 200 } else { super::status(code)? };
    let headers: Headers = body::headers(answered.get("headers"));
    let mut response =
        body::response(status, headers, bytes(answered, reading)?, body::Bodies::Unsaid);
    let delay = answered.get("fixedDelayMilliseconds").number();
    response.timing = delay.map(|head_ms| Timing { head_ms, chunks: Vec::new() });
    Ok(response)
}

fn bytes(answered: &Node, reading: &Reading) -> Result<Vec<u8>> {
    if let Some(text) = answered.get("body").text() {
        return Ok(text.as_bytes().to_vec());
    }
    let json = answered.get("jsonBody");
    if answered.has("jsonBody") {
        return Ok(json.json().into_bytes());
    }
    if let Some(text) = answered.get("base64Body").text() {
        let wrong = || Error::new("has a base64Body that is none");
        return super::node::decode_base64(text).ok_or_else(wrong);
    }
    let Some(name) = answered.get("bodyFileName").text() else { return Ok(Vec::new()) };
    let folders = reading.beside.iter().flat_map(|folder| {
        let above = folder.ancestors().take(3);
        above.map(|folder| folder.join("__files")).collect::<Vec<_>>()
    });
    let folder = folders.into_iter().find(|folder| folder.is_dir());
    files::beside(folder.as_deref(), name.trim_start_matches('/'))
}

/// What an export of ours wrote beside the mapping, since WireMock has no place for it.
fn restore(ours: &Node, request: &mut Request, response: &mut Response) {
    if let Some(url) = ours.get("url").text() {
        url.clone_into(&mut request.url);
    }
    request.headers = body::headers(ours.get("request_headers"));
    if ours.has("response_headers") {
        response.headers = body::headers(ours.get("response_headers"));
    }
    response.trailers = body::headers(ours.get("trailers"));
    let chunks = ours.get("chunks").list().iter().filter_map(|chunk| {
        let [at, length] = chunk.list() else { return None };
        Some((at.number()?, length.number()?))
    });
    if let Some(timing) = &mut response.timing {
        timing.chunks = chunks.collect();
    }
}

/// The method, the address and the body of a mapping that means one request.
pub(super) fn exact_request(rule: &crate::rules::Rule) -> Option<Request> {
    let method = rule.method.as_ref()?.literal()?.to_owned();
    let crate::rules::Target::Address(target) = &rule.target else { return None };
    let url = target.literal()?;
    let origin = match (&rule.scheme, &rule.host) {
        (scheme, Some(host)) => {
            let scheme = scheme.as_ref().map_or(Some("http"), Matcher::literal)?;
            format!("{scheme}://{}", host.literal()?)
        }
        (None, None) => String::new(),
        _ => return None,
    };
    let has_more = !rule.query.is_empty()
        || !rule.headers.is_empty()
        || !rule.cookies.is_empty()
        || !rule.form.is_empty();
    let body = match &rule.body[..] {
        [] if matches!(&method[..], "GET" | "HEAD" | "DELETE" | "OPTIONS" | "TRACE") => Vec::new(),
        [Matcher::Absent] => Vec::new(),
        [Matcher::Equal(bytes)] => bytes.clone(),
        _ => return None,
    };
    let is_path = Address::of(url).scheme.is_none() && url.starts_with('/');
    (is_path && !has_more).then(|| Request {
        method,
        url: format!("{origin}{url}"),
        headers: Headers::new(),
        body: body.into(),
    })
}
