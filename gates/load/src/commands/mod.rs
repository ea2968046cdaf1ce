//! `gate load URL`.

mod browsing;
mod coordinate;
mod kept;
pub(crate) mod live;
mod manifest;
mod search;
mod worker;

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use clap::Parser;
use gate_core::values::{DurationValue, Percent, Rate};
use gate_core::{Command, Context, Digest, Error, Evidence, ExitCode, Role, Runs, Verdict};

use crate::exchanges::{self, SeenExchanges};
use crate::judge;
use crate::measure::{self, Engine, Glance, Local, Measured, Watch, Work};
use crate::page;
use crate::report;
use crate::seen::{Observation, SeenVersion};
use crate::settings::{Compare, Required, Settings};
use crate::shown::Shown;
use crate::target::{self, Asks, Target};
use crate::threshold::Threshold;
use live::View;
use tokio::signal::unix::{SignalKind, signal};

const SEVERAL: &str = "\
From several machines as one, with a command for each role; `gate load ROLE --help` tells more:
  coordinate  Lead workers, and judge what they counted together
  worker      Do a part of what a coordinator leads
  manifest    Print what has Kubernetes run all of them";

/// Send load to a service, and tell whether it holds.
///
/// Requests are sent at a rate, whether answers have come or not, and latency counts from the
/// instant when a request was due: a service that stands still cannot hide it. With --connections
/// each connection sends when its answer has come, to find out how much there can be.
///
/// A threshold on a percentile is decided by what the samples can say: when they are too few the
/// run goes on, up to --max-duration, and is then inconclusive. The generator judges itself, too:
/// when it was late for reasons of its own, nothing fails and nothing passes.
///
/// Exit codes: 0 it holds, 1 it does not, 3 nobody can tell, 2 the command is wrong.
#[derive(Debug, Parser)]
#[command(name = "gate load", max_term_width = 100, after_help = SEVERAL)]
struct Load {
    /// The address, with its scheme: https://staging.example.com/offers
    #[arg(value_name = "URL")]
    url: String,
    /// How many requests are sent, such as 50/s (which it is when nothing is said) or 1000/m.
    #[arg(long, value_name = "RATE", conflicts_with = "connections", value_parser = rate)]
    rate: Option<Rate>,
    /// So many connections, each of which sends when its answer has come.
    #[arg(long, value_name = "N")]
    connections: Option<usize>,
    /// How long is measured: 30s when nothing is said. With --capacity, how long it may take: 5m.
    #[arg(long, value_name = "TIME")]
    duration: Option<DurationValue>,
    /// How long is measured at the most, when the duration decides nothing: twice as long when
    /// nothing is said.
    #[arg(long, value_name = "TIME")]
    max_duration: Option<DurationValue>,
    /// What is sent before and not counted.
    #[arg(long, value_name = "TIME", default_value = "3s")]
    warm_up: DurationValue,
    /// How long an answer may take, at most 60s.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: DurationValue,
    /// How many threads send, each bound to a processor.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// How many connections there may be at once when a rate is sent.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_connections: usize,
    /// Speak HTTP/2: agreed upon with https, and with prior knowledge with http.
    #[arg(long)]
    http2: bool,
    /// How many requests may be under way at once on each connection: 1 when nothing is said, as if
    /// everybody came with a connection of their own.
    #[arg(long, value_name = "N", requires = "http2")]
    streams: Option<usize>,
    /// How late a request may be sent so that fewer wake-ups are needed.
    #[arg(long, value_name = "TIME", default_value = "200us")]
    lag_budget: DurationValue,
    /// Let requests come as independent visitors do, and not evenly.
    #[arg(long)]
    poisson: bool,
    /// The method: GET, or POST when there is a body.
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// A header, such as `accept: text/html`; may be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The body.
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// A file of authorities to trust besides the system's, in PEM.
    #[arg(long, value_name = "FILE")]
    authorities: Option<std::path::PathBuf>,
    /// What has to hold, such as `p(95)<500ms`, `service p(99)<200ms` or `rate<0.1%`; may be given
    /// several times.
    #[arg(long = "threshold", value_name = "EXPRESSION")]
    thresholds: Vec<Threshold>,
    /// The share of requests without a good answer that is just allowed.
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    max_failures: Percent,
    /// Another version that is asked in turn at the same rate, as the one to compare with.
    #[arg(long, value_name = "URL", conflicts_with = "connections", group = "other")]
    compare: Option<String>,
    #[command(flatten)]
    kept: kept::Kept,
    /// How much slower than that this one may be.
    #[arg(long, value_name = "SHARE", default_value = "10%", requires = "other")]
    margin: Percent,
    /// A difference up to this is never held against it.
    #[arg(long, value_name = "TIME", default_value = "1ms", requires = "other")]
    tolerance: DurationValue,
    /// A percentile of latency to compare; may be given several times. 50 and 95 when nothing is
    /// said.
    #[arg(long = "percentile", value_name = "P", requires = "other")]
    percentiles: Vec<f64>,
    /// How many more of its requests may fail than of the other version's, as a part of all.
    #[arg(long, value_name = "SHARE", default_value = "0.5%", requires = "other")]
    more_failures: Percent,
    #[command(flatten)]
    browsing: browsing::Browsing,
    #[command(flatten)]
    search: search::Search,
    /// What is drawn is drawn from this number.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write a page of the run, too: one HTML file that opens from a disk, with charts over time.
    #[arg(long, value_name = "FILE")]
    out: Option<std::path::PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// A rate; a number alone is one a second.
fn rate(text: &str) -> Result<Rate, String> {
    let has_unit = !text.ends_with(|c: char| c.is_ascii_digit());
    if has_unit { text.parse() } else { format!("{text}/s").parse() }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("`{text}` is no header such as `name: value`"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

pub(crate) fn command() -> Command {
    Command {
        name: "load",
        about: "Send load to a service, and tell whether it holds",
        help,
        run: Runs::InContext(run),
    }
}

fn help() -> String {
    let roles = [
        ("coordinate", coordinate::help()),
        ("worker", worker::help()),
        ("manifest", manifest::help()),
    ];
    let mut text = gate_arguments::help::<Load>(&[]);
    for (role, help) in roles {
        text.push_str(&format!("\n\n$ gate load {role} --help\n\n{help}"));
    }
    text
}

fn run(words: &[OsString], cx: &Context) -> ExitCode {
    match words.first().and_then(|word| word.to_str()) {
        Some("coordinate") => return coordinate::run(&words[1..], cx),
        Some("worker") => return worker::run(&words[1..], cx),
        Some("manifest") => return manifest::run(&words[1..], cx),
        _ => {}
    }
    let load: Load = match gate_arguments::parse_in(words, cx) {
        Ok(load) => load,
        Err(code) => return code,
    };
    loaded(&load, cx).unwrap_or_else(|error| complained(cx, &error, ExitCode::USAGE))
}

/// Tells what is wrong, and ends with that.
fn complained(cx: &Context, error: &Error, code: ExitCode) -> ExitCode {
    cx.complain(&format!("gate: {error}\n"));
    if let Some(hint) = error.advice() {
        cx.complain(&format!("  hint: {hint}\n"));
    }
    code
}

impl Load {
    /// The same as a spec would say it.
    fn settings(&self) -> Settings {
        let against = self.compare.clone().or(self.kept.against());
        let compare = against.map(|against| {
            let usual = Compare::default();
            let given = !self.percentiles.is_empty();
            let percentiles = if given { self.percentiles.clone() } else { usual.percentiles };
            Compare {
                against,
                margin: self.margin,
                tolerance: self.tolerance,
                percentiles,
                more_failures: self.more_failures,
                file: self.kept.file(),
                blocks: self.kept.blocks,
            }
        });
        let capacity = self.search.capacity(&self.thresholds, self.duration);
        let is_search = capacity.is_some();
        let thresholds = if is_search { Vec::new() } else { self.thresholds.clone() };
        Settings {
            capacity,
            method: self.method.clone(),
            rate: self.rate,
            connections: self.connections,
            poisson: self.poisson,
            duration: self.duration.filter(|_| !is_search),
            max_duration: self.max_duration,
            warm_up: self.warm_up,
            timeout: self.timeout,
            max_connections: self.max_connections,
            threads: self.threads,
            http2: self.http2,
            streams: self.streams,
            lag_budget: self.lag_budget,
            thresholds: thresholds.into_iter().map(Required::from).collect(),
            max_failures: self.max_failures,
            compare,
            browsers: self.browsing.settings(),
            ..Settings::default()
        }
    }

    fn asks(&self) -> Result<Asks, Error> {
        let usual = if self.body.is_some() { "POST" } else { "GET" };
        let authorities = self.authorities.as_ref();
        Ok(Asks {
            method: self.method.as_deref().unwrap_or(usual).to_ascii_uppercase(),
            headers: self.headers.clone(),
            body: self.body.clone().unwrap_or_default().into_bytes(),
            authorities: authorities.map(|path| gate_core::files::read(path)).transpose()?,
            protocol: self.settings().protocol(),
        })
    }
}

/// The settings, where they can be carried out.
fn checked(load: &Load) -> Result<Settings, Error> {
    let spec = load.settings();
    if let Some(problem) = spec.problems().into_iter().next() {
        let option = problem.path.first().map(|name| format!("--{}: ", name.replace('_', "-")));
        let error = Error::new(format!("{}{}", option.unwrap_or_default(), problem.message));
        return Err(match problem.hint {
            Some(hint) => error.hint(hint),
            None => error,
        });
    }
    Ok(spec)
}

fn loaded(load: &Load, cx: &Context) -> Result<ExitCode, Error> {
    let spec = checked(load)?;
    let asks = load.asks()?;
    let mut versions = vec![Target::new(target::parse(&load.url)?, &asks)?];
    if let Some(other) = &load.compare {
        versions.push(Target::new(target::parse(other)?, &asks)?);
    }
    judged(load, cx, &spec, versions, &mut Local)
}

/// Measures and judges, whoever sends, and tells what came out.
fn judged(
    load: &Load,
    cx: &Context,
    spec: &Settings,
    versions: Vec<Target>,
    engine: &mut dyn Engine,
) -> Result<ExitCode, Error> {
    if let Some(to) = &load.out {
        page::may_be_written(to)?;
        if load.kept.is_saved_to(to) {
            return Err(Error::new(format!("--save and --out would both write {}", to.display()))
                .hint(
                    "the page is for people, and what is saved for --compare-with: name two files",
                ));
        }
    }
    let folder = cx.scratch()?;
    let seed = load.seed.unwrap_or_else(|| cx.seed());
    let earlier = load.kept.earlier(&folder)?;
    let browsers = load.browsing.crew(spec, &versions, &load.asks()?, cx)?;
    let mut work = Work { spec, versions, folder: &folder, seed, earlier, browsers };
    let interrupted = until_interrupted()?;
    let is_terminal = std::io::stderr().is_terminal();
    let view = View::new(load.json, is_terminal, spec.capacity.is_some());
    let mut watching = Watching { cx, interrupted: &interrupted, view };
    let measured = measure::measure_with(&mut work, engine, &mut watching)?;
    watching.tell(View::end);
    let open = |at: usize| {
        let file = File::open(&measured.versions[at].file)?;
        Ok(Box::new(BufReader::new(file)) as Box<dyn BufRead>)
    };
    let (seen, exchanges) = observed(&measured, cx)?;
    let judged = judge::judge(spec, &seen, seed, &open)?;
    let verdict = Verdict::over(judged.checks.iter().map(|check| check.verdict));
    let code = match interrupted.load(Ordering::Relaxed) {
        0 => ExitCode::of(verdict),
        signal => ExitCode(signal),
    };
    if load.json {
        cx.print(&format!("{:#}\n", report::document(spec, &seen, &judged, verdict, code.0)));
    } else {
        cx.print(&live::told(&seen, &judged, verdict));
    }
    load.kept.save(&measured, &judged, cx)?;
    if let Some(to) = &load.out {
        let (seen, judged, exchanges) = (&seen, &judged, &exchanges[..]);
        let at = cx.clock().now();
        page::write(&page::Run { spec, seen, judged, verdict, exchanges, at }, to, cx)?;
        let told = format!("page: {}\n", to.display());
        // Nothing but the document is on standard output then.
        if load.json { cx.complain(&told) } else { cx.print(&told) }
    }
    Ok(code)
}

/// What was measured, without anything being kept, and single exchanges for people.
fn observed(measured: &Measured, cx: &Context) -> Result<(Observation, Vec<Shown>), Error> {
    let (mut seen, mut shown) = (counted(measured), Vec::new());
    if let Some(own) = measured.versions.first() {
        let mut keep = |one: Shown| {
            shown.push(one);
            Ok(None)
        };
        seen.exchanges = exchanges::without_secrets(&own.exchanges, &own.target, cx, &mut keep)?;
    }
    for (seen, version) in seen.versions.iter_mut().zip(&measured.versions) {
        seen.reasons = version.reasons.iter().map(|one| one.clean(cx)).collect();
    }
    Ok((seen, shown))
}

/// What was counted, without anything that was said.
pub(crate) fn counted(measured: &Measured) -> Observation {
    let versions = measured.versions.iter().map(|version| SeenVersion {
        url: version.url.clone(),
        seconds_file: Evidence {
            role: Role::Log,
            label: String::new(),
            media_type: String::new(),
            digest: Digest::of(version.url.as_bytes()),
            bytes: 0,
            refs: Vec::new(),
        },
        intended: version.intended,
        seconds: version.seconds,
        reasons: Vec::new(),
    });
    Observation {
        versions: versions.collect(),
        looks: measured.looks.clone(),
        generator: measured.generator,
        refused: measured.refused.clone(),
        aborted: measured.aborted.clone(),
        lost: measured.lost.clone(),
        exchanges: SeenExchanges::default(),
        capacity: measured.capacity.clone(),
        browsers: measured.browsers.clone(),
        charts: Vec::new(),
    }
}

/// What the process ends with once it was told to end, which is 0 until then. What was measured so
/// far is still told.
fn until_interrupted() -> Result<Arc<AtomicU8>, Error> {
    let told = Arc::new(AtomicU8::new(0));
    let own = Arc::clone(&told);
    let (ready, wait) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let kinds = (SignalKind::interrupt(), SignalKind::terminate());
            let (Ok(mut int), Ok(mut term)) = (signal(kinds.0), signal(kinds.1)) else { return };
            let _ = ready.send(());
            let code = tokio::select! {
                _ = int.recv() => ExitCode::INTERRUPTED,
                _ = term.recv() => ExitCode::TERMINATED,
            };
            own.store(code.0, Ordering::Relaxed);
        });
    });
    wait.recv().map_err(|_| Error::new("nobody listens for signals"))?;
    Ok(told)
}

struct Watching<'c> {
    cx: &'c Context,
    interrupted: &'c AtomicU8,
    view: View,
}

impl Watching<'_> {
    fn tell(&mut self, what: impl FnOnce(&mut View) -> Option<String>) {
        if let Some(text) = what(&mut self.view) {
            self.cx.complain(&text);
        }
    }
}

impl Watch for Watching<'_> {
    fn second(&mut self, glance: &Glance) {
        self.tell(|view| view.second(glance));
    }

    fn step(&mut self, told: &str) {
        self.tell(|view| view.step(told));
    }

    fn goes_on(&mut self, more: Duration) {
        self.tell(|view| view.goes_on(more));
    }

    fn is_cancelled(&self) -> bool {
        self.cx.is_cancelled() || self.interrupted.load(Ordering::Relaxed) != 0
    }
}
