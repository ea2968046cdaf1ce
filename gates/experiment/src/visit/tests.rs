//! Visitors are made up here, one defect at a time, and what is said of them is looked at.

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

type Spoils = fn(&mut Visitor);

/// A defect: what it does to visitors, which check fails of it, and what is said.
const DEFECTS: &[(&str, Spoils, &str, &str)] = &[
    (
        "allocation-skew",
        |one| {
            // Nine in ten see the control, whoever they are.
            let number = one.id.rsplit('-').next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
            sees(one, if number % 10 < 9 { "control" } else { "new_hero" });
        },
        "visit-arm",
        "allocation is skewed",
    ),
    (
        "another-seed",
        |one| {
            let spec = spec();
            let mut config = config();
            config["features"]["hero"]["rules"][0]["seed"] = json!("autumn");
            let other = Replica::of(
                &spec,
                spec.provider.as_ref().unwrap(),
                &config,
                "http://test.example/",
            )
            .unwrap();
            let arm = other.predicted(&one.id).unwrap();
            sees(one, &arm);
        },
        "visit-arm",
        "another seed",
    ),
    (
        "utf16-ids",
        |one| {
            if let Some(Some(arm)) = one.otherwise.get("utf-8").cloned() {
                sees(one, &arm);
            }
        },
        "visit-arm",
        "another encoding of the id (utf-8)",
    ),
    (
        "cache-poison",
        |one| {
            let right = one.predicted.clone();
            sees(one, "control");
            for look in &mut one.looks {
                look.cache = Some("age: 40".to_owned());
                look.uncached =
                    (look.shown.first() != right.as_ref()).then(|| right.iter().cloned().collect());
            }
        },
        "visit-arm",
        "a cache gives one visitor's variant to others (age: 40)",
    ),
    (
        "nobody-takes-part",
        |one| {
            one.predicted = None;
            sees(one, "control");
            one.events.retain(|event| !event.is_exposure);
        },
        "visit-belongs",
        "none of 300 visitors takes part",
    ),
    (
        "other-weights-there",
        |one| {
            let number = one.id.rsplit('-').next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
            let arm = if number % 10 < 8 { "control" } else { "new_hero" };
            one.predicted = Some(arm.to_owned());
            sees(one, arm);
        },
        "visit-belongs",
        "which is not the split that was meant",
    ),
    (
        "lost-on-arrival",
        |one| {
            for event in one.events.iter_mut().filter(|event| event.is_exposure) {
                (event.after, event.view) = (When::Reload, 2);
            }
        },
        "visit-exposure",
        "lost beacon",
    ),
    (
        "no-variant",
        |one| {
            if one.predicted.as_deref() == Some("new_hero") {
                one.looks.iter_mut().for_each(|look| look.shown.clear());
            }
        },
        "visit-variant",
        "exposure without rendering",
    ),
    (
        "both-variants",
        |one| {
            if one.predicted.as_deref() == Some("new_hero") {
                one.looks.iter_mut().for_each(|look| look.shown.insert(0, "control".to_owned()));
            }
        },
        "visit-variant",
        "at once",
    ),
    (
        "stale-cookie",
        |one| {
            one.looks.iter_mut().for_each(|look| look.assigned = Some("control".to_owned()));
        },
        "visit-assignment",
        "its cookie says control",
    ),
    (
        "sticky-loss",
        |one| {
            let other =
                if one.predicted.as_deref() == Some("control") { "new_hero" } else { "control" };
            if one.id.ends_with('3') {
                one.looks[1].shown = vec![other.to_owned()];
                one.looks[1].assigned = Some(other.to_owned());
            }
        },
        "visit-stays",
        "stickiness is lost: the arm is drawn anew",
    ),
    (
        "login-changes",
        |one| {
            if let Some(look) = one.looks.iter_mut().find(|look| look.when == When::Login) {
                look.shown = vec!["control".to_owned()];
                look.assigned = Some("control".to_owned());
            }
        },
        "visit-stays",
        "by another id before the login",
    ),
    (
        "double-exposure",
        |one| {
            if let Some(first) = one.events.first().cloned() {
                one.events.push(first);
            }
        },
        "visit-exposure",
        "double exposure",
    ),
    (
        "lost-beacon",
        |one| one.events.retain(|event| !event.is_exposure),
        "visit-exposure",
        "lost beacon",
    ),
    (
        "redirect-loss",
        |one| {
            if one.predicted.as_deref() == Some("new_hero") {
                one.events.retain(|event| !event.is_exposure);
                one.looks.iter_mut().for_each(|look| look.led_to = Some("/b".to_owned()));
            }
        },
        "visit-exposure",
        "a redirect leaves the page",
    ),
    (
        "broken-telemetry",
        |one| {
            if one.predicted.as_deref() == Some("new_hero") {
                one.events.retain(|event| !event.is_exposure);
            }
        },
        "visit-exposure",
        "6 of 6 in new_hero, none in any other arm). Cause: that variant changes or breaks",
    ),
    (
        "collector-refuses",
        |one| {
            one.events.iter_mut().for_each(|event| event.status = Some(413));
        },
        "visit-exposure",
        "it was answered 413",
    ),
    (
        "corrupt-ids",
        |one| {
            one.events.iter_mut().for_each(|event| event.id = Some("undefined".to_owned()));
        },
        "visit-exposure",
        "was recorded as `undefined`. Cause: corrupt",
    ),
    (
        "arm-of-event",
        |one| {
            one.events.iter_mut().for_each(|event| event.arm = Some("control".to_owned()));
        },
        "visit-exposure",
        "and was recorded in control",
    ),
    (
        "lost-conversion",
        |one| one.events.retain(|event| event.is_exposure),
        "visit-conversion",
        "no `signup`",
    ),
    (
        "double-conversion",
        |one| {
            if let Some(last) = one.events.last().cloned() {
                one.events.push(last);
            }
        },
        "visit-conversion",
        "double signup events",
    ),
    (
        "conversion-of-nobody",
        |one| {
            one.events
                .iter_mut()
                .filter(|event| !event.is_exposure)
                .for_each(|event| event.id = None);
        },
        "visit-conversion",
        "was recorded as nobody",
    ),
    (
        "one-arm-redirects",
        |one| {
            if one.predicted.as_deref() == Some("new_hero") {
                for look in &mut one.looks {
                    look.led_to = Some("/b".to_owned());
                    look.first_byte = look.first_byte.map(|time| time + 180_000);
                }
            }
        },
        "visit-path",
        "not all arms redirect",
    ),
    (
        "slow-arm",
        |one| {
            if one.predicted.as_deref() == Some("new_hero") {
                one.looks.iter_mut().for_each(|look| look.first_byte = Some(240_000));
            }
        },
        "visit-path",
        "220 ms longer in new_hero",
    ),
    (
        "flicker",
        |one| {
            if one.way == Way::Browser && one.predicted.as_deref() == Some("new_hero") {
                one.looks[0].flicker = Some(("control".to_owned(), 320_000));
            }
        },
        "visit-flicker",
        "that of control for 320 ms",
    ),
    (
        "page-fails",
        |one| {
            if one.id.ends_with('3') {
                one.failed = Some("it was answered 503".to_owned());
                one.looks.clear();
            }
        },
        "visitors",
        "it was answered 503",
    ),
];

fn sees(one: &mut Visitor, arm: &str) {
    for look in &mut one.looks {
        look.shown = vec![arm.to_owned()];
        look.assigned = Some(arm.to_owned());
    }
    one.events.iter_mut().for_each(|event| event.arm = Some(arm.to_owned()));
}

#[test]
fn each_defect_is_caught_and_named() {
    let mut all = Vec::new();
    for (name, spoils, id, says) in DEFECTS {
        let mut seen = clean(11);
        seen.visitors.iter_mut().for_each(spoils);
        let checks = checks(&seen);
        let check = checks.iter().find(|check| check.id == *id);
        let check = check.unwrap_or_else(|| panic!("{name}: no {id}: {}", told(&checks)));
        assert!(check.message.contains(says), "{name}: {}", told(&checks));
        assert_ne!(check.verdict, Verdict::Pass, "{name}");
        let wrong: Vec<Check> =
            checks.into_iter().filter(|check| check.verdict != Verdict::Pass).collect();
        all.push(format!("# {name}\n{}", told(&wrong)));
    }
    insta::assert_snapshot!("defects", all.join("\n\n"));
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
    assert_eq!(verdict("visit-stays"), None);
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
