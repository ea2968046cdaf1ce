//! Allocations without a defect.

use gate_core::Verdict;
use serde_json::{Value, json};
use stats::random::Random;

use super::cases::*;

/// Services whose allocation is right, with weights and seeds of their own.
pub(super) fn clean(at: u64) -> Case {
    let mut random = Random::new(at);
    let share = [50_u64, 50, 30, 10, 80][random.below(5)];
    let (salt, other) = (format!("salt-{at}"), format!("other-{at}"));
    let split = json!({"control": format!("{share}%"), "new_hero": format!("{}%", 100 - share)});
    let rest = json!({"split": split, "before_launch": {"ids": {"generated": 2000}}});
    let shares = [share as f64 / 100.0, 1.0 - share as f64 / 100.0];
    let ramp = |rest: &Value| {
        let mut rest = rest.clone();
        rest["before_launch"]["ramp_up"] = json!(["5%", "50%", "100%"]);
        rest
    };
    let mut case = match at % 11 {
        0 => {
            let rule = json!({"seed": salt, "weights": shares, "hashVersion": 1 + at / 7 % 2});
            let mut rest = ramp(&rest);
            rest["also_running"] = json!([{"experiment": "price"}]);
            Case::growthbook(&rule, &rest)
        }
        1 => {
            let variant = |name: &str, share: f64| json!({"name": name, "weight": (share * 1000.0).round() as u64, "stickiness": "userId"});
            let strategy = json!({"name": "flexibleRollout",
                "parameters": {"groupId": salt, "rollout": "100", "stickiness": "userId"},
                "variants": [variant("control", shares[0]), variant("new_hero", shares[1])]});
            let config =
                json!({"features": [{"name": "hero", "enabled": true, "strategies": [strategy]}]});
            Case::with("unleash", &config, &ramp(&rest))
        }
        2 => {
            let parts = json!([{"treatment": "control", "size": share}, {"treatment": "new_hero", "size": 100 - share}]);
            let config = json!({"splits": [{"name": "hero", "seed": random.below(1 << 30), "algo": 2,
                "trafficAllocation": 100, "trafficAllocationSeed": random.below(1 << 30),
                "defaultTreatment": "control", "conditions": [{"conditionType": "ROLLOUT",
                "matcherGroup": {"matchers": []}, "partitions": parts}]}]});
            Case::with("split", &config, &ramp(&rest))
        }
        3 => {
            let traffic = json!([{"entityId": "1", "endOfRange": share * 100}, {"entityId": "2", "endOfRange": 10000}]);
            let config = json!({"experiments": [{"id": salt, "key": "hero", "status": "Running",
                "audienceIds": [], "variations": [{"id": "1", "key": "control"}, {"id": "2", "key": "new_hero"}],
                "trafficAllocation": traffic}]});
            Case::with("optimizely", &config, &ramp(&rest))
        }
        4 => {
            let config = json!({"flags": {"hero": {"state": "ENABLED", "defaultVariant": "control",
                "variants": {"control": "c", "new_hero": "n"},
                "targeting": {"fractional": [{"cat": [salt, {"var": "targetingKey"}]}, ["control", share], ["new_hero", 100 - share]]}}}});
            Case::with("flagd", &config, &rest)
        }
        5 => {
            let rollout = json!({"variations": [{"variation": 0, "weight": share * 1000}, {"variation": 1, "weight": (100 - share) * 1000}]});
            let config = json!({"flags": {"hero": {"key": "hero", "version": 1, "on": true, "salt": salt,
                "variations": ["control", "new_hero"], "fallthrough": {"rollout": rollout}}}});
            Case::with("launchdarkly", &config, &rest)
        }
        6..=9 => as_others_have_it(at % 11, share, &salt, &rest),
        _ => {
            let of = |salt: &str, hash: &str| {
                json!({"hash": hash, "salt": salt, "modulus": 10000,
                "arms": [{"name": "control", "weight": share}, {"name": "new_hero", "weight": 100 - share}]})
            };
            let hash = ["murmur3-32", "fnv-1a-32", "md5", "sha-1", "sha-256"][random.below(5)];
            let mut rest = rest.clone();
            rest["also_running"] = json!([{"experiment": "other", "config": "other.json"}]);
            let case = Case::with("generic", &of(&salt, hash), &rest);
            case.file("other.json", of(&other, "md5").to_string())
        }
    };
    if at.is_multiple_of(3) {
        let from = at * 1000;
        let row = |id: u64| format!("{id},{}\n", ["DE", "FR", "US"][id as usize % 3]);
        let rows = (from..from + 2000)
            .map(row)
            .fold("user_id,country\n".to_owned(), |text, row| text + &row);
        case.spec["before_launch"]["ids"] = countries()["before_launch"]["ids"].clone();
        case = case.file("ids.csv", rows);
    }
    case.seed = at;
    case
}

