//! `gate replay`: answers from a recording, and from nothing else.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use gate_core::values::DurationValue;
use gate_core::{Command, Context, Error, ExitCode, Runs};
use recorder::{Fault, Front, Latency, Library, Mode, Proxy, Setup};

use super::run::{self, Ended, Interruption};
use super::words::{count, plain, troubles};
use crate::recording::{self, Discretion, Recording};
use crate::traffic;

/// Answer requests from a recording. Nothing is asked of the real service: a request that was not
/// recorded is refused, and named.
///
/// Clients may send requests to the address that the first line of standard output names
/// (`{"listening": "http://127.0.0.1:PORT"}`), with the service's name in the Host header where
/// several were recorded, or, with --proxy, through it as their proxy. With a command, it is run
/// with the variables that tell it so, and its exit code kept: 1 when something had no recording,
/// 3 when no request came at all. Every name of a proxy's user is a session of its own.
#[derive(Debug, Parser)]
#[command(name = "gate replay", max_term_width = 100)]
struct Replay {
    /// The recording: a cassette, or what Ruby VCR, vcrpy, go-vcr, vcr-cassette, a browser,
    /// Playwright, Polly.js (HAR), WireMock or Hoverfly has written, a file or a folder.
    #[arg(long, value_name = "PATH")]
    cassette: PathBuf,
    /// Be the proxy of the command.
    #[arg(long)]
    proxy: bool,
    /// Where requests come to.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: String,
    /// Give the last answer again when a recording is used up.
    #[arg(long)]
    allow_repeats: bool,
    /// How long answers take: `none`, `recorded` (bit by bit as they came), or a time such as 250ms.
    #[arg(long, value_name = "TIME", default_value = "none", value_parser = latency)]
    latency: Latency,
    /// Let answers go wrong: status=503, rate-limit=SECONDS, reset, truncate or drip=MILLISECONDS,
    /// then method=GET, path=/x/*, first=N or every=N; may be given several times.
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
    /// Name the recordings that nothing asked for, and the rules that answered nothing.
    #[arg(long)]
    unused: bool,
    /// The program to run, with its arguments.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

fn latency(text: &str) -> Result<Latency, String> {
    match text {
        "none" => Ok(Latency::None),
        "recorded" => Ok(Latency::Recorded),
        time => time.parse::<DurationValue>().map(|time| Latency::Fixed(time.0)),
    }
}

pub(crate) fn command() -> Command {
    Command {
        name: "replay",
        about: "Answer requests from a recording, and from nothing else",
        help: || gate_arguments::help::<Replay>(&[]),
        run: Runs::InContext(run),
    }
}

fn run(words: &[OsString], cx: &Context) -> ExitCode {
    let parsed = gate_arguments::parse_in(words, cx);
    let replay: Replay = match parsed {
        Ok(replay) => replay,
        Err(code) => return code,
    };
    replayed(&replay, cx).unwrap_or_else(|error| super::complain(&error, cx))
}

fn replayed(replay: &Replay, cx: &Context) -> Result<ExitCode, Error> {
    let wrong = super::engine_error;
    let recording = recording::open(&replay.cassette, cx)?;
    let discretion = recording.discretion();
    let Recording { mut library, cleaner, warnings, .. } = recording;
    for warning in &warnings {
        let path = replay.cassette.display();
        cx.complain(&format!("gate: {path}: {}\n", plain(warning)));
    }
    if replay.allow_repeats {
        library = library.repeating(true);
    }
    let library = Arc::new(library);
    let setup = Setup {
        front: if replay.proxy { Front::Forward } else { Front::Reverse { target: None } },
        mode: Mode::None,
        library: Arc::clone(&library),
        cassette: None,
        cleaner,
        latency: replay.latency,
        faults: replay.faults.clone(),
        authorities: None,
        now: cx.clock().now().millis() / 1000,
        watch: None,
    };
    // An answer takes less time than waking a thread: whoever asks needs a core more.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = cores.saturating_sub(1).max(1);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let ended = runtime.block_on(async {
        let interruption = Interruption::watched()?;
        let listener = run::listen(&replay.listen, cx).await?;
        let proxy = Proxy::start(listener, setup).map_err(wrong)?;
        let line = serde_json::json!({ "listening": format!("http://{}", proxy.address()) });
        cx.print(&format!("{line}\n"));
        run::run(proxy, &replay.command, interruption, cx).await
    })?;
    let ended = Ended { outcome: discretion.about(ended.outcome), ..ended };
    Ok(summed_up(&ended, &library, &discretion, replay, cx))
}

fn summed_up(
    ended: &Ended,
    library: &Library,
    discretion: &Discretion,
    replay: &Replay,
    cx: &Context,
) -> ExitCode {
    let Ended { outcome, code } = ended;
    cx.complain(&troubles(outcome));
    let (unused, rules) = (library.unused(), library.unused_rules());
    let replayed = count(outcome.replayed as usize, "request");
    let mut left = String::new();
    if !unused.is_empty() {
        left.push_str(&format!(", {} not asked for", count(unused.len(), "recording")));
    }
    if !rules.is_empty() {
        left.push_str(&format!(", {} not needed", count(rules.len(), "rule")));
    }
    cx.complain(&format!("answered {replayed} of {}{left}\n", outcome.seen));
    if replay.unused {
        for (method, url) in &unused {
            let named = plain(&format!("{method} {}", discretion.url(url)));
            cx.complain(&format!("  not asked for: {named}\n"));
        }
        for (method, url) in &rules {
            let named = plain(&format!("{method} {}", discretion.url(url)));
            cx.complain(&format!("  not needed: {named}\n"));
        }
    }
    if outcome.seen == 0 {
        cx.complain(&format!("gate: no request came\n  hint: {}\n", traffic::UNUSED_HINT));
    }
    match code {
        Some(code) if *code != ExitCode::PROMOTE => *code,
        _ if !outcome.missed.is_empty() => ExitCode::FAILED,
        _ if !outcome.failed.is_empty() || outcome.seen == 0 => ExitCode::INCONCLUSIVE,
        _ => ExitCode::PROMOTE,
    }
}
