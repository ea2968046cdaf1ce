//! Answers that go wrong on purpose, to see what a program makes of them.

use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LENGTH, HeaderValue, RETRY_AFTER};

use super::exchange::refusal;
use super::reply::{Bits, Reply};

/// What goes wrong, and for which requests.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: Kind,
    method: Option<String>,
    /// `*` stands for any text.
    path: Option<String>,
    /// Only so many requests.
    first: u64,
    /// Only every so many-th request.
    every: u64,
    met: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Status(u16),
    /// 429, and when to come again, in seconds.
    RateLimit(u64),
    /// The connection is closed without an answer.
    Reset,
    /// The body ends in its middle.
    Truncate,
    /// The body comes in ten bits over this time.
    Drip(Duration),
}

/// What to do instead of the recorded answer.
pub(super) enum Instead {
    /// This.
    Answer(Box<Response<Reply>>),
    /// Nothing: the connection is closed.
    Close,
    /// The recorded answer, spoilt.
    Spoil(Spoil),
}

/// What becomes of a recorded answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Spoil {
    Truncate,
    Drip(Duration),
}

impl FromStr for Fault {
    type Err = String;

    /// Such as `status=503 path=/contacts/* first=2`.
    fn from_str(text: &str) -> Result<Fault, String> {
        let wrong = |word: &str| {
            format!(
                "`{word}` is no fault: write status=503, rate-limit=SECONDS, reset, truncate or \
                 drip=MILLISECONDS, then method=GET, path=/x/*, first=N or every=N"
            )
        };
        let mut words = text.split_whitespace();
        let first = words.next().ok_or_else(|| wrong(text))?;
        let (name, value) = first.split_once('=').unwrap_or((first, ""));
        let number = |value: &str| value.parse::<u64>().map_err(|_| wrong(first));
        let kind = match name {
            "status" => match number(value)? {
                status @ 200..=599 => Kind::Status(status as u16),
                _ => return Err(wrong(first)),
            },
            "rate-limit" => Kind::RateLimit(if value.is_empty() { 1 } else { number(value)? }),
            "reset" if value.is_empty() => Kind::Reset,
            "truncate" if value.is_empty() => Kind::Truncate,
            "drip" => Kind::Drip(Duration::from_millis(number(value)?)),
            _ => return Err(wrong(first)),
        };
        let met = Arc::new(AtomicU64::new(0));
        let (method, path, first, every) = (None, None, u64::MAX, 1);
        let mut fault = Fault { kind, method, path, first, every, met };
        for word in words {
            let count =
                |value: &str| value.parse().ok().filter(|n| *n > 0).ok_or_else(|| wrong(word));
            match word.split_once('=').ok_or_else(|| wrong(word))? {
                ("method", value) => fault.method = Some(value.to_ascii_uppercase()),
                ("path", value) => fault.path = Some(value.to_owned()),
                ("first", value) => fault.first = count(value)?,
                ("every", value) => fault.every = count(value)?,
                _ => return Err(wrong(word)),
            }
        }
        Ok(fault)
    }
}

impl Fault {
    /// What to do with this request; the request is counted when it is one that is meant.
    pub(super) fn of(&self, method: &str, path: &str) -> Option<Instead> {
        let is_meant = self.method.as_deref().is_none_or(|one| one == method)
            && self.path.as_deref().is_none_or(|pattern| matches(pattern, path));
        if !is_meant {
            return None;
        }
        let met = self.met.fetch_add(1, Ordering::Relaxed) + 1;
        if met > self.first || !met.is_multiple_of(self.every) {
            return None;
        }
        Some(match self.kind {
            Kind::Status(status) => {
                let answer = refusal(status, "this answer is a fault on purpose");
                Instead::Answer(Box::new(answer))
            }
            Kind::RateLimit(seconds) => {
                let mut answer = refusal(429, "too many requests, on purpose");
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
                Instead::Answer(Box::new(answer))
            }
            Kind::Reset => Instead::Close,
            Kind::Truncate => Instead::Spoil(Spoil::Truncate),
            Kind::Drip(time) => Instead::Spoil(Spoil::Drip(time)),
        })
    }
}

/// Whether a text is what a pattern means, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|text| {
            (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| matches(rest, &text[at..]))
        }),
    }
}

/// A recorded answer, spoilt. Only a body in memory can be.
pub(super) fn spoilt(mut answer: Response<Reply>, spoil: Spoil) -> Response<Reply> {
    let Reply::Whole(Some(bytes)) = answer.body_mut() else { return answer };
    let bytes = bytes.clone();
    let reply = match spoil {
        Spoil::Truncate => {
            // Its length says that there is more.
            answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            let half = bytes.slice(..bytes.len() / 2);
            Reply::Bits(Bits::new(VecDeque::from([(Duration::ZERO, half)]), None).cut())
        }
        Spoil::Drip(time) => Reply::Bits(Bits::new(dripping(bytes, time), None)),
    };
    *answer.body_mut() = reply;
    answer
}

fn dripping(mut bytes: Bytes, time: Duration) -> VecDeque<(Duration, Bytes)> {
    let piece = bytes.len().div_ceil(10).max(1);
    let mut bits = VecDeque::new();
    while !bytes.is_empty() {
        let at = time * bits.len() as u32 / 10;
        bits.push_back((at, bytes.split_to(piece.min(bytes.len()))));
    }
    bits
}

/// The status of a fault that has one, for tests of what was asked for.
#[cfg(test)]
fn status(instead: Option<Instead>) -> Option<http::StatusCode> {
    match instead? {
        Instead::Answer(answer) => Some(answer.status()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_requests_are_meant() {
        let check = |fault: &str, path: &str, expect: &[Option<u16>]| {
            let fault: Fault = fault.parse().unwrap();
            let met: Vec<_> = expect
                .iter()
                .map(|_| status(fault.of("GET", path)).map(|status| status.as_u16()))
                .collect();
            assert_eq!(met, expect, "{fault:?} {path}");
        };
        check("status=503", "/x", &[Some(503), Some(503)]);
        check("status=503 first=1", "/x", &[Some(503), None]);
        check("rate-limit=2 every=2", "/x", &[None, Some(429), None, Some(429)]);
        check("status=500 path=/contacts/*", "/contacts/1", &[Some(500)]);
        check("status=500 path=/contacts/*", "/deals/1", &[None]);
        check("status=500 path=*/1/*", "/a/1/b", &[Some(500)]);
        check("status=500 method=post", "/x", &[None]);
    }

    #[test]
    fn what_is_no_fault_is_said() {
        for wrong in [
            "",
            "what",
            "status",
            "status=99",
            "reset=1",
            "status=503 path",
            "drip=x",
            "status=500 first=0",
        ] {
            let error = wrong.parse::<Fault>().unwrap_err();
            assert!(error.contains("is no fault: write status=503"), "{error}");
        }
    }

    #[test]
    fn drops_come_evenly() {
        let bits = dripping(Bytes::from(vec![1; 25]), Duration::from_millis(100));
        let sizes: Vec<_> = bits.iter().map(|(at, bytes)| (at.as_millis(), bytes.len())).collect();
        assert_eq!(sizes[..2], [(0, 3), (10, 3)]);
        assert_eq!(sizes.iter().map(|(_, size)| size).sum::<usize>(), 25);
    }
}
