//! What is recorded while it comes in: codings taken off, secrets taken out, large bodies put away.

use std::borrow::Cow;
use std::io::Read;

use bytes::Bytes;
use redact::Cleaner;

use super::headers::end_to_end;
use super::tee::Exchange;
use crate::canonical::Address;
use crate::cassette::{Cassette, Recorded};
use crate::coding::{self, Codings};
use crate::message::{Content, Headers, Interaction, Request, Response, Timing};
use crate::spool::Spool;
use crate::{Error, Result};

/// How large the body of a request may be, in bytes, codings taken off: it is looked up by its
/// content.
const LARGEST: u64 = 64 << 20;
/// How large that of a response may be.
const LARGEST_CONTENT: u64 = coding::LARGEST;
/// Up to this a body is decoded and cleaned in memory, in bytes.
const WHOLE: u64 = 8 << 20;
/// Bodies over this are put away at once, so that a long recording takes no memory.
const KEPT_IN_MEMORY: usize = 4096;
/// A body that came within this time came at once, as far as anybody would notice.
const AT_ONCE_MS: u64 = 250;

/// The host that a request goes to.
pub(crate) fn host_of(url: &str) -> String {
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
pub(crate) fn cleaned(cleaner: &Cleaner, request: Request) -> Request {
    let before = cleaner.generation();
    let clean = cleaned_once(cleaner, &request);
    // What a part has taught may stand in those before it.
    let clean =
        if cleaner.generation() == before { clean } else { cleaned_once(cleaner, &request) };
    clean.into_request(request)
}

/// What becomes of the parts of a request; nothing of those that hold no secret.
struct Clean {
    url: Option<String>,
    headers: Vec<(usize, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

fn owned<T: ToOwned + ?Sized>(clean: Cow<'_, T>) -> Option<T::Owned> {
    match clean {
        Cow::Owned(clean) => Some(clean),
        Cow::Borrowed(_) => None,
    }
}

fn cleaned_once(cleaner: &Cleaner, request: &Request) -> Clean {
    let host = host_of(&request.url);
    let headers = request.headers.iter().enumerate();
    let clean = |(at, (name, value))| Some((at, owned(cleaner.header(&host, name, value))?));
    let headers = headers.filter_map(clean).collect();
    let body = request.body.bytes().filter(|bytes| !bytes.is_empty()).and_then(|bytes| {
        let media_type = request.headers.text("content-type").unwrap_or_default();
        owned(cleaner.body(&host, media_type, bytes))
    });
    Clean { url: owned(cleaner.url(&request.url)), headers, body }
}

impl Clean {
    fn into_request(self, mut request: Request) -> Request {
        if let Some(url) = self.url {
            request.url = url;
        }
        if let Some(body) = self.body {
            request.body = Content::from(body);
        }
        let mut values: Vec<_> = request.headers.values_mut().map(|(_, value)| value).collect();
        for (at, value) in self.headers {
            *values[at] = value;
        }
        request
    }
}

pub(crate) fn clean_headers(cleaner: &Cleaner, host: &str, headers: &Headers) -> Headers {
    let mut headers = headers.clone();
    for (name, value) in headers.values_mut() {
        if let Cow::Owned(clean) = cleaner.header(host, name, value) {
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
    let Exchange { order, request, status, headers, body, trailers, timing, .. } = exchange;
    let host = host_of(&request.url);
    let media_type = headers.text("content-type").unwrap_or_default().to_owned();
    let codings = Codings::of(headers.all("content-encoding")).unwrap_or_default();
    let mut came = Came { host: &host, media_type: &media_type, codings, body, cleaner, cassette };
    let kept = came.kept()?;
    let trailers = clean_headers(cleaner, &host, &end_to_end(&trailers));
    let timing = noticed(timing, &media_type, kept.content.len());
    let response = Response {
        status,
        headers: clean_headers(cleaner, &host, &headers),
        body: kept.content,
        encoded: kept.encoded,
        trailers,
        timing: Some(timing),
    };
    Ok(Recorded { order, interaction: Interaction { request, response } })
}

/// A body as it came.
struct Came<'c> {
    host: &'c str,
    media_type: &'c str,
    codings: Codings,
    body: Spool,
    cleaner: &'c Cleaner,
    cassette: &'c Cassette,
}

/// A body as it is kept.
struct KeptBody {
    content: Content,
    encoded: Option<Content>,
}

impl Came<'_> {
    fn kept(&mut self) -> Result<KeptBody> {
        let mut start = Vec::new();
        let decoder = self.codings.decoder(self.body.reader());
        let read = decoder.and_then(|from| from.take(WHOLE + 1).read_to_end(&mut start));
        match read {
            Ok(_) if start.len() as u64 <= WHOLE && self.body.len() <= WHOLE => self.small(&start),
            Ok(_) if self.decodes() => self.large(),
            _ => self.broken(&start),
        }
    }

    fn small(&mut self, content: &[u8]) -> Result<KeptBody> {
        let clean = self.cleaner.body(self.host, self.media_type, content);
        let is_clean = *clean == *content;
        let clean: Bytes = clean.into_owned().into();
        let mut encoded = None;
        if !self.codings.is_empty() && is_clean {
            let raw = raw(&mut self.body)?;
            encoded = (self.codings.encoded(&clean) != raw).then(|| self.keep(raw)).transpose()?;
        }
        Ok(KeptBody { content: self.keep(clean)?, encoded })
    }

    /// Whether the codings come off to the end.
    fn decodes(&mut self) -> bool {
        let decoder = self.codings.decoder(self.body.reader());
        let limited = decoder.map(|from| from.take(LARGEST_CONTENT + 1));
        limited.and_then(|mut from| std::io::copy(&mut from, &mut std::io::sink())).is_ok()
    }

    /// From the spool through the decoder and the cleaner into its file, and never whole in memory.
    fn large(&mut self) -> Result<KeptBody> {
        let wrong = |error: std::io::Error| Error::new(format!("reading a body: {error}"));
        let decoder = self.codings.decoder(self.body.reader()).map_err(wrong)?;
        let limited = decoder.take(LARGEST_CONTENT + 1);
        let copied = self.cassette.keep_copy(self.host, self.media_type, limited, self.cleaner)?;
        if copied.stored.size > LARGEST_CONTENT {
            return Err(Error::new("a body is larger than 1 GiB"));
        }
        let is_kept = !self.codings.is_empty() && !copied.is_changed;
        let encoded = if is_kept {
            Some(self.cassette.keep_same(self.body.reader(), self.cleaner)?)
        } else {
            None
        };
        let content = Content::Stored(copied.stored);
        Ok(KeptBody { content, encoded: encoded.map(Content::Stored) })
    }

    /// Not what its header says: it is kept as it came, as far as nothing in it is secret. The
    /// start is what comes off it before it breaks.
    fn broken(&mut self, start: &[u8]) -> Result<KeptBody> {
        if *self.cleaner.body(self.host, self.media_type, start) != *start {
            let text = "its content coding breaks off, and there is a secret in what comes before";
            return Err(Error::new(text));
        }
        let content = if self.body.len() <= WHOLE {
            let raw = raw(&mut self.body)?;
            let clean = self.cleaner.body(self.host, self.media_type, &raw).into_owned();
            self.keep(clean.into())?
        } else {
            let (host, media_type) = (self.host, self.media_type);
            let from = self.body.reader();
            Content::Stored(self.cassette.keep_copy(host, media_type, from, self.cleaner)?.stored)
        };
        Ok(KeptBody { encoded: Some(content.clone()), content })
    }

    fn keep(&self, bytes: Bytes) -> Result<Content> {
        match bytes.len() {
            0..=KEPT_IN_MEMORY => Ok(Content::Bytes(bytes)),
            _ => self.cassette.keep_body(&bytes, self.cleaner).map(Content::Stored),
        }
    }
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
