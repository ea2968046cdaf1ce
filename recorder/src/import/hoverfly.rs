//! Hoverfly's simulations, version 5 of their schema (and 3 and 4, which differ in little).

use std::path::Path;

use super::mapping::describe;
use super::node::decode_base64;
use super::stub::{self, Step, Stub};
use super::{Format, Imported, Node, Reading, body, files};
use crate::message::{Headers, Request, Response, Timing};
use crate::rules::{JsonRule, Matcher, Pattern, Rule, Target};
use crate::{Error, Result};

/// What a pair's request may have that is known here.
const KNOWN: &[&str] =
    &["path", "method", "destination", "scheme", "body", "headers", "query", "requiresState"];
/// What a response may have that is not carried over.
const LEFT: &[&str] = &["logNormalDelay", "postServeAction"];

pub(super) fn read(tree: &Node, beside: Option<&Path>) -> Imported {
    let mut reading = Reading::new(Format::Hoverfly, beside);
    reading.imported.repeats = true;
    let data = tree.get("data");
    for kind in ["delays", "delaysLogNormal"] {
        if !data.get("globalActions").get(kind).list().is_empty() {
            reading.warn(format!("globalActions.{kind} are not carried over"));
        }
    }
    let mut stubs = Vec::new();
    for (place, pair) in data.get("pairs").list().iter().enumerate() {
        let name = named(pair, place);
        match one(pair, place, &name, &mut reading) {
            Ok(stub) => stubs.push(stub),
            Err(error) => reading.warn(format!("{name} {error}: left out")),
        }
    }
    stub::arrange(stubs, "1", &mut reading);
    reading.imported
}

fn named(pair: &Node, place: usize) -> String {
    let label = pair.get("labels").list().first().and_then(Node::text);
    label.map_or(format!("pair {}", place + 1), |label| format!("pair {} ({label})", place + 1))
}

fn one(pair: &Node, place: usize, name: &str, reading: &mut Reading) -> Result<Stub> {
    let (asked, answered) = (pair.get("request"), pair.get("response"));
    for left in LEFT.iter().filter(|left| !answered.get(left).is_null()) {
        reading.warn(format!("{name}: {left} is not carried over"));
    }
    if answered.get("templated").is_true() {
        reading.warn(format!("{name}: its answer is a template and stands as it is written"));
    }
    let mut rule = rule(asked)?;
    rule.order = place as u64;
    rule.response = response(answered, reading)?;
    let exact = exact(&rule);
    let is_exact = exact.is_some();
    rule.request = exact.unwrap_or_else(|| described(asked, &rule));
    let step = step(asked, answered);
    // The one that says most comes first.
    let weight = |matcher: &Matcher| if matcher.literal().is_some() { 2 } else { 1 };
    let fields = [&rule.method, &rule.scheme, &rule.host];
    let pairs = rule.query.iter().chain(&rule.headers).map(|(_, matcher)| matcher);
    let target = match &rule.target {
        Target::Path(matcher) => weight(matcher),
        _ => 0,
    };
    let said: i64 = fields.into_iter().flatten().chain(pairs).chain(&rule.body).map(weight).sum();
    Ok(Stub { name: name.to_owned(), rule, is_exact, rank: (-said - target, place as i64), step })
}

fn rule(asked: &Node) -> Result<Rule> {
    for (name, value) in asked.members() {
        if !KNOWN.contains(&name) && !value.is_null() {
            return Err(Error::new(format!("is asked for by {name}, which is not known here")));
        }
    }
    let headers = named_matchers(asked.get("headers"))?;
    let lower = |(name, matcher): (String, Matcher)| (name.to_ascii_lowercase(), matcher);
    Ok(Rule {
        method: field(asked.get("method"))?,
        scheme: field(asked.get("scheme"))?,
        host: field(asked.get("destination"))?,
        target: field(asked.get("path"))?.map_or(Target::Any, Target::Path),
        query: named_matchers(asked.get("query"))?,
        headers: headers.into_iter().map(lower).collect(),
        body: field(asked.get("body"))?.into_iter().collect(),
        ..Rule::default()
    })
}

fn named_matchers(node: &Node) -> Result<Vec<(String, Matcher)>> {
    let mut all = Vec::new();
    for (name, value) in node.members() {
        all.extend(field(value)?.map(|matcher| (name.to_owned(), matcher)));
    }
    Ok(all)
}

