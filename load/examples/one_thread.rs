//! One thread of load, for measuring what it costs: `one_thread ADDRESS PATH CONNECTIONS SECONDS
//! [RATE]`. Prints the requests, the microseconds of processor time that each took, and latencies.

use std::time::{Duration, Instant};

use load::{Asks, Clock, Drive, Job, Origin, Request, Schedule, Tally, work};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, connections, seconds, rate @ ..] = &words[..] else {
        panic!("one_thread ADDRESS PATH CONNECTIONS SECONDS [RATE]");
    };
    let length = Duration::from_secs_f64(seconds.parse().unwrap());
    let drive = match rate.first() {
        Some(rate) => Drive::Open(Schedule::constant(rate.parse().unwrap(), length)),
        None => Drive::Closed,
    };
    let job = Job {
        origins: vec![Origin {
            addresses: vec![address.parse().unwrap()],
            tls: None,
            protocol: load::Protocol::Http1,
        }],
        asks: Asks::One(Request::new("GET", path, address, &[], b"").unwrap()),
        drive,
        users: connections.parse().unwrap(),
        connections: connections.parse().unwrap(),
        part: (0, 1),
        reuse: u64::MAX,
        count_from: 0,
        end: length.as_nanos() as u64,
        timeout: 10_000_000_000,
        lag_budget: 200_000,
        room: 100_000,
        exchanges: 5,
    };
    let mut all = Tally::new();
    let started = Instant::now();
    let stop = std::sync::atomic::AtomicBool::new(false);
    work(job, Clock::from(started), &stop, &mut |_, tally| all.merge(tally)).unwrap();
    let wall = started.elapsed().as_secs_f64();
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let cpu = used.tv_sec as f64 + used.tv_nsec as f64 / 1e9;
    let of = |q: f64| all.latency.quantile(q).unwrap_or(0);
    let text = format!(
        "{} requests, {} failures, {:.0}/s, {:.2} us of processor time each, \
         latency p50 {} p99 {} max {} us, lag p50 {} p99 {} us\n",
        all.requests,
        all.failures(),
        all.requests as f64 / wall,
        cpu * 1e6 / all.requests as f64,
        of(0.5),
        of(0.99),
        all.latency.max().unwrap_or(0),
        all.lag.quantile(0.5).unwrap_or(0),
        all.lag.quantile(0.99).unwrap_or(0),
    );
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).unwrap();
}
