//! `gate load worker`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Parser;
use gate_core::values::DurationValue;
use gate_core::{Context, Error, ExitCode};

use super::coordinate::PORT;
use super::{complained, until_interrupted};
use crate::fleet::{Ended, Token, Worker};

/// Which pod of an Indexed Job this is.
pub(super) const INDEX: &str = "JOB_COMPLETION_INDEX";
/// The token, where no file of it is named.
pub(super) const VARIABLE: &str = "GATE_LOAD_TOKEN";

/// Do a part of what a coordinator leads.
///
/// It looks for its coordinator (`gate load coordinate`) until --wait is over, hears what to send
/// and when, sends that, and tells every second what it counted. What it does is told in lines on
/// standard error. It stops sending when its coordinator says so, or is gone for two seconds.
///
/// In a pod of an Indexed Job of Kubernetes the coordinator is the pod with index 0: with --job it
/// is found by its name.
///
/// Exit codes: 0 the coordinator said that the run is over, 3 it could not do its part, 2 the
/// command is wrong.
#[derive(Debug, Parser)]
#[command(name = "gate load worker", max_term_width = 100)]
struct Arguments {
    /// Where the coordinator waits for workers.
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "job", value_parser = place)]
    coordinator: Option<String>,
    /// A file with the token that the coordinator has, too; GATE_LOAD_TOKEN when it is not given.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How long it tries to get to the coordinator.
    #[arg(long, value_name = "TIME", default_value = "2m")]
    wait: DurationValue,
    /// The Indexed Job that this is a pod of.
    #[arg(long, value_name = "NAME", conflicts_with = "coordinator")]
    job: Option<String>,
    /// The headless Service of that Job: named as the Job is when nothing is said.
    #[arg(long, value_name = "NAME", requires = "job")]
    service: Option<String>,
}

fn place(text: &str) -> Result<String, String> {
    let port = text
        .rsplit_once(':')
        .and_then(|(host, port)| (!host.is_empty()).then_some(port)?.parse::<u16>().ok());
    port.map(|_| text.to_owned()).ok_or_else(|| format!("write it as {text}:{PORT}"))
}

pub(super) fn help() -> String {
    gate_arguments::help::<Arguments>(&[])
}

pub(super) fn run(words: &[OsString], cx: &Context) -> ExitCode {
    let asked: Arguments = match gate_arguments::parse_in(words, cx) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    match found(&asked, cx) {
        Ok((coordinator, token, index)) => worked(cx, coordinator, token, index, asked.wait.0),
        Err(error) => complained(cx, &error, ExitCode::USAGE),
    }
}

fn found(asked: &Arguments, cx: &Context) -> Result<(String, Token, Option<u64>), Error> {
    let token = Token::find(asked.token_file.as_deref(), cx.ambient(VARIABLE))?;
    let Some(job) = &asked.job else {
        return Ok((asked.coordinator.clone().unwrap_or_default(), token, None));
    };
    let index = index(cx)?;
    if index == 0 {
        return Err(Error::new("the pod with index 0 coordinates")
            .hint("have all pods run `gate load coordinate`, as `gate load manifest` writes it"));
    }
    let service = asked.service.as_deref().unwrap_or(job);
    Ok((of_job(job, service, PORT), token, Some(index)))
}

/// Where the pod with index 0 is.
pub(super) fn of_job(job: &str, service: &str, port: u16) -> String {
    format!("{job}-0.{service}:{port}")
}

/// Which pod this is.
pub(super) fn index(cx: &Context) -> Result<u64, Error> {
    let text = cx.ambient(INDEX).ok_or_else(|| {
        Error::new(format!("{INDEX} is not set: this is no pod of an Indexed Job"))
            .hint("leave --job out, and name the coordinator")
    })?;
    text.parse().map_err(|_| Error::new(format!("{INDEX} is no number: `{text}`")))
}

/// What this machine is called, where it is called something.
fn name(cx: &Context) -> String {
    let kernel = || {
        let text = gate_core::files::read_if_there(Path::new("/proc/sys/kernel/hostname")).ok()?;
        Some(String::from_utf8_lossy(&text?).trim().to_owned())
    };
    cx.ambient("HOSTNAME").map(str::to_owned).or_else(kernel).unwrap_or_default()
}

/// Works until the run is over.
pub(super) fn worked(
    cx: &Context,
    coordinator: String,
    token: Token,
    index: Option<u64>,
    wait: Duration,
) -> ExitCode {
    let interrupted = match until_interrupted() {
        Ok(interrupted) => interrupted,
        Err(error) => return complained(cx, &error, ExitCode::INCONCLUSIVE),
    };
    let worker = Worker {
        coordinator,
        token,
        index,
        name: name(cx),
        wait,
        tell: &|text| cx.complain(&format!("gate: {text}\n")),
        is_cancelled: &|| cx.is_cancelled() || interrupted.load(Ordering::Relaxed) != 0,
    };
    match worker.work() {
        Ok(Ended::Over(why)) => {
            cx.complain(&format!("gate: the run is over: {why}\n"));
            ExitCode::PROMOTE
        }
        Ok(Ended::Lost(why)) => {
            cx.complain(&format!("gate: sends nothing more: {why}\n"));
            ExitCode::INCONCLUSIVE
        }
        Ok(Ended::Interrupted) => match interrupted.load(Ordering::Relaxed) {
            0 => ExitCode::INTERRUPTED,
            signal => ExitCode(signal),
        },
        Err(error) => complained(cx, &error, ExitCode::INCONCLUSIVE),
    }
}
