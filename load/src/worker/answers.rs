//! What comes in, and what it is counted as.

use super::books::Ended;
use super::connection::{Arrival, Came, Kept, State};
use super::pending::ONE;
use super::{Drive, TURNS, Worker};
use crate::clock::Nanos;
use crate::tally::Failure;
use crate::visit::{Answer, Keeps, Protocol, Turn};

impl Worker<'_> {
    /// Reads what has come. Nobody tells a second time of an end that was told of with what came
    /// before it: then it is read on to that end.
    pub(super) fn receive(&mut self, slot: usize, now: Nanos, to_the_end: bool) {
        for _ in 0..TURNS {
            let Some(connection) = &mut self.slots[slot].connection else { return };
            if matches!(connection.state, State::Connecting | State::Agreeing) {
                // Another one had this place when its turn was over.
                return;
            }
            let came = connection.receive(&mut self.buffer);
            let is_idle = connection.state == State::Idle;
            let (count, is_last) = match came {
                Came::Bytes(count) => (count, false),
                Came::Last(count) => (count, true),
                Came::Nothing => return,
                Came::End | Came::Broken if is_idle => return self.close(slot, true),
                Came::End => {
                    if connection.response.closed() {
                        return self.complete(slot, now, 0, false);
                    }
                    return self.fail(slot, Failure::Closed);
                }
                Came::Broken => return self.fail(slot, Failure::Closed),
            };
            if is_idle {
                // Nobody has asked for anything.
                return self.close(slot, true);
            }
            let is_first = connection.first_byte.is_none();
            connection.first_byte.get_or_insert(now);
            let input = &self.buffer[..count];
            let ask = self.pending.get(connection.arrival.asked);
            let keeps = ask.map_or(Keeps::Nothing, |ask| ask.keeps);
            let taken = match keeps {
                Keeps::Nothing => connection.response.take(input, &mut |_| {}),
                keeps => connection.take_and_keep(input, keeps == Keeps::All),
            };
            match taken {
                Err(_) => return self.fail(slot, Failure::Malformed),
                Ok(taken) if connection.response.is_done() => {
                    return self.complete(slot, now, count, taken == count);
                }
                // What comes in one piece, which is usual, need not be copied.
                Ok(_) if is_first && keeps == Keeps::Nothing => connection.kept.begin(input),
                Ok(_) => {}
            }
            if is_last && !to_the_end {
                return;
            }
        }
        self.unread.push(slot);
    }

    /// Counts an answer, and makes the connection free for the next. The last `count` bytes of it
    /// are in the buffer.
    fn complete(&mut self, slot: usize, now: Nanos, count: usize, is_clean: bool) {
        let Some(connection) = &mut self.slots[slot].connection else { return };
        let (arrival, response) = (connection.arrival, &connection.response);
        let status = response.status;
        let ask = self.pending.take(arrival.asked);
        let mut turn = Turn { is_good: status < 400, is_over: true };
        if let (Some(ask), Some(visits)) = (&ask, &mut self.visits) {
            let answer = connection.kept.answer(status, now - arrival.intended.min(now));
            turn = visits.answered(ask, Some(&answer), &mut self.asks);
        }
        let ended = Ended {
            protocol: Protocol::Http1,
            arrival,
            sent: connection.sent,
            first_byte: connection.first_byte,
            at: now,
            status,
            bytes: response.bytes,
            cached: response.cached,
            failure: failure(turn, status),
        };
        let (kept, buffer) = (&connection.kept, &self.buffer[..count]);
        let came = || kept.begun().unwrap_or(buffer);
        self.books.answered(&ended, ask.as_ref(), &self.job.asks, came);
        // An answer may come before all of the request is sent, and the end with the answer.
        let is_usable = connection.state == State::Receiving && !connection.is_ended;
        let may_stay = connection.response.keeps_alive && connection.uses < self.job.reuse;
        let stays = is_clean && is_usable && may_stay;
        connection.state = State::Idle;
        self.busy -= 1;
        if !stays {
            self.close(slot, false);
        }
        if ask.is_some() {
            if stays {
                let origin = self.slots[slot].origin;
                self.idle[origin].push(slot);
            }
            self.go_on(turn, now);
            self.send_overdue(now);
        } else {
            self.follow(stays.then_some(slot), now);
        }
    }

    /// What a visit asks next, or who comes next.
    pub(super) fn go_on(&mut self, turn: Turn, now: Nanos) {
        self.put(now, now);
        if turn.is_over && matches!(self.job.drive, Drive::Closed) {
            self.replace(now, turn.is_good);
        }
    }

    /// What comes after a request on this connection, or after one that is gone, where all are the
    /// same.
    fn follow(&mut self, slot: Option<usize>, now: Nanos) {
        let arrival = match self.job.drive {
            Drive::Closed if now >= self.job.end => None,
            Drive::Closed => Some(Arrival::new(now, now, ONE)),
            Drive::Open(_) => self.overdue.pop_first(),
        };
        match (arrival, slot) {
            (Some(arrival), Some(slot)) => self.send(slot, arrival, now),
            (Some(arrival), None) => self.connect(arrival, now),
            (None, Some(slot)) => self.idle[0].push(slot),
            (None, None) => {}
        }
    }

    /// Counts a request that has no answer, and gives its connection up.
    pub(super) fn fail(&mut self, slot: usize, failure: Failure) {
        let Some(connection) = &self.slots[slot].connection else { return };
        let arrival = connection.arrival;
        let now = self.clock.now();
        self.busy -= 1;
        self.keep_failed(slot, failure, now);
        self.close(slot, false);
        self.give_up(arrival, failure, now);
        // The next turn of the loop sends what is overdue: from here it would go as deep as there are
        // dead connections.
        self.again(now);
    }

    /// Counts a request that has no answer. It has waited for the whole time-out.
    pub(super) fn give_up(&mut self, arrival: Arrival, failure: Failure, now: Nanos) {
        let ask = self.pending.take(arrival.asked);
        self.books.given_up(arrival, failure, ask.as_ref());
        if let (Some(ask), Some(visits)) = (&ask, &mut self.visits) {
            let turn = visits.answered(ask, None, &mut self.asks);
            self.go_on(Turn { is_good: false, ..turn }, now);
        }
    }

    /// Keeps what is known of an exchange that failed.
    fn keep_failed(&mut self, slot: usize, failure: Failure, now: Nanos) {
        let Some(connection) = &self.slots[slot].connection else { return };
        let ended = Ended {
            protocol: Protocol::Http1,
            arrival: connection.arrival,
            sent: connection.sent,
            first_byte: connection.first_byte,
            at: now,
            status: connection.response.status,
            bytes: connection.response.bytes,
            cached: None,
            failure: Some(failure),
        };
        let ask = self.pending.get(ended.arrival.asked);
        let came = connection.kept.begun().unwrap_or_default();
        self.books.keep(&ended, ask, &self.job.asks, came);
    }
}

/// What an answer failed by, after what it meant.
pub(super) fn failure(turn: Turn, status: u16) -> Option<Failure> {
    match turn.is_good {
        true => None,
        false if status >= 400 => Some(Failure::Status),
        false => Some(Failure::Check),
    }
}

impl Kept {
    /// What came, for whoever asked.
    fn answer(&self, status: u16, took: Nanos) -> Answer<'_> {
        let (protocol, head, body) = (Protocol::Http1, self.head(), &self.body[..]);
        Answer { protocol, status, head, body, is_whole: self.is_whole, took }
    }
}
