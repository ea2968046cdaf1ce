//! Sending from this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use gate_core::Error;
use load::{Drive, Outcome, Plan, Schedule, Spacing, Stage, Tally};

use super::engine::{Engine, Leg, Sink};
use super::{Refused, Watch, Work};
use crate::settings::Settings;
use crate::target::Target;

/// How often it is looked whether somebody wants it to end.
const TICK: Duration = Duration::from_millis(100);
/// How long two versions have to get ready for the same instant.
const READY: Duration = Duration::from_millis(100);

/// This process alone.
pub(crate) struct Local;

impl Engine for Local {
    fn first(&mut self, work: &mut Work<'_>, _: &dyn Watch) -> Result<Option<Refused>, Error> {
        Ok(super::ask_all(work))
    }

    fn run(
        &mut self,
        work: &Work<'_>,
        leg: &Leg,
        sink: &mut dyn Sink,
    ) -> Result<Vec<Outcome>, Error> {
        let mut plans = plans(work, leg, 0, 1);
        if plans.len() > 1 {
            // Both begin at the same instant, once everything is ready for it.
            start(&mut plans, Instant::now() + READY);
        }
        send(&plans, sink)
    }
}

/// What the engine does for each version, as one of so many machines.
pub(crate) fn plans(work: &Work<'_>, leg: &Leg, machine: u64, machines: u64) -> Vec<Plan> {
    let plans = (0..work.versions.len()).map(|version| {
        let mut plan = plan(work, version, leg);
        // Machines may be processes side by side: they begin at different processors, too.
        plan.first_processor += machine as usize * work.versions.len() * work.spec.threads;
        (plan.machine, plan.machines) = (machine, machines);
        plan.counted = plan.intended();
        plan
    });
    plans.collect()
}

/// Has them all begin at this instant.
pub(crate) fn start(plans: &mut [Plan], at: Instant) {
    for plan in plans {
        plan.start = Some(at);
    }
}

/// Carries the plans out side by side.
pub(crate) fn send(plans: &[Plan], sink: &mut dyn Sink) -> Result<Vec<Outcome>, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let (send, receive) = mpsc::channel::<(usize, u64, Box<Tally>)>();
    let outcomes = thread::scope(|scope| {
        let mut running = Vec::new();
        for (version, plan) in plans.iter().enumerate() {
            let (send, stop) = (send.clone(), Arc::clone(&stop));
            running.push(scope.spawn(move || {
                load::run(plan, &stop, &mut |second, tally| {
                    // The other end is there until all are done.
                    let _ = send.send((version, second, Box::new(tally.clone())));
                })
            }));
        }
        drop(send);
        loop {
            match receive.recv_timeout(TICK) {
                Ok((version, second, tally)) => sink.second(version, second, &tally),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if sink.is_cancelled() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        running.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let outcomes = outcomes.into_iter().map(|outcome| {
        let outcome = outcome.map_err(|_| Error::new("a thread of the load test has panicked"))?;
        outcome.map_err(own_fault)
    });
    outcomes.collect()
}

/// An error of this machine.
pub(super) fn own_fault(error: std::io::Error) -> Error {
    Error::new(format!("the load could not be generated: {error}"))
        .hint("this is about the machine that sends, not about the service")
}

/// What the engine does for one version.
fn plan(work: &Work<'_>, version: usize, leg: &Leg) -> Plan {
    let (spec, target, warm_up, times) =
        (work.spec, &work.versions[version], leg.warm_up, leg.times);
    let drive = match spec.connections {
        Some(_) => Drive::Closed,
        None => {
            let versions = work.versions.len();
            let schedule = schedule(spec, target, versions, warm_up, times, work.seed);
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
        exchanges: super::leg::EXCHANGES,
        first_processor: version * spec.threads,
        start: None,
        machine: 0,
        machines: 1,
        counted: None,
    }
}

/// When requests are due, of all versions together: each of them gets the whole rate.
fn schedule(
    spec: &Settings,
    target: &Target,
    versions: usize,
    warm_up: Duration,
    times: u32,
    seed: u64,
) -> Schedule {
    let by = versions as f64;
    let is_poisson = spec.poisson || spec.campaign.is_some();
    let spacing = if is_poisson { Spacing::Poisson(seed) } else { Spacing::Even };
    let shape = target.shape.clone().unwrap_or_else(|| spec.shape());
    let stages: Vec<Stage> =
        shape.into_iter().map(|stage| Stage { rate: stage.rate * by, ..stage }).collect();
    if stages.is_empty() {
        let rate = spec.rate() * by;
        let duration = warm_up + spec.duration() * times;
        return Schedule::new(rate, &[Stage { duration, rate }], spacing);
    }
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
