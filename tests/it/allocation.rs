//! Gates of the kind `experiment` before there are data, `gate experiment simulate` and `bucket`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::environment::{Environment, ended};

const SPEC: &str = "\
gate: experiment
name: spring-hero
with:
  hypothesis: A shorter hero brings more sign-ups
  owner: growth@example.com
  provider: { type: growthbook, config: features.json, experiment: hero }
  split: { control: 50%, new_hero: 50% }
  unit: user_id
  before_launch:
    ids: { file: users.csv, segments: [country] }
    ramp_up: [5%, 50%, 100%]
";

fn features(weights: [f64; 2]) -> String {
    let rule = json!({"key": "hero", "variations": ["old", "new"], "weights": weights, "hashVersion": 2,
        "meta": [{"key": "control"}, {"key": "new_hero"}]});
    json!({"features": {"hero": {"defaultValue": "old", "rules": [rule]}}}).to_string()
}

fn environment(weights: [f64; 2]) -> Environment {
    let mut users = "user_id,country\n".to_owned();
    for number in 0..4000 {
        writeln!(users, "u{number:06},{}", ["DE", "FR"][number % 2]).unwrap();
    }
    Environment::new(&[
        ("gate.yaml", ""),
        ("specs/hero.yaml", SPEC),
        ("specs/features.json", &features(weights)),
        ("specs/users.csv", &users),
    ])
}

#[test]
fn the_gate_and_the_command_say_the_same() {
    let simulate = ["experiment", "simulate", "specs/hero.yaml"];
    for (weights, code, verdict) in [([0.5, 0.5], 0, "pass"), ([0.6, 0.4], 1, "fail")] {
        let environment = environment(weights);
        let ended = environment.gate(&simulate);
        assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
        let json = environment.gate(&[&simulate[..], &["--json"]].concat()).json();
        assert_eq!((&json["verdict"], &json["seen"]["ids"]), (&verdict.into(), &4000.into()));
        let run = environment.gate(&["run", "--json"]);
        assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
        let titles = |checks: &Value| -> Vec<(String, String)> {
            let of = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
            let all = checks.as_array().unwrap().iter();
            all.map(|check| (of(check, "title"), of(check, "message"))).collect()
        };
        let said = titles(&json["checks"]);
        assert_eq!(said, titles(&run.json()["gates"][0]["checks"]));
        assert!(
            said.iter()
                .all(|(title, message)| ended.stdout.contains(&format!("{title}: {message}")))
        );
        assert_eq!(environment.gate(&["judge", "last", "--json"]).stdout, run.stdout);
    }
}

#[test]
fn what_is_live_before_is_compared() {
    let environment = environment([0.5, 0.5]);
    environment.write("old.json", &features([0.3, 0.7]));
    let simulate = ["experiment", "simulate", "specs/hero.yaml", "--before", "old.json"];
    let ended = environment.gate(&simulate);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("are put into another arm"), "{}", ended.stdout);
}

#[test]
fn what_cannot_be_simulated() {
    let environment = environment([0.5, 0.5]);
    let check = |spec: &str, code: i32, why: &str| {
        environment.write("specs/hero.yaml", spec);
        let ended = environment.gate(&["experiment", "simulate", "specs/hero.yaml"]);
        assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains(why), "{}", ended.stderr);
    };
    check(&SPEC.replace("features.json", "none.json"), 3, "none.json cannot be read");
    check(&SPEC.replace("users.csv", "none.csv"), 3, "none.csv cannot be read");
    check(&SPEC.replace("[country]", "[city]"), 3, "has no column `city`");
    check(&SPEC.replace("experiment: hero", "experiment: heroes"), 1, "there is no such feature");
    check(
        &SPEC.replace("type: growthbook", "type: growthbok"),
        2,
        "there is no service `growthbok`",
    );
}

/// As many ids as one likes, from a file or from another program.
#[test]
fn ids_are_put_into_buckets() {
    let environment = environment([0.5, 0.5]);
    let own = ["experiment", "bucket", "--provider", "growthbook"];
    let one = [&own[..], &["--hash-version", "2", "--seed", "hero", "--id", "u000001", "--json"]];
    let one = environment.gate(&one.concat());
    assert_eq!(one.code, 0, "{}", one.stderr);
    let config = ["--config", "specs/features.json", "--experiment", "hero", "--ids", "-"];
    let mut child = environment
        .command(&[&own[..], &config].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ids: String = (0..200_000).fold(String::new(), |all, at| all + &format!("u{at:06}\n"));
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || stdin.write_all(ids.as_bytes()).unwrap());
    let many = ended(child.wait_with_output().unwrap());
    feeder.join().unwrap();
    assert_eq!((many.code, many.stdout.lines().count()), (0, 200_000), "{}", many.stderr);
    let second: Value = serde_json::from_str(many.stdout.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["bucket"], one.json()["bucket"]);
    let wrong = environment.gate(&[&own[..], &["--id", "x"]].concat());
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
}
