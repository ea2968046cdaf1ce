//! A server for benches whose capacity is known. Prints its address, and ends when its input does.
//!
//! `limited_server workers 4 0.01` has four workers, each of which is busy for 10 ms with a request:
//! 400 a second, and who comes while all are busy waits. `limited_server refuse 1000` answers 1000 a
//! second at once, and 503 to all beyond.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const BAD: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy";
/// How many requests may come at once where a rate is kept.
const BURST: f64 = 10.0;

/// What limits it.
enum Limit {
    /// When each of the workers is free again, and how long each is busy.
    Workers(Vec<Instant>, Duration),
    /// How many a second, how many may still come, and since when.
    Rate(f64, f64, Instant),
}

impl Limit {
    /// When a request that comes now has its answer; none when it is refused.
    fn take(&mut self, now: Instant) -> Option<Instant> {
        match self {
            Limit::Workers(free, busy) => {
                let first = free.iter_mut().min()?;
                *first = now.max(*first) + *busy;
                Some(*first)
            }
            Limit::Rate(rate, left, since) => {
                *left = (*left + *rate * (now - *since).as_secs_f64()).min(BURST);
                *since = now;
                let is_free = *left >= 1.0;
                *left -= f64::from(u8::from(is_free));
                is_free.then_some(now)
            }
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let now = Instant::now();
    let limit = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["workers", count, seconds] => {
            let busy = Duration::from_secs_f64(seconds.parse().expect("seconds"));
            Limit::Workers(vec![now; count.parse().expect("a number")], busy)
        }
        ["refuse", rate] => Limit::Rate(rate.parse().expect("a rate"), BURST, now),
        _ => panic!("limited_server workers COUNT SECONDS, or limited_server refuse RATE"),
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let limit = Arc::new(Mutex::new(limit));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let limit = Arc::clone(&limit);
            std::thread::spawn(move || answer(stream, &limit));
        }
    });
    let mut output = std::io::stdout();
    writeln!(output, "http://{address}/").expect("somebody reads");
    output.flush().expect("somebody reads");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn answer(mut stream: TcpStream, limit: &Mutex<Limit>) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line == b"\r\n" => {}
            Ok(_) => continue,
        }
        let at = limit.lock().expect("nobody panics with it").take(Instant::now());
        std::thread::sleep(
            at.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now())),
        );
        if stream.write_all(if at.is_some() { GOOD } else { BAD }).is_err() {
            return;
        }
    }
}
