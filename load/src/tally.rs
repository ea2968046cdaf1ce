//! What is counted, in each second and in all.

use std::collections::BTreeMap;

use crate::histogram::{Histogram, put, take};

/// Why a request has no good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The status is 400 or above.
    Status,
    /// No connection could be made.
    Connect,
    /// TLS could not be agreed upon.
    Tls,
    /// There was no whole answer in time.
    Timeout,
    /// The connection ended before the answer did.
    Closed,
    /// What came is no HTTP.
    Malformed,
    /// More requests were overdue than there is room for.
    Overflow,
    /// This process may open no more files, or has no more ports.
    Exhausted,
    /// The answer is not what whoever asked has expected.
    Check,
}

impl Failure {
    /// All of them.
    pub const ALL: [Failure; 9] = [
        Failure::Status,
        Failure::Connect,
        Failure::Tls,
        Failure::Timeout,
        Failure::Closed,
        Failure::Malformed,
        Failure::Overflow,
        Failure::Exhausted,
        Failure::Check,
    ];

    /// The one that has this name.
    pub fn named(name: &str) -> Option<Failure> {
        Failure::ALL.into_iter().find(|failure| failure.name() == name)
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Failure::Status => "status",
            Failure::Connect => "connect",
            Failure::Tls => "tls",
            Failure::Timeout => "timeout",
            Failure::Closed => "closed",
            Failure::Malformed => "malformed",
            Failure::Overflow => "overflow",
            Failure::Exhausted => "exhausted",
            Failure::Check => "check",
        }
    }
}

