//! The `api` gate: programs under replay, requests with asserts, drift, and what is proposed.

use serde_json::Value;

use crate::environment::{Ended, Environment};
use crate::python::Service;

/// A service that answers otherwise when the file `changed` is there.
const SERVICE: &str = r#"
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        changed = os.path.exists("changed")
        if self.path == "/v1/me":
            if self.headers.get("authorization") != "Bearer top-secret-token":
                return self.answer(401, {"error": "who are you?"})
            plan = {} if changed else {"plan": "pro"}
            return self.answer(200, {"id": 7, "name": "Kim", **plan})
        if self.path == "/login":
            return self.answer(200, {"token": "tok-5f2e9c1b7a604d38"}, [("set-cookie", "sid=s1; Path=/")])
        if self.path == "/hello?name=tok-5f2e9c1b7a604d38":
            cookies = self.headers.get("cookie", "")
            return self.answer(200, {"hello": "tok-5f2e9c1b7a604d38", "cookies": cookies, "list": [1, 2]})
        if self.path == "/moved":
            return self.answer(302, {}, [("location", "/login")])
        if self.path == "/v1/about":
            return self.answer(200, {"version": 1})
        if self.path == "/away":
            return self.answer(302, {}, [("location", "http://localhost:%d/told" % server.server_address[1])])
        if self.path == "/told":
            return self.answer(200, {"key": self.headers.get("x-key"), "cookie": self.headers.get("cookie")})
        if self.path == "/odd":
            return self.answer(200, {"error": 1}, [("content-encoding", "compress")])
        if self.path == "/list":
            return self.answer(200, {"all": ["x" * 100] * 300, "none": []})
        if self.path == "/leak":
            return self.answer(200, {"auth": self.headers.get("x-key")})
        self.answer(404, {"error": "no such thing"})
    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        self.answer(201, {"type": self.headers["content-type"], "got": self.rfile.read(length).decode()})
    def answer(self, status, body, headers=()):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// A program that asks for what it is told to, and ends with 1 when that is refused.
const CLIENT: &str = r#"
import os, sys, urllib.error, urllib.request
base = os.environ.get("GATE_TARGET") or os.environ["SERVICE"]
for path in sys.argv[1:]:
    request = urllib.request.Request(base + path, headers={"authorization": "Bearer top-secret-token"})
    try:
        print(urllib.request.urlopen(request).read().decode())
    except urllib.error.HTTPError as error:
        print(error.read().decode())
        sys.exit(1)
"#;

/// A workspace whose environment `test` is the service.
pub(crate) fn workspace() -> (Environment, Service) {
    let environment = Environment::new(&[("service.py", SERVICE), ("client.py", CLIENT)]);
    let service = Service::start(&environment, &[]);
    let config = format!(
        "environments:\n  test: {{ url: \"{}\" }}\nsecrets:\n  CRM: {{ env: CRM }}\n",
        service.url
    );
    environment.write("gate.yaml", &config);
    let environment = environment.with("SERVICE", &service.url).with("CRM", "top-secret-token");
    (environment, service)
}

pub(crate) fn spec(environment: &Environment, with: &str) {
    let indented: String = with.lines().map(|line| format!("  {line}\n")).collect();
    environment.write("specs/crm.yaml", &format!("gate: api\nname: crm\nwith:\n{indented}"));
}

pub(crate) fn run(environment: &Environment) -> (Ended, Value) {
    let ended = environment.gate(&["run", "--json"]);
    let report = ended.json();
    (ended, report)
}

/// The verdicts of the checks, by name.
fn checks(report: &Value) -> Vec<String> {
    let checks = report["gates"][0]["checks"].as_array().unwrap();
    checks
        .iter()
        .map(|one| format!("{} {}", one["verdict"].as_str().unwrap(), one["id"].as_str().unwrap()))
        .collect()
}

pub(crate) fn message(report: &Value, id: &str) -> String {
    let checks = report["gates"][0]["checks"].as_array().unwrap();
    let check = checks.iter().find(|one| one["id"] == id);
    check.unwrap_or_else(|| panic!("{report:#}"))["message"].as_str().unwrap().to_owned()
}

