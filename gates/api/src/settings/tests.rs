use gate_core::json;

use super::*;

fn read(with: Json) -> Settings {
    serde_json::from_value(with).unwrap()
}

#[test]
fn what_makes_no_sense_is_refused() {
    let check = |with: Json, expect: &[&str]| {
        let found: Vec<String> = read(with.clone())
            .problems()
            .iter()
            .map(|one| format!("{}: {}", one.path.join("."), one.message))
            .collect();
        assert_eq!(found, expect, "{with}");
    };
    let cassette = "crm.cassette";
    check(json!({ "cassette": cassette, "run": ["true"] }), &[]);
    check(json!({ "cassette": cassette, "drift": {} }), &[]);
    check(json!({ "requests": [{ "request": "GET /" }] }), &[]);
    check(json!({}), &["with: there is nothing to do"]);
    check(json!({ "cassette": cassette, "run": [] }), &["with.run: there is no program to run"]);
    check(json!({ "run": ["true"] }), &["with.run: `run` needs a recording"]);
    check(
        json!({ "drift": {}, "mode": "all" }),
        &["with.drift: `drift` needs a recording", "with.mode: `mode` needs a recording"],
    );
    let aged = |mode: &str| json!({ "cassette": cassette, "run": ["x"], "re_record_after": "30d", "mode": mode });
    check(aged("once"), &[]);
    check(aged("new_episodes"), &[]);
    for mode in ["none", "all"] {
        let problem =
            "with.re_record_after: `re_record_after` goes with the mode once or new_episodes";
        check(aged(mode), &[problem]);
    }
    check(
        json!({ "cassette": cassette, "drift": {}, "required": ["*"] }),
        &["with.required: nothing asks the recording"],
    );
    check(
        json!({ "cassette": "crm", "drift": {} }),
        &["with.cassette: `crm` does not end in .cassette"],
    );
    check(
        json!({ "cassette": cassette, "run": ["x"], "fail_codes": [1, 0] }),
        &["with.fail_codes.1: 0 is no code that fails"],
    );
    check(
        json!({ "cassette": cassette, "drift": {}, "target": "x", "environment": "live" }),
        &[
            "with.environment: the service is given by `target` already",
            "with.target: `x` is no address of a service",
        ],
    );
    let timed = json!([{ "request": "GET /", "asserts": ["status == 200", "duration < 500"] }]);
    let problem =
        "with.requests.0.asserts.1: a recording that answers at once says nothing of time";
    check(json!({ "cassette": cassette, "requests": timed }), &[problem]);
    check(json!({ "cassette": cassette, "requests": timed, "latency": "recorded" }), &[]);
    check(json!({ "cassette": cassette, "requests": timed, "mode": "all" }), &[]);
    check(json!({ "requests": timed }), &[]);
    check(
        json!({ "requests": [{ "request": "POST /", "json": 1, "body": "x", "status": 7,
                               "captures": { "a b": "body" } }] }),
        &[
            "with.requests.0.body: the body is given by `json` already",
            "with.requests.0.status: a status lies between 100 and 599",
            "with.requests.0.captures: `a b` cannot be the name of a variable",
        ],
    );
}

#[test]
fn values_are_read() {
    let check = |with: Json, expect: &str| {
        let error = serde_json::from_value::<Settings>(with).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check(
        json!({ "requests": [{ "request": "/x" }] }),
        "write the method and the path, GET /health",
    );
    check(json!({ "requests": [{ "request": "get /x" }] }), "is no request");
    check(json!({ "requests": [{ "request": "GET x" }] }), "is no request");
    check(json!({ "required": ["GET v1"] }), "means no recording: write GET /v1/contacts/*");
    check(json!({ "latency": "long" }), "`long` is none of none, recorded, or a time");
    check(json!({ "faults": ["boom"] }), "`boom` is no fault");
    check(json!({ "mode": "some" }), "unknown variant `some`");
    check(json!({ "re_record_after": "30" }), "`30` has no unit");
    check(json!({ "re_record_after": "a month" }), "`a month` is not a duration such as");
}

#[test]
fn recordings_are_meant_by_patterns() {
    let check = |pattern: &str, method: &str, url: &str, expect: bool| {
        let wanted: Wanted = pattern.parse().unwrap();
        assert_eq!(wanted.covers(method, url), expect, "{pattern} {method} {url}");
        assert_eq!(wanted.to_string(), pattern);
    };
    check("*", "POST", "https://h/v1/x", true);
    check("GET /v1/contacts/*", "GET", "https://h/v1/contacts/7?a=1", true);
    check("GET /v1/contacts/*", "GET", "https://h/v1/contacts/7/notes", false);
    check("GET /v1/contacts/**", "GET", "https://h/v1/contacts/7/notes", true);
    check("GET /v1/contacts/*", "POST", "https://h/v1/contacts/7", false);
    check("/v1/*", "PUT", "/v1/me", true);
}

#[test]
fn limits_are_not_what_shaped_a_measurement() {
    let with = json!({ "cassette": "c.cassette", "run": ["x"], "drift": {},
        "requests": [{ "request": "GET /", "status": 200, "asserts": ["status == 200"] }] });
    let check = |change: &dyn Fn(&mut Json), same: bool| {
        let (one, mut other) = (with.clone(), with.clone());
        change(&mut other);
        let is_same = read(one).measured_by() == read(other.clone()).measured_by();
        assert_eq!(is_same, same, "{other}");
    };
    check(&|with| with["fail_codes"] = json!([3]), true);
    check(&|with| with["required"] = json!(["*"]), false);
    check(&|with| with["drift"]["ignore"] = json!(["$.a"]), true);
    check(&|with| with["requests"][0]["status"] = json!(201), true);
    check(&|with| with["requests"][0]["asserts"][0] = json!("status < 300"), true);
    check(&|with| with["requests"][0]["asserts"][0] = json!("duration < 300"), false);
    check(&|with| with["run"] = json!(["y"]), false);
    check(&|with| with["drift"]["methods"] = json!(["GET"]), false);
    check(&|with| with["drift"]["openapi"] = json!("api.yaml"), false);
}
