//! A thread of load against real servers, good and bad.

mod http2;
mod server;
mod visits;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use load::{
    Asks, Clock, Drive, Failure, Job, Origin, Plan, Protocol, Request, Schedule, Tally, Tls, work,
};
use server::Server;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const MILLI: u64 = 1_000_000;

fn job(server: &Server, drive: Drive) -> Job {
    let request = Request::new("GET", "/", "localhost", &[], b"").unwrap();
    Job {
        origins: at(server.address, None),
        asks: Asks::One(request),
        drive,
        users: 4,
        connections: 4,
        part: (0, 1),
        reuse: u64::MAX,
        count_from: 0,
        end: 300 * MILLI,
        timeout: 20_000 * MILLI,
        lag_budget: 200_000,
        room: 1000,
        exchanges: 3,
    }
}

fn at(address: std::net::SocketAddr, tls: Option<Tls>) -> Vec<Origin> {
    vec![Origin { addresses: vec![address], tls, protocol: Protocol::Http1 }]
}

fn open(rate: f64, ms: u64) -> Drive {
    Drive::Open(Schedule::constant(rate, Duration::from_millis(ms)))
}

fn run(job: Job) -> Tally {
    let mut all = Tally::new();
    let stop = AtomicBool::new(false);
    work(job, Clock::from(Instant::now()), &stop, &mut |_, tally| all.merge(tally)).unwrap();
    all
}

#[test]
fn threads_are_one_run() {
    let server = Server::saying(HELLO);
    let request = Request::new("GET", "/", "localhost", &[], b"").unwrap();
    let mut plan = Plan::at_rate(server.address, request, 400.0, Duration::from_millis(1600));
    plan.warm_up = Duration::from_millis(500);
    plan.drive = open(400.0, 2100);
    plan.threads = 2;
    let mut seconds = Vec::new();
    let stop = Arc::new(AtomicBool::new(false));
    let outcome = load::run(&plan, &stop, &mut |second, tally| {
        seconds.push((second, tally.requests));
    });
    let outcome = outcome.unwrap();
    assert_eq!((outcome.all.requests, outcome.all.failures()), (640, 0));
    assert_eq!(outcome.intended, Some(640));
    assert_eq!(outcome.health.len(), 2);
    assert!(!outcome.is_cut_short);
    assert!(seconds.is_sorted_by(|one, other| one.0 < other.0), "{seconds:?}");
    assert!(seconds.len() >= 2, "{seconds:?}");
    assert_eq!(seconds.iter().map(|(_, requests)| requests).sum::<u64>(), 640);
    // The same, and told to end after its first second.
    let mut counted = 0;
    let told = Arc::clone(&stop);
    let outcome = load::run(&plan, &stop, &mut |_, tally| {
        counted += tally.requests;
        told.store(true, Ordering::Relaxed);
    });
    let outcome = outcome.unwrap();
    assert!(outcome.is_cut_short);
    assert_eq!(outcome.all.requests, counted);
    assert!((100..640).contains(&counted), "{counted}");
}

#[test]
fn a_closed_loop_keeps_its_connections_busy() {
    let server = Server::saying(HELLO);
    let tally = run(job(&server, Drive::Closed));
    assert_eq!(tally.requests, server.requests.load(Ordering::Relaxed));
    assert_eq!(server.connections.load(Ordering::Relaxed), 4);
    assert!(tally.requests > 50, "{tally:?}");
    assert_eq!((tally.failures(), tally.statuses()[&200]), (0, tally.requests));
    assert_eq!(tally.bytes, tally.requests * HELLO.len() as u64);
    assert_eq!(tally.latency.count(), tally.requests);
    assert_eq!(tally.connect.count(), 4);
}

#[test]
fn an_open_loop_sends_what_is_due_and_nothing_else() {
    let server = Server::saying(HELLO);
    let tally = run(job(&server, open(500.0, 400)));
    assert_eq!(tally.requests, 200);
    assert_eq!(server.requests.load(Ordering::Relaxed), 200);
    assert_eq!(tally.failures(), 0);
    for histogram in [&tally.latency, &tally.service, &tally.lag, &tally.wait, &tally.first_byte] {
        assert_eq!(histogram.count(), 200);
    }
}

#[test]
fn what_is_given_up_at_the_end_is_not_held_against_the_service() {
    let server = Server::start(|number, stream| {
        if number > 0 {
            std::thread::sleep(Duration::from_secs(5));
        }
        stream.write_all(HELLO.as_bytes()).is_ok()
    });
    let request = Request::new("GET", "/", "localhost", &[], b"").unwrap();
    let mut plan = Plan::at_rate(server.address, request, 10.0, Duration::from_secs(20));
    plan.warm_up = Duration::ZERO;
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let outcome = load::run(&plan, &stop, &mut |_, _| told.store(true, Ordering::Relaxed)).unwrap();
    assert!(outcome.is_cut_short && outcome.elapsed < Duration::from_secs(4), "{outcome:?}");
    assert_eq!((outcome.all.requests, outcome.all.failures()), (1, 0));
}

