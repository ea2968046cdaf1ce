//! Sending what the settings say, and keeping what was counted.

mod engine;
mod leg;
pub(crate) mod local;

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gate_core::Error;
use load::{Exchanges, Failure, Protocol, ask_once};
use serde::{Deserialize, Serialize};

use crate::browsers::{Crew, Watched};
use crate::capacity::{self, Searched};
use crate::earlier::Earlier;
use crate::judge;
use crate::script::Reason;
use crate::settings::Settings;
use crate::target::Target;
pub(crate) use engine::{Engine, Leg, Lost, Sink};
pub(crate) use leg::EXCHANGES;
pub(crate) use local::Local;

/// How long the first request may take at the most.
const FIRST: Duration = Duration::from_secs(10);

/// What has to be measured.
pub(crate) struct Work<'a> {
    pub(crate) spec: &'a Settings,
    /// The version under test, and behind it the one that it is compared with.
    pub(crate) versions: Vec<Target>,
    /// Where seconds are written while it runs.
    pub(crate) folder: &'a Path,
    /// What is drawn is drawn from this.
    pub(crate) seed: u64,
    /// A run of before, to compare with.
    pub(crate) earlier: Option<Earlier>,
    /// Browsers that look on.
    pub(crate) browsers: Option<Crew>,
}

/// Whoever looks on.
pub(crate) trait Watch {
    /// A second is over.
    fn second(&mut self, glance: &Glance);
    /// A rate of a search was tried; in words.
    fn step(&mut self, _: &str) {}
    /// More has to be measured, because it is not decided.
    fn goes_on(&mut self, _: Duration) {}
    /// Whether it is to end.
    fn is_cancelled(&self) -> bool;
}

/// What a second showed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Glance {
    /// Which version, from 0.
    pub(crate) version: usize,
    /// Whether it counts.
    pub(crate) is_warm_up: bool,
    /// How long was measured so far, and how long will be, as far as is known, in seconds.
    pub(crate) done: f64,
    pub(crate) of: f64,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    /// In microseconds; none when nothing was answered.
    pub(crate) p50: Option<u64>,
    pub(crate) p95: Option<u64>,
    pub(crate) p99: Option<u64>,
    pub(crate) lag: Option<u64>,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) versions: Vec<Version>,
    pub(crate) looks: Vec<Look>,
    pub(crate) generator: Generator,
    /// Why nothing was measured.
    pub(crate) refused: Option<Refused>,
    /// The limit that ended it, because it was certain not to hold.
    pub(crate) aborted: Option<String>,
    /// Why not all could be measured.
    pub(crate) lost: Option<Lost>,
    /// What a search for capacity has found.
    pub(crate) capacity: Option<Searched>,
    /// What browsers have seen meanwhile.
    pub(crate) browsers: Option<Watched>,
}

impl Measured {
    /// Before anything is sent; seconds are written to a file for each version.
    pub(crate) fn new(versions: &[Target], file: impl Fn(usize) -> PathBuf) -> Measured {
        let version = |(at, target): (usize, &Target)| Version {
            url: target.shown(),
            target: target.url.clone(),
            exchanges: Exchanges::new(EXCHANGES),
            reasons: Vec::new(),
            file: file(at),
            intended: None,
            seconds: 0.0,
        };
        Measured {
            versions: versions.iter().enumerate().map(version).collect(),
            looks: Vec::new(),
            generator: Generator::default(),
            refused: None,
            aborted: None,
            lost: None,
            capacity: None,
            browsers: None,
        }
    }
}

/// What was measured of a version.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) url: String,
    pub(crate) target: url::Url,
    /// Single exchanges, secrets and all.
    pub(crate) exchanges: Exchanges,
    /// What did not hold of answers.
    pub(crate) reasons: Vec<Reason>,
    /// What was counted in each second.
    pub(crate) file: PathBuf,
    /// How many requests were to be sent; none in a closed loop.
    pub(crate) intended: Option<u64>,
    /// How long was measured, to the last answer, in seconds.
    pub(crate) seconds: f64,
}

