//! A thread of load against real servers of HTTP/2, good and bad.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use load::{
    Answer, Ask, Asks, Clock, Done, Drive, Failure, Job, Keeps, Origin, Protocol, Request, Script,
    Tally, Tls, Turn, Visits, work,
};
use tokio::net::TcpListener;

use crate::{MILLI, open, run, server};

/// A server that ends with the test: its runtime does.
struct Http2 {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    _runtime: tokio::runtime::Runtime,
}

/// How it is set up.
#[derive(Clone, Default)]
struct Ways {
    /// How many requests at once a connection may carry.
    streams: Option<u32>,
    /// After how many requests a connection is to be left, as servers do.
    leaves_after: Option<u64>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Http2 {
    fn start(ways: Ways) -> Http2 {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicU64::new(0));
        let connections = Arc::new(AtomicU64::new(0));
        let counts = (Arc::clone(&requests), Arc::clone(&connections));
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                counts.1.fetch_add(1, Ordering::Relaxed);
                let (requests, ways) = (Arc::clone(&counts.0), ways.clone());
                tokio::spawn(async move {
                    match &ways.tls {
                        None => serve(socket, &ways, &requests).await,
                        Some(config) => {
                            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(config));
                            if let Ok(socket) = acceptor.accept(socket).await {
                                serve(socket, &ways, &requests).await;
                            }
                        }
                    }
                });
            }
        });
        Http2 { address, requests, connections, _runtime: runtime }
    }

    fn job(&self, path: &str, streams: usize, drive: Drive) -> Job {
        let request = Request::new("GET", path, "localhost", &[], b"").unwrap();
        let base = crate::job(&server::Server::saying(""), drive);
        Job { origins: at(self.address, None, streams), asks: Asks::One(request), ..base }
    }
}

fn at(address: SocketAddr, tls: Option<Tls>, streams: usize) -> Vec<Origin> {
    vec![Origin { addresses: vec![address], tls, protocol: Protocol::Http2 { streams } }]
}

async fn serve<S>(socket: S, ways: &Ways, requests: &Arc<AtomicU64>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut builder = h2::server::Builder::new();
    if let Some(streams) = ways.streams {
        builder.max_concurrent_streams(streams);
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(socket).await else { return };
    let mut carried = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        carried += 1;
        if request.uri().path() == "/break" {
            connection.abrupt_shutdown(Reason::INTERNAL_ERROR);
            continue;
        }
        let number = requests.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(answer(request, respond, number));
        if ways.leaves_after.is_some_and(|after| carried == after) {
            connection.graceful_shutdown();
        }
    }
}

async fn answer(request: http::Request<RecvStream>, mut respond: SendResponse<Bytes>, number: u64) {
    let (head, mut body) = request.into_parts();
    let mut came = Vec::new();
    while let Some(Ok(part)) = body.data().await {
        let _ = body.flow_control().release_capacity(part.len());
        came.extend_from_slice(&part);
    }
    let ok = http::Response::builder().header("age", "7");
    let path = head.uri.path();
    let said: Bytes = match path {
        "/large" => vec![b'x'; 5_000_000].into(),
        "/echo" => format!("{} {}", head.method, String::from_utf8_lossy(&came)).into(),
        "/asked" => {
            let names: Vec<&str> = head.headers.keys().map(http::HeaderName::as_str).collect();
            format!("{} {} {}", head.uri, head.version == http::Version::HTTP_2, names.join(","))
                .into()
        }
        _ => "hello".into(),
    };
    match path {
        "/refused" if number % 4 == 1 => return respond.send_reset(Reason::REFUSED_STREAM),
        "/reset" => return respond.send_reset(Reason::INTERNAL_ERROR),
        "/slow" => tokio::time::sleep(Duration::from_millis(20)).await,
        "/never" => std::future::pending().await,
        "/missing" => {
            let answer = ok.status(404).body(()).unwrap();
            let _ = respond.send_response(answer, true);
            return;
        }
        _ => {}
    }
    let Ok(mut sending) = respond.send_response(ok.body(()).unwrap(), false) else { return };
    match path {
        "/half" => {
            let _ = sending.send_data(said, false);
            sending.send_reset(Reason::CANCEL);
        }
        "/trailers" => {
            let _ = sending.send_data(said, false);
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-sum", "1".parse().unwrap());
            let _ = sending.send_trailers(trailers);
        }
        _ => {
            let _ = sending.send_data(said, true);
        }
    }
}

