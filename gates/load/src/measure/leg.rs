//! One stretch of sending, of one version or of two in turn.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use gate_core::Error;
use load::{Drive, Outcome, Plan, Schedule, Spacing, Stage, Tally};

use super::{Glance, Look, Measured, Watch, Work};
use crate::judge;
use crate::seconds;
use crate::settings::Settings;
use crate::target::Target;

/// How often it is looked whether somebody wants it to end.
const TICK: Duration = Duration::from_millis(100);
/// How many of the slowest and of the first failing exchanges are kept.
pub(super) const EXCHANGES: usize = 5;
/// How long two versions have to get ready for the same instant.
const READY: Duration = Duration::from_millis(100);
/// What is sent uncounted when a run goes on: connections are made anew.
const AGAIN: Duration = Duration::from_secs(1);

/// Sends for so many times the duration, and adds what was counted. Gives the limit that has ended
/// it, and the look at which it did.
pub(super) fn run(
    work: &Work<'_>,
    times: u32,
    writers: &mut [BufWriter<File>],
    written: &mut u64,
    measured: &mut Measured,
    watch: &mut dyn Watch,
) -> Result<Option<(Look, String)>, Error> {
    let is_first = measured.looks.is_empty();
    let warm_up = if is_first { work.spec.warm_up.0 } else { AGAIN.min(work.spec.warm_up.0) };
    let length = work.spec.duration() * times;
    let before = work.spec.duration().as_secs_f64() * f64::from(if is_first { 0 } else { times });
    let stop = Arc::new(AtomicBool::new(false));
    let (send, receive) = mpsc::channel();
    // Both begin at the same instant, once everything is ready for it.
    let start = (work.versions.len() > 1).then(|| Instant::now() + READY);
    let mut abort = Abort::new(work.spec, &measured.versions[0].file);
    let mut aborted = None;
    let outcomes = thread::scope(|scope| {
        let mut running = Vec::new();
        for (version, writer) in writers.iter_mut().enumerate() {
            let target = &work.versions[version];
            let plan = plan(work, version, target, warm_up, times, start);
            let (send, stop) = (send.clone(), Arc::clone(&stop));
            let (first, warm) = (*written, warm_up.as_secs());
            running.push(scope.spawn(move || {
                let (mut at, mut failed) = (first, None);
                let outcome = load::run(&plan, &stop, &mut |second, tally| {
                    let is_warm_up = second < warm;
                    if !is_warm_up && failed.is_none() {
                        let wrote = fill(writer, &mut at, first + second - warm);
                        let wrote = wrote.and_then(|()| seconds::write(writer, at, tally));
                        // Whoever looks on reads it.
                        failed = wrote.and_then(|()| writer.flush()).err();
                        at += 1;
                    }
                    let done = (second + 1) as f64 - warm_up.as_secs_f64();
                    let glance = glance(version, is_warm_up, tally);
                    let of = before + length.as_secs_f64();
                    let done = (before + done.max(0.0)).min(of);
                    // Nobody may look on any more; that ends nothing.
                    let _ = send.send(Glance { done, of, ..glance });
                });
                match failed {
                    Some(error) => Err(error),
                    None => outcome.map(|outcome| (outcome, at)),
                }
            }));
        }
        drop(send);
        loop {
            match receive.recv_timeout(TICK) {
                Ok(glance) => {
                    watch.second(&glance);
                    if aborted.is_none() {
                        aborted = abort.after(&glance).transpose();
                        if aborted.is_some() {
                            stop.store(true, Ordering::Relaxed);
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if watch.is_cancelled() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        running.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let aborted = aborted.transpose()?;
    let is_cancelled = watch.is_cancelled();
    let start = *written;
    let mut reached = Vec::new();
    for (version, outcome) in outcomes.into_iter().enumerate() {
        let outcome = outcome.map_err(|_| Error::new("a thread of the load test has panicked"))?;
        let (outcome, at) = outcome.map_err(own_fault)?;
        reached.push(at);
        add(measured, version, &outcome, length);
        // Their times are those of this stretch, whose warm-up does not count.
        let kept = outcome.exchanges.since(warm_up, Duration::from_secs(start));
        measured.versions[version].exchanges.merge(&kept);
    }
    if aborted.is_some() && !is_cancelled {
        measured.generator.is_cut_short = false;
    }
    // Versions that are compared have the same seconds.
    *written = reached.iter().copied().max().unwrap_or(*written);
    for (writer, mut at) in writers.iter_mut().zip(reached) {
        fill(writer, &mut at, *written)?;
    }
    Ok(aborted)
}

/// Looks whether a limit that ends the run is certain not to hold: less and less often, since each
/// time all is read again.
struct Abort<'w> {
    spec: &'w Settings,
    file: PathBuf,
    next: f64,
}

/// After how many seconds it is looked for the first time, and how much later each time.
const FIRST_LOOK: f64 = 5.0;
const LATER: f64 = 1.1;

impl<'w> Abort<'w> {
    fn new(spec: &'w Settings, file: &Path) -> Abort<'w> {
        let is_wanted = spec.thresholds.iter().any(|limit| limit.abort_on_fail);
        let next = if is_wanted { FIRST_LOOK } else { f64::INFINITY };
        Abort { spec, file: file.to_owned(), next }
    }

    fn after(&mut self, glance: &Glance) -> Result<Option<(Look, String)>, Error> {
        if glance.version != 0 || glance.is_warm_up || glance.done < self.next {
            return Ok(None);
        }
        self.next = (glance.done * LATER).max(glance.done + 1.0);
        let seconds = glance.done as u64;
        let most = self.spec.duration().as_secs_f64() * f64::from(1_u32 << (self.spec.looks() - 1));
        let part = (seconds as f64 / most).min(1.0);
        let open = |_: usize| {
            let file = File::open(&self.file)?;
            Ok(Box::new(BufReader::new(file)) as Box<dyn BufRead>)
        };
        let broken = judge::broken(self.spec, seconds, part, &open)?;
        Ok(broken.map(|limit| (Look { seconds, part }, limit)))
    }
}

/// Writes seconds in which nothing was counted, up to one.
fn fill(writer: &mut BufWriter<File>, at: &mut u64, end: u64) -> std::io::Result<()> {
    while *at < end {
        seconds::write(writer, *at, &Tally::new())?;
        *at += 1;
    }
    Ok(())
}

/// An error of this machine.
fn own_fault(error: std::io::Error) -> Error {
    Error::new(format!("the load could not be generated: {error}"))
        .hint("this is about the machine that sends, not about the service")
}

fn add(measured: &mut Measured, version: usize, outcome: &Outcome, length: Duration) {
    let one = &mut measured.versions[version];
    // The last answer comes a little after the last request: that is no lower rate.
    let is_usual = !outcome.is_cut_short && outcome.elapsed < length + length / 50;
    one.seconds += if is_usual { length } else { outcome.elapsed }.as_secs_f64();
    if let Some(more) = outcome.intended {
        one.intended = Some(one.intended.unwrap_or(0) + more);
    }
    let generator = &mut measured.generator;
    for health in &outcome.health {
        generator.ran_us += health.ran / 1000;
        generator.waited_us += health.waited / 1000;
        generator.longest_gap_us = generator.longest_gap_us.max(health.longest_gap / 1000);
        generator.late += health.late;
    }
    if let Some(throttled) = outcome.throttled {
        let throttled = throttled.as_micros() as u64;
        // It is the same group for all versions.
        let before = if version == 0 { generator.throttled_us.unwrap_or(0) } else { 0 };
        generator.throttled_us =
            Some((before + throttled).max(generator.throttled_us.unwrap_or(0)));
    }
    generator.is_cut_short |= outcome.is_cut_short;
}

fn glance(version: usize, is_warm_up: bool, tally: &Tally) -> Glance {
    Glance {
        version,
        is_warm_up,
        done: 0.0,
        of: 0.0,
        requests: tally.requests,
        failures: tally.failures(),
        p50: tally.latency.quantile(0.5),
        p95: tally.latency.quantile(0.95),
        p99: tally.latency.quantile(0.99),
        lag: tally.lag.quantile(0.99),
    }
}

/// What the engine does for one version.
fn plan(
    work: &Work<'_>,
    version: usize,
    target: &Target,
    warm_up: Duration,
    times: u32,
    start: Option<Instant>,
) -> Plan {
    let spec = work.spec;
    let drive = match spec.connections {
        Some(_) => Drive::Closed,
        None => {
            let schedule = schedule(spec, work.versions.len(), warm_up, times, work.seed);
            let halves = work.versions.len() > 1;
            Drive::Open(if halves { schedule.half(work.seed, version as u64) } else { schedule })
        }
    };
    Plan {
        origins: target.origins.clone(),
        asks: target.asks.clone(),
        drive,
        users: spec.connections.unwrap_or(0),
        connections: match spec.connections {
            // A page's assets come over several at once.
            Some(users) if !spec.scenarios.is_empty() => users.max(spec.max_connections),
            Some(users) => users,
            None => spec.max_connections,
        },
        reuse: spec.reuse.unwrap_or(u64::MAX),
        threads: spec.threads,
        warm_up,
        duration: spec.duration() * times,
        timeout: spec.timeout.0,
        lag_budget: spec.lag_budget.0,
        exchanges: EXCHANGES,
        first_processor: version * spec.threads,
        start,
    }
}

/// When requests are due, of all versions together: each of them gets the whole rate.
fn schedule(
    spec: &Settings,
    versions: usize,
    warm_up: Duration,
    times: u32,
    seed: u64,
) -> Schedule {
    let by = versions as f64;
    let spacing = if spec.poisson { Spacing::Poisson(seed) } else { Spacing::Even };
    if spec.stages.is_empty() {
        let rate = spec.rate() * by;
        let duration = warm_up + spec.duration() * times;
        return Schedule::new(rate, &[Stage { duration, rate }], spacing);
    }
    let stage = |stage: &crate::settings::StageSpec| Stage {
        duration: stage.duration.0,
        rate: stage.rate.per_second() * by,
    };
    let stages: Vec<Stage> = spec.stages.iter().map(stage).collect();
    // It warms up at the rate of the first stage's end, and begins each time from nothing.
    let warming = Stage { duration: warm_up, rate: stages[0].rate };
    let fresh = Stage { duration: Duration::ZERO, rate: 0.0 };
    let mut all = vec![warming];
    for _ in 0..times {
        all.push(fresh);
        all.extend(stages.iter().copied());
    }
    Schedule::new(warming.rate, &all, spacing)
}
