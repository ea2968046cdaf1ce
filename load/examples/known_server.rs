//! A server for benches whose answers take a known time. Prints its address, and when its input
//! ends the quantiles of how long its answers have taken it, in milliseconds.
//!
//! `known_server stall 2 1` stands still once for one second, two seconds after the first request;
//! `known_server mixture 0.005:0.6 0.02:0.4` takes 5 ms for 60 % and 20 ms for 40 %.

#[path = "../tests/truth/known.rs"]
mod known;

use std::io::{Read, Write};
use std::time::Duration;

use known::Known;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let seconds = |word: &str| Duration::from_secs_f64(word.parse().unwrap());
    let delay = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stall", from, length] => known::stall(seconds(from), seconds(length)),
        ["mixture", ref parts @ ..] => {
            let split = parts.iter().map(|part| part.split_once(':').unwrap());
            let parts = split.map(|(length, share)| (seconds(length), share.parse().unwrap()));
            known::mixture(parts.collect())
        }
        _ => panic!("known_server stall FROM LENGTH, or known_server mixture LENGTH:SHARE..."),
    };
    let known = Known::start(delay);
    let mut output = std::io::stdout();
    writeln!(output, "http://{}/", known.address).unwrap();
    output.flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    let log = known.log();
    for q in [0.5, 0.9, 0.95, 0.99, 0.999].into_iter().filter(|_| !log.is_empty()) {
        let at = ((q * log.len() as f64).ceil() as usize).max(1) - 1;
        writeln!(output, "{q} {:.3}", log[at].as_secs_f64() * 1e3).unwrap();
    }
}
