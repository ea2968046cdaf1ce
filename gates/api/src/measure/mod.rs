//! Doing what a spec says, and writing down what is seen.

mod client;
mod drift;
mod exchange;
mod flow;
mod recording;
mod run;

use std::sync::Arc;

use gate_core::{Context, Environment, Error, Level};
use recorder::{Cassette, Front, Library, Mode, Outcome, Proxy, Setup, miss_words};
use redact::Cleaner;
use tokio::net::TcpListener;

use crate::commands::engine_error as wrong;
use crate::seen::{Missing, Observation, Traffic};
use crate::settings::{FaultSetting, ModeSetting, Settings, Through};
use exchange::Kept;
use recording::Recordings;

/// How many requests without a recording are told of one by one.
const TOLD: usize = 20;

pub(crate) async fn measure(spec: &Settings, cx: &Context) -> Result<Observation, Error> {
    let mut seen = Observation { gate: cx.gate().to_owned(), ..Observation::default() };
    let mut recordings = match &spec.cassette {
        Some(path) => {
            cx.log(Level::Debug, "stage: reading the recording");
            let folder = cx.spec_folder().join(path);
            Some(Recordings::open(&folder, spec.mode, cx)?.repeating(spec.allow_repeats)?)
        }
        None => None,
    };
    let service = Service::of(spec, cx)?;
    let mut traffic = Traffic::default();
    let mut kept = Kept::default();
    if let (Some(run), Some(recordings)) = (&spec.run, &mut recordings) {
        cx.log(Level::Debug, format!("stage: running {}", run[0]));
        let front = match spec.through {
            Through::Proxy => Front::Forward,
            Through::Target => Front::Reverse {
                target: (spec.mode != ModeSetting::None)
                    .then(|| service.as_ref().map(Service::origin))
                    .flatten(),
            },
        };
        let playing = Playing::start(spec, front, recordings, cx).await?;
        let ran = run::run(run, &playing, cx).await?;
        let outcome = playing.end(recordings).await?;
        seen.ran = Some(crate::seen::Ran { requests: outcome.seen, ..ran });
        traffic.add(outcome, &mut kept, cx)?;
    }
    if !spec.requests.is_empty() {
        cx.log(Level::Debug, "stage: making requests");
        let service = service.as_ref().ok_or_else(Service::unknown)?;
        let playing = match &recordings {
            Some(recordings) => Some(Playing::start(spec, Front::Forward, recordings, cx).await?),
            None => None,
        };
        seen.asked = flow::flow(spec, service, playing.as_ref(), &mut kept, cx).await?;
        if let (Some(playing), Some(recordings)) = (playing, &mut recordings) {
            let outcome = playing.end(recordings).await?;
            traffic.add(outcome, &mut kept, cx)?;
        }
    }
    if let (Some(drift), Some(recordings)) = (&spec.drift, &mut recordings) {
        cx.log(Level::Debug, "stage: asking the service again");
        let service = service.as_ref().ok_or_else(Service::unknown)?;
        seen.drift = Some(drift::drift(drift, spec, service, recordings, &mut kept, cx).await?);
    }
    if let Some(recordings) = recordings {
        let was_played = spec.run.is_some() || !spec.requests.is_empty();
        seen.traffic = was_played.then_some(traffic);
        let (recording, proposed) = recordings.close(was_played, cx).await?;
        (seen.recording, seen.proposed) = (Some(recording), proposed);
    }
    Ok(seen)
}

/// The service that is asked, and what it wants to be told.
pub(crate) struct Service {
    /// With scheme and host; a path below which everything lies, if there is one.
    url: url::Url,
    /// In lower case; with credentials in them.
    headers: Vec<(String, String)>,
}

impl Service {
    fn of(spec: &Settings, cx: &Context) -> Result<Option<Service>, Error> {
        let mut headers = Vec::new();
        let url = match (&spec.target, &spec.environment) {
            (Some(target), _) => url::Url::parse(target)
                .map_err(|error| Error::new(format!("`{target}` is no address: {error}")))?,
            (None, Some(name)) => {
                let environment = cx.environment(name)?;
                headers = headers_of(environment, cx)?;
                environment.url.clone()
            }
            (None, None) => match cx.candidate() {
                Ok(environment) => {
                    headers = headers_of(environment, cx)?;
                    environment.url.clone()
                }
                Err(_) => return Ok(None),
            },
        };
        for (name, value) in &spec.headers {
            let name = name.to_ascii_lowercase();
            headers.retain(|(other, _)| *other != name);
            headers.push((name, cx.reveal(value)?));
        }
        Ok(Some(Service { url, headers }))
    }

