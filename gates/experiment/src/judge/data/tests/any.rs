//! Whatever the sums are, something is said of them, and in numbers that there are.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::json;

use super::synthetic::spec;
use super::*;
use crate::question;
use crate::report::Report;
use crate::seen::{Cell, Counted, Rows, Segment};
use crate::settings::Settings;

/// How many visitors an arm has on a day, how many of them did something, and how much that comes to.
pub(super) type Day = Vec<(u64, u64, f64)>;

/// Sums in which everything that is counted was done by as many; each was exposed once, and did nothing
/// before.
fn cell(totals: &[Counted], products: usize, (units, some, each): (u64, u64, f64)) -> Cell {
    let some = some.min(units);
    let sum = some as f64 * each;
    let total = |counted: &Counted| match counted {
        Counted { before: true, .. } => (0, 0.0, 0.0, 0.0),
        Counted { table, event, .. }
            if table == "exposures" || event.as_deref() == Some("page_view") =>
        {
            (units, units as f64, units as f64, units as f64)
        }
        Counted { column: None, .. } => (some, some as f64, some as f64, some as f64),
        Counted { .. } => (some, sum, sum, sum * each),
    };
    Cell {
        units,
        multiple: units / 200,
        totals: totals.iter().map(total).collect(),
        products: vec![sum * each; products],
    }
}

pub(super) fn seen(spec: &Settings, days: &[Day], unexposed: u64) -> SeenData {
    let data = spec.data.as_ref().unwrap();
    let asked = question::of_tables(spec, data);
    let (totals, products) = (&asked.totals[..], asked.question.products.len());
    let cells =
        |day: &Day| -> Vec<Cell> { day.iter().map(|arm| cell(totals, products, *arm)).collect() };
    let add = |all: Vec<Cell>, day: &Day| -> Vec<Cell> {
        all.iter().zip(cells(day)).map(|(one, other)| one.and(&other)).collect()
    };
    let none = vec![cell(totals, products, (0, 0, 0.0)); days[0].len()];
    let all = days.iter().fold(none, add);
    let events = all.iter().map(|cell| cell.totals[1].1 as u64).sum::<u64>() + unexposed;
    let centres = vec![0.0; totals.len()];
    SeenData {
        source: "any.csv".to_owned(),
        arms: spec.arms().into_iter().map(str::to_owned).collect(),
        totals: asked.totals.clone(),
        products: asked.question.products.clone(),
        centres,
        days: (1..).zip(days).map(|(at, day)| (format!("2026-11-{at:02}"), cells(day))).collect(),
        today: None,
        segments: vec![
            Segment {
                column: "country".to_owned(),
                values: vec![(None, all.clone()), (Some("de".to_owned()), cells(&days[0]))],
            },
            Segment { column: "device".to_owned(), values: Vec::new() },
        ],
        all,
        rows: Rows { exposures: events, events, unexposed, before: unexposed / 2 },
        persons: None,
    }
}

/// Whether the numbers can be trusted.
fn check(spec: &Settings, seen: &SeenData) -> bool {
    let judged = judge(spec, seen).unwrap();
    for check in judged.clone().checks() {
        for metric in &check.metrics {
            assert!(metric.value.is_finite(), "{}: {metric:?}", check.id);
        }
        let text = format!("{} {:?}", check.message, check.advice);
        for wrong in ["NaN", "inf ", "inf%", "  ", "unknown"] {
            assert!(!text.contains(wrong), "{}: {text}", check.id);
        }
    }
    // Ids stand in addresses and filters.
    let mut ids: Vec<String> = judged.clone().checks().into_iter().map(|check| check.id).collect();
    ids.sort();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "{ids:?}");
    let at = "2026-11-22T06:00:00Z".parse().unwrap();
    let report = Report { name: "any", spec, seen, judged: &judged, seed: 1, at };
    assert!(report.text().contains(&judged.headline) && report.page().contains("</main>"));
    assert_eq!(report.json()["headline"], judged.headline.as_str());
    assert!(!report.evidence().blocks.is_empty());
    judged.is_trusted
}

