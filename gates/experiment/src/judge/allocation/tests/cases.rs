//! Allocations, right and wrong.

use gate_core::Check;
use gate_core::files::write_atomically;
use serde_json::{Value, json};

use crate::judge::allocation::judge;
use crate::measure::allocation::allocate;
use crate::settings::Settings;

/// A spec, its files, and what `--before` names.
pub(super) struct Case {
    pub(super) spec: Value,
    files: Vec<(&'static str, String)>,
    pub(super) seed: u64,
}

/// GrowthBook's payload with this experiment, and another one beside it.
pub(super) fn growthbook(rule: &Value) -> String {
    let mut hero = json!({
        "key": "hero", "variations": ["old", "new"], "weights": [0.5, 0.5], "hashVersion": 2,
        "coverage": 1, "meta": [{"key": "control"}, {"key": "new_hero"}],
    });
    merge(&mut hero, rule);
    let price = json!({
        "key": "price", "variations": [1, 2], "hashVersion": 2, "meta": [{"key": "one"}, {"key": "two"}],
    });
    json!({"features": {
        "hero": {"defaultValue": "old", "rules": [hero]},
        "price": {"defaultValue": 1, "rules": [price]},
    }})
    .to_string()
}

pub(super) fn merge(into: &mut Value, from: &Value) {
    for (name, value) in from.as_object().into_iter().flatten() {
        match (&mut into[name], value) {
            (own @ Value::Object(_), Value::Object(_)) => merge(own, value),
            (own, value) => *own = value.clone(),
        }
    }
}

impl Case {
    pub(super) fn of(provider: &Value, rest: &Value) -> Case {
        let mut spec = json!({
            "hypothesis": "A shorter hero brings more sign-ups", "owner": "growth@example.com",
            "provider": provider, "split": {"control": "50%", "new_hero": "50%"}, "unit": "user_id",
            "before_launch": {"ids": {"generated": 5000}},
        });
        merge(&mut spec, rest);
        Case { spec, files: Vec::new(), seed: 7 }
    }

    /// An experiment of GrowthBook whose rule differs in this.
    pub(super) fn growthbook(rule: &Value, rest: &Value) -> Case {
        let provider =
            json!({"type": "growthbook", "config": "features.json", "experiment": "hero"});
        Case::of(&provider, rest).file("features.json", growthbook(rule))
    }

    pub(super) fn with(kind: &str, config: &Value, rest: &Value) -> Case {
        let provider = json!({"type": kind, "config": "config.json", "experiment": "hero"});
        Case::of(&provider, rest).file("config.json", config.to_string())
    }

    pub(super) fn file(mut self, name: &'static str, text: String) -> Case {
        self.files.push((name, text));
        self
    }

    pub(super) fn checks(&self) -> Vec<Check> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in &self.files {
            write_atomically(&folder.path().join(name), text.as_bytes(), folder.path()).unwrap();
        }
        let spec: Settings = serde_json::from_value(self.spec.clone()).unwrap();
        assert_eq!(spec.problems(), [], "the spec is right");
        let provider = spec.provider.clone().unwrap();
        let seen = allocate(&spec, &provider, folder.path(), None, self.seed).unwrap();
        judge(&spec, &seen).unwrap()
    }
}

/// Ids of a file, one in each line.
pub(super) fn own(ids: impl IntoIterator<Item = String>) -> String {
    ids.into_iter().fold(String::new(), |text, id| text + &id + "\n")
}

pub(super) fn users(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|at| format!("user-{at}"))
}

pub(super) fn uuid(at: usize) -> String {
    format!("{:08x}-1f2e-4d3c-8b4a-{at:012x}", at * 2_654_435_761 % (1 << 32))
}

pub(super) const OWN: &str = r#"{"before_launch": {"ids": {"file": "ids.txt"}}}"#;

impl Case {
    pub(super) fn sdks(mut self, sdks: &[&str]) -> Case {
        self.spec["provider"]["sdks"] = json!(sdks);
        self
    }

    pub(super) fn key(mut self, key: &str) -> Case {
        self.spec["provider"]["experiment"] = json!(key);
        self
    }

    /// The new configuration differs in this.
    pub(super) fn set(self, rule: &Value) -> Case {
        self.file("features.json", growthbook(rule))
    }
}

