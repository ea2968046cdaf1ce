//! Doing what a spec says, and writing down what is seen.

mod client;
mod drift;
mod exchange;
mod flow;
mod recording;
mod run;

use std::sync::Arc;

use gate_core::process::Ending;
use gate_core::{Context, Environment, Error, Level};
use gate_request::{Base, basic};
use recorder::{Front, Mode, Outcome, Proxy, Setup, miss_words};
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
    let service = Service::of(spec, cx)?;
    let mut recordings = match &spec.cassette {
        Some(path) => {
            cx.log(Level::Debug, "stage: reading the recording");
            let folder = cx.spec_folder().join(path);
            Some(Recordings::open(&folder, spec, service.as_ref(), cx).await?)
        }
        None => None,
    };
    let mut traffic = Traffic::default();
    let mut kept = Kept::default();
    if let (Some(run), Some(recordings)) = (&spec.run, &mut recordings) {
        cx.log(Level::Debug, format!("stage: running {}", run[0]));
        let front = match spec.through {
            Through::Proxy => Front::Forward,
            Through::Target => Front::Reverse {
                target: (spec.mode != ModeSetting::None)
                    .then(|| service.as_ref().map(Service::host))
                    .flatten(),
            },
        };
        let playing = Playing::start(spec, front, recordings, cx).await?;
        let below = service.as_ref().map(Service::below).unwrap_or_default();
        let ran = run::run(run, &playing, &below, cx).await?;
        let outcome = playing.end(recordings).await;
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
            let outcome = playing.end(recordings).await;
            traffic.add(outcome, &mut kept, cx)?;
        }
    }
    if let (Some(drift), Some(recordings)) = (&spec.drift, &mut recordings) {
        cx.log(Level::Debug, "stage: asking the service again");
        let service = service.as_ref().ok_or_else(Service::unknown)?;
        let document = drift::document(drift, cx)?;
        let asked = drift::Asked { spec, drift, service, document: document.as_ref() };
        seen.drift = Some(drift::drift(asked, recordings, &mut kept, cx).await?);
        if let (Some(document), Some(file)) = (document, &drift.openapi) {
            seen.document = Some(drift::described(&document, file, recordings, cx)?);
        }
    }
    if let Some(recordings) = recordings {
        let was_played = spec.run.is_some() || !spec.requests.is_empty();
        let went_through = traffic.failed.is_empty()
            && seen.ran.as_ref().is_none_or(|ran| ran.ending == Ending::Code(0))
            && seen.asked.iter().all(|asked| asked.answer.is_ok());
        seen.traffic = was_played.then_some(traffic);
        let closing = recording::Closing { was_played, went_through, required: &spec.required };
        let (recording, proposed) = recordings.close(&closing, cx).await?;
        (seen.recording, seen.proposed) = (Some(recording), proposed);
    }
    Ok(seen)
}

/// The service that is asked, and what it wants to be told.
pub(crate) struct Service {
    /// A path below which everything lies, if there is one, and headers with credentials in them.
    base: Base,
    /// `name=value`, each.
    cookies: Vec<String>,
}

impl Service {
    fn of(spec: &Settings, cx: &Context) -> Result<Option<Service>, Error> {
        let mut service = match (&spec.target, &spec.environment) {
            (Some(target), _) => {
                let url = url::Url::parse(target)
                    .map_err(|error| Error::new(format!("`{target}` is no address: {error}")))?;
                Service { base: Base { url, headers: Vec::new() }, cookies: Vec::new() }
            }
            (None, Some(name)) => Service::in_environment(cx.environment(name)?, cx)?,
            (None, None) => match cx.candidate() {
                Ok(environment) => Service::in_environment(environment, cx)?,
                Err(_) => return Ok(None),
            },
        };
        for (name, value) in &spec.headers {
            let name = name.to_ascii_lowercase();
            service.base.headers.retain(|(other, _)| *other != name);
            service.base.headers.push((name, cx.reveal(value)?));
        }
        Ok(Some(service))
    }

    /// With what an environment wants to be sent with every request.
    fn in_environment(environment: &Environment, cx: &Context) -> Result<Service, Error> {
        let mut headers = Vec::new();
        for (name, value) in &environment.headers {
            headers.push((name.to_ascii_lowercase(), cx.reveal(value)?));
        }
        let cookies = environment
            .cookies
            .iter()
            .map(|(name, value)| Ok(format!("{name}={}", cx.reveal(value)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        if let Some(auth) = &environment.basic_auth {
            headers.push(("authorization".to_owned(), basic(&cx.reveal(auth)?)));
        }
        Ok(Service { base: Base { url: environment.url.clone(), headers }, cookies })
    }

    fn unknown() -> Error {
        Error::new("nothing says which service is to be asked")
            .hint("name it under `target` or `environment`, or choose an environment: --env NAME")
    }

    /// Its scheme, host and port.
    fn host(&self) -> String {
        self.base.url.origin().ascii_serialization()
    }

    /// The path below which everything lies; empty, where that is the root.
    fn below(&self) -> String {
        self.base.url.path().trim_end_matches('/').to_owned()
    }
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
        let cleaner = recordings.cleaner().clone();
        let mode = recordings.mode();
        let setup = Setup {
            front,
            mode,
            library: Arc::clone(recordings.library()),
            cassette: (mode != Mode::None).then(|| recordings.cassette().clone()),
            cleaner: cleaner.clone(),
            latency: spec.latency.latency(),
            faults: spec.faults.iter().map(FaultSetting::fault).collect(),
            authorities: authorities(spec, cx)?,
            now: cx.clock().now().millis() / 1000,
            watch: None,
        };
        let proxy = Proxy::start(listener, setup).map_err(wrong)?;
        Ok(Playing { proxy, cleaner })
    }

    /// Stops to answer; what was recorded goes to the others.
    async fn end(self, recordings: &mut Recordings) -> Outcome {
        let outcome = self.proxy.finish().await;
        recordings.add(&outcome.recorded);
        outcome
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
        for note in outcome.notes {
            cx.log(Level::Warn, note);
        }
        self.failed.extend(outcome.failed);
        self.failed.truncate(TOLD);
        Ok(())
    }
}
