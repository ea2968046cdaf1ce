//! A recorded response, made ready to be sent.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::headers::to_map;
use super::locked;
use super::reply::{Bits, FileBody, Reply};
use crate::coding::Codings;
use crate::index::Recalled;
use crate::message::{Content, Response, Stored};
use crate::{Error, Result};

/// Bodies up to this length are read whole and kept, in bytes.
const WHOLE: u64 = 1 << 20;
/// How much of them is kept in all, in bytes.
const KEPT: usize = 48 << 20;

/// How long answers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Latency {
    /// As fast as they can be given.
    #[default]
    None,
    /// As long as it took when they were recorded, bit by bit.
    Recorded,
    /// This long before the head.
    Fixed(Duration),
}

/// Bodies that lie in files, those that are asked for often in memory.
#[derive(Default)]
pub(super) struct Bodies {
    kept: Mutex<(HashMap<String, Bytes>, usize)>,
    /// Large ones that were found to be what their names say.
    checked: Mutex<std::collections::HashSet<String>>,
}

enum Found {
    Memory(Bytes),
    File(PathBuf, u64),
}

impl Bodies {
    fn find(&self, stored: &Stored, folder: Option<&Path>) -> Result<Found> {
        let folder = folder.ok_or_else(|| Error::new("a body lies in no cassette"))?;
        let path = folder.join("bodies").join(&stored.digest);
        if stored.size > WHOLE {
            let mut checked = locked(&self.checked);
            if !checked.contains(&stored.digest) {
                let wrong = |error: std::io::Error| Error::file("reading", &path, error);
                let mut hasher = blake3::Hasher::new();
                hasher.update_reader(std::fs::File::open(&path).map_err(wrong)?).map_err(wrong)?;
                check(&path, &hasher.finalize().to_hex(), stored)?;
                checked.insert(stored.digest.clone());
            }
            return Ok(Found::File(path, stored.size));
        }
        let mut kept = locked(&self.kept);
        if let Some(bytes) = kept.0.get(&stored.digest) {
            return Ok(Found::Memory(bytes.clone()));
        }
        let bytes: Bytes = crate::files::read(&path)?.into();
        check(&path, &blake3::hash(&bytes).to_hex(), stored)?;
        if kept.1 + bytes.len() > KEPT {
            *kept = Default::default();
        }
        kept.1 += bytes.len();
        kept.0.insert(stored.digest.clone(), bytes.clone());
        Ok(Found::Memory(bytes))
    }
}

fn check(path: &Path, digest: &str, stored: &Stored) -> Result<()> {
    if digest == stored.digest {
        return Ok(());
    }
    let text = format!("{} was altered: it is not what its name says", path.display());
    Err(Error::new(text).hint("restore it from version control"))
}

/// A response with its fields as HTTP's own type has them.
pub(super) fn recalled(response: &Response) -> Recalled<HeaderMap> {
    Recalled {
        status: response.status,
        headers: to_map(&response.headers),
        trailers: to_map(&response.trailers),
        body: response.body.clone(),
        encoded: response.encoded.clone(),
        timing: response.timing.clone(),
    }
}

/// How long a recorded answer is held back.
pub(super) fn delay(response: &Recalled<HeaderMap>, latency: Latency) -> Duration {
    match latency {
        Latency::None => Duration::ZERO,
        Latency::Fixed(time) => time,
        Latency::Recorded => {
            Duration::from_millis(response.timing.as_ref().map_or(0, |timing| timing.head_ms))
        }
    }
}

