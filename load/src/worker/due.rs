//! What is due, and where it goes.

use mio::Interest;

use super::connection::{Arrival, Connection, State, why};
use super::pending::ONE;
use super::{Drive, SWEEP, Slot, Worker, token};
use crate::clock::Nanos;
use crate::schedule::{Schedule, Spacing};
use crate::tally::Failure;
use crate::visit::{Asks, Protocol};

/// How many visitors in a row may be impossible before nobody comes any more.
const TRIES: usize = 1000;

impl Worker<'_> {
    pub(super) fn begin(&mut self) {
        if let Drive::Open(schedule) = &mut self.job.drive {
            self.next = schedule.next();
            return;
        }
        let now = self.clock.now();
        for _ in 0..self.job.users {
            self.arrive(now, now);
        }
        self.send_overdue(now);
    }

    /// Somebody comes.
    fn arrive(&mut self, intended: Nanos, now: Nanos) {
        if self.visits.is_none() {
            self.overdue.push_back(0, Arrival::new(intended, now, ONE));
            return;
        }
        self.visit(intended, now);
    }

    /// Somebody else comes when a visit of a closed loop is over; after a moment when it failed: a
    /// service that refuses would be asked as fast as the processor can.
    pub(super) fn replace(&mut self, now: Nanos, is_good: bool) {
        if now < self.job.end {
            self.visit(if is_good { now } else { now + SWEEP }, now);
        }
    }

    /// Another visit begins. One that asks for nothing could not be made up, and has failed.
    fn visit(&mut self, intended: Nanos, now: Nanos) {
        let Some(visits) = &mut self.visits else { return };
        let (part, of) = self.job.part;
        // Of a closed loop the next one comes instead, unless there is hardly one that can.
        let tries = if matches!(self.job.drive, Drive::Closed) { TRIES } else { 1 };
        for _ in 0..tries {
            visits.begin(self.visitors * of + part, &mut self.asks);
            self.visitors += 1;
            if !self.asks.is_empty() {
                break;
            }
            if intended >= self.job.count_from {
                self.books.tally.requests += 1;
                self.books.tally.fail(Failure::Check);
            }
        }
        self.put(intended, now);
    }

    /// Lets what visits have asked for wait for its time. What would be sent after the end is not.
    pub(super) fn put(&mut self, from: Nanos, now: Nanos) {
        let mut asks = std::mem::take(&mut self.asks);
        for ask in asks.drain(..) {
            let intended = from + ask.pause;
            if intended >= self.job.end {
                continue;
            }
            let origin = ask.origin;
            let asked = self.pending.insert(ask);
            if intended <= now {
                self.overdue.push_back(origin, Arrival::new(intended, now, asked));
            } else {
                self.pending.later(intended, asked);
            }
        }
        self.asks = asks;
    }

    pub(super) fn is_done(&self, now: Nanos) -> bool {
        let is_over = match self.job.drive {
            Drive::Closed => now >= self.job.end,
            Drive::Open(_) => self.next.is_none(),
        };
        let is_waiting = !self.overdue.is_empty() || !self.refused.is_empty();
        is_over && self.busy == 0 && !is_waiting && self.pending.next().is_none()
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Option<Nanos> {
        match (self.next, self.pending.next()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Nothing more becomes due; what is overdue was not sent, and what is not answered soon is no
    /// fault of the service: neither is counted.
    pub(super) fn cut_short(&mut self, now: Nanos) {
        self.next = None;
        self.overdue.clear();
        self.refused.clear();
        self.pending.forget_later();
        self.job.end = self.job.end.min(now);
        if let Drive::Open(schedule) = &mut self.job.drive {
            *schedule = Schedule::new(0.0, &[], Spacing::Even);
        }
        let cut = *self.cut.get_or_insert(now);
        if now >= cut + super::LAST {
            for slot in 0..self.slots.len() {
                let Slot { connection, many, .. } = &self.slots[slot];
                let is_busy = connection.as_ref().is_some_and(|one| one.state != State::Idle);
                let under_way = self.slots[slot].under_way();
                if is_busy || under_way > 0 {
                    self.busy -= usize::from(is_busy) + under_way;
                    let is_listed = many.as_ref().is_some_and(|many| many.is_listed);
                    self.close(slot, is_listed);
                }
            }
        }
    }

    /// Sends what is due, or lets it wait for a connection.
    pub(super) fn send_due(&mut self, now: Nanos) {
        let waiting = self.overdue.len();
        while let Some(intended) = self.next.filter(|next| *next <= now) {
            self.arrive(intended, now);
            let Drive::Open(schedule) = &mut self.job.drive else { return };
            self.next = schedule.next();
        }
        while let Some((intended, asked)) = self.pending.due(now) {
            let arrival = Arrival::new(intended, now, asked);
            self.overdue.push_back(self.origin(arrival), arrival);
        }
        if now >= self.job.end {
            self.pending.forget_later();
            if self.visits.is_none() && matches!(self.job.drive, Drive::Closed) {
                self.overdue.clear();
                self.refused.clear();
            }
        }
        if self.overdue.is_empty() || (waiting == self.overdue.len() && self.busy >= self.most) {
            return;
        }
        self.send_overdue(now);
        while self.overdue.len() > self.job.room {
            if let Some(arrival) = self.overdue.pop_last() {
                self.give_up(arrival, Failure::Overflow, now);
            }
        }
    }

    /// Sends what is overdue, as far as there are connections.
    pub(super) fn send_overdue(&mut self, now: Nanos) {
        self.overdue.reopen();
        // What cannot be sent may come back.
        for _ in 0..self.overdue.len() {
            if self.busy >= self.most {
                break;
            }
            let Some((origin, arrival)) = self.overdue.pop() else { break };
            if self.shares && self.job.protocol(origin) != Protocol::Http1 {
                self.send_shared(origin, arrival, now);
                continue;
            }
            match self.idle[origin].pop() {
                Some(slot) => self.send(slot, arrival, now),
                None => self.connect(arrival, now),
            }
        }
    }

    /// Where a request goes.
    pub(super) fn origin(&self, arrival: Arrival) -> usize {
        self.pending.get(arrival.asked).map_or(0, |ask| ask.origin)
    }

    fn is_head(&self, arrival: Arrival) -> bool {
        match (&self.job.asks, self.pending.get(arrival.asked)) {
            (_, Some(ask)) => ask.request.is_head(),
            (Asks::One(request), None) => request.is_head(),
            (Asks::Script(_), None) => false,
        }
    }

    /// Begins a connection for an arrival.
    pub(super) fn connect(&mut self, arrival: Arrival, now: Nanos) {
        self.delays.sent(now, self.job.end);
        let number = self.origin(arrival);
        self.make_room(number);
        let origin = &self.job.origins[number];
        let to = origin.addresses[self.addressed % origin.addresses.len()];
        self.addressed += 1;
        let is_head = self.is_head(arrival);
        let opened = Connection::open(to, arrival, is_head, origin.tls.as_ref(), now);
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(error) => {
                self.give_up(arrival, why(&error), now);
                self.again(now);
                return;
            }
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { connection: None, many: None, number: 0, origin: 0 });
            self.slots.len() - 1
        });
        let token = token(slot, self.slots[slot].number);
        let interest = Interest::READABLE | Interest::WRITABLE;
        // Registered once: writes are tried at once, and only the rest waits for an event.
        if let Err(error) = self.poll.registry().register(connection.socket(), token, interest) {
            self.free.push(slot);
            self.give_up(arrival, why(&error), now);
            self.again(now);
            return;
        }
        self.busy += 1;
        self.slots[slot].connection = Some(connection);
        self.slots[slot].origin = number;
    }

    /// Connections that nobody needs make room for one to this origin, as far as that is wanted.
    pub(super) fn make_room(&mut self, wanted: usize) {
        if self.open() < self.job.connections || (self.idle.len() < 2 && !self.shares) {
            return;
        }
        let mut others = (0..self.idle.len()).filter(|at| *at != wanted);
        let is_unused = |slot: &usize| self.slots[*slot].under_way() == 0;
        let unused = others.find_map(|at| self.idle[at].iter().copied().find(is_unused));
        if let Some(slot) = unused {
            self.close(slot, true);
        }
    }

    /// How many connections there are.
    pub(super) fn open(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// In a closed loop, somebody else comes for one who was given up, after a moment and not at
    /// once: a service that refuses would be asked as fast as the processor can.
    pub(super) fn again(&mut self, now: Nanos) {
        let is_closed = matches!(self.job.drive, Drive::Closed) && self.visits.is_none();
        if is_closed && now < self.job.end {
            self.pending.later(now + SWEEP, ONE);
        }
    }

    /// Sends the request on a connection that is free.
    pub(super) fn send(&mut self, slot: usize, arrival: Arrival, now: Nanos) {
        self.delays.sent(now, self.job.end);
        let is_head = self.is_head(arrival);
        let Some(connection) = &mut self.slots[slot].connection else { return };
        connection.arrival = arrival;
        connection.response.reset(is_head);
        connection.first_byte = None;
        connection.kept.clear();
        connection.sent = now;
        connection.uses += 1;
        connection.state = State::Sending(0);
        self.busy += 1;
        self.go_on_sending(slot);
    }

    pub(super) fn go_on_sending(&mut self, slot: usize) {
        let Some(connection) = &mut self.slots[slot].connection else { return };
        let bytes = match (self.pending.get(connection.arrival.asked), &self.job.asks) {
            (Some(ask), _) => ask.request.bytes(),
            (None, Asks::One(request)) => request.bytes(),
            (None, Asks::Script(_)) => &[],
        };
        if connection.send(bytes).is_err() {
            self.fail(slot, Failure::Closed);
        }
    }
}
