//! `gate cassette`: looking into recordings, and bringing them from one format into another.

mod check;
mod export;
mod import;
mod show;
mod stats;

use std::ffi::OsString;
use std::path::Path;

use clap::{Parser, Subcommand};
use gate_core::{Command, Error, ExitCode, Output, Runs};
use recorder::import::Format;
use recorder::rules::Rule;
use recorder::{Cassette, Policy};
use redact::{Cleaner, Redactor};

use super::engine_error;
use super::words::plain;

/// How much is gathered before it is written, in bytes.
const PIECE: usize = 64 << 10;

/// Look into recordings, check them, and bring them from one format into another.
///
/// A recording (PATH) is a cassette of gate, which is a folder, or what another tool has written:
/// a cassette of Ruby VCR (YAML, JSON, .zz), vcrpy, go-vcr or vcr-cassette, a HAR file of a browser,
/// Playwright or Polly.js, WireMock's mappings (a file or a folder), or a simulation of Hoverfly.
/// The format is told by the content. Files are read as data: no tag in them makes anything.
#[derive(Debug, Parser)]
#[command(name = "gate cassette", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Show(show::Show),
    Import(import::Import),
    Export(export::Export),
    Check(check::Check),
    Stats(stats::Stats),
}

pub(crate) fn command() -> Command {
    Command {
        name: "cassette",
        about: "Look into recordings, check them, bring them from one format into another",
        help: || gate_arguments::help::<Arguments>(&["show", "import", "export", "check", "stats"]),
        run: Runs::Alone(run),
    }
}

fn run(words: &[OsString], output: &Output) -> ExitCode {
    let action = match gate_arguments::parse(words, &output.out, &output.err) {
        Ok(Arguments { action }) => action,
        Err(code) => return code,
    };
    let done = match &action {
        Action::Show(show) => show::shown(show, output),
        Action::Import(import) => import::imported(import, output),
        Action::Export(export) => export::exported(export, output),
        Action::Check(check) => check::checked(check, output),
        Action::Stats(stats) => stats::counted(stats, output),
    };
    done.unwrap_or_else(|error| {
        complain(&error, output);
        ExitCode::USAGE
    })
}

fn complain(error: &Error, output: &Output) {
    (output.err)(&format!("gate: {}\n", plain(&error.to_string())));
    if let Some(hint) = error.advice() {
        (output.err)(&format!("  hint: {}\n", plain(hint)));
    }
}

/// Says what of a file could not be carried over.
fn warn(path: &Path, warnings: &[String], output: &Output) {
    for warning in warnings {
        (output.err)(&format!("gate: {}: {}\n", path.display(), plain(warning)));
    }
}

/// The policy of a cassette; of what is none, what holds where nothing is said.
fn policy_of(path: &Path) -> Result<Policy, Error> {
    if !Cassette::is_at(path) {
        return Ok(Policy::default());
    }
    Cassette::open(path).map(|cassette| cassette.policy().clone()).map_err(engine_error)
}

/// What takes the secrets out, as a policy has it.
fn cleaner(policy: &Policy) -> Result<Cleaner, Error> {
    let key = recorder::fresh_key().map_err(engine_error)?;
    policy.redact.cleaner(Redactor::default(), key).map_err(engine_error)
}

/// What a rule stands for, by method and address.
fn named_rule(rule: &Rule) -> String {
    let named = format!("{} {}", rule.request.method, rule.request.url);
    let general = redact::placeholder::generalised(named.as_bytes());
    plain(&String::from_utf8_lossy(&general))
}

/// A format with what people call it.
fn format_name(format: Format) -> &'static str {
    match format {
        Format::Gate => "a cassette of gate",
        Format::Vcr => "a cassette of Ruby VCR",
        Format::Vcrpy => "a cassette of vcrpy",
        Format::GoVcr => "a cassette of go-vcr",
        Format::VcrCassette => "a cassette of vcr-cassette",
        Format::Har => "HAR",
        Format::WireMock => "mappings of WireMock",
        Format::Hoverfly => "a simulation of Hoverfly",
    }
}