/// The same split as some more services write it.
fn as_others_have_it(which: u64, share: u64, salt: &str, rest: &Value) -> Case {
    let other = 100 - share;
    let seed = salt.bytes().fold(1_u64, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte));
    match which {
        6 => {
            let split = |arm: &str, from: u64, to: u64| {
                let shards = json!([{"salt": salt, "ranges": [{"start": from, "end": to}]}]);
                json!({"variationKey": arm, "shards": shards})
            };
            let splits = [split("control", 0, share * 100), split("new_hero", share * 100, 10000)];
            let variations = json!({"control": {"key": "control", "value": "c"},
                "new_hero": {"key": "new_hero", "value": "n"}});
            let flag = json!({"key": "hero", "enabled": true, "variationType": "STRING",
                "totalShards": 10000, "variations": variations,
                "allocations": [{"key": "a", "rules": [], "doLog": true, "splits": splits}]});
            let config = json!({"format": "SERVER", "flags": {"hero": flag}});
            Case::with("eppo", &config, rest)
        }
        7 => {
            let variants = json!([{"key": "control", "rollout_percentage": share},
                {"key": "new_hero", "rollout_percentage": other}]);
            let filters = json!({"groups": [{"properties": [], "rollout_percentage": 100}],
                "multivariate": {"variants": variants}});
            let config =
                json!({"flags": [{"id": 1, "key": "hero", "active": true, "filters": filters}]});
            Case::with("posthog", &config, rest)
        }
        8 => {
            let rule = |name: &str, below: u64| {
                let bucket = json!({"type": "user_bucket", "operator": "lt", "targetValue": below,
                    "additionalValues": {"salt": salt}, "idType": "userID"});
                json!({"name": name, "id": name, "salt": "s", "passPercentage": 100, "idType": "userID",
                    "conditions": [bucket], "returnValue": {}, "groupName": name})
            };
            let rules = [rule("control", share * 10), rule("new_hero", 1000)];
            let config = json!({"dynamic_configs": [{"name": "hero", "type": "dynamic_config",
                "salt": salt, "enabled": true, "defaultValue": {}, "rules": rules, "idType": "userID",
                "entity": "experiment", "isActive": true}]});
            Case::with("statsig", &config, rest)
        }
        _ => {
            let split = [share as f64 / 100.0, other as f64 / 100.0];
            let config = json!({"experiments": [{"id": 1, "name": "hero", "unitType": "user_id",
                "iteration": 1, "seedHi": seed, "seedLo": seed * 7, "split": split,
                "trafficSeedHi": seed + 1, "trafficSeedLo": 5, "trafficSplit": [0.0, 1.0],
                "fullOnVariant": 0, "variants": [{"name": "control"}, {"name": "new_hero"}],
                "audience": null, "audienceStrict": false}]});
            Case::with("absmartly", &config, rest)
        }
    }
}

#[test]
fn clean_allocations_are_not_accused() {
    let mut alarms = 0;
    for at in 0..200 {
        let checks = clean(at).checks();
        for check in checks.iter().filter(|check| check.verdict > Verdict::Pass) {
            let is_tested = check.id.starts_with("allocation") || check.id.starts_with("together");
            assert!(is_tested, "{at}: {check:#?}");
            alarms += 1;
        }
    }
    // One in a thousand each: three of 200 or more would come by chance once in 900 times.
    assert!(alarms <= 2, "{alarms} alarms");
}
