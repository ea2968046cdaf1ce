//! `gate record`, `gate replay` and `gate drift` with programs that are no part of us.

use crate::environment::Environment;
use crate::python::Service;

/// A service that counts its answers, so that one that was recorded can be told from a new one.
const SERVICE: &str = r#"
import http.server, json, sys
changed = len(sys.argv) > 1
count = 0
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        global count
        count += 1
        body = {"path": self.path, "count": str(count) if changed else count}
        self.answer(200, json.dumps(body).encode())
    def do_POST(self):
        self.answer(201, self.rfile.read(int(self.headers["content-length"])))
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// A program that asks the service, at the address it is given or through whatever proxy it is
/// told of.
const CLIENT: &str = r#"
import os, sys, urllib.request
base = os.environ.get("GATE_TARGET") or sys.argv[1]
token = {"authorization": "Bearer s3cret-token-0123456789"}
request = urllib.request.Request(base + "/contacts/151?b=1", headers=token)
print(urllib.request.urlopen(request).read().decode())
json = {"content-type": "application/json"}
form = urllib.request.Request(base + "/form", b'{"password":"hunter2-hunter2"}', json)
print(urllib.request.urlopen(form).status)
sys.exit(int(os.environ.get("ENDS_WITH", "0")))
"#;

fn workspace() -> Environment {
    Environment::new(&[("service.py", SERVICE), ("client.py", CLIENT)])
}

const REPLAY: &[&str] = &["replay", "--cassette", "crm.cassette", "--", "python3", "client.py"];

#[test]
fn a_program_is_recorded_and_replayed_as_the_service() {
    let environment = workspace();
    let service = Service::start(&environment, &[]);
    let record = [
        "record",
        "--cassette",
        "crm.cassette",
        "--target",
        &service.url,
        "--",
        "python3",
        "client.py",
    ];
    let recorded = environment.gate(&record);
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    assert!(recorded.stderr.contains("recorded 2 interactions into crm.cassette"));
    let first = recorded.stdout;
    assert!(first.contains(r#""count": 1"#), "{first}");
    drop(service);
    let replayed = environment.gate(REPLAY);
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    let (listening, answers) = replayed.stdout.split_once('\n').unwrap();
    assert!(listening.starts_with(r#"{"listening":"http://127.0.0.1:"#), "{listening}");
    assert_eq!(answers, first);
    assert!(replayed.stderr.contains("answered 2 requests of 2\n"), "{}", replayed.stderr);
    let text = environment.all_of("crm.cassette");
    for secret in ["s3cret-token", "hunter2"] {
        assert!(!text.contains(secret), "{secret} was written");
    }
    assert!(text.contains("Bearer redacted-"), "{text}");
}

#[test]
fn a_program_is_recorded_and_replayed_through_a_proxy() {
    let environment = workspace();
    let service = Service::start(&environment, &[]);
    let url = service.url.clone();
    let record = |mode: &str| {
        let words = ["record", "--cassette", "crm.cassette", "--proxy", "--mode", mode, "--"];
        environment.gate(&[&words[..], &["python3", "client.py", &url]].concat())
    };
    assert_eq!(record("once").code, 0);
    let before = environment.all_of("crm.cassette");
    let again = record("all");
    assert_eq!(again.code, 0, "{}", again.stderr);
    // The service counts on, and says so in a number: that is a change of the data.
    assert!(again.stderr.contains("1 of them unchanged"), "{}", again.stderr);
    assert_ne!(environment.all_of("crm.cassette"), before);
    drop(service);
    let replay =
        ["replay", "--cassette", "crm.cassette", "--proxy", "--", "python3", "client.py", &url];
    let replayed = environment.gate(&replay);
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    assert!(replayed.stdout.contains(r#""count": 2"#), "{}", replayed.stdout);
}

#[test]
fn the_exit_code_says_what_came_of_it() {
    let environment = workspace();
    let service = Service::start(&environment, &[]);
    let record = [
        "record",
        "--cassette",
        "crm.cassette",
        "--target",
        &service.url,
        "--",
        "python3",
        "client.py",
    ];
    assert_eq!(environment.gate(&record).code, 0);
    let check = |words: &[&str], code: i32, said: &str| {
        let ended = environment.gate(words);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    };
    let replay = |command: &[&'static str]| {
        [&["replay", "--cassette", "crm.cassette", "--"], command].concat()
    };
    check(
        &replay(&["true"]),
        3,
        "gate: no request came\n  hint: the command did not use the proxy",
    );
    check(&replay(&["false"]), 1, "no request came");
    check(&replay(&["sh", "-c", "python3 client.py; exit 7"]), 7, "answered 2 requests of 2");
    let other = "import os, urllib.request\nurl = os.environ['GATE_TARGET'] + '/contact'\n\
                 try: urllib.request.urlopen(url)\nexcept urllib.error.HTTPError as error: print(error.read().decode())";
    let missed = environment.gate(&replay(&["python3", "-c", other]));
    assert_eq!(missed.code, 1, "{}", missed.stderr);
    assert!(
        missed.stdout.contains(r#""error": "gate: GET /contact was not recorded""#),
        "{}",
        missed.stdout
    );
    assert!(missed.stderr.contains("nearest: GET "), "{}", missed.stderr);
    check(&["replay", "--cassette", "none"], 2, "gate: there is no none");
    check(&["record", "--cassette", "x"], 2, "--target <URL>");
    check(
        &["record", "--cassette", "x", "--target", "nowhere", "--", "true"],
        2,
        "`nowhere` is no address",
    );
}

#[test]
fn a_service_that_has_drifted_is_told() {
    let environment = workspace();
    let service = Service::start(&environment, &[]);
    let record = [
        "record",
        "--cassette",
        "crm.cassette",
        "--target",
        &service.url,
        "--",
        "python3",
        "client.py",
    ];
    assert_eq!(environment.gate(&record).code, 0);
    let token = "authorization: Bearer ${TOKEN}";
    let drift = |url: &str| {
        let words =
            ["drift", "--cassette", "crm.cassette", "--target", url, "--header", token, "--json"];
        let ended = environment.command(&words).env("TOKEN", "x").output().unwrap();
        let text = String::from_utf8(ended.stdout).unwrap();
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        (ended.status.code(), found["requests"][0]["findings"].clone())
    };
    assert_eq!(drift(&service.url), (Some(0), serde_json::json!([])));
    let changed = Service::start(&environment, &["changed"]);
    let (code, found) = drift(&changed.url);
    assert_eq!(code, Some(1));
    assert_eq!(found[0]["place"], "$.count");
    assert_eq!(found[0]["severity"], "breaking");
    let (code, _) = drift("http://127.0.0.1:1");
    assert_eq!(code, Some(3));
    let export = ["export", "crm.cassette", "--format", "har", "--out", "crm.har"];
    assert_eq!(environment.gate(&[&["cassette"], &export[..]].concat()).code, 0);
    let ask = |url: &str| {
        let words =
            ["drift", "--cassette", "crm.har", "--target", url, "--header", "authorization: x"];
        let ended = environment.gate(&words);
        (ended.code, ended.stdout)
    };
    assert_eq!(ask(&service.url).0, 0);
    let (code, told) = ask(&changed.url);
    assert_eq!(code, 1);
    assert!(told.contains("  breaking   $.count: "), "{told}");
}
