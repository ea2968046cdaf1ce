//! Python's vcrpy: version 1, and lists without a version from before it.
//!
//! PyYAML writes objects of Python as tagged data. Those that bodies are made of are read for what
//! is in them; nothing is made of any other.

use super::{Format, Imported, Node, Reading, at, body, status};
use crate::message::{Headers, Interaction};
use crate::{Error, Result};

pub(super) fn read(tree: &Node) -> Result<Imported> {
    let listed = tree.get("interactions");
    let interactions = if listed.is_null() { tree.list() } else { listed.list() };
    let mut reading = Reading::new(Format::Vcrpy, None);
    for (place, one) in interactions.iter().enumerate() {
        reading.add(interaction(one).map_err(at(place))?);
    }
    Ok(reading.imported)
}

fn interaction(one: &Node) -> Result<Interaction> {
    let (asked, answered) = (one.get("request"), one.get("response"));
    let request = body::request(
        super::wanted(asked, "method")?,
        &url(asked)?,
        body::headers(asked.get("headers")),
        bytes(asked.get("body"))?,
    );
    let headers: Headers = body::headers(answered.get("headers"));
    let code = answered.get("status");
    // The stub of httpx wrote the number alone, and the text of the body beside it.
    let code = [code.get("code"), code, answered.get("status_code")]
        .into_iter()
        .find(|node| node.text().is_some())
        .unwrap_or(code);
    let answer = answer_bytes(answered)?;
    let response = body::response(status(code)?, headers, answer, body::Bodies::Unsaid);
    Ok(Interaction { request, response })
}

/// Before version 1 the address came in parts.
fn url(asked: &Node) -> Result<String> {
    let uri = ["uri", "url"].into_iter().find_map(|name| asked.get(name).text());
    if let Some(uri) = uri {
        return Ok(uri.to_owned());
    }
    let part = |name: &str| asked.get(name).text().unwrap_or_default();
    let (protocol, host, port) = (part("protocol"), part("host"), part("port"));
    if host.is_empty() {
        return Err(Error::new("a request has no uri"));
    }
    let is_usual = matches!((protocol, port), (_, "") | ("http", "80") | ("https", "443"));
    let port = if is_usual { String::new() } else { format!(":{port}") };
    let protocol = if protocol.is_empty() { "http" } else { protocol };
    Ok(format!("{protocol}://{host}{port}{}", part("path")))
}

fn answer_bytes(answered: &Node) -> Result<Vec<u8>> {
    let shape = answered.get("body");
    let content = answered.get("content");
    if shape.is_null() && !content.is_null() {
        return bytes(content);
    }
    if !shape.is_map() || is_object(shape) {
        return bytes(shape);
    }
    let (string, coded) = (shape.get("string"), shape.get("base64_string"));
    if let Some(text) = coded.text() {
        return super::node::decode_base64(text)
            .ok_or_else(|| Error::new("base64_string is no base64"));
    }
    if string.is_null() && !shape.get("parsed_body").is_null() {
        return Ok(shape.get("parsed_body").json().into_bytes());
    }
    bytes(string)
}

fn is_object(node: &Node) -> bool {
    node.tag().contains("python/object")
}

/// The bytes of a body in any of its shapes.
fn bytes(node: &Node) -> Result<Vec<u8>> {
    if is_object(node) {
        return object_bytes(node);
    }
    if node.is_null() {
        return Ok(Vec::new());
    }
    if let Some(bytes) = node.bytes() {
        return Ok(bytes);
    }
    if node.is_list() && node.tag().ends_with("python/tuple") {
        return joined(node.list());
    }
    // Serializers of users write the JSON of a body as data.
    Ok(node.json().into_bytes())
}

/// What is in a `BytesIO`, an iterator or another object made of bytes.
fn object_bytes(node: &Node) -> Result<Vec<u8>> {
    let name = node.tag().rsplit(':').next().unwrap_or_default();
    let (args, state) = (node.get("args"), node.get("state"));
    let args = if node.is_list() { node.list() } else { args.list() };
    if name.ends_with("BytesIO") || name.ends_with("StringIO") {
        // The content, where it was read up to, and nothing of interest.
        let content = state.list().first().or(args.first());
        return content.map_or(Ok(Vec::new()), bytes);
    }
    if name.ends_with(".iter") || name.ends_with("_iterator") || name == "iter" {
        let Some(over) = args.first() else { return Ok(Vec::new()) };
        let done = state.number().unwrap_or(0) as usize;
        return if over.is_list() {
            joined(over.list().get(done..).unwrap_or_default())
        } else {
            Ok(bytes(over)?.get(done..).unwrap_or_default().to_vec())
        };
    }
    if ["bytearray", "bytes", "str"].iter().any(|one| name.ends_with(one)) {
        return joined(args.get(..1).unwrap_or_default());
    }
    Err(Error::new(format!("a body is an object of Python, {name}, whose bytes are not known"))
        .hint("record it again with the body as bytes"))
}

fn joined(parts: &[Node]) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for part in parts {
        match part.number() {
            // An iterator over bytes gives their numbers.
            Some(byte) if part.tag().is_empty() && matches!(part, Node::Number(_)) => {
                all.push(u8::try_from(byte).map_err(|_| Error::new("a byte is over 255"))?);
            }
            _ => all.extend(bytes(part)?),
        }
    }
    Ok(all)
}
