//! Visits of several requests.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use load::{
    Answer, Ask, Asks, Clock, Drive, Failure, Job, Keeps, Request, Script, Turn, Visits, work,
};

use super::server::Server;
use super::{MILLI, job, open, run};

/// How long a visitor thinks.
const THINKS: u64 = 30 * MILLI;

/// The visitor whose number is this much above that of a wrong answer cannot be made up.
const NOBODY: u64 = 3;

/// Asks the first server for a number, thinks, and then asks the second one for two things at once.
#[derive(Debug)]
struct Shop {
    /// Numbers of visitors, one bit each.
    came: Arc<AtomicU64>,
    /// How many visits came to their end.
    done: Arc<AtomicU64>,
    /// Which answer of the first server is wrong.
    refuses: u64,
}

struct Shopping {
    shop: (Arc<AtomicU64>, Arc<AtomicU64>, u64),
    /// How many answers each visit still waits for.
    waits: Vec<u64>,
}

fn ask(visit: usize, step: usize, path: &str) -> Ask {
    Ask {
        visit,
        step,
        tag: 0,
        origin: usize::from(step > 0),
        request: Arc::new(Request::new("GET", path, "localhost", &[], b"").unwrap()),
        pause: if step == 0 { 0 } else { THINKS },
        keeps: if step == 0 { Keeps::All } else { Keeps::Nothing },
    }
}

impl Script for Shop {
    fn steps(&self) -> usize {
        3
    }

    fn visits(&self) -> Box<dyn Visits> {
        let shop = (Arc::clone(&self.came), Arc::clone(&self.done), self.refuses);
        Box::new(Shopping { shop, waits: Vec::new() })
    }
}

impl Visits for Shopping {
    fn begin(&mut self, number: u64, asks: &mut Vec<Ask>) {
        if number == self.shop.2.saturating_add(NOBODY) {
            return;
        }
        self.shop.0.fetch_or(1 << (number % 64), Ordering::Relaxed);
        self.waits.push(2);
        asks.push(ask(self.waits.len() - 1, 0, "/"));
    }

    fn answered(&mut self, asked: &Ask, answer: Option<&Answer<'_>>, asks: &mut Vec<Ask>) -> Turn {
        let Some(answer) = answer else {
            let left = &mut self.waits[asked.visit];
            *left = if asked.step > 0 { *left - 1 } else { 0 };
            // It is over once, however many of its requests come to nothing.
            return Turn { is_good: false, is_over: *left == 0 };
        };
        if asked.step > 0 {
            assert!(answer.head.is_empty() && answer.body.is_empty(), "nobody wanted it");
            self.waits[asked.visit] -= 1;
            let is_over = self.waits[asked.visit] == 0;
            self.shop.1.fetch_add(u64::from(is_over), Ordering::Relaxed);
            return Turn { is_good: true, is_over };
        }
        assert!(
            answer.head.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.head.ends_with(b"\r\n\r\n")
        );
        assert!(answer.is_whole);
        let number: u64 = std::str::from_utf8(answer.body).unwrap().parse().unwrap();
        if number == self.shop.2 {
            return Turn { is_good: false, is_over: true };
        }
        asks.push(ask(asked.visit, 1, "/one"));
        asks.push(ask(asked.visit, 2, "/other"));
        Turn { is_good: true, is_over: false }
    }
}