/// What was counted. All durations are in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// From the intended instant to the last byte. Who gets no answer waits for the whole time-out.
    pub latency: Histogram,
    /// The latency without the lateness of this program: from when it was noticed that it was due.
    pub unlagged: Histogram,
    /// From the instant when it was sent to the last byte, of requests that were answered.
    pub service: Histogram,
    /// From the instant when it was sent to the first byte.
    pub first_byte: Histogram,
    /// From the intended instant to when it was noticed: the lateness of this program.
    pub lag: Histogram,
    /// From when it was noticed to when it was sent: the wait for a free connection.
    pub wait: Histogram,
    /// From the start of a connection to its end, TLS included; one value for each connection.
    pub connect: Histogram,
    /// How many requests came to an end, failures included.
    pub requests: u64,
    /// Bytes that came.
    pub bytes: u64,
    /// Answers that say whether they come from a cache.
    pub cache_told: u64,
    /// Those of them that do.
    pub cache_hits: u64,
    failures: [u64; Failure::ALL.len()],
    statuses: BTreeMap<u16, u64>,
    /// The same of each step, where there are several. All of them together are in the rest.
    pub steps: Vec<Tally>,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Tally {
        Tally::default()
    }

    pub(crate) fn status(&mut self, status: u16) {
        *self.statuses.entry(status).or_default() += 1;
    }

    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failures[failure as usize] += 1;
    }

    /// Counts an answer with this status: its latency and the lateness in it, in microseconds. For
    /// those who make up what a run would have counted.
    pub fn count(&mut self, status: u16, latency: u64, lag: u64) {
        self.requests += 1;
        self.latency.record(latency);
        self.unlagged.record(latency.saturating_sub(lag));
        self.service.record(latency.saturating_sub(lag));
        self.first_byte.record(latency.saturating_sub(lag));
        self.lag.record(lag);
        self.wait.record(0);
        self.status(status);
        if status >= 400 {
            self.fail(Failure::Status);
        }
    }

    /// Counts a request without an answer, which has waited so many microseconds for one.
    pub fn count_failure(&mut self, failure: Failure, latency: u64) {
        self.requests += 1;
        self.latency.record(latency);
        self.unlagged.record(latency);
        self.fail(failure);
    }

    /// How many failed in this way.
    pub fn failed(&self, failure: Failure) -> u64 {
        self.failures[failure as usize]
    }

    /// How many failed in any way.
    pub fn failures(&self) -> u64 {
        self.failures.iter().sum()
    }

    /// How many answers had which status.
    pub fn statuses(&self) -> &BTreeMap<u16, u64> {
        &self.statuses
    }

    /// Adds all that was counted in another one.
    pub fn merge(&mut self, other: &Tally) {
        let pairs = [
            (&mut self.latency, &other.latency),
            (&mut self.unlagged, &other.unlagged),
            (&mut self.service, &other.service),
            (&mut self.first_byte, &other.first_byte),
            (&mut self.lag, &other.lag),
            (&mut self.wait, &other.wait),
            (&mut self.connect, &other.connect),
        ];
        for (own, more) in pairs {
            own.merge(more);
        }
        self.requests += other.requests;
        self.bytes += other.bytes;
        self.cache_told += other.cache_told;
        self.cache_hits += other.cache_hits;
        for (own, more) in self.failures.iter_mut().zip(other.failures) {
            *own += more;
        }
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        if self.steps.len() < other.steps.len() {
            self.steps.resize_with(other.steps.len(), Tally::new);
        }
        for (own, more) in self.steps.iter_mut().zip(&other.steps) {
            own.merge(more);
        }
    }

    /// Appends it to bytes, without what is 0: what histograms hold, and numbers in base 128.
    pub fn encode(&self, to: &mut Vec<u8>) {
        for histogram in self.histograms() {
            histogram.encode(to);
        }
        for count in [self.requests, self.bytes, self.cache_told, self.cache_hits] {
            put(to, count);
        }
        for count in self.failures {
            put(to, count);
        }
        put(to, self.statuses.len() as u64);
        for (status, count) in &self.statuses {
            put(to, u64::from(*status));
            put(to, *count);
        }
        put(to, self.steps.len() as u64);
        for step in &self.steps {
            step.encode(to);
        }
    }

    /// Reads what was encoded; none when it is not just that.
    pub fn decode(mut bytes: &[u8]) -> Option<Tally> {
        let tally = Tally::decode_one(&mut bytes, true)?;
        bytes.is_empty().then_some(tally)
    }

    fn decode_one(bytes: &mut &[u8], may_have_steps: bool) -> Option<Tally> {
        let mut histogram = || {
            let (histogram, rest) = Histogram::decode(bytes)?;
            *bytes = rest;
            Some(histogram)
        };
        let mut tally = Tally {
            latency: histogram()?,
            unlagged: histogram()?,
            service: histogram()?,
            first_byte: histogram()?,
            lag: histogram()?,
            wait: histogram()?,
            connect: histogram()?,
            ..Tally::new()
        };
        let Tally { requests, bytes: came, cache_told, cache_hits, .. } = &mut tally;
        for count in [requests, came, cache_told, cache_hits] {
            *count = take(bytes)?;
        }
        for count in &mut tally.failures {
            *count = take(bytes)?;
        }
        for _ in 0..take(bytes)? {
            let status = u16::try_from(take(bytes)?).ok()?;
            tally.statuses.insert(status, take(bytes)?);
        }
        for _ in 0..take(bytes)? {
            // Steps have none.
            let step = may_have_steps.then(|| Tally::decode_one(bytes, false))??;
            tally.steps.push(step);
        }
        Some(tally)
    }

    fn histograms(&self) -> [&Histogram; 7] {
        let Tally { latency, unlagged, service, first_byte, lag, wait, connect, .. } = self;
        [latency, unlagged, service, first_byte, lag, wait, connect]
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        let all = [
            &mut self.latency,
            &mut self.unlagged,
            &mut self.service,
            &mut self.first_byte,
            &mut self.lag,
            &mut self.wait,
            &mut self.connect,
        ];
        for histogram in all {
            histogram.clear();
        }
        (self.requests, self.bytes) = (0, 0);
        (self.cache_told, self.cache_hits) = (0, 0);
        for step in &mut self.steps {
            step.clear();
        }
        self.failures = [0; Failure::ALL.len()];
        self.statuses.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_read() {
        let mut tally = Tally::new();
        let check = |tally: &Tally| {
            let mut bytes = Vec::new();
            tally.encode(&mut bytes);
            assert_eq!(Tally::decode(&bytes).as_ref(), Some(tally));
            assert_eq!(Tally::decode(&bytes[..bytes.len() - 1]), None);
            bytes.push(0);
            assert_eq!(Tally::decode(&bytes), None);
            bytes.len()
        };
        assert!(check(&tally) < 60);
        (tally.requests, tally.bytes) = (1 << 40, 1 << 62);
        for (at, value) in [1, 900, 70_000_000].into_iter().enumerate() {
            tally.latency.record(value);
            tally.unlagged.record(value / 2);
            tally.service.record(value / 3);
            tally.first_byte.record(at as u64);
            tally.lag.record(at as u64 * 7);
        }
        for (status, failure) in [(200, Failure::Timeout), (599, Failure::Exhausted)] {
            tally.status(status);
            tally.fail(failure);
        }
        check(&tally);
        tally.steps = vec![Tally::new(), tally.clone()];
        (tally.cache_told, tally.cache_hits) = (9, 3);
        check(&tally);
        let mut twice = tally.clone();
        twice.merge(&tally);
        assert_eq!((twice.failures(), twice.statuses()[&599]), (4, 2));
        assert_eq!((twice.cache_hits, twice.steps[1].statuses()[&200]), (6, 2));
        twice.clear();
        assert_eq!(twice, Tally { steps: vec![Tally::new(); 2], ..Tally::new() });
    }
}
