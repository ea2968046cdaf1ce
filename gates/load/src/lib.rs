//! Load tests: thresholds that know how sure they are, two versions beside each other in one run,
//! and a generator that says when it was itself the limit.

mod browsers;
mod capacity;
mod charts;
mod commands;
mod earlier;
mod exchanges;
mod figures;
mod fleet;
mod import;
mod judge;
mod measure;
mod page;
mod report;
mod script;
mod seconds;
mod seen;
mod settings;
mod shown;
mod target;
mod threshold;
mod words;

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gate_core::{
    Context, Environment, Error, Gate, Given, Json, Kind, Needs, Outcome, Problem, Role, UnitId,
};
use url::Url;

use browsers::Crew;
pub use capacity::Capacity;
use exchanges::{SeenExchange, SeenExchanges};
use figures::Figures;
use gate_request::Base;
use measure::{Glance, Measured, Watch, Work};
use script::{Log, Making, Visitors};
use seconds::Slice;
pub use seen::Observation;
use seen::SeenVersion;
pub use settings::{
    Asset, Browsers, Campaign, Compare, FeedOrder, Replay, Required, Scenario, Send, Settings,
    StageSpec, Step, Think, TimeOfDay,
};
use target::{Asks, Target};
pub use threshold::Threshold;

/// The kind, for the binary.
pub fn kind() -> Kind {
    let about = "sends load, holds thresholds, and compares two versions in one run";
    Kind::of(Load, about)
        .command(commands::command())
        .importer(import::har())
        .importer(import::page())
        .importer(import::k6())
        .importer(import::openapi())
}

/// The gate.
pub struct Load;

impl Gate for Load {
    const KIND: &'static str = "load";
    const EXCLUSIVE: bool = true;
    type Spec = Settings;
    type Observation = Observation;

    fn validate(&self, spec: &Settings) -> Vec<Problem> {
        spec.problems()
    }

    fn needs(&self, spec: &Settings) -> Needs {
        let against = spec.compare.as_ref().map(|compare| compare.against.as_str());
        let environments = against
            .filter(|against| !["promotion", settings::STORED].contains(against))
            .map(|name| (vec!["compare".to_owned(), "against".to_owned()], name.to_owned()));
        let feeds = spec.scenarios.iter().enumerate().filter_map(|(at, scenario)| {
            let place = ["scenarios", &at.to_string(), "feed"].map(str::to_owned);
            Some((place.to_vec(), scenario.feed.clone()?))
        });
        let earlier = spec.earlier().and_then(|compare| compare.file.clone());
        let earlier = earlier.map(|file| (["compare", "file"].map(str::to_owned).to_vec(), file));
        let log = spec.replay.as_ref();
        let log = log.map(|log| (vec!["replay".to_owned(), "log".to_owned()], log.log.clone()));
        Needs {
            candidate: true,
            promotion: against == Some("promotion"),
            environments: environments.into_iter().collect(),
            files: feeds.chain(earlier).chain(log).collect(),
        }
    }

    async fn measure(
        &self,
        spec: &Settings,
        _: &[UnitId],
        cx: &Context,
    ) -> Result<Observation, Error> {
        let versions = versions(spec, cx)?;
        let pages = browsers::of_environments(spec, &versions, cx)?;
        let (spec, own, folder) = (spec.clone(), cx.clone(), cx.scratch()?);
        // An attempt that is given up drops this, and with it ends what the thread is at.
        let (_alive, gone) = Alive::new();
        // The engine has threads of its own; this one only waits for them.
        let measured = tokio::task::spawn_blocking(move || {
            let file = spec.earlier().and_then(|compare| compare.file.as_ref());
            let earlier = file.map(|file| earlier::open(&own.spec_folder().join(file), &folder));
            let earlier = earlier.transpose()?;
            let seed = own.seed();
            let browsers = Crew::of(&spec, &pages, &own)?;
            let mut work = Work { spec: &spec, versions, folder: &folder, seed, earlier, browsers };
            let measured = measure::measure(&mut work, &mut Follow { cx: &own, gone })?;
            kept(&spec, measured, &own)
        });
        measured.await.map_err(|error| Error::new(format!("the load test has ended: {error}")))?
    }

    fn measured_by(&self, spec: &Settings) -> Json {
        spec.measured_by()
    }

