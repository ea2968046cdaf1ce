//! `gate drift`: whether a service still answers as it was recorded.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use gate_core::values::{DurationValue, Rate};
use gate_core::{Command, Context, Error, ExitCode, Runs};
use recorder::drift::{
    Asking, Checked, Coverage, Document, Finding, Severity, check, is_held, worst,
};
use redact::Cleaner;
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
///
/// With --openapi the answers are held against an OpenAPI document (3.0 or 3.1), too. What the answer
/// of today breaks fails, unless the recording breaks the same rule in the same way: then the
/// document is wrong, and that is a warning. What the document does not describe is a warning as
/// well; what cannot be held against it is inconclusive.
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
    /// An OpenAPI document to hold the answers against, JSON or YAML. Files that it refers to are
    /// read when they lie in its folder; nothing is fetched.
    #[arg(long, value_name = "FILE")]
    openapi: Option<PathBuf>,
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
    let mut all = all.map_err(wrong)?;
    let cleaner = recording::cleaner(cassette.policy(), cx)?;
    for finding in all.iter_mut().filter_map(|one| one.found.as_mut().ok()).flatten() {
        clean(finding, &cleaner);
    }
    let described = match &asking.document {
        Some(document) => {
            let coverage = document.coverage(&cassette).map_err(wrong)?;
            Some(Described { document: Arc::clone(document), coverage, is_held: is_held(&all) })
        }
        None => None,
    };
    let is_idle = described.as_ref().is_some_and(|described| !described.is_held);
    let worst = if is_idle { worst(&all).max(Severity::Unchecked) } else { worst(&all) };
    let code = match worst {
        Severity::Breaking => ExitCode::FAILED,
        Severity::Unchecked => ExitCode::INCONCLUSIVE,
        Severity::Warning | Severity::Information => ExitCode::PROMOTE,
    };
    if drift.json {
        let checks: Vec<_> = all.iter().map(as_json).collect();
        let mut document =
            json!({ "target": drift.target, "requests": checks, "exit_code": code.0 });
        if let (Some(described), Some(path)) = (&described, &drift.openapi) {
            document["openapi"] = described.as_json(path);
        }
        cx.print(&format!("{document:#}\n"));
    } else {
        cx.print(&told(&all));
        cx.print(&described.as_ref().map(Described::told).unwrap_or_default());
    }
    Ok(code)
}

/// The document, and what it has to do with the recording.
struct Described {
    document: Arc<Document>,
    coverage: Coverage,
    is_held: bool,
}

impl Described {
    fn as_json(&self, path: &Path) -> serde_json::Value {
        json!({
            "file": path.display().to_string(),
            "version": self.document.version(),
            "digest": self.document.digest(),
            "operations": self.coverage.operations,
            "uncovered": self.coverage.uncovered,
            "used": self.is_held,
        })
    }

    fn told(&self) -> String {
        let Coverage { operations, uncovered } = &self.coverage;
        let mut text = format!(
            "the document has {}, {} of them not recorded\n",
            count(*operations, "operation"),
            uncovered.len(),
        );
        for line in uncovered.iter().take(NAMED) {
            text.push_str(&format!("  {}\n", plain(line)));
        }
        if uncovered.len() > NAMED {
            text.push_str(&format!("  and {} more\n", uncovered.len() - NAMED));
        }
        if !self.is_held {
            text.push_str(
                "nothing that was asked is described by the document: do its `servers` name the \
                 path below which the service lies?\n",
            );
        }
        text
    }
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
    if let Some(path) = &drift.openapi {
        asking.document = Some(Arc::new(Document::open(path).map_err(super::engine_error)?));
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

/// How many operations are named that nothing was recorded of.
const NAMED: usize = 10;

/// Without the secrets that stand in names of members and in headers.
fn clean(finding: &mut Finding, cleaner: &Cleaner) {
    let rule = finding.document.iter_mut().filter_map(|rule| rule.pointer.as_mut());
    for text in
        [&mut finding.place, &mut finding.before, &mut finding.after].into_iter().chain(rule)
    {
        let clean = cleaner.body("", "text/plain", text.as_bytes());
        *text = String::from_utf8_lossy(&clean).into_owned();
    }
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
        let mut all = json!({
            "severity": word(finding.severity),
            "change": format!("{:?}", finding.change).to_lowercase(),
            "place": finding.place,
            "before": finding.before,
            "after": finding.after,
        });
        if let Some(rule) = &finding.document {
            all["document"] = json!(rule);
        }
        all
    };
    let mut all = match &one.found {
        Ok(found) => {
            let findings: Vec<_> = found.iter().map(finding).collect();
            json!({ "method": one.method, "url": one.url, "findings": findings })
        }
        Err(why) => json!({ "method": one.method, "url": one.url, "unchecked": why }),
    };
    if let Some(operation) = &one.operation {
        all["operation"] = json!(operation);
    }
    if !one.is_asked {
        all["asked"] = json!(false);
    }
    all
}

fn told(all: &[Checked]) -> String {
    let mut text = String::new();
    let mut counts = [0; 4];
    for one in all {
        if one.found.as_ref().is_ok_and(Vec::is_empty) {
            continue;
        }
        let left = if one.is_asked { "" } else { "  (recorded, and not asked again)" };
        text.push_str(&format!("{} {}{left}\n", one.method, plain(&one.url)));
        match &one.found {
            Ok(found) => {
                for finding in found {
                    counts[finding.severity as usize] += 1;
                    let said = plain(&finding.to_string());
                    text.push_str(&format!("  {:<9}  {said}\n", word(finding.severity)));
                }
            }
            Err(why) => {
                counts[Severity::Unchecked as usize] += 1;
                let why = plain(why);
                text.push_str(&format!("  {:<9}  {why}\n", word(Severity::Unchecked)));
            }
        }
    }
    let [new, warnings, unchecked, breaking] = counts;
    let asked = all.iter().filter(|one| one.is_asked).count();
    text.push_str(&format!(
        "{} asked: {breaking} breaking, {}, {unchecked} unchecked, {new} new\n",
        count(asked, "request"),
        count(warnings, "warning"),
    ));
    if asked == 0 {
        text.push_str(
            "nothing was recorded with a method that changes nothing; --method adds one\n",
        );
    }
    text
}
