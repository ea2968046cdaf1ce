//! Programs that people have, recorded over HTTPS and replayed with the service gone.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::environment::{Ended, Environment};
use crate::https::{CONTACTS, EVENTS, Service, TOKEN, picture};

const SECRET: &str = "s3cret-0f-kim";
/// What Rust's client is told by, for it is this test's own executable.
const AS_CLIENT: &str = "GATE_AS_CLIENT";

fn workspace() -> Environment {
    Environment::new(&[
        ("client.py", include_str!("clients/client.py")),
        ("client.mjs", include_str!("clients/client.mjs")),
        ("tunnel.mjs", include_str!("clients/tunnel.mjs")),
        ("client.sh", include_str!("clients/client.sh")),
    ])
}

/// A Python that has a module: the one that is found first may be another than the system's.
fn python_with(module: &str) -> &'static str {
    let imports = |python: &str| {
        let tried = Command::new(python).args(["-c", &format!("import {module}")]).output();
        tried.is_ok_and(|done| done.status.success())
    };
    let known = ["python3", "/usr/bin/python3"];
    let found = known.into_iter().find(|python| imports(python));
    found.unwrap_or_else(|| panic!("no Python has {module}: make deps installs it"))
}

/// What a client has printed, without the bulk of it.
fn brief(printed: &str) -> String {
    let short = |line: &str| line.chars().take(120).collect::<String>() + "\n";
    printed.lines().map(short).collect()
}

/// The status and the body of every answer that a client has printed.
fn answers(printed: &str) -> Vec<(u16, Vec<u8>)> {
    let lines = printed.lines().map(|line| {
        let (status, coded) = line.split_once(' ').unwrap_or((line, ""));
        let status = status.parse().unwrap_or_else(|_| panic!("{}", brief(printed)));
        (status, STANDARD.decode(coded).unwrap())
    });
    lines.collect()
}

