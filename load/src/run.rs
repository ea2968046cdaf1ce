//! A run: its threads, and what they count, put together second by second.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::{Clock, nanos};
use crate::exchange::Exchanges;
use crate::health::{self, Health};
use crate::request::Request;
use crate::schedule::Schedule;
use crate::tally::Tally;
use crate::visit::{Asks, Origin};
use crate::worker::{Done, Drive, Job, work};

/// How many requests may be overdue at the least.
const ROOM: usize = 10_000;
/// How long an open loop's room has to last.
const MINUTE: Duration = Duration::from_mins(1);

/// What a run does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where to.
    pub origins: Vec<Origin>,
    /// What is asked.
    pub asks: Asks,
    /// What makes requests due: every thread has its part.
    pub drive: Drive,
    /// In a closed loop, how many visits go on at once.
    pub users: usize,
    /// How many requests may be under way at once.
    pub connections: usize,
    /// How many requests a connection carries.
    pub reuse: u64,
    /// How many threads; each is bound to a processor of its own.
    pub threads: usize,
    /// What is due in this time is sent and not counted.
    pub warm_up: Duration,
    /// How long it goes on after that.
    pub duration: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How late requests may be sent so that fewer wake-ups are needed.
    pub lag_budget: Duration,
    /// How many of the slowest and of the first failing exchanges are kept.
    pub exchanges: usize,
    /// The first processor that its threads are bound to, of those that there are.
    pub first_processor: usize,
    /// When it starts, for runs that go on side by side; none for at once.
    pub start: Option<Instant>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// All that was counted.
    pub all: Tally,
    /// Requests that were to be sent in the time that counts; none in a closed loop.
    pub intended: Option<u64>,
    /// From the end of the warm-up to the last answer.
    pub elapsed: Duration,
    /// What is kept to be looked at.
    pub exchanges: Exchanges,
    /// What the threads had to wait for.
    pub health: Vec<Health>,
    /// How long the control group was held back; none where nothing is told.
    pub throttled: Option<Duration>,
    /// Whether it was told to end before it was over.
    pub is_cut_short: bool,
}

/// What a thread hands over.
enum Handed {
    Second(u64, Box<Tally>),
    Done(io::Result<Done>),
}

