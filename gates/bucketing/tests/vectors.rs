//! What the services' own SDKs answered, for every provider.
//!
//! A file of `tests/vectors` is lines of JSON. An object says what holds from there on: `provider`,
//! `sdk`, `settings`, `config`, `key`; or it is one bare hash, `{"hash": {inputs}, "bucket": n}`.
//! A list is one subject: id, attributes or null, arm or null, bucket or null, and, when there is
//! more to it, an object of `unit`, `stored`, `url`, and the `value` that the SDK gave.
//! The scripts in `tests/oracle/bucketing` write these files.

use std::collections::BTreeMap;
use std::path::Path;

use bucketing::{Assign, Provider, Subject};
use serde_json::{Map, Value};

#[derive(Default)]
struct State {
    provider: Option<&'static Provider>,
    settings: BTreeMap<String, String>,
    config: Value,
    key: String,
    prepared: Option<Box<dyn Assign>>,
    subjects: usize,
    hashes: usize,
    wrong: Vec<String>,
}

fn named(value: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

impl State {
    fn set(&mut self, line: &Value) {
        if let Some(name) = line.get("provider") {
            self.provider = Some(bucketing::find(name.as_str().unwrap()).unwrap());
        }
        if let Some(settings) = line.get("settings") {
            self.settings = named(settings);
        }
        if let Some(config) = line.get("config") {
            self.config = config.clone();
        }
        if let Some(key) = line.get("key") {
            let key = key.as_str().unwrap();
            key.clone_into(&mut self.key);
            let prepared = self.provider.unwrap().prepare(&self.config, key, &self.settings);
            self.prepared = Some(prepared.unwrap_or_else(|error| panic!("{key}: {error}")));
        }
        if let Some(inputs) = line.get("hash") {
            self.hashes += 1;
            let hashed = self.provider.unwrap().hash(&named(inputs)).unwrap();
            if Some(hashed.bucket.number()) != line["bucket"].as_f64() {
                self.wrong.push(format!("{line}: {hashed:?}"));
            }
        }
    }

    fn subject(&mut self, vector: &[Value]) {
        let extra = vector.get(4);
        let of = |name: &str| extra.and_then(|extra| extra.get(name));
        let map = |value: Option<&Value>| value.and_then(Value::as_object).cloned();
        let attributes: Option<Map<String, Value>> = map(vector.get(1));
        let stored = map(of("stored"));
        let subject = Subject {
            id: vector[0].as_str().unwrap(),
            unit: of("unit").and_then(Value::as_str),
            attributes: attributes.as_ref(),
            stored: stored.as_ref(),
            url: of("url").and_then(Value::as_str),
        };
        self.subjects += 1;
        let seen = self.prepared.as_ref().unwrap().assign(&subject);
        let arm = seen.arm == vector[2].as_str();
        let bucket = vector.get(3).and_then(Value::as_f64);
        let bucket = bucket.is_none() || bucket == seen.bucket.map(bucketing::Bucket::number);
        let value =
            of("value").is_none_or(|value| *value == seen.value.cloned().unwrap_or_default());
        if !(arm && bucket && value) {
            self.wrong.push(format!("{}: {}: {seen:?}", self.key, Value::from(vector)));
        }
    }
}

fn check(name: &str, least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let mut state = State::default();
    for line in text.lines() {
        match serde_json::from_str(line).unwrap() {
            Value::Array(vector) => state.subject(&vector),
            line => state.set(&line),
        }
    }
    let all = state.subjects + state.hashes;
    let wrong = state.wrong.len();
    let some = state.wrong[..wrong.min(20)].join("\n");
    assert!(wrong == 0, "{wrong} of {all} differ:\n{some}");
    assert!(all >= least, "{all} vectors are too few");
}

#[test]
fn growthbook() {
    check("growthbook.jsonl", 2000);
}

#[test]
fn unleash() {
    check("unleash.jsonl", 1000);
}

#[test]
fn optimizely() {
    check("optimizely.jsonl", 1000);
}

#[test]
fn launchdarkly() {
    check("launchdarkly.jsonl", 1000);
}

#[test]
fn posthog() {
    check("posthog.jsonl", 1000);
}

#[test]
fn eppo() {
    check("eppo.jsonl", 1000);
}

#[test]
fn split() {
    check("split.jsonl", 1000);
}

#[test]
fn statsig() {
    check("statsig.jsonl", 1000);
}

#[test]
fn flagd() {
    check("flagd.jsonl", 1000);
    check("flagd-1.jsonl", 450);
}

#[test]
fn absmartly() {
    check("absmartly.jsonl", 1000);
}

#[test]
fn firebase() {
    check("firebase.jsonl", 1000);
}

#[test]
fn flagsmith() {
    check("flagsmith.jsonl", 1000);
}

#[test]
fn growthbook_by_code_points() {
    check("growthbook-code-points.jsonl", 1000);
}

#[test]
fn generic() {
    check("generic.jsonl", 1000);
}