#[test]
fn answers_are_counted_as_those_of_the_other_version() {
    let server = Http2::start(Ways::default());
    let check = |path: &str, streams: usize, expect: (u64, u64), connections: u64| -> Tally {
        let before = server.connections.load(Ordering::Relaxed);
        let tally = run(server.job(path, streams, open(200.0, 200)));
        assert_eq!((tally.requests, tally.failures()), expect, "{path}: {tally:?}");
        assert_eq!(tally.latency.count(), 40);
        let made = server.connections.load(Ordering::Relaxed) - before;
        assert!(made <= connections, "{path}: {made} connections");
        tally
    };
    let tally = check("/", 1, (40, 0), 4);
    assert_eq!((tally.cache_told, tally.cache_hits), (40, 40));
    // Frames of nine bytes, a compressed head, the body and what belongs to the connection.
    assert!((40 * 14..40 * 200).contains(&tally.bytes), "{}", tally.bytes);
    assert_eq!(tally.statuses()[&200], 40);
    check("/trailers", 1, (40, 0), 4);
    let tally = check("/large", 4, (40, 0), 4);
    assert!(tally.bytes > 40 * 5_000_000);
    let tally = check("/missing", 1, (40, 40), 4);
    assert_eq!((tally.failed(Failure::Status), tally.statuses()[&404]), (40, 40));
    let tally = check("/reset", 1, (40, 40), 4);
    assert_eq!(tally.failed(Failure::Closed), 40);
    let tally = check("/half", 1, (40, 40), 4);
    assert_eq!(tally.failed(Failure::Closed), 40);
    assert_eq!(tally.statuses().len(), 0);
    let tally = check("/break", 1, (40, 40), 40);
    assert_eq!(tally.failed(Failure::Closed), 40);
}

#[test]
fn requests_share_a_connection() {
    let check = |streams: usize, allowed: Option<u32>, connections: usize, busiest: u64| {
        let server = Http2::start(Ways { streams: allowed, ..Ways::default() });
        // Ten at once are what 500 a second of 20 ms each need.
        let tally = run(Job { connections, ..server.job("/slow", streams, open(500.0, 200)) });
        assert_eq!((tally.requests, tally.failures()), (100, 0), "{tally:?}");
        assert!(server.connections.load(Ordering::Relaxed) <= connections as u64);
        // The others wait, which counts.
        let least = 100 * 20 / busiest;
        let last = tally.latency.max().unwrap() / 1000;
        let waits = least.saturating_sub(200);
        assert!(last >= waits.max(20), "{last} ms with {busiest} at once");
    };
    check(100, None, 1, 100);
    check(5, None, 1, 5);
    check(5, None, 2, 10);
    check(100, Some(4), 1, 4);
}

#[test]
fn closed_loops_keep_every_place_busy() {
    let server = Http2::start(Ways::default());
    let job = Job { users: 6, connections: 2, ..server.job("/slow", 3, Drive::Closed) };
    let tally = run(job);
    assert_eq!(tally.failures(), 0, "{tally:?}");
    // In 300 ms each of the six asks 15 times at the most, and hardly less often.
    assert!((48..=96).contains(&tally.requests), "{}", tally.requests);
    assert_eq!(server.connections.load(Ordering::Relaxed), 2);
    // One that is refused comes again, after a moment.
    let job = Job { users: 2, connections: 2, ..server.job("/reset", 1, Drive::Closed) };
    let tally = run(job);
    assert_eq!(tally.failures(), tally.requests);
    assert!((20..=130).contains(&tally.requests), "{}", tally.requests);
}

