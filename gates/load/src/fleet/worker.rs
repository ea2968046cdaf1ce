//! The end that is led: it does its part, and tells what it counts.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use gate_core::Error;
use load::Tally;

use super::line::{self, Hearing, Line};
use super::link::Side;
use super::message::{Done, FIRST, FromCoordinator, FromWorker, Greeting, Packed, Plan};
use super::roll::plain;
use super::token::Token;
use crate::measure::{self, Leg, Sink, Work, local};
use crate::settings::Settings;
use crate::target::{self, Asks, Target};
use crate::words::time;

const TICK: Duration = Duration::from_millis(100);
/// How long an address may take to answer.
const CONNECTING: Duration = Duration::from_secs(2);
/// How long it waits before it tries again, at first and at the most.
const SOON: Duration = Duration::from_millis(100);
const LATER: Duration = Duration::from_secs(2);
/// No stretch of sending is longer.
const LONGEST: Duration = Duration::from_hours(24 * 12);
/// No start lies further ahead.
const AHEAD: Duration = Duration::from_mins(1);
/// How often a coordinator may end the connection before it is believed that it means it.
const TURNED_AWAY: u32 = 3;

/// A worker, and whom it works for.
pub(crate) struct Worker<'a> {
    /// `HOST:PORT`.
    pub(crate) coordinator: String,
    pub(crate) token: Token,
    /// Which part it is to do; none for any.
    pub(crate) index: Option<u64>,
    /// What its machine is called.
    pub(crate) name: String,
    /// How long it tries to get to the coordinator.
    pub(crate) wait: Duration,
    /// What it does, in lines.
    pub(crate) tell: &'a (dyn Fn(&str) + Sync),
    pub(crate) is_cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was told that the run is over.
    Over(String),
    /// It could not do its part.
    Lost(String),
    /// It was told to end by whoever started it.
    Interrupted,
}

/// What is heard, in order.
enum Heard {
    Said(FromCoordinator),
    Gone(String),
}

impl Worker<'_> {
    /// Does its part until it is told that the run is over.
    pub(crate) fn work(&self) -> Result<Ended, Error> {
        let epoch = Instant::now();
        let Some((line, hearing, first)) = self.arrive()? else { return Ok(Ended::Interrupted) };
        let stop = Arc::new(AtomicBool::new(false));
        let (send, receive) = mpsc::channel();
        if let FromCoordinator::Refuse { why } = first {
            return Ok(Ended::Lost(plain(&why)));
        }
        // What came first may be more than a sign of life.
        let _ = send.send(Heard::Said(first));
        line.keep_alive(FromWorker::Alive);
        (self.tell)(&format!("is at the coordinator, {}, and waits for the others", line.peer()));
        let is_alone = Arc::new(AtomicBool::new(false));
        let ears =
            Ears { line: line.clone(), stop: Arc::clone(&stop), is_alone: Arc::clone(&is_alone) };
        thread::spawn(move || ears.hear(hearing, &send, epoch));
        let session = Session { worker: self, line: &line, stop, is_alone, epoch };
        let ended = session.until_over(&receive);
        line.end();
        Ok(ended)
    }

    /// Tries until the coordinator takes it, or it has taken too long.
    fn arrive(&self) -> Result<Option<(Line, Hearing, FromCoordinator)>, Error> {
        let until = Instant::now() + self.wait;
        let (mut pause, mut told, mut turned_away) = (SOON, String::new(), 0);
        loop {
            let why = match self.connect() {
                Ok(found) => return Ok(Some(found)),
                Err(Away::Not(why)) => why,
                Err(Away::Ended(why)) => {
                    turned_away += 1;
                    why
                }
            };
            let where_to = &self.coordinator;
            if turned_away >= TURNED_AWAY {
                return Err(Error::new(format!(
                    "the coordinator at {where_to} turns it away: {why}"
                ))
                .hint("has it the same token, and does it wait for workers?"));
            }
            if Instant::now() + pause >= until {
                let waited = time(self.wait.as_micros() as f64);
                return Err(Error::new(format!(
                    "the coordinator at {where_to} was not reached within {waited}: {why}"
                ))
                .hint("does it run, and may this machine reach it?"));
            }
            if why != told {
                (self.tell)(&format!("waits for the coordinator at {where_to}: {why}"));
                told = why;
            }
            if !self.pause(pause) {
                return Ok(None);
            }
            pause = (pause * 2).min(LATER);
        }
    }

    /// Waits; false when it is to end instead.
    fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            if (self.is_cancelled)() {
                return false;
            }
            thread::sleep(TICK.min(until.saturating_duration_since(Instant::now())));
        }
        !(self.is_cancelled)()
    }

    fn connect(&self) -> Result<(Line, Hearing, FromCoordinator), Away> {
        // In a cluster a name may be known only a while after its pod has begun.
        let found = self.coordinator.to_socket_addrs();
        let addresses = found.map_err(|_| Away::Not("its name is not found".to_owned()))?;
        let mut last = "its name stands for no address".to_owned();
        for address in addresses {
            match TcpStream::connect_timeout(&address, CONNECTING) {
                Ok(stream) => return self.greet(stream),
                Err(error) => last = format!("{address}: {error}"),
            }
        }
        Err(Away::Not(last))
    }

    fn greet(&self, stream: TcpStream) -> Result<(Line, Hearing, FromCoordinator), Away> {
        let greeted =
            line::open(stream, &self.token, Side::Worker).and_then(|(line, mut hearing)| {
                line.say(&Greeting::new(self.index, &self.name))?;
                let first = hearing.hear_first(FIRST)?;
                Ok((line, hearing, first))
            });
        greeted.map_err(|why| Away::Ended(why.to_string()))
    }
}