/// What a field has to be like; nothing where nothing is said.
fn field(node: &Node) -> Result<Option<Matcher>> {
    if let Some(text) = node.text() {
        return Ok(Some(Matcher::equal(text)));
    }
    let one = node.is_map().then_some(node);
    let mut all = node.list().iter().chain(one).map(matcher).collect::<Result<Vec<_>>>()?;
    Ok(if all.len() < 2 { all.pop() } else { Some(Matcher::All(all)) })
}

fn matcher(node: &Node) -> Result<Matcher> {
    let name = node.get("matcher").text().unwrap_or("exact");
    let value = node.get("value");
    if !node.get("doMatch").is_null() {
        return Err(Error::new("is asked for by matchers in a chain, which are not known here"));
    }
    let text = || value.text().ok_or_else(|| Error::new(format!("has no text for {name}")));
    let pattern = |made: Result<Pattern, String>| made.map(Matcher::Pattern).map_err(Error::new);
    Ok(match name {
        "exact" | "" => Matcher::equal(text()?),
        "negate" => Matcher::Not(Box::new(Matcher::equal(text()?))),
        "glob" => pattern(Pattern::glob(text()?))?,
        "regex" => pattern(Pattern::anywhere(text()?))?,
        "json" | "jsonpartial" | "jsonPartial" => {
            let is_partial = name != "json";
            let text = value.text().map_or_else(|| value.json(), str::to_owned);
            let value = serde_json::from_str(&text)
                .map_err(|error| Error::new(format!("has a {name} that is none: {error}")))?;
            Matcher::Json(JsonRule { value, any_order: is_partial, may_have_more: is_partial })
        }
        "jsonpath" | "jsonPath" => Matcher::Place(text()?.parse().map_err(Error::new)?, None),
        _ => return Err(Error::new(format!("is asked for by {name}, which is not known here"))),
    })
}

/// What a capture writes: every part of the request as it was, in so many words.
fn exact(rule: &Rule) -> Option<Request> {
    let method = rule.method.as_ref()?.literal()?;
    let Target::Path(path) = &rule.target else { return None };
    let path = path.literal()?;
    if rule.query.iter().any(|(_, matcher)| matcher.literal().is_none()) || !rule.headers.is_empty()
    {
        return None;
    }
    let body = match &rule.body[..] {
        [] if matches!(method, "GET" | "HEAD" | "DELETE" | "OPTIONS" | "TRACE") => Vec::new(),
        [Matcher::Equal(bytes)] => bytes.clone(),
        _ => return None,
    };
    if [&rule.scheme, &rule.host].into_iter().flatten().any(|one| one.literal().is_none()) {
        return None;
    }
    let mut request = body::request(method, path, Headers::new(), body);
    describe(&Rule { body: Vec::new(), ..rule.clone() }, &mut request);
    Some(request)
}

fn described(asked: &Node, rule: &Rule) -> Request {
    let text = |name: &str| {
        let field = asked.get(name);
        let value = field.list().first().map_or(field, |first| first.get("value"));
        value.text().map(str::to_owned)
    };
    let method = text("method").unwrap_or_else(|| "ANY".to_owned());
    let path = text("path").unwrap_or_else(|| "/".to_owned());
    let mut request = body::request(&method, &path, Headers::new(), Vec::new());
    describe(rule, &mut request);
    request
}

fn response(answered: &Node, reading: &Reading) -> Result<Response> {
    let content = match (answered.get("body"), answered.get("bodyFile").text()) {
        (_, Some(name)) if !name.is_empty() => {
            if name.contains("://") {
                return Err(Error::new("has its body at another server"));
            }
            files::beside(reading.beside.as_deref(), name)?
        }
        (text, _) if answered.get("encodedBody").is_true() => {
            let wrong = || Error::new("has an encoded body that is no base64");
            decode_base64(text.text().unwrap_or_default()).ok_or_else(wrong)?
        }
        (text, _) => text.bytes().unwrap_or_default(),
    };
    let headers = body::headers(answered.get("headers"));
    let status = super::status(answered.get("status"))?;
    let mut response = body::response(status, headers, content, body::Bodies::Unsaid);
    let delay = answered.get("fixedDelay").number().filter(|delay| *delay > 0);
    response.timing = delay.map(|head_ms| Timing { head_ms, chunks: Vec::new() });
    Ok(response)
}

/// What a capture of repeated requests writes: a state that counts.
fn step(asked: &Node, answered: &Node) -> Option<Step> {
    let required = asked.get("requiresState").members();
    let (name, from) = required.first()?;
    let to = answered.get("transitionsState").get(name).text();
    Some(Step {
        sequence: (*name).to_owned(),
        from: from.text().map(str::to_owned),
        to: to.map(str::to_owned),
    })
}