/// When it was looked whether all is decided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Look {
    /// How many seconds had been written, of each version.
    pub(crate) seconds: u64,
    /// Which part that is of the most there could be.
    pub(crate) part: f64,
}

/// How the generator itself did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Generator {
    /// Time on a processor, in microseconds.
    pub(crate) ran_us: u64,
    /// Time that its threads waited for a processor, in microseconds.
    pub(crate) waited_us: u64,
    /// The longest time that a thread did not get to run although it wanted to, in microseconds.
    pub(crate) longest_gap_us: u64,
    /// How long its control group was held back, in microseconds; none where nothing is told.
    pub(crate) throttled_us: Option<u64>,
    /// How many requests were sent after the last of them should have been, because it was held up or
    /// too busy.
    pub(crate) late: u64,
    /// Whether it was told to end before it was over.
    pub(crate) is_cut_short: bool,
    /// How many threads have sent, each time that something was sent.
    #[serde(default)]
    pub(crate) threads: u64,
}

impl Generator {
    /// Which part of so many seconds a thread was at work, wanted to be or was not let, on average.
    /// Who is busy all the time may send too late and read too late.
    pub(crate) fn busy(&self, seconds: f64) -> f64 {
        let threads = (self.ran_us + self.waited_us) as f64 / self.threads.max(1) as f64;
        (threads + self.throttled_us.unwrap_or(0) as f64) / (seconds.max(1e-3) * 1e6)
    }
}

/// Why nothing was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// Which version, from 0.
    pub(crate) version: usize,
    /// What went wrong, as the engine calls it; none when there was an answer.
    pub(crate) failure: Option<String>,
    /// In words.
    pub(crate) why: String,
    /// What to do.
    pub(crate) advice: String,
}

/// Measures until all is decided or there is no more time. It blocks.
pub(crate) fn measure(work: &mut Work<'_>, watch: &mut dyn Watch) -> Result<Measured, Error> {
    measure_with(work, &mut Local, watch)
}

/// The same, with others that send.
pub(crate) fn measure_with(
    work: &mut Work<'_>,
    engine: &mut dyn Engine,
    watch: &mut dyn Watch,
) -> Result<Measured, Error> {
    let file = |at: usize| work.folder.join(format!("seconds-{at}.jsonl"));
    let mut measured = Measured::new(&work.versions, file);
    let create =
        |version: &Version| gate_core::files::open_for_append(&version.file).map(BufWriter::new);
    let mut writers = measured.versions.iter().map(create).collect::<Result<Vec<_>, Error>>()?;
    measured.refused = engine.first(work, watch)?;
    measured.lost = engine.lost();
    if measured.refused.is_some() || measured.lost.is_some() {
        return Ok(measured);
    }
    if let (Some(earlier), Some(own)) = (&work.earlier, work.versions.first()) {
        measured.versions.push(Version {
            url: earlier.url.clone(),
            target: own.url.clone(),
            exchanges: Exchanges::new(EXCHANGES),
            reasons: Vec::new(),
            file: earlier.file.clone(),
            intended: None,
            seconds: earlier.seconds,
        });
    }
    if work.spec.capacity.is_some() {
        let found = capacity::search(work, engine, &mut measured, &mut writers[0], watch)?;
        measured.capacity = Some(found);
        return Ok(measured);
    }
    let (first, looks) = (work.spec.duration(), work.spec.looks());
    let mut written = 0;
    for look in 0..looks {
        // Each look is at twice as much as the one before.
        let times = if look == 0 { 1 } else { 1 << (look - 1) };
        if look > 0 {
            watch.goes_on(first * times);
        }
        if let Some(crew) = &mut work.browsers {
            crew.ready(&|| watch.is_cancelled());
        }
        let aborted =
            leg::run(work, engine, times, &mut writers, &mut written, &mut measured, watch)?;
        for writer in &mut writers {
            writer.flush()?;
        }
        if let Some(crew) = &work.browsers {
            crew.rest(&|| watch.is_cancelled());
            measured.browsers = Some(crew.watched());
        }
        measured.lost = engine.lost();
        let part = f64::from(1_u32 << look) / f64::from(1_u32 << (looks - 1));
        match aborted {
            None => measured.looks.push(Look { seconds: written, part }),
            Some((look, limit)) => {
                measured.looks.push(look);
                measured.aborted = Some(limit);
                break;
            }
        }
        let is_over = measured.generator.is_cut_short || measured.lost.is_some();
        if is_over || !is_open(work, &measured, look + 1 < looks)? {
            break;
        }
    }
    for (version, target) in measured.versions.iter_mut().zip(&work.versions) {
        version.reasons = target.reasons.told();
    }
    Ok(measured)
}

