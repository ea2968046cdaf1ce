//! Requests that share a connection, of HTTP/2.

use super::answers::failure;
use super::books::Ended;
use super::connection::Arrival;
use super::http2::{Multiplexed, Over, Unanswered, asked, why};
use super::{Drive, TURNS, Worker};
use crate::clock::Nanos;
use crate::tally::Failure;
use crate::visit::{Asks, Keeps, Turn};

/// How long a connection has its turn: many small frames take long.
const TURN: Nanos = 1_000_000;

impl Worker<'_> {
    /// A connection is agreed upon that many requests can share: the one that it was made for goes
    /// first.
    pub(super) fn share_out(&mut self, slot: usize, now: Nanos) {
        let place = &mut self.slots[slot];
        let Some(connection) = &mut place.connection else { return };
        if !connection.speaks_http2() {
            return self.fail(slot, Failure::Tls);
        }
        let Some(connection) = place.connection.take() else { return };
        let arrival = connection.arrival;
        self.busy -= 1;
        let Some(many) = Multiplexed::begin(connection.into_stream()) else {
            self.close(slot, false);
            self.give_up(arrival, Failure::Closed, now);
            return self.again(now);
        };
        self.slots[slot].many = Some(Box::new(many));
        self.unread.push(slot);
        self.share(slot, arrival, now);
        self.send_overdue(now);
    }

    /// Sends a request on a connection that has room, and that was taken from those that have.
    pub(super) fn share(&mut self, slot: usize, arrival: Arrival, now: Nanos) {
        self.delays.sent(now, self.job.end);
        let origin = &self.job.origins[self.slots[slot].origin];
        let ask = self.pending.get(arrival.asked);
        let request = match (ask, &self.job.asks) {
            (Some(ask), _) => Some(&*ask.request),
            (None, Asks::One(request)) => Some(request),
            (None, Asks::Script(_)) => None,
        };
        let keeps = ask.map_or(Keeps::Nothing, |ask| ask.keeps);
        let Some((request, body)) = request.and_then(|one| asked(one, origin.tls.is_some())) else {
            self.relist(slot, true);
            return self.give_up(arrival, Failure::Check, now);
        };
        let Some(many) = &mut self.slots[slot].many else { return };
        let was_awake = many.is_awake();
        match many.send(arrival, request, body, keeps, now) {
            Ok(()) => self.busy += 1,
            // Another connection takes it.
            Err(arrival) => self.overdue.push_front(arrival),
        }
        if !was_awake {
            self.unread.push(slot);
        }
        self.relist(slot, true);
    }

    /// Puts a connection among those that have room, or takes it away from them. One that was
    /// popped is not among them.
    fn relist(&mut self, slot: usize, is_popped: bool) {
        let place = &mut self.slots[slot];
        let (streams, origin) = (self.job.protocol(place.origin).streams(), place.origin);
        let Some(many) = &mut place.many else { return };
        let was_listed = many.is_listed && !is_popped;
        many.is_listed = many.has_room(streams, self.job.reuse);
        match (was_listed, many.is_listed) {
            (false, true) => self.idle[origin].push(slot),
            (true, false) => self.idle[origin].retain(|other| *other != slot),
            _ => {}
        }
    }

    /// Reads what has come on a connection, and sends what there is to send.
    pub(super) fn go_on_with(&mut self, slot: usize) {
        let number = self.slots[slot].number;
        let begun = self.clock.now();
        for _ in 0..TURNS {
            // What came while others had their turn is not older than that.
            let now = self.clock.now();
            if now > begun + TURN {
                break;
            }
            let Some(many) = &mut self.slots[slot].many else { return };
            let went = many.turn();
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
            if many.is_awake() {
                continue;
            }
            let is_done = many.is_leaving || many.uses >= self.job.reuse;
            if is_done && many.under_way() == 0 {
                let is_listed = many.is_listed;
                self.close(slot, is_listed);
                return self.send_overdue(now);
            }
            // Room may have come from the other end.
            return self.relist(slot, false);
        }
        self.unread.push(slot);
    }

    /// Counts a request that has come to its end.
    fn over(&mut self, slot: usize, over: Over, now: Nanos) {
        self.busy -= 1;
        let arrival = over.coming.arrival;
        match over.unanswered {
            Some(Unanswered::Refused) => self.overdue.push_front(arrival),
            Some(Unanswered::Failed(failure)) => self.broken(slot, &over, failure, now),
            None => self.answered(slot, &over, now),
        }
        self.relist(slot, false);
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
            turn =
                visits.answered(ask, Some(&coming.answer(protocol, &head, took)), &mut self.asks);
        }
        let ended = self.ended(slot, over, now, failure(turn, status));
        self.books.answered(&ended, ask.as_ref(), &self.job.asks, || coming.shown());
        if ask.is_some() {
            self.go_on(turn, now);
        } else if matches!(self.job.drive, Drive::Closed) && now < self.job.end {
            self.overdue.push_back(Arrival { intended: now, noticed: now, ..arrival });
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
        self.close(slot, is_listed);
    }

    /// Gives up what takes too long on a connection.
    pub(super) fn sweep_streams(&mut self, slot: usize, now: Nanos) {
        let timeout = self.job.timeout;
        let is_late = |arrival: &Arrival| now.saturating_sub(arrival.noticed) >= timeout;
        loop {
            let Some(many) = &mut self.slots[slot].many else { return };
            let was_awake = many.is_awake();
            let Some(over) = many.give_up(is_late, Failure::Timeout) else { return };
            if !was_awake {
                // That it was given up is told to the other end.
                self.unread.push(slot);
            }
            self.busy -= 1;
            self.broken(slot, &over, Failure::Timeout, now);
            self.relist(slot, false);
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