    fn judge(
        &self,
        spec: &Settings,
        seen: &Observation,
        given: &Given<'_>,
    ) -> Result<Outcome, Error> {
        let open = |at: usize| {
            let bytes = given.evidence(&seen.versions[at].seconds_file.digest)?;
            Ok(Box::new(Cursor::new(bytes)) as Box<dyn BufRead>)
        };
        let judged = judge::judge(spec, seen, given.seed(), &open)?;
        let mut outcome = Outcome::of(judged.checks);
        if let Some(first) = outcome.checks.first_mut() {
            first.evidence.extend(seen.charts.iter().cloned());
        }
        let kept = |list: &[SeenExchange]| {
            list.iter().filter_map(|one| one.evidence.clone()).collect::<Vec<_>>()
        };
        if let Some(failures) = outcome.checks.iter_mut().find(|one| one.id == "failures") {
            failures.evidence.extend(kept(&seen.exchanges.failed));
        }
        let watched = seen.browsers.iter().flat_map(|watched| watched.charts.iter().cloned());
        if let Some(check) = outcome.checks.iter_mut().find(|one| one.id == "browsers") {
            check.evidence.extend(watched);
        }
        // Beside what they have broken, or else beside the charts.
        let slow = outcome.checks.iter().position(|one| {
            one.id.starts_with("threshold") && one.verdict != gate_core::Verdict::Pass
        });
        if let Some(check) = outcome.checks.get_mut(slow.unwrap_or(0)) {
            check.evidence.extend(kept(&seen.exchanges.slowest));
        }
        outcome.evidence =
            seen.versions.iter().map(|version| version.seconds_file.clone()).collect();
        Ok(outcome)
    }
}

/// Says when it is dropped that nobody waits any more.
struct Alive(Arc<AtomicBool>);

impl Alive {
    fn new() -> (Alive, Arc<AtomicBool>) {
        let gone = Arc::new(AtomicBool::new(false));
        (Alive(Arc::clone(&gone)), gone)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Tells of the seconds as progress.
struct Follow<'c> {
    cx: &'c Context,
    gone: Arc<AtomicBool>,
}

impl Watch for Follow<'_> {
    fn second(&mut self, glance: &Glance) {
        if glance.version == 0 {
            let text = commands::live::line(glance);
            self.cx.progress(glance.done as u64, Some(glance.of as u64), "s", text);
        }
    }

    fn goes_on(&mut self, more: Duration) {
        let text = format!("not decided yet: {} more", words::time(more.as_micros() as f64));
        self.cx.log(gate_core::Level::Info, text);
    }

    fn step(&mut self, told: &str) {
        self.cx.log(gate_core::Level::Info, told.to_owned());
    }

    fn is_cancelled(&self) -> bool {
        self.cx.is_cancelled() || self.gone.load(Ordering::Relaxed)
    }
}

/// The version under test, and the one that it is compared with.
fn versions(spec: &Settings, cx: &Context) -> Result<Vec<Target>, Error> {
    let candidate = cx.candidate()?;
    if spec.is_scripted() || spec.replay.is_some() {
        return visited(spec, candidate, cx);
    }
    let own = |environment: &Environment| {
        let url = match (&spec.url, &spec.path) {
            (Some(url), _) => target::parse(url)?,
            (None, path) => joined(&environment.url, path.as_deref())?,
        };
        let asks = asks(spec, &url, environment, cx)?;
        Target::new(url, &asks)
    };
    let first = own(candidate)?;
    may_be_loaded(&first.url, candidate, spec)?;
    let mut versions = vec![first];
    if let Some(compare) = spec.compare.as_ref().filter(|compare| !compare.is_stored()) {
        let other = compared_with(compare, cx)?;
        let url = match &spec.url {
            // The same path of the other environment, whatever host this address names.
            Some(_) => other
                .url
                .join(&path_of(&versions[0].url))
                .map_err(|error| Error::new(format!("{} has no such path: {error}", other.url)))?,
            None => joined(&other.url, spec.path.as_deref())?,
        };
        let asks = asks(spec, &url, other, cx)?;
        versions.push(Target::new(url, &asks)?);
    }
    Ok(versions)
}

/// The environment that a comparison is with.
fn compared_with<'c>(compare: &Compare, cx: &'c Context) -> Result<&'c Environment, Error> {
    match compare.against.as_str() {
        "promotion" => cx.baseline().ok_or_else(|| {
            Error::new("there is nothing to compare with")
                .hint("run it with --promotion NAME, or name an environment in compare.against")
        }),
        name => cx.environment(name),
    }
}

/// The versions, for visitors of several requests.
fn visited(spec: &Settings, candidate: &Environment, cx: &Context) -> Result<Vec<Target>, Error> {
    let made = |environment: &Environment, stands_for: Option<Url>| {
        let url = environment.url.clone();
        let asks = asks(spec, &url, environment, cx)?;
        let base = Base { url: url.clone(), headers: asks.headers.clone() };
        if let Some(replay) = &spec.replay {
            let path = cx.spec_folder().join(&replay.log);
            let log = Log::read(&path, replay, &base, spec.duration(), spec.warm_up.0)?;
            if log.left_out > 0 {
                let lines = words::count(log.left_out, "line");
                let text = format!("{lines} of {} are not asked for again", replay.log);
                cx.log(gate_core::Level::Info, text);
            }
            return Target::replayed(url, log, &asks);
        }
        let making = Making {
            base,
            folder: cx.spec_folder(),
            reveal: &|template| cx.reveal(template),
            may_load: &|url| may_be_loaded(url, environment, spec),
            stands_for,
            seed: cx.seed(),
            now: cx.clock().now(),
        };
        let visitors = Visitors::new(spec, &making)?;
        Target::visited(url, visitors, &asks)
    };
    let mut versions = vec![made(candidate, None)?];
    if let Some(compare) = spec.compare.as_ref().filter(|compare| !compare.is_stored()) {
        let other = compared_with(compare, cx)?;
        versions.push(made(other, Some(candidate.url.clone()))?);
    }
    Ok(versions)
}

