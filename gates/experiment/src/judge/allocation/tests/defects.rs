//! Defects of an allocation, each of which is caught and named.

use std::fmt::Write;

use gate_core::Verdict::{self, Fail, Inconclusive, Warn};
use serde_json::json;

use super::cases::*;

/// What it is, the case, the check that sees it, what that says, and words that name it.
type Defect = (&'static str, Case, &'static str, Verdict, &'static [&'static str]);

/// The defect turns this check to this, and what it says names it.
fn check((name, case, id, verdict, named): Defect, text: &mut String) {
    let checks = case.checks();
    let found = checks.iter().find(|check| check.id == id);
    let found = found.unwrap_or_else(|| panic!("{name}: no {id} in {checks:#?}"));
    let said = format!("{}\n    {}", found.message, found.advice.as_deref().unwrap_or_default());
    assert_eq!(found.verdict, verdict, "{name}: {said}");
    for words in named {
        assert!(said.contains(words), "{name}: `{words}` is not in {said}");
    }
    // Nothing else is accused beside it but what follows from it.
    let worse = checks.iter().filter(|check| check.verdict > verdict).count();
    assert_eq!(worse, 0, "{name}: {checks:#?}");
    writeln!(text, "{name}\n  {} [{id}]: {said}\n", found.verdict.word()).unwrap();
}

/// Team's own ids in an allocation that is right otherwise.
fn ids(text: String) -> Case {
    Case::growthbook(&json!({}), &serde_json::from_str(OWN).unwrap()).file("ids.txt", text)
}

fn rule(rule: serde_json::Value) -> Case {
    Case::growthbook(&rule, &json!({}))
}

fn weights_and_coverage() -> Vec<Defect> {
    vec![
        (
            "weights of the service",
            rule(json!({"weights": [0.6, 0.4]})),
            "weights",
            Fail,
            &["50/50", "60/40", "other weights"],
        ),
        (
            "weights that do not add up",
            Case::growthbook(
                &json!({"weights": [0.5, 0.3]}),
                &json!({"split": {"control": "62.5%", "new_hero": "37.5%"}}),
            ),
            "weights",
            Fail,
            &["62.5/37.5", "50/50"],
        ),
        (
            "arms by other names",
            rule(json!({"meta": null})),
            "weights",
            Fail,
            &["no arm `control` and `new_hero`", "provider.arms"],
        ),
        (
            "an arm too many",
            rule(
                json!({"variations": ["old", "new", "third"], "weights": [0.4, 0.4, 0.2], "meta": [{"key": "control"}, {"key": "new_hero"}, {"key": "third"}]}),
            ),
            "weights",
            Fail,
            &["`third`, which the spec does not have"],
        ),
        (
            "zero coverage",
            rule(json!({"coverage": 0})),
            "takes-part",
            Fail,
            &["none of 5,000 ids", "coverage is 0"],
        ),
        (
            "targeting that nobody meets",
            rule(json!({"condition": {"country": "XX"}})),
            "takes-part",
            Fail,
            &["none of 5,000 ids", "targeting"],
        ),
        (
            "a segment of one arm",
            unleash(&[("DE", "new_hero"), ("", "")]),
            "allocation-country = DE",
            Fail,
            &["not one of 1,000 ids with country = DE is put into control", "targeting"],
        ),
        (
            "a fixed arm by a rule",
            launchdarkly(),
            "by-chance",
            Fail,
            &["into control", "a rule before the experiment"],
        ),
        (
            "a draw for each visit",
            unleash(&[("", "random")]),
            "predictable",
            Inconclusive,
            &["draws lots", "draws an arm anew"],
        ),
        (
            "another id is hashed",
            rule(json!({"hashAttribute": "deviceId"})),
            "unit",
            Warn,
            &["`deviceId`", "`user_id`"],
        ),
    ]
}

