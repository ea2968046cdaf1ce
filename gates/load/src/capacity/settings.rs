//! What a spec says of capacity.

use std::time::Duration;

use gate_core::values::{DurationValue, Percent, Rate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::threshold::{Aggregate, Metric, Threshold};

/// The search for the largest rate at which something holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// What has to hold at a rate, such as `p(95)<200ms` and `rate<1%`.
    #[serde(default = "default::holds")]
    pub holds: Vec<Threshold>,
    /// The rate to begin with; it is doubled until something does not hold.
    #[serde(default = "default::from")]
    pub from: Rate,
    /// The highest rate that is tried.
    #[serde(default = "default::to")]
    pub to: Rate,
    /// How near to each other the rate that holds and the one that does not have to be.
    #[serde(default = "default::within")]
    pub within: Percent,
    /// How long it may take.
    #[serde(default = "default::duration")]
    pub duration: DurationValue,
    /// The rate that it has to hold. Without it, what it holds is told and nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Rate>,
}

impl Default for Capacity {
    fn default() -> Capacity {
        Capacity {
            holds: default::holds(),
            from: default::from(),
            to: default::to(),
            within: default::within(),
            duration: default::duration(),
            at_least: None,
        }
    }
}

mod default {
    use super::{Duration, DurationValue, Percent, Rate, Threshold};

    pub(super) fn holds() -> Vec<Threshold> {
        let parse = |text: &str| text.parse().expect("a threshold of ours");
        vec![parse("p(95)<1s"), parse("rate<1%")]
    }
    pub(super) fn from() -> Rate {
        "10/s".parse().expect("a rate of ours")
    }
    pub(super) fn to() -> Rate {
        "5000/s".parse().expect("a rate of ours")
    }
    pub(super) fn within() -> Percent {
        Percent::from_fraction(0.05).expect("five percent are a share")
    }
    pub(super) fn duration() -> DurationValue {
        DurationValue(Duration::from_mins(5))
    }
}

/// The highest rate that is tried, per second.
const FASTEST: f64 = 1e6;
/// The shortest search.
const SHORTEST: Duration = Duration::from_secs(20);
/// How long an answer is waited for at the least, and when no threshold says how long it may take.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(10));
/// How many times the longest that an answer may take it is waited for.
const PATIENT: u32 = 5;
/// Samples for each one that a percentile leaves out: none of them being slow is then a proof at the
/// error of a first look.
const SAMPLES: f64 = 6.0;
/// The same for a share of failures.
const OF_SHARE: f64 = 3.0;
/// More of them are not waited for at one rate.
const MOST_SAMPLES: f64 = 20_000.0;

impl Capacity {
    /// How long an answer is waited for: what takes longer holds nothing, and a service that is
    /// overloaded is not waited for.
    pub(crate) fn patience(&self, timeout: Duration) -> Duration {
        let longest = self.longest().map_or(PATIENCE.1, |longest| longest * PATIENT);
        timeout.min(longest.max(PATIENCE.0))
    }

    /// The longest that a percentile of latency may take.
    pub(crate) fn longest(&self) -> Option<Duration> {
        let times = self.holds.iter().filter(|one| {
            one.metric == Metric::Latency
                && matches!(one.aggregate, Aggregate::Quantile(_))
                && one.operator.wants_less()
        });
        let limits = times.map(|one| Duration::from_micros(one.limit as u64));
        limits.max()
    }

    /// The share of failures that is just allowed, where no threshold says it: what fails at once
    /// would otherwise hold any percentile.
    pub(crate) fn most_failures(&self, usual: f64) -> f64 {
        let says =
            |one: &&Threshold| one.metric == Metric::Failures && one.aggregate == Aggregate::Rate;
        if self.holds.iter().any(|one| says(&one)) { 1.0 } else { usual }
    }

    /// How many requests a step needs to tell.
    pub(crate) fn samples(&self) -> f64 {
        let needs = self.holds.iter().map(|one| match one.aggregate {
            Aggregate::Quantile(quantile) => SAMPLES / (1.0 - quantile),
            Aggregate::Rate if one.metric == Metric::Failures && one.operator.wants_less() => {
                OF_SHARE / one.limit.max(1e-6)
            }
            _ => 0.0,
        });
        needs.fold(0.0, f64::max).min(MOST_SAMPLES)
    }

