//! `gate drift --openapi` and `drift: { openapi: ... }`: a service held against its document.

use serde_json::{Value, json};

use crate::api::{approve, run, spec};
use crate::environment::Environment;
use crate::python::Service;

/// A service that answers otherwise as the file `changed` says: a path, and a body.
const SERVICE: &str = r#"
import http.server, json, os
ANSWERS = {
    "/v1/me": {"id": 7, "name": "Kim", "plan": "pro"},
    "/v1/lists": {"results": [{"id": 1}, {"id": 2}]},
    "/v1/old": {"a": 1},
    "/v1/odd": {"odd": "yes"},
}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        answers = dict(ANSWERS)
        if os.path.exists("changed"):
            answers.update(json.load(open("changed")))
        if self.path in answers:
            return self.answer(200, answers[self.path])
        self.answer(404, {"error": "no such thing"})
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer(201, {"made": "yes"})
    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

const CLIENT: &str = r#"
import os, urllib.request
base = os.environ["GATE_TARGET"]
for path in ["/v1/me", "/v1/lists"]:
    urllib.request.urlopen(base + path).read()
urllib.request.urlopen(base + "/v1/lists", b"{}").read()
"#;

const DOCUMENT: &str = r#"
openapi: 3.0.3
info: { title: CRM, version: "1" }
servers: [{ url: https://crm.example.com/v1 }]
paths:
  /me:
    get:
      operationId: me
      responses:
        "200":
          description: Who asks.
          content: { application/json: { schema: { $ref: "parts/me.yaml#/Me" } } }
  /lists:
    get:
      responses:
        "200":
          description: All lists.
          content:
            application/json:
              schema:
                type: object
                required: [results]
                properties:
                  results: { type: array, items: { type: object, required: [id], properties: { id: { type: integer } } } }
    post:
      operationId: makeList
      responses: { "201": { description: Made., content: { application/json: {} } } }
  /lists/{id}:
    delete: { responses: { "204": { description: Gone. } } }
"#;

const ME: &str = r#"{"Me": {"type": "object", "required": ["id", "name"],
    "properties": {"id": {"type": "integer"}, "name": {"type": "string", "maxLength": 5},
                   "plan": {"type": "string", "enum": ["pro", "basic"]}}}}"#;

