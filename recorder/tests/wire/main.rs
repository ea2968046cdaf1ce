//! Recording and replaying over real sockets.

mod drift;
mod fronts;
mod parallel;
mod service;
mod upgraded;
mod watched;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use recorder::{Cassette, Front, Latency, Library, Matching, Mode, Outcome, Policy, Proxy, Setup};
use redact::placeholder::Key;
use redact::{Cleaner, Redactor};
use service::Service;
use tokio::net::TcpListener;

/// Some time in 2026.
const NOW: i64 = 1_795_000_000;

fn cleaner() -> Cleaner {
    Cleaner::new(Redactor::default(), &[], Key([3; 32]))
}

async fn proxy(folder: &Path, front: Front, mode: Mode, latency: Latency) -> Proxy {
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
        latency,
        faults: Vec::new(),
        authorities: None,
        now: NOW,
        watch: None,
    };
    Proxy::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), setup).unwrap()
}

async fn recording(folder: &Path, service: &Service) -> Proxy {
    let front = Front::Reverse { target: Some(service.url("")) };
    proxy(folder, front, Mode::Once, Latency::None).await
}

async fn replaying(folder: &Path) -> Proxy {
    proxy(folder, Front::Reverse { target: None }, Mode::None, Latency::None).await
}

/// Ends the proxy and writes what it recorded.
async fn kept(proxy: Proxy, folder: &Path) -> Outcome {
    let outcome = proxy.finish().await;
    let cassette = Cassette::open_or_new(folder, Policy::default).unwrap();
    let mut all = cassette.read().unwrap();
    all.extend(outcome.recorded.iter().cloned());
    cassette.write(&all, &cleaner()).unwrap();
    outcome
}

#[derive(Debug, Clone, PartialEq)]
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

