//! Each defect is caught by the check that is there for it, and named.

use gate_core::Verdict::{self, Fail, Inconclusive, Warn};
use serde_json::json;

use super::synthetic::{Defect, World, spec};
use super::*;

/// The check that has to see a defect, how bad it is, and what its message or advice has to say.
struct Expect {
    check: &'static str,
    verdict: Verdict,
    says: &'static [&'static str],
}

fn check(defect: Defect, with: gate_core::Json, expect: &Expect) {
    let mut caught = 0;
    for seed in 1..=5 {
        let spec = spec(&with);
        let seen = World { seed, ..World::with(defect) }.seen(&spec);
        let judged = judge(&spec, &seen).unwrap();
        let all = judged.clone().checks();
        let found = all.iter().find(|check| check.id == expect.check);
        let found = found.unwrap_or_else(|| panic!("{defect:?}: no check {}", expect.check));
        let text = format!("{} {}", found.message, found.advice.as_deref().unwrap_or_default());
        let is_named = expect.says.iter().all(|part| text.contains(part));
        if found.verdict == expect.verdict && is_named {
            caught += 1;
        } else {
            println!("{defect:?} with the seed {seed}: {} {text}", found.verdict);
        }
        if judged.trust.iter().any(|check| check.verdict == Fail) {
            let success = all.iter().find(|check| check.id == "success").unwrap();
            assert_eq!(success.verdict, Inconclusive, "{defect:?}");
            assert!(success.message.starts_with("Don't trust these numbers yet."), "{success:?}");
            assert!(judged.primary.is_empty() && success.metrics.is_empty());
        }
    }
    assert_eq!(caught, 5, "{defect:?} is caught {caught} times of 5");
}

fn trust(check: &'static str, says: &'static [&'static str]) -> Expect {
    Expect { check, verdict: Fail, says }
}

#[test]
fn wrong_splits() {
    let all = json!({});
    check(Defect::SkewedSplit, all.clone(), &trust("split", &["we expected 50/50", "weights"]));
    check(Defect::RedirectLoss, all.clone(), &trust("split", &["got 9", "one arm redirects"]));
    check(Defect::BotsInOneArm, all.clone(), &trust("split", &["got 4", "bots"]));
    check(
        Defect::SkewOfDay,
        all.clone(),
        &trust("split-by-day", &["of 2026-11-05", "did not start, stop or ramp up together"]),
    );
    check(
        Defect::LateLogs,
        all,
        &trust("split-by-day", &["of 2026-11-14", "late logs", "look again tomorrow"]),
    );
}

#[test]
fn wrong_splits_of_some() {
    let of_both = json!({ "data": { "exposures": { "segments": ["device", "country"] } } });
    check(
        Defect::SkewOfSegment,
        of_both,
        &trust("split-by-segment", &["country fr", "slow or broken"]),
    );
    let other = json!({ "also_running": [{ "experiment": "banner", "column": "banner" }] });
    check(
        Defect::HashReuse,
        other,
        &trust("split-by-segment", &["banner o", "same hash seed", "seed of its own"]),
    );
    let closed = json!({ "split": { "control": "50%", "new_hero": "50%", "old": "0%" } });
    check(Defect::ClosedArm, closed, &trust("closed-arms", &["4 in old", "other weights"]));
    check(
        Defect::Simpson,
        json!({}),
        &trust("same-within", &["Simpson's paradox", "weights were changed on the way"]),
    );
}

#[test]
fn visitors_who_are_counted_wrongly() {
    let all = json!({});
    check(
        Defect::SeveralArms,
        all.clone(),
        &trust("one-arm", &["have seen several arms", "after a login or without a cookie"]),
    );
    check(
        Defect::DoubleExposureInOneArm,
        all.clone(),
        &trust("counted-once", &["recorded 2 times of each in new_hero", "sent by two places"]),
    );
    check(
        Defect::ExposuresOverCounted,
        all.clone(),
        &trust("counted-once", &["to be recorded once, and is 1.9 times"]),
    );
    check(
        Defect::ConversionsDoubledInOneArm,
        all.clone(),
        &trust("counted-once", &["signup is recorded 2 times of each in new_hero"]),
    );
    check(
        Defect::ConversionsDoubled,
        all.clone(),
        &trust("counted-once", &["signup is to be recorded once", "and is 1."]),
    );
    // The split is clean each time; something else says how many there should be.
    let ids = |with| check(Defect::IdsDoubled, with, &trust("counted-once", &["several ids"]));
    ids(json!({ "data": { "exposures": { "person": "person" } } }));
    ids(json!({ "success": { "baseline": "10%" } }));
    ids(json!({ "visitors_per_day": 8000.0 / 14.0 }));
}

#[test]
fn an_over_count_leaves_the_split_perfect() {
    let spec = spec(&json!({ "data": { "exposures": { "person": "person" } } }));
    let seen = World::with(Defect::IdsDoubled).seen(&spec);
    let judged = judge(&spec, &seen).unwrap();
    let split = judged.trust.iter().find(|check| check.id == "split").unwrap();
    assert_eq!(split.verdict, Verdict::Pass, "{split:?}");
    assert!(judged.headline.contains("each is counted 1.9 times"), "{}", judged.headline);
}

#[test]
fn events_that_are_not_there() {
    let all = json!({});
    check(
        Defect::ArmWithoutConversions,
        all.clone(),
        &trust("tracking", &["in new_hero has any", "what they do is lost", "breaks what sends"]),
    );
    check(
        Defect::DayWithoutConversions,
        all.clone(),
        &trust("tracking", &["who came on 2026-11-07", "lost on the way"]),
    );
    check(Defect::LostBeacons, all.clone(), &trust("heartbeat", &["events of one arm are lost"]));
    check(
        Defect::BrokenJoin,
        all.clone(),
        &trust("tracking", &["the join is broken", "ids that are not the same"]),
    );
    check(Defect::NoConversions, all.clone(), &trust("tracking", &["nothing was recorded of"]));
    check(
        Defect::CarryOver,
        all.clone(),
        &trust("alike-before", &["before", "carry over", "another experiment uses the same hash"]),
    );
    check(Defect::LateExposures, all, &trust("alike-before", &["before", "late logs"]));
}

#[test]
fn effects_that_are_not_what_they_seem() {
    let expect = |check, verdict, says| Expect { check, verdict, says };
    let all = json!({});
    check(Defect::Novelty, all.clone(), &expect("no-trend", Warn, &["fades", "first half"]));
    check(
        Defect::HarmedSegment,
        all.clone(),
        &expect("no-segment-harmed", Warn, &["device phone"]),
    );
    check(Defect::TooGood, all.clone(), &expect("plausible", Warn, &["Twyman's law"]));
    check(
        Defect::HarmedRevenue,
        all.clone(),
        &expect("guardrail-revenue", Fail, &["Revenue fell from", "At most 25% was allowed"]),
    );
    check(
        Defect::SlowVariant,
        all.clone(),
        &expect("guardrail-page_load", Fail, &["Page load rose from", "At most 5% was allowed"]),
    );
    check(
        Defect::MissingDays,
        all,
        &expect("whole-weeks", Warn, &["nobody was exposed on 2 days of 14"]),
    );
}
