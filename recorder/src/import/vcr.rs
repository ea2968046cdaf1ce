//! Ruby's VCR, from its first version on, and vcr-cassette (Rust), which has the same shape.
//!
//! A body is a text, or `{encoding, string | base64_string}`. In Ruby the encoding is a character
//! set, in Rust it is `base64` or nothing.

use super::node::decode_base64;
use super::{Format, Imported, Node, Reading, at, body, status, wanted};
use crate::Result;
use crate::message::{Headers, Interaction};

pub(super) fn read(tree: &Node) -> Result<Imported> {
    let listed = tree.get("http_interactions");
    let interactions = if listed.is_null() { tree.list() } else { listed.list() };
    let mut reading = Reading::new(format(tree, interactions), None);
    for (place, one) in interactions.iter().enumerate() {
        let interaction = interaction(one, place, &mut reading).map_err(at(place))?;
        reading.add(interaction);
    }
    Ok(reading.imported)
}

/// VCR signs its cassettes, and has bodies whose encoding is a character set.
fn format(tree: &Node, interactions: &[Node]) -> Format {
    let by = tree.get("recorded_with").text().unwrap_or_default();
    let has_charset = interactions.iter().any(|one| {
        let bodies = [one.get("request").get("body"), one.get("response").get("body")];
        bodies.iter().any(|body| {
            let encoding = body.get("encoding").text();
            encoding.is_some_and(|name| !name.is_empty() && !name.eq_ignore_ascii_case("base64"))
        })
    });
    if by.starts_with("VCR") || has_charset || tree.is_list() {
        Format::Vcr
    } else {
        Format::VcrCassette
    }
}

fn interaction(one: &Node, place: usize, reading: &mut Reading) -> Result<Interaction> {
    let (asked, answered) = (one.get("request"), one.get("response"));
    let mut read = |node: &Node, what: &str| {
        bytes(node, &mut |text| reading.warn(format!("interaction {}, {what}: {text}", place + 1)))
    };
    let request = body::request(
        wanted(asked, "method")?,
        wanted(asked, "uri")?,
        body::headers(asked.get("headers")),
        read(asked.get("body"), "body of the request"),
    );
    let metadata = answered.get("adapter_metadata");
    let is_decoded = !metadata.get("vcr_decompressed").is_null();
    let bodies = if is_decoded { body::Bodies::Decoded } else { body::Bodies::Unsaid };
    let answer = read(answered.get("body"), "body of the response");
    let headers: Headers = body::headers(answered.get("headers"));
    let status = status(answered.get("status").get("code"))?;
    Ok(Interaction { request, response: body::response(status, headers, answer, bodies) })
}

fn bytes(node: &Node, warn: &mut impl FnMut(String)) -> Vec<u8> {
    if let Some(bytes) = node.bytes() {
        return bytes;
    }
    if !node.is_map() {
        return if node.is_null() { Vec::new() } else { node.json().into_bytes() };
    }
    let encoding = node.get("encoding").text().unwrap_or_default();
    let coded = node.get("base64_string");
    if let Some(text) = coded.text() {
        return decode_base64(text).unwrap_or_else(|| {
            warn("base64_string is no base64 and was taken as it stands".to_owned());
            text.as_bytes().to_vec()
        });
    }
    let string = node.get("string");
    let Some(text) = string.text() else {
        // What some filters write beside the text, or in its place.
        let parsed = [string, node.get("parsed_body")].into_iter().find(|node| !node.is_null());
        return parsed.map_or(Vec::new(), |node| node.json().into_bytes());
    };
    if encoding.eq_ignore_ascii_case("base64") {
        return decode_base64(text).unwrap_or_else(|| {
            warn("it says base64 and is none; it was taken as it stands".to_owned());
            text.as_bytes().to_vec()
        });
    }
    if string.tag().ends_with("binary") {
        return string.bytes().unwrap_or_default();
    }
    body::in_charset(text, encoding).unwrap_or_else(|| {
        warn(format!("it cannot be written in {encoding} and was kept in UTF-8"));
        text.as_bytes().to_vec()
    })
}
