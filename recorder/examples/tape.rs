//! Records what goes through a reverse proxy, as a process of its own: `tape FOLDER TARGET
//! [PROFILE...]`. It says where it listens, and writes the cassette when its input ends.

#![expect(clippy::print_stdout, reason = "who has started it has to know where it listens")]

use std::path::Path;
use std::sync::Arc;

use recorder::{Cassette, Front, Latency, Library, Matching, Mode, Policy, Proxy, Setup};
use redact::Redactor;
use redact::placeholder::Key;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: tape FOLDER TARGET [PROFILE...]".into());
    };
    let mut policy = Policy::default();
    policy.redact.profiles = arguments.collect();
    let known = Redactor::new([("CRM", "kn0wn-by-value-1")])?;
    let cleaner = policy.redact.cleaner(known, Key([3; 32])).map_err(|error| error.to_string())?;
    let cassette = Cassette::open_or_new(Path::new(&folder), || policy)?;
    let setup = Setup {
        front: Front::Reverse { target: Some(target) },
        mode: Mode::All,
        library: Arc::new(Library::of_recorded(&[], Matching::default(), false)),
        cassette: Some(cassette.clone()),
        cleaner: cleaner.clone(),
        latency: Latency::None,
        faults: Vec::new(),
        authorities: None,
        now: 1_795_000_000,
        watch: None,
    };
    let proxy = Proxy::start(TcpListener::bind("127.0.0.1:0").await?, setup)?;
    println!("{}", proxy.address());
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    let outcome = proxy.finish().await;
    cassette.write(&outcome.recorded, &cleaner)?;
    println!("recorded {}, failed {:?}", outcome.recorded.len(), outcome.failed);
    println!("peak {} KiB", peak());
    Ok(())
}

/// The most memory that was resident at any time, as Linux tells it; 0 elsewhere.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