fn path_of(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// A path of an environment, whose own path it goes on from.
fn joined(base: &Url, path: Option<&str>) -> Result<Url, Error> {
    let Some(path) = path else { return Ok(base.clone()) };
    let mut root = base.clone();
    root.set_query(None);
    root.set_fragment(None);
    target::parse(&format!("{}{path}", root.as_str().trim_end_matches('/')))
}

/// Load on somebody else's machine is an attack.
fn may_be_loaded(url: &Url, environment: &Environment, spec: &Settings) -> Result<(), Error> {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_matches(['[', ']']);
    let is_named = |one: &String| one.trim_matches(['[', ']']).eq_ignore_ascii_case(bare);
    if is_own(url, environment) || spec.allow_hosts.iter().any(is_named) {
        return Ok(());
    }
    Err(Error::new(format!("`{host}` is not the host of the environment `{}`", environment.name))
        .hint(format!("if it may be loaded, say so: allow_hosts: [{host}]")))
}

fn is_own(url: &Url, environment: &Environment) -> bool {
    environment.url.host_str() == url.host_str()
}

/// What is sent. What lets into the environment goes to its own host and to nobody else.
fn asks(
    spec: &Settings,
    url: &Url,
    environment: &Environment,
    cx: &Context,
) -> Result<Asks, Error> {
    let is_own = is_own(url, environment);
    let mut headers = Vec::new();
    let of_environment = environment.headers.iter().filter(|_| is_own);
    for (name, value) in of_environment.chain(&spec.headers) {
        headers.retain(|(other, _): &(String, String)| !other.eq_ignore_ascii_case(name));
        headers.push((name.to_ascii_lowercase(), cx.reveal(value)?));
    }
    let mut cookies = Vec::new();
    for (name, value) in environment.cookies.iter().filter(|_| is_own) {
        cookies.push(format!("{name}={}", cx.reveal(value)?));
    }
    if !cookies.is_empty() {
        headers.push(("cookie".to_owned(), cookies.join("; ")));
    }
    if let Some(pair) = environment.basic_auth.as_ref().filter(|_| is_own)
        && !headers.iter().any(|(name, _)| name == "authorization")
    {
        headers.push(("authorization".to_owned(), target::basic(&cx.reveal(pair)?)));
    }
    let body = spec.body.as_ref().map(|body| cx.reveal(body)).transpose()?;
    let authorities = spec.authorities.as_ref();
    let authorities =
        authorities.map(|path| gate_core::files::read(&cx.spec_folder().join(path))).transpose()?;
    Ok(Asks {
        method: spec.method(),
        protocol: spec.protocol(),
        headers,
        body: body.unwrap_or_default().into_bytes(),
        authorities,
    })
}

/// What was measured, kept for whoever judges it.
fn kept(spec: &Settings, measured: Measured, cx: &Context) -> Result<Observation, Error> {
    let seconds = measured.looks.last().map_or(0, |look| look.seconds);
    let exchanges = match measured.versions.first() {
        None => SeenExchanges::default(),
        Some(own) => {
            let mut keep = |one: shown::Shown| one.keep(cx).map(Some);
            exchanges::without_secrets(&own.exchanges, &own.target, cx, &mut keep)?
        }
    };
    let (mut versions, mut figures) = (Vec::new(), Vec::new());
    for version in measured.versions {
        let bytes = gate_core::files::read(&version.file)?;
        figures.push({
            let file = BufReader::new(File::open(&version.file)?);
            Figures::read(file, Slice::default(), seconds)?
        });
        let label = format!("seconds of {}", version.url);
        versions.push(SeenVersion {
            seconds_file: cx.keep(Role::Log, label, "application/x-ndjson", &bytes)?,
            url: version.url,
            intended: version.intended,
            seconds: version.seconds,
            reasons: version.reasons.iter().map(|one| one.clean(cx)).collect(),
        });
    }
    let mut charts = match (&measured.refused, &spec.capacity, &measured.capacity) {
        (None, Some(capacity), Some(found)) => shown::keep(&capacity::shown(capacity, found), cx)?,
        _ => Vec::new(),
    };
    if measured.refused.is_none() {
        charts.extend(shown::keep(&charts::all(spec, &figures, &measured.looks), cx)?);
    }
    let mut browsers = measured.browsers;
    if let Some(watched) = &mut browsers {
        watched.charts = shown::keep(&browsers::shown(spec, watched), cx)?;
    }
    Ok(Observation {
        versions,
        looks: measured.looks,
        generator: measured.generator,
        refused: measured.refused,
        aborted: measured.aborted,
        exchanges,
        lost: measured.lost,
        capacity: measured.capacity,
        browsers,
        charts,
    })
}
