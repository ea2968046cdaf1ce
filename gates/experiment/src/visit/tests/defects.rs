//! What is wrong with a site, one thing at a time: each is caught, and named.

use gate_core::{Check, Verdict};
use serde_json::json;

use super::{checks, clean, config, spec, told};
use crate::visit::Replica;
use crate::visit::seen::{Visitor, Way, When};

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
        "cut-by-redirect",
        |one| {
            if one.predicted.as_deref() == Some("new_hero") {
                for event in one.events.iter_mut().filter(|event| event.is_exposure) {
                    (event.status, event.is_cut) = (None, true);
                }
            }
        },
        "visit-exposure",
        "was still on its way when the page was left",
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
    insta::assert_snapshot!("caught", all.join("\n\n"));
}
