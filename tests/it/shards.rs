//! Suites in parts, and joining them.

use serde_json::Value;

use crate::environment::Environment;
use crate::site::{Site, page};

const SUITE: &str = "gate: command\nname: a\nwith: { run: [\"true\"] }\n---\n\
    gate: command\nname: b\nwith: { run: [sh, -c, 'exit 1'] }\n---\n\
    gate: command\nname: c\nwith: { run: [\"true\"] }\n---\n\
    gate: command\nname: d\nwith: { run: [sh, -c, 'exit 9'] }\n";

fn checks(report: &Value) -> Vec<Value> {
    let gates = report["gates"].as_array().unwrap();
    gates.iter().map(|g| serde_json::json!([g["name"], g["checks"], g["verdict"]])).collect()
}

#[test]
fn parts_joined_give_the_same_as_the_whole() {
    let environment = Environment::new(&[("specs/a.yaml", SUITE)]);
    let whole = environment.gate(&["run", "--json"]);
    assert_eq!(whole.code, 1);
    let mut runs = Vec::new();
    let mut codes = Vec::new();
    for part in ["1/3", "2/3", "3/3"] {
        let ended = environment.gate(&["run", "--shard", part, "--json"]);
        let report = ended.json();
        assert_eq!(report["complete"], false);
        runs.push(report["run"].as_str().unwrap().to_owned());
        codes.push(ended.code);
    }
    // a and d, b, c.
    assert_eq!(codes, [3, 1, 0]);
    let merged = environment.gate(&["merge", &runs[2], &runs[0], &runs[1], "--json"]);
    assert_eq!(merged.code, 1, "{}", merged.stderr);
    assert_eq!(checks(&merged.json()), checks(&whole.json()));
    assert_eq!(merged.json()["complete"], true);

    // The merged run is a run like any other.
    let id = merged.json()["run"].as_str().unwrap().to_owned();
    let again = environment.gate(&["judge", &id, "--json"]);
    assert_eq!((again.code, again.stdout), (1, merged.stdout));

    let refused = |runs: &[&str], says: &str| {
        let ended = environment.gate(&[&["merge"], runs].concat());
        assert_eq!(ended.code, 3, "{}", ended.stdout);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    };
    refused(&[&runs[0], &runs[1]], "part 3 of 3 is missing");
    refused(&[&runs[0], &runs[1], &runs[1]], "there twice");
    refused(&[&id], "is no part");
    environment.write("specs/a.yaml", &SUITE.replace("exit 9", "exit 8"));
    let other = environment.gate(&["run", "--shard", "3/3", "--json"]);
    let other = other.json()["run"].as_str().unwrap().to_owned();
    refused(&[&runs[0], &runs[1], &other], "another suite");
}

#[test]
fn a_bundle_is_judged_elsewhere() {
    let environment = Environment::new(&[("specs/a.yaml", SUITE)]);
    let ended = environment.gate(&["run", "--json", "--report", "bundle=out"]);
    assert_eq!(ended.code, 1);
    let elsewhere = Environment::new(&[]);
    let bundle = environment.path().join("out").display().to_string();
    let again = elsewhere.gate(&["judge", &bundle, "--json"]);
    assert_eq!((again.code, again.stdout), (1, ended.stdout));
}

#[test]
fn an_altered_observation_gives_another_outcome() {
    let environment = Environment::new(&[("specs/a.yaml", SUITE)]);
    let report = environment.gate(&["run", "--json"]).json();
    let digest = report["gates"][0]["attempts"][0]["measured"].as_str().unwrap().to_owned();
    let stored = format!(".gate/store/{digest}");
    let text = std::fs::read_to_string(environment.path().join(&stored)).unwrap();
    let altered = text.replace("\"code\": 0", "\"code\": 1");
    assert_ne!(altered, text);

    // In place, its digest tells.
    environment.write(&stored, &altered);
    let judged = environment.gate(&["judge", "--json"]).json();
    assert_eq!(judged["gates"][0]["verdict"], "inconclusive");

    // Under its own digest, the judgement changes.
    environment.write(&stored, &text);
    let new = gate_core::Digest::of(altered.as_bytes()).to_string();
    environment.write(&format!(".gate/store/{new}"), &altered);
    let record = format!(".gate/runs/{}/run.json", environment.last_run());
    let run = std::fs::read_to_string(environment.path().join(&record)).unwrap();
    environment.write(&record, &run.replace(&digest, &new));
    let judged = environment.gate(&["judge", "--json"]).json();
    assert_eq!(judged["gates"][0]["verdict"], "fail");
}

#[test]
fn other_limits_can_be_asked_about_and_other_measurements_cannot() {
    let spec = "gate: command\nname: a\nwith: { run: [sh, -c, 'exit 9'] }\n";
    let environment = Environment::new(&[("specs/a.yaml", spec)]);
    assert_eq!(environment.gate(&["run"]).code, 3);
    environment.write("other.yaml", &spec.replace("] }", "], fail_codes: [9] }"));
    let ended = environment.gate(&["judge", "--spec", "other.yaml"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    environment.write("other.yaml", &spec.replace("exit 9", "exit 0"));
    let ended = environment.gate(&["judge", "--spec", "other.yaml"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("with.run"), "{}", ended.stderr);
}

#[test]
fn pages_are_split_and_joined() {
    let site = Site::serve(&[
        ("/", page("#0a7", "Shop")),
        ("/a", page("#0a7", "A")),
        ("/b", page("#0a7", "B")),
        ("/c", page("#0a7", "C")),
    ]);
    let other = Site::serve(&[
        ("/", page("#0a7", "Shop")),
        ("/a", page("#0a7", "A")),
        ("/b", page("#c22", "B")),
        ("/c", page("#0a7", "C")),
    ]);
    let config = format!(
        "environments:\n  live: {{ url: \"{}\" }}\n  test: {{ url: \"{}\" }}\n",
        site.url, other.url
    );
    let spec = "gate: visual\nname: shop\nwith: { pages: [/, /a, /b, /c], against: live }\n";
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/shop.yaml", spec)]);
    let run =
        |more: &[&str]| environment.gate(&[&["run", "--env", "test", "--json"], more].concat());
    let whole = run(&[]);
    assert_eq!(whole.code, 1, "{}", whole.stderr);
    let parts: Vec<_> = ["1/3", "2/3", "3/3"].map(|part| run(&["--shard", part])).into();
    let pages: Vec<usize> = parts
        .iter()
        .map(|part| part.json()["gates"][0]["checks"].as_array().unwrap().len())
        .collect();
    assert_eq!(pages, [2, 1, 1]);
    let ids: Vec<String> =
        parts.iter().map(|part| part.json()["run"].as_str().unwrap().to_owned()).collect();
    let merged = environment.gate(&["merge", &ids[0], &ids[1], &ids[2], "--json"]);
    assert_eq!(merged.code, 1, "{}", merged.stderr);
    let (one, two) = (whole.json(), merged.json());
    assert_eq!(one["gates"][0]["checks"], two["gates"][0]["checks"]);
    assert_eq!(one["gates"][0]["proposals"], two["gates"][0]["proposals"]);
}