/// Asks every version once; what it came to when the service is not to be loaded.
pub(crate) fn ask_all(work: &mut Work<'_>) -> Option<Refused> {
    (0..work.versions.len()).find_map(|version| first(work, version))
}

/// Sends once what the settings say, of all versions.
pub(crate) fn leg(
    work: &Work<'_>,
    engine: &mut dyn Engine,
    writers: &mut [BufWriter<File>],
    measured: &mut Measured,
    watch: &mut dyn Watch,
) -> Result<(), Error> {
    leg::run(work, engine, 1, writers, &mut 0, measured, watch).map(|_| ())
}

/// Asks once before all others; what it came to when the service is not to be loaded.
fn first(work: &mut Work<'_>, version: usize) -> Option<Refused> {
    let target = &mut work.versions[version];
    let timeout = work.spec.timeout.0.min(FIRST);
    let started = Instant::now();
    let (request, number) = &target.first;
    let origin = &mut target.origins[*number];
    let is_http2 = origin.protocol != Protocol::Http1;
    match ask_once(origin, request, timeout) {
        Err(error) => Some(Refused {
            version,
            failure: Some(error.failure.name().to_owned()),
            why: format!("{} does not answer: {}", target.shown(), error.why),
            advice: if is_http2 && matches!(error.failure, Failure::Malformed | Failure::Tls) {
                "does it speak HTTP/2? if not, leave HTTP/2 out".to_owned()
            } else if started.elapsed() >= timeout {
                "is it up, and may this machine reach it?".to_owned()
            } else {
                "is the address right, and the service up?".to_owned()
            },
        }),
        Ok(answer) if answer.status == 429 || answer.retry_after.is_some() => {
            let after = answer.retry_after.map(|after| format!(" (Retry-After: {after})"));
            Some(Refused {
                version,
                failure: None,
                why: format!(
                    "{} asks for patience: it answers {}{}",
                    target.shown(),
                    answer.status,
                    after.unwrap_or_default()
                ),
                advice: "let its owner allow the load, or load a copy that is meant for it"
                    .to_owned(),
            })
        }
        Ok(answer) => {
            // A name may stand for addresses that lead nowhere from here, such as those of IPv6.
            let is_like = |one: &SocketAddr| one.is_ipv4() == answer.address.is_ipv4();
            origin.addresses.retain(is_like);
            None
        }
    }
}

/// Whether something is still to be decided that more time could decide.
fn is_open(work: &Work<'_>, measured: &Measured, there_is_more: bool) -> Result<bool, Error> {
    if !there_is_more {
        return Ok(false);
    }
    let open = |at: usize| {
        let file = File::open(&measured.versions[at].file)?;
        Ok(Box::new(BufReader::new(file)) as Box<dyn std::io::BufRead>)
    };
    let watched = measured.browsers.as_ref();
    judge::is_open(work.spec, &measured.looks, measured.versions.len(), work.seed, watched, &open)
}
