//! What is malformed or not known is said with its place, and what cannot be predicted is said so.

use std::collections::BTreeMap;

use bucketing::{Encoding, Subject, Why};
use serde_json::{Value, json};

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn what_is_not_known_is_an_error_with_its_place() {
    let check = |provider: &str, config: Value, expect: &str| {
        let provider = bucketing::find(provider).unwrap();
        let error = provider.prepare(&config, "hero", &BTreeMap::new()).unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    let variations = json!(["a", "b"]);
    let rule = |condition: Value| json!({"features": {"hero": {"rules": [{"variations": variations, "condition": condition}]}}});
    check(
        "growthbook",
        rule(json!({"age": {"$above": 3}})),
        "features.hero.rules[0].condition.age.$above: the operator \"$above\" is not known",
    );
    check(
        "growthbook",
        rule(json!({"$xor": []})),
        "features.hero.rules[0].condition.$xor: \"$xor\" is not known here",
    );
    check("growthbook", json!({"encryptedFeatures": "x"}), "encryptedFeatures: is encrypted");
    check(
        "growthbook",
        json!({"features": {"other": {}}}),
        "hero: there is no such feature or experiment in the configuration",
    );
    let strategy = |strategy: Value| json!({"features": [{"name": "hero", "enabled": true, "strategies": [strategy]}]});
    check(
        "unleash",
        strategy(json!({"name": "ours"})),
        "features[0].strategies[0].name: the strategy \"ours\" is not known",
    );
    check(
        "unleash",
        strategy(json!({"name": "flexibleRollout", "parameters": {"rollout": "half"}})),
        "features[0].strategies[0].parameters.rollout: \"half\" is not a number",
    );
    check(
        "unleash",
        strategy(
            json!({"name": "default", "constraints": [{"contextName": "a", "operator": "LIKE"}]}),
        ),
        "features[0].strategies[0].constraints[0].operator: the operator \"LIKE\" is not known",
    );
    let clause = json!({"op": "like", "attribute": "a", "values": []});
    check(
        "launchdarkly",
        json!({"flags": {"hero": {"on": true, "variations": [1], "fallthrough": {"variation": 0},
            "rules": [{"clauses": [clause], "variation": 0}]}}}),
        "flags.hero.rules[0].clauses[0].op: the operator \"like\" is not known",
    );
    check(
        "launchdarkly",
        json!({"flags": {"hero": {"on": true, "variations": [1], "fallthrough": {"variation": 4}}}}),
        "flags.hero.fallthrough.variation: is 4, and there are 1 variations",
    );
    check(
        "flagd",
        json!({"flags": {"hero": {"state": "ENABLED", "variants": {"a": 1}, "targeting": {"map": []}}}}),
        "flags.hero.targeting.map: the operator \"map\" is not known here",
    );
    check("statsig", json!({}), "hero: there is no such gate or experiment in the configuration");
    check(
        "generic",
        json!({"hash": "crc32", "modulus": 100, "arms": {"a": 1}}),
        "hash: \"crc32\" is not known",
    );
}

#[test]
fn lots_are_not_predicted() {
    let config = |rollout: &str| {
        json!({"features": [{"name": "hero", "enabled": true, "strategies": [{
            "name": "flexibleRollout",
            "parameters": {"rollout": rollout, "stickiness": "random", "groupId": "hero"}}]}]})
    };
    let check = |rollout: &str, arm: Option<&str>, predicted: bool| {
        let unleash = bucketing::find("unleash").unwrap();
        let flag = unleash.prepare(&config(rollout), "hero", &BTreeMap::new()).unwrap();
        let seen = flag.assign(&Subject::of("u1"));
        assert_eq!(seen.arm, arm, "{rollout}");
        assert_eq!(!matches!(seen.why, Why::Unpredictable(_)), predicted, "{rollout}");
    };
    check("0", Some("disabled"), true);
    check("50", None, false);
    check("100", Some("enabled"), true);
}

#[test]
fn ids_that_sdks_put_elsewhere_are_found() {
    let config = json!({"key": "hero", "variations": ["a", "b"], "hashVersion": 2});
    let growthbook = bucketing::find("growthbook").unwrap();
    let ids: Vec<String> = (0..200).map(|at| format!("josé{at}")).collect();
    let ids = ids.iter().map(String::as_str).chain(["plain"]);
    let encodings = [Encoding::Utf16, Encoding::Utf8];
    let none = BTreeMap::new();
    let found = bucketing::differs(growthbook, &config, "hero", &none, &encodings, ids).unwrap();
    assert!((60..140).contains(&found.len()), "about half of them: {}", found.len());
    assert!(found.iter().all(|one| one.arms[0] != one.arms[1] && one.id.starts_with("jos")));
    let unicode = [Encoding::Utf16, Encoding::CodePoints];
    let ids = ["josé1", "用户1"];
    let found = bucketing::differs(growthbook, &config, "hero", &none, &unicode, ids).unwrap();
    assert!(found.is_empty(), "they differ beyond the basic plane alone");
}

/// What is nothing but an experiment takes a short way; a rule before it that takes nobody makes
/// it take the long one.
#[test]
fn the_short_way_answers_as_the_long_one() {
    let growthbook = bucketing::find("growthbook").unwrap();
    let nobody = json!({"force": "c", "condition": {"id": {"$in": []}}});
    for version in [1, 2] {
        for (coverage, key) in [(1.0, "hero"), (0.4, "exp"), (0.0, "exp")] {
            let rule = json!({"key": "exp", "variations": ["a", "b", "c"], "hashVersion": version,
                "weights": [0.2, 0.3, 0.5], "coverage": coverage, "meta": [{"key": "x"}]});
            let features = |rules: Value| json!({"features": {"hero": {"rules": rules}}});
            let prepare = |config| growthbook.prepare(&config, key, &BTreeMap::new()).unwrap();
            let short = prepare(features(json!([rule])));
            let long = prepare(features(json!([nobody, rule])));
            for at in 0..500 {
                let id = format!("é{}", at * 7919);
                let subject = Subject::of(if at == 0 { "" } else { &id });
                assert_eq!(short.assign(&subject), long.assign(&subject), "{id} {version}");
            }
        }
    }
}

#[test]
fn bare_hashes_name_their_inputs() {
    let check = |provider: &str, inputs: &[(&str, &str)], expect: Result<Option<&str>, &str>| {
        let hashed = bucketing::find(provider).unwrap().hash(&settings(inputs));
        let seen = hashed.as_ref().map(|hashed| hashed.arm.as_deref());
        assert_eq!(seen.map_err(ToString::to_string), expect.map_err(str::to_owned));
    };
    let inputs = [("id", "u1"), ("seed", ""), ("hash-version", "2")];
    check("growthbook", &inputs, Ok(None));
    let inputs = [("id", "u1"), ("seed", "-7"), ("weights", "all=1,none=0")];
    check("growthbook", &inputs, Ok(Some("all")));
    check("growthbook", &[("id", "u1")], Err("seed: is needed and not given"));
    check("split", &[("id", "u1"), ("seed", "-5")], Ok(None));
    check("eppo", &[("id", "u1"), ("sault", "x")], Err("sault: is not known"));
    let inputs = [("id", "u1"), ("group", "g"), ("weights", "0,1000")];
    check("unleash", &inputs, Ok(Some("1")));
}

#[test]
fn every_provider_says_what_it_is() {
    for provider in bucketing::all() {
        assert!(
            !provider.about.is_empty() && provider.inputs.iter().any(|input| input.name == "id")
        );
        assert_eq!(bucketing::find(provider.name).unwrap().name, provider.name);
        let encodes = provider.settings.iter().any(|setting| setting.name == "encoding");
        assert_eq!(encodes, !provider.encodings.is_empty(), "{}", provider.name);
    }
    assert!(bucketing::find("flip").unwrap_err().hint.unwrap().contains("growthbook"));
}
