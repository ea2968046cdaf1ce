//! One stretch of sending, of one version or of two in turn.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use gate_core::Error;
use load::{Asks, Drive, Origin, Outcome, Plan, Schedule, Spacing, Stage, Tally};

use super::{Glance, Measured, Watch, Work};
use crate::seconds;
use crate::settings::Settings;
use crate::target::Target;

/// How often it is looked whether somebody wants it to end.
const TICK: Duration = Duration::from_millis(100);
/// How many of the slowest and of the first failing exchanges are kept.
const EXCHANGES: usize = 5;
/// How long two versions have to get ready for the same instant.
const READY: Duration = Duration::from_millis(100);
/// What is sent uncounted when a run goes on: connections are made anew.
const AGAIN: Duration = Duration::from_secs(1);

/// Sends for so many times the duration, and adds what was counted.
pub(super) fn run(
    work: &Work<'_>,
    times: u32,
    writers: &mut [BufWriter<File>],
    written: &mut u64,
    measured: &mut Measured,
    watch: &mut dyn Watch,
) -> Result<(), Error> {
    let is_first = measured.looks.is_empty();
    let warm_up = if is_first { work.spec.warm_up.0 } else { AGAIN.min(work.spec.warm_up.0) };
    let length = work.spec.duration() * times;
    let before = work.spec.duration().as_secs_f64() * f64::from(if is_first { 0 } else { times });
    let stop = Arc::new(AtomicBool::new(false));
    let (send, receive) = mpsc::channel();
    // Both begin at the same instant, once everything is ready for it.
    let start = (work.versions.len() > 1).then(|| Instant::now() + READY);
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
                        failed = wrote.and_then(|()| seconds::write(writer, at, tally)).err();
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
                Ok(glance) => watch.second(&glance),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if watch.is_cancelled() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        running.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut reached = Vec::new();
    for (version, outcome) in outcomes.into_iter().enumerate() {
        let outcome = outcome.map_err(|_| Error::new("a thread of the load test has panicked"))?;
        let (outcome, at) = outcome.map_err(own_fault)?;
        reached.push(at);
        add(measured, version, &outcome, length);
    }
    // Versions that are compared have the same seconds.
    *written = reached.iter().copied().max().unwrap_or(*written);
    for (writer, mut at) in writers.iter_mut().zip(reached) {
        fill(writer, &mut at, *written)?;
    }
    Ok(())
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
        origins: vec![Origin { addresses: target.addresses.clone(), tls: target.tls.clone() }],
        asks: Asks::One(target.request.clone()),
        drive,
        users: spec.connections.unwrap_or(0),
        connections: spec.connections.unwrap_or(spec.max_connections),
        reuse: u64::MAX,
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