impl Got {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn asked(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Got {
    asked_with(method, url, headers, body.as_bytes().to_vec()).await
}

async fn asked_with(method: &str, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Got {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = http_body_util::Full::new(Bytes::from(body));
    let response = client.request(request.body(body).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned();
    Got { status: head.status, headers: head.headers, body: collected.to_bytes(), trailers }
}

async fn get(proxy: &Proxy, path: &str) -> Got {
    asked("GET", &format!("http://{}{path}", proxy.address()), &[], "").await
}

const CODINGS: (&str, &str) = ("accept-encoding", "gzip, br, zstd");

/// What is asked in the round trip: method, path, body.
const ROUND_TRIP: &[(&str, &str, &str)] = &[
    ("GET", "/json", ""),
    ("GET", "/gzip", ""),
    ("GET", "/br", ""),
    ("GET", "/zstd", ""),
    ("GET", "/not-gzip", ""),
    ("GET", "/binary", ""),
    ("GET", "/repeats", ""),
    ("GET", "/sse", ""),
    ("GET", "/trailers", ""),
    ("GET", "/none", ""),
    ("GET", "/same", ""),
    ("GET", "/moved", ""),
    ("HEAD", "/json", ""),
    ("POST", "/echo", "a body of a request"),
    ("DELETE", "/missing", ""),
    ("GET", "/count", ""),
    ("GET", "/count", ""),
];

async fn round_trip(proxy: &Proxy) -> Vec<Got> {
    let mut all = Vec::new();
    for (method, path, body) in ROUND_TRIP {
        let url = format!("http://{}{path}", proxy.address());
        all.push(asked(method, &url, &[CODINGS, ("te", "trailers")], body).await);
    }
    all
}

#[tokio::test]
async fn what_was_recorded_is_replayed_to_the_last_header() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let proxy = recording(folder.path(), &service).await;
    let first = round_trip(&proxy).await;
    let outcome = kept(proxy, folder.path()).await;
    assert_eq!(outcome.failed, [] as [&str; 0]);
    assert_eq!(outcome.recorded.len(), ROUND_TRIP.len());
    let count = service.count();
    let proxy = replaying(folder.path()).await;
    let second = round_trip(&proxy).await;
    for ((asked, first), second) in ROUND_TRIP.iter().zip(&first).zip(&second) {
        // How the length is told is of the connection: chunked or not.
        let plain = |got: &Got| {
            let mut got = got.clone();
            if *asked != ROUND_TRIP[12] {
                got.headers.remove("content-length");
            }
            got.headers.remove("transfer-encoding");
            got.headers.remove("date");
            got
        };
        assert_eq!(plain(first), plain(second), "{asked:?}");
    }
    let trailers = second[8].trailers.as_ref().unwrap();
    assert_eq!(trailers.get_all("x-parts").iter().count(), 2);
    assert_eq!(second[12].headers["content-length"], "38", "HEAD keeps its length");
    assert_eq!(service.count(), count, "nothing was asked of the service");
    let outcome = proxy.finish().await;
    assert_eq!((outcome.seen, outcome.replayed), (17, 17));
    assert_eq!(outcome.missed, []);
}

#[tokio::test]
async fn what_was_not_recorded_is_refused_and_never_asked_for() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let proxy = recording(folder.path(), &service).await;
    get(&proxy, "/json").await;
    kept(proxy, folder.path()).await;
    let count = service.count();
    let front = Front::Reverse { target: Some(service.url("")) };
    let proxy = proxy_of(folder.path(), front, Mode::Once).await;
    assert_eq!(get(&proxy, "/json").await.status, 200);
    let missed = get(&proxy, "/jsom").await;
    assert_eq!(missed.status, 501);
    assert!(missed.text().contains("/json"), "{}", missed.text());
    let again = get(&proxy, "/json").await;
    assert!(again.text().contains("more often than it was recorded (1)"), "{}", again.text());
    assert_eq!(service.count(), count);
    let outcome = proxy.finish().await;
    assert_eq!(outcome.missed.len(), 2);
}

async fn proxy_of(folder: &Path, front: Front, mode: Mode) -> Proxy {
    proxy(folder, front, mode, Latency::None).await
}

#[tokio::test]
async fn new_episodes_are_added() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let front = Front::Reverse { target: Some(service.url("")) };
    let proxy = recording(folder.path(), &service).await;
    let first = get(&proxy, "/count").await;
    kept(proxy, folder.path()).await;
    let proxy = proxy_of(folder.path(), front, Mode::NewEpisodes).await;
    assert_eq!(get(&proxy, "/count").await.body, first.body);
    let second = get(&proxy, "/count").await;
    assert_ne!(second.body, first.body);
    let outcome = kept(proxy, folder.path()).await;
    assert_eq!((outcome.replayed, outcome.recorded.len()), (1, 1));
    let proxy = replaying(folder.path()).await;
    assert_eq!(get(&proxy, "/count").await.body, first.body);
    assert_eq!(get(&proxy, "/count").await.body, second.body);
}

#[tokio::test]
async fn a_chain_of_tokens_replays_without_the_token() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let proxy = recording(folder.path(), &service).await;
    let ask = async |proxy: &Proxy| {
        let given = get(proxy, "/token").await;
        let token = given.text().split('"').nth(3).unwrap().to_owned();
        let url = format!("http://{}/whoami", proxy.address());
        let bearer = format!("Bearer {token}");
        (token, asked("GET", &url, &[("authorization", &bearer)], "").await)
    };
    let (token, who) = ask(&proxy).await;
    assert_eq!((token.as_str(), who.text()), ("tok-4f9a8b7c6d5e", "Kim"));
    kept(proxy, folder.path()).await;
    for path in Cassette::open(folder.path()).unwrap().files().unwrap() {
        assert!(!std::fs::read_to_string(path).unwrap().contains("tok-4f9a8b7c6d5e"));
    }
    let proxy = replaying(folder.path()).await;
    let (token, who) = ask(&proxy).await;
    assert!(redact::placeholder::is_one(token.as_bytes()), "{token}");
    assert_eq!(who.text(), "Kim");
    let url = format!("http://{}/whoami", proxy.address());
    let used_up = asked("GET", &url, &[("authorization", "Bearer another")], "").await;
    assert_eq!(used_up.status, 501);
}

