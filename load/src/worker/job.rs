//! What a thread is told to do.

use crate::clock::Nanos;
use crate::schedule::Schedule;
use crate::visit::{Asks, Origin, Protocol};

/// What makes requests due.
#[derive(Debug, Clone)]
pub enum Drive {
    /// A connection sends when it has its answer; a visit follows another one.
    Closed,
    /// Instants that were decided before.
    Open(Schedule),
}

/// What a thread does.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where to.
    pub origins: Vec<Origin>,
    /// What is asked.
    pub asks: Asks,
    /// What makes it due.
    pub drive: Drive,
    /// In a closed loop, how many visits go on at once.
    pub users: usize,
    /// How many connections there may be at once.
    pub connections: usize,
    /// How many requests a connection carries.
    pub reuse: u64,
    /// Which part of all visits it makes, from 0, and how many parts there are.
    pub part: (u64, u64),
    /// What was due before this is sent and not counted, in nanoseconds since the start.
    pub count_from: Nanos,
    /// When nothing more becomes due.
    pub end: Nanos,
    /// How long an answer may take, in nanoseconds.
    pub timeout: Nanos,
    /// How late requests may be sent so that fewer wake-ups are needed, in nanoseconds.
    pub lag_budget: Nanos,
    /// How many requests may be overdue.
    pub room: usize,
    /// How many of the slowest and of the first failing exchanges are kept.
    pub exchanges: usize,
}

impl Job {
    /// How many requests may be under way at once.
    pub(super) fn most(&self) -> usize {
        let streams = self.origins.iter().map(|origin| origin.protocol.streams()).max();
        self.connections * streams.unwrap_or(1)
    }

    /// What is spoken with an origin.
    pub(super) fn protocol(&self, origin: usize) -> Protocol {
        self.origins.get(origin).map_or(Protocol::Http1, |origin| origin.protocol)
    }
}
