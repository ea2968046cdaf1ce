//! Recordings as lines of JSON, one for each interaction, whatever format they come from.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Result;
use crate::cassette::{Cassette, Recorded};
use crate::import::Imported;
use crate::message::{Content, Headers, Interaction, Request, Response};
use crate::rules::Rule;

#[derive(Serialize)]
struct Line {
    method: String,
    url: String,
    request: Asked,
    response: Answered,
}

#[derive(Serialize)]
struct Asked {
    headers: BTreeMap<String, Vec<String>>,
    body: Option<String>,
}

#[derive(Serialize)]
struct Answered {
    status: u16,
    headers: BTreeMap<String, Vec<String>>,
    body: Option<String>,
}

/// A line of JSON for each interaction, in the order of recording:
/// `{"method", "url", "request": {"headers": {"name": ["v"]}, "body"}, "response": {"status",
/// "headers", "body"}}`. Bodies are base64 of the decoded bytes, null where there are none. Bytes
/// of a header that are no UTF-8 are read as ISO-8859-1. A rule stands at its place, with what it
/// says of its requests written as a request.
pub fn shown(imported: &Imported) -> impl Iterator<Item = String> {
    let recorded = imported
        .recorded
        .iter()
        .map(|one| (one.order, &one.interaction.request, &one.interaction.response));
    let rules = imported.rules.iter().map(|rule| (rule.order, &rule.request, &rule.response));
    let mut all: Vec<_> = recorded.chain(rules).collect();
    all.sort_by_key(|(order, ..)| *order);
    all.into_iter().map(|(_, request, response)| line(request, response))
}

/// The same lines of a cassette. What stands in its endpoints' files is in memory once, and goes as
/// it is shown; of the bodies that are files of their own, one at a time is.
pub fn shown_cassette(cassette: &Cassette) -> Result<impl Iterator<Item = Result<String>>> {
    let of_recorded = |one: Recorded| (one.order, one.interaction);
    let of_rule = |rule: Rule| {
        let Rule { order, request, response, .. } = rule;
        (order, Interaction { request, response })
    };
    let mut all: Vec<(u64, Interaction)> = cassette.read()?.into_iter().map(of_recorded).collect();
    all.extend(cassette.rules()?.into_iter().map(of_rule));
    all.sort_by_key(|(order, _)| *order);
    Ok(all.into_iter().map(|(_, Interaction { mut request, mut response })| {
        for content in [&mut request.body, &mut response.body] {
            *content = Content::Bytes(cassette.body(content)?);
        }
        Ok(line(&request, &response))
    }))
}

fn line(request: &Request, response: &Response) -> String {
    let line = Line {
        method: request.method.clone(),
        url: request.url.clone(),
        request: Asked { headers: headers(&request.headers), body: body(&request.body) },
        response: Answered {
            status: response.status,
            headers: headers(&response.headers),
            body: body(&response.body),
        },
    };
    serde_json::to_string(&line).expect("texts and numbers can be written")
}

fn headers(headers: &Headers) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers.iter() {
        let text = std::str::from_utf8(value)
            .map_or_else(|_| value.iter().map(|byte| char::from(*byte)).collect(), str::to_owned);
        all.entry(name.to_owned()).or_default().push(text);
    }
    all
}

fn body(content: &Content) -> Option<String> {
    use base64::Engine as _;
    let bytes = content.bytes().filter(|bytes| !bytes.is_empty())?;
    Some(base64::engine::general_purpose::STANDARD.encode(bytes))
}
