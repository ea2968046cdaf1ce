//! `gate cassette` over cassettes of ours and files of every tool.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::environment::{Ended, Environment};

/// What vcrpy, Ruby's VCR, Polly.js and Playwright have written, with what is in it.
fn written_by_tools() -> (PathBuf, BTreeMap<String, Value>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recorder/tests/import/recorded");
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    (folder, serde_json::from_str(&manifest).unwrap())
}

const GO_VCR: &str = "\
version: 2
interactions:
- id: 0
  request:
    proto: HTTP/1.1
    host: api.example.com
    body: ''
    headers: {Authorization: [Bearer kP3zQ9x]}
    url: https://api.example.com/me
    method: GET
  response:
    body: kim
    headers: {Content-Type: [text/plain]}
    status: 200 OK
    code: 200
";
const VCR_CASSETTE: &str = r#"{"name":"x","http_interactions":[{"request":{"uri":"https://api.example.com/me","body":{"string":"","encoding":null},"method":"get","headers":{"Accept":["*/*"]}},"response":{"body":{"string":"/wA=","encoding":"base64"},"http_version":"1.1","status":{"code":200,"message":"OK"},"headers":{}},"recorded_at":"Tue, 01 Nov 2011 04:58:44 GMT"}],"recorded_with":"VCR-vcr-cassette-rs"}"#;
const WIREMOCK: &str = r#"{"mappings":[
 {"name":"me","request":{"method":"GET","url":"/me"},"response":{"status":200,"body":"kim","headers":{"X":["1","2"]}}},
 {"name":"contact","request":{"method":"GET","urlPathPattern":"/contacts/[0-9]+"},"response":{"status":200,"body":"by rule"}},
 {"name":"late","request":{"method":"GET","urlPathPattern":"/contacts/[0-9]+"},"priority":9,"response":{"status":500}},
 {"name":"broken","request":{"method":"GET","url":"/broken"},"response":{"fault":"EMPTY_RESPONSE"}}
]}"#;
const HOVERFLY: &str = r#"{"data":{"pairs":[
 {"request":{"path":[{"matcher":"exact","value":"/me"}],"method":[{"matcher":"exact","value":"GET"}],"destination":[{"matcher":"exact","value":"api.example.com"}],"scheme":[{"matcher":"exact","value":"https"}],"body":[{"matcher":"exact","value":""}]},"response":{"status":200,"body":"kim","encodedBody":false,"headers":{"X":["1"]}}},
 {"request":{"path":[{"matcher":"glob","value":"/files/*"}],"destination":[{"matcher":"exact","value":"api.example.com"}]},"response":{"status":200,"body":"by glob"}}
],"globalActions":{"delays":[]}},"meta":{"schemaVersion":"v5.2"}}"#;

/// A cassette of Ruby's VCR as a program's tests may have it.
const CRM: &str = "\
http_interactions:
- request:
    method: post
    uri: https://api.example.com/contacts?api_key=kP3zQ9xLm2
    body: {encoding: UTF-8, string: '{\"email\":\"kim@example.org\",\"plan\":\"pro\"}'}
    headers: {Content-Type: [application/json], Authorization: [Bearer <TOKEN>]}
  response:
    status: {code: 201, message: Created}
    headers: {Content-Type: [application/json], Set-Cookie: [sid=Zx81; Path=/, theme=dark]}
    body: {encoding: UTF-8, string: '{\"id\":151,\"access_token\":\"kP3zQ9xLm2\"}'}
  recorded_at: Tue, 01 Nov 2025 04:58:44 GMT
- request:
    method: get
    uri: https://api.example.com/contacts/151
    body: {encoding: UTF-8, string: ''}
    headers: {}
  response:
    status: {code: 204, message: No Content}
    headers: {}
    body: {encoding: UTF-8, string: ''}
  recorded_at: Tue, 01 Nov 2025 04:58:45 GMT
recorded_with: VCR 6.4.0
";

