//! What comes in, and what it is counted as.

use super::connection::{Arrival, Came, Kept, State};
use super::pending::ONE;
use super::{Drive, TURNS, Worker};
use crate::clock::Nanos;
use crate::exchange::{self, Exchange};
use crate::tally::{Failure, Tally};
use crate::visit::{Answer, Ask, Asks, Keeps, Turn};

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
        let (arrival, sent) = (connection.arrival, connection.sent);
        let response = &connection.response;
        let status = response.status;
        let latency = now - arrival.intended.min(now);
        let first_byte = connection.first_byte.unwrap_or(now);
        let mut turn = Turn { is_good: status < 400, is_over: true };
        let ask = self.pending.take(arrival.asked);
        if let (Some(ask), Some(visits)) = (&ask, &mut self.visits) {
            let answer = connection.kept.answer(status, latency);
            turn = visits.answered(ask, Some(&answer), &mut self.asks);
        }
        let failure = match turn.is_good {
            true => None,
            false if status >= 400 => Some(Failure::Status),
            false => Some(Failure::Check),
        };
        if arrival.intended >= self.job.count_from {
            let tally = tally_of(&mut self.tally, ask.as_ref());
            tally.requests += 1;
            tally.bytes += response.bytes;
            tally.latency.record(latency / 1000);
            tally.unlagged.record((now - arrival.noticed.min(now)) / 1000);
            tally.service.record((now - sent.min(now)) / 1000);
            tally.first_byte.record((first_byte - sent.min(first_byte)) / 1000);
            tally.lag.record((arrival.noticed - arrival.intended.min(arrival.noticed)) / 1000);
            tally.wait.record((sent - arrival.noticed.min(sent)) / 1000);
            tally.status(status);
            if let Some(is_hit) = response.cached {
                tally.cache_told += 1;
                tally.cache_hits += u64::from(is_hit);
            }
            if let Some(failure) = failure {
                tally.fail(failure);
            }
            if self.exchanges.wants(latency, failure.is_some()) {
                let came = connection.kept.begun().unwrap_or(&self.buffer[..count]);
                self.exchanges.add(Exchange {
                    intended: arrival.intended,
                    latency,
                    lag: arrival.noticed - arrival.intended.min(arrival.noticed),
                    wait: sent - arrival.noticed.min(sent),
                    first_byte: Some(first_byte - sent.min(first_byte)),
                    failure,
                    status,
                    step: ask.as_ref().map_or(0, |ask| ask.step),
                    request: start_of(asked(&self.job.asks, ask.as_ref())),
                    response: start_of(came),
                });
            }
        }
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
    fn go_on(&mut self, turn: Turn, now: Nanos) {
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
            Drive::Closed => Some(Arrival { intended: now, noticed: now, asked: ONE }),
            Drive::Open(_) => self.overdue.pop_front(),
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
        if matches!(self.job.drive, Drive::Closed) && now < self.job.end {
            self.again(Arrival { intended: now, noticed: now, asked: ONE }, now);
        }
    }

    /// Counts a request that has no answer. It has waited for the whole time-out.
    pub(super) fn give_up(&mut self, arrival: Arrival, failure: Failure, now: Nanos) {
        let ask = self.pending.take(arrival.asked);
        if arrival.intended >= self.job.count_from {
            let lag = arrival.noticed - arrival.intended.min(arrival.noticed);
            let tally = tally_of(&mut self.tally, ask.as_ref());
            tally.count_failure(failure, self.job.timeout / 1000);
            tally.lag.record(lag / 1000);
        }
        if let (Some(ask), Some(visits)) = (&ask, &mut self.visits) {
            let turn = visits.answered(ask, None, &mut self.asks);
            self.go_on(Turn { is_good: false, ..turn }, now);
        }
    }

    /// Keeps what is known of an exchange that failed.
    fn keep_failed(&mut self, slot: usize, failure: Failure, now: Nanos) {
        let Some(connection) = &self.slots[slot].connection else { return };
        let arrival = connection.arrival;
        let latency = now - arrival.intended.min(now);
        if arrival.intended < self.job.count_from || !self.exchanges.wants(latency, true) {
            return;
        }
        let ask = self.pending.get(arrival.asked);
        let sent = connection.sent.max(arrival.noticed);
        self.exchanges.add(Exchange {
            intended: arrival.intended,
            latency,
            lag: arrival.noticed - arrival.intended.min(arrival.noticed),
            wait: sent - arrival.noticed,
            first_byte: connection.first_byte.map(|first| first - sent.min(first)),
            failure: Some(failure),
            status: connection.response.status,
            step: ask.map_or(0, |ask| ask.step),
            request: start_of(asked(&self.job.asks, ask)),
            response: start_of(connection.kept.begun().unwrap_or_default()),
        });
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

impl Kept {
    /// What came, for whoever asked.
    fn answer(&self, status: u16, took: Nanos) -> Answer<'_> {
        Answer { status, head: self.head(), body: &self.body, is_whole: self.is_whole, took }
    }
}
