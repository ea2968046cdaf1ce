//! What is told of latency, held against servers that know better.

mod known;

use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use known::Known;
use load::{Drive, Histogram, Plan, Request, Schedule, Tally};

/// How often it is tried: a machine that has something else to do spoils a try, and never all.
const TRIES: usize = 5;
const SECONDS: u64 = 5;
const LAG_BUDGET: Duration = Duration::from_micros(200);

const QUANTILES: [f64; 6] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

/// No quantile that is looked at lies where one part ends and the next begins: there the slowest of
/// a part is told, which is what this machine and not the server took longest for.
const MIXTURE: &[(Duration, f64)] = &[
    (Duration::from_millis(5), 0.55),
    (Duration::from_millis(20), 0.30),
    (Duration::from_millis(60), 0.12),
    (Duration::from_millis(250), 0.025),
    (Duration::from_millis(800), 0.005),
];

fn run(known: &Known, rate: f64) -> Tally {
    let request = Request::new("GET", "/", "localhost", &[], b"").unwrap();
    let duration = Duration::from_secs(SECONDS);
    let mut plan = Plan::at_rate(known.address, request, rate, duration);
    plan.warm_up = Duration::ZERO;
    plan.drive = Drive::Open(Schedule::constant(rate, duration));
    plan.connections = 1000;
    plan.lag_budget = LAG_BUDGET;
    let stop = Arc::new(AtomicBool::new(false));
    let outcome = load::run(&plan, &stop, &mut |_, _| {}).unwrap();
    assert_eq!(outcome.all.requests, (rate * SECONDS as f64) as u64);
    assert_eq!(outcome.all.failures(), 0, "{:?}", outcome.all);
    outcome.all
}

/// Keeps the processors awake: one that sleeps takes longer to wake up than is allowed here, be it
/// the server's or ours. Whatever has something to do comes first.
struct Awake(Vec<Child>);

impl Awake {
    fn keep() -> Awake {
        let processors = std::thread::available_parallelism().unwrap().get();
        let spin = || {
            let words = ["--idle", "0", "sh", "-c", "while :; do :; done"];
            Command::new("chrt").args(words).spawn().unwrap()
        };
        Awake((0..processors).map(|_| spin()).collect())
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for one in &mut self.0 {
            let _ = one.kill();
            let _ = one.wait();
        }
    }
}

fn at(histogram: &Histogram, q: f64) -> Duration {
    Duration::from_micros(histogram.quantile(q).unwrap())
}

/// Of durations in order.
fn of(log: &[Duration], q: f64) -> Duration {
    log[((q * log.len() as f64).ceil() as usize).max(1) - 1]
}

/// What is told beside what the server's own log says, where they are further apart than they
/// may be.
fn beside(told: &Histogram, log: &[Duration]) -> Vec<String> {
    let mut wrong = Vec::new();
    for q in QUANTILES {
        let (told, truth) = (at(told, q), of(log, q));
        if told.abs_diff(truth) > LAG_BUDGET.max(truth / 100) {
            wrong.push(format!("p{}: {told:?}, and it was {truth:?}", q * 100.0));
        }
    }
    wrong
}

/// A try on a machine that has too much to do may be wrong; but then the generator has to say that
/// it was late, and what it tells is never less than the truth.
#[test]
fn percentiles_are_those_that_the_server_knows() {
    let _awake = Awake::keep();
    let mut all = Vec::new();
    for _ in 0..TRIES {
        let known = Known::start(known::mixture(MIXTURE.to_vec()));
        let told = run(&known, 500.0);
        let log = known.log();
        assert_eq!(log.len() as u64, told.requests);
        for q in QUANTILES {
            let (said, truth) = (at(&told.latency, q), of(&log, q));
            // A bucket is a thousandth wide, and the answer is on its way before it is logged.
            let least = truth.mul_f64(0.998).saturating_sub(LAG_BUDGET);
            assert!(said >= least, "p{}: {said:?}, and it was {truth:?}", q * 100.0);
        }
        let wrong = beside(&told.latency, &log);
        if wrong.is_empty() {
            return;
        }
        all.push((wrong, at(&told.lag, 0.99)));
    }
    let is_told = all.iter().all(|(_, lag)| *lag > 5 * LAG_BUDGET);
    assert!(is_told, "not once in {TRIES} tries, and not always late: {all:#?}");
}

/// Quantiles of latency and the largest, in milliseconds.
fn of_a_stall() -> [f64; 3] {
    let second = Duration::from_secs(1);
    let known = Known::start(known::stall(2 * second, second));
    let latency = run(&known, 400.0).latency;
    [at(&latency, 0.9), at(&latency, 0.99), Duration::from_micros(latency.max().unwrap())]
        .map(|value| value.as_secs_f64() * 1e3)
}

#[test]
fn a_stall_is_told_as_long_as_it_was() {
    let mut all = Vec::new();
    for _ in 0..TRIES {
        let runs: Vec<[f64; 3]> = (0..3).map(|_| of_a_stall()).collect();
        // A second of five: a fifth waits, evenly from nothing to the whole second.
        let is_right = [500.0, 950.0, 1000.0].iter().enumerate().all(|(at, truth)| {
            let mut told: Vec<f64> = runs.iter().map(|run| run[at]).collect();
            told.sort_by(f64::total_cmp);
            (told[1] / truth - 1.0).abs() <= 0.02
        });
        if is_right {
            return;
        }
        all.push(runs);
    }
    panic!("not once in {TRIES} tries: p90, p99 and max were {all:#?}");
}