#[test]
fn one_request_tells_what_is_wrong() {
    let request = Request::new("GET", "/", "localhost", &[], b"").unwrap();
    let second = Duration::from_secs(1);
    let check = |answer: &'static str, expect: Result<(u16, Option<&str>), (Failure, &str)>| {
        let server = Server::saying(answer);
        let asked = load::ask_once(&at(server.address, None)[0], &request, second);
        let asked = asked.as_ref();
        let came = asked.map(|first| (first.status, first.retry_after.as_deref()));
        assert_eq!(came.map_err(|error| (error.failure, error.why.as_str())), expect, "{answer}");
    };
    check(HELLO, Ok((200, None)));
    check(
        "HTTP/1.1 429 Slow\r\nRetry-After: 120\r\ncontent-length: 0\r\n\r\n",
        Ok((429, Some("120"))),
    );
    check(
        "SSH-2.0-OpenSSH\r\n",
        Err((Failure::Malformed, "what came is no answer: it is no HTTP")),
    );
    check(
        "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n",
        Err((Failure::Timeout, "there was no whole answer in time")),
    );
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = load::ask_once(&at(gone, None)[0], &request, second).unwrap_err();
    assert_eq!(
        (error.failure, error.why),
        (Failure::Connect, format!("{gone}: connection refused"))
    );
    let nowhere = Origin { addresses: Vec::new(), tls: None, protocol: Protocol::Http1 };
    let error = load::ask_once(&nowhere, &request, second).unwrap_err();
    assert_eq!(error.why, "its name stands for no address");
    let (server, trusted, other) = server::private(HELLO);
    let tls = |config| Some(Tls { config, name: "localhost".try_into().unwrap() });
    let asked = load::ask_once(&at(server.address, tls(trusted))[0], &request, second);
    assert_eq!(asked.unwrap().status, 200);
    let error = load::ask_once(&at(server.address, tls(other))[0], &request, second);
    let error = error.unwrap_err();
    assert_eq!(error.failure, Failure::Tls);
    assert!(error.why.contains("UnknownIssuer"), "{}", error.why);
}

#[test]
fn an_end_that_comes_with_an_answer_spoils_no_other_request() {
    // It says nothing of closing, and closes after each answer.
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(HELLO.as_bytes());
        false
    });
    let tally = run(job(&server, open(50.0, 400)));
    assert_eq!((tally.requests, tally.failures()), (20, 0), "{tally:?}");
}

#[test]
fn two_runs_begin_at_the_same_instant() {
    let server = Server::saying(HELLO);
    let request = Request::new("GET", "/", "localhost", &[], b"").unwrap();
    let mut plan = Plan::at_rate(server.address, request, 100.0, Duration::from_millis(300));
    plan.warm_up = Duration::ZERO;
    plan.drive = open(100.0, 300);
    let start = Instant::now() + Duration::from_millis(150);
    plan.start = Some(start);
    let outcomes = std::thread::scope(|scope| {
        let runs = [0, 1]
            .map(|_| scope.spawn(|| load::run(&plan, &Arc::default(), &mut |_, _| {}).unwrap()));
        runs.map(|run| run.join().unwrap())
    });
    for outcome in outcomes {
        assert_eq!((outcome.all.requests, outcome.all.failures()), (30, 0));
        assert!(outcome.elapsed < Duration::from_secs(10), "{outcome:?}");
    }
    assert!(start.elapsed() >= Duration::from_millis(290));
}

#[test]
fn the_first_part_is_sent_and_not_counted() {
    let server = Server::saying(HELLO);
    let tally = run(Job { count_from: 200 * MILLI, ..job(&server, open(500.0, 400)) });
    assert_eq!(tally.requests, 100);
    assert_eq!(server.requests.load(Ordering::Relaxed), 200);
}

#[test]
fn latency_counts_from_the_intended_instant() {
    // One connection, and every answer takes 20 ms: at 100 a second half of them come too soon.
    let server = Server::start(|_, stream| {
        std::thread::sleep(Duration::from_millis(20));
        stream.write_all(HELLO.as_bytes()).is_ok()
    });
    let job = Job { connections: 1, timeout: 10_000 * MILLI, ..job(&server, open(100.0, 500)) };
    let tally = run(job);
    assert_eq!((tally.requests, tally.failures()), (50, 0));
    // The last waits for all before it: 50 answers of 20 ms end at 1 s, and it was due at 0.495 s.
    let last = tally.latency.max().unwrap();
    assert!(last >= 500_000, "{last}");
    let service = tally.service.quantile(0.5).unwrap();
    assert!(service >= 20_000, "{service}");
    // The service made them wait, not this program.
    assert!(tally.wait.max().unwrap() > 450_000, "{:?}", tally.wait);
    assert!(tally.lag.quantile(0.5) < tally.wait.quantile(0.5), "{:?}", tally.lag);
}