#[test]
fn a_server_may_ask_to_be_left() {
    let server = Http2::start(Ways { leaves_after: Some(7), ..Ways::default() });
    for streams in [1, 10] {
        let tally = run(server.job("/", streams, open(400.0, 250)));
        assert_eq!((tally.requests, tally.failures()), (100, 0), "{tally:?}");
    }
    assert!(server.connections.load(Ordering::Relaxed) >= 10);
    // Some are refused before they are begun with: they are asked again.
    let server = Http2::start(Ways::default());
    let job = Job { connections: 1, ..server.job("/refused", 1, open(100.0, 200)) };
    let tally = run(job);
    assert_eq!((tally.requests, tally.failures()), (20, 0), "{tally:?}");
    assert!(server.requests.load(Ordering::Relaxed) >= 26);
    // So many in all, and no more.
    let server = Http2::start(Ways::default());
    let tally = run(Job { reuse: 10, connections: 1, ..server.job("/", 1, open(200.0, 200)) });
    assert_eq!((tally.requests, tally.failures()), (40, 0));
    assert_eq!(server.connections.load(Ordering::Relaxed), 4);
}

#[test]
fn what_does_not_come_is_given_up() {
    let server = Http2::start(Ways::default());
    let job = Job { timeout: 80 * MILLI, ..server.job("/never", 2, open(50.0, 200)) };
    let tally = run(job);
    assert_eq!((tally.requests, tally.failed(Failure::Timeout)), (10, 10), "{tally:?}");
    // One that answers in another language, and one that says nothing.
    let check = |says: &'static str, expect: Failure| {
        let other = server::Server::saying(says);
        let request = Request::new("GET", "/", "localhost", &[], b"").unwrap();
        let job = Job {
            origins: at(other.address, None, 1),
            asks: Asks::One(request.clone()),
            timeout: 100 * MILLI,
            ..crate::job(&other, open(50.0, 100))
        };
        let tally = run(job);
        assert_eq!((tally.requests, tally.failed(expect)), (5, 5), "{tally:?}");
        let once =
            load::ask_once(&at(other.address, None, 1)[0], &request, Duration::from_millis(100));
        assert_eq!(once.unwrap_err().failure, expect);
    };
    check("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", Failure::Malformed);
    check("", Failure::Timeout);
}

#[test]
fn what_is_refused_is_not_asked_for_at_once() {
    // It has room for nothing, and says so when it is asked.
    let server = Http2::start(Ways { streams: Some(0), ..Ways::default() });
    for streams in [1, 4] {
        let before = server.connections.load(Ordering::Relaxed);
        let job = Job {
            timeout: 300 * MILLI,
            connections: 2,
            ..server.job("/", streams, open(50.0, 400))
        };
        let tally = run(job);
        assert_eq!((tally.requests, tally.failures()), (20, 20), "{tally:?}");
        let made = server.connections.load(Ordering::Relaxed) - before;
        assert!(made <= 130, "{made} connections");
    }
    // It refuses whatever is asked: five times more, five milliseconds apart.
    let refusing = raw(|stream, id| {
        let _ = stream.write_all(&[&frame(3, 0, id, 4)[..], &[0, 0, 0, 7]].concat());
    });
    let mut job =
        Job { connections: 1, ..Http2::start(Ways::default()).job("/", 1, open(20.0, 300)) };
    job.origins = at(refusing.address, None, 1);
    let tally = run(job);
    assert_eq!((tally.requests, tally.failed(Failure::Closed)), (6, 6), "{tally:?}");
    assert_eq!(refusing.requests.load(Ordering::Relaxed), 36);
}

#[test]
fn late_answers_break_nothing() {
    // It answers all of them, and most of them too late.
    let late = raw(|stream, id| {
        let mut stream = stream.try_clone().unwrap();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(if id % 8 == 1 { 0 } else { 150 }));
            let _ = stream.write_all(&[&frame(1, 5, id, 1)[..], &[0x88]].concat());
        });
    });
    let mut job = Http2::start(Ways::default()).job("/", 1000, open(700.0, 2400));
    job.origins = at(late.address, None, 1000);
    let tally = run(Job { connections: 1, timeout: 100 * MILLI, end: 2400 * MILLI, ..job });
    assert_eq!(tally.requests, 1680);
    assert_eq!(tally.failures(), tally.failed(Failure::Timeout), "{tally:?}");
    assert!(tally.failures() > 1024, "{tally:?}");
    assert_eq!(late.connections.load(Ordering::Relaxed), 1);
}

