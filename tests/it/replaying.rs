//! `gate replay` of whatever format, asked by a client that knows nothing but HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::environment::{Ended, Environment, ended};

/// A replay at work.
pub(crate) struct Replay {
    process: Option<Child>,
    address: String,
}

impl Replay {
    /// Of a recording in this workspace, with further arguments.
    pub(crate) fn start(environment: &Environment, path: &str, more: &[&str]) -> Replay {
        let words = [&["replay", "--cassette", path], more].concat();
        let mut process = environment.command(&words).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            let mut text = String::new();
            process.stderr.take().unwrap().read_to_string(&mut text).unwrap();
            panic!("{error}: {line}{text}")
        });
        let url = said["listening"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap().to_owned();
        Replay { process: Some(process), address }
    }

    /// Status and body of the answer to this request; its headers are pairs.
    pub(crate) fn ask(
        &self,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> (u16, Vec<u8>) {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (host, path) = match rest.find('/') {
            Some(0) => (self.address.as_str(), rest),
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, "/"),
        };
        // Version 1.0 has bodies that end where the connection does, and no chunks.
        let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(&[request.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer[head + 4..].to_vec())
    }

    /// A request without anything, and its answer as text.
    pub(crate) fn get(&self, url: &str) -> (u16, String) {
        let (status, body) = self.ask("GET", url, &[], b"");
        (status, String::from_utf8(body).unwrap())
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn end(mut self) -> Ended {
        let process = self.process.take().unwrap();
        kill_process(Pid::from_child(&process), Signal::INT).unwrap();
        ended(process.wait_with_output().unwrap())
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The headers of a line of `gate cassette show` that say something of the request's meaning.
fn sent(line: &Value) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (name, values) in line["request"]["headers"].as_object().unwrap() {
        if matches!(name.as_str(), "content-type" | "cookie" | "authorization" | "accept") {
            let values = values.as_array().unwrap();
            headers
                .extend(values.iter().map(|one| (name.clone(), one.as_str().unwrap().to_owned())));
        }
    }
    headers
}

fn bytes(body: &Value) -> Vec<u8> {
    body.as_str().map_or_else(Vec::new, |coded| STANDARD.decode(coded).unwrap())
}

/// Asks everything that a recording holds, in its order.
fn check(environment: &Environment, path: &str) {
    let shown = environment.gate(&["cassette", "show", path]);
    let lines: Vec<Value> =
        shown.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let replay = Replay::start(environment, path, &[]);
    for (at, line) in lines.iter().enumerate() {
        let (method, url) = (line["method"].as_str().unwrap(), line["url"].as_str().unwrap());
        let (status, body) = replay.ask(method, url, &sent(line), &bytes(&line["request"]["body"]));
        let response = &line["response"];
        assert_eq!(response["status"], status, "{path}, interaction {}", at + 1);
        if method != "HEAD" {
            let same = body == bytes(&response["body"]);
            assert!(same, "{path}, interaction {}: {}", at + 1, String::from_utf8_lossy(&body));
        }
    }
    let ended = replay.end();
    let summary = format!(
        "answered {0} request{1} of {0}\n",
        lines.len(),
        if lines.len() == 1 { "" } else { "s" }
    );
    assert_eq!((ended.code, ended.stderr), (0, summary), "{path}");
}

#[test]
fn what_every_tool_wrote_is_answered() {
    let environment = Environment::new(&[]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recorder/tests/import/recorded");
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: std::collections::BTreeMap<String, Value> =
        serde_json::from_str(&manifest).unwrap();
    let names: Vec<&String> = manifest.keys().collect();
    std::thread::scope(|scope| {
        for some in names.chunks(names.len().div_ceil(4)) {
            let (environment, folder) = (&environment, &folder);
            scope.spawn(move || {
                for name in some {
                    check(environment, folder.join(name).to_str().unwrap());
                }
            });
        }
    });
}

const STUBS: &str = r#"{"mappings":[
 {"request":{"method":"GET","url":"/me"},"response":{"status":200,"body":"kim"}},
 {"request":{"method":"GET","urlPathPattern":"/contacts/[0-9]+"},"response":{"status":200,"body":"by rule"}},
 {"request":{"method":"GET","urlPath":"/key","headers":{"Authorization":{"equalTo":"Bearer kP3zQ9x"}}},"response":{"status":200,"body":"who has the key"}},
 {"request":{"method":"GET","urlPath":"/search","queryParameters":{"api_key":{"equalTo":"kP3zQ9x"}}},"response":{"status":200,"body":"found"}},
 {"name":"broken","request":{"method":"GET","url":"/broken"},"response":{"fault":"EMPTY_RESPONSE"}}
]}"#;

#[test]
fn stubs_answer_as_often_as_they_are_asked() {
    let environment = Environment::new(&[("stubs/mappings/all.json", STUBS)]);
    let replay = Replay::start(&environment, "stubs", &[]);
    let check = |url: &str, status: u16, body: &str| {
        assert_eq!(replay.get(url), (status, body.to_owned()), "{url}");
    };
    for _ in 0..3 {
        check("/me", 200, "kim");
        check("http://anywhere.example/contacts/151", 200, "by rule");
    }
    check("/search?api_key=kP3zQ9x", 200, "found");
    let key = ("authorization".to_owned(), "Bearer kP3zQ9x".to_owned());
    let answer = replay.ask("GET", "/key", &[key], b"");
    assert_eq!(answer, (200, b"who has the key".to_vec()));
    assert_eq!(replay.get("/contacts/kim").0, 501);
    assert_eq!(replay.get("/search?api_key=an0ther-key").0, 501);
    let ended = replay.end();
    assert_eq!(ended.code, 1);
    assert!(!ended.stderr.contains("an0ther-key"), "{}", ended.stderr);
    assert!(
        ended.stderr.starts_with("gate: stubs: mapping 5 (broken) answers with fault"),
        "{}",
        ended.stderr
    );
}

/// A cassette of vcrpy whose secrets somebody has masked, or not.
const MASKED: &str = "\
version: 1
interactions:
- request: {method: POST, uri: 'https://api.example.com/login?api_key=<KEY>', body: '{\"password\":\"kP3zQ9xLm2\"}', headers: {content-type: [application/json]}}
  response: {status: {code: 200, message: OK}, headers: {content-type: [application/json]}, body: {string: '{\"access_token\":\"tOk3n-0f-kim\"}'}}
- request: {method: GET, uri: 'https://api.example.com/by/tOk3n-0f-kim', body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: kim}}
- request: {method: GET, uri: 'https://api.example.com/by/tOk3n-0f-kim', body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: kim again}}
";

