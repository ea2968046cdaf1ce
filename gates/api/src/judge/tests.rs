use gate_core::process::Ending;
use gate_core::{Digest, Evidence, Inputs, Timestamp, json};

use super::*;
use recorder::drift::{Rule, Side};

use crate::seen::{
    Answered, Asked, Described, Difference, Drifted, Looked, Matters, Missing, Ran, Required,
    Traffic,
};

fn settings(with: gate_core::Json) -> Settings {
    serde_json::from_value(with).unwrap()
}

fn judged(spec: &Settings, seen: &Observation) -> Outcome {
    let inputs = Inputs { seed: 1, clock: Timestamp::from_millis(0), accepted: Vec::new() };
    let read = |_: &Digest| Ok(br#""a long text""#.to_vec());
    judge(spec, seen, &Given::new(&read, &inputs)).unwrap()
}

fn lines(spec: &Settings, seen: &Observation) -> Vec<String> {
    lines_of(&judged(spec, seen))
}

fn lines_of(outcome: &Outcome) -> Vec<String> {
    let checks =
        outcome.checks.iter().map(|one| format!("{} {}: {}", one.verdict, one.id, one.message));
    let proposals = outcome
        .proposals
        .iter()
        .map(|one| format!("proposal for {}: {}, {}", one.check, one.title, one.reason));
    checks.chain(proposals).collect()
}

fn ran(ending: Ending, requests: u64) -> Ran {
    Ran { ending, output: None, last_line: Some("boom".to_owned()), requests }
}

fn played(seen: u64, missed: u64) -> Traffic {
    let miss = Missing {
        method: "GET".to_owned(),
        url: "https://h/x".to_owned(),
        why: "was not recorded".to_owned(),
        hint: "record it with --mode new_episodes".to_owned(),
        nearest: Some("GET https://h/y".to_owned()),
        exchange: None,
    };
    let misses = vec![miss; missed as usize];
    Traffic { seen, replayed: seen - missed, missed, misses, ..Traffic::default() }
}

fn recording(recordings: u64, left: &[&str]) -> Recording {
    let required = Required {
        pattern: "POST /*".to_owned(),
        recordings,
        left: left.len() as u64,
        first: left.iter().map(|one| (*one).to_owned()).collect(),
    };
    Recording {
        folder: "crm.cassette".to_owned(),
        interactions: 2,
        required: Some(vec![required]),
        ..Recording::default()
    }
}

fn described(uncovered: &[&str]) -> Described {
    Described {
        file: "crm.yaml".to_owned(),
        version: "3.0.3".to_owned(),
        digest: String::new(),
        operations: 9,
        uncovered: uncovered.iter().map(|one| (*one).to_owned()).collect(),
        list: None,
    }
}

fn difference(matters: Matters, place: &str) -> Difference {
    Difference {
        matters,
        place: place.to_owned(),
        before: "a text".to_owned(),
        after: "a number".to_owned(),
        document: None,
    }
}

fn drifted(url: &str, found: Result<Vec<Difference>, &str>) -> Drifted {
    Drifted {
        method: "GET".to_owned(),
        url: url.to_owned(),
        operation: url.contains("/v2/").then(|| "getA".to_owned()),
        is_left_alone: url.contains("/posted"),
        found: found.map_err(str::to_owned),
        exchange: None,
    }
}

/// A file that was kept.
fn kept() -> Evidence {
    Evidence {
        role: gate_core::Role::Log,
        label: "body".to_owned(),
        media_type: "text/plain".to_owned(),
        digest: Digest::of(b"x"),
        bytes: 1,
        refs: Vec::new(),
    }
}

#[test]
fn a_program_under_replay() {
    let with = json!({ "cassette": "crm.cassette", "run": ["npm", "test"],
                       "required": ["POST /*"], "fail_codes": [1] });
    let check = |seen: Observation, expect: &[&str]| {
        let found = lines(&settings(with.clone()), &seen);
        let found: Vec<&str> =
            found.iter().skip(1).map(|line| line.split(':').next().unwrap()).collect();
        assert_eq!(found, expect);
    };
    let seen = |ran, traffic, recording| Observation {
        recording: Some(recording),
        ran: Some(ran),
        traffic: Some(traffic),
        ..Observation::default()
    };
    let good = Ending::Code(0);
    check(
        seen(ran(good, 2), played(2, 0), recording(1, &[])),
        &["pass exit", "pass answered", "pass required"],
    );
    check(
        seen(ran(Ending::Code(1), 2), played(2, 1), recording(1, &["POST https://h/x"])),
        &["fail exit", "fail answered", "fail required"],
    );
    check(
        seen(ran(Ending::Code(7), 0), played(0, 0), recording(0, &[])),
        &["inconclusive exit", "inconclusive answered", "inconclusive required"],
    );
    check(
        seen(
            ran(Ending::Signal(9), 2),
            played(2, 0),
            Recording { required: None, ..recording(1, &[]) },
        ),
        &["inconclusive exit", "pass answered", "inconclusive required"],
    );
}

#[test]
fn what_people_read() {
    let with = json!({ "cassette": "crm.cassette", "run": ["npm", "test"], "mode": "new_episodes",
        "required": ["*"], "drift": { "ignore": ["$.beta"] },
        "requests": [
            { "request": "GET /a", "asserts": ["jsonpath \"$.n\" > 3", "body contains \"long\""] },
            { "request": "GET /a", "status": 200 },
            { "request": "GET /{{id}}", "name": "needs more" },
            { "request": "GET /down" },
        ] });
    let text = kept();
    let answered = |status, values, secrets: &[&str]| Answered {
        status,
        duration_ms: 12.3,
        values,
        uncaptured: std::collections::BTreeMap::new(),
        schema: None,
        secrets: secrets.iter().map(|one| (*one).to_owned()).collect(),
        exchange: None,
    };
    let asked = |line: &str, answer: Result<Answered, &str>, is_left_out| Asked {
        line: line.to_owned(),
        answer: answer.map_err(str::to_owned),
        is_left_out,
    };
    let value = Looked::Value { value: json!(2), wanted: None };
    let long = Looked::Long { json: text.clone(), wanted: None };
    let mut recording = recording(2, &["GET https://h/one", "GET https://h/two"]);
    recording.damages = vec![("bodies/0: a body is missing".to_owned(), "restore it".to_owned())];
    recording.secrets =
        vec![("endpoints/h/GET.json".to_owned(), "github-token at byte 7".to_owned())];
    let proposed = |endpoint: &str, why| Proposed {
        endpoints: vec![endpoint.to_owned()],
        why,
        changes: Vec::new(),
        files: vec![text.clone()],
    };
    let seen = Observation {
        gate: "crm".to_owned(),
        recording: Some(recording),
        ran: Some(ran(Ending::Code(1), 3)),
        traffic: Some(played(3, 1)),
        asked: vec![
            asked("GET http://h/a", Ok(answered(200, vec![value, long], &["jwt"])), false),
            asked("GET http://h/a", Ok(answered(200, Vec::new(), &[])), false),
            asked("GET /{{id}}", Err("there is no variable `id`"), true),
            asked("GET http://h/down", Err("connection refused"), false),
        ],
        drift: Some(vec![
            drifted("https://h/v1/a", Ok(vec![difference(Matters::Breaking, "$.id")])),
            drifted("https://h/v1/a?b=1", Ok(vec![difference(Matters::Warning, "$.id")])),
            drifted("https://h/v1/c", Ok(vec![difference(Matters::New, "$.x")])),
            drifted("https://h/v1/d", Ok(vec![difference(Matters::Breaking, "$.beta.y")])),
            drifted("https://h/v1/e", Ok(vec![difference(Matters::Unchecked, "$.l[*]")])),
            drifted("https://h/v1/f", Err("there was no answer within 30 s")),
        ]),
        document: None,
        proposed: vec![
            proposed("GET /v1/x", Why::New),
            proposed("GET /v1/y", Why::Changed),
            proposed("GET /v1/z", Why::Gone),
            proposed("GET /v1/a", Why::Drift),
        ],
    };
    insta::assert_snapshot!(lines(&settings(with), &seen).join("\n"));
}

#[test]
fn what_people_read_of_a_document() {
    let with = json!({ "cassette": "crm.cassette", "drift": { "openapi": "crm.yaml" } });
    let ruled = |matters, side| Difference {
        document: Some(Rule {
            operation: "getA".to_owned(),
            pointer: Some("/id".to_owned()),
            rule: "#/components/schemas/A/properties/id/type".to_owned(),
            side,
        }),
        ..difference(matters, "$.id")
    };
    let unknown = Difference { before: String::new(), ..ruled(Matters::Unchecked, Side::Live) };
    let both = vec![ruled(Matters::Breaking, Side::Live), difference(Matters::Breaking, "$.n")];
    let seen = Observation {
        drift: Some(vec![
            drifted("https://h/v2/a", Ok(vec![ruled(Matters::Breaking, Side::Live)])),
            drifted("https://h/v2/b", Ok(vec![ruled(Matters::Warning, Side::Both)])),
            drifted("https://h/v2/c", Ok(vec![ruled(Matters::Warning, Side::Recorded)])),
            drifted("https://h/v2/d", Ok(Vec::new())),
            drifted("https://h/v2/e", Ok(vec![unknown])),
            drifted("https://h/v2/f", Ok(both)),
            drifted("https://h/v2/posted", Ok(vec![ruled(Matters::Warning, Side::Recorded)])),
        ]),
        document: Some(described(&["GET /x", "GET /y", "PUT /x", "PUT /y"])),
        ..Observation::default()
    };
    let outcome = judged(&settings(with), &seen);
    let advice = outcome.checks.iter().map(|one| one.advice.as_deref().unwrap_or("nothing"));
    let told = lines_of(&outcome).into_iter().zip(advice);
    let told: Vec<String> = told.map(|(line, advice)| format!("{line}\n  do: {advice}")).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn nothing_to_ask_again_is_no_pass() {
    let with = json!({ "cassette": "crm.cassette", "drift": {} });
    let seen = Observation { drift: Some(Vec::new()), ..Observation::default() };
    let found = lines(&settings(with.clone()), &seen);
    assert!(found[0].starts_with("inconclusive drift: nothing was recorded"), "{found:?}");
    let document = Some(described(&[]));
    let seen = Observation { drift: Some(Vec::new()), document, ..Observation::default() };
    let found = lines(&settings(with), &seen);
    assert!(found[1].starts_with("inconclusive drift-document: nothing that was"), "{found:?}");
}

#[test]
fn every_name_is_given_once() {
    let mut names = requests::Names::default();
    let given: Vec<String> =
        ["a", "a", "a-2", "a", "b"].iter().map(|id| names.unique((*id).to_owned())).collect();
    assert_eq!(given, ["a", "a-2", "a-2-2", "a-3", "b"]);
}
