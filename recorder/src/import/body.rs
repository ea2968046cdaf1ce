//! Bodies as they stood on the wire or after their codings were taken off: which it is, most
//! formats do not say.

use crate::coding::Codings;
use crate::import::Node;
use crate::message::{Content, Headers, Request, Response};

/// What a file says about the bodies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bodies {
    /// That their content codings are off, whatever the headers say.
    Decoded,
    /// Nothing.
    Unsaid,
}

/// A request; its body is taken out of its codings.
pub(super) fn request(method: &str, url: &str, headers: Headers, body: Vec<u8>) -> Request {
    let (body, _) = uncoded(&headers, body);
    let method = method.trim().trim_start_matches(':').to_ascii_uppercase();
    Request { method, url: url.trim().to_owned(), headers, body: body.into() }
}

/// A response; its body is taken out of its codings where they are still on.
pub(super) fn response(status: u16, headers: Headers, body: Vec<u8>, bodies: Bodies) -> Response {
    let (body, encoded) = match bodies {
        Bodies::Decoded => (body, None),
        Bodies::Unsaid => uncoded(&headers, body),
    };
    Response {
        status,
        headers,
        body: body.into(),
        encoded: encoded.map(Content::from),
        ..Response::default()
    }
}

/// The content, and the coded bytes where coding it again would give others.
fn uncoded(headers: &Headers, raw: Vec<u8>) -> (Vec<u8>, Option<Vec<u8>>) {
    let codings = Codings::of(headers.all("content-encoding"));
    let Some(codings) = codings.filter(|codings| !codings.is_empty()) else { return (raw, None) };
    // Tools that take the codings off leave the header; nothing that is coded reads like a text.
    if raw.is_empty() || is_text(&raw) {
        return (raw, None);
    }
    match codings.decoded(&raw) {
        Ok(content) => {
            let differs = codings.encoded(&content) != raw;
            (content, differs.then_some(raw))
        }
        Err(_) => (raw, None),
    }
}

fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        text.chars().all(|letter| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t'))
    })
}

/// Headers in any of the shapes in use: a map of names to a value or several, or a list of pairs,
/// of `{name, value}` or of `Name: value`.
pub(super) fn headers(node: &Node) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in node.members() {
        if value.is_list() {
            value.list().iter().for_each(|value| add(&mut headers, name, value));
        } else if !value.is_null() {
            add(&mut headers, name, value);
        }
    }
    for one in node.list() {
        if one.is_map() {
            add(&mut headers, one.get("name").text().unwrap_or_default(), one.get("value"));
        } else if let [name, value, coding] = one.list()
            && coding.text() == Some("base64")
        {
            let bytes = value.text().and_then(super::node::decode_base64);
            headers.add(name.text().unwrap_or_default(), bytes.unwrap_or_default());
        } else if let [name, value] = one.list() {
            add(&mut headers, name.text().unwrap_or_default(), value);
        } else if let Some((name, value)) = one.text().and_then(|line| line.split_once(':')) {
            headers.add(name.trim(), value.trim());
        }
    }
    headers
}

/// Adds a value, or several in a list. What HTTP/2 calls `:path` and the like is no header.
pub(super) fn add(headers: &mut Headers, name: &str, value: &Node) {
    if name.is_empty() || name.starts_with(':') {
        return;
    }
    if value.is_list() {
        return value.list().iter().for_each(|value| add(headers, name, value));
    }
    headers.add(name, value.bytes().unwrap_or_default());
}

/// A text in the character set that a file names; none when that is not known, or when it has no
/// such letters.
pub(super) fn in_charset(text: &str, charset: &str) -> Option<Vec<u8>> {
    match charset.to_ascii_uppercase().as_str() {
        "" | "UTF-8" | "US-ASCII" | "ASCII" | "ASCII-8BIT" | "BINARY" | "UTF8" => {
            Some(text.as_bytes().to_vec())
        }
        "ISO-8859-1" | "ISO8859-1" | "LATIN1" => {
            text.chars().map(|letter| u8::try_from(letter as u32).ok()).collect()
        }
        "UTF-16LE" => Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        "UTF-16BE" | "UTF-16" => Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        other => {
            let encoding = encoding_rs::Encoding::for_label(other.as_bytes())?;
            let (bytes, _, is_lossy) = encoding.encode(text);
            (!is_lossy).then(|| bytes.into_owned())
        }
    }
}
