//! The JSON of an endpoint's file. It is written for people: one header a line, JSON bodies
//! indented wherever the original bytes can be had back from that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use redact::json;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::message::{Content, Headers, Interaction, Request, Response, Stored, Timing};
use crate::{Error, Result};

/// How long a body may be to stand in the file itself, in bytes.
pub(super) const LONGEST: usize = 4096;
/// The schema that every file names.
pub(super) const SCHEMA: &str = "gate-cassette-endpoint/v1";
/// How deep bodies stand in the file: in the list of requests, the request, itself, its body.
pub(super) const REQUEST_DEPTH: usize = 5;
/// One deeper, since responses are a list.
pub(super) const RESPONSE_DEPTH: usize = 6;

/// An endpoint's file.
#[derive(Serialize, Deserialize)]
pub(super) struct FileShape {
    pub(super) schema: String,
    pub(super) method: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) origin: String,
    pub(super) path: String,
    pub(super) requests: Vec<EntryShape>,
}

/// A request with all that was answered to it.
#[derive(Serialize, Deserialize)]
pub(super) struct EntryShape {
    pub(super) request: RequestShape,
    pub(super) responses: Vec<ResponseShape>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RequestShape {
    url: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<BodyShape>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ResponseShape {
    /// Its place among all interactions of the cassette.
    pub(super) order: u64,
    /// What was asked, where that is not quite the request above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<RequestShape>,
    status: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<BodyShape>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encoded: Option<BodyShape>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    trailers: Vec<String>,
    /// `12` or, bit by bit, `12 0:34 250:20`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timing: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BodyShape {
    /// What it says, its space taken off.
    Json(Box<RawValue>),
    Text(String),
    Stored {
        digest: String,
        size: u64,
    },
}

/// Where bodies go that do not stand in the file.
pub(super) trait Bodies {
    /// Keeps one and says what it is called.
    fn keep(&mut self, bytes: &Bytes) -> Result<Stored>;
}

/// A request whose body stands so deep in its file.
pub(super) fn request(
    request: &Request,
    depth: usize,
    bodies: &mut impl Bodies,
) -> Result<RequestShape> {
    let body = body(&request.body, depth, bodies)?;
    Ok(RequestShape { url: request.url.clone(), headers: lines(&request.headers), body })
}

pub(super) fn response(
    order: u64,
    request: Option<RequestShape>,
    response: &Response,
    depth: usize,
    bodies: &mut impl Bodies,
) -> Result<ResponseShape> {
    let encoded = match &response.encoded {
        Some(Content::Bytes(bytes)) => Some(stored(bodies.keep(bytes)?)),
        Some(Content::Stored(kept)) => Some(stored(kept.clone())),
        None => None,
    };
    Ok(ResponseShape {
        order,
        request,
        status: response.status,
        headers: lines(&response.headers),
        body: body(&response.body, depth, bodies)?,
        encoded,
        trailers: lines(&response.trailers),
        timing: response.timing.as_ref().map(timing),
    })
}

impl EntryShape {
    /// The interactions, each with its place among all.
    pub(super) fn interactions(self, method: &str) -> Result<Vec<(u64, Interaction)>> {
        let shared = self.request.read(method)?;
        self.responses
            .into_iter()
            .map(|shape| {
                let own = shape.request.as_ref().map(|own| own.read(method)).transpose()?;
                let request = own.unwrap_or_else(|| shared.clone());
                Ok((shape.order, Interaction { request, response: shape.read()? }))
            })
            .collect()
    }
}

impl RequestShape {
    pub(super) fn read(&self, method: &str) -> Result<Request> {
        Ok(Request {
            method: method.to_owned(),
            url: self.url.clone(),
            headers: headers(&self.headers)?,
            body: content(self.body.as_ref())?,
        })
    }
}

impl ResponseShape {
    pub(super) fn read(&self) -> Result<Response> {
        Ok(Response {
            status: self.status,
            headers: headers(&self.headers)?,
            body: content(self.body.as_ref())?,
            encoded: self.encoded.as_ref().map(|body| content(Some(body))).transpose()?,
            trailers: headers(&self.trailers)?,
            timing: self.timing.as_deref().map(read_timing).transpose()?,
        })
    }
}

/// `name: value`, or `name:: base64` of what is no text, as LDIF has it.
fn lines(headers: &Headers) -> Vec<String> {
    headers
        .iter()
        .map(|(name, value)| match std::str::from_utf8(value) {
            Ok(text) => format!("{name}: {text}"),
            Err(_) => format!("{name}:: {}", STANDARD.encode(value)),
        })
        .collect()
}

fn headers(lines: &[String]) -> Result<Headers> {
    let mut headers = Headers::new();
    for line in lines {
        let wrong = || Error::new(format!("`{line}` is no header"));
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        match value.strip_prefix(": ") {
            Some(coded) => headers.add(name, STANDARD.decode(coded).map_err(|_| wrong())?),
            None => headers.add(name, value.strip_prefix(' ').unwrap_or(value)),
        }
    }
    Ok(headers)
}

fn stored(kept: Stored) -> BodyShape {
    BodyShape::Stored { digest: kept.digest, size: kept.size }
}

fn body(content: &Content, depth: usize, bodies: &mut impl Bodies) -> Result<Option<BodyShape>> {
    let bytes = match content {
        Content::Bytes(bytes) if bytes.is_empty() => return Ok(None),
        Content::Bytes(bytes) => bytes,
        Content::Stored(kept) => return Ok(Some(stored(kept.clone()))),
    };
    let text = std::str::from_utf8(bytes).ok().filter(|_| bytes.len() <= LONGEST);
    let Some(text) = text else { return Ok(Some(stored(bodies.keep(bytes)?))) };
    Ok(Some(
        indented(text, depth).map_or_else(|| BodyShape::Text(text.to_owned()), BodyShape::Json),
    ))
}

/// The text as indented JSON, when it is an object or an array without a space too many.
fn indented(text: &str, depth: usize) -> Option<Box<RawValue>> {
    let is_compound = text.starts_with(['{', '[']);
    if !is_compound || json::compact(text.as_bytes()).ok()? != text.as_bytes() {
        return None;
    }
    let pretty = String::from_utf8(json::pretty(text.as_bytes(), depth).ok()?).ok()?;
    RawValue::from_string(pretty).ok()
}

fn content(shape: Option<&BodyShape>) -> Result<Content> {
    Ok(match shape {
        None => Content::default(),
        Some(BodyShape::Text(text)) => Content::from(text.clone()),
        Some(BodyShape::Json(raw)) => {
            let text = json::compact(raw.get().as_bytes());
            Content::from(text.map_err(|error| Error::new(format!("reading a body: {error}")))?)
        }
        Some(BodyShape::Stored { digest, size }) => {
            let is_digest = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
            if !is_digest {
                return Err(Error::new(format!("`{digest}` is no digest of a body")));
            }
            Content::Stored(Stored { digest: digest.clone(), size: *size })
        }
    })
}

fn timing(timing: &Timing) -> String {
    let chunks = timing.chunks.iter().map(|(at, length)| format!(" {at}:{length}"));
    format!("{}{}", timing.head_ms, chunks.collect::<String>())
}

fn read_timing(text: &str) -> Result<Timing> {
    let wrong = || Error::new(format!("`{text}` is no timing such as `12 0:34 250:20`"));
    let mut words = text.split(' ');
    let head_ms = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
    let chunks = words.map(|word| {
        let (at, length) = word.split_once(':')?;
        Some((at.parse().ok()?, length.parse().ok()?))
    });
    Ok(Timing { head_ms, chunks: chunks.collect::<Option<_>>().ok_or_else(wrong)? })
}
