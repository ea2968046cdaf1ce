//! A server whose answers take a known time, and that writes down how long each of them took it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// How long the answer to a request takes, by its number and how long after the first it came.
pub(crate) type Delay = dyn Fn(u64, Duration) -> Duration + Send + Sync;

/// A server that ends with its owner.
pub(crate) struct Known {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    delay: Box<Delay>,
    first: OnceLock<Instant>,
    requests: AtomicU64,
    log: Mutex<Vec<Duration>>,
    stop: AtomicBool,
}

impl Known {
    pub(crate) fn start(delay: Box<Delay>) -> Known {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            delay,
            first: OnceLock::new(),
            requests: AtomicU64::new(0),
            log: Mutex::new(Vec::new()),
            stop: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stop.load(Ordering::Relaxed) {
                    return;
                }
                let serving = Arc::clone(&serving);
                std::thread::spawn(move || serving.serve(stream.unwrap()));
            }
        });
        Known { address, shared }
    }

    /// How long the answers have taken, from the last byte of the request to the last of the
    /// answer, the shortest first.
    pub(crate) fn log(&self) -> Vec<Duration> {
        let mut log = self.shared.log.lock().unwrap().clone();
        log.sort_unstable();
        log
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while has_come(&mut reader) {
            let came = Instant::now();
            let since_first = came - *self.first.get_or_init(|| came).min(&came);
            let number = self.requests.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep((self.delay)(number, since_first));
            // Held while it is sent: who has an answer finds it in the log.
            let mut log = self.log.lock().unwrap();
            let is_gone = stream.write_all(ANSWER).is_err();
            log.push(came.elapsed());
            if is_gone {
                return;
            }
        }
    }
}

/// Reads a request without a body; whether there was one.
fn has_come(reader: &mut impl BufRead) -> bool {
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return false,
            Ok(_) if line == b"\r\n" => return true,
            Ok(_) => {}
        }
    }
}

/// Durations with their shares; which one comes when is drawn, the same way each time.
pub(crate) fn mixture(parts: Vec<(Duration, f64)>) -> Box<Delay> {
    Box::new(move |number, _| {
        let mut left = unit(number);
        let found = parts.iter().find(|(_, share)| {
            left -= share;
            left < 0.0
        });
        found.or(parts.last()).map_or(Duration::ZERO, |(duration, _)| *duration)
    })
}

/// No time at all, but who comes while it stands still waits until that is over.
pub(crate) fn stall(from: Duration, length: Duration) -> Box<Delay> {
    Box::new(move |_, since_first| {
        let is_early = since_first < from;
        if is_early { Duration::ZERO } else { (from + length).saturating_sub(since_first) }
    })
}

/// A number from 0 up to 1, from SplitMix64 (Steele, Lea and Flood, 2014).
fn unit(number: u64) -> f64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}
