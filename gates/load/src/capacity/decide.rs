//! Whether a rate was held, from what a step of it has shown.

use gate_core::{Check, Verdict};
use load::{Histogram, Tally};
use stats::slope::slope;

use super::Held;
use crate::judge::{Decided, Why};
use crate::threshold::Threshold;
use crate::words::{percent, time};

/// How often growth may be seen where there is none, and no growth where there is some.
const WRONG: (f64, f64) = (0.005, 0.05);

/// From which part of the time on that a generator is busy what does not hold may be its own doing.
const BUSY: f64 = 0.85;

/// How the generator did in a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fitness<'a> {
    /// What it says of itself.
    pub(super) check: &'a Check,
    /// How its lateness grew.
    pub(super) lag: Option<Growth>,
    /// For which part of the time it was busy.
    pub(super) busy: f64,
}

/// How latency grew within a step, in seconds for each second: a service that is asked for a part
/// more than it can do falls behind by just that part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Growth {
    pub(super) at: f64,
    /// What it is at the least, with next to no error.
    pub(super) low: f64,
    /// What it is at the most.
    pub(super) high: f64,
}

impl Growth {
    /// Of the mean of each second.
    pub(super) fn of(seconds: &[Tally], values: fn(&Tally) -> &Histogram) -> Option<Growth> {
        let mean =
            |(at, tally): (usize, &Tally)| values(tally).mean().map(|mean| (at as f64, mean / 1e6));
        let points: Vec<(f64, f64)> = seconds.iter().enumerate().filter_map(mean).collect();
        let slope = slope(&points)?;
        let (low, high) = (slope.at - slope.off(WRONG.0), slope.at + slope.off(WRONG.1));
        Some(Growth { at: slope.at, low, high })
    }

    /// Whether it is beyond doubt, of what may be a part too much.
    fn is_certain(&self, within: f64) -> bool {
        self.low > within / 4.0
    }
}

/// What a step has come to, and why if it did not hold: for what somebody else has seen, or for
/// what it shows. What may be the doing of the generator is none of the service's.
pub(super) fn held(
    fitness: Fitness<'_>,
    trouble: Option<String>,
    decided: &[(Threshold, Decided)],
    growth: Option<Growth>,
    within: f64,
) -> (Held, Option<String>) {
    if fitness.check.verdict != Verdict::Pass {
        return (Held::Unfit, Some(fitness.check.message.clone()));
    }
    if let Some(lag) = fitness.lag.filter(|lag| lag.is_certain(within)) {
        let more = time(lag.at * 1e6);
        return (Held::Unfit, Some(format!("it sends later by {more} each second")));
    }
    let (held, why) = match trouble {
        Some(why) => (Held::No, Some(why)),
        None => shown(decided, growth, within),
    };
    let is_own = decided.iter().any(|(_, one)| one.why == Why::OwnLag);
    if held == Held::No && fitness.busy > BUSY || held == Held::Open && is_own {
        let busy = percent(fitness.busy.min(1.0));
        let why = format!("it was busy for {busy} of the time, and may itself be what is slow");
        return (Held::Unfit, Some(why));
    }
    (held, why)
}

/// What a step shows.
fn shown(
    decided: &[(Threshold, Decided)],
    growth: Option<Growth>,
    within: f64,
) -> (Held, Option<String>) {
    if let Some((threshold, decided)) = decided.iter().find(|(_, one)| one.verdict == Verdict::Fail)
    {
        let value = decided.value.map(|value| threshold.value(value)).unwrap_or_default();
        let why = format!("{} is {value}, which does not keep {threshold}", threshold.name());
        return (Held::No, Some(why));
    }
    if let Some(growth) = growth.filter(|growth| growth.is_certain(within)) {
        let more = time(growth.at * 1e6);
        let why = format!("it does not keep up: latency grows by {more} each second");
        return (Held::No, Some(why));
    }
    if let Some((threshold, _)) = decided.iter().find(|(_, one)| one.verdict != Verdict::Pass) {
        return (Held::Open, Some(format!("too few requests to tell whether {threshold} holds")));
    }
    match growth {
        Some(growth) if growth.high < within => (Held::Yes, None),
        _ => (Held::Open, Some("latency may be growing".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Why;

    fn seconds(latencies: &[u64]) -> Vec<Tally> {
        let second = |latency: &u64| {
            let mut tally = Tally::new();
            (0..20).for_each(|at| tally.count(200, latency * 1000 + at * 50, 100));
            tally
        };
        latencies.iter().map(second).collect()
    }

    #[test]
    fn lateness_that_grows_is_the_generators() {
        let good = Check::new("generator", "Generator", Verdict::Pass, "fit");
        let growth = |latencies| Growth::of(&seconds(latencies), |tally| &tally.unlagged);
        let (lag, level) = (growth(&[1, 52, 98, 150, 203]), growth(&[20, 22, 21, 20, 22]));
        let fitness = Fitness { check: &good, lag, busy: 0.5 };
        let (held, why) = held(fitness, Some("half fail".to_owned()), &[], level, 0.05);
        assert_eq!((held, why.unwrap().contains("it sends later by")), (Held::Unfit, true));
    }

    #[test]
    fn a_rate_is_held_when_nothing_speaks_against_it() {
        let threshold: Threshold = "p(95)<200ms".parse().unwrap();
        let check = |own: (Verdict, f64), verdict: Verdict, latencies: &[u64], expect: Held| {
            let generator = Check::new("generator", "Generator", own.0, "late");
            let decided = Decided {
                value: Some(100_000.0),
                low: None,
                high: None,
                verdict,
                why: Why::Bounds,
            };
            let growth = Growth::of(&seconds(latencies), |tally| &tally.unlagged);
            let fitness = Fitness { check: &generator, lag: None, busy: own.1 };
            let (held, why) = held(fitness, None, &[(threshold, decided)], growth, 0.05);
            assert_eq!(held, expect, "{latencies:?}: {growth:?} {why:?}");
            assert_eq!(why.is_none(), expect == Held::Yes);
        };
        let (pass, fail, open) = (Verdict::Pass, Verdict::Fail, Verdict::Inconclusive);
        let (idle, busy) = ((pass, 0.1), (pass, 0.97));
        let level = [20, 22, 21, 20, 22];
        check(idle, pass, &level, Held::Yes);
        check(idle, open, &level, Held::Open);
        check(idle, fail, &level, Held::No);
        check((open, 0.1), fail, &level, Held::Unfit);
        // Who is busy all the time may be what is slow; what holds all the same holds.
        check(busy, fail, &level, Held::Unfit);
        check(busy, pass, &[20, 72, 118, 170, 223], Held::Unfit);
        check(busy, pass, &level, Held::Yes);
        // Five in a hundred too many.
        check(idle, pass, &[20, 72, 118, 170, 223], Held::No);
        // One in a hundred is near enough.
        check(idle, pass, &[20, 30, 40, 50, 60], Held::Yes);
        // Up and down, by more than can be told apart from growth.
        check(idle, pass, &[20, 180, 20, 190, 150], Held::Open);
        check(idle, pass, &[20, 20, 20], Held::Open);
    }
}
