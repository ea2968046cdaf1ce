//! Single exchanges that are kept to be looked at: the slowest, and the first that failed.

use std::time::Duration;

use crate::clock::{Nanos, nanos};
use crate::response::{self, Response};
use crate::tally::Failure;
use crate::visit::Protocol;

/// How much of a request or an answer is kept, in bytes.
pub(crate) const MOST: usize = 2048;

/// A request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// When it was due, in nanoseconds since the start.
    pub intended: Nanos,
    /// From then to the last byte, or to when it was given up.
    pub latency: Nanos,
    /// How late it was noticed, which is in the latency.
    pub lag: Nanos,
    /// How long it waited for a connection, which is in the latency.
    pub wait: Nanos,
    /// From when it was sent to the first byte; none when nothing came.
    pub first_byte: Option<Nanos>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// Such as 200; 0 when nothing came.
    pub status: u16,
    /// Which step it is, from 0.
    pub step: usize,
    /// The start of what was sent.
    pub request: Vec<u8>,
    /// The start of what came: head and body, as far as they were there.
    pub response: Vec<u8>,
}

/// A message in its parts. What of a body was kept is without chunks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// The line that it begins with.
    pub line: String,
    /// Its headers, in order, their names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The start of its body.
    pub body: Vec<u8>,
}

impl Exchange {
    /// What was sent.
    pub fn asked(&self) -> Parts {
        let (line, head, body) = cut(&self.request);
        let headers = response::fields(&[&b"HTTP/1.1 200 \r\n"[..], head].concat());
        Parts { line, headers, body: body.to_vec() }
    }

    /// What came; none when that was nothing.
    pub fn answered(&self) -> Option<Parts> {
        if self.response.is_empty() {
            return None;
        }
        let (mut response, mut body) = (Response::new(false), Vec::new());
        // Only its start is there: what is wrong behind that does not matter.
        let _ = response
            .take(&response::readable(&self.response), &mut |part| body.extend_from_slice(part));
        let start = response::behind_interim(&self.response);
        let (line, _, _) = cut(start);
        Some(Parts { line, headers: response::fields(start), body })
    }
}

/// Writes another version of HTTP into the line of a request.
pub(crate) fn rename(request: &mut Vec<u8>, protocol: Protocol) {
    let own = Protocol::Http1.name().as_bytes();
    let line = request.iter().position(|byte| *byte == b'\r').unwrap_or(0);
    if request[..line].ends_with(own) {
        request.splice(line - own.len()..line, protocol.name().bytes());
    }
}

/// The first line, the other lines with the empty one, and the rest.
fn cut(bytes: &[u8]) -> (String, &[u8], &[u8]) {
    let line = bytes.windows(2).position(|two| two == b"\r\n").unwrap_or(bytes.len());
    let rest = bytes.get(line + 2..).unwrap_or_default();
    let end = rest.windows(4).position(|four| four == b"\r\n\r\n").map_or(rest.len(), |at| at + 4);
    let text = String::from_utf8_lossy(&bytes[..line]).into_owned();
    (text, &rest[..end], &rest[end..])
}

/// The slowest and the first failing ones, so many of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchanges {
    most: usize,
    /// In no order.
    slowest: Vec<Exchange>,
    failed: Vec<Exchange>,
    /// What has to be exceeded to be among the slowest.
    bar: Nanos,
}

impl Exchanges {
    /// So many of each are kept.
    pub fn new(most: usize) -> Exchanges {
        Exchanges { most, ..Exchanges::default() }
    }

    /// These, as another process has told of them: no more of each than are kept, and no more of a
    /// message.
    pub fn of(most: usize, slowest: Vec<Exchange>, failed: Vec<Exchange>) -> Exchanges {
        let mut all = Exchanges::new(most);
        let short = |mut one: Exchange| {
            one.request.truncate(MOST);
            one.response.truncate(MOST);
            one
        };
        slowest.into_iter().take(most).for_each(|one| all.add_slow(short(one)));
        all.failed = failed.into_iter().take(most).map(short).collect();
        all
    }

    /// Whether one that took so long, and failed or not, would be kept.
    #[inline]
    pub(crate) fn wants(&self, latency: Nanos, has_failed: bool) -> bool {
        self.most > 0
            && (latency > self.bar
                || self.slowest.len() < self.most
                || (has_failed && self.failed.len() < self.most))
    }