/// Why it did not get to the coordinator.
enum Away {
    /// There was nobody.
    Not(String),
    /// Somebody was there and did not want it.
    Ended(String),
}

/// What has to be known at once, whatever else is being done.
struct Ears {
    line: Line,
    stop: Arc<AtomicBool>,
    is_alone: Arc<AtomicBool>,
}

impl Ears {
    fn hear(&self, mut hearing: Hearing, send: &Sender<Heard>, epoch: Instant) {
        let nanos = |at: Instant| at.saturating_duration_since(epoch).as_nanos() as u64;
        loop {
            let said = match hearing.hear() {
                Ok((FromCoordinator::Alive, _)) => continue,
                Ok((FromCoordinator::Ping, came)) => {
                    let replied = nanos(Instant::now());
                    let pong = FromWorker::Pong { received: nanos(came), replied };
                    // If that does not get through, nothing more will be heard.
                    let _ = self.line.say(&pong);
                    continue;
                }
                Ok((said, _)) => said,
                Err(why) => {
                    self.is_alone.store(true, Ordering::Relaxed);
                    self.stop.store(true, Ordering::Relaxed);
                    // The other end of the channel may have gone before.
                    let _ = send.send(Heard::Gone(why.to_string()));
                    return;
                }
            };
            let goes_on = matches!(
                said,
                FromCoordinator::Plan(_)
                    | FromCoordinator::Prepare { .. }
                    | FromCoordinator::Begin { .. }
            );
            if !goes_on {
                self.stop.store(true, Ordering::Relaxed);
            }
            if send.send(Heard::Said(said)).is_err() {
                return;
            }
        }
    }
}

struct Session<'w> {
    worker: &'w Worker<'w>,
    line: &'w Line,
    /// Nothing more is to be sent to the service.
    stop: Arc<AtomicBool>,
    /// Nothing more is heard.
    is_alone: Arc<AtomicBool>,
    epoch: Instant,
}

/// What it was told to do.
struct Part {
    versions: Vec<Target>,
    seed: u64,
    number: u64,
    of: u64,
}

