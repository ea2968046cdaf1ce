//! A server for benches that is slow as real services are: `moody_server`. Prints its address, and
//! ends when its input does.
//!
//! Its answers take around 20 ms with a long tail, and all of a while have good and bad moments in
//! common. `/slower` takes a tenth longer, at every quantile.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
/// How long a mood lasts before it turns into the next one.
const WHILE: Duration = Duration::from_millis(200);

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || serve(&listener));
    let mut output = std::io::stdout();
    writeln!(output, "http://{address}/").expect("somebody reads");
    output.flush().expect("somebody reads");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn serve(listener: &TcpListener) {
    // The logarithm of how much slower this moment is, as bits.
    let mood = Arc::new(AtomicU64::new(0));
    let turning = Arc::clone(&mood);
    std::thread::spawn(move || {
        let (mut random, mut now) = (Random(4), 0.0);
        loop {
            now = 0.9 * now + 0.03 * random.gauss();
            turning.store(f64::to_bits(now), Ordering::Relaxed);
            std::thread::sleep(WHILE);
        }
    });
    for (number, stream) in (0..).zip(listener.incoming()) {
        let mood = Arc::clone(&mood);
        let stream = stream.expect("a connection");
        std::thread::spawn(move || answer(stream, &mood, Random(1_000_003 * number + 7)));
    }
}

fn answer(mut stream: TcpStream, mood: &AtomicU64, mut random: Random) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
    let mut line = Vec::new();
    let mut factor = 1.0;
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line == b"\r\n" => {}
            Ok(_) => {
                if line.starts_with(b"GET ") {
                    factor = if line.starts_with(b"GET /slower") { 1.1 } else { 1.0 };
                }
                continue;
            }
        }
        let came = Instant::now();
        let mood = f64::from_bits(mood.load(Ordering::Relaxed));
        let mut takes = 0.02 * (mood + 0.25 * random.gauss()).exp();
        if random.unit() < 0.03 {
            takes -= 0.015 * (1.0 - random.unit()).ln();
        }
        let takes = Duration::from_secs_f64(takes * factor);
        std::thread::sleep(takes.saturating_sub(came.elapsed()));
        if stream.write_all(ANSWER).is_err() {
            return;
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    /// From 0 up to 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of the standard normal distribution (Box and Muller, 1958).
    fn gauss(&mut self) -> f64 {
        let (one, other) = (1.0 - self.unit(), self.unit());
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }
}
