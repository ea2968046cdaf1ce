//! `gate drift`: whether a service still answers as it was recorded.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use gate_core::values::{DurationValue, Rate};
use gate_core::{Command, Context, Error, ExitCode, Runs};
use recorder::drift::{Asking, Checked, Finding, Severity, check, worst};
use serde_json::json;

use super::words::{count, plain};
use crate::recording;

/// Ask a service again what was recorded of it, and tell what differs.
///
/// Only what changes nothing is asked (GET and HEAD; --method adds others). What would break a
/// client fails (exit code 1): a member that is gone, another type, a value that is null and never
/// was, another class of status, another media type. What it should know is a warning, what is new
/// is told. What could not be looked at makes it inconclusive (3). What differs is asked for twice;
/// what breaks in one answer of the two only is a warning.
#[derive(Debug, Parser)]
#[command(name = "gate drift", max_term_width = 100)]
struct Drift {
    /// The recording: a cassette, or a file or folder of another tool.
    #[arg(long, value_name = "PATH")]
    cassette: PathBuf,
    /// The service, such as https://staging.example.com.
    #[arg(long, value_name = "URL")]
    target: String,
    /// A header to send, such as credentials, which a recording does not have; may be given
    /// several times. `${NAME}` in it is a variable of the environment.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Ask with this method, too; may be given several times. The service may change by it.
    #[arg(long = "method", value_name = "METHOD")]
    methods: Vec<String>,
    /// Ask no more often than this, such as 5/s.
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    /// How long an answer may take, and how long the service may ask for patience.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    patience: DurationValue,
    /// A file of authorities to trust besides the system's, in PEM.
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("`{text}` is no header such as `name: value`"))?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

pub(crate) fn command() -> Command {
    Command {
        name: "drift",
        about: "Ask a service again what was recorded of it, and tell what differs",
        help: || gate_arguments::help::<Drift>(&[]),
        run: Runs::InContext(run),
    }
}

fn run(words: &[OsString], cx: &Context) -> ExitCode {
    let parsed = gate_arguments::parse_in(words, cx);
    let drift: Drift = match parsed {
        Ok(drift) => drift,
        Err(code) => return code,
    };
    drifted(&drift, cx).unwrap_or_else(|error| super::complain(&error, cx))
}

fn drifted(drift: &Drift, cx: &Context) -> Result<ExitCode, Error> {
    let wrong = super::engine_error;
    let address = recorder::Address::of(&drift.target);
    if !matches!(address.scheme, Some("http" | "https")) {
        return Err(Error::new(format!("`{}` is no address of a service", drift.target))
            .hint("write it as https://staging.example.com"));
    }
    let scratch = cx.scratch()?;
    let (cassette, warnings) = recording::as_cassette(&drift.cassette, &scratch, cx)?;
    for warning in &warnings {
        cx.complain(&format!("gate: {}: {}\n", drift.cassette.display(), plain(warning)));
    }
    let asking = asking(drift, cx)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shows = cx.ambient("CI").is_none() && !drift.json;
    let all = runtime.block_on(check(&cassette, &asking, |at, of, url| {
        if shows && at < of {
            cx.complain(&format!("{} of {of}  {url}\n", at + 1));
        }
    }));
    let all = all.map_err(wrong)?;
    let code = match worst(&all) {
        Severity::Breaking => ExitCode::FAILED,
        Severity::Unchecked => ExitCode::INCONCLUSIVE,
        Severity::Warning | Severity::Information => ExitCode::PROMOTE,
    };
    if drift.json {
        let checks: Vec<_> = all.iter().map(as_json).collect();
        let document = json!({ "target": drift.target, "requests": checks, "exit_code": code.0 });
        cx.print(&format!("{document:#}\n"));
    } else {
        cx.print(&told(&all));
    }
    Ok(code)
}

fn asking(drift: &Drift, cx: &Context) -> Result<Asking, Error> {
    let mut asking = Asking::of(&drift.target);
    let methods = drift.methods.iter().map(|method| method.to_ascii_uppercase());
    asking.methods.extend(methods.collect::<BTreeSet<_>>());
    asking.patience = drift.patience.0;
    if let Some(rate) = drift.rate {
        if rate.per_second() <= 0.0 {
            return Err(Error::new("--rate is nothing").hint("leave it out to ask without a pause"));
        }
        asking.pause = Duration::from_secs_f64(1.0 / rate.per_second());
    }
    for (name, value) in &drift.headers {
        asking.headers.push((name.clone(), filled(value, cx)?));
    }
    if let Some(path) = &drift.authorities {
        let pem = gate_core::files::read(path)?;
        asking.authorities = Some(String::from_utf8_lossy(&pem).into_owned());
    }
    Ok(asking)
}

/// The text with the variables of the environment filled in.
fn filled(text: &str, cx: &Context) -> Result<String, Error> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after
            .split_once('}')
            .ok_or_else(|| Error::new(format!("`{text}`: `${{` is not closed")))?;
        let value = cx.ambient(name).ok_or_else(|| {
            Error::new(format!("the variable {name} is not set")).hint("export it first")
        })?;
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    Ok(out + rest)
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Information => "new",
        Severity::Warning => "warning",
        Severity::Unchecked => "unchecked",
        Severity::Breaking => "breaking",
    }
}

fn as_json(one: &Checked) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "severity": word(finding.severity),
            "change": format!("{:?}", finding.change).to_lowercase(),
            "place": finding.place,
            "before": finding.before,
            "after": finding.after,
        })
    };
    match &one.found {
        Ok(found) => {
            let findings: Vec<_> = found.iter().map(finding).collect();
            json!({ "method": one.method, "url": one.url, "findings": findings })
        }
        Err(why) => json!({ "method": one.method, "url": one.url, "unchecked": why }),
    }
}

fn told(all: &[Checked]) -> String {
    let mut text = String::new();
    let mut counts = [0; 4];
    for one in all {
        if one.found.as_ref().is_ok_and(Vec::is_empty) {
            continue;
        }
        text.push_str(&format!("{} {}\n", one.method, one.url));
        match &one.found {
            Ok(found) => {
                for finding in found {
                    counts[finding.severity as usize] += 1;
                    text.push_str(&format!("  {:<9}  {finding}\n", word(finding.severity)));
                }
            }
            Err(why) => {
                counts[Severity::Unchecked as usize] += 1;
                text.push_str(&format!("  {:<9}  {why}\n", word(Severity::Unchecked)));
            }
        }
    }
    let [new, warnings, unchecked, breaking] = counts;
    text.push_str(&format!(
        "{} asked: {breaking} breaking, {}, {unchecked} unchecked, {new} new\n",
        count(all.len(), "request"),
        count(warnings, "warning"),
    ));
    if all.is_empty() {
        text.push_str(
            "nothing was recorded with a method that changes nothing; --method adds one\n",
        );
    }
    text
}
