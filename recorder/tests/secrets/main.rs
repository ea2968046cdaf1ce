//! Planted secrets are recorded by a process of its own, over sockets; then every file that it has
//! left is searched for them, as it is and decoded.

mod corpus;
mod search;
mod upstream;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use bytes::Bytes;
use corpus::{Planted, corpus};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use upstream::Upstream;

const PROFILES: &[&str] =
    &["hubspot", "salesforce-marketing-cloud", "mailchimp", "klaviyo", "braze", "ga4", "meta"];

/// A process that records, and all it can write to.
struct Tape {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
    folder: tempfile::TempDir,
}

impl Drop for Tape {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tape {
    fn start(upstream: &Upstream) -> Tape {
        let folder = tempfile::tempdir().unwrap();
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        let mut child = Command::new(program())
            .arg(folder.path().join("cassette"))
            .arg(upstream.url(""))
            .args(PROFILES)
            .env("TMPDIR", temporary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        output.read_line(&mut address).unwrap();
        Tape { child, output, address: address.trim().to_owned(), folder }
    }

    /// Ends its input, and gives what it said.
    fn finish(&mut self) -> String {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.output.read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        said
    }

    fn cassette(&self) -> PathBuf {
        self.folder.path().join("cassette")
    }
}

/// The example `tape`, which cargo builds with the tests of the package.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(Path::parent).unwrap().join("examples").join("tape");
    assert!(path.is_file(), "{} is missing: cargo build -p recorder --examples", path.display());
    path
}

async fn ask(client: &Client<HttpConnector, Full<Bytes>>, address: &str, one: &Planted) -> Bytes {
    let mut request =
        http::Request::builder().method(one.method).uri(format!("http://{address}{}", one.path));
    for (name, value) in &one.headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::from(one.body.clone()))).unwrap();
    let response = client.request(request).await.unwrap();
    response.into_body().collect().await.unwrap().to_bytes()
}

/// Which of these secrets are in any file.
fn leaked(folder: &Path, planted: &[Planted]) -> (usize, Vec<String>) {
    let files = search::files(folder);
    let views: Vec<(String, Vec<u8>)> = files
        .iter()
        .flat_map(|(path, bytes)| {
            search::views(bytes).into_iter().map(move |view| (path.display().to_string(), view))
        })
        .collect();
    let mut found = Vec::new();
    for one in planted {
        let finder = memchr::memmem::Finder::new(one.secret.as_bytes());
        for (path, view) in &views {
            if finder.find(view).is_some() {
                found.push(format!("{} ({}) in {path}", one.what, one.secret));
                break;
            }
        }
    }
    // Each is there with its name and with its content.
    (files.len() / 2, found)
}

#[test]
fn the_search_finds_what_is_there() {
    for one in corpus() {
        let mut message = one.path.clone().into_bytes();
        for (name, value) in &one.headers {
            message.extend(format!("\n{name}: {value}\n").into_bytes());
        }
        let views = [search::views(&message), search::views(&one.body)].concat();
        let is_there =
            views.iter().any(|view| memchr::memmem::find(view, one.secret.as_bytes()).is_some());
        assert!(is_there, "{}: {}", one.what, String::from_utf8_lossy(&message));
    }
}

