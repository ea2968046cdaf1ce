//! One thread: its connections, its schedule, and what it counts. Threads share nothing.

mod answers;
mod books;
mod connection;
mod delays;
mod due;
pub(crate) mod http2;
mod job;
mod overdue;
mod pending;
mod stream;
mod streams;
mod timer;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Token};

use crate::clock::{Clock, Nanos};
use crate::exchange::Exchanges;
use crate::health::Health;
use crate::tally::{Failure, Tally};
use crate::visit::{Ask, Asks, Protocol, Visits};
use books::Books;
use connection::{Arrival, Connection, State, why};
use delays::Delays;
use http2::Multiplexed;
use overdue::Overdue;
use pending::Pending;
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
    /// Connections that have room for a request, for each origin.
    idle: Vec<Vec<usize>>,
    /// Connections that have more to read than they had their turn for.
    unread: Vec<usize>,
    /// Connections of HTTP/2 that have something to read or to send, each once.
    awake: Vec<usize>,
    overdue: Overdue,
    /// What was refused and comes again at the next sweep.
    refused: Vec<Arrival>,
    /// Who makes up what is asked; none where that is always the same.
    visits: Option<Box<dyn Visits>>,
    /// How many of them have begun.
    visitors: u64,
    /// What they have asked for just now.
    asks: Vec<Ask>,
    pending: Pending,
    /// The next instant of the schedule.
    next: Option<Nanos>,
    /// How many requests are under way, and how many may be.
    busy: usize,
    most: usize,
    /// Whether connections may carry several requests.
    shares: bool,
    addressed: usize,
    books: Books,
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
    /// One that carries one request at a time, or is not agreed upon.
    connection: Option<Connection>,
    /// One that carries many.
    many: Option<Box<Multiplexed>>,
    number: usize,
    origin: usize,
}

impl Slot {
    fn is_free(&self) -> bool {
        self.connection.is_none() && self.many.is_none()
    }

    /// How many requests share its connection.
    fn under_way(&self) -> usize {
        self.many.as_ref().map_or(0, |many| many.under_way())
    }

    /// Whether its connection takes no more of them.
    fn is_leaving(&self) -> bool {
        self.many.as_ref().is_some_and(|many| many.is_leaving)
    }
}

/// What a thread has to tell at its end.
#[derive(Debug)]
pub struct Done {
    /// What it had to wait for.
    pub health: Health,
    /// What is kept to be looked at.
    pub exchanges: Exchanges,
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
) -> io::Result<Done> {
    let poll = Poll::new()?;
    let timer = Timer::new(poll.registry(), TIMER)?;
    let mut worker = Worker {
        clock,
        poll,
        timer,
        slots: Vec::new(),
        free: Vec::new(),
        idle: vec![Vec::new(); job.origins.len()],
        unread: Vec::new(),
        awake: Vec::new(),
        overdue: Overdue::new(job.origins.len()),
        refused: Vec::new(),
        visits: match &job.asks {
            Asks::One(_) => None,
            Asks::Script(script) => Some(script.visits()),
        },
        visitors: 0,
        asks: Vec::new(),
        pending: Pending::default(),
        next: None,
        busy: 0,
        most: job.most(),
        shares: job.origins.iter().any(|origin| origin.protocol != Protocol::Http1),
        addressed: 0,
        books: Books::new(job.exchanges, job.count_from, job.timeout),
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
    Ok(Done { health: worker.delays.health(), exchanges: worker.books.exchanges })
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
            // What that took is no sleep.
            let now = if self.take_turns() { self.clock.now() } else { now };
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
            self.take_turns();
        }
        self.finish_second();
        Ok(())
    }

    /// Waits for something to happen, or for the next thing to do; gives when that is.
    fn wait(&mut self, events: &mut Events, now: Nanos, sweep: Nanos) -> io::Result<Nanos> {
        let due = self.next_due().map(|next| next + self.job.lag_budget.saturating_sub(EARLY));
        let at = due.unwrap_or(Nanos::MAX).min(sweep);
        let timeout = if self.unread.is_empty() && self.awake.is_empty() {
            self.timer.set(at, now)?
        } else {
            Some(Duration::ZERO)
        };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(at)
            }
            other => other.map(|()| at),
        }
    }

    fn handle(&mut self, event: &Event, now: Nanos) {
        let (slot, number) = (event.token().0 & 0xffff_ffff, event.token().0 >> 32);
        let Some(place) = self.slots.get_mut(slot).filter(|place| place.number == number) else {
            return;
        };
        if let Some(many) = &mut place.many {
            many.wake();
            return self.wake(slot);
        }
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
            let took = now - connection.started.min(now);
            self.books.connected(connection.arrival, took);
            if self.job.protocol(place.origin) != Protocol::Http1 {
                return self.share_out(slot, now);
            }
            connection.sent = now;
            connection.kept.clear();
            connection.uses = 1;
            connection.state = State::Sending(0);
            self.go_on_sending(slot);
        } else if matches!(connection.state, State::Sending(_)) && event.is_writable() {
            self.go_on_sending(slot);
        }
        if self.slots[slot].number != number {
            // It broke while it was sent on, and another one may be there.
            return;
        }
        let is_ended = event.is_read_closed() || event.is_error();
        if let Some(connection) = self.slots[slot].connection.as_mut().filter(|_| is_ended) {
            connection.is_ended = true;
        }
        if event.is_readable() || is_ended {
            self.receive(slot, now, is_ended);
        }
    }

    /// Takes a connection away; an idle one is in the list of those.
    fn close(&mut self, slot: usize, is_idle: bool) {
        if is_idle {
            self.idle[self.slots[slot].origin].retain(|other| *other != slot);
        }
        if let Some(mut connection) = self.slots[slot].connection.take() {
            let _ = self.poll.registry().deregister(connection.socket());
        }
        self.slots[slot].many = None;
        self.slots[slot].number = (self.slots[slot].number + 1) & 0x7fff_ffff;
        self.free.push(slot);
    }

    /// Gives up what takes too long.
    fn sweep(&mut self, now: Nanos) {
        let timeout = self.job.timeout;
        // From when it was noticed: what this thread was late by is not the service's.
        let is_late = |arrival: &Arrival| now.saturating_sub(arrival.noticed) >= timeout;
        while let Some(arrival) = self.overdue.pop_late(is_late) {
            self.give_up(arrival, Failure::Timeout, now);
            self.again(now);
        }
        for arrival in std::mem::take(&mut self.refused) {
            let origin = self.origin(arrival);
            self.overdue.push_front(origin, arrival);
        }
        for slot in 0..self.slots.len() {
            let connection = self.slots[slot].connection.as_ref();
            let is_late =
                connection.is_some_and(|one| one.state != State::Idle && is_late(&one.arrival));
            if is_late {
                self.fail(slot, Failure::Timeout);
            } else if self.slots[slot].many.is_some() {
                self.sweep_streams(slot, now);
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
        // What was counted step by step is a part of all.
        let steps = std::mem::take(&mut self.books.tally.steps);
        for step in &steps {
            self.books.tally.merge(step);
        }
        self.books.tally.steps = steps;
        (self.on_second)(self.second, &self.books.tally);
        self.books.tally.clear();
    }
}

fn token(slot: usize, number: usize) -> Token {
    Token(number << 32 | slot)
}