/// The head of a frame.
fn frame(kind: u8, flags: u8, stream: u32, length: u8) -> [u8; 9] {
    let [a, b, c, d] = stream.to_be_bytes();
    [0, 0, length, kind, flags, a, b, c, d]
}

/// A server that does this with every stream that is opened, whatever is asked.
fn raw(answer: impl Fn(&mut TcpStream, u32) + Send + Sync + 'static) -> server::Server {
    server::Server::start_raw(move |mut stream, requests| {
        let mut preface = [0; 24];
        stream.set_nodelay(true).unwrap();
        if stream.read_exact(&mut preface).is_err() || stream.write_all(&frame(4, 0, 0, 0)).is_err()
        {
            return;
        }
        let mut head = [0; 9];
        while stream.read_exact(&mut head).is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let mut rest = vec![0; length as usize];
            if stream.read_exact(&mut rest).is_err() {
                return;
            }
            match (head[3], head[4]) {
                (1, _) => {
                    requests.fetch_add(1, Ordering::Relaxed);
                    answer(&mut stream, id);
                }
                (4, 0) => drop(stream.write_all(&frame(4, 1, 0, 0))),
                _ => {}
            }
        }
    })
}

#[test]
fn a_few_connections_serve_several_origins() {
    let servers = [Http2::start(Ways::default()), Http2::start(Ways::default())];
    let mut job = servers[0].job("/", 100, open(200.0, 500));
    job.origins.extend(at(servers[1].address, None, 100));
    let request = Arc::new(Request::new("GET", "/slow", "localhost", &[], b"").unwrap());
    job.asks = Asks::Script(Arc::new(InTurn(request)));
    let tally = run(Job { connections: 1, timeout: 1000 * MILLI, end: 600 * MILLI, ..job });
    assert_eq!((tally.requests, tally.failures()), (100, 0), "{tally:?}");
    for server in servers {
        assert_eq!(server.requests.load(Ordering::Relaxed), 50);
    }
}

/// Visitors of one request each, to one origin after the other.
#[derive(Debug, Clone)]
struct InTurn(Arc<Request>);

impl Script for InTurn {
    fn steps(&self) -> usize {
        1
    }

    fn visits(&self) -> Box<dyn Visits> {
        Box::new(self.clone())
    }
}

impl Visits for InTurn {
    fn begin(&mut self, number: u64, asks: &mut Vec<Ask>) {
        let (request, origin, keeps) = (Arc::clone(&self.0), (number % 2) as usize, Keeps::Nothing);
        asks.push(Ask { visit: 0, step: 0, tag: 0, origin, request, pause: 0, keeps });
    }

    fn answered(&mut self, _: &Ask, answer: Option<&Answer<'_>>, _: &mut Vec<Ask>) -> Turn {
        Turn { is_good: answer.is_some_and(|answer| answer.status == 200), is_over: true }
    }
}

