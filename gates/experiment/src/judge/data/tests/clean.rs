//! Where nothing is wrong, nothing is said to be.

use std::collections::BTreeMap;

use gate_core::Verdict;
use serde_json::json;

use super::lift::Outcome;
use super::synthetic::{World, spec};
use super::*;
use crate::seen::Cell;

/// How many experiments without an effect and without a defect.
const RUNS: u64 = 200;

/// The most alarms of so many that a rate explains, but for one time in 200.
fn most(rate: f64) -> u64 {
    stats::binomial::quantile(0.995, RUNS as f64, rate).unwrap() as u64
}

#[test]
fn clean_experiments_raise_no_alarm() {
    let spec = &spec(&json!({
        "success": { "baseline": "10%" },
        "visitors_per_day": 4000.0 / 14.0,
        "data": { "exposures": { "person": "person" } },
    }));
    let alarms = |seeds: std::ops::Range<u64>| {
        let mut count: BTreeMap<String, u64> = BTreeMap::new();
        for seed in seeds {
            let seen = World { seed, visitors: 4000, ..World::default() }.seen(spec);
            let judged = judge(spec, &seen).unwrap();
            for lift in judged.primary.iter().chain(&judged.guardrails) {
                if matches!(lift.outcome, Outcome::Better | Outcome::Worse) {
                    *count.entry(format!("effect on {}", lift.metric)).or_default() += 1;
                }
            }
            for check in judged.checks() {
                let is_open = ["success", "whole-weeks", "enough-visitors"].contains(&&*check.id)
                    || check.id.starts_with("guardrail");
                if check.verdict != Verdict::Pass && !is_open {
                    *count.entry(check.id).or_default() += 1;
                }
            }
        }
        count
    };
    let half = RUNS / 2;
    let (mut count, more) = std::thread::scope(|scope| {
        let other = scope.spawn(|| alarms(half..RUNS));
        (alarms(0..half), other.join().unwrap())
    });
    for (name, times) in more {
        *count.entry(name).or_default() += times;
    }
    println!("{count:?}");
    let of = |name: &str| count.get(name).copied().unwrap_or(0);
    // Exact: nothing is left to chance.
    for exact in ["closed-arms", "one-arm", "tracking", "counted-once", "same-within", "plausible"]
    {
        assert_eq!(of(exact), 0, "{exact}: {count:?}");
    }
    for (statistical, rate) in [
        ("split", 0.001),
        ("split-by-day", 0.001),
        ("split-by-segment", 0.001),
        ("heartbeat", 0.001),
        ("alike-before", 0.001),
        ("no-trend", 0.01),
        ("no-segment-harmed", 0.01),
        ("other-metrics", 0.025),
        ("effect on signup", 0.05),
        ("effect on revenue", 0.025),
        ("effect on page_load", 0.025),
    ] {
        assert!(of(statistical) <= most(rate), "{statistical}: {count:?}");
    }
}

#[test]
fn few_visitors_raise_no_alarm() {
    let spec = &spec(&json!({
        "success": { "baseline": "10%" },
        "visitors_per_day": 6.0,
        "data": { "exposures": { "person": "person" } },
    }));
    for seed in 0..40 {
        let visitors = 20 + 10 * seed as usize;
        let days = visitors / 6 + 1;
        let days = days.min(28);
        let seen = World { seed, visitors: days * 6, days, ..World::default() }.seen(spec);
        let judged = judge(spec, &seen).unwrap();
        let alarms: Vec<&Check> =
            judged.trust.iter().filter(|check| check.verdict > Verdict::Warn).collect();
        assert!(alarms.is_empty(), "{seed}: {alarms:?}");
    }
}

/// The same as it was after so many days.
fn after(seen: &SeenData, days: usize) -> SeenData {
    let days: BTreeMap<String, Vec<Cell>> =
        seen.days.iter().take(days).map(|(day, cells)| (day.clone(), cells.clone())).collect();
    let add = |sum: Vec<Cell>, day: &Vec<Cell>| -> Vec<Cell> {
        sum.iter().zip(day).map(|(one, other)| one.and(other)).collect()
    };
    let mut all = days.values();
    let first = all.next().cloned().unwrap_or_default();
    let all = all.fold(first, add);
    SeenData { all, days, segments: Vec::new(), ..seen.clone() }
}

/// How many of them are looked at by the methods that wait.
const FEWER: u64 = 30;

#[test]
fn looking_every_day_finds_no_more_than_looking_once() {
    let runs = 100;
    let of = |method: &str, looks: Option<u32>| {
        spec(&json!({
            "analysis": { "method": method, "looks": looks }, "success": { "visitors": 2000 },
        }))
    };
    // Half of the looks of those who wait come after what was planned.
    let specs = [of("always-valid", None), of("fixed", None), of("group-sequential", Some(3))];
    let mut found = [0_u64; 3];
    let mut alarms = 0_u64;
    for seed in 1000..1000 + runs {
        let world = World { seed, visitors: 2800, rate: 0.25, ..World::default() };
        let seen = world.seen(&specs[0]);
        let days: Vec<SeenData> = (1..=14).map(|days| after(&seen, days)).collect();
        let sees = |judged: &Judged| {
            let is_told = |lift: &Lift| matches!(lift.outcome, Outcome::Better | Outcome::Worse);
            judged.primary.iter().any(is_told)
        };
        let all: Vec<Judged> = days.iter().map(|seen| judge(&specs[0], seen).unwrap()).collect();
        found[0] += u64::from(all.iter().any(sees));
        let is_alarm = |check: &Check| check.verdict == Verdict::Fail;
        alarms += u64::from(all.iter().any(|judged| judged.trust.iter().any(is_alarm)));
        // These take a search each time: fewer of them.
        for (spec, found) in specs.iter().zip(&mut found).skip(1).filter(|_| seed < 1000 + FEWER) {
            *found += u64::from(days.iter().any(|seen| sees(&judge(spec, seen).unwrap())));
        }
    }
    let most =
        |rate: f64, runs: u64| stats::binomial::quantile(0.995, runs as f64, rate).unwrap() as u64;
    println!("{found:?} of {runs} and twice {FEWER}, and {alarms} alarms of {runs}");
    assert!(found[0] <= most(0.05, runs), "{found:?}");
    assert!(found[1..].iter().all(|found| *found <= most(0.05, FEWER)), "{found:?}");
    // Of the split of all, of days, of events: each has an alarm of 1 in 1,000.
    assert!(alarms <= most(0.004, runs), "{alarms}");
}