#[tokio::test]
async fn a_token_of_the_recording_is_never_sent_upstream() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let proxy = recording(folder.path(), &service).await;
    get(&proxy, "/token").await;
    kept(proxy, folder.path()).await;
    let front = Front::Reverse { target: Some(service.url("")) };
    let proxy = proxy_of(folder.path(), front, Mode::NewEpisodes).await;
    let given = get(&proxy, "/token").await;
    let token = given.text().split('"').nth(3).unwrap().to_owned();
    let (bearer, before) = (format!("Bearer {token}"), service.count());
    let url = format!("http://{}/whoami", proxy.address());
    let in_header = asked("GET", &url, &[("authorization", &bearer)], "").await;
    let in_query = asked("GET", &format!("{url}?access_token={token}"), &[], "").await;
    let body = format!(r#"{{"token":"{token}"}}"#);
    let in_body = asked("POST", &url, &[("content-type", "application/json")], &body).await;
    assert_eq!([in_header.status, in_query.status, in_body.status], [501; 3]);
    assert_eq!(service.count(), before);
    let outcome = kept(proxy, folder.path()).await;
    assert_eq!((outcome.recorded.len(), outcome.failed.len()), (0, 3), "{outcome:?}");
    assert!(outcome.failed[0].contains("with the mode `all`"), "{outcome:?}");
}

#[tokio::test]
async fn events_come_when_they_came() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let recorder = recording(folder.path(), &service).await;
    get(&recorder, "/sse").await;
    let outcome = kept(recorder, folder.path()).await;
    let timing = outcome.recorded[0].interaction.response.timing.clone().unwrap();
    assert_eq!(timing.chunks.len(), 3);
    let front = Front::Reverse { target: None };
    let proxy = proxy(folder.path(), front, Mode::None, Latency::Recorded).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<http_body_util::Empty<Bytes>>();
    let url = format!("http://{}/sse", proxy.address());
    let mut body = client.get(url.parse().unwrap()).await.unwrap().into_body();
    let started = std::time::Instant::now();
    let mut events = Vec::new();
    while let Some(frame) = body.frame().await {
        events.push((frame.unwrap().into_data().unwrap(), started.elapsed().as_millis() as u64));
    }
    let texts: Vec<_> = events.iter().map(|(text, _)| text.as_ref()).collect();
    assert_eq!(texts, [&b"data: one\n\n"[..], b"data: two\n\n", b"data: three\n\n"]);
    // The first one starts the clock; the last one came no earlier than it was recorded.
    let recorded = timing.chunks[2].0 - timing.chunks[0].0;
    assert!(events[2].1 - events[0].1 + 20 >= recorded, "{events:?} {timing:?}");
}

#[tokio::test]
async fn a_large_body_is_streamed() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let proxy = recording(folder.path(), &service).await;
    let first = get(&proxy, "/large").await;
    assert_eq!(first.body.len(), service::LARGE);
    let outcome = kept(proxy, folder.path()).await;
    assert_eq!(outcome.failed, [] as [&str; 0]);
    let proxy = replaying(folder.path()).await;
    assert!(get(&proxy, "/large").await.body == first.body);
}

#[tokio::test]
async fn what_is_not_whole_is_not_recorded() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let proxy = recording(folder.path(), &service).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<http_body_util::Empty<Bytes>>();
    let url = format!("http://{}/broken", proxy.address());
    let body = client.get(url.parse().unwrap()).await.unwrap().into_body();
    assert!(body.collect().await.is_err());
    let outcome = proxy.finish().await;
    assert_eq!(outcome.recorded, []);
    assert!(outcome.failed[0].contains("was not recorded: upstream stopped"), "{outcome:?}");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let front = Front::Reverse { target: Some("http://127.0.0.1:1".to_owned()) };
    let proxy = proxy_of(folder.path(), front, Mode::Once).await;
    let got = get(&proxy, "/x").await;
    assert_eq!(got.status, 502);
    assert!(got.text().contains("could not be asked for"), "{}", got.text());
    let outcome = proxy.finish().await;
    assert_eq!((outcome.recorded.len(), outcome.failed.len()), (0, 1));
}

