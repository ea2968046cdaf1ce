//! A flow of our own, written against reqwest, recorded and replayed.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use recorder::{Cassette, Front, Latency, Library, Matching, Mode, Outcome, Policy, Proxy, Setup};
use redact::placeholder::Key;
use redact::{Cleaner, Redactor};

/// A service that counts its answers.
fn service() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (count, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let body = format!("{{\"count\":{count}}}");
            let length = body.len();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            let _ = write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}");
        }
    });
    address
}

fn cleaner() -> Cleaner {
    Cleaner::new(Redactor::default(), &[], Key([3; 32]))
}

async fn proxy(folder: &Path, front: Front, mode: Mode) -> Proxy {
    let cassette = Cassette::open_or_new(folder, Policy::default).unwrap();
    let library = if Cassette::is_at(folder) {
        Library::of_cassette(cassette.clone()).unwrap()
    } else {
        Library::of_recorded(&[], Matching::default(), false)
    };
    let setup = Setup {
        front,
        mode,
        library: Arc::new(library),
        cassette: Some(cassette),
        cleaner: cleaner(),
        latency: Latency::None,
        faults: Vec::new(),
        authorities: None,
        now: 1_795_000_000,
        watch: None,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Proxy::start(listener, setup).unwrap()
}

/// Asks twice, as any program that uses reqwest would.
async fn flow(client: &reqwest::Client, service: SocketAddr) -> [String; 2] {
    let mut answers = [String::new(), String::new()];
    for answer in &mut answers {
        let request = client.get(format!("http://{service}/count")).header("x-try", "1");
        let response = request.send().await.unwrap();
        *answer = response.text().await.unwrap();
    }
    answers
}

async fn played(folder: &Path, mode: Mode, service: SocketAddr) -> (Vec<[String; 2]>, Outcome) {
    let proxy = proxy(folder, Front::Forward, mode).await;
    let mut answers = Vec::new();
    for session in ["one", "other"] {
        let client = proxy.client(session).unwrap().build().unwrap();
        answers.push(flow(&client, service).await);
        if mode == Mode::Once {
            break;
        }
    }
    let outcome = proxy.finish().await;
    if !outcome.recorded.is_empty() {
        let cassette = Cassette::open_or_new(folder, Policy::default).unwrap();
        cassette.write(&outcome.recorded, &cleaner()).unwrap();
    }
    (answers, outcome)
}

#[tokio::test]
async fn a_flow_is_recorded_and_every_session_replays_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let service = service();
    let (recorded, outcome) = played(folder.path(), Mode::Once, service).await;
    assert_eq!(recorded, [["{\"count\":0}", "{\"count\":1}"].map(str::to_owned)]);
    assert_eq!((outcome.seen, outcome.recorded.len()), (2, 2));
    let (replayed, outcome) = played(folder.path(), Mode::None, service).await;
    assert_eq!(replayed, [recorded[0].clone(), recorded[0].clone()]);
    assert_eq!((outcome.seen, outcome.replayed, outcome.missed.len()), (4, 4, 0));
}

#[tokio::test]
async fn what_stands_for_a_service_is_no_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = proxy(folder.path(), Front::Reverse { target: None }, Mode::None).await;
    let error = proxy.client("").unwrap_err();
    assert_eq!(error.to_string(), "this stands for a service, and is no proxy");
}
