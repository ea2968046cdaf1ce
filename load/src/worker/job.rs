//! What a thread is told to do.

use std::net::SocketAddr;

use super::stream::Tls;
use crate::clock::Nanos;
use crate::request::Request;
use crate::schedule::Schedule;

/// What makes requests due.
#[derive(Debug, Clone)]
pub enum Drive {
    /// A connection sends when it has its answer.
    Closed,
    /// Instants that were decided before.
    Open(Schedule),
}

/// What a thread does.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where to; connections take turns.
    pub addresses: Vec<SocketAddr>,
    /// How connections are made private; none for plain ones.
    pub tls: Option<Tls>,
    /// What is asked.
    pub request: Request,
    /// What makes it due.
    pub drive: Drive,
    /// How many connections there are; in an open loop, at the most.
    pub connections: usize,
    /// How many requests a connection carries.
    pub reuse: u64,
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
}
