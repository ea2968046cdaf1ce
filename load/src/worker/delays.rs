//! What held this thread up: the lateness that is its own and not the service's.

use crate::clock::Nanos;
use crate::health::{self, Health};

/// How long after its end a run may still send what was due, in nanoseconds.
const GRACE: Nanos = 100_000_000;

/// What held a thread up so far.
pub(super) struct Delays {
    /// How long a turn of its loop may take; it never means to sleep longer.
    turn: Nanos,
    turned: Nanos,
    longest_gap: Nanos,
    /// By how much turns were longer than that, all together.
    held_up: Nanos,
    /// How long it waited for something to do.
    asleep: Nanos,
    late: u64,
    /// What the system said when it began to count.
    before: Option<Health>,
}

impl Delays {
    pub(super) fn new(turn: Nanos) -> Delays {
        Delays { turn, turned: 0, longest_gap: 0, held_up: 0, asleep: 0, late: 0, before: None }
    }

    /// Another turn begins; `counts` from when on requests are counted.
    pub(super) fn turn(&mut self, now: Nanos, counts: Nanos) {
        // What came before the first turn was no turn.
        let since = if self.turned == 0 { now } else { self.turned };
        let gap = now.saturating_sub(since + self.turn);
        self.longest_gap = self.longest_gap.max(gap);
        self.held_up += gap;
        self.turned = now;
        if self.before.is_none() && now >= counts {
            self.before = Some(health::of_this_thread());
        }
    }

    /// It has waited in its poll, and meant to do so until `planned` at the most.
    pub(super) fn slept(&mut self, from: Nanos, planned: Nanos, to: Nanos) {
        self.asleep += to.min(planned).saturating_sub(from);
    }

    /// A request of an open loop is sent, and none was to be sent after `end`. What waits for a
    /// connection may be waiting for answers that this thread has not come to read: it is late by
    /// itself when it was held up for as long as that, or busy for nine tenths of the time.
    pub(super) fn sent(&mut self, now: Nanos, end: Nanos) {
        let is_own = now.saturating_sub(end) <= self.held_up + GRACE || self.asleep < now / 10;
        self.late += u64::from(now > end + GRACE && is_own);
    }

    /// All of it.
    pub(super) fn health(&self) -> Health {
        let now = health::of_this_thread();
        let Delays { longest_gap, late, before, .. } = *self;
        Health { longest_gap, late, ..now.since(before.unwrap_or(now)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Nanos = 1_000_000;

    /// Turns of so many milliseconds, in each of which it sleeps for so many of those that it
    /// means to; then one request is sent so long after an end at 100 ms.
    fn check(turns: &[(Nanos, Nanos)], after: Nanos, expect: u64) {
        let mut delays = Delays::new(5 * MILLI);
        let mut now = MILLI;
        delays.turn(now, 0);
        for (length, sleep) in turns {
            delays.slept(now, now + sleep * MILLI, now + length * MILLI);
            now += length * MILLI;
            delays.turn(now, 0);
        }
        delays.sent(100 * MILLI + after * MILLI, 100 * MILLI);
        assert_eq!(delays.health().late, expect, "{turns:?}, {after}");
    }

    #[test]
    fn lateness_has_a_reason() {
        let idle = [(5, 5); 20];
        check(&idle, 5, 0);
        // It had time, and waited for the service.
        check(&idle, 150, 0);
        // It stood still for 145 ms, which explains as much, and not more.
        let stopped = [&idle[..10], &[(150, 5)]].concat();
        check(&stopped, 150, 1);
        check(&stopped, 300, 0);
        // It was busy all the time.
        check(&[(4, 0); 25], 170, 1);
        check(&[(4, 0); 25], 50, 0);
    }
}
