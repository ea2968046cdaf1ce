//! What was asked before, byte for byte, and where it led.
//!
//! Cleaning a request of its secrets and finding its key is most of what an answer costs. Clients
//! ask the same again and again: while a test runs, in loops, from many places of one page. Where a
//! request led does not depend on what was asked before it, so it can be kept.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Mutex, TryLockError};

use http::request;

use super::goes::Via;
use crate::play::Queue;

/// How many requests are remembered; one more takes the place of another.
const SLOTS: usize = 1 << 16;
/// How many parts of the memory there are, so that threads seldom meet in one.
const SHARDS: usize = 64;

/// The fingerprint of a request. Its key is drawn anew in each process and is never told, so nobody
/// can make two requests that have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint(u64);

/// A part of the memory: empty until something is put there.
type Shard = Mutex<Vec<Option<(Fingerprint, Queue)>>>;

/// Where requests led.
pub(super) struct Memo {
    seed: RandomState,
    shards: Vec<Shard>,
}

impl Default for Memo {
    fn default() -> Memo {
        let shards = std::iter::repeat_with(Mutex::default).take(SHARDS).collect();
        Memo { seed: RandomState::new(), shards }
    }
}

impl Memo {
    /// Of all that a request without a body has: fields that do not count make it another one.
    pub(super) fn fingerprint(&self, via: &Via, head: &request::Parts) -> Fingerprint {
        let mut hasher = self.seed.build_hasher();
        (via.scheme, &via.authority).hash(&mut hasher);
        head.method.hash(&mut hasher);
        let text = |part: Option<&str>, hasher: &mut _| part.hash(hasher);
        text(head.uri.scheme_str(), &mut hasher);
        text(head.uri.authority().map(http::uri::Authority::as_str), &mut hasher);
        text(head.uri.path_and_query().map(http::uri::PathAndQuery::as_str), &mut hasher);
        for (name, value) in &head.headers {
            name.as_str().hash(&mut hasher);
            value.as_bytes().hash(&mut hasher);
        }
        Fingerprint(hasher.finish())
    }

    /// Where it led before, if that is still known.
    pub(super) fn get(&self, asked: Fingerprint) -> Option<Queue> {
        let (shard, slot) = place(asked);
        // Whoever would have to wait is faster on their own.
        let kept = self.shards[shard].try_lock().ok()?;
        let (known, queue) = (*kept.get(slot)?)?;
        (known == asked).then_some(queue)
    }

    /// Remembers where it led.
    pub(super) fn put(&self, asked: Fingerprint, queue: Queue) {
        let (shard, slot) = place(asked);
        let mut kept = match self.shards[shard].try_lock() {
            Ok(kept) => kept,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if kept.is_empty() {
            kept.resize(SLOTS / SHARDS, None);
        }
        kept[slot] = Some((asked, queue));
    }
}

/// Its part of the memory, and the place in that.
fn place(asked: Fingerprint) -> (usize, usize) {
    let number = asked.0 as usize;
    (number % SHARDS, number / SHARDS % (SLOTS / SHARDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How it has come, its method, address and fields.
    type Asked<'a> = (&'a Via, &'a str, &'a str, &'a [(&'a str, &'a str)]);

    fn parts(method: &str, url: &str, fields: &[(&str, &str)]) -> request::Parts {
        let builder = http::Request::builder().method(method).uri(url);
        let builder =
            fields.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn whatever_differs_makes_another_request() {
        let memo = Memo::default();
        let tunnel = |authority: &str, scheme| Via {
            scheme,
            authority: Some(authority.to_owned()),
            ..Via::default()
        };
        let direct = Via::default();
        let (a, b) = (tunnel("a.example:443", "https"), tunnel("b.example:443", "https"));
        let c = tunnel("a.example:443", "http");
        let asked: &[Asked<'_>] = &[
            (&direct, "GET", "/a?b", &[]),
            (&direct, "HEAD", "/a?b", &[]),
            (&direct, "GET", "/a?c", &[]),
            (&direct, "GET", "http://h/a?b", &[]),
            (&direct, "GET", "https://h/a?b", &[]),
            (&direct, "GET", "http://i/a?b", &[]),
            (&direct, "GET", "/a?b", &[("host", "h")]),
            (&direct, "GET", "/a?b", &[("host", "h"), ("x", "")]),
            (&direct, "GET", "/a?b", &[("hos", "th")]),
            (&direct, "GET", "/a?b", &[("x", "1"), ("x", "2")]),
            (&direct, "GET", "/a?b", &[("x", "12")]),
            (&a, "GET", "/a?b", &[]),
            (&b, "GET", "/a?b", &[]),
            (&c, "GET", "/a?b", &[]),
        ];
        let seen: Vec<_> = asked
            .iter()
            .map(|(via, method, url, fields)| memo.fingerprint(via, &parts(method, url, fields)).0)
            .collect();
        let different: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!(different.len(), asked.len());
        assert_eq!(seen[0], memo.fingerprint(&direct, &parts("GET", "/a?b", &[])).0);
        assert_ne!(seen[0], Memo::default().fingerprint(&direct, &parts("GET", "/a?b", &[])).0);
    }

    #[test]
    fn what_was_put_is_there_until_another_takes_its_place() {
        let memo = Memo::default();
        let (one, same_place) = (Fingerprint(5), Fingerprint(5 + SLOTS as u64));
        let queue = |first| Queue::of_places(first, first + 1);
        assert_eq!(memo.get(one), None);
        memo.put(one, queue(1));
        assert_eq!((memo.get(one), memo.get(same_place)), (Some(queue(1)), None));
        memo.put(same_place, queue(2));
        assert_eq!((memo.get(one), memo.get(same_place)), (None, Some(queue(2))));
    }
}
