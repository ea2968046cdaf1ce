//! What coordinator and workers say to each other.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use load::{Exchange, Exchanges, Failure, Health, Outcome, Tally};
use serde::{Deserialize, Serialize};

use crate::measure::{EXCHANGES, Leg, Refused};
use crate::settings::Settings;
use crate::target::Asks;

/// The version of what is said. Both ends have to speak the same.
pub(crate) const PROTOCOL: u32 = 1;
/// The longest message, in bytes.
pub(crate) const MOST: usize = 16 << 20;
/// The longest first message, of one who is not known yet.
pub(crate) const FIRST: usize = 4096;

/// Who a worker is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Greeting {
    pub(crate) protocol: u32,
    /// The version of the program: what it sends for the same settings may differ.
    pub(crate) program: String,
    /// Which part it is to do; none for any.
    pub(crate) index: Option<u64>,
    /// What its machine is called.
    pub(crate) name: String,
}

impl Greeting {
    pub(crate) fn new(index: Option<u64>, name: &str) -> Greeting {
        let program = env!("CARGO_PKG_VERSION").to_owned();
        // As long as it may be at the most, the first message stays short enough.
        let name = name.chars().filter(|c| !c.is_control()).take(100).collect();
        Greeting { protocol: PROTOCOL, program, index, name }
    }

    /// What is said of one that is of another version.
    pub(crate) fn differs(&self) -> Option<String> {
        let own = Greeting::new(None, "");
        let shown = |one: &Greeting| {
            let program: String =
                one.program.chars().filter(|c| !c.is_control()).take(40).collect();
            format!("gate {program} (protocol {})", one.protocol)
        };
        (self.protocol != own.protocol || self.program != own.program)
            .then(|| format!("it is {}, and this is {}", shown(self), shown(&own)))
    }
}

/// What a worker says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub(crate) enum FromWorker {
    /// It is there.
    Alive,
    /// An answer to a ping: when that came, and when it was answered, by the worker's clock.
    Pong { received: u64, replied: u64 },
    /// It knows what to do, and the service answers it.
    Ready,
    /// The service is not to be loaded.
    Refused(Refused),
    /// It knows when to send what of the next stretch.
    Prepared,
    /// What it has counted in a second of a version.
    Second { version: usize, second: u64, tally: Packed },
    /// The stretch is over; what came of each version.
    Done { outcomes: Vec<Done> },
    /// It cannot go on.
    Leaves { why: String },
}

/// What the coordinator says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub(crate) enum FromCoordinator {
    /// It is there.
    Alive,
    /// It wants to know the worker's clock.
    Ping,
    /// What the run is about.
    Plan(Box<Plan>),
    /// Get ready for this stretch.
    Prepare { spec: Box<Settings>, leg: Leg },
    /// Begin at this instant by the worker's clock.
    Begin { at: u64 },
    /// Send nothing more.
    Stop,
    /// The run is over.
    Over { why: String },
    /// There is no place for this worker.
    Refuse { why: String },
}

/// What a worker has to know.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) spec: Settings,
    /// The version under test, and behind it the one that it is compared with.
    pub(crate) urls: Vec<String>,
    pub(crate) asks: Request,
    pub(crate) seed: u64,
    /// Which of so many parts this worker's is.
    pub(crate) part: u64,
    pub(crate) parts: u64,
}

/// What every request has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Request {
    method: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    authorities: Option<Bytes>,
}

impl Request {
    pub(crate) fn of(asks: &Asks) -> Request {
        Request {
            method: asks.method.clone(),
            headers: asks.headers.clone(),
            body: Bytes(asks.body.clone()),
            authorities: asks.authorities.clone().map(Bytes),
        }
    }

    /// The same here. What is spoken stands in the settings.
    pub(crate) fn asks(self) -> Asks {
        Asks {
            method: self.method,
            headers: self.headers,
            body: self.body.0,
            authorities: self.authorities.map(|bytes| bytes.0),
            ..Asks::default()
        }
    }
}

/// What came of a version, without what was counted, which went before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    intended: Option<u64>,
    elapsed: Duration,
    /// For each thread: ran, waited, longest gap, late.
    health: Vec<[u64; 4]>,
    throttled: Option<Duration>,
    is_cut_short: bool,
    /// The slowest exchanges, and the first that failed.
    slowest: Vec<Told>,
    failed: Vec<Told>,
}

/// A single exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Told {
    /// Intended, latency, lag and wait, in nanoseconds.
    times: [u64; 4],
    first_byte: Option<u64>,
    failure: Option<String>,
    status: u16,
    step: usize,
    request: Bytes,
    response: Bytes,
}

