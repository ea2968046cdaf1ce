//! Where nothing is wrong, nothing is said to be.

use std::collections::BTreeMap;

use gate_core::Verdict;
use serde_json::json;

use super::lift::Outcome;
use super::synthetic::{World, spec};
use super::*;

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
