//! Many who are answered from one recording at the same time: nothing is lost, and nobody gets what
//! is another's.

use std::collections::BTreeSet;

use base64::Engine as _;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use recorder::{Content, Interaction, Recorded, Request, Response};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::*;

const SESSIONS: usize = 64;
const REQUESTS: usize = 1000;
/// What is asked for: each has a queue of its own of as many answers.
const THINGS: usize = 10;
const ANSWERS: usize = REQUESTS / THINGS;

type Body = http_body_util::Empty<Bytes>;

/// A recording in which every answer says which of its queue it is.
fn numbered() -> (tempfile::TempDir, Arc<Library>) {
    let recorded = |order: usize| {
        let (thing, at) = (order % THINGS, order / THINGS);
        let request = Request {
            method: "GET".into(),
            url: format!("http://crm.example/things/{thing}"),
            headers: recorder::Headers::new(),
            body: Content::default(),
        };
        let body = format!("{thing}: {at}").into();
        let response = Response { status: 200, body, ..Response::default() };
        Recorded { order: order as u64, interaction: Interaction { request, response } }
    };
    let folder = tempfile::tempdir().unwrap();
    let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
    let all: Vec<Recorded> = (0..REQUESTS).map(recorded).collect();
    cassette.write(&all, &cleaner()).unwrap();
    let cassette = Cassette::open(folder.path()).unwrap();
    (folder, Arc::new(Library::of_cassette(cassette).unwrap()))
}

async fn answering(library: &Arc<Library>) -> Proxy {
    let setup = Setup {
        front: Front::Forward,
        mode: Mode::None,
        library: Arc::clone(library),
        cassette: None,
        cleaner: cleaner(),
        latency: Latency::None,
        faults: Vec::new(),
        authorities: None,
        now: NOW,
        watch: None,
    };
    Proxy::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), setup).unwrap()
}

/// A connection to a proxy, kept for all that a client asks.
struct Asker {
    sender: SendRequest<Body>,
    user: String,
}

impl Asker {
    async fn connected(address: std::net::SocketAddr, user: &str) -> Asker {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let coded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:any"));
        Asker { sender, user: format!("Basic {coded}") }
    }

    async fn get(&mut self, thing: usize) -> (StatusCode, String) {
        let request = http::Request::get(format!("http://crm.example/things/{thing}"))
            .header("host", "crm.example")
            .header("proxy-authorization", &self.user)
            .body(Body::new());
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request.unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

/// Asks for everything in an order of this session's own, and for one thing more than there is.
async fn session(address: std::net::SocketAddr, number: usize) {
    let mut asker = Asker::connected(address, &format!("session-{number}")).await;
    let mut asked = [0; THINGS];
    // Steps that have no divisor in common with the length come by everything once.
    let step = [1, 3, 7, 9, 11, 13, 17, 19][number % 8];
    for at in 0..REQUESTS {
        let thing = (number + at * step) % REQUESTS % THINGS;
        let (status, text) = asker.get(thing).await;
        assert_eq!(status, 200, "session {number}, request {at}: {text}");
        assert_eq!(text, format!("{thing}: {}", asked[thing]), "session {number}, request {at}");
        asked[thing] += 1;
    }
    assert_eq!(asked, [ANSWERS; THINGS]);
    let (status, text) = asker.get(number % THINGS).await;
    assert_eq!(status, 501, "session {number}: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_user_has_a_place_of_their_own() {
    let (_folder, library) = numbered();
    let proxy = answering(&library).await;
    let address = proxy.address();
    let sessions: JoinSet<()> = (0..SESSIONS).map(|number| session(address, number)).collect();
    sessions.join_all().await;
    let outcome = proxy.finish().await;
    let all = (SESSIONS * REQUESTS) as u64;
    assert_eq!((outcome.seen, outcome.replayed), (all + SESSIONS as u64, all));
    assert_eq!(outcome.missed.len(), SESSIONS);
    assert_eq!((outcome.failed, outcome.recorded.len()), (Vec::new(), 0));
    assert_eq!(library.unused(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn so_has_every_port() {
    let (_folder, library) = numbered();
    let mut proxies = Vec::new();
    for _ in 0..4 {
        proxies.push(answering(&library).await);
    }
    // The same user at each of them.
    let sessions: JoinSet<()> = proxies.iter().map(|proxy| session(proxy.address(), 5)).collect();
    sessions.join_all().await;
    for proxy in proxies {
        let outcome = proxy.finish().await;
        assert_eq!((outcome.replayed, outcome.missed.len()), (REQUESTS as u64, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_session_asks_at_the_same_time_is_given_once() {
    let (_folder, library) = numbered();
    let proxy = answering(&library).await;
    let address = proxy.address();
    let mut connections = JoinSet::new();
    for _ in 0..10 {
        connections.spawn(async move {
            let mut asker = Asker::connected(address, "kim").await;
            let mut got = Vec::new();
            for _ in 0..ANSWERS / 10 {
                got.push(asker.get(3).await);
            }
            got
        });
    }
    let got: Vec<_> = connections.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<_> = got.iter().cloned().collect();
    let expected: BTreeSet<_> =
        (0..ANSWERS).map(|at| (StatusCode::OK, format!("3: {at}"))).collect();
    assert_eq!(got.len(), ANSWERS);
    assert!(distinct == expected, "{distinct:?}");
    assert_eq!(proxy.finish().await.missed, []);
}