fn workspace() -> (Environment, Service) {
    let files = [
        ("service.py", SERVICE),
        ("client.py", CLIENT),
        ("api/crm.yaml", DOCUMENT),
        ("api/parts/me.yaml", ME),
    ];
    let environment = Environment::new(&files);
    let service = Service::start(&environment, &[]);
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", service.url);
    environment.write("gate.yaml", &config);
    let words = ["record", "--cassette", "specs/crm.cassette", "--target", &service.url];
    let ended = environment.gate(&[&words[..], &["--", "python3", "client.py"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    (environment, service)
}

/// What the command says, as JSON and for people.
fn drift(environment: &Environment, service: &Service) -> (i32, Value, String) {
    let words = ["drift", "--cassette", "specs/crm.cassette", "--target", &service.url];
    let words = [&words[..], &["--openapi", "api/crm.yaml"]].concat();
    let told = environment.gate(&words);
    let ended = environment.gate(&[&words[..], &["--json"]].concat());
    assert_eq!(told.code, ended.code, "{}", told.stderr);
    (ended.code, ended.json(), told.stdout.replace(&service.url, "http://service"))
}

#[test]
fn a_service_is_held_against_its_document() {
    let (environment, service) = workspace();
    let (code, found, told) = drift(&environment, &service);
    assert_eq!(code, 0, "{told}");
    assert_eq!(found["openapi"]["operations"], 4);
    assert_eq!(found["openapi"]["uncovered"], json!(["DELETE /lists/{id}"]));
    assert_eq!(found["requests"][0]["operation"], "me");
    insta::assert_snapshot!("as_it_should", told);

    // Two answers that are alike in form; the document says what neither shows.
    environment.write("changed", r#"{"/v1/me": {"id": 7, "name": "Kimberly", "plan": "gold"}}"#);
    let (code, found, told) = drift(&environment, &service);
    assert_eq!(code, 1, "{told}");
    let first = &found["requests"][0]["findings"][0];
    let expect = json!({
        "operation": "me",
        "pointer": "/name",
        "rule": "parts/me.yaml#/Me/properties/name/maxLength",
        "side": "live",
    });
    assert_eq!((&first["severity"], &first["change"]), (&json!("breaking"), &json!("limit")));
    assert_eq!(first["document"], expect);
    insta::assert_snapshot!("broken_by_the_service", told);

    // The recording breaks the document just as the service does.
    environment.write("changed", "{}");
    environment.write("api/parts/me.yaml", &ME.replace("integer", "string"));
    let strict = DOCUMENT
        .replace("201", "200")
        .replace("/lists:\n    get:", "/lists:\n    get:\n      deprecated: true");
    environment.write("api/crm.yaml", &strict);
    let (code, _, told) = drift(&environment, &service);
    assert_eq!(code, 0, "{told}");
    insta::assert_snapshot!("the_document_is_wrong", told);

    // Nothing that was asked lies below the path of the document.
    environment.write("api/crm.yaml", &DOCUMENT.replace("/v1 }", "/v2 }"));
    let (code, found, told) = drift(&environment, &service);
    assert_eq!((code, &found["openapi"]["used"]), (3, &json!(false)), "{told}");
    assert!(told.contains("nothing that was asked is described by the document"), "{told}");
}

#[test]
fn a_document_that_cannot_be_used_is_refused_at_once() {
    let (environment, service) = workspace();
    let check = |document: &str, expect: &[&str]| {
        environment.write("api/crm.yaml", document);
        let words = ["drift", "--cassette", "specs/crm.cassette", "--target", &service.url];
        let words = [&words[..], &["--openapi", "api/crm.yaml"]].concat();
        let ended = environment.gate(&words);
        assert_eq!(ended.code, 2, "{}{}", ended.stdout, ended.stderr);
        for text in expect {
            assert!(ended.stderr.contains(text), "{}", ended.stderr);
        }
    };
    check("swagger: '2.0'\npaths: {}", &["it is Swagger 2.0", "hint: convert it"]);
    check("a: [", &["it is neither JSON nor YAML"]);
    check("openapi: 3.1.0", &["describes no operation"]);
}

#[test]
fn a_gate_holds_a_service_against_its_document() {
    let (environment, _service) = workspace();
    let drift = |more: &str| {
        let with = format!("cassette: crm.cassette\ndrift: {{ openapi: ../api/crm.yaml{more} }}\n");
        spec(&environment, &with);
        let (ended, report) = run(&environment);
        let checks = report["gates"][0]["checks"].as_array().cloned().unwrap_or_default();
        let told: Vec<String> = checks
            .iter()
            .map(|one| {
                let part = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}: {}", part("verdict"), part("id"), part("message"))
            })
            .collect();
        (ended, told.join("\n"))
    };
    let (ended, told) = drift("");
    assert_eq!(ended.code, 0, "{}{told}", ended.stderr);
    insta::assert_snapshot!("gate_as_it_should", told);
    let checks = ended.json()["gates"][0]["checks"].as_array().unwrap().clone();
    assert!(
        checks.last().unwrap()["evidence"][0]["label"].as_str().unwrap().starts_with("operations")
    );
    let judged = environment.gate(&["judge", "last", "--json"]);
    assert_eq!(judged.stdout, ended.stdout, "{}", judged.stderr);

    environment.write("changed", r#"{"/v1/me": {"id": 7, "name": "Kimberly", "plan": "pro"}}"#);
    let (ended, told) = drift("");
    assert_eq!(ended.code, 1, "{}{told}", ended.stderr);
    insta::assert_snapshot!("gate_broken_by_the_service", told);
    assert_eq!(drift(", ignore: [$.name]").0.code, 0);

    // Accepted as it is now, it is the document that is wrong.
    assert_eq!(drift("").0.code, 1);
    approve(&environment);
    let (ended, told) = drift("");
    assert_eq!(ended.code, 0, "{}{told}", ended.stderr);
    assert!(told.contains("the document is wrong"), "{told}");

    environment.write("api/crm.yaml", "swagger: '2.0'\n");
    assert_eq!(drift("").0.code, 3);
    std::fs::remove_file(environment.path().join("api/crm.yaml")).unwrap();
    let ended = environment.gate(&["run"]);
    assert_eq!(ended.code, 2, "{}", ended.stdout);
    assert!(ended.stderr.contains("there is no file `../api/crm.yaml`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("it would be specs/../api/crm.yaml"), "{}", ended.stderr);
}