#[tokio::test]
async fn a_proxy_never_asks_itself() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let setup = Setup {
        front: Front::Reverse { target: Some(format!("http://localhost:{}", address.port())) },
        mode: Mode::All,
        library: Arc::new(Library::of_recorded(&[], Matching::default(), false)),
        cassette: Some(Cassette::open_or_new(folder.path(), Policy::default).unwrap()),
        cleaner: cleaner(),
        latency: Latency::None,
        faults: Vec::new(),
        authorities: None,
        now: NOW,
        watch: None,
    };
    let proxy = Proxy::start(listener, setup).unwrap();
    let got = get(&proxy, "/x").await;
    assert!(got.text().contains("would come back to this proxy"), "{}", got.text());
}

#[tokio::test]
async fn hosts_are_told_apart() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let proxy = recording(folder.path(), &service).await;
    get(&proxy, "/json").await;
    kept(proxy, folder.path()).await;
    let proxy = replaying(folder.path()).await;
    let url = format!("http://{}/json", proxy.address());
    let other = asked("GET", &url, &[("host", "other.example")], "").await;
    assert_eq!(other.status, 501);
    let host = service.address.to_string();
    let named = asked("GET", &url, &[("host", &host)], "").await;
    assert_eq!(named.status, 200);
}

#[tokio::test]
async fn answers_go_wrong_on_purpose() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let recorder = recording(folder.path(), &service).await;
    for path in ["/json", "/count", "/json", "/json"] {
        get(&recorder, path).await;
    }
    kept(recorder, folder.path()).await;
    let cassette = Cassette::open(folder.path()).unwrap();
    let faults = [
        "status=503 first=1 path=/json",
        "rate-limit=7 path=/limit",
        "reset path=/reset",
        "truncate path=/count",
        "drip=100 path=/json",
    ];
    let setup = Setup {
        front: Front::Reverse { target: None },
        mode: Mode::None,
        library: Arc::new(Library::of_cassette(cassette.clone()).unwrap()),
        cassette: None,
        cleaner: cleaner(),
        latency: Latency::None,
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        authorities: None,
        now: NOW,
        watch: None,
    };
    let proxy = Proxy::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), setup).unwrap();
    assert_eq!(get(&proxy, "/json").await.status, 503);
    let started = std::time::Instant::now();
    let dripped = get(&proxy, "/json").await;
    assert_eq!((dripped.status, dripped.body.len()), (StatusCode::OK, 38));
    assert!(started.elapsed().as_millis() >= 90);
    let limited = get(&proxy, "/limit").await;
    assert_eq!(
        (limited.status.as_u16(), &limited.headers["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let client = Client::builder(TokioExecutor::new()).build_http::<http_body_util::Empty<Bytes>>();
    let url = |path: &str| format!("http://{}{path}", proxy.address()).parse().unwrap();
    assert!(client.get(url("/reset")).await.is_err());
    let body = client.get(url("/count")).await.unwrap().into_body();
    assert!(body.collect().await.is_err());
}

#[tokio::test]
async fn nothing_that_was_asked_is_forgotten() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::start().await);
    let proxy = recording(folder.path(), &service).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<http_body_util::Empty<Bytes>>();
    let url =
        |path: &str| -> http::Uri { format!("http://{}{path}", proxy.address()).parse().unwrap() };
    // The head is all that this client wants: the body is recorded to its end all the same.
    drop(client.get(url("/sse")).await.unwrap());
    let upgrade = |to| [("connection", "upgrade"), ("upgrade", to)];
    let url = url("/json").to_string();
    assert_eq!(asked("GET", &url, &upgrade("websocket"), "").await.status, 200);
    // An offer that nobody has to take is no reason to forget what was asked.
    assert_eq!(asked("GET", &url, &upgrade("h2c"), "").await.status, 200);
    let outcome = proxy.finish().await;
    assert_eq!((outcome.seen, outcome.recorded.len()), (3, 2));
    assert_eq!(outcome.recorded[0].interaction.response.body.len(), 35);
    assert_eq!(outcome.failed.len(), 1, "{:?}", outcome.failed);
    assert!(outcome.failed[0].contains("was not recorded"), "{:?}", outcome.failed);
    let forward = proxy_of(folder.path(), Front::Forward, Mode::All).await;
    assert_eq!(get(&forward, "/not-absolute").await.status, 400);
    let outcome = forward.finish().await;
    assert!(outcome.failed[0].contains("this is a proxy"), "{:?}", outcome.failed);
}
