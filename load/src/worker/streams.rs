//! Requests that share connections, of HTTP/2.

use super::answers::failure;
use super::books::Ended;
use super::connection::Arrival;
use super::http2::{Multiplexed, Over, Unanswered, asked, why};
use super::{Drive, Slot, TURNS, Worker};
use crate::clock::Nanos;
use crate::tally::Failure;
use crate::visit::{Asks, Keeps, Turn};

/// How long a connection has its turn: many small frames take long.
const TURN: Nanos = 1_000_000;
/// How long all of them have it before it is looked for what else there is to do.
const ALL: Nanos = 3_000_000;
/// How long a connection serves its origin at the least where others wait for its place.
const SLICE: Nanos = 50_000_000;
/// How often a request is sent again that was not begun with.
const MOST_TRIES: u8 = 5;

impl Worker<'_> {
    /// A connection has something to do.
    pub(super) fn wake(&mut self, slot: usize) {
        if let Some(many) = self.slots[slot].many.as_mut().filter(|many| !many.is_queued) {
            many.is_queued = true;
            self.awake.push(slot);
        }
    }

    /// Goes on with the connections that have something to do, which may give others something to
    /// do; whether there were any.
    pub(super) fn take_turns(&mut self) -> bool {
        if self.awake.is_empty() {
            return false;
        }
        let until = self.clock.now() + ALL;
        while !self.awake.is_empty() {
            let mut awake = std::mem::take(&mut self.awake).into_iter();
            for slot in awake.by_ref() {
                self.go_on_with(slot);
                if self.clock.now() > until {
                    break;
                }
            }
            // Those that had no turn come before those that have another one.
            let rest: Vec<usize> = awake.chain(std::mem::take(&mut self.awake)).collect();
            self.awake = rest;
            if self.clock.now() > until {
                break;
            }
            // There may be room by now.
            self.send_overdue(self.clock.now());
        }
        true
    }

    /// Sends a request on a connection that has room for it, or begins one; or lets it wait.
    pub(super) fn send_shared(&mut self, origin: usize, arrival: Arrival, now: Nanos) {
        if self.idle[origin].is_empty() {
            if self.may_connect(origin, now) {
                return self.connect(arrival, now);
            }
            self.overdue.push_front(origin, arrival);
            return self.overdue.close(origin);
        }
        // In turn: others behind one name have their part.
        let slot = self.idle[origin].remove(0);
        if arrival.tries == 0 {
            self.delays.sent(now, self.job.end);
        }
        self.share(slot, origin, arrival, now);
    }

    /// Whether there may be another connection to this origin. One that is no use makes room for it,
    /// and where this origin has none, one of another origin that had its time takes no more.
    fn may_connect(&mut self, origin: usize, now: Nanos) -> bool {
        if self.open() < self.job.connections {
            return true;
        }
        self.make_room(origin);
        let of_no_use = self.slots.iter().position(|slot| {
            slot.many.as_ref().is_some_and(|many| many.under_way() == 0 && !many.is_listed)
        });
        if let Some(slot) = of_no_use {
            self.close(slot, false);
        }
        if self.open() < self.job.connections {
            return true;
        }
        let there = || self.slots.iter().filter(|slot| !slot.is_free());
        if there().all(|slot| slot.origin != origin) && !there().any(Slot::is_leaving) {
            let had_its_time = |at: &usize| {
                self.slots[*at].many.as_ref().is_some_and(|many| now >= many.begun + SLICE)
            };
            let others = (0..self.slots.len()).filter(had_its_time);
            let fewest = others.min_by_key(|at| self.slots[*at].under_way());
            if let Some(slot) = fewest {
                if let Some(many) = &mut self.slots[slot].many {
                    many.is_leaving = true;
                }
                self.relist(slot);
            }
        }
        false
    }

    /// A connection is agreed upon that many requests can share: the one that it was made for goes
    /// first.
    pub(super) fn share_out(&mut self, slot: usize, now: Nanos) {
        let place = &mut self.slots[slot];
        let (origin, Some(connection)) = (place.origin, &mut place.connection) else { return };
        if !connection.speaks_http2() {
            return self.fail(slot, Failure::Tls);
        }
        let Some(connection) = place.connection.take() else { return };
        let arrival = connection.arrival;
        self.busy -= 1;
        let Some(many) = Multiplexed::begin(connection.into_stream(), now, self.job.timeout) else {
            self.close(slot, false);
            self.give_up(arrival, Failure::Closed, now);
            return self.again(now);
        };
        self.slots[slot].many = Some(Box::new(many));
        self.wake(slot);
        self.share(slot, origin, arrival, now);
    }

    /// Sends a request on a connection that has room, and that is not among those that have.
    fn share(&mut self, slot: usize, origin: usize, arrival: Arrival, now: Nanos) {
        let is_private = self.job.origins[origin].tls.is_some();
        let ask = self.pending.get(arrival.asked);
        let request = match (ask, &self.job.asks) {
            (Some(ask), _) => Some(&*ask.request),
            (None, Asks::One(request)) => Some(request),
            (None, Asks::Script(_)) => None,
        };
        let keeps = ask.map_or(Keeps::Nothing, |ask| ask.keeps);
        let Some(many) = &mut self.slots[slot].many else { return };
        many.is_listed = false;
        match request.and_then(|request| asked(request, is_private)) {
            None => {
                self.give_up(arrival, Failure::Check, now);
                self.again(now);
            }
            Some((request, body)) => match many.send(arrival, request, body, keeps) {
                Ok(()) => self.busy += 1,
                // This connection takes it later, or another one does.
                Err(arrival) => {
                    self.overdue.push_front(origin, arrival);
                    self.wake(slot);
                    return;
                }
            },
        }
        self.wake(slot);
        self.relist(slot);
    }

    /// Puts a connection among those that have room, or takes it away from them.
    fn relist(&mut self, slot: usize) {
        let place = &mut self.slots[slot];
        let (streams, origin) = (self.job.protocol(place.origin).streams(), place.origin);
        let Some(many) = &mut place.many else { return };
        let has_room = many.has_room(streams, self.job.reuse);
        let was_listed = std::mem::replace(&mut many.is_listed, has_room);
        match (was_listed, many.is_listed) {
            (false, true) => self.idle[origin].push(slot),
            (true, false) => self.idle[origin].retain(|other| *other != slot),
            _ => {}
        }
    }

    /// Reads what has come on a connection, and sends what there is to send.
    fn go_on_with(&mut self, slot: usize) {
        let number = self.slots[slot].number;
        let begun = self.clock.now();
        for _ in 0..TURNS {
            // What came while others had their turn is not older than that.
            let now = self.clock.now();
            if now > begun + TURN {
                break;
            }
            let Some(many) = &mut self.slots[slot].many else { return };
            let went = many.turn(now);
            while let Some(over) = self.slots[slot].many.as_mut().and_then(|many| many.next(now)) {
                self.over(slot, over, now);
                if self.slots[slot].number != number {
                    return;
                }
            }
            if let Err(error) = went {
                return self.lose(slot, error.as_ref().map_or(Failure::Closed, why), now);
            }
            let Some(many) = &self.slots[slot].many else { return };
            if !many.is_awake() {
                break;
            }
        }
        let Some(many) = &mut self.slots[slot].many else { return };
        many.is_queued = false;
        let is_done = many.is_leaving || many.uses >= self.job.reuse;
        if is_done && many.under_way() == 0 {
            let is_listed = many.is_listed;
            return self.close(slot, is_listed);
        }
        if many.is_awake() {
            self.wake(slot);
        }
        // Room may have come from the other end.
        self.relist(slot);
    }

    /// Counts a request that has come to its end.
    fn over(&mut self, slot: usize, over: Over, now: Nanos) {
        self.busy -= 1;
        let mut arrival = over.coming.arrival;
        let unanswered = match over.unanswered {
            Some(Unanswered::Refused | Unanswered::Left) if arrival.tries >= MOST_TRIES => {
                Some(Unanswered::Failed(Failure::Closed))
            }
            other => other,
        };
        arrival.tries += 1;
        match unanswered {
            // After a moment, and not at once: a service that refuses would be asked as fast as the
            // processor can.
            Some(Unanswered::Refused) => self.refused.push(arrival),
            Some(Unanswered::Left) => {
                if let Some(many) = &mut self.slots[slot].many {
                    many.is_leaving = true;
                }
                self.overdue.push_front(self.slots[slot].origin, arrival);
            }
            Some(Unanswered::Failed(failure)) => self.broken(slot, &over, failure, now),
            None => self.answered(slot, &over, now),
        }
        self.relist(slot);
        self.send_overdue(now);
    }

    fn answered(&mut self, slot: usize, over: &Over, now: Nanos) {
        let (coming, arrival) = (&over.coming, over.coming.arrival);
        let status = coming.status();
        let ask = self.pending.take(arrival.asked);
        let mut turn = Turn { is_good: status < 400, is_over: true };
        if let (Some(ask), Some(visits)) = (&ask, &mut self.visits) {
            let (head, took) = (coming.head(), now - arrival.intended.min(now));
            let protocol = self.job.protocol(self.slots[slot].origin);
            let answer = coming.answer(protocol, &head, took);
            turn = visits.answered(ask, Some(&answer), &mut self.asks);
        }
        let ended = self.ended(slot, over, now, failure(turn, status));
        self.books.answered(&ended, ask.as_ref(), &self.job.asks, || coming.shown());
        if ask.is_some() {
            self.go_on(turn, now);
        } else if matches!(self.job.drive, Drive::Closed) && now < self.job.end {
            self.overdue.push_back(0, Arrival::new(now, now, arrival.asked));
        }
    }

    /// Counts a request that has no answer, and goes on without it.
    fn broken(&mut self, slot: usize, over: &Over, failure: Failure, now: Nanos) {
        let arrival = over.coming.arrival;
        let ask = self.pending.get(arrival.asked);
        let came = over.coming.shown();
        let ended = self.ended(slot, over, now, Some(failure));
        self.books.keep(&ended, ask, &self.job.asks, &came);
        self.give_up(arrival, failure, now);
        self.again(now);
    }

    /// A connection is no more.
    fn lose(&mut self, slot: usize, failure: Failure, now: Nanos) {
        let Some(many) = &mut self.slots[slot].many else { return };
        let is_listed = many.is_listed;
        let mut lost = Vec::new();
        while let Some(over) = many.give_up(|_| true, failure) {
            lost.push(over);
        }
        for over in &lost {
            self.busy -= 1;
            self.broken(slot, over, failure, now);
        }
        drop(lost);
        self.close(slot, is_listed);
    }

    /// Gives up what takes too long on a connection.
    pub(super) fn sweep_streams(&mut self, slot: usize, now: Nanos) {
        let timeout = self.job.timeout;
        let is_late = |arrival: &Arrival| now.saturating_sub(arrival.noticed) >= timeout;
        loop {
            let Some(many) = &mut self.slots[slot].many else { return };
            let Some(over) = many.give_up(is_late, Failure::Timeout) else { return };
            self.busy -= 1;
            self.broken(slot, &over, Failure::Timeout, now);
            drop(over);
            // That it was given up is told to the other end.
            self.wake(slot);
            self.relist(slot);
        }
    }

    fn ended(&self, slot: usize, over: &Over, now: Nanos, failure: Option<Failure>) -> Ended {
        let coming = &over.coming;
        Ended {
            protocol: self.job.protocol(self.slots[slot].origin),
            arrival: coming.arrival,
            sent: coming.sent,
            first_byte: coming.first_byte,
            at: now,
            status: coming.status(),
            bytes: over.bytes,
            cached: coming.cached(),
            failure,
        }
    }
}
