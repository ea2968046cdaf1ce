//! Whether a rate was held, from what a step of it has shown.

use gate_core::{Check, Verdict};
use load::Tally;
use stats::slope::slope;

use super::Held;
use crate::judge::Decided;
use crate::threshold::Threshold;
use crate::words::time;

/// How often growth may be seen where there is none, and no growth where there is some.
const WRONG: (f64, f64) = (0.005, 0.05);

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
    /// From the mean latency of each second, without the lateness of the generator.
    pub(super) fn of(seconds: &[Tally]) -> Option<Growth> {
        let mean = |(at, tally): (usize, &Tally)| {
            tally.unlagged.mean().map(|mean| (at as f64, mean / 1e6))
        };
        let points: Vec<(f64, f64)> = seconds.iter().enumerate().filter_map(mean).collect();
        let slope = slope(&points)?;
        let (low, high) = (slope.at - slope.off(WRONG.0), slope.at + slope.off(WRONG.1));
        Some(Growth { at: slope.at, low, high })
    }
}

/// What a step has come to, and why if it did not hold. `within` is how much too much a rate may be
/// at the most.
pub(super) fn held(
    generator: &Check,
    decided: &[(Threshold, Decided)],
    growth: Option<Growth>,
    within: f64,
) -> (Held, Option<String>) {
    if generator.verdict != Verdict::Pass {
        return (Held::Unfit, Some(generator.message.clone()));
    }
    if let Some((threshold, decided)) = decided.iter().find(|(_, one)| one.verdict == Verdict::Fail)
    {
        let value = decided.value.map(|value| threshold.value(value)).unwrap_or_default();
        let why = format!("{} is {value}, which does not keep {threshold}", threshold.name());
        return (Held::No, Some(why));
    }
    if let Some(growth) = growth.filter(|growth| growth.low > within / 4.0) {
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
    fn a_rate_is_held_when_nothing_speaks_against_it() {
        let threshold: Threshold = "p(95)<200ms".parse().unwrap();
        let check = |generator: Verdict, verdict: Verdict, latencies: &[u64], expect: Held| {
            let generator = Check::new("generator", "Generator", generator, "late");
            let decided = Decided {
                value: Some(100_000.0),
                low: None,
                high: None,
                verdict,
                why: Why::Bounds,
            };
            let growth = Growth::of(&seconds(latencies));
            let (held, why) = held(&generator, &[(threshold, decided)], growth, 0.05);
            assert_eq!(held, expect, "{latencies:?}: {growth:?} {why:?}");
            assert_eq!(why.is_none(), expect == Held::Yes);
        };
        let (pass, fail, open) = (Verdict::Pass, Verdict::Fail, Verdict::Inconclusive);
        let level = [20, 22, 21, 20, 22];
        check(pass, pass, &level, Held::Yes);
        check(pass, open, &level, Held::Open);
        check(pass, fail, &level, Held::No);
        check(open, fail, &level, Held::Unfit);
        // Five in a hundred too many.
        check(pass, pass, &[20, 72, 118, 170, 223], Held::No);
        // One in a hundred is near enough.
        check(pass, pass, &[20, 30, 40, 50, 60], Held::Yes);
        // Up and down, by more than can be told apart from growth.
        check(pass, pass, &[20, 180, 20, 190, 150], Held::Open);
        check(pass, pass, &[20, 20, 20], Held::Open);
    }
}