#[test]
fn who_sends_without_an_end_keeps_nobody_waiting() {
    // Settings, and then pings for ever, which all have to be answered.
    let endless = server::Server::start_raw(|mut stream, _| {
        let _ = stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
        let ping = [&[0, 0, 8, 6, 0, 0, 0, 0, 0][..], &[7; 8]].concat().repeat(1000);
        let mut reading = stream.try_clone().unwrap();
        std::thread::spawn(move || std::io::copy(&mut reading, &mut std::io::sink()));
        while stream.write_all(&ping).is_ok() {}
    });
    let server = Http2::start(Ways::default());
    let mut job = Job { timeout: 100 * MILLI, ..server.job("/", 1, open(100.0, 300)) };
    let begun = std::time::Instant::now();
    job.origins = at(endless.address, None, 1);
    let tally = run(job);
    assert_eq!((tally.requests, tally.failed(Failure::Timeout)), (30, 30), "{tally:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn private_connections_agree_upon_the_version() {
    let (config, trusted) = server::certified(&[b"h2", b"http/1.1"]);
    let server = Http2::start(Ways { tls: Some(config), ..Ways::default() });
    let tls = |protocol: &[u8]| {
        let mut config = (*trusted).clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        Some(Tls { config: Arc::new(config), name: "localhost".try_into().unwrap() })
    };
    let job = |protocol: &[u8]| Job {
        origins: at(server.address, tls(protocol), 2),
        ..server.job("/large", 2, open(50.0, 200))
    };
    let tally = run(job(b"h2"));
    assert_eq!((tally.requests, tally.failures()), (10, 0), "{tally:?}");
    let tally = run(job(b"http/1.1"));
    assert_eq!((tally.requests, tally.failed(Failure::Tls)), (10, 10), "{tally:?}");
    let request = Request::new("GET", "/", "localhost", &[], b"").unwrap();
    let once = |protocol: &[u8]| {
        let origin = &at(server.address, tls(protocol), 1)[0];
        load::ask_once(origin, &request, Duration::from_secs(5))
    };
    assert_eq!(once(b"h2").unwrap().status, 200);
    let error = once(b"http/1.1").unwrap_err();
    assert_eq!(error.why, "it was asked for HTTP/2 and does not speak it");
}

/// Asks one thing, and keeps what came of it.
#[derive(Debug)]
struct Once(Arc<Request>, Arc<std::sync::Mutex<Vec<String>>>);

struct OnceOnly(Arc<Request>, Arc<std::sync::Mutex<Vec<String>>>);

impl Script for Once {
    fn steps(&self) -> usize {
        1
    }

    fn visits(&self) -> Box<dyn Visits> {
        Box::new(OnceOnly(Arc::clone(&self.0), Arc::clone(&self.1)))
    }
}

impl Visits for OnceOnly {
    fn begin(&mut self, _: u64, asks: &mut Vec<Ask>) {
        let request = Arc::clone(&self.0);
        let (visit, step, tag, origin, pause, keeps) = (0, 0, 0, 0, 0, Keeps::All);
        asks.push(Ask { visit, step, tag, origin, request, pause, keeps });
    }

    fn answered(&mut self, _: &Ask, answer: Option<&Answer<'_>>, _: &mut Vec<Ask>) -> Turn {
        let answer = answer.expect("an answer");
        let fields = load::fields(answer.head);
        assert_eq!(fields, [("age".to_owned(), b"7".to_vec())]);
        assert!(answer.is_whole);
        let body = String::from_utf8_lossy(answer.body);
        self.1.lock().unwrap().push(format!("{} {body}", answer.protocol.name()));
        Turn { is_good: true, is_over: true }
    }
}

#[test]
fn visits_see_what_came() {
    let server = Http2::start(Ways::default());
    let check = |request: Request, expect: &str, line: &str| {
        let seen = Arc::default();
        let script = Once(Arc::new(request), Arc::clone(&seen));
        let job =
            Job { asks: Asks::Script(Arc::new(script)), ..server.job("/", 1, open(10.0, 100)) };
        let Done { exchanges, .. } = work(
            job,
            Clock::from(std::time::Instant::now()),
            &false.into(),
            &mut |_, _: &Tally| {},
        )
        .unwrap();
        assert_eq!(*seen.lock().unwrap(), [expect]);
        // It may be looked at, too.
        let slowest = exchanges.slowest();
        assert_eq!(slowest[0].asked().line, line);
        let answered = slowest[0].answered().unwrap();
        assert_eq!((&answered.line[..], answered.headers.len()), ("HTTP/2 200 ", 1));
        assert_eq!(String::from_utf8_lossy(&answered.body), expect["HTTP/2 ".len()..]);
    };
    let headers = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    };
    let own = headers(&[("Connection", "close"), ("X-Own", "1"), ("Cookie", "a=b")]);
    check(
        Request::new("GET", "/asked?b=1", "shop.example:8080", &own, b"").unwrap(),
        "HTTP/2 http://shop.example:8080/asked?b=1 true user-agent,accept,x-own,cookie",
        "GET /asked?b=1 HTTP/2",
    );
    check(
        Request::new("POST", "/echo", "localhost", &[], b"a=1").unwrap(),
        "HTTP/2 POST a=1",
        "POST /echo HTTP/2",
    );
}