    /// Keeps it, if it belongs to them.
    pub fn add(&mut self, exchange: Exchange) {
        if exchange.failure.is_some() && self.failed.len() < self.most {
            self.failed.push(exchange.clone());
        }
        self.add_slow(exchange);
    }

    fn add_slow(&mut self, exchange: Exchange) {
        if self.slowest.len() < self.most {
            self.slowest.push(exchange);
        } else if exchange.latency > self.bar {
            let fastest = (0..self.slowest.len()).min_by_key(|at| self.slowest[*at].latency);
            if let Some(at) = fastest {
                self.slowest[at] = exchange;
            }
        }
        if self.slowest.len() == self.most {
            self.bar = self.slowest.iter().map(|one| one.latency).min().unwrap_or(0);
        }
    }

    /// Adds those of another thread.
    pub fn merge(&mut self, other: &Exchanges) {
        self.most = self.most.max(other.most);
        self.failed.extend(other.failed.iter().cloned());
        self.failed.sort_by_key(|one| one.intended);
        self.failed.truncate(self.most);
        for one in &other.slowest {
            self.add_slow(one.clone());
        }
    }

    /// The same with times that count from this instant of the run, which is so long after the start
    /// of all.
    #[must_use]
    pub fn since(mut self, start: Duration, after: Duration) -> Exchanges {
        for one in self.slowest.iter_mut().chain(&mut self.failed) {
            one.intended = one.intended.saturating_sub(nanos(start)) + nanos(after);
        }
        self
    }

    /// The slowest, the very slowest first.
    pub fn slowest(&self) -> Vec<&Exchange> {
        let mut all: Vec<&Exchange> = self.slowest.iter().collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.latency));
        all
    }

    /// The first that failed, in order.
    pub fn failed(&self) -> Vec<&Exchange> {
        let mut all: Vec<&Exchange> = self.failed.iter().collect();
        all.sort_by_key(|one| one.intended);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Latencies of those that are added, the failing ones negative; what is kept of them.
    fn kept(most: usize, all: &[i64]) -> Exchanges {
        let mut kept = Exchanges::new(most);
        for (at, latency) in all.iter().enumerate() {
            let failure = (*latency < 0).then_some(Failure::Timeout);
            let latency = latency.unsigned_abs();
            if kept.wants(latency, failure.is_some()) {
                kept.add(Exchange {
                    intended: at as u64,
                    latency,
                    lag: 0,
                    wait: 0,
                    first_byte: None,
                    failure,
                    status: 200,
                    step: 0,
                    request: Vec::new(),
                    response: Vec::new(),
                });
            }
        }
        kept
    }

    fn check(most: usize, all: &[i64], slowest: &[u64], failed: &[u64]) {
        let latencies = |all: Vec<&Exchange>| all.iter().map(|one| one.latency).collect::<Vec<_>>();
        let whole = kept(most, all);
        assert_eq!(latencies(whole.slowest()), slowest);
        assert_eq!(latencies(whole.failed()), failed);
        // Of two threads: as if it had been one.
        let (one, other) = all.split_at(all.len() / 2);
        let mut merged = kept(most, one);
        merged.merge(&kept(most, other));
        assert_eq!(latencies(merged.slowest()), slowest);
    }

    #[test]
    fn messages_are_cut_into_parts() {
        let mut kept = kept(1, &[1]);
        let one = &mut kept.slowest[0];
        one.request = b"POST /a?b HTTP/1.1\r\nHost: h\r\n\r\nx=1".to_vec();
        one.response = b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\
            Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde"
            .to_vec();
        let asked = one.asked();
        assert_eq!((&asked.line[..], &asked.body[..]), ("POST /a?b HTTP/1.1", &b"x=1"[..]));
        assert_eq!(asked.headers, [("host".to_owned(), b"h".to_vec())]);
        let answered = one.answered().unwrap();
        assert_eq!((&answered.line[..], &answered.body[..]), ("HTTP/1.1 200 OK", &b"abcde"[..]));
        assert_eq!(answered.headers[0], ("a".to_owned(), b"b".to_vec()));
        one.response.clear();
        assert_eq!(one.answered(), None);
    }

    #[test]
    fn the_slowest_and_the_first_failing_are_kept() {
        check(2, &[5, 1, 9, 7, 3], &[9, 7], &[]);
        check(2, &[-5, 1, -9, 7, -3], &[9, 7], &[5, 9]);
        check(3, &[4], &[4], &[]);
        check(0, &[4, -5], &[], &[]);
    }
}