/// One that tells the number of a request in two chunks, behind a head that does not count, and one
/// whose answers come from a cache now and then.
fn servers() -> (Server, Server) {
    let first = Server::start(|number, stream| {
        let text = format!("{number:04}");
        let (one, other) = text.split_at(2);
        let head =
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";
        let told = stream.write_all(head.as_bytes()).is_ok();
        let rest = format!("\r\n2\r\n{one}\r\n2\r\n{other}\r\n0\r\n\r\n");
        told && stream.write_all(rest.as_bytes()).is_ok()
    });
    let second = Server::start(|number, stream| {
        let hit = if number.is_multiple_of(4) { "HIT" } else { "MISS" };
        let text = format!("HTTP/1.1 200 OK\r\nx-cache: {hit}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(text.as_bytes()).is_ok()
    });
    (first, second)
}

fn shopping(drive: Drive, refuses: u64) -> (load::Tally, u64, u64) {
    let (first, second) = servers();
    let (came, done) = (Arc::default(), Arc::default());
    let shop = Shop { came: Arc::clone(&came), done: Arc::clone(&done), refuses };
    let mut job = job(&first, drive);
    job.origins.extend(super::at(second.address, None));
    job.asks = Asks::Script(Arc::new(shop));
    (run(job), came.load(Ordering::Relaxed), done.load(Ordering::Relaxed))
}

#[test]
fn visits_go_from_step_to_step() {
    let (all, came, done) = shopping(open(100.0, 200), u64::MAX);
    assert_eq!((came, done), ((1 << 20) - 1, 20));
    assert_eq!((all.requests, all.failures()), (60, 0));
    let of = |step: usize| all.steps[step].requests;
    assert_eq!((of(0), of(1), of(2)), (20, 20, 20));
    assert_eq!((all.cache_told, all.cache_hits), (40, 10));
    assert_eq!(all.steps[0].cache_told, 0);
    // What a visitor thinks is no latency.
    assert!(all.latency.quantile(0.5).unwrap() < THINKS / 1000, "{:?}", all.latency);
}

#[test]
fn a_wrong_answer_ends_its_visit() {
    let (all, _, done) = shopping(open(100.0, 200), 7);
    // One is answered wrongly, and one asks for nothing at all.
    assert_eq!((all.requests, done), (56, 18));
    assert_eq!((all.failed(Failure::Check), all.failures()), (2, 2));
    assert_eq!(all.steps[0].failed(Failure::Check), 1);
}

#[test]
fn users_visit_again_and_again() {
    let (all, came, done) = shopping(Drive::Closed, u64::MAX);
    // Four at a time, each of which thinks for a tenth of the whole.
    assert!((20..=44).contains(&done), "{done}");
    assert!(u64::from(came.count_ones()) >= done, "{came:b}");
    assert_eq!(all.failures(), 0);
    // What would have been due after the end was not sent.
    assert!(all.requests >= 3 * done && all.requests <= 3 * done + 12, "{all:?}");
}

#[test]
fn a_service_that_is_gone_ends_nothing_but_its_visits() {
    // One that closes each connection behind its answer, so that many a try finds it closed.
    let first = Server::start(|number, stream| {
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n{number:04}");
        let _ = stream.write_all(text.as_bytes());
        false
    });
    let (came, done) = (Arc::default(), Arc::default());
    let mut job = job(&first, Drive::Closed);
    // The second server is not there at all, and at this address nobody else begins to listen.
    let gone = "127.77.0.1:9".parse().unwrap();
    job.origins.extend(super::at(gone, None));
    job.asks = Asks::Script(Arc::new(Shop { came, done: Arc::clone(&done), refuses: u64::MAX }));
    job.users = 50;
    job.connections = 200;
    let all = run(job);
    assert_eq!(done.load(Ordering::Relaxed), 0);
    let kinds = Failure::ALL.map(|failure| (failure.name(), all.steps[1].failed(failure)));
    assert_eq!(all.steps[1].failed(Failure::Connect), all.steps[1].requests, "{kinds:?}");
    assert!(all.steps[0].requests >= 50 && all.failed(Failure::Overflow) == 0, "{all:?}");
}

#[test]
fn connections_to_one_server_make_room_for_another() {
    let (first, second) = servers();
    let (came, done) = (Arc::default(), Arc::default());
    let mut job = job(&first, open(50.0, 240));
    job.origins.extend(super::at(second.address, None));
    job.asks = Asks::Script(Arc::new(Shop { came, done, refuses: u64::MAX }));
    job.connections = 1;
    let all = run(job);
    assert_eq!((all.requests, all.failures()), (36, 0));
    assert!(first.connections.load(Ordering::Relaxed) > 1);
}

#[test]
fn the_slowest_and_the_failing_are_kept() {
    let server = Server::start(|number, stream| {
        std::thread::sleep(Duration::from_millis(if number == 5 { 60 } else { 0 }));
        let text = match number {
            8 => "HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 4\r\n\r\nwait".to_owned(),
            // In two pieces.
            5 => {
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\nx: slow\r\ncontent-length: 9\r\n\r\n");
                std::thread::sleep(Duration::from_millis(20));
                "very slow".to_owned()
            }
            _ => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
        };
        stream.write_all(text.as_bytes()).is_ok()
    });
    let job = Job { connections: 1, exchanges: 3, ..job(&server, open(50.0, 240)) };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let done = work(job, Clock::from(Instant::now()), &stop, &mut |_, _| {}).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let slowest = done.exchanges.slowest();
    assert_eq!(slowest.len(), 3);
    assert!(text(&slowest[0].response).contains("x: slow"), "{slowest:?}");
    assert!(text(&slowest[0].request).starts_with("GET / HTTP/1.1\r\n"));
    assert!(slowest[0].latency >= 80 * MILLI && slowest[0].first_byte >= Some(60 * MILLI));
    let failed = done.exchanges.failed();
    assert_eq!((failed.len(), failed[0].failure), (1, Some(Failure::Status)));
    assert!(text(&failed[0].response).ends_with("\r\n\r\nwait"), "{failed:?}");
}