/// A configuration that was live before, whose rule differed in this.
pub(super) fn before(rule: &Value) -> Case {
    let rest = json!({"provider": {"before": "old.json"}});
    Case::growthbook(&json!({}), &rest).file("old.json", growthbook(rule))
}

/// Two hashes of one's own with one salt.
pub(super) fn generic_pair() -> Case {
    let config = |modulus: u64| json!({"hash": "murmur3-32", "salt": "s", "modulus": modulus, "arms": {"control": 50, "new_hero": 50}});
    let other = json!({"also_running": [{"experiment": "hero", "config": "other.json"}]});
    let case = Case::with("generic", &config(10), &other);
    case.file("other.json", config(30).to_string())
}

/// Two experiments of one namespace, the second of which begins there.
pub(super) fn namespaces(from: f64) -> Case {
    let mut config: Value =
        serde_json::from_str(&growthbook(&json!({"namespace": ["pages", 0.0, 0.5]}))).unwrap();
    config["features"]["price"]["rules"][0]["namespace"] = json!(["pages", from, 1.0]);
    let case = Case::growthbook(&json!({}), &json!({"also_running": [{"experiment": "price"}]}));
    case.file("features.json", config.to_string())
}

pub(super) const VARIANTS: [(&str, u64); 2] = [("control", 500), ("new_hero", 500)];

/// A flag with a strategy for each country, or for all, and either all variants or one of them.
pub(super) fn unleash(strategies: &[(&str, &str)]) -> Case {
    let strategy = |(country, only): &(&str, &str)| {
        let chosen = VARIANTS
            .iter()
            .filter(|(name, _)| only.is_empty() || *only == "random" || name == only);
        let variants: Vec<Value> = chosen
            .map(|(name, weight)| json!({"name": name, "weight": weight, "stickiness": if *only == "random" { "random" } else { "userId" }}))
            .collect();
        let mut one = json!({"name": "flexibleRollout", "variants": variants,
            "parameters": {"groupId": "hero", "rollout": "100", "stickiness": "userId"}});
        if *only == "random" {
            one["parameters"]["stickiness"] = json!("random");
            one["parameters"]["rollout"] = json!("50");
        }
        if !country.is_empty() {
            one["constraints"] =
                json!([{"contextName": "country", "operator": "IN", "values": [country]}]);
        }
        one
    };
    let strategies: Vec<Value> = strategies.iter().map(strategy).collect();
    let config = json!({"features": [{"name": "hero", "enabled": true, "strategies": strategies}]});
    Case::with("unleash", &config, &countries()).file("ids.csv", table())
}

pub(super) fn countries() -> Value {
    json!({"before_launch": {"ids": {"file": "ids.csv", "segments": ["country"]}}})
}

/// Ids of five countries.
pub(super) fn table() -> String {
    let row = |at: usize| format!("user-{at},{}\n", ["DE", "FR", "US", "IN", "BR"][at % 5]);
    (0..5000).map(row).fold("user_id,country\n".to_owned(), |text, row| text + &row)
}

/// A flag that serves the control to a country before anything is drawn.
pub(super) fn launchdarkly() -> Case {
    let half = json!({"variations": [{"variation": 0, "weight": 50000}, {"variation": 1, "weight": 50000}]});
    let clause =
        json!({"attribute": "country", "op": "in", "values": ["DE"], "contextKind": "user"});
    let config = json!({"flags": {"hero": {"key": "hero", "version": 1, "on": true, "salt": "s",
        "variations": ["control", "new_hero"], "fallthrough": {"rollout": half},
        "rules": [{"variation": 0, "clauses": [clause]}]}}});
    Case::with("launchdarkly", &config, &countries()).file("ids.csv", table())
}

/// A flag without variants, whose control is everybody who is not yet in.
pub(super) fn rollout() -> Case {
    let config = json!({"features": [{"name": "hero", "enabled": true, "strategies": [
        {"name": "flexibleRollout", "parameters": {"groupId": "hero", "rollout": "50", "stickiness": "userId"}}]}]});
    let rest = json!({
        "provider": {"arms": {"control": "disabled", "new_hero": "enabled"}},
        "before_launch": {"ramp_up": ["10%", "50%"]},
    });
    Case::with("unleash", &config, &rest)
}
