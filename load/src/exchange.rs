//! Single exchanges that are kept to be looked at: the slowest, and the first that failed.

use crate::clock::Nanos;
use crate::tally::Failure;

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
    fn the_slowest_and_the_first_failing_are_kept() {
        check(2, &[5, 1, 9, 7, 3], &[9, 7], &[]);
        check(2, &[-5, 1, -9, 7, -3], &[9, 7], &[5, 9]);
        check(3, &[4], &[4], &[]);
        check(0, &[4, -5], &[], &[]);
    }
}