    fn unknown() -> Error {
        Error::new("nothing says which service is to be asked")
            .hint("name it under `target` or `environment`, or choose an environment: --env NAME")
    }

    /// Its scheme, host and port.
    fn host(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Its address without a slash at the end.
    fn origin(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }
}

/// What an environment wants to be sent with every request.
fn headers_of(environment: &Environment, cx: &Context) -> Result<Vec<(String, String)>, Error> {
    let mut headers = Vec::new();
    for (name, value) in &environment.headers {
        headers.push((name.to_ascii_lowercase(), cx.reveal(value)?));
    }
    let pairs = environment
        .cookies
        .iter()
        .map(|(name, value)| Ok(format!("{name}={}", cx.reveal(value)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    if !pairs.is_empty() {
        headers.push(("cookie".to_owned(), pairs.join("; ")));
    }
    if let Some(auth) = &environment.basic_auth {
        headers.push(("authorization".to_owned(), client::basic(&cx.reveal(auth)?)));
    }
    Ok(headers)
}

/// The authorities that a spec names, in PEM.
fn authorities(spec: &Settings, cx: &Context) -> Result<Option<String>, Error> {
    let path = spec.authorities.as_ref().map(|path| cx.spec_folder().join(path));
    let pem = path.map(|path| gate_core::files::read(&path)).transpose()?;
    Ok(pem.map(|pem| String::from_utf8_lossy(&pem).into_owned()))
}

/// A recording that answers.
pub(crate) struct Playing {
    proxy: Proxy,
    mode: Mode,
    cassette: Cassette,
    cleaner: Cleaner,
}

impl Playing {
    async fn start(
        spec: &Settings,
        front: Front,
        recordings: &Recordings,
        cx: &Context,
    ) -> Result<Playing, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (cassette, cleaner) = (recordings.cassette().clone(), recordings.cleaner().clone());
        let mode = spec.mode.mode();
        let setup = Setup {
            front,
            mode,
            library: Arc::clone(recordings.library()),
            cassette: (mode != Mode::None).then(|| cassette.clone()),
            cleaner: cleaner.clone(),
            latency: spec.latency.latency(),
            faults: spec.faults.iter().map(FaultSetting::fault).collect(),
            authorities: authorities(spec, cx)?,
            now: cx.clock().now().millis() / 1000,
        };
        let proxy = Proxy::start(listener, setup).map_err(wrong)?;
        Ok(Playing { proxy, mode, cassette, cleaner })
    }

    /// Stops to answer, and keeps what was recorded beside the recording.
    async fn end(self, recordings: &mut Recordings) -> Result<Outcome, Error> {
        let Playing { proxy, mode, cassette, cleaner } = self;
        let outcome = proxy.finish().await;
        if !outcome.recorded.is_empty() {
            crate::commands::keep(&cassette, mode, &outcome, &cleaner)?;
            recordings.reopen()?;
        }
        Ok(outcome)
    }
}

impl Traffic {
    fn add(&mut self, outcome: Outcome, kept: &mut Kept, cx: &Context) -> Result<(), Error> {
        self.seen += outcome.seen;
        self.replayed += outcome.replayed;
        self.recorded += outcome.recorded.len() as u64;
        self.missed += outcome.missed.len() as u64;
        for missed in outcome.missed.into_iter().take(TOLD.saturating_sub(self.misses.len())) {
            let (why, hint) = miss_words(missed.miss.why);
            let nearest = missed.miss.nearest.first();
            self.misses.push(Missing {
                exchange: kept.missed(&missed, cx)?,
                nearest: nearest.map(|near| format!("{} {}", near.method, near.url)),
                method: missed.method,
                url: missed.url,
                why,
                hint: hint.to_owned(),
            });
        }
        self.failed.extend(outcome.failed);
        self.failed.truncate(TOLD);
        Ok(())
    }
}

/// The library of a cassette, empty where there is none yet.
fn library(cassette: &Cassette, repeats: bool) -> Result<Arc<Library>, Error> {
    let library = if Cassette::is_at(cassette.folder()) {
        Library::of_cassette(cassette.clone()).map_err(wrong)?
    } else {
        let matching = cassette.policy().matching().map_err(wrong)?;
        Library::of_recorded(&[], matching, false)
    };
    Ok(Arc::new(if repeats { library.repeating(true) } else { library }))
}
