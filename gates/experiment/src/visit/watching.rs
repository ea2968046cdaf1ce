//! The proxy that browsers go through, and what it sees of their beacons.
//!
//! A beacon that is sent while a page is left is in no log of the browser's, so it is counted where it
//! goes by. Beacons to the site itself go on to it; those to hosts of others are answered here, so that
//! nobody's statistics count a synthetic visitor.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gate_core::{Context, Error};
use recorder::{
    Authority, Content, Front, Headers, Latency, Library, Matching, Mode, Proxy, Request, Response,
    Setup, Watch,
};
use redact::Cleaner;
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::Url;

use super::beacon::{Event, Reader};
use super::collectors;
use super::identity::Replica;
use super::seen::{Reported, When};
use super::site::Site;

/// A host that is nobody's.
pub(super) const NOWHERE: &str = "gate.invalid";
/// For how long a beacon to a host of others is on its way: before it is sent a connection is to be made,
/// which takes three turns to there and back, and here would take no time.
const ON_ITS_WAY: Duration = Duration::from_millis(200);
/// For how long nothing may come before it is taken for all.
const QUIET: Duration = Duration::from_millis(300);
/// How long is waited for it at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// Notes what one visitor reports.
pub(super) struct Watching {
    site: Arc<Site>,
    reader: Arc<Reader>,
    replica: Arc<Replica>,
    experiment: Option<String>,
    state: Mutex<State>,
    /// How often anything has happened.
    changed: watch::Sender<u64>,
}

/// Hosts of others.
#[derive(Default)]
pub(super) struct Others {
    pub(super) kept_from: BTreeSet<String>,
    pub(super) reached: BTreeSet<String>,
}

impl Others {
    pub(super) fn extend(&mut self, more: Others) {
        self.kept_from.extend(more.kept_from);
        self.reached.extend(more.reached);
    }
}

struct State {
    after: When,
    view: u32,
    events: Vec<(u64, Reported)>,
    kept_from: BTreeSet<String>,
    /// Hosts of others that were sent something all the same.
    reached: BTreeSet<String>,
    /// How many connections are being made.
    connecting: u32,
    /// Beacons to hosts of others that are on their way.
    open: BTreeSet<u64>,
}

impl State {
    /// Whether nothing is known to be on its way.
    fn is_at_rest(&self) -> bool {
        self.open.is_empty() && self.connecting == 0
    }
}

