//! `gate load coordinate URL`.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clap::Parser;
use gate_core::values::DurationValue;
use gate_core::{Context, Error, ExitCode};

use super::worker::{self, INDEX, VARIABLE};
use super::{Load, checked, complained, judged};
use crate::fleet::{Door, Fleet, Token, Worker};
use crate::settings::Settings;
use crate::target::{self, Asks, Target};

/// Where workers are waited for when nothing is said.
pub(super) const PORT: u16 = 7979;
/// What a plan may bring besides its settings, in bytes.
const MOST: usize = 4 << 20;

const ABOUT: &str = "Lead workers that send load together, and judge what they counted";
const LONG: &str = "\
Lead workers that send load together, and judge what they counted.

It waits for --workers to come (`gate load worker`), gives each its part, has all begin at the same
instant, and puts together what they count, bucket by bucket. The rate, the connections and all
other options are those of `gate load URL`, for all workers together (only --threads and
--lag-budget are for each); so are the verdict, the JSON and the exit codes. Workers look the
service up themselves, and each asks it once before all begin.

A worker that is lost, late, of another version or held up by its machine makes the run
inconclusive (3), and is named. When this command ends, so do its workers.

Whoever has the token may lead workers and be one, and nobody else: a connection without it is
turned away and takes no place. What is said between them is encrypted, with keys that come from
the token and from each connection.

In pods of an Indexed Job of Kubernetes the same command with --job does for all: the pod with
index 0 coordinates and sends a part, too, and the others are its workers.";

#[derive(Debug, Parser)]
#[command(
    name = "gate load coordinate",
    max_term_width = 100,
    about = ABOUT,
    long_about = LONG,
    after_help = "",
)]
pub(super) struct Coordinate {
    #[command(flatten)]
    pub(super) load: Load,
    #[command(flatten)]
    pub(super) fleet: Together,
    /// Where workers are waited for: all addresses of this machine, port 7979, when nothing is
    /// said.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// A file with the token that workers have, too; GATE_LOAD_TOKEN when it is not given.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Send a part from here, too: this is one of the workers.
    #[arg(long)]
    take_part: bool,
    /// The Indexed Job that this is a pod of: only the pod with index 0 coordinates.
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// The headless Service of that Job: named as the Job is when nothing is said.
    #[arg(long, value_name = "NAME", requires = "job")]
    service: Option<String>,
}

// What the manifest asks for, too; a comment for the documentation would stand before each command.
#[derive(Debug, clap::Args)]
pub(super) struct Together {
    /// How many workers there are.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=400))]
    pub(super) workers: u64,
    /// How long they are waited for.
    #[arg(long, value_name = "TIME", default_value = "2m")]
    pub(super) wait: DurationValue,
}

pub(super) fn help() -> String {
    gate_arguments::help::<Coordinate>(&[])
}

pub(super) fn run(words: &[OsString], cx: &Context) -> ExitCode {
    let asked: Coordinate = match gate_arguments::parse_in(words, cx) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    by_role(&asked, cx).unwrap_or_else(|error| complained(cx, &error, ExitCode::USAGE))
}

fn by_role(asked: &Coordinate, cx: &Context) -> Result<ExitCode, Error> {
    let token = Token::find(asked.token_file.as_deref(), cx.ambient(VARIABLE))?;
    // What is wrong is told by every pod, and not by the one that nobody looks at.
    let spec = shared(&asked.load, asked.fleet.workers)?;
    let Some(job) = &asked.job else {
        return coordinated(asked, cx, &spec, &token, asked.take_part, None);
    };
    let index = worker::index(cx)?;
    if index >= asked.fleet.workers {
        let said = format!("{INDEX} is {index}, and there are {} workers", asked.fleet.workers);
        return Err(Error::new(said).hint("give --workers as many as the Job has completions"));
    }
    if index == 0 {
        return coordinated(asked, cx, &spec, &token, true, Some(0));
    }
    let port = asked.listen.map_or(PORT, |address| address.port());
    let service = asked.service.as_deref().unwrap_or(job);
    let coordinator = worker::of_job(job, service, port);
    Ok(worker::worked(cx, coordinator, token, Some(index), asked.fleet.wait.0))
}

/// The settings that can be carried out by so many, as all of them read them.
pub(super) fn shared(load: &Load, workers: u64) -> Result<Settings, Error> {
    let spec = checked(load)?;
    let (name, connections) = match spec.connections {
        Some(connections) => ("--connections", connections),
        None => ("--max-connections", spec.max_connections),
    };
    if (connections as u64) < workers {
        let said = format!("{name}: {connections} cannot be shared out to {workers} workers");
        return Err(Error::new(said).hint("give each of them one at the least"));
    }
    let text = serde_json::to_string(&spec).map_err(|error| Error::new(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| Error::new(error.to_string()))
}

fn listening(listen: Option<SocketAddr>) -> Vec<SocketAddr> {
    let all: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
    // Where there is no IPv6 the other one does.
    listen.map_or_else(|| all.map(|ip| SocketAddr::new(ip, PORT)).to_vec(), |one| vec![one])
}

fn asks(load: &Load) -> Result<Asks, Error> {
    let asks = load.asks()?;
    let size = asks.body.len() + asks.authorities.as_ref().map_or(0, Vec::len);
    if size > MOST {
        return Err(Error::new(format!("{size} bytes are too many to be given to workers"))
            .hint("a body and authorities of 4 MiB are the most"));
    }
    Ok(asks)
}

/// Leads, and takes a part when it is to: this one, or any.
fn coordinated(
    asked: &Coordinate,
    cx: &Context,
    spec: &Settings,
    token: &Token,
    takes_part: bool,
    index: Option<u64>,
) -> Result<ExitCode, Error> {
    let (load, asks) = (&asked.load, asks(&asked.load)?);
    let urls: Vec<String> = [&load.url].into_iter().chain(&load.compare).cloned().collect();
    let versions = urls.iter().map(|url| Target::elsewhere(target::parse(url)?, &asks));
    let versions = versions.collect::<Result<Vec<_>, Error>>()?;
    let before = if std::io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
    let tell = |text: &str| cx.complain(&format!("{before}gate: {text}\n"));
    let door = Door::open(&listening(asked.listen), token)?;
    let (workers, wait) = (asked.fleet.workers, asked.fleet.wait.0);
    let named = crate::words::count(workers, "worker");
    tell(&format!("waits for {named} at {}", door.address()));
    let is_over = AtomicBool::new(false);
    let is_cancelled = || is_over.load(Ordering::Relaxed);
    let own = takes_part.then(|| Worker {
        coordinator: door.nearby().to_string(),
        token: token.clone(),
        index,
        name: "this process".to_owned(),
        wait,
        tell: &|_| (),
        is_cancelled: &is_cancelled,
    });
    thread::scope(|scope| {
        let own = own.map(|own| scope.spawn(move || own.work()));
        let mut fleet = Fleet::new(door, workers, wait, urls, &asks, &tell);
        let ended = judged(load, cx, spec, versions, &mut fleet);
        let why = match &ended {
            Ok(code) => format!("its coordinator ends with {}", code.0),
            Err(_) => "its coordinator could not go on".to_owned(),
        };
        fleet.end(&why);
        is_over.store(true, Ordering::Relaxed);
        if let Some(Ok(Err(error))) = own.map(thread::ScopedJoinHandle::join) {
            tell(&format!("the part of this process: {error}"));
        }
        ended
    })
}
