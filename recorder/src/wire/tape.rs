//! What is recorded while it comes in: codings taken off, secrets taken out, large bodies put away.

use std::io::Read;

use bytes::Bytes;
use redact::Cleaner;

use super::headers::end_to_end;
use super::tee::Exchange;
use crate::canonical::Address;
use crate::cassette::{Cassette, Recorded};
use crate::coding::Codings;
use crate::message::{Content, Headers, Interaction, Request, Response, Timing};
use crate::spool::Spool;
use crate::{Error, Result};

/// How large a body may be to be recorded, in bytes, codings taken off.
const LARGEST: u64 = 64 << 20;
/// Bodies over this are put away at once, so that a long recording takes no memory.
const KEPT_IN_MEMORY: usize = 4096;
/// A body that came within this time came at once, as far as anybody would notice.
const AT_ONCE_MS: u64 = 250;

/// The host that a request goes to.
pub(super) fn host_of(url: &str) -> String {
    Address::of(url).origin().host.unwrap_or_default()
}

/// The content of a body as it came in, and the body itself.
pub(super) fn decoded(spool: &mut Spool, headers: &Headers) -> Result<(Vec<u8>, Codings)> {
    let codings = Codings::of(headers.all("content-encoding")).unwrap_or_default();
    let wrong = |error: std::io::Error| Error::new(format!("reading a body: {error}"));
    let mut content = Vec::new();
    let decoder = codings.decoder(spool.reader()).map_err(wrong)?;
    decoder.take(LARGEST + 1).read_to_end(&mut content).map_err(wrong)?;
    if content.len() as u64 > LARGEST {
        return Err(Error::new("a body is larger than 64 MiB"));
    }
    Ok((content, codings))
}

/// A request without its secrets.
pub(super) fn cleaned(cleaner: &Cleaner, request: &Request) -> Request {
    let host = host_of(&request.url);
    let body = match &request.body {
        Content::Bytes(bytes) if !bytes.is_empty() => {
            let media_type = request.headers.text("content-type").unwrap_or_default();
            Content::from(cleaner.body(&host, media_type, bytes).into_owned())
        }
        other => other.clone(),
    };
    Request {
        method: request.method.clone(),
        url: cleaner.url(&request.url).into_owned(),
        headers: clean_headers(cleaner, &host, request.headers.clone()),
        body,
    }
}

fn clean_headers(cleaner: &Cleaner, host: &str, mut headers: Headers) -> Headers {
    for (name, value) in headers.values_mut() {
        if let std::borrow::Cow::Owned(clean) = cleaner.header(host, name, value) {
            *value = clean;
        }
    }
    headers
}

/// What an exchange becomes in a cassette.
pub(super) fn recorded(
    exchange: Exchange,
    cleaner: &Cleaner,
    cassette: &Cassette,
) -> Result<Recorded> {
    let Exchange { order, request, status, headers, mut body, trailers, timing, .. } = exchange;
    let host = host_of(&request.url);
    let media_type = headers.text("content-type").unwrap_or_default().to_owned();
    let (content, encoded) = match decoded(&mut body, &headers) {
        Ok((content, codings)) => {
            let clean = cleaner.body(&host, &media_type, &content);
            let is_clean = *clean == content[..];
            let clean: Bytes = clean.into_owned().into();
            let raw = raw(&mut body)?;
            let is_kept = !codings.is_empty() && is_clean && codings.encoded(&clean) != raw;
            (clean, is_kept.then_some(raw))
        }
        // Not what its header says: it is kept as it came, as far as nothing in it is secret.
        Err(_) if body.len() <= LARGEST => {
            let raw = raw(&mut body)?;
            let clean: Bytes = cleaner.body(&host, &media_type, &raw).into_owned().into();
            (clean.clone(), Some(clean))
        }
        Err(error) => return Err(error),
    };
    let trailers = clean_headers(cleaner, &host, end_to_end(&trailers));
    let timing = noticed(timing, &media_type, content.len() as u64);
    let keep = |bytes: Bytes| match bytes.len() {
        0..=KEPT_IN_MEMORY => Ok(Content::Bytes(bytes)),
        _ => cassette.keep_body(&bytes).map(Content::Stored),
    };
    let response = Response {
        status,
        headers: clean_headers(cleaner, &host, headers),
        body: keep(content)?,
        encoded: encoded.map(keep).transpose()?,
        trailers,
        timing: Some(timing),
    };
    Ok(Recorded { order, interaction: Interaction { request, response } })
}

fn raw(body: &mut Spool) -> Result<Bytes> {
    let mut raw = Vec::with_capacity(body.len() as usize);
    let read = body.reader().read_to_end(&mut raw);
    read.map_err(|error| Error::new(format!("reading a body: {error}")))?;
    Ok(raw.into())
}

/// The timing without bits that nobody would tell apart, or that no longer add up to the body.
fn noticed(mut timing: Timing, media_type: &str, length: u64) -> Timing {
    let lasted = timing.chunks.last().map_or(0, |(at, _)| *at);
    let is_stream = media_type.starts_with("text/event-stream");
    let sum: u64 = timing.chunks.iter().map(|(_, length)| length).sum();
    if (!is_stream && lasted < AT_ONCE_MS) || timing.chunks.len() < 2 || sum != length {
        timing.chunks.clear();
    }
    timing
}