impl Watching {
    pub(super) fn new(
        site: Arc<Site>,
        reader: Arc<Reader>,
        replica: Arc<Replica>,
        experiment: Option<String>,
    ) -> Arc<Watching> {
        let state = State {
            after: When::Arrival,
            view: 1,
            events: Vec::new(),
            kept_from: BTreeSet::new(),
            reached: BTreeSet::new(),
            connecting: 0,
            open: BTreeSet::new(),
        };
        let (changed, _) = watch::channel(0);
        Arc::new(Watching { site, reader, replica, experiment, state: Mutex::new(state), changed })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is reported from now on is of another page view, after this look; without one, after the
    /// same as before.
    pub(super) fn next_view(&self, when: Option<When>) {
        let mut state = self.state();
        state.view += 1;
        state.after = when.unwrap_or(state.after);
    }

    /// Waits until nothing is on its way any more.
    pub(super) async fn settled(&self) {
        let mut changed = self.changed.subscribe();
        let quiet = async {
            loop {
                changed.mark_unchanged();
                let happens = tokio::time::timeout(QUIET, changed.changed()).await.is_ok();
                if !happens && self.state().is_at_rest() {
                    return;
                }
            }
        };
        // What takes longer is no beacon that anybody could count on.
        let _ = tokio::time::timeout(PATIENCE, quiet).await;
    }

    /// What was reported.
    pub(super) fn taken(&self) -> Vec<Reported> {
        let events = std::mem::take(&mut self.state().events);
        events.into_iter().map(|(_, one)| one).collect()
    }

    /// The hosts that beacons were kept from, and those that were sent something.
    pub(super) fn others(&self) -> Others {
        let mut state = self.state();
        let kept_from = std::mem::take(&mut state.kept_from);
        Others { kept_from, reached: std::mem::take(&mut state.reached) }
    }
}

impl Watch for Watching {
    fn asked(&self, order: u64, request: &Request) -> Option<(Response, Duration)> {
        let is_exposure = |event: &Event| event.name == self.reader.exposure();
        let is_others = |event: &Event| {
            let other = event.experiment.is_some() && event.experiment != self.experiment;
            self.experiment.is_some() && other && is_exposure(event)
        };
        let url = Url::parse(&request.url).ok()?;
        if url.host_str() == Some(NOWHERE) {
            return Some((taken_in(request), Duration::ZERO));
        }
        let mut events = self.reader.events(request);
        events.retain(|event| !is_others(event));
        let mut state = self.state();
        // Each document that is asked for is a page view of its own, whoever has led there.
        state.view += u32::from(is_navigation(request));
        for event in events {
            let is_exposure = is_exposure(&event);
            let one = Reported {
                after: state.after,
                view: state.view,
                event: event.name,
                is_exposure,
                id: event.id,
                arm: event.arm.map(|arm| self.replica.name(&arm)),
                status: None,
                is_cut: false,
            };
            state.events.push((order, one));
        }
        self.changed.send_modify(|count| *count += 1);
        if self.site.is_own(&url) {
            return None;
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        if self.reader.keeps(&url) || collectors::collects(&url, request) {
            state.kept_from.insert(host);
            let delay = if request.method == "OPTIONS" { Duration::ZERO } else { ON_ITS_WAY };
            state.open.insert(order);
            return Some((taken_in(request), delay));
        }
        if request.method == "POST" {
            state.reached.insert(host);
        }
        None
    }

    fn answered(&self, order: u64, status: u16) {
        let mut state = self.state();
        for (_, event) in state.events.iter_mut().filter(|(of, _)| *of == order) {
            event.status = Some(status);
        }
        state.open.remove(&order);
        drop(state);
        self.changed.send_modify(|count| *count += 1);
    }

    fn connecting(&self, is_under_way: bool) {
        let mut state = self.state();
        if is_under_way {
            state.connecting += 1;
        } else {
            state.connecting = state.connecting.saturating_sub(1);
        }
        drop(state);
        self.changed.send_modify(|count| *count += 1);
    }

    fn given_up(&self, order: u64) {
        let mut state = self.state();
        let is_kept = state.open.remove(&order);
        // What goes to the site itself goes over a connection that is there: it has arrived.
        for (_, event) in state.events.iter_mut().filter(|(of, _)| is_kept && *of == order) {
            event.is_cut = true;
        }
        drop(state);
        self.changed.send_modify(|count| *count += 1);
    }
}

/// What a host of others would answer to a page of another origin.
fn taken_in(request: &Request) -> Response {
    let asked = |name: &str| request.headers.text(name).map(str::to_owned);
    let mut headers = Headers::new();
    headers.add("access-control-allow-origin", asked("origin").unwrap_or_else(|| "*".to_owned()));
    headers.add("access-control-allow-credentials", "true");
    let methods = asked("access-control-request-method");
    headers.add("access-control-allow-methods", methods.unwrap_or_else(|| "GET, POST".to_owned()));
    if let Some(names) = asked("access-control-request-headers") {
        headers.add("access-control-allow-headers", names);
    }
    headers.add("content-type", "application/json");
    // Scripts of some services ask again when they are told nothing.
    Response { status: 200, headers, body: Content::from(r#"{"status":1}"#), ..Response::default() }
}

/// Whether a browser asks for a document.
fn is_navigation(request: &Request) -> bool {
    let html = request.headers.text("accept").is_some_and(|accept| accept.starts_with("text/html"));
    html && request.headers.text("upgrade-insecure-requests").is_some()
}

/// Who signs for the proxies of all visitors: browsers are told of it when they start.
pub(super) fn authority(cx: &Context) -> Result<Arc<Authority>, Error> {
    let made = Authority::new(now(cx));
    made.map(Arc::new).map_err(|error| Error::new(error.to_string()))
}

/// In seconds since the Unix epoch.
fn now(cx: &Context) -> i64 {
    cx.clock().now().millis() / 1000
}

/// A proxy at work; `watch` sees what goes through it.
pub(super) async fn proxy(
    watch: Option<Arc<dyn Watch>>,
    authority: &Arc<Authority>,
    cx: &Context,
) -> Result<Proxy, Error> {
    let key = recorder::fresh_key().map_err(|error| Error::new(error.to_string()))?;
    let setup = Setup {
        front: Front::Forward,
        mode: Mode::All,
        library: Arc::new(Library::of_recorded(&[], Matching::default(), false)),
        // Nothing of it is kept.
        cassette: None,
        cleaner: Cleaner::new(cx.redactor().clone(), &[], key),
        latency: Latency::None,
        faults: Vec::new(),
        authorities: None,
        now: now(cx),
        watch,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let authority = Some(Arc::clone(authority));
    Proxy::start_as(listener, setup, authority).map_err(|error| Error::new(error.to_string()))
}