#[tokio::test]
async fn no_planted_secret_is_in_any_file() {
    let upstream = Upstream::start().await;
    let mut tape = Tape::start(&upstream);
    let client = Client::builder(TokioExecutor::new()).build_http();
    let planted = corpus();
    assert!(planted.len() >= 500, "{}", planted.len());
    for one in &planted {
        let answer = ask(&client, &tape.address, one).await;
        if one.path == "/echo" {
            assert_eq!(answer, one.body, "{}: the client gets what was said", one.what);
        }
    }
    drop(client);
    let said = tape.finish();
    let expect = format!("recorded {}, failed []\n", planted.len());
    assert!(said.starts_with(&expect), "{said}");
    let library =
        recorder::Library::of_cassette(recorder::Cassette::open(&tape.cassette()).unwrap());
    assert_eq!(library.unwrap().len() as usize, planted.len());
    assert!(tape.cassette().join(".index").exists(), "the index is searched, too");
    let (files, found) = leaked(tape.folder.path(), &planted);
    println!("{} secrets, {files} files, {} found", planted.len(), found.len());
    assert!(files > 5, "{files}");
    // Whoever looks it over sees nothing, neither a secret nor what was put in its place.
    let cassette = recorder::Cassette::open(&tape.cassette()).unwrap();
    let key = redact::placeholder::Key([9; 32]);
    let cleaner = redact::Cleaner::new(redact::Redactor::default(), &[], key);
    let told = recorder::leaks(&cassette, &cleaner, recorder::Search::All).unwrap();
    assert_eq!(told, []);
    assert_eq!(found, [] as [&str; 0]);
}

#[tokio::test]
async fn a_huge_body_is_recorded_clean_and_in_bounded_memory() {
    let upstream = Upstream::start().await;
    let mut tape = Tape::start(&upstream);
    let client = Client::builder(TokioExecutor::new()).build_http();
    let secret = corpus::Numbers(5).shaped("{b30}");
    let asked = Planted {
        what: "huge".to_owned(),
        secret: secret.clone(),
        method: "POST",
        path: "/huge".to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: format!("{{\"token\":\"{secret}\"}}").into_bytes(),
    };
    let answer = ask(&client, &tape.address, &asked).await;
    assert!(answer.len() > 100 << 20, "{}", answer.len());
    drop(client);
    let said = tape.finish();
    assert!(said.starts_with("recorded 1, failed []\n"), "{said}");
    let peak: usize = said.split_whitespace().rev().nth(1).unwrap().parse().unwrap();
    println!("{} MiB recorded with a peak of {} MiB", answer.len() >> 20, peak >> 10);
    assert!(peak << 10 < answer.len() / 2 + (16 << 20), "{said}");
    let cassette = recorder::Cassette::open(&tape.cassette()).unwrap();
    let recorded = cassette.read().unwrap().remove(0).interaction.response.body;
    let clean = cassette.body(&recorded).unwrap();
    assert!(memchr::memmem::find(&clean, secret.as_bytes()).is_none());
    let count = |bytes: &[u8], text: &str| memchr::memmem::find_iter(bytes, text).count();
    assert_eq!(count(&clean, "redacted-secret-"), count(&answer, &secret));
    assert_eq!(count(&clean, "ordinary line"), count(&answer, "ordinary line"));
}

#[tokio::test]
async fn a_recording_that_is_killed_leaves_no_secret() {
    let upstream = Upstream::start().await;
    let mut tape = Tape::start(&upstream);
    let client = Client::builder(TokioExecutor::new()).build_http();
    let planted = corpus();
    // Large ones go to disk while it is recorded; the last of them never ends.
    for one in planted.iter().filter(|one| one.path == "/echo") {
        let large = Planted {
            what: one.what.clone(),
            secret: one.secret.clone(),
            method: one.method,
            path: "/large".to_owned(),
            headers: one.headers.clone(),
            body: one.body.clone(),
        };
        ask(&client, &tape.address, &large).await;
    }
    let last = planted.iter().find(|one| one.path == "/echo").unwrap();
    let request = http::Request::post(format!("http://{}/endless", tape.address))
        .body(Full::new(Bytes::from(last.body.clone())))
        .unwrap();
    let mut body = client.request(request).await.unwrap().into_body();
    let mut came = 0;
    while came < 4 << 20 {
        came += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    tape.child.kill().unwrap();
    tape.child.wait().unwrap();
    let (files, found) = leaked(tape.folder.path(), &planted);
    println!("{files} files after kill -9, {} secrets found", found.len());
    assert!(files > 5, "bodies were put away before it was killed: {files}");
    assert_eq!(found, [] as [&str; 0]);
}