impl Session<'_> {
    fn until_over(&self, receive: &Receiver<Heard>) -> Ended {
        let (mut part, mut prepared) = (None, None);
        loop {
            if (self.worker.is_cancelled)() {
                return self.leave("it was interrupted", Ended::Interrupted);
            }
            let said = match receive.recv_timeout(TICK) {
                Ok(Heard::Said(said)) => said,
                Ok(Heard::Gone(why)) => return self.alone(&why),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => {
                    return self.alone("nothing is heard any more");
                }
            };
            let done = match said {
                FromCoordinator::Over { why } => return Ended::Over(plain(&why)),
                FromCoordinator::Refuse { why } => return Ended::Lost(plain(&why)),
                FromCoordinator::Alive | FromCoordinator::Ping | FromCoordinator::Stop => Ok(()),
                FromCoordinator::Plan(plan) => self.learn(*plan).map(|own| part = Some(own)),
                FromCoordinator::Prepare { spec, leg } => {
                    part.as_ref().ok_or_else(unordered).and_then(|own| {
                        prepared = Some(self.prepare(own, &spec, &leg)?);
                        Ok(())
                    })
                }
                FromCoordinator::Begin { at } => {
                    prepared.take().ok_or_else(unordered).and_then(|plans| self.send(plans, at))
                }
            };
            if let Err(error) = done {
                return self.stopped_by(&error, receive);
            }
        }
    }

    /// It cannot go on; whether that is because all is over is said by what was heard since.
    fn stopped_by(&self, error: &Error, receive: &Receiver<Heard>) -> Ended {
        if (self.worker.is_cancelled)() {
            return self.leave("it was interrupted", Ended::Interrupted);
        }
        let heard = receive.try_iter().find_map(|heard| match heard {
            Heard::Said(FromCoordinator::Over { why }) => Some(Ended::Over(plain(&why))),
            Heard::Gone(why) => Some(self.alone(&why)),
            Heard::Said(_) => None,
        });
        heard.unwrap_or_else(|| self.leave(&error.to_string(), Ended::Lost(error.to_string())))
    }

    /// Says why it goes, so that nobody has to guess.
    fn leave(&self, why: &str, ended: Ended) -> Ended {
        let _ = self.line.say(&FromWorker::Leaves { why: why.to_owned() });
        self.line.finish();
        ended
    }

    /// The coordinator is gone. Should it be there after all, it does not have to guess either.
    fn alone(&self, why: &str) -> Ended {
        self.leave(
            &format!("it heard nothing more from here: {why}"),
            Ended::Lost(format!("the coordinator is gone: {why}")),
        )
    }

    fn say(&self, message: &FromWorker) -> Result<(), Error> {
        self.line.say(message).map_err(|why| Error::new(format!("telling the coordinator: {why}")))
    }

    /// Looks up the service and asks it once.
    fn learn(&self, plan: Plan) -> Result<Part, Error> {
        if let Some(problem) = plan.spec.problems().into_iter().next() {
            return Err(Error::new(format!("the plan cannot be carried out: {}", problem.message)));
        }
        let asks = Asks { protocol: plan.spec.protocol(), ..plan.asks.asks() };
        let versions = plan.urls.iter().map(|url| Target::new(target::parse(url)?, &asks));
        let versions = versions.collect::<Result<Vec<_>, Error>>()?;
        let shown: Vec<String> = versions.iter().map(Target::shown).collect();
        let (number, of) = (plan.part, plan.parts.max(1));
        (self.worker.tell)(&format!("does part {number} of {of}: {}", shown.join(" and ")));
        let mut work = Work {
            spec: &plan.spec,
            versions,
            folder: Path::new(""),
            seed: plan.seed,
            earlier: None,
            browsers: None,
        };
        let answer = match measure::ask_all(&mut work) {
            None => FromWorker::Ready,
            Some(refused) => {
                (self.worker.tell)(&refused.why);
                FromWorker::Refused(refused)
            }
        };
        self.say(&answer)?;
        Ok(Part { versions: work.versions, seed: plan.seed, number, of })
    }

    /// Works out when to send what.
    fn prepare(&self, own: &Part, spec: &Settings, leg: &Leg) -> Result<Vec<load::Plan>, Error> {
        let length = spec.duration().checked_mul(leg.times);
        let length = length.and_then(|length| length.checked_add(leg.warm_up));
        let is_possible = length.is_some_and(|length| length < LONGEST);
        if !is_possible || own.number >= own.of || !spec.problems().is_empty() {
            return Err(unordered());
        }
        let folder = Path::new("");
        let work = Work {
            spec,
            versions: own.versions.clone(),
            folder,
            seed: own.seed,
            earlier: None,
            browsers: None,
        };
        let plans = local::plans(&work, leg, own.number, own.of);
        self.say(&FromWorker::Prepared)?;
        Ok(plans)
    }

    fn send(&self, mut plans: Vec<load::Plan>, at: u64) -> Result<(), Error> {
        let start = self.epoch.checked_add(Duration::from_nanos(at)).ok_or_else(unordered)?;
        let now = Instant::now();
        if start < now {
            let late = time(now.duration_since(start).as_micros() as f64);
            return Err(Error::new(format!("it was told to begin {late} too late")));
        }
        if start > now + AHEAD {
            return Err(unordered());
        }
        local::start(&mut plans, start);
        (self.worker.tell)(&format!(
            "sends, from {} on",
            time(start.duration_since(now).as_micros() as f64)
        ));
        let mut streaming = Streaming { session: self, has_failed: false };
        let outcomes = local::send(&plans, &mut streaming)?;
        let requests: u64 = outcomes.iter().map(|outcome| outcome.all.requests).sum();
        (self.worker.tell)(&format!("has counted {}", crate::words::count(requests, "request")));
        if (self.worker.is_cancelled)() {
            return Err(Error::new("it was interrupted"));
        }
        if self.is_alone.load(Ordering::Relaxed) {
            return Err(Error::new("it is alone"));
        }
        self.say(&FromWorker::Done { outcomes: outcomes.iter().map(Done::of).collect() })
    }
}

/// Tells of seconds as they close.
struct Streaming<'s> {
    session: &'s Session<'s>,
    has_failed: bool,
}

impl Sink for Streaming<'_> {
    fn second(&mut self, version: usize, second: u64, tally: &Tally) {
        let tally = Packed::of(tally);
        let said = self.session.say(&FromWorker::Second { version, second, tally });
        self.has_failed |= said.is_err();
    }

    fn is_cancelled(&self) -> bool {
        self.has_failed
            || self.session.stop.load(Ordering::Relaxed)
            || (self.session.worker.is_cancelled)()
    }
}

fn unordered() -> Error {
    Error::new("the coordinator asks for what makes no sense")
}