impl Told {
    fn of(one: &Exchange) -> Told {
        Told {
            times: [one.intended, one.latency, one.lag, one.wait],
            first_byte: one.first_byte,
            failure: one.failure.map(|failure| failure.name().to_owned()),
            status: one.status,
            step: one.step,
            request: Bytes(one.request.clone()),
            response: Bytes(one.response.clone()),
        }
    }

    fn exchange(&self) -> Exchange {
        let [intended, latency, lag, wait] = self.times.map(|time| time.min(MOST_OF_ONE));
        Exchange {
            intended,
            latency,
            lag,
            wait,
            first_byte: self.first_byte.map(|time| time.min(MOST_OF_ONE)),
            failure: self.failure.as_deref().and_then(Failure::named),
            status: self.status,
            step: self.step,
            request: self.request.0.clone(),
            response: self.response.0.clone(),
        }
    }
}

/// No time of a thread is longer, in nanoseconds: that is thirteen days.
const MOST_OF_ONE: u64 = 1 << 50;

impl Done {
    pub(crate) fn of(outcome: &Outcome) -> Done {
        let health = |one: &Health| [one.ran, one.waited, one.longest_gap, one.late];
        Done {
            intended: outcome.intended,
            elapsed: outcome.elapsed,
            health: outcome.health.iter().map(health).collect(),
            throttled: outcome.throttled,
            is_cut_short: outcome.is_cut_short,
            slowest: outcome.exchanges.slowest().into_iter().map(Told::of).collect(),
            failed: outcome.exchanges.failed().into_iter().map(Told::of).collect(),
        }
    }

    /// Adds it to what came of others: threads are told one by one, and of what is the same for
    /// all the worst counts.
    pub(crate) fn add_to(&self, all: &mut Outcome) {
        let most = Duration::from_nanos(MOST_OF_ONE);
        if let Some(more) = self.intended {
            all.intended = Some(all.intended.unwrap_or(0) + more.min(MOST_OF_ONE));
        }
        all.elapsed = all.elapsed.max(self.elapsed.min(most));
        all.health.extend(self.health());
        all.throttled = all.throttled.max(self.throttled.map(|throttled| throttled.min(most)));
        all.is_cut_short |= self.is_cut_short;
        let told = |list: &[Told]| list.iter().take(EXCHANGES).map(Told::exchange).collect();
        all.exchanges.merge(&Exchanges::of(EXCHANGES, told(&self.slowest), told(&self.failed)));
    }

    pub(crate) fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    pub(crate) fn health(&self) -> impl Iterator<Item = Health> + '_ {
        // No more threads than a plan may ask for, of two versions.
        self.health.iter().take(512).map(|one| {
            let [ran, waited, longest_gap, late] = one.map(|value| value.min(MOST_OF_ONE));
            Health { ran, waited, longest_gap, late: late.min(MOST_REQUESTS) }
        })
    }
}

/// Bytes, written as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> String {
        STANDARD_NO_PAD.encode(bytes.0)
    }
}

impl TryFrom<String> for Bytes {
    type Error = String;

    fn try_from(text: String) -> Result<Bytes, String> {
        STANDARD_NO_PAD.decode(text).map(Bytes).map_err(|error| error.to_string())
    }
}

/// What was counted, encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Packed(Bytes);

/// No second has more requests, and no sum of microseconds is larger: so sums of sums stay whole.
const MOST_REQUESTS: u64 = 1 << 32;
const MOST_TIME: f64 = (1_u64 << 50) as f64;

impl Packed {
    pub(crate) fn of(tally: &Tally) -> Packed {
        let mut bytes = Vec::new();
        tally.encode(&mut bytes);
        Packed(Bytes(bytes))
    }

    /// What was counted; nothing when it is damaged, or more than anybody can count in a second.
    pub(crate) fn tally(&self) -> Option<Tally> {
        let tally = Tally::decode(&self.0.0)?;
        (is_possible(&tally) && tally.steps.iter().all(is_possible)).then_some(tally)
    }
}

/// Whether anybody can have counted this in a second.
fn is_possible(tally: &Tally) -> bool {
    let Tally { latency, unlagged, service, first_byte, lag, wait, connect, .. } = tally;
    let histograms = [latency, unlagged, service, first_byte, lag, wait, connect];
    let times = histograms.iter().all(|one| {
        let time = one.mean().unwrap_or(0.0) * one.count() as f64;
        one.count() <= MOST_REQUESTS && time <= MOST_TIME
    });
    let statuses = tally.statuses().values();
    let Some(count) = statuses.copied().try_fold(0_u64, u64::checked_add) else { return false };
    let failures = Failure::ALL.map(|failure| tally.failed(failure));
    let counts = [tally.requests, count, tally.bytes >> 18, tally.cache_told, tally.cache_hits];
    times && counts.into_iter().chain(failures).all(|count| count <= MOST_REQUESTS)
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
