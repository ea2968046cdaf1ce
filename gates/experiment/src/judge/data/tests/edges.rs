//! What is no pass though nothing seems wrong, and no fail though something seems so.

use std::collections::BTreeMap;

use gate_core::Verdict::{Fail, Inconclusive, Pass, Warn};
use serde_json::json;

use super::any::{Day, seen};
use super::lift::Outcome;
use super::synthetic::{World, spec};
use super::*;

/// Two arms, with nothing to hold them against but each other.
fn plain(with: &gate_core::Json) -> Settings {
    let mut spec = spec(with);
    spec.before_launch = None;
    spec.must_not_harm.clear();
    let data = spec.data.as_mut().unwrap();
    data.heartbeat = None;
    spec
}

fn found<'j>(judged: &'j Judged, id: &str) -> &'j Check {
    let all = judged.trust.iter().chain(&judged.time).chain(&judged.guards).chain(&judged.more);
    all.chain(&judged.success).find(|check| check.id == id).unwrap_or_else(|| panic!("no {id}"))
}

fn verdict(judged: &Judged, id: &str) -> Verdict {
    found(judged, id).verdict
}

/// A day on which the new arm is far ahead.
fn ahead() -> Day {
    vec![(4000, 400, 1.0), (4000, 520, 1.0)]
}

#[test]
fn nothing_gets_around_the_week() {
    let check = |name: &str, with: gate_core::Json, keep: &[usize], today: Option<&str>| {
        let spec = plain(&with);
        let mut all = seen(&spec, &vec![ahead(); 14], 0);
        all.segments.clear();
        let named = |day: &usize| format!("2026-11-{day:02}");
        let days: BTreeMap<_, _> =
            keep.iter().map(|day| (named(day), all.days[&named(day)].clone())).collect();
        let sum = days
            .values()
            .cloned()
            .reduce(|sum, day| sum.iter().zip(&day).map(|(one, other)| one.and(other)).collect());
        all = SeenData { all: sum.unwrap(), days, today: today.map(str::to_owned), ..all };
        let judged = judge(&spec, &all).unwrap();
        let weeks = verdict(&judged, "whole-weeks");
        assert_eq!(judged.success.as_ref().map(|check| check.verdict), Some(Pass), "{name}");
        assert_eq!(judged.verdict().blocks(), weeks.blocks(), "{name}: {judged:?}");
        weeks
    };
    let all = || json!({});
    let started = || json!({ "started": "2026-11-05" });
    let week: Vec<usize> = (1..=7).collect();
    assert_eq!(check("a week", all(), &week, None), Pass);
    assert_eq!(check("its last day", all(), &week, Some("2026-11-07")), Inconclusive);
    assert_eq!(check("a day after it", all(), &week, Some("2026-11-08")), Pass);
    assert_eq!(check("two days with a gap", all(), &[1, 3], None), Inconclusive);
    assert_eq!(check("a week with a gap", all(), &[1, 2, 3, 5, 6, 7, 8], None), Warn);
    assert_eq!(check("before the start", started(), &week, None), Inconclusive);
    let more: Vec<usize> = (1..=11).collect();
    assert_eq!(check("a week since the start", started(), &more, None), Warn);

    let no_times = json!({ "data": {
        "conversions": { "from": "conversions.csv", "time": null }, "exposures": { "time": null },
    } });
    let spec = plain(&no_times);
    let mut all = seen(&spec, &vec![ahead(); 14], 0);
    (all.days, all.segments) = (BTreeMap::new(), Vec::new());
    assert_eq!(verdict(&judge(&spec, &all).unwrap(), "whole-weeks"), Inconclusive);
    let mut spec = spec;
    spec.analysis.whole_weeks = false;
    assert_eq!(verdict(&judge(&spec, &all).unwrap(), "whole-weeks"), Pass);
}

#[test]
fn an_arm_that_is_worse_is_no_matter_of_taste() {
    let mut spec = plain(&json!({}));
    let share = |arm: &str, share: &str| (arm.to_owned(), share.parse().unwrap());
    spec.split = [share("control", "40%"), share("long", "30%"), share("short", "30%")].into();
    let day = vec![(4000, 400, 1.0), (3000, 240, 1.0), (3000, 300, 1.0)];
    let mut all = seen(&spec, &vec![day; 14], 0);
    all.segments.clear();
    let judged = judge(&spec, &all).unwrap();
    let outcomes: Vec<Outcome> = judged.primary.iter().map(|lift| lift.outcome).collect();
    assert_eq!(outcomes, [Outcome::Worse, Outcome::Same], "{judged:?}");
    assert_eq!(verdict(&judged, "success"), Fail);
    assert_eq!(judged.next, "Do not ship long. No arm is better than the control: keep it.");
}

#[test]
fn who_waits_is_told_nothing_before() {
    for method in ["fixed", "group-sequential"] {
        let spec = plain(&json!({
            "analysis": { "method": method, "looks": (method != "fixed").then_some(2) },
        }));
        let mut all = seen(&spec, &vec![vec![(30, 0, 0.0), (30, 1, 900.0)]; 7], 0);
        all.segments.clear();
        let judged = judge(&spec, &all).unwrap();
        let lifts = || judged.primary.iter().chain(&judged.guardrails).chain(&judged.others);
        let is_silent = |lift: &Lift| {
            lift.outcome == Outcome::Early && lift.value.is_none() && lift.absolute.is_none()
        };
        assert!(lifts().count() > 1 && lifts().all(is_silent), "{method}: {judged:?}");
        assert_eq!(judged.verdict(), Inconclusive);
    }
}