/// What every client asks for in the same order, and is answered.
fn check_answers(printed: &str) {
    let mut all = answers(printed);
    assert_eq!(all.len(), 12, "{}", brief(printed));
    // Each writes JSON in its own way, and gets back what it has sent.
    let (status, echo) = all.remove(9);
    let echo: Value = serde_json::from_slice(&echo).unwrap();
    assert_eq!((status, echo), (200, json!({ "name": "Zoë", "tags": ["a", "b"] })));
    let text = |status: u16, text: &str| (status, text.as_bytes().to_vec());
    let expected = [
        text(200, CONTACTS),
        text(200, r#"{"name":"Kim"}"#),
        text(200, "1"),
        text(200, "2"),
        text(200, CONTACTS),
        text(410, r#"{"error":"gone"}"#),
        (200, picture()),
        text(201, "2"),
        text(200, &EVENTS.concat()),
        text(204, ""),
        text(200, ""),
    ];
    for (at, (got, expected)) in all.iter().zip(&expected).enumerate() {
        let shown = brief(&String::from_utf8_lossy(&got.1));
        assert!(got == expected, "answer {}: {} {shown}", at + 1, got.0);
    }
}

/// How a client's requests come to gate.
#[derive(Clone, Copy, PartialEq)]
enum Through {
    Proxy,
    Target,
}

/// Records what a client does over HTTPS, and has it answered when the service is gone.
fn check(through: Through, command: impl Fn(&str) -> Vec<String>) {
    let environment = workspace();
    let service = Service::start(&environment);
    let url = service.url();
    let command = command(&url);
    let run = |front: &[&str], ends_with: &str| {
        let command = command.iter().map(String::as_str);
        let words: Vec<&str> = front.iter().copied().chain(["--"]).chain(command).collect();
        crate::environment::ended(
            environment.command(&words).env("ENDS_WITH", ends_with).output().unwrap(),
        )
    };
    let front: &[&str] = match through {
        Through::Proxy => &["--proxy"],
        Through::Target => &["--target", &url],
    };
    let words = ["record", "--cassette", "crm.cassette", "--authorities", "authority.pem"];
    let recorded = run(&[&words[..], front].concat(), "0");
    assert_eq!(recorded.code, 0, "{}{}", brief(&recorded.stdout), recorded.stderr);
    check_answers(&recorded.stdout);
    let said = "recorded 14 interactions into crm.cassette\n";
    assert_eq!(recorded.stderr, said, "{command:?}");
    let text = environment.all_of("crm.cassette");
    for secret in [TOKEN, SECRET] {
        assert!(!text.contains(secret), "{command:?}: {secret} was written");
    }
    assert_eq!(service.asked(), 14, "{command:?}");
    drop(service);
    let words = ["replay", "--cassette", "crm.cassette"];
    let front = if through == Through::Proxy { &front[..1] } else { &[] };
    for (ends_with, code) in [("0", 0), ("7", 7)] {
        let replayed = run(&[&words[..], front].concat(), ends_with);
        assert_eq!(replayed.code, code, "{command:?}: {}", replayed.stderr);
        let (_, printed) = replayed.stdout.split_once('\n').unwrap();
        assert!(printed == recorded.stdout, "{command:?}: {}", brief(printed));
        assert_eq!(replayed.stderr, "answered 14 requests of 14\n", "{command:?}");
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn curl() {
    for version in ["--http1.1", "--http2"] {
        check(Through::Proxy, |url| words(&["sh", "client.sh", url, version]));
    }
}

#[test]
fn python_with_requests() {
    let python = python_with("requests");
    check(Through::Proxy, |url| words(&[python, "client.py", "requests", url]));
}

#[test]
fn python_with_httpx() {
    let python = python_with("httpx");
    check(Through::Proxy, |url| words(&[python, "client.py", "httpx", url]));
}

/// Node's fetch takes its way through a proxy only where Node knows the variable.
#[test]
fn node_with_fetch() {
    check(Through::Target, |_| words(&["node", "client.mjs"]));
    let knows = "process.exit(process.allowedNodeEnvironmentFlags.has('--use-env-proxy') ? 0 : 1)";
    let knows = Command::new("node").args(["-e", knows]).status().unwrap().success();
    if knows {
        return check(Through::Proxy, |url| words(&["node", "client.mjs", url]));
    }
    let environment = workspace();
    let service = Service::start(&environment);
    let url = service.url();
    let front = ["record", "--cassette", "crm.cassette", "--authorities", "authority.pem"];
    let command = ["--proxy", "--", "node", "client.mjs", &url];
    let recorded = environment.gate(&[&front[..], &command[..]].concat());
    check_unused(&recorded);
    assert!(!environment.path().join("crm.cassette").exists(), "nothing was recorded");
    let kept =
        environment.gate(&[&front[..], &["--target", &url, "--", "node", "client.mjs"]].concat());
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    drop(service);
    let front = ["replay", "--cassette", "crm.cassette"];
    check_unused(&environment.gate(&[&front[..], &command[..]].concat()));
}

/// A client that went past gate, and ended well.
fn check_unused(ended: &Ended) {
    assert_eq!(ended.code, 3, "{}{}", brief(&ended.stdout), ended.stderr);
    assert!(ended.stdout.contains("no answer: "), "{}", brief(&ended.stdout));
    for said in [
        "gate: no request came\n  hint: the command did not use the proxy.",
        "Node does from 24 on (NODE_USE_ENV_PROXY), before that record with --target URL and let \
         the program send its requests to GATE_TARGET",
    ] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn node_with_a_tunnel_of_its_own() {
    let environment = workspace();
    let service = Service::start(&environment);
    let url = service.url();
    let command = ["--proxy", "--", "node", "tunnel.mjs", &url, "/contacts", "/count", "/count"];
    let words = ["record", "--cassette", "crm.cassette", "--authorities", "authority.pem"];
    let recorded = environment.gate(&[&words[..], &command[..]].concat());
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    let expected = [CONTACTS, "1", "2"].map(|text| (200, text.as_bytes().to_vec()));
    assert_eq!(answers(&recorded.stdout), expected);
    drop(service);
    let words = ["replay", "--cassette", "crm.cassette"];
    let replayed = environment.gate(&[&words[..], &command[..]].concat());
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    assert_eq!(replayed.stdout.split_once('\n').unwrap().1, recorded.stdout);
}

/// A program in Rust: this test's own executable, asked by a variable. What the harness of the
/// tests prints is none of its words.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test is its own client")]
fn rust_with_reqwest() {
    if let Some(base) = std::env::var_os(AS_CLIENT) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(with_reqwest(base.to_str().unwrap()));
        let code = std::env::var("ENDS_WITH").unwrap().parse().unwrap();
        std::process::exit(code);
    }
    let me = std::env::current_exe().unwrap();
    let script = format!(
        "{AS_CLIENT}=$1 \"{}\" --exact --quiet --nocapture clients::rust_with_reqwest >told\n\
         code=$?; sed -n 's/^answer: //p' told; rm told; exit $code",
        me.display()
    );
    check(Through::Proxy, |url| words(&["sh", "-c", &script, "sh", url]));
}

#[expect(clippy::disallowed_methods, reason = "a program of its own reads its environment")]
async fn with_reqwest(base: &str) {
    let pem = std::fs::read(std::env::var_os("SSL_CERT_FILE").unwrap()).unwrap();
    let authorities = reqwest::Certificate::from_pem_bundle(&pem).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only(authorities).build().unwrap();
    let url = |path: &str| format!("{base}{path}");
    let search = reqwest::Url::parse_with_params(
        &url("/contacts"),
        [("limit", "2"), ("q", "Jürgen & Söhne")],
    );
    let json = ("content-type", "application/json");
    told(client.get(search.unwrap())).await;
    let form = format!("grant_type=client_credentials&client_secret={SECRET}");
    let asked = client.post(url("/token")).body(form);
    let given = asked.header("content-type", "application/x-www-form-urlencoded").send().await;
    let given: Value = given.unwrap().json().await.unwrap();
    told(client.get(url("/me")).bearer_auth(given["access_token"].as_str().unwrap())).await;
    for path in ["/count", "/count", "/moved", "/gone", "/picture"] {
        told(client.get(url(path))).await;
    }
    let upload = "--of-rust\r\ncontent-disposition: form-data; name=\"list\"\r\n\r\nfriends\r\n\
        --of-rust\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n\
        id,name\n1,Kim\n\r\n--of-rust--\r\n";
    let multipart = ("content-type", "multipart/form-data; boundary=of-rust");
    told(client.post(url("/upload")).header(multipart.0, multipart.1).body(upload)).await;
    told(client.get(url("/events"))).await;
    let body = json!({ "name": "Zoë", "tags": ["a", "b"] }).to_string();
    told(client.put(url("/contacts/7")).header(json.0, json.1).body(body)).await;
    told(client.delete(url("/contacts/7"))).await;
    told(client.head(url("/contacts?limit=2"))).await;
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
async fn told(request: reqwest::RequestBuilder) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    println!("answer: {status} {}", STANDARD.encode(answer.bytes().await.unwrap()));
}

#[test]
fn every_user_of_the_proxy_is_a_session() {
    let environment = workspace();
    let service = Service::start(&environment);
    let url = service.url();
    let script = |users: &[&str]| {
        let ask = |user: &&str| {
            format!(
                "curl --silent --show-error --http2 --write-out ' HTTP/%{{http_version}}\\n' --proxy-user {user}:any {url}/count"
            )
        };
        let lines: Vec<String> = users.iter().map(ask).collect();
        lines.join("\n")
    };
    let record = ["record", "--cassette", "crm.cassette", "--authorities", "authority.pem"];
    let recording = script(&["kim", "kim"]);
    let command = ["--proxy", "--", "sh", "-c", &recording];
    let recorded = environment.gate(&[&record[..], &command[..]].concat());
    assert_eq!(recorded.stdout, "1 HTTP/2\n2 HTTP/2\n", "{}", recorded.stderr);
    drop(service);
    let replay = ["replay", "--cassette", "crm.cassette", "--proxy", "--", "sh", "-c"];
    let both = script(&["ann", "ben", "ben", "ann"]);
    let replayed = environment.gate(&[&replay[..], &[&both]].concat());
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    let (_, printed) = replayed.stdout.split_once('\n').unwrap();
    assert_eq!(printed, "1 HTTP/2\n1 HTTP/2\n2 HTTP/2\n2 HTTP/2\n");
    let once_more = script(&["ann", "ben", "ann", "ann"]);
    let missed = environment.gate(&[&replay[..], &[&once_more]].concat());
    assert_eq!(missed.code, 1, "{}", missed.stdout);
    assert!(missed.stderr.contains("answered 3 requests of 4"), "{}", missed.stderr);
}

/// Whoever signs for the service has to be named: nothing is taken on trust.
#[test]
fn a_service_that_nobody_vouches_for_is_not_recorded() {
    let environment = workspace();
    let service = Service::start(&environment);
    let url = service.url();
    let ask = format!("curl --silent {url}/count");
    let record = ["record", "--cassette", "crm.cassette", "--proxy", "--", "sh", "-c", &ask];
    let ended = environment.gate(&record);
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    let said = "it could not be asked for: nobody whom this machine trusts has signed its \
                certificate\n  hint: if its authority is one of your own, name its file: \
                --authorities FILE\n";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(service.asked(), 0);
    assert!(!environment.path().join("crm.cassette/endpoints").exists());
}

/// A workspace whose environment under test is a service over HTTPS.
fn gated() -> (Environment, Service) {
    let environment = workspace();
    let service = Service::start(&environment);
    let config = format!(
        "environments:\n  test: {{ url: \"{}\" }}\n\
         secrets:\n  CRM: {{ env: CRM }}\n  TOKEN: {{ env: TOKEN }}\n",
        service.url()
    );
    environment.write("gate.yaml", &config);
    let environment = environment.with("CRM", SECRET).with("TOKEN", TOKEN);
    (environment.with("SERVICE", &service.url()), service)
}

/// A run of a gate with these settings: its exit code, and every check as verdict, id and what
/// there is to do.
fn run(environment: &Environment, with: &str) -> (i32, Vec<[String; 3]>) {
    crate::api::spec(environment, with);
    let (ended, report) = crate::api::run(environment);
    let checks = report["gates"][0]["checks"].as_array().unwrap();
    let word = |check: &Value, field: &str| check[field].as_str().unwrap_or_default().to_owned();
    let checks =
        checks.iter().map(|check| ["verdict", "id", "advice"].map(|field| word(check, field)));
    (ended.code, checks.collect())
}

const REQUESTS: &str = "\
requests:
  - request: GET /contacts
    query: { limit: '2' }
    asserts: ['jsonpath \"$.contacts[0].name\" == \"Jürgen\"']
  - request: POST /token
    form: { client_secret: '${secret:CRM}' }
    captures: { token: 'jsonpath \"$.access_token\"' }
    may_hold: ['*']
  - request: GET /me
    headers: { authorization: 'Bearer {{token}}' }
    asserts: ['jsonpath \"$.name\" == \"Kim\"']
  - request: GET /moved
    follow: true
    asserts: ['jsonpath \"$.contacts\" count == 2']
";

#[test]
fn requests_of_a_gate() {
    let (environment, service) = gated();
    let advised = |with: &str, advice: &str| {
        let (code, checks) = run(&environment, with);
        assert_eq!(code, 3, "{checks:?}");
        assert!(checks.iter().any(|check| check[2].contains(advice)), "{checks:?}");
    };
    let named = "name its file under `authorities`";
    advised(REQUESTS, named);
    advised(&format!("cassette: crm.cassette\nmode: once\n{REQUESTS}"), named);
    assert_eq!(service.asked(), 0);
    let with = format!("authorities: ../authority.pem\n{REQUESTS}");
    let (code, checks) = run(&environment, &with);
    assert_eq!(code, 0, "{checks:?}");

    let with = format!("cassette: crm.cassette\n{with}");
    let (code, checks) = run(&environment, &format!("mode: once\n{with}"));
    assert_eq!(code, 3, "{checks:?}");
    crate::api::approve(&environment);
    let (code, checks) = run(&environment, &format!("drift: {{}}\n{with}"));
    assert_eq!(code, 3, "what wants credentials is not asked again: {checks:?}");
    let token = "headers: { authorization: 'Bearer ${secret:TOKEN}' }\n";
    let (code, checks) = run(&environment, &format!("drift: {{}}\n{token}{with}"));
    assert_eq!(code, 0, "{checks:?}");
    let drifting = "cassette: crm.cassette\ndrift: {}\n";
    advised(&format!("{drifting}{token}"), named);
    drop(service);
    let (code, checks) = run(&environment, &with);
    assert_eq!(code, 0, "{checks:?}");
    let written = environment.all_of("specs/crm.cassette") + &environment.all_of(".gate");
    for secret in [SECRET, TOKEN] {
        assert!(!written.contains(secret), "{secret} was written");
    }
}

#[test]
fn a_program_of_a_gate() {
    let (environment, service) = gated();
    let program = "import os, urllib.request\n\
        base = os.environ.get(\"GATE_TARGET\") or os.environ[\"SERVICE\"]\n\
        for path in [\"/count\", \"/count\", \"/moved\"]:\n    \
            print(urllib.request.urlopen(base + path).read().decode())\n";
    environment.write("program.py", program);
    let mut service = Some(service);
    for through in ["proxy", "target"] {
        let with = format!(
            "cassette: {through}.cassette\nauthorities: ../authority.pem\nthrough: {through}\n\
             run: [python3, program.py]\n"
        );
        let (code, checks) = run(&environment, &format!("{with}mode: once\n"));
        assert_eq!(code, 3, "{checks:?}");
        crate::api::approve(&environment);
        if through == "target" {
            drop(service.take());
        }
        let (code, checks) = run(&environment, &format!("{with}required: ['*']\n"));
        assert_eq!(code, 0, "{checks:?}");
    }
}
