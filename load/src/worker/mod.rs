//! One thread: its connections, its schedule, and what it counts. Threads share nothing.

mod connection;
mod delays;
mod job;
mod stream;
mod timer;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Interest, Poll, Token};

use crate::clock::{Clock, Nanos};
use crate::health::Health;
use crate::schedule::{Schedule, Spacing};
use crate::tally::{Failure, Tally};
use connection::{Arrival, Came, Connection, State, why};
use delays::Delays;
use stream::Agreed;
use timer::Timer;

pub use job::{Drive, Job};
pub use stream::Tls;

/// How often it is looked for requests that take too long.
const SWEEP: Nanos = 5_000_000;
/// How much is read at once, in bytes.
const BUFFER: usize = 64 << 10;
/// How often one connection is read from before others have their turn.
const TURNS: usize = 16;
/// How much earlier than the lag budget allows it wakes up: what waking up takes, here and where the
/// request comes in, so that the budget is all that latency is too long by.
const EARLY: Nanos = 110_000;
/// How long answers may take once it is told to end.
const LAST: Nanos = 500_000_000;
const SECOND: Nanos = 1_000_000_000;
const TIMER: Token = Token(usize::MAX - 1);

/// A thread at work.
struct Worker<'s> {
    job: Job,
    clock: Clock,
    poll: Poll,
    timer: Timer,
    slots: Vec<Slot>,
    free: Vec<usize>,
    idle: Vec<usize>,
    /// Connections that have more to read than they had their turn for.
    unread: Vec<usize>,
    overdue: VecDeque<Arrival>,
    /// The next instant of the schedule.
    next: Option<Nanos>,
    busy: usize,
    addressed: usize,
    tally: Tally,
    second: u64,
    on_second: &'s mut dyn FnMut(u64, &Tally),
    buffer: Vec<u8>,
    stop: &'s AtomicBool,
    /// When it was told to end.
    cut: Option<Nanos>,
    delays: Delays,
}

/// A place for a connection. Events of one that was there before have another number.
struct Slot {
    connection: Option<Connection>,
    number: usize,
}

/// Sends and counts until all is answered or given up. `on_second` gets what was counted in each
/// second, with the second's number since the start, when it is over, be it nothing; seconds that
/// this thread did not get to run in are left out. Once `stop` is set nothing more is sent. Gives
/// what it had to wait for; the error is one of this machine.
pub fn work(
    job: Job,
    clock: Clock,
    stop: &AtomicBool,
    on_second: &mut dyn FnMut(u64, &Tally),
) -> io::Result<Health> {
    let poll = Poll::new()?;
    let timer = Timer::new(poll.registry(), TIMER)?;
    let mut worker = Worker {
        clock,
        poll,
        timer,
        slots: Vec::new(),
        free: Vec::new(),
        idle: Vec::new(),
        unread: Vec::new(),
        overdue: VecDeque::new(),
        next: None,
        busy: 0,
        addressed: 0,
        tally: Tally::new(),
        second: 0,
        on_second,
        buffer: vec![0; BUFFER],
        job,
        stop,
        cut: None,
        delays: Delays::new(SWEEP),
    };
    worker.run()?;
    // Asking for it takes a file, and there may be too few.
    worker.slots.clear();
    Ok(worker.delays.health())
}

