//! What is counted, and which exchanges are kept to be looked at.

use super::connection::Arrival;
use crate::clock::Nanos;
use crate::exchange::{self, Exchange, Exchanges};
use crate::tally::{Failure, Tally};
use crate::visit::{Ask, Asks, Protocol};

/// What a thread has counted.
pub(super) struct Books {
    pub(super) tally: Tally,
    pub(super) exchanges: Exchanges,
    /// What was due before this is not counted.
    count_from: Nanos,
    timeout: Nanos,
}

/// An exchange that has come to its end.
pub(super) struct Ended {
    pub(super) protocol: Protocol,
    pub(super) arrival: Arrival,
    pub(super) sent: Nanos,
    pub(super) first_byte: Option<Nanos>,
    pub(super) at: Nanos,
    /// 0 when there was no answer.
    pub(super) status: u16,
    /// How much came.
    pub(super) bytes: u64,
    /// Whether it comes from a cache, when that is told.
    pub(super) cached: Option<bool>,
    pub(super) failure: Option<Failure>,
}

impl Books {
    pub(super) fn new(exchanges: usize, count_from: Nanos, timeout: Nanos) -> Books {
        Books { tally: Tally::new(), exchanges: Exchanges::new(exchanges), count_from, timeout }
    }

    pub(super) fn counts(&self, arrival: Arrival) -> bool {
        arrival.intended >= self.count_from
    }

    /// A connection was made for an arrival.
    pub(super) fn connected(&mut self, arrival: Arrival, took: Nanos) {
        if self.counts(arrival) {
            self.tally.connect.record(took / 1000);
        }
    }

    /// Counts an answer. What came of it is asked for when it is kept.
    #[inline]
    pub(super) fn answered<C: AsRef<[u8]>>(
        &mut self,
        ended: &Ended,
        ask: Option<&Ask>,
        asks: &Asks,
        came: impl FnOnce() -> C,
    ) {
        let Ended { arrival, sent, at, .. } = *ended;
        if !self.counts(arrival) {
            return;
        }
        let latency = at - arrival.intended.min(at);
        let first_byte = ended.first_byte.unwrap_or(at);
        let tally = tally_of(&mut self.tally, ask);
        tally.requests += 1;
        tally.bytes += ended.bytes;
        tally.latency.record(latency / 1000);
        tally.unlagged.record((at - arrival.noticed.min(at)) / 1000);
        tally.service.record((at - sent.min(at)) / 1000);
        tally.first_byte.record((first_byte - sent.min(first_byte)) / 1000);
        tally.lag.record((arrival.noticed - arrival.intended.min(arrival.noticed)) / 1000);
        tally.wait.record((sent - arrival.noticed.min(sent)) / 1000);
        tally.status(ended.status);
        if let Some(is_hit) = ended.cached {
            tally.cache_told += 1;
            tally.cache_hits += u64::from(is_hit);
        }
        if let Some(failure) = ended.failure {
            tally.fail(failure);
        }
        if self.exchanges.wants(latency, ended.failure.is_some()) {
            self.exchanges.add(exchange(ended, ask, asks, came().as_ref()));
        }
    }

    /// Counts a request that has no answer. It has waited for the whole time-out.
    pub(super) fn given_up(&mut self, arrival: Arrival, failure: Failure, ask: Option<&Ask>) {
        if self.counts(arrival) {
            let lag = arrival.noticed - arrival.intended.min(arrival.noticed);
            let tally = tally_of(&mut self.tally, ask);
            tally.count_failure(failure, self.timeout / 1000);
            tally.lag.record(lag / 1000);
        }
    }

    /// Keeps what is known of an exchange that has no answer.
    pub(super) fn keep(&mut self, ended: &Ended, ask: Option<&Ask>, asks: &Asks, came: &[u8]) {
        let latency = ended.at - ended.arrival.intended.min(ended.at);
        if self.counts(ended.arrival) && self.exchanges.wants(latency, true) {
            self.exchanges.add(exchange(ended, ask, asks, came));
        }
    }
}

fn exchange(ended: &Ended, ask: Option<&Ask>, asks: &Asks, came: &[u8]) -> Exchange {
    let arrival = ended.arrival;
    let sent = ended.sent.max(arrival.noticed);
    let mut request = start_of(asked(asks, ask));
    if ended.protocol != Protocol::Http1 {
        exchange::rename(&mut request, ended.protocol);
    }
    Exchange {
        intended: arrival.intended,
        latency: ended.at - arrival.intended.min(ended.at),
        lag: arrival.noticed - arrival.intended.min(arrival.noticed),
        wait: sent - arrival.noticed,
        first_byte: ended.first_byte.map(|first| first - sent.min(first)),
        failure: ended.failure,
        status: ended.status,
        step: ask.map_or(0, |ask| ask.step),
        request,
        response: start_of(came),
    }
}

/// Where a request is counted.
fn tally_of<'t>(all: &'t mut Tally, ask: Option<&Ask>) -> &'t mut Tally {
    match ask {
        None => all,
        Some(ask) => {
            if all.steps.len() <= ask.step {
                all.steps.resize_with(ask.step + 1, Tally::new);
            }
            &mut all.steps[ask.step]
        }
    }
}

/// What was sent.
fn asked<'a>(asks: &'a Asks, ask: Option<&'a Ask>) -> &'a [u8] {
    match (ask, asks) {
        (Some(ask), _) => ask.request.bytes(),
        (None, Asks::One(request)) => request.bytes(),
        (None, Asks::Script(_)) => &[],
    }
}

fn start_of(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len().min(exchange::MOST)].to_vec()
}