#[test]
fn between_looks_nothing_new_is_looked_at() {
    for (method, looks, days) in [("fixed", None, 10..14), ("group-sequential", Some(2), 5..10)] {
        let spec = plain(&json!({
            "analysis": { "method": method, "looks": looks },
            "success": { "visitors": 80_000 },
        }));
        // What comes after the look is another matter.
        let late = vec![(4000, 520, 1.0), (4000, 400, 1.0)];
        let first = days.start;
        let told: Vec<_> = days
            .map(|count| {
                let all: Vec<Day> = (0..count)
                    .map(|day| if day < first { ahead() } else { late.clone() })
                    .collect();
                let mut all = seen(&spec, &all, 0);
                all.segments.clear();
                let judged = judge(&spec, &all).unwrap();
                judged.primary[0].absolute
            })
            .collect();
        assert!(told[0].is_some(), "{method}");
        assert!(told.iter().all(|one| *one == told[0]), "{method}: {told:?}");
    }
}

#[test]
fn what_a_variant_makes_people_do_is_no_defect() {
    let spec = plain(&json!({}));
    let world = World { visitors: 20_000, ..World::default() };
    let check = |name: &str, spoils: &dyn Fn(&mut SeenData), expect: Verdict| {
        let mut all = world.seen(&spec);
        spoils(&mut all);
        let judged = judge(&spec, &all).unwrap();
        let counted = found(&judged, "counted-once");
        assert_eq!(counted.verdict, expect, "{name}: {}", counted.message);
        assert_eq!(judged.is_trusted, !expect.blocks(), "{name}: {:?}", judged.trust);
    };
    // In the new arm each converter has so many rows, in steps of one.
    let again = |all: &mut SeenData, times: f64| {
        let place = all
            .totals
            .iter()
            .position(|one| one.event.as_deref() == Some("signup") && one.column.is_none());
        let place = place.unwrap();
        let centre = all.centres[place];
        let (some, units) = (all.all[1].totals[place].0 as f64, all.all[1].units as f64);
        let (whole, rest) = (times.floor(), times.fract());
        let sum = some * times;
        let squares = some * ((1.0 - rest) * whole * whole + rest * (whole + 1.0).powi(2));
        let centred = sum - centre * units;
        let of_centred = squares - 2.0 * centre * sum + centre * centre * units;
        all.all[1].totals[place] = (some as u64, sum, centred, of_centred);
    };
    check("as it is", &|_| {}, Pass);
    check("some buy again", &|all| again(all, 1.3), Warn);
    check("each is sent twice", &|all| again(all, 2.0), Fail);
}

#[test]
fn one_visitor_is_no_proof() {
    let spec = plain(&json!({}));
    let mut all = World { visitors: 40, days: 1, ..World::default() }.seen(&spec);
    let place = all.totals.iter().position(|one| one.event.as_deref() == Some("signup"));
    let place = place.unwrap();
    all.centres[place] = 0.0;
    for (at, cell) in all.all.iter_mut().enumerate() {
        let rows = 1.0 + at as f64;
        cell.totals[place] = (1, rows, rows, rows * rows);
    }
    let judged = judge(&spec, &all).unwrap();
    assert_eq!(verdict(&judged, "counted-once"), Pass, "{:?}", found(&judged, "counted-once"));
}

#[test]
fn what_only_the_new_arm_has_may_be_missing_in_the_other() {
    let metrics = json!({
        "signup": { "type": "proportion", "event": "signup", "title": "Sign-ups" },
        "revenue": { "type": "mean", "column": "amount", "unit": "€", "title": "Revenue" },
        "page_load": null, "visits": null,
        "tours": { "type": "proportion", "event": "tour" },
    });
    let text =
        json!({ "metrics": metrics, "must_not_harm": { "revenue": "90%", "page_load": null } });
    let mut all = serde_json::to_value(spec(&json!({}))).unwrap();
    for (key, value) in text.as_object().unwrap() {
        let kept = value.as_object().unwrap().iter().filter(|(_, one)| !one.is_null());
        all[key] = gate_core::Json::Object(kept.map(|(k, v)| (k.clone(), v.clone())).collect());
    }
    let spec: Settings = serde_json::from_value(all).unwrap();
    let mut all = World::default().seen(&spec);
    let place = all.totals.iter().position(|one| one.event.as_deref() == Some("tour")).unwrap();
    all.all[1].totals[place] = (900, 900.0, 900.0, 900.0);
    let judged = judge(&spec, &all).unwrap();
    let tracking = found(&judged, "tracking");
    assert_eq!(tracking.verdict, Warn, "{}", tracking.message);
    assert!(tracking.message.contains("unless only other arms have it"), "{}", tracking.message);
}

#[test]
fn an_event_that_nobody_has_is_no_heartbeat() {
    let spec = spec(&json!({ "data": { "heartbeat": "pageview" } }));
    let judged = judge(&spec, &World::default().seen(&spec)).unwrap();
    assert_eq!(verdict(&judged, "heartbeat"), Fail);
}

#[test]
fn the_rate_of_two_days_is_not_known() {
    let spec = plain(&json!({ "visitors_per_day": 8000.0 }));
    let mut all = seen(&spec, &[vec![(20, 2, 1.0), (20, 2, 1.0)], vec![(300, 30, 1.0); 2]], 0);
    all.segments.clear();
    let judged = judge(&spec, &all).unwrap();
    assert_eq!(judged.progress.per_day, Some(8000.0));
    assert_eq!(verdict(&judged, "counted-once"), Pass);
}