fn workspace() -> Environment {
    Environment::new(&[
        ("crm.yml", CRM),
        ("go.yaml", GO_VCR),
        ("rust.json", VCR_CASSETTE),
        ("stubs/mappings/all.json", WIREMOCK),
        ("hoverfly.json", HOVERFLY),
    ])
}

fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn digest(body: &Value) -> String {
    sha256(&body.as_str().map_or_else(Vec::new, |coded| STANDARD.decode(coded).unwrap()))
}

/// Runs it, which has to end with this code, and gives what people read.
#[track_caller]
fn read(environment: &Environment, words: &[&str], code: i32) -> String {
    let ended = environment.gate(&[&["cassette"], words].concat());
    assert_eq!(ended.code, code, "{words:?}\n{}{}", ended.stdout, ended.stderr);
    format!("{}---\n{}", ended.stdout, ended.stderr)
}

#[test]
fn what_every_tool_wrote_is_shown() {
    let environment = Environment::new(&[]);
    let (folder, manifest) = written_by_tools();
    for (name, expect) in &manifest {
        let path = folder.join(name);
        let shown = environment.gate(&["cassette", "show", path.to_str().unwrap(), "--json"]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{name}");
        let wanted = expect["interactions"].as_array().unwrap();
        let shown = lines(&shown);
        assert_eq!(shown.len(), wanted.len(), "{name}");
        for (line, wanted) in shown.iter().zip(wanted) {
            assert_eq!(line["method"], wanted["method"], "{name}");
            assert_eq!(line["url"], wanted["url"], "{name}");
            assert_eq!(line["response"]["status"], wanted["status"], "{name}");
            assert_eq!(digest(&line["request"]["body"]), wanted["request"], "{name}");
            assert_eq!(digest(&line["response"]["body"]), wanted["response"], "{name}");
        }
    }
}

#[test]
fn lines_have_one_shape_whatever_the_format() {
    let environment = workspace();
    let check = |path: &str, expect: &[&str], warned: &str| {
        let shown = environment.gate(&["cassette", "show", path]);
        assert_eq!(shown.code, 0, "{}", shown.stderr);
        assert_eq!(shown.stdout.lines().collect::<Vec<_>>(), expect, "{path}");
        assert_eq!(shown.stderr, warned, "{path}");
    };
    check(
        "go.yaml",
        &[
            r#"{"method":"GET","url":"https://api.example.com/me","request":{"headers":{"authorization":["Bearer kP3zQ9x"]},"body":null},"response":{"status":200,"headers":{"content-type":["text/plain"]},"body":"a2lt"}}"#,
        ],
        "",
    );
    check(
        "rust.json",
        &[
            r#"{"method":"GET","url":"https://api.example.com/me","request":{"headers":{"accept":["*/*"]},"body":null},"response":{"status":200,"headers":{},"body":"/wA="}}"#,
        ],
        "",
    );
    check(
        "stubs",
        &[
            r#"{"method":"GET","url":"/me","request":{"headers":{},"body":null},"response":{"status":200,"headers":{"x":["1","2"]},"body":"a2lt"}}"#,
            r#"{"method":"GET","url":"/contacts/[0-9]+","request":{"headers":{},"body":null},"response":{"status":200,"headers":{},"body":"YnkgcnVsZQ=="}}"#,
            r#"{"method":"GET","url":"/contacts/[0-9]+","request":{"headers":{},"body":null},"response":{"status":500,"headers":{},"body":null}}"#,
        ],
        "gate: stubs: mapping 4 (broken) answers with fault and no response: left out\n",
    );
    check(
        "hoverfly.json",
        &[
            r#"{"method":"GET","url":"https://api.example.com/me","request":{"headers":{},"body":null},"response":{"status":200,"headers":{"x":["1"]},"body":"a2lt"}}"#,
            r#"{"method":"ANY","url":"http://api.example.com/files/*","request":{"headers":{},"body":null},"response":{"status":200,"headers":{},"body":"YnkgZ2xvYg=="}}"#,
        ],
        "",
    );
}

#[test]
fn importing_tells_what_became_of_each_file() {
    let environment = workspace();
    let told =
        read(&environment, &["import", "crm.yml", "go.yaml", "stubs", "--out", "crm.cassette"], 0);
    insta::assert_snapshot!(told, @r#"
    crm.yml: a cassette of Ruby VCR, 2 interactions
    go.yaml: a cassette of go-vcr, 1 interaction
    stubs: mappings of WireMock, 1 interaction and 2 rules
    imported 4 interactions and 2 rules into crm.cassette; secrets or personal data were taken out of 2 of them
    ---
    gate: stubs: mapping 4 (broken) answers with fault and no response: left out
    "#);
    let text = environment.all_of("crm.cassette");
    for secret in ["kP3zQ9x", "kim@example.org", "Zx81"] {
        assert!(!text.contains(secret), "{secret} was written");
    }
    assert!(text.contains("api_key=redacted-secret-"), "{text}");
    insta::assert_snapshot!(read(&environment, &["check", "crm.cassette"], 1), @r#"
    unused    crm.cassette/rules.json: GET /contacts/[0-9]+ never answers: one before it does
              remove it
    crm.cassette: 4 interactions; 1 unused
    ---
    "#);
}

#[test]
fn a_cassette_is_not_overwritten_unless_somebody_says_so() {
    let environment = workspace();
    let import = |words: &[&str], code: i32| {
        read(&environment, &[&["import", "go.yaml", "--out", "crm.cassette"], words].concat(), code)
    };
    import(&[], 0);
    insta::assert_snapshot!(import(&[], 2), @r#"
    ---
    gate: crm.cassette is there already, with 1 interaction
      hint: --add puts these behind them, --replace puts these in their place
    "#);
    import(&["--add"], 0);
    let count = || lines(&environment.gate(&["cassette", "show", "crm.cassette"])).len();
    assert_eq!(count(), 2);
    import(&["--replace"], 0);
    assert_eq!(count(), 1);
    environment.write("notes/x.txt", "x");
    insta::assert_snapshot!(read(&environment, &["import", "go.yaml", "--out", "notes"], 2), @r#"
    ---
    gate: notes is there already, and is no cassette
      hint: name a folder that is empty or not there
    "#);
    environment
        .write("set/cassette.yaml", "schema: gate-cassette/v1\nredact:\n  keep_personal: true\n");
    read(&environment, &["import", "crm.yml", "--out", "set"], 0);
    assert!(environment.all_of("set").contains("kim@example.org"), "its settings hold");
}

#[test]
fn a_file_that_cannot_be_read_leaves_all_as_it_was() {
    let environment = workspace();
    environment.write(
        "torn.yml",
        "http_interactions:\n- request: {method: get, uri: 'https://a/\u{1b}[2J",
    );
    environment.write("other.yml", "jobs: {build: {steps: []}}\n");
    environment.write("empty.json", "");
    let files = ["import", "go.yaml", "torn.yml", "other.yml", "empty.json", "gone.har"];
    let told = read(&environment, &[&files[..], &["--out", "crm.cassette"]].concat(), 2);
    insta::assert_snapshot!(told, @r#"
    ---
    gate: reading torn.yml: it is no whole YAML: control characters are not allowed at position 78
    gate: reading other.yml: it is no recording of a known format
      hint: it reads cassettes of gate, Ruby VCR, vcrpy, go-vcr and vcr-cassette, HAR files, WireMock mappings and Hoverfly simulations
    gate: reading empty.json: it is empty
    gate: there is no gone.har
      hint: name a cassette, a file of another tool, or its folder
    nothing was written
    "#);
    assert!(!environment.path().join("crm.cassette").exists());
    let left: Vec<_> = std::fs::read_dir(environment.path()).unwrap().collect();
    assert!(left.iter().all(|entry| {
        !entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".gate-")
    }));
}

#[test]
fn a_check_names_what_is_wrong_and_never_a_secret() {
    let environment = workspace();
    let check = |path: &str, code: i32| read(&environment, &["check", path], code);
    insta::assert_snapshot!(check("crm.yml", 1), @r#"
    secret    crm.yml: POST https://api.example.com/contacts?api_key=redacted-secret: address, secret-name
    secret    crm.yml: POST https://api.example.com/contacts?api_key=redacted-secret: response body, secret-name
    secret    crm.yml: POST https://api.example.com/contacts?api_key=redacted-secret: response header set-cookie, secret
              gate cassette import makes a cassette without it
    personal  crm.yml: POST https://api.example.com/contacts?api_key=redacted-secret: request body, email
              gate cassette import makes a cassette without it
    crm.yml: 2 interactions; 3 secret, 1 personal
    ---
    "#);
    insta::assert_snapshot!(check("stubs", 1), @r#"
    left out  stubs: mapping 4 (broken) answers with fault and no response
              gate reads and replays the rest
    unused    stubs: GET /contacts/[0-9]+ never answers: one before it does
              remove it
    stubs: 1 interaction; 1 left out, 1 unused
    ---
    "#);
    insta::assert_snapshot!(check("gone", 2), @r#"
    ---
    gate: there is no gone
      hint: name a cassette, a file of another tool, or its folder
    "#);
    let secret = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    read(&environment, &["import", "rust.json", "go.yaml", "--out", "crm.cassette"], 0);
    environment.write("crm.cassette/endpoints/api.example.com/notes.txt", &secret);
    environment.write("crm.cassette/endpoints/api.example.com/GET_torn.json", "{");
    environment.write("crm.cassette/bodies/0123", "left over");
    insta::assert_snapshot!(check("crm.cassette", 1), @r#"
    damaged   crm.cassette/endpoints/api.example.com/GET_torn.json: EOF while parsing an object at line 1 column 1
              restore it from version control, or record again
    secret    crm.cassette/endpoints/api.example.com/notes.txt: byte 0, github-token
              record it again, or take it out by hand; redact.allow keeps what is none, in cassette.yaml
    unused    crm.cassette/endpoints/api.example.com/notes.txt: it is not read: no file of an endpoint is called so
              remove it, or restore the recording that it belongs to
    crm.cassette: not all can be read; 1 damaged, 1 secret, 1 unused
    ---
    "#);
    let found = environment.gate(&["cassette", "check", "crm.cassette", "--json"]);
    assert_eq!(found.code, 1);
    assert!(!found.stdout.contains(&secret));
    let matters: Vec<Value> =
        found.json()["found"].as_array().unwrap().iter().map(|one| one["matter"].clone()).collect();
    assert_eq!(matters, ["damaged", "secret", "unused"]);
}

#[test]
fn what_was_imported_is_found_clean() {
    let environment = Environment::new(&[]);
    let (folder, manifest) = written_by_tools();
    let paths: Vec<String> =
        manifest.keys().map(|name| folder.join(name).to_str().unwrap().to_owned()).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let words = [&["import"], &paths[..], &["--out", "all.cassette"]].concat();
    let told = read(&environment, &words, 0);
    assert!(told.contains("imported 3"), "{told}");
    let found = read(&environment, &["check", "all.cassette"], 0);
    assert!(found.contains("whole, without secrets, and nothing unused"), "{found}");
}

#[test]
fn a_recording_is_counted() {
    let environment = workspace();
    insta::assert_snapshot!(read(&environment, &["stats", "crm.yml"], 0), @r#"
    crm.yml: vcr
      2 interactions, 0 of them asked for before; 2 endpoints
      40 B of requests, 38 B of answers
    hosts
             2  api.example.com
    methods
             1  GET
             1  POST
    statuses
             1  201
             1  204
    largest answers
          38 B  POST https://api.example.com/contacts?api_key=redacted-secret
    ---
    "#);
    let stats = environment.gate(&["cassette", "stats", "stubs", "--json"]);
    insta::assert_snapshot!(stats.stdout, @r#"
    {
      "duplicates": 0,
      "endpoints": 1,
      "format": "wiremock",
      "hosts": {
        "": 1
      },
      "interactions": 1,
      "largest": [
        {
          "bytes": 3,
          "method": "GET",
          "url": "/me"
        }
      ],
      "methods": {
        "GET": 1
      },
      "path": "stubs",
      "repeats": true,
      "request_bytes": 0,
      "response_bytes": 3,
      "rules": 2,
      "statuses": {
        "200": 1
      }
    }
    "#);
}

#[test]
fn what_is_exported_is_read_again() {
    let environment = workspace();
    read(&environment, &["import", "crm.yml", "rust.json", "--out", "crm.cassette"], 0);
    let shown = |path: &str| environment.gate(&["cassette", "show", path]).stdout;
    let before = shown("crm.cassette");
    assert_eq!(before.lines().count(), 3);
    for (format, out, named) in [
        ("har", "out/crm.har", "out/crm.har"),
        ("wiremock", "stubbed", "stubbed/mappings/gate.json"),
    ] {
        let export = ["export", "crm.cassette", "--format", format, "--out", out];
        let told = read(&environment, &export, 0);
        assert_eq!(told, format!("exported 3 interactions to {named}\n---\n"));
        assert_eq!(shown(out), before, "{format}");
        let again = read(&environment, &export, 2);
        assert!(again.contains(&format!("gate: {named} is there already\n")), "{again}");
        read(&environment, &[&export[..], &["--replace"]].concat(), 0);
    }
    let foreign = ["export", "crm.yml", "--format", "har", "--out", "clean.har"];
    let told = read(&environment, &foreign, 0);
    insta::assert_snapshot!(told, @r#"
    exported 2 interactions to clean.har; secrets or personal data were taken out of 1 of them
    ---
    "#);
    assert!(!environment.all_of("clean.har").contains("kP3zQ9xLm2"));
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let environment = Environment::new(&[]);
    let entry = "- request: {method: get, uri: 'https://a/x', body: '', headers: {}}\n  \
                 response: {status: {code: 200}, headers: {}, body: BODY}\n";
    let entry = entry.replace("BODY", &"word ".repeat(2000));
    environment.write("long.yml", &format!("http_interactions:\n{}", entry.repeat(500)));
    let mut show = environment.command(&["cassette", "show", "long.yml"]).spawn().unwrap();
    let mut first = String::new();
    let mut stdout = BufReader::new(show.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    drop(stdout);
    let mut said = String::new();
    show.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((show.wait().unwrap().code(), said.as_str()), (Some(0), ""));
    assert!(first.starts_with(r#"{"method":"GET","url":"https://a/x""#), "{first}");
}

#[test]
fn who_gives_the_wrong_words_is_told_the_right_ones() {
    let environment = workspace();
    let check = |words: &[&str], says: &str| {
        let told = read(&environment, words, 2);
        assert!(told.contains(says), "{told}");
    };
    check(&[], "Usage: gate cassette <COMMAND>");
    check(&["shwo"], "a similar subcommand exists: 'show'");
    check(&["show"], "<PATH>");
    check(&["import", "crm.yml"], "--out <DIR>");
    check(&["import", "crm.yml", "--out", "x", "--add", "--replace"], "cannot be used with");
    check(
        &["export", "crm.yml", "--out", "x", "--format", "vcr"],
        "[possible values: har, wiremock]",
    );
    for name in ["show", "import", "export", "check", "stats"] {
        let help = read(&environment, &[name, "--help"], 0);
        assert!(help.contains("Example") && help.contains("Ends with 0"), "{help}");
    }
}