pub(crate) fn approve(environment: &Environment) {
    let ended = environment.gate(&["approve", "--all", "--reason", "right", "--by", "Kim"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

pub(crate) const RUN: &str = "cassette: crm.cassette\nrun: [python3, client.py, /v1/me]\n";

#[test]
fn a_recording_is_proposed_accepted_and_played() {
    let (environment, service) = workspace();
    for through in ["proxy", "target"] {
        let with = format!("{RUN}through: {through}\n");
        spec(&environment, &format!("{with}mode: once\n"));
        let (first, report) = run(&environment);
        assert_eq!(first.code, 3, "{}", first.stderr);
        assert_eq!(
            checks(&report),
            ["pass exit", "pass answered", "inconclusive recorded"]
                .map(str::to_owned)
                .into_iter()
                .collect::<Vec<_>>(),
        );
        assert!(!environment.path().join("specs/crm.cassette").exists(), "nothing was decided");
        approve(&environment);
        let written = std::fs::read_to_string(environment.path().join("gate.yaml")).unwrap();
        assert!(!written.contains("top-secret-token"));
        spec(&environment, &with);
        let (again, report) = run(&environment);
        assert_eq!(again.code, 0, "{}{report:#}", again.stderr);
        let told = message(&report, "answered");
        assert_eq!(told, "1 request answered from the recording");
        std::fs::remove_dir_all(environment.path().join("specs/crm.cassette")).unwrap();
    }
    drop(service);
}

#[test]
fn what_was_not_recorded_fails_and_can_be_added() {
    let (environment, service) = workspace();
    spec(&environment, &format!("{RUN}mode: once\n"));
    assert_eq!(run(&environment).0.code, 3);
    approve(&environment);

    let more = "cassette: crm.cassette\nrun: [python3, client.py, /v1/me, /login]\n";
    spec(&environment, more);
    let (missed, report) = run(&environment);
    assert_eq!(missed.code, 1, "{}", missed.stderr);
    let expect = ["pass recording", "fail exit", "fail answered"];
    assert_eq!(checks(&report), expect.map(str::to_owned));
    let told = message(&report, "answered");
    assert!(told.contains("/login was not recorded; nearest: GET http"), "{told}");

    // Only what is new is recorded, and proposed.
    spec(&environment, &format!("{more}mode: new_episodes\n"));
    let (added, report) = run(&environment);
    assert_eq!(added.code, 3, "{}", added.stderr);
    let told = message(&report, "recorded");
    assert!(told.contains("GET /login"), "{told}");
    assert_eq!(report["gates"][0]["proposals"].as_array().unwrap().len(), 1);
    approve(&environment);
    drop(service);
    spec(&environment, &format!("{more}required: ['*']\n"));
    let (played, report) = run(&environment);
    assert_eq!(played.code, 0, "{}{report:#}", played.stderr);

    spec(&environment, &format!("{RUN}required: ['GET /login']\n"));
    let (unused, report) = run(&environment);
    assert_eq!(unused.code, 1, "{}", unused.stderr);
    assert!(message(&report, "required").contains("1 recording not asked for"), "{report:#}");

    spec(&environment, "cassette: crm.cassette\nrun: ['true']\n");
    let (idle, report) = run(&environment);
    assert_eq!(idle.code, 3, "{}", idle.stderr);
    assert_eq!(message(&report, "answered"), "no request came to the recording");
}

#[test]
fn drift_fails_until_its_new_recording_is_accepted() {
    let (environment, _service) = workspace();
    spec(&environment, &format!("{RUN}mode: once\n"));
    assert_eq!(run(&environment).0.code, 3);
    approve(&environment);
    let drift = "cassette: crm.cassette\ndrift: {}\n";
    let token = "headers: { authorization: 'Bearer ${secret:CRM}' }\n";

    spec(&environment, drift);
    let (without, report) = run(&environment);
    assert_eq!(without.code, 3, "{}", without.stderr);
    assert!(message(&report, "drift-get-v1-me").contains("no credentials"), "{report:#}");

    spec(&environment, &format!("{drift}{token}"));
    assert_eq!(run(&environment).0.code, 0);

    environment.write("changed", "");
    let (drifted, report) = run(&environment);
    assert_eq!(drifted.code, 1, "{}", drifted.stderr);
    let told = message(&report, "drift-get-v1-me");
    assert_eq!(told, "a client may break: $.plan: there, now gone");
    assert!(!drifted.stdout.contains("top-secret-token"));
    let judged = environment.gate(&["judge", "last", "--json"]);
    assert_eq!(judged.stdout, drifted.stdout, "{}", judged.stderr);

    // Somebody knows of it, or nobody looks there.
    let ignoring = format!("cassette: crm.cassette\ndrift: {{ ignore: [$.plan] }}\n{token}");
    spec(&environment, &ignoring);
    assert_eq!(run(&environment).0.code, 0);
    spec(&environment, &format!("cassette: crm.cassette\ndrift: {{ skip: ['*'] }}\n{token}"));
    assert_eq!(run(&environment).0.code, 3);

    spec(&environment, &format!("{drift}{token}"));
    assert_eq!(run(&environment).0.code, 1);
    approve(&environment);
    let (accepted, report) = run(&environment);
    assert_eq!(accepted.code, 0, "{}{report:#}", accepted.stderr);
}

#[test]
fn requests_in_the_words_of_hurl() {
    let (environment, service) = workspace();
    environment.write(
        "specs/hello.schema.json",
        r#"{"type":"object","required":["hello"],"properties":{"list":{"items":{"type":"integer"}}}}"#,
    );
    let with = r#"
requests:
  - name: log in
    request: GET /moved
    follow: true
    captures: { token: 'jsonpath "$.token"' }
    asserts: ['url endsWith "/login"']
  - request: GET /hello
    query: { name: '{{token}}' }
    status: 200
    schema: hello.schema.json
    asserts:
      - jsonpath "$.hello" == {{token}}
      - jsonpath "$.cookies" contains "sid=s1"
      - jsonpath "$.list" count >= 2
      - jsonpath "$.hello" matches /^tok-|redacted-/
      - duration < 20s
  - request: POST /form
    form: { a: 'x y', token: '{{token}}' }
    status: 201
    asserts: ['jsonpath "$.got" == "a=x+y&token={{token}}"']
  - request: POST /json
    json: { list: [1, '{{token}}'], n: '{{token}}!' }
    asserts: ['jsonpath "$.got" contains "[1,\"{{token}}\"]"', 'jsonpath "$.got" contains "{{token}}!"']
  - request: GET /v1/me
    headers: { authorization: 'Bearer ${secret:CRM}' }
    asserts: [jsonpath "$.name" == "Kim"]
"#;
    spec(&environment, with.trim());
    let (good, report) = run(&environment);
    assert_eq!(good.code, 0, "{}{report:#}", good.stderr);
    assert_eq!(checks(&report).len(), 6, "{report:#}");
    assert_eq!(
        grep(&environment.path().join(".gate"), "tok-5f2e9c1b7a604d38"),
        Vec::<String>::new()
    );

    // The same from a recording, with the service gone.
    let recording = format!("cassette: crm.cassette\nlatency: recorded\n{}", with.trim());
    spec(&environment, &format!("{recording}\nmode: all"));
    let (recorded, report) = run(&environment);
    assert_eq!(recorded.code, 3, "{}{report:#}", recorded.stderr);
    approve(&environment);
    drop(service);
    spec(&environment, &recording);
    let (played, report) = run(&environment);
    // What stands in a recording in the place of the token leads on as the token did.
    assert_eq!(played.code, 0, "{}{report:#}", played.stderr);
}

#[test]
fn what_belongs_to_a_service_stays_with_it() {
    let (environment, service) = workspace();
    let config = format!(
        "environments:\n  test: {{ url: \"{}\", cookies: {{ stage: blue }} }}\n",
        service.url
    );
    environment.write("gate.yaml", &config);
    let with = r#"
requests:
  - request: GET /login
    captures: { token: 'jsonpath "$.token"' }
    asserts:
      - variable "token" exists
      - variable "token" startsWith "tok-"
      - header "set-cookie" first exists
  - request: GET /told
    headers: { x-key: k-1 }
    asserts:
      - jsonpath "$.key" == "k-1"
      - jsonpath "$.cookie" contains "stage=blue"
      - jsonpath "$.cookie" contains "sid=s1"
  - request: GET /away
    follow: true
    headers: { x-key: k-1 }
    asserts: [jsonpath "$.key" == null, jsonpath "$.cookie" == null]
  - request: GET /odd
    asserts: [body not contains "error"]
  - request: GET /list
    asserts:
      - jsonpath "$.all" count == 300
      - jsonpath "$.all" isList
      - jsonpath "$.none[*]" count == 0
"#;
    spec(&environment, with.trim());
    let (ended, report) = run(&environment);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let expect = [
        // A header that is there once is no list.
        "fail request-get-login",
        "pass request-get-told",
        "pass request-get-away",
        "inconclusive request-get-odd",
        "pass request-get-list",
        "pass secrets",
    ];
    assert_eq!(checks(&report), expect, "{report:#}");
    assert!(message(&report, "request-get-odd").contains("content coding that is not known"));
    let stored = environment.path().join(".gate");
    assert_eq!(grep(&stored, "tok-5f2e9c1b7a604d38"), Vec::<String>::new());
    // What is long is not in the observation, and is judged all the same.
    let judged = environment.gate(&["judge", "last", "--json"]);
    assert_eq!(judged.stdout, ended.stdout, "{}", judged.stderr);
}

#[test]
fn recording_anew_removes_what_was_not_asked_for_when_all_went_well() {
    let (environment, service) = workspace();
    let config = format!("environments:\n  test: {{ url: \"{}/v1\" }}\n", service.url);
    environment.write("gate.yaml", &config);
    // The service lies below a path, and stays there when it is played.
    let of = |paths: &str, mode: &str| {
        format!(
            "cassette: crm.cassette\nrun: [python3, client.py, {paths}]\nthrough: target\nmode: {mode}\n"
        )
    };
    spec(&environment, &of("/me, /about", "once"));
    let (first, report) = run(&environment);
    assert_eq!(first.code, 3, "{}", first.stderr);
    assert!(message(&report, "recorded").contains("new: GET"), "{report:#}");
    approve(&environment);
    spec(&environment, &of("/me, /about", "none"));
    assert_eq!(run(&environment).0.code, 0);

    spec(&environment, &of("/me", "all"));
    let (anew, report) = run(&environment);
    assert_eq!(anew.code, 3, "{}", anew.stderr);
    assert!(message(&report, "recorded").contains("not asked for: GET"), "{report:#}");
    let title = report["gates"][0]["proposals"][0]["title"].as_str().unwrap();
    assert!(title.starts_with("remove the recording of GET"), "{title}");

    spec(&environment, &of("/me, /gone", "all"));
    let (failed, report) = run(&environment);
    assert_eq!(failed.code, 1, "{}", failed.stderr);
    assert!(message(&report, "recorded").contains("not proposed"), "{report:#}");
    assert!(report["gates"][0]["proposals"].is_null(), "{report:#}");

    spec(&environment, &format!("{}required: ['POST /**']\n", of("/me", "none")));
    let (mistyped, report) = run(&environment);
    assert_eq!(mistyped.code, 3, "{}", mistyped.stderr);
    assert!(message(&report, "required").contains("nothing was recorded"), "{report:#}");
}

/// The files below a folder that hold a text.
fn grep(folder: &std::path::Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(grep(&path, text));
        } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(text) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn requests_that_do_not_hold_are_told() {
    let (environment, service) = workspace();
    environment.write("specs/strict.json", r#"{"required":["nothing"]}"#);
    let with = r#"
requests:
  - request: GET /login
    status: 204
    captures: { other: 'jsonpath "$.none"' }
    asserts: [jsonpath "$.token" == "x"]
    schema: strict.json
  - request: GET /{{other}}
  - request: GET /gone
  - request: GET /leak
    headers: { x-key: '${secret:CRM}' }
"#;
    spec(&environment, with.trim());
    let (ended, report) = run(&environment);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    for secret in ["top-secret-token", "tok-5f2e9c1b7a604d38"] {
        assert_eq!(grep(&environment.path().join(".gate"), secret), Vec::<String>::new());
        assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret));
    }
    let text: Vec<String> = report["gates"][0]["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let message = one["message"].as_str().unwrap().replace(&service.url, "http://service");
            let message = message.split(" in ").next().unwrap();
            format!(
                "{} {}: {message}",
                one["verdict"].as_str().unwrap(),
                one["id"].as_str().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn a_recording_with_a_secret_or_a_damage_does_not_pass() {
    let (environment, _service) = workspace();
    spec(&environment, &format!("{RUN}mode: once\n"));
    assert_eq!(run(&environment).0.code, 3);
    approve(&environment);
    spec(&environment, RUN);
    assert_eq!(run(&environment).0.code, 0);
    let folder = environment.path().join("specs/crm.cassette/endpoints");
    let host = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let file = std::fs::read_dir(host).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap();
    let inner = file.strip_prefix(environment.path()).unwrap().to_str().unwrap();

    let token = format!("ghp_{}", "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5");
    environment.write(inner, &text.replace("Kim", &token));
    let (secret, report) = run(&environment);
    assert_eq!(secret.code, 1, "{}{report:#}", secret.stderr);
    let told = message(&report, "recorded-secrets");
    assert!(told.contains("github") && !secret.stdout.contains(&token), "{told}");

    environment.write(inner, "{");
    let (damaged, _) = run(&environment);
    assert_eq!(damaged.code, 3, "{}", damaged.stderr);
}

#[test]
fn mistakes_in_a_spec_are_shown_where_they_stand() {
    let (environment, _service) = workspace();
    spec(&environment, "requests:\n- request: GET /\n  asserts:\n  - statsu == 200\n");
    let ended = environment.gate(&["run"]);
    assert_eq!(ended.code, 2, "{}", ended.stdout);
    assert!(ended.stderr.contains("`statsu` is nothing of an answer"), "{}", ended.stderr);
    assert!(ended.stderr.contains("crm.yaml:7:"), "{}", ended.stderr);
}
