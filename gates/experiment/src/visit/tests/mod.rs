//! Visitors are made up here, one defect at a time, and what is said of them is looked at.

mod defects;

use std::collections::BTreeMap;

use gate_core::{Check, Verdict};
use serde_json::json;

use super::seen::{Look, Reported, Way, When};
use super::*;

fn spec() -> Settings {
    let text = json!({
        "hypothesis": "A shorter hero brings more sign-ups",
        "owner": "growth@example.com",
        "provider": { "type": "growthbook", "config": "features.json", "experiment": "spring-hero" },
        "split": { "control": "50%", "new_hero": "50%" },
        "unit": "user_id",
        "before_launch": {
            "shows": { "control": "#hero-old", "new_hero": "#hero-new" },
            "arm_cookie": "arm",
            "stays_after": ["reload", "new_page", "login"],
            "login": [{ "open": "/login" }],
            "converts": [{ "click": "#signup" }],
            "records": { "exposure": "once", "conversion": { "event": "signup", "times": 1 } },
        },
    });
    let spec: Settings = serde_json::from_value(text).unwrap();
    assert_eq!(spec.problems(), []);
    spec
}

fn config() -> serde_json::Value {
    json!({ "features": { "hero": { "defaultValue": "old", "rules": [{
        "key": "spring-hero", "seed": "spring-hero", "hashAttribute": "user_id", "hashVersion": 2,
        "variations": ["old", "new"], "weights": [0.5, 0.5], "coverage": 1,
        "meta": [{ "key": "control" }, { "key": "new_hero" }],
    }] } } })
}

fn replica(spec: &Settings) -> Replica {
    Replica::of(spec, spec.provider.as_ref().unwrap(), &config(), "http://test.example/").unwrap()
}

/// Visitors of whom all is as it should be.
fn clean(seed: u64) -> Visits {
    let spec = spec();
    let mut known = spec.before_launch.as_ref().unwrap().known_by(&spec.unit);
    known.ids = vec!["gate-{n}".to_owned(), "gâte-用户-{n}".to_owned()];
    let mut visitors = identity::visitors(&replica(&spec), &spec, &known, (300, 12), seed);
    for one in &mut visitors {
        let look = |when| Look {
            when,
            shown: one.predicted.iter().cloned().collect(),
            assigned: one.predicted.clone(),
            first_byte: Some(20_000),
            first_paint: Some(90_000),
            ..Look::default()
        };
        one.looks = vec![look(When::Arrival), look(When::Reload)];
        if one.way == Way::Browser {
            one.looks.extend([look(When::NewPage), look(When::Login)]);
            let event = |event: &str, is_exposure, after| Reported {
                after,
                view: if is_exposure { 1 } else { 5 },
                event: event.to_owned(),
                is_exposure,
                id: Some(one.id.clone()),
                arm: one.predicted.clone(),
                status: Some(204),
                is_cut: false,
            };
            one.events =
                vec![event("exposure", true, When::Arrival), event("signup", false, When::Login)];
            one.has_converted = true;
        }
    }
    Visits { page: "http://test.example/".to_owned(), visitors, ..Visits::default() }
}

fn checks(seen: &Visits) -> Vec<Check> {
    let spec = spec();
    judged(&spec, spec.before_launch.as_ref().unwrap(), seen)
}

fn told(checks: &[Check]) -> String {
    let line = |check: &Check| {
        let advice =
            check.advice.as_ref().map(|advice| format!("\n    {advice}")).unwrap_or_default();
        format!("{} {}: {}{advice}", check.verdict.word(), check.id, check.message)
    };
    checks.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn visitors_are_dealt_ids_and_arms() {
    let seen = clean(7);
    let browsers: Vec<_> = seen.visitors.iter().filter(|one| one.way == Way::Browser).collect();
    assert_eq!((seen.visitors.len(), browsers.len()), (300, 12));
    let control = browsers.iter().filter(|one| one.predicted.as_deref() == Some("control")).count();
    assert_eq!(control, 6);
    let mut ids: Vec<&str> = seen.visitors.iter().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 300);
    assert_eq!(clean(7), seen);
    assert_ne!(clean(8).visitors[0].id, seen.visitors[0].id);
    // Where SDKs read an id in different ways, some would be in another arm.
    let torn: Vec<_> = seen.visitors.iter().filter(|one| !one.otherwise.is_empty()).collect();
    assert!(torn.len() > 50 && torn.iter().all(|one| !one.id.is_ascii()), "{}", torn.len());
}

#[test]
fn clean_visits_pass() {
    for seed in 0..200 {
        let checks = checks(&clean(seed));
        assert!(checks.iter().all(|check| check.verdict == Verdict::Pass), "{}", told(&checks));
        assert_eq!(checks.len(), 10);
    }
    insta::assert_snapshot!("clean", told(&checks(&clean(1))));
}

#[test]
fn what_nobody_saw_is_no_pass() {
    let mut seen = clean(3);
    for one in &mut seen.visitors {
        one.looks.clear();
        one.events.clear();
        one.failed = Some("127.0.0.1:1 refused the connection".to_owned());
    }
    let checks = checks(&seen);
    let verdict = |id: &str| checks.iter().find(|check| check.id == id).map(|check| check.verdict);
    assert_eq!(verdict("visitors"), Some(Verdict::Inconclusive), "{}", told(&checks));
    assert_eq!(verdict("visit-arm"), Some(Verdict::Inconclusive));
    assert_eq!(verdict("visit-exposure"), Some(Verdict::Inconclusive));
    assert_eq!(verdict("visit-stays"), Some(Verdict::Inconclusive));
}

