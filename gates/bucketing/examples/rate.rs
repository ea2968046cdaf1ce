//! Assignments a second on one core, by prepared experiments of services that hash with MurmurHash3
//! and FNV-1a, and of some that hash with more; by the time that the core worked on them, where the
//! system tells it (Linux), so that other work on the machine does not count. `cargo run --release -p bucketing --example rate [PART OF A
//! NAME]`.

#![expect(clippy::print_stdout, reason = "an example that measures")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bucketing::Subject;
use serde_json::{Value, json};

/// How long each measurement runs.
const LONG: Duration = Duration::from_millis(1500);

/// How long this thread has worked.
fn worked() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn ids(length: usize) -> Vec<String> {
    let id = |at: u64| {
        let digits = format!("{:016x}", at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        digits.repeat(3)[..length].to_owned()
    };
    (0..4096).map(id).collect()
}

fn configs() -> Vec<(&'static str, &'static str, Value)> {
    let growthbook = |version: u64| {
        json!({"features": {"hero": {"defaultValue": "a", "rules": [{
            "key": "hero", "variations": ["a", "b"], "weights": [0.5, 0.5], "hashVersion": version,
        }]}}})
    };
    let strategy = json!({"name": "flexibleRollout",
        "parameters": {"groupId": "hero", "rollout": "100", "stickiness": "userId"},
        "variants": [{"name": "a", "weight": 500}, {"name": "b", "weight": 500}]});
    let arms = json!({"a": 50, "b": 50});
    vec![
        ("growthbook", "version 1", growthbook(1)),
        ("growthbook", "version 2", growthbook(2)),
        (
            "unleash",
            "rollout and variant",
            json!({"features": [{"name": "hero", "enabled": true, "strategies": [strategy]}]}),
        ),
        (
            "unleash",
            "rollout",
            json!({"features": [{"name": "hero", "enabled": true, "strategies": [
            {"name": "flexibleRollout", "parameters": {"groupId": "hero", "rollout": "50", "stickiness": "userId"}}]}]}),
        ),
        (
            "optimizely",
            "",
            json!({"experiments": [{"id": "10001", "key": "hero", "status": "Running", "audienceIds": [],
            "variations": [{"id": "1", "key": "a"}, {"id": "2", "key": "b"}],
            "trafficAllocation": [{"entityId": "1", "endOfRange": 5000}, {"entityId": "2", "endOfRange": 10000}]}]}),
        ),
        (
            "split",
            "",
            json!({"splits": [{"name": "hero", "seed": 7, "algo": 2, "defaultTreatment": "a", "conditions": [
            {"conditionType": "ROLLOUT", "matcherGroup": {"matchers": []},
             "partitions": [{"treatment": "a", "size": 50}, {"treatment": "b", "size": 50}]}]}]}),
        ),
        (
            "generic",
            "murmur3-32",
            json!({"hash": "murmur3-32", "salt": "hero", "modulus": 10000, "arms": arms}),
        ),
        (
            "generic",
            "fnv-1a-32",
            json!({"hash": "fnv-1a-32", "salt": "hero", "modulus": 10000, "arms": arms}),
        ),
        ("generic", "md5", json!({"hash": "md5", "salt": "hero", "modulus": 10000, "arms": arms})),
        (
            "generic",
            "sha-1",
            json!({"hash": "sha-1", "salt": "hero", "modulus": 10000, "arms": arms}),
        ),
        (
            "generic",
            "sha-256",
            json!({"hash": "sha-256", "salt": "hero", "modulus": 10000, "arms": arms}),
        ),
    ]
}

fn main() {
    println!("{:<32} {:>14} {:>14}", "million a second", "12-byte ids", "36-byte ids");
    let part = std::env::args().nth(1).unwrap_or_default();
    for (provider, what, config) in configs() {
        if !format!("{provider} {what}").contains(&part) {
            continue;
        }
        let provider = bucketing::find(provider).expect("it is listed");
        let experiment = provider.prepare(&config, "hero", &BTreeMap::new()).expect("it is valid");
        let unit = experiment.unit().to_owned();
        let rate = |length: usize| {
            let ids = ids(length);
            let (start, before, mut done) = (Instant::now(), worked(), 0_u64);
            while start.elapsed() < LONG {
                for id in &ids {
                    black_box(experiment.assign(&Subject::of(black_box(id)).known_as(&unit)));
                }
                done += ids.len() as u64;
            }
            let took = worked().zip(before).map(|(after, before)| after.saturating_sub(before));
            done as f64 / took.unwrap_or(start.elapsed()).as_secs_f64() / 1e6
        };
        let name = format!("{} {what}", provider.name);
        println!("{name:<32} {:>14.1} {:>14.1}", rate(12), rate(36));
    }
}