#[test]
fn who_has_another_secret_than_the_file_is_answered_all_the_same() {
    let environment = Environment::new(&[("masked.yaml", MASKED)]);
    let replay = Replay::start(&environment, "masked.yaml", &[]);
    let json = ("content-type".to_owned(), "application/json".to_owned());
    let (status, body) =
        replay.ask("POST", "/login?api_key=my-own-key-1", &[json], br#"{"password":"my-own-2"}"#);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    // The answer is as it was recorded, and what it gave is known again.
    assert_eq!(body, br#"{"access_token":"tOk3n-0f-kim"}"#);
    assert_eq!(replay.get("/by/tOk3n-0f-kim"), (200, "kim".to_owned()));
    assert_eq!(replay.get("/by/tOk3n-0f-kim"), (200, "kim again".to_owned()));
    let (status, said) = replay.get("/by/tOk3n-0f-kim");
    assert_eq!(status, 501);
    assert!(!said.contains("tOk3n-0f-kim"), "{said}");
    let ended = replay.end();
    assert_eq!(ended.code, 1);
    for secret in ["tOk3n-0f-kim", "kP3zQ9xLm2", "my-own-key-1", "my-own-2"] {
        assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
    }
    let allowed = Replay::start(&environment, "masked.yaml", &["--allow-repeats"]);
    let all: Vec<_> = (0..4).map(|_| allowed.get("/by/tOk3n-0f-kim").1).collect();
    assert_eq!(all, ["kim", "kim again", "kim again", "kim again"]);
    assert_eq!(allowed.end().code, 0);
}

#[test]
fn what_cannot_be_read_is_not_replayed() {
    let environment = Environment::new(&[("other.yml", "jobs: {}\n"), ("empty/x", "")]);
    let check = |path: &str, says: &str| {
        let ended = environment.gate(&["replay", "--cassette", path]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    };
    check("gone", "gate: there is no gone\n  hint: name a cassette");
    check("other.yml", "gate: reading other.yml: it is no recording of a known format");
    check("empty", "gate: empty is no cassette and no folder of mappings");
}