#[test]
fn what_was_asked_for_and_nobody_did_is_no_pass() {
    let mut seen = clean(3);
    seen.visitors.retain(|one| one.way == Way::Request);
    let checks = checks(&seen);
    let stays = checks.iter().find(|check| check.id == "visit-stays").unwrap();
    assert_eq!(stays.verdict, Verdict::Inconclusive, "{}", told(&checks));
    assert_eq!(stays.message, "nobody's variant was seen after another page or after logging in");
}

#[test]
fn a_selector_that_only_browsers_understand_says_nothing_of_html() {
    let mut seen = clean(3);
    seen.of_browsers = vec!["#hero:popover-open".to_owned()];
    for one in seen.visitors.iter_mut().filter(|one| one.way == Way::Request) {
        one.looks.iter_mut().for_each(|look| look.shown.clear());
    }
    let checks = checks(&seen);
    let says =
        "the others' HTML says nothing, because only a browser understands #hero:popover-open";
    assert!(checks[0].message.contains(says), "{}", checks[0].message);
    assert!(checks.iter().all(|check| check.verdict == Verdict::Pass), "{}", told(&checks));
}

#[test]
fn a_page_that_is_put_together_in_the_browser_is_seen_by_browsers_alone() {
    let all = [vec![], vec!["control", "new_hero"], vec!["control"]];
    for (shows, says) in all.iter().zip(["saw neither", "saw neither", "all saw that of control"]) {
        let shows: Vec<String> = shows.iter().map(|arm| (*arm).to_owned()).collect();
        let mut seen = clean(3);
        for one in seen.visitors.iter_mut().filter(|one| one.way == Way::Request) {
            one.looks.iter_mut().for_each(|look| look.shown.clone_from(&shows));
        }
        let checks = checks(&seen);
        assert!(checks.iter().all(|check| check.verdict == Verdict::Pass), "{}", told(&checks));
        assert!(checks[0].message.contains(says), "{}", checks[0].message);
        let arm = checks.iter().find(|check| check.id == "visit-arm").unwrap();
        assert!(arm.message.starts_with("all 12 visitors"), "{}", arm.message);
    }
}

#[test]
fn who_takes_no_part_sees_the_usual_and_is_not_counted() {
    let mut seen = clean(5);
    let mut of = BTreeMap::new();
    for (at, one) in seen.visitors.iter_mut().enumerate().filter(|(at, _)| at % 3 == 0) {
        one.predicted = None;
        one.events.retain(|event| !event.is_exposure);
        let shown = ["control", "new_hero"][usize::from(at == 3)];
        one.looks.iter_mut().for_each(|look| look.shown = vec![shown.to_owned()]);
        of.insert(at, one.id.clone());
    }
    let found = checks(&seen);
    let arm = found.iter().find(|check| check.id == "visit-arm").unwrap();
    assert!(
        arm.message.contains(&format!("{} belongs in no arm and saw new_hero", of[&3])),
        "{}",
        arm.message
    );
    let exposure = found.iter().find(|check| check.id == "visit-exposure").unwrap();
    assert_eq!(exposure.verdict, Verdict::Pass, "{}", exposure.message);
}

#[test]
fn what_nothing_says_how_to_do_is_told() {
    let mut spec = spec();
    let before = spec.before_launch.as_mut().unwrap();
    before.login.clear();
    before.converts.clear();
    assert_eq!(spec.problems(), []);
    let before = spec.before_launch.as_ref().unwrap();
    let checks = judged(&spec, before, &clean(1));
    let untried = checks.iter().find(|check| check.id == "visit-untried").unwrap();
    insta::assert_snapshot!("untried", told(std::slice::from_ref(untried)));
    assert!(checks.iter().all(|check| check.id != "visit-conversion"));
}

#[test]
fn what_a_cache_gives_to_all_is_no_choice_of_the_browser() {
    // Browsers came while the cache was cold.
    let mut seen = clean(3);
    for one in seen.visitors.iter_mut().filter(|one| one.way == Way::Request) {
        let right: Vec<String> = one.predicted.iter().cloned().collect();
        for look in &mut one.looks {
            look.shown = vec!["control".to_owned()];
            look.uncached = (look.shown != right).then(|| right.clone());
        }
    }
    let found = checks(&seen);
    let arm = found.iter().find(|check| check.id == "visit-arm").unwrap();
    assert!(arm.message.contains("a cache gives one visitor's variant"), "{}", told(&found));
}

#[test]
fn rules_are_told_what_is_known_of_visitors() {
    let mut spec = spec();
    let mut config = config();
    config["features"]["hero"]["rules"][0]["condition"] = json!({ "country": "DE" });
    let arm = |spec: &Settings| {
        let provider = spec.provider.as_ref().unwrap();
        let replica = Replica::of(spec, provider, &config, "http://test.example/").unwrap();
        replica.predicted("gate-1")
    };
    assert_eq!(arm(&spec), None);
    let known = json!({ "attributes": { "country": "DE" } });
    spec.before_launch.as_mut().unwrap().known_by = Some(serde_json::from_value(known).unwrap());
    assert_eq!(spec.problems(), []);
    assert!(arm(&spec).is_some());
}

#[test]
fn those_who_are_wrong_are_listed() {
    let mut seen = clean(11);
    seen.visitors.truncate(40);
    seen.visitors[30].looks[1].shown.clear();
    let last = seen.visitors.last_mut().unwrap();
    last.failed = Some("it was answered 503".to_owned());
    last.looks.clear();
    seen.visitors[2].events[0].status = Some(413);
    let rows = table::table(&seen).rows;
    let lines: Vec<String> = rows
        .iter()
        .map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "))
        .collect();
    insta::assert_snapshot!("table", lines.join("\n"));
}