#[test]
fn what_goes_wrong_is_counted_and_bounded() {
    let check = |name: &str, server: Server, expect: Failure| {
        let started = Instant::now();
        let ms = if expect == Failure::Timeout { 150 } else { 20_000 };
        let tally = run(Job { timeout: ms * MILLI, ..job(&server, open(100.0, 200)) });
        assert_eq!(tally.requests, 20, "{name}");
        assert_eq!(tally.failed(expect), 20, "{name}: {tally:?}");
        assert_eq!(tally.failures(), 20, "{name}");
        assert!(started.elapsed() < Duration::from_secs(15), "{name}");
    };
    check(
        "an error",
        Server::saying("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"),
        Failure::Status,
    );
    check("no HTTP", Server::saying("220 mail.example ESMTP\r\n\r\n"), Failure::Malformed);
    check("closes at once", Server::start(|_, _| false), Failure::Closed);
    check(
        "closes in the middle",
        Server::start(|_, stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello");
            false
        }),
        Failure::Closed,
    );
    check(
        "says nothing",
        Server::start(|_, _| {
            std::thread::sleep(Duration::from_millis(500));
            false
        }),
        Failure::Timeout,
    );
    check(
        "drips for ever",
        Server::start(|_, stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n");
            for _ in 0..200 {
                if stream.write_all(b"x").is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            false
        }),
        Failure::Timeout,
    );
    check(
        "endless headers",
        Server::start(|_, stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            while stream.write_all(b"x: 0123456789012345678901234567890123456789\r\n").is_ok() {}
            false
        }),
        Failure::Malformed,
    );
    // Nobody listens there any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::saying(HELLO);
    let refused = Job { origins: at(gone, None), ..job(&server, open(100.0, 200)) };
    let tally = run(refused);
    assert_eq!((tally.requests, tally.failed(Failure::Connect)), (20, 20), "{tally:?}");
    // Nobody who waits in vain makes a percentile look better.
    assert_eq!(tally.latency.min(), Some(20_000_000));
}

#[test]
fn connections_that_end_are_made_anew() {
    let closing = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello";
    let server = Server::start(move |_, stream| {
        let _ = stream.write_all(closing.as_bytes());
        false
    });
    let tally = run(job(&server, open(200.0, 200)));
    assert_eq!((tally.requests, tally.failures(), tally.connect.count()), (40, 0, 40));
    let server = Server::saying(HELLO);
    let tally = run(Job { reuse: 10, connections: 1, ..job(&server, open(200.0, 200)) });
    assert_eq!((tally.requests, tally.failures()), (40, 0));
    assert_eq!(server.connections.load(Ordering::Relaxed), 4);
}

#[test]
fn large_answers_go_through() {
    let server = Server::start(|_, stream| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n";
        let part = vec![b'x'; 1_000_000];
        stream.write_all(head.as_bytes()).is_ok()
            && (0..50).all(|_| stream.write_all(&part).is_ok())
    });
    let tally = run(Job { timeout: 20_000 * MILLI, ..job(&server, open(20.0, 200)) });
    assert_eq!((tally.requests, tally.failures()), (4, 0));
    assert!(tally.bytes > 200_000_000);
}

#[test]
fn private_connections_are_agreed_upon_and_kept() {
    let (server, trusted, other) = server::private(HELLO);
    let tls = |config| Some(Tls { config, name: "localhost".try_into().unwrap() });
    let good = Job {
        origins: at(server.address, tls(trusted)),
        timeout: 5000 * MILLI,
        ..job(&server, open(200.0, 300))
    };
    let tally = run(good);
    assert_eq!((tally.requests, tally.failures()), (60, 0), "{tally:?}");
    assert_eq!(tally.bytes, 60 * HELLO.len() as u64);
    assert!(tally.connect.count() <= 4, "{tally:?}");
    // Nobody vouches for it.
    let bad = Job { origins: at(server.address, tls(other)), ..job(&server, open(100.0, 100)) };
    let tally = run(bad);
    assert_eq!((tally.requests, tally.failed(Failure::Tls)), (10, 10), "{tally:?}");
    // It speaks no TLS at all.
    let plain = Server::saying("220 mail.example ESMTP\r\n\r\n");
    let (_, config, _) = server::private(HELLO);
    let tally = run(Job {
        origins: at(plain.address, tls(config)),
        timeout: 150 * MILLI,
        ..job(&plain, open(100.0, 100))
    });
    assert_eq!((tally.requests, tally.failures()), (10, 10), "{tally:?}");
}

#[test]
fn what_overflows_is_told() {
    let server = Server::start(|_, stream| {
        std::thread::sleep(Duration::from_millis(250));
        stream.write_all(HELLO.as_bytes()).is_ok()
    });
    let job =
        Job { connections: 1, room: 3, timeout: 5000 * MILLI, ..job(&server, open(100.0, 200)) };
    let tally = run(job);
    assert_eq!(tally.requests, 20);
    // One is asked and three wait: the others come while there is no room.
    let overflown = tally.failed(Failure::Overflow);
    assert!((1..=16).contains(&overflown), "{tally:?}");
    assert_eq!(tally.failures(), overflown);
    assert_eq!(tally.service.count(), 20 - overflown);
}