/// Runs it. `on_second` gets what all threads have counted in a second, with its number since the
/// start, as soon as it is over in all of them, in order. Setting `stop` ends it early. The error
/// is one of this machine.
pub fn run(
    plan: &Plan,
    stop: &Arc<AtomicBool>,
    on_second: &mut dyn FnMut(u64, &Tally),
) -> io::Result<Outcome> {
    let threads = plan.threads.clamp(1, plan.connections.max(1));
    let throttled = health::throttled();
    // Counting them takes a while when there are many: before anything is due.
    let (intended, first) = (plan.intended(), plan.first_processor);
    let start = plan.start.unwrap_or_else(Instant::now);
    let clock = Clock::from(start);
    let (send, receive) = mpsc::channel();
    let mut joining = Vec::new();
    for number in 0..threads {
        let job = plan.job(number, threads);
        let (send, told) = (send.clone(), Arc::clone(stop));
        let thread = thread::Builder::new().name(format!("load-{number}"));
        let spawned = thread.spawn(move || {
            bind(first + number);
            let mut on_second = |second: u64, tally: &Tally| {
                // The other end is there until all threads are done.
                let _ = send.send((number, Handed::Second(second, Box::new(tally.clone()))));
            };
            // Before the start no time goes by for it.
            thread::sleep(start.saturating_duration_since(Instant::now()));
            let done = work(job, clock, &told, &mut on_second);
            let _ = send.send((number, Handed::Done(done)));
        });
        match spawned {
            Ok(handle) => joining.push(handle),
            Err(error) => {
                // Those that run already would go on to the end.
                stop.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
    }
    drop(send);
    let mut joined = Joined::new(threads);
    let mut health = Vec::new();
    let mut exchanges = Exchanges::new(plan.exchanges);
    let mut failed = None;
    for (number, handed) in receive {
        match handed {
            Handed::Second(second, tally) => joined.add(number, second, &tally),
            Handed::Done(done) => {
                joined.reached[number] = u64::MAX;
                match done {
                    Ok(one) => {
                        health.push(one.health);
                        exchanges.merge(&one.exchanges);
                    }
                    Err(error) => failed = Some(error),
                }
            }
        }
        joined.hand_over(on_second);
    }
    for thread in joining {
        if thread.join().is_err() {
            failed = Some(io::Error::other("a thread of load has panicked"));
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let held_back = throttled.and_then(|before| Some(health::throttled()?.saturating_sub(before)));
    Ok(Outcome {
        all: joined.all,
        exchanges,
        intended,
        elapsed: start.elapsed().saturating_sub(plan.warm_up),
        health,
        throttled: held_back.map(Duration::from_nanos),
        is_cut_short: stop.load(Ordering::Relaxed),
    })
}

impl Plan {
    fn intended(&self) -> Option<u64> {
        let Drive::Open(schedule) = &self.drive else { return None };
        let warm_up = nanos(self.warm_up);
        Some(schedule.clone().filter(|instant| *instant >= warm_up).count() as u64)
    }

    /// What one of the threads does.
    fn job(&self, number: usize, threads: usize) -> Job {
        let share = |all: usize| all / threads + usize::from(number < all % threads);
        let (drive, room) = match &self.drive {
            Drive::Closed => (Drive::Closed, 0),
            Drive::Open(schedule) => {
                let rate = schedule.peak() / threads as f64;
                let lasting = MINUTE.min(self.timeout).as_secs_f64();
                let room = ROOM.max((rate * lasting).ceil() as usize);
                (Drive::Open(schedule.clone().part(number as u64, threads as u64)), room)
            }
        };
        let mut origins = self.origins.clone();
        for Origin { addresses, .. } in &mut origins {
            let by = number % addresses.len().max(1);
            addresses.rotate_left(by);
        }
        Job {
            origins,
            asks: self.asks.clone(),
            drive,
            users: share(self.users).max(1),
            part: (number as u64, threads as u64),
            connections: share(self.connections).max(1),
            reuse: self.reuse,
            count_from: nanos(self.warm_up),
            end: nanos(self.warm_up + self.duration),
            timeout: nanos(self.timeout),
            lag_budget: nanos(self.lag_budget),
            room,
            exchanges: self.exchanges,
        }
    }
}

/// A plan that asks at a constant rate.
impl Plan {
    /// One address at this rate, with 64 connections, one thread, 3 s of warm-up and a time-out
    /// of 60 s.
    pub fn at_rate(address: SocketAddr, request: Request, rate: f64, duration: Duration) -> Plan {
        let warm_up = Duration::from_secs(3);
        Plan {
            origins: vec![Origin { addresses: vec![address], tls: None }],
            asks: Asks::One(request),
            drive: Drive::Open(Schedule::constant(rate, warm_up + duration)),
            users: 64,
            connections: 64,
            reuse: u64::MAX,
            threads: 1,
            warm_up,
            duration,
            timeout: Duration::from_mins(1),
            lag_budget: Duration::from_micros(200),
            exchanges: 0,
            first_processor: 0,
            start: None,
        }
    }
}

/// Seconds that not all threads have come through yet.
struct Joined {
    all: Tally,
    open: BTreeMap<u64, Tally>,
    /// For each thread, the first second that it may still add to.
    reached: Vec<u64>,
}

impl Joined {
    fn new(threads: usize) -> Joined {
        Joined { all: Tally::new(), open: BTreeMap::new(), reached: vec![0; threads] }
    }

    fn add(&mut self, thread: usize, second: u64, tally: &Tally) {
        self.reached[thread] = second + 1;
        self.all.merge(tally);
        self.open.entry(second).or_default().merge(tally);
    }

    /// Hands over the seconds that no thread can add to.
    fn hand_over(&mut self, on_second: &mut dyn FnMut(u64, &Tally)) {
        let reached = self.reached.iter().copied().min().unwrap_or(u64::MAX);
        while let Some(first) = self.open.first_entry() {
            if *first.key() >= reached && reached != u64::MAX {
                break;
            }
            let (second, tally) = first.remove_entry();
            on_second(second, &tally);
        }
    }
}

/// Binds the thread to one of the processors that it may use; threads take turns.
fn bind(number: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let Ok(may) = sched_getaffinity(None) else { return };
        let there: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| may.is_set(*cpu)).collect();
        let own = there.get(number % there.len().max(1)).copied();
        if let Some(cpu) = own {
            let mut set = CpuSet::new();
            set.set(cpu);
            // It works without, less evenly.
            let _ = sched_setaffinity(None, &set);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = number;
}