impl Worker<'_> {
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut swept = 0;
        self.begin();
        loop {
            let now = self.clock.now();
            self.delays.turn(now, self.job.count_from);
            if self.stop.load(Ordering::Relaxed) {
                self.cut_short(now);
            }
            self.close_second(now);
            self.send_due(now);
            if now >= swept + SWEEP {
                self.sweep(now);
                swept = now;
            }
            if self.is_done(now) {
                break;
            }
            let planned = self.wait(&mut events, now, swept + SWEEP)?;
            let slept = now;
            let now = self.clock.now();
            self.delays.slept(slept, planned, now);
            for event in &events {
                if event.token() == TIMER {
                    self.timer.went_off();
                } else {
                    self.handle(event, now);
                }
            }
            for slot in std::mem::take(&mut self.unread) {
                self.receive(slot, now, true);
            }
        }
        self.finish_second();
        Ok(())
    }

    fn begin(&mut self) {
        if let Drive::Open(schedule) = &mut self.job.drive {
            self.next = schedule.next();
            return;
        }
        let now = self.clock.now();
        for _ in 0..self.job.connections {
            self.connect(Arrival { intended: now, noticed: now }, now);
        }
    }

    fn is_done(&self, now: Nanos) -> bool {
        let is_over = match self.job.drive {
            Drive::Closed => now >= self.job.end,
            Drive::Open(_) => self.next.is_none() && self.overdue.is_empty(),
        };
        is_over && self.busy == 0
    }

    /// Nothing more becomes due; what is overdue was not sent, and what is not answered soon is no
    /// fault of the service: neither is counted.
    fn cut_short(&mut self, now: Nanos) {
        self.next = None;
        self.overdue.clear();
        self.job.end = self.job.end.min(now);
        if let Drive::Open(schedule) = &mut self.job.drive {
            *schedule = Schedule::new(0.0, &[], Spacing::Even);
        }
        let cut = *self.cut.get_or_insert(now);
        if now >= cut + LAST {
            for slot in 0..self.slots.len() {
                let connection = self.slots[slot].connection.as_ref();
                if connection.is_some_and(|one| one.state != State::Idle) {
                    self.busy -= 1;
                    self.close(slot, false);
                }
            }
        }
    }

    /// Waits for something to happen, or for the next thing to do; gives when that is.
    fn wait(&mut self, events: &mut Events, now: Nanos, sweep: Nanos) -> io::Result<Nanos> {
        let due = self.next.map(|next| next + self.job.lag_budget.saturating_sub(EARLY));
        let at = due.unwrap_or(Nanos::MAX).min(sweep);
        let timeout =
            if self.unread.is_empty() { self.timer.set(at, now)? } else { Some(Duration::ZERO) };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(at)
            }
            other => other.map(|()| at),
        }
    }

    /// Sends what is due, or lets it wait for a connection.
    fn send_due(&mut self, now: Nanos) {
        let Drive::Open(schedule) = &mut self.job.drive else { return };
        let mut due = std::mem::take(&mut self.overdue);
        let waiting = due.len();
        while let Some(intended) = self.next.filter(|next| *next <= now) {
            due.push_back(Arrival { intended, noticed: now });
            self.next = schedule.next();
        }
        self.overdue = due;
        if waiting == self.overdue.len() && waiting > 0 && self.idle.is_empty() {
            return;
        }
        while let Some(arrival) = self.overdue.front().copied() {
            if let Some(slot) = self.idle.pop() {
                self.overdue.pop_front();
                self.send(slot, arrival, now);
            } else if self.busy < self.job.connections {
                self.overdue.pop_front();
                self.connect(arrival, now);
            } else {
                break;
            }
        }
        while self.overdue.len() > self.job.room {
            if let Some(arrival) = self.overdue.pop_back() {
                self.give_up(arrival, Failure::Overflow);
            }
        }
    }

    /// Begins a connection for an arrival.
    fn connect(&mut self, arrival: Arrival, now: Nanos) {
        self.delays.sent(now, self.job.end);
        let to = self.job.addresses[self.addressed % self.job.addresses.len()];
        self.addressed += 1;
        let is_head = self.job.request.is_head();
        let mut connection =
            match Connection::open(to, arrival, is_head, self.job.tls.as_ref(), now) {
                Ok(connection) => connection,
                Err(error) => {
                    self.give_up(arrival, why(&error));
                    self.again(arrival, now);
                    return;
                }
            };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { connection: None, number: 0 });
            self.slots.len() - 1
        });
        let token = token(slot, self.slots[slot].number);
        let interest = Interest::READABLE | Interest::WRITABLE;
        // Registered once: writes are tried at once, and only the rest waits for an event.
        if let Err(error) = self.poll.registry().register(connection.socket(), token, interest) {
            self.free.push(slot);
            self.give_up(arrival, why(&error));
            self.again(arrival, now);
            return;
        }
        self.busy += 1;
        self.slots[slot].connection = Some(connection);
    }

    /// In a closed loop, what was given up before it was sent is tried again after a moment, not
    /// at once: a service that refuses would be asked as fast as the processor can.
    fn again(&mut self, arrival: Arrival, now: Nanos) {
        if matches!(self.job.drive, Drive::Closed) {
            self.overdue.push_back(Arrival { noticed: now, ..arrival });
        }
    }

    /// Sends the request on a connection that is free.
    fn send(&mut self, slot: usize, arrival: Arrival, now: Nanos) {
        self.delays.sent(now, self.job.end);
        let Some(connection) = &mut self.slots[slot].connection else { return };
        connection.arrival = arrival;
        connection.response.reset();
        connection.first_byte = None;
        connection.sent = now;
        connection.uses += 1;
        connection.state = State::Sending(0);
        self.busy += 1;
        self.go_on_sending(slot);
    }

    fn go_on_sending(&mut self, slot: usize) {
        let Some(connection) = &mut self.slots[slot].connection else { return };
        if connection.send(self.job.request.bytes()).is_err() {
            self.fail(slot, Failure::Closed);
        }
    }

    fn handle(&mut self, event: &Event, now: Nanos) {
        let (slot, number) = (event.token().0 & 0xffff_ffff, event.token().0 >> 32);
        let Some(place) = self.slots.get_mut(slot).filter(|place| place.number == number) else {
            return;
        };
        let Some(connection) = &mut place.connection else { return };
        if connection.state == State::Connecting {
            match connection.is_connected() {
                Ok(false) => return,
                Ok(true) => connection.state = State::Agreeing,
                Err(error) => {
                    self.fail(slot, why(&error));
                    return;
                }
            }
        }
        if connection.state == State::Agreeing {
            match connection.agree() {
                Agreed::NotYet => return,
                Agreed::Never => return self.fail(slot, Failure::Tls),
                Agreed::Yes => {}
            }
            let took = (now - connection.started.min(now)) / 1000;
            if connection.arrival.intended >= self.job.count_from {
                self.tally.connect.record(took);
            }
            connection.sent = now;
            connection.uses = 1;
            connection.state = State::Sending(0);
            self.go_on_sending(slot);
        } else if matches!(connection.state, State::Sending(_)) && event.is_writable() {
            self.go_on_sending(slot);
        }
        let is_ended = event.is_read_closed() || event.is_error();
        if let Some(connection) = self.slots[slot].connection.as_mut().filter(|_| is_ended) {
            connection.is_ended = true;
        }
        if event.is_readable() || is_ended {
            self.receive(slot, now, is_ended);
        }
    }

    /// Reads what has come. Nobody tells a second time of an end that was told of with what came
    /// before it: then it is read on to that end.
    fn receive(&mut self, slot: usize, now: Nanos, to_the_end: bool) {
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
                        return self.complete(slot, now, false);
                    }
                    return self.fail(slot, Failure::Closed);
                }
                Came::Broken => return self.fail(slot, Failure::Closed),
            };
            if is_idle {
                // Nobody has asked for anything.
                return self.close(slot, true);
            }
            connection.first_byte.get_or_insert(now);
            match connection.response.take(&self.buffer[..count], &mut |_| {}) {
                Err(_) => return self.fail(slot, Failure::Malformed),
                Ok(taken) if connection.response.is_done() => {
                    return self.complete(slot, now, taken == count);
                }
                Ok(_) => {}
            }
            if is_last && !to_the_end {
                return;
            }
        }
        self.unread.push(slot);
    }

    /// Counts an answer, and makes the connection free for the next.
    fn complete(&mut self, slot: usize, now: Nanos, is_clean: bool) {
        let Some(connection) = &mut self.slots[slot].connection else { return };
        let (arrival, sent) = (connection.arrival, connection.sent);
        let status = connection.response.status;
        if arrival.intended >= self.job.count_from {
            let tally = &mut self.tally;
            tally.requests += 1;
            tally.bytes += connection.response.bytes;
            tally.latency.record((now - arrival.intended.min(now)) / 1000);
            tally.unlagged.record((now - arrival.noticed.min(now)) / 1000);
            tally.service.record((now - sent.min(now)) / 1000);
            let first = connection.first_byte.unwrap_or(now);
            tally.first_byte.record((first - sent.min(first)) / 1000);
            tally.lag.record((arrival.noticed - arrival.intended.min(arrival.noticed)) / 1000);
            tally.wait.record((sent - arrival.noticed.min(sent)) / 1000);
            tally.status(status);
            if status >= 400 {
                tally.fail(Failure::Status);
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
        self.follow(stays.then_some(slot), now);
    }

    /// What comes after a request on this connection, or after one that is gone.
    fn follow(&mut self, slot: Option<usize>, now: Nanos) {
        let arrival = match self.job.drive {
            Drive::Closed if now >= self.job.end => None,
            Drive::Closed => Some(Arrival { intended: now, noticed: now }),
            Drive::Open(_) => self.overdue.pop_front(),
        };
        match (arrival, slot) {
            (Some(arrival), Some(slot)) => self.send(slot, arrival, now),
            (Some(arrival), None) => self.connect(arrival, now),
            (None, Some(slot)) => self.idle.push(slot),
            (None, None) => {}
        }
    }

    /// Counts a request that has no answer, and gives its connection up.
    fn fail(&mut self, slot: usize, failure: Failure) {
        let Some(connection) = &self.slots[slot].connection else { return };
        let arrival = connection.arrival;
        self.busy -= 1;
        self.close(slot, false);
        self.give_up(arrival, failure);
        let now = self.clock.now();
        if matches!(self.job.drive, Drive::Closed) && now < self.job.end {
            self.again(Arrival { intended: now, noticed: now }, now);
        } else if !self.overdue.is_empty() {
            self.follow(None, now);
        }
    }

    fn give_up(&mut self, arrival: Arrival, failure: Failure) {
        if arrival.intended >= self.job.count_from {
            self.tally.requests += 1;
            self.tally.fail(failure);
            self.tally.latency.record(self.job.timeout / 1000);
            self.tally.unlagged.record(self.job.timeout / 1000);
            let lag = arrival.noticed - arrival.intended.min(arrival.noticed);
            self.tally.lag.record(lag / 1000);
        }
    }

    /// Takes a connection away; an idle one is in the list of those.
    fn close(&mut self, slot: usize, is_idle: bool) {
        if is_idle {
            self.idle.retain(|other| *other != slot);
        }
        if let Some(mut connection) = self.slots[slot].connection.take() {
            let _ = self.poll.registry().deregister(connection.socket());
        }
        self.slots[slot].number = (self.slots[slot].number + 1) & 0x7fff_ffff;
        self.free.push(slot);
    }

    /// Gives up what takes too long.
    fn sweep(&mut self, now: Nanos) {
        let timeout = self.job.timeout;
        // From when it was noticed: what this thread was late by is not the service's.
        let is_late = |arrival: &Arrival| now.saturating_sub(arrival.noticed) >= timeout;
        while self.overdue.front().is_some_and(is_late) && matches!(self.job.drive, Drive::Open(_))
        {
            if let Some(arrival) = self.overdue.pop_front() {
                self.give_up(arrival, Failure::Timeout);
            }
        }
        for slot in 0..self.slots.len() {
            let connection = self.slots[slot].connection.as_ref();
            let is_late =
                connection.is_some_and(|one| one.state != State::Idle && is_late(&one.arrival));
            if is_late {
                self.fail(slot, Failure::Timeout);
            }
        }
        if matches!(self.job.drive, Drive::Closed) {
            for _ in 0..self.overdue.len() {
                self.overdue.pop_front();
                if now < self.job.end {
                    self.connect(Arrival { intended: now, noticed: now }, now);
                }
            }
        }
    }

    /// Hands over what was counted in a second that is over.
    fn close_second(&mut self, now: Nanos) {
        let second = now / SECOND;
        if second > self.second {
            self.finish_second();
            self.second = second;
        }
    }

    fn finish_second(&mut self) {
        (self.on_second)(self.second, &self.tally);
        self.tally.clear();
    }
}

fn token(slot: usize, number: usize) -> Token {
    Token(number << 32 | slot)
}