    /// What is wrong with it: the name of a field, what, and what to do.
    pub(crate) fn problems(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let mut found = Vec::new();
        if self.holds.is_empty() {
            found.push(("holds", "nothing has to hold", "such as p(95)<200ms and rate<1%"));
        }
        let counts = |one: &Threshold| {
            matches!(one.aggregate, Aggregate::Count)
                || (one.aggregate == Aggregate::Rate && one.metric != Metric::Failures)
        };
        if self.holds.iter().any(|one| one.metric.is_of_browser()) {
            found.push((
                "holds",
                "browsers load a page too seldom to tell at each rate",
                "hold percentiles of latency, and the share of failures",
            ));
        }
        if self.holds.iter().any(counts) {
            found.push((
                "holds",
                "how many requests there are is what is searched for",
                "hold percentiles of latency, and the share of failures",
            ));
        }
        if self.holds.iter().any(|one| !one.operator.wants_less()) {
            found.push(("holds", "this asks for a slow service", "write it with < or <="));
        }
        if self.from.per_second() < 1.0 || self.from.per_second() >= self.to.per_second() {
            found.push(("from", "it begins with 1/s or more, and below `to`", "such as 10/s"));
        }
        if self.to.per_second() > FASTEST {
            found.push(("to", "no machine sends so much", "give it less than 1000000/s"));
        }
        if !(0.01..=0.5).contains(&self.within.fraction()) {
            found.push(("within", "it lies between 1% and 50%", "give it 5%"));
        }
        if self.duration.0 < SHORTEST {
            found.push(("duration", "this is too short to search", "give it 5m"));
        }
        if self.at_least.is_some_and(|rate| {
            rate.per_second() <= 0.0 || rate.per_second() > self.to.per_second()
        }) {
            found.push(("at_least", "this rate is never tried", "give it one up to `to`"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(holds: &[&str]) -> Capacity {
        let holds = holds.iter().map(|text| text.parse().unwrap()).collect();
        Capacity { holds, ..Capacity::default() }
    }

    #[test]
    fn what_has_to_hold_says_how_long_is_waited_and_asked() {
        let check = |holds: &[&str], patience: u64, samples: f64, failures: f64| {
            let capacity = of(holds);
            let minute = Duration::from_mins(1);
            assert_eq!(capacity.patience(minute), Duration::from_secs(patience), "{holds:?}");
            assert!((capacity.samples() - samples).abs() < 1e-6, "{holds:?}");
            assert!((capacity.most_failures(0.02) - failures).abs() < 1e-12, "{holds:?}");
        };
        check(&["p(95)<200ms", "rate<1%"], 5, 300.0, 1.0);
        check(&["p(99)<2s"], 10, 600.0, 0.02);
        check(&["rate<5%"], 10, 60.0, 1.0);
        check(&["p(99.99)<15s"], 60, 20_000.0, 0.02);
        check(&["max<1s"], 10, 0.0, 0.02);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |change: fn(&mut Capacity), field: &str| {
            let mut capacity = of(&["p(95)<200ms"]);
            assert_eq!(capacity.problems(), []);
            change(&mut capacity);
            let fields: Vec<&str> = capacity.problems().iter().map(|(name, ..)| *name).collect();
            assert_eq!(fields, [field]);
        };
        check(|one| one.holds.clear(), "holds");
        check(|one| one.holds = of(&["count<5"]).holds, "holds");
        check(|one| one.holds = of(&["p(95)>5ms"]).holds, "holds");
        check(|one| one.from = "0.5/s".parse().unwrap(), "from");
        check(|one| one.from = one.to, "from");
        check(|one| one.to = "2000000/s".parse().unwrap(), "to");
        check(|one| one.within = Percent::from_fraction(0.001).unwrap(), "within");
        check(|one| one.duration = DurationValue(Duration::from_secs(5)), "duration");
        check(|one| one.at_least = Some("9000/s".parse().unwrap()), "at_least");
    }
}
