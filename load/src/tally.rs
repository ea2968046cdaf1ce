//! What is counted, in each second and in all.

use std::collections::BTreeMap;

use crate::histogram::Histogram;

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
}

impl Failure {
    /// All of them.
    pub const ALL: [Failure; 8] = [
        Failure::Status,
        Failure::Connect,
        Failure::Tls,
        Failure::Timeout,
        Failure::Closed,
        Failure::Malformed,
        Failure::Overflow,
        Failure::Exhausted,
    ];

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
    failures: [u64; Failure::ALL.len()],
    statuses: BTreeMap<u16, u64>,
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
        for (own, more) in self.failures.iter_mut().zip(other.failures) {
            *own += more;
        }
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
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
        self.requests = 0;
        self.bytes = 0;
        self.failures = [0; Failure::ALL.len()];
        self.statuses.clear();
    }
}
