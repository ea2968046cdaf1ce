use gate_core::Verdict::{Fail, Inconclusive, Pass, Warn};

use super::*;
use crate::capacity::Rated;
use crate::measure::Generator;

/// A search of which each rate has come to something.
fn searched(rates: &[(f64, Held)], is_out_of_time: bool) -> Searched {
    let step = |(rate, held): &(f64, Held)| Step {
        rate: *rate,
        seconds: 6.0,
        requests: (6.0 * rate) as u64,
        failures: u64::from(*held == Held::No),
        p50: Some(20_000),
        p95: Some(if *held == Held::No { 900_000 } else { 40_000 }),
        p99: Some(90_000),
        held: *held,
        why: match held {
            Held::Yes => None,
            Held::No => Some("p(95) is 900ms, which does not keep p(95)<200ms".to_owned()),
            Held::Open => Some("too few requests to tell whether p(95)<200ms holds".to_owned()),
            Held::Unfit => Some("a request was sent 2s late".to_owned()),
        },
    };
    let rated = |(rate, held): &(f64, Held)| Rated { rate: *rate, is_sure: true, held: *held };
    Searched {
        steps: rates.iter().map(step).collect(),
        rates: rates.iter().map(rated).collect(),
        is_out_of_time,
    }
}

fn seen(is_cut_short: bool) -> Observation {
    Observation {
        versions: Vec::new(),
        looks: Vec::new(),
        generator: Generator { is_cut_short, ..Generator::default() },
        refused: None,
        aborted: None,
        exchanges: crate::exchanges::SeenExchanges::default(),
        lost: None,
        capacity: None,
        browsers: None,
        charts: Vec::new(),
    }
}

fn capacity(at_least: Option<&str>) -> Capacity {
    let holds = ["p(95)<200ms", "rate<1%"].map(|text| text.parse().unwrap()).to_vec();
    let at_least = at_least.map(|rate| rate.parse().unwrap());
    Capacity { holds, at_least, ..Capacity::default() }
}

#[test]
fn what_was_found_is_held_against_what_is_wanted() {
    let check = |rates: &[(f64, Held)], at_least: Option<&str>, verdict: Verdict| {
        let checks = judge(&capacity(at_least), &searched(rates, false), &seen(false));
        assert_eq!(checks[1].verdict, verdict, "{rates:?}: {}", checks[1].message);
        let all = Verdict::over(checks.iter().map(|check| check.verdict));
        let cut = judge(&capacity(at_least), &searched(rates, false), &seen(true));
        assert!(cut.iter().all(|check| check.verdict == Inconclusive), "{all}");
    };
    let bounded = [(380.0, Held::Yes), (398.0, Held::Open), (410.0, Held::No)];
    check(&bounded, None, Pass);
    check(&bounded, Some("380/s"), Pass);
    check(&bounded, Some("390/s"), Inconclusive);
    check(&bounded, Some("410/s"), Fail);
    let own_limit = [(900.0, Held::Yes), (1000.0, Held::Unfit)];
    check(&own_limit, None, Pass);
    check(&own_limit, Some("900/s"), Pass);
    check(&own_limit, Some("1000/s"), Inconclusive);
    check(&[(10.0, Held::No)], None, Warn);
    check(&[(10.0, Held::No)], Some("100/s"), Fail);
    check(&[(320.0, Held::No)], None, Inconclusive);
    check(&[(10.0, Held::Unfit)], None, Inconclusive);
    check(&[(10.0, Held::Open)], Some("10/s"), Inconclusive);
    check(&[], None, Inconclusive);
}

#[test]
fn what_people_read_of_a_search() {
    let mut text = String::new();
    let mut tell = |rates: &[(f64, Held)], at_least: Option<&str>, is_out_of_time: bool| {
        let searched = searched(rates, is_out_of_time);
        for check in judge(&capacity(at_least), &searched, &seen(false)) {
            text += &format!("{}: {}: {}\n", check.verdict, check.title, check.message);
            text +=
                &check.advice.as_ref().map_or(String::new(), |advice| format!("    {advice}\n"));
        }
        text += "\n";
    };
    tell(&[(10.0, Held::Yes), (1380.0, Held::Yes), (1420.0, Held::No)], None, false);
    tell(&[(380.0, Held::Yes), (640.0, Held::No)], Some("500/s"), true);
    tell(&[(380.0, Held::Yes), (640.0, Held::No)], Some("640/s"), true);
    tell(&[(900.0, Held::Yes), (1800.0, Held::Unfit)], Some("2000/s"), false);
    tell(&[(5000.0, Held::Yes)], None, false);
    tell(&[(10.0, Held::No)], None, false);
    tell(&[(12.5, Held::Yes)], None, true);
    tell(&[(10.0, Held::Unfit)], None, false);
    text += &told(&searched(&[(640.0, Held::No), (12.5, Held::Yes), (320.0, Held::Open)], false));
    insta::assert_snapshot!(text);
    let bounded = searched(&[(380.0, Held::Yes), (410.0, Held::No)], false);
    let document = document(&capacity(None), &bounded);
    assert_eq!((&document["low"], &document["high"]), (&380.0.into(), &410.0.into()));
    assert_eq!((&document["rate"], &document["is_bounded"]), (&394.715.into(), &true.into()));
    assert_eq!(
        (&document["limited_by"], &document["steps"][1]["held"]),
        (&"service".into(), &"no".into())
    );
}