fn three_arms(method: &str) -> Settings {
    let looks = if method == "group-sequential" { json!(4) } else { json!(null) };
    spec(&json!({
        "split": { "control": "50%", "new_hero": "25%", "third": "25%" },
        "analysis": { "method": method, "looks": looks },
        "also_running": [{ "experiment": "banner", "column": "banner" }],
        "success": { "visitors": 500 },
    }))
}

/// Days whose split is what was meant, or is not.
fn days() -> impl Strategy<Value = Vec<Day>> {
    let done = proptest::collection::vec((0_u64..60, 0.0_f64..50.0), 3);
    let fair = (0_u64..200, done.clone()).prop_map(|(base, done)| {
        let units = [2 * base, base, base];
        units.into_iter().zip(done).map(|(units, (some, each))| (units, some, each)).collect()
    });
    let unfair = (proptest::collection::vec(0_u64..400, 3), done).prop_map(|(units, done)| {
        units.into_iter().zip(done).map(|(units, (some, each))| (units, some, each)).collect()
    });
    prop_oneof![
        3 => proptest::collection::vec(fair, 1..20),
        1 => proptest::collection::vec(unfair, 1..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_sums_are_judged(
        days in days(),
        unexposed in 0_u64..300,
        method in prop_oneof![
            Just("always-valid"), Just("fixed"), Just("group-sequential"), Just("bayesian")
        ],
    ) {
        let spec = three_arms(method);
        check(&spec, &seen(&spec, &days, unexposed));
    }
}

#[test]
fn many_of_them_can_be_trusted() {
    let (mut runner, strategy) = (proptest::test_runner::TestRunner::deterministic(), days());
    let spec = three_arms("always-valid");
    let trusted = (0..100).filter(|_| {
        let days = strategy.new_tree(&mut runner).unwrap().current();
        check(&spec, &seen(&spec, &days, 0))
    });
    let trusted = trusted.count();
    assert!((30..90).contains(&trusted), "{trusted}");
}

#[test]
fn the_ends_of_what_there_can_be() {
    for method in ["always-valid", "fixed", "group-sequential", "bayesian"] {
        let spec = three_arms(method);
        let (nobody, alone) = ((0, 0, 0.0), (1, 0, 0.0));
        for days in [
            vec![vec![nobody, nobody, nobody]],
            vec![vec![alone, nobody, nobody]],
            vec![vec![alone, alone, alone]],
            vec![vec![(5000, 0, 0.0); 3]],
            vec![vec![(5000, 5000, 1.0); 3]; 8],
            vec![vec![(5_000_000, 250_000, 1e6); 3]; 14],
            vec![vec![(5000, 500, -3.0), (2500, 250, -4.0), (2500, 250, -2.0)]; 14],
            vec![
                vec![(2_000_000_000, 20, 0.5), (1_000_000_000, 10, 0.5), (1_000_000_000, 0, 0.0)];
                2
            ],
        ] {
            check(&spec, &seen(&spec, &days, 0));
        }
    }
}

#[test]
fn the_best_of_several_arms_decides() {
    let mut spec = spec(&json!({ "before_launch": null, "data": { "heartbeat": null } }));
    spec.must_not_harm.clear();
    spec.split = BTreeMap::from([
        ("control".to_owned(), "40%".parse().unwrap()),
        ("long".to_owned(), "30%".parse().unwrap()),
        ("short".to_owned(), "30%".parse().unwrap()),
    ]);
    let day = vec![(4000, 400, 1.0), (3000, 300, 1.0), (3000, 390, 1.0)];
    let mut seen = seen(&spec, &vec![day; 14], 0);
    seen.segments.clear();
    let judged = judge(&spec, &seen).unwrap();
    let text = format!("{:?}", judged.trust);
    let outcome = |arm: &str| judged.primary.iter().find(|lift| lift.arm == arm).unwrap().outcome;
    assert!(judged.is_trusted, "{text}");
    assert_eq!((outcome("short"), outcome("long")), (Outcome::Better, Outcome::Same));
    assert!(judged.headline.starts_with("short is better."), "{}", judged.headline);
    assert_eq!(judged.next, "Ship short, and keep an eye on it.");
    assert_eq!(judged.success.unwrap().verdict, Verdict::Pass);
}