fn odd_ids() -> Vec<Defect> {
    vec![
        (
            "a word for no id",
            ids(own(users(500).chain((0..40).map(|_| "null".to_owned())))),
            "ids",
            Fail,
            &["40 lines", "`null`", "ids are missing"],
        ),
        (
            "another word for no id",
            ids(own(users(500).chain(["undefined".to_owned()]))),
            "ids",
            Fail,
            &["`undefined`"],
        ),
        (
            "no id",
            ids(own(users(500).chain((0..40).map(|_| String::new())))),
            "ids",
            Fail,
            &["40 lines", "without an id"],
        ),
        (
            "duplicates",
            ids(own(users(500).chain(users(300)))),
            "ids",
            Fail,
            &["300 lines", "duplicates"],
        ),
        (
            "ids cut short",
            ids(own((0..500).map(|at| uuid(at)[..if at % 5 == 0 { 20 } else { 36 }].to_owned()))),
            "ids",
            Fail,
            &["100 ids", "cut short"],
        ),
        (
            "ids from a spreadsheet",
            ids(own((0..90).map(|at| format!("1.{:05}E+11", at * 977)))),
            "ids",
            Fail,
            &["rounded"],
        ),
        (
            "ids in quotes",
            ids(own((0..90).map(|at| format!("\"user-{at}\"")))),
            "ids",
            Fail,
            &["blanks or quotes"],
        ),
    ]
}

fn around() -> Vec<Defect> {
    vec![
        (
            "hash reuse with equal seeds",
            Case::growthbook(
                &json!({"seed": "price"}),
                &json!({"also_running": [{"experiment": "price"}]}),
            ),
            "together-price",
            Fail,
            &["same hash with the same seed", "same hash seed"],
        ),
        (
            "the same salt in another number of buckets",
            generic_pair(),
            "together-hero",
            Fail,
            &["goes together", "same hash seed"],
        ),
        (
            "overlapping namespaces",
            namespaces(0.4),
            "namespace-price",
            Fail,
            &["namespace `pages`", "overlap"],
        ),
        (
            "ids that SDKs read differently",
            ids(own((0..200).map(|at| format!("用户{at}")))).sdks(&["javascript", "go"]),
            "sdks",
            Fail,
            &["Javascript (utf-16)", "Go (utf-8)", "not ASCII"],
        ),
        (
            "ids that another SDK would read differently",
            ids(own((0..200).map(|at| format!("josé{at}")))),
            "sdks",
            Warn,
            &["not ASCII"],
        ),
        (
            "SDKs that would differ",
            rule(json!({})).sdks(&["javascript", "rust"]),
            "sdks",
            Warn,
            &["made up", "not ASCII"],
        ),
    ]
}

fn ramp_ups() -> Vec<Defect> {
    vec![
        (
            "weights that change while it ramps up",
            before(&json!({"weights": [0.3, 0.7], "coverage": 0.5})),
            "ramp-up-1",
            Fail,
            &["another arm", "weights, seed"],
        ),
        (
            "a new seed while it ramps up",
            before(&json!({"seed": "old", "coverage": 0.1})),
            "ramp-up-1",
            Fail,
            &["another arm", "seed"],
        ),
        (
            "another hash while it ramps up",
            before(&json!({"hashVersion": 1})),
            "ramp-up-1",
            Fail,
            &["another arm", "hash version"],
        ),
        (
            "less coverage than before",
            before(&json!({"coverage": 1})).set(&json!({"coverage": 0.5})),
            "ramp-up-1",
            Fail,
            &["in none any more"],
        ),
        ("a rollout that moves its control", rollout(), "ramp-up-1", Fail, &["another arm"]),
    ]
}

fn configurations() -> Vec<Defect> {
    vec![
        (
            "a configuration with a mistake",
            rule(json!({"weights": [0.5, "half"]})),
            "configuration",
            Fail,
            &["features.json: features.hero.rules[0].weights[1]: is a text, not a number"],
        ),
        (
            "a key that is not there",
            rule(json!({})).key("heroes"),
            "configuration",
            Fail,
            &["heroes: there is no such feature", "It has hero, price"],
        ),
        (
            "a torn configuration",
            rule(json!({})).file("features.json", "{\"features\"".to_owned()),
            "configuration",
            Fail,
            &["features.json: this is no JSON", "export"],
        ),
    ]
}

#[test]
fn defects_are_caught_and_named() {
    let all = [weights_and_coverage(), odd_ids(), around(), ramp_ups(), configurations()];
    let (mut text, mut count) = (String::new(), 0);
    for defect in all.into_iter().flatten() {
        check(defect, &mut text);
        count += 1;
    }
    assert!(count >= 30, "{count}");
    insta::assert_snapshot!("defects", text);
}