/// The recorded response as an answer to this request.
pub(super) fn answer(
    response: Recalled<HeaderMap>,
    asked: (&Method, &HeaderMap),
    latency: Latency,
    bodies: &Bodies,
    folder: Option<&Path>,
) -> Result<http::Response<Reply>> {
    let Recalled { mut headers, trailers, .. } = response;
    let trailers = (!trailers.is_empty()).then_some(trailers);
    let status = StatusCode::from_u16(response.status)
        .map_err(|_| Error::new(format!("{} is no status that can be sent", response.status)))?;
    let has_body = *asked.0 != Method::HEAD
        && !status.is_informational()
        && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut reply = Reply::Whole(None);
    if has_body {
        let kept = (&response.body, response.encoded.as_ref());
        let content = coded(kept, asked.1, &mut headers, bodies, folder)?;
        headers.remove(CONTENT_LENGTH);
        reply = match content {
            Found::Memory(bytes) => {
                let timing = response.timing.as_ref().filter(|timing| !timing.chunks.is_empty());
                match (timing, trailers) {
                    (None, None) => Reply::Whole((!bytes.is_empty()).then_some(bytes)),
                    (timing, trailers) => {
                        let chunks = timing.map_or(&[][..], |timing| &timing.chunks);
                        Reply::Bits(Bits::new(bits(bytes, chunks, latency), trailers))
                    }
                }
            }
            Found::File(path, left) => {
                let file = std::fs::File::open(&path)
                    .map_err(|error| Error::file("opening", &path, error))?;
                let file = tokio::fs::File::from_std(file);
                Reply::File(Box::new(FileBody { file, left, buffer: Vec::new(), trailers }))
            }
        };
    }
    let mut made = http::Response::new(reply);
    *made.status_mut() = status;
    *made.headers_mut() = headers;
    Ok(made)
}

/// The body as it goes over the wire: coded as it was recorded, when the client takes that.
fn coded(
    (body, encoded): (&Content, Option<&Content>),
    asked: &HeaderMap,
    headers: &mut HeaderMap,
    bodies: &Bodies,
    folder: Option<&Path>,
) -> Result<Found> {
    let find = |content: &Content| match content {
        Content::Bytes(bytes) => Ok(Found::Memory(bytes.clone())),
        Content::Stored(stored) => bodies.find(stored, folder),
    };
    let named = headers.get_all(CONTENT_ENCODING);
    if named.iter().next().is_none() {
        return find(encoded.unwrap_or(body));
    }
    let codings = Codings::of(named.iter().map(HeaderValue::as_bytes));
    let is_taken = named.iter().all(|value| takes(asked, value));
    match (encoded, codings) {
        (Some(encoded), _) if is_taken => return find(encoded),
        (None, Some(codings)) if is_taken => {
            // What is too large to be coded here goes as it is.
            if let Found::Memory(bytes) = find(body)? {
                return Ok(Found::Memory(codings.encoded(&bytes).into()));
            }
        }
        _ => {}
    }
    headers.remove(CONTENT_ENCODING);
    find(body)
}

/// Whether a client says that it takes these codings.
fn takes(asked: &HeaderMap, codings: &HeaderValue) -> bool {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    let taken: Vec<String> = asked.get_all(ACCEPT_ENCODING).iter().map(text).collect();
    text(codings).split(',').all(|coding| {
        taken.iter().flat_map(|list| list.split(',')).any(|one| {
            let mut words = one.split(';').map(str::trim);
            let name = words.next().unwrap_or_default();
            let is_refused = words.any(|word| matches!(word, "q=0" | "q=0.0"));
            (name == coding.trim() || name == "*") && !is_refused
        })
    })
}

fn bits(bytes: Bytes, chunks: &[(u64, u64)], latency: Latency) -> VecDeque<(Duration, Bytes)> {
    let sum: u64 = chunks.iter().map(|(_, length)| length).sum();
    if chunks.is_empty() || sum != bytes.len() as u64 {
        return VecDeque::from([(Duration::ZERO, bytes)]);
    }
    let mut rest = bytes;
    let time = |at: u64| match latency {
        Latency::Recorded => Duration::from_millis(at),
        _ => Duration::ZERO,
    };
    chunks.iter().map(|(at, length)| (time(*at), rest.split_to(*length as usize))).collect()
}
