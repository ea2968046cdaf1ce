//! HTTP on the wire: one core that records and replays, behind a reverse proxy or a forward proxy
//! with CONNECT.

mod answer;
mod answering;
mod authority;
mod exchange;
mod fault;
mod goes;
mod headers;
mod memo;
mod miss;
mod reply;
mod serve;
mod tape;
mod tee;
mod trust;
mod tunnel;
mod upgraded;
mod upstream;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redact::Cleaner;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::canonical::Address;
use crate::cassette::{Cassette, Recorded};
use crate::message::{Request, Response};
use crate::play::{Library, Miss, Session};
use crate::{Error, Result};
use memo::Memo;
use tee::{Exchange, Tape};

pub use answer::Latency;
pub use authority::{Authority, system_authorities};
pub use exchange::UNANSWERED;
pub use fault::Fault;
pub use miss::words as miss_words;
pub use trust::{UNVOUCHED, is_unvouched};

pub(crate) use headers::{end_to_end, to_map};
pub(crate) use tape::{
    clean_headers as headers_without_secrets, cleaned as without_secrets, host_of,
};
pub(crate) use upstream::{Sent, Upstream};

/// How long what is still under way may take at the end: longer than a body is read on for.
const LAST: Duration = Duration::from_secs(12);

/// When it is recorded, and when it is replayed; the names are VCR's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Records into a cassette that has nothing yet, and only replays one that has.
    Once,
    /// Replays what is there, and records the rest.
    NewEpisodes,
    /// Only replays.
    None,
    /// Records all.
    All,
}

/// What clients talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Front {
    /// They believe that this is the service. Without a target it can only replay.
    Reverse {
        /// Scheme, host and port of the service, such as `https://api.example.com`.
        target: Option<String>,
    },
    /// They are told of a proxy.
    Forward,
}

/// What a proxy needs.
pub struct Setup {
    /// What clients talk to.
    pub front: Front,
    /// When it is recorded.
    pub mode: Mode,
    /// What is replayed; empty for a new cassette.
    pub library: Arc<Library>,
    /// Where large bodies are put while it is recorded; none when nothing is.
    pub cassette: Option<Cassette>,
    /// Takes the secrets out, of what is recorded and of what is looked up.
    pub cleaner: Cleaner,
    /// How long recorded answers take.
    pub latency: Latency,
    /// What goes wrong on purpose.
    pub faults: Vec<Fault>,
    /// Authorities that are trusted besides the system's, in PEM.
    pub authorities: Option<String>,
    /// Seconds since the Unix epoch, for certificates.
    pub now: i64,
    /// Who looks on; none in most cases.
    pub watch: Option<Arc<dyn Watch>>,
}

/// Looks at what clients send, as it came: with its secrets, and before anybody has answered.
pub trait Watch: Send + Sync {
    /// A request is whole, the so-manieth of the proxy. What is given is its answer and for how long that
    /// is held back, and the service is not asked.
    fn asked(&self, order: u64, request: &Request) -> Option<(Response, Duration)>;
    /// What that one was answered with, in the end.
    fn answered(&self, order: u64, status: u16);
    /// Whoever sent that one has not waited for its answer.
    fn given_up(&self, order: u64);
    /// A client is making an encrypted connection, or has made it: a request is about to come.
    fn connecting(&self, _is_under_way: bool) {}
}

/// What became of the requests.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many there were.
    pub seen: u64,
    /// How many were answered from the recording.
    pub replayed: u64,
    /// What was recorded, in the order of the requests.
    pub recorded: Vec<Recorded>,
    /// What had no answer: method, address and why.
    pub missed: Vec<Missed>,
    /// What could not be recorded or reached, in sentences.
    pub failed: Vec<String>,
    /// What was passed through and is no part of the recording, in sentences.
    pub notes: Vec<String>,
}

/// A request that had no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Its method.
    pub method: String,
    /// Its address, without secrets.
    pub url: String,
    /// Why, and what comes near.
    pub miss: Miss,
}

/// What all connections share.
pub(crate) struct State {
    front: Front,
    mode: Mode,
    library: Arc<Library>,
    cassette: Option<Cassette>,
    cleaner: Cleaner,
    latency: Latency,
    faults: Vec<Fault>,
    upstream: Upstream,
    authority: Option<Arc<Authority>>,
    address: SocketAddr,
    /// How most clients write it.
    own_host: String,
    bodies: answer::Bodies,
    memo: Memo,
    /// The session of all who name no user.
    anyone: Apart<Mutex<Session>>,
    sessions: Mutex<HashMap<String, Arc<Mutex<Session>>>>,
    order: AtomicU64,
    counts: Apart<Counts>,
    outcome: Mutex<Outcome>,
    tape: Tape,
    watch: Option<Arc<dyn Watch>>,
}

/// In cache lines of its own: what one thread writes all the time takes nothing with it that others
/// read all the time.
#[derive(Default)]
#[repr(align(128))]
struct Apart<T>(T);

/// How many requests there were.
#[derive(Default)]
struct Counts {
    seen: AtomicU64,
    /// Those that were answered from the recording.
    replayed: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Does something with the session of a proxy's user, or of all who name none.
    fn in_session<T>(&self, user: &str, act: impl FnOnce(&mut Session) -> T) -> T {
        if user.is_empty() {
            return act(&mut locked(&self.anyone.0));
        }
        let session = {
            let mut sessions = locked(&self.sessions);
            match sessions.get(user) {
                Some(session) => Arc::clone(session),
                None => {
                    let session = Arc::new(Mutex::new(self.library.session()));
                    sessions.insert(user.to_owned(), Arc::clone(&session));
                    session
                }
            }
        };
        act(&mut locked(&session))
    }

    fn replays(&self) -> bool {
        self.mode != Mode::All
    }

    fn records(&self) -> bool {
        match self.mode {
            Mode::All | Mode::NewEpisodes => true,
            Mode::Once => self.library.answers_nothing(),
            Mode::None => false,
        }
    }

    fn failed(&self, text: String) {
        locked(&self.outcome).failed.push(text);
    }
}

/// A proxy at work.
pub struct Proxy {
    state: Arc<State>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    developing: JoinHandle<()>,
}

impl Proxy {
    /// Starts to answer on a socket that listens already. A forward proxy has an authority of its own.
    pub fn start(listener: TcpListener, setup: Setup) -> Result<Proxy> {
        let authority = match setup.front {
            Front::Forward => Some(Arc::new(Authority::new(setup.now)?)),
            Front::Reverse { .. } => None,
        };
        Proxy::start_as(listener, setup, authority)
    }

    /// The same with an authority that several proxies share; without one nothing encrypted is looked into.
    pub fn start_as(
        listener: TcpListener,
        setup: Setup,
        authority: Option<Arc<Authority>>,
    ) -> Result<Proxy> {
        let address =
            listener.local_addr().map_err(|error| Error::new(format!("listening: {error}")))?;
        if let Front::Reverse { target: Some(target) } = &setup.front {
            let address = Address::of(target);
            let is_one = matches!(address.scheme, Some("http" | "https"))
                && address.authority.is_some_and(|host| !host.is_empty());
            if !is_one {
                let text = format!("`{target}` is no address of a service");
                return Err(Error::new(text).hint("write it as https://api.example.com"));
            }
        }
        let (tape, exchanges) = mpsc::unbounded_channel();
        let last = setup.cassette.as_ref().map_or(Ok(0), Cassette::last_order)?;
        let first = last.saturating_add(1);
        let state = Arc::new(State {
            front: setup.front,
            mode: setup.mode,
            anyone: Apart(Mutex::new(setup.library.session())),
            library: setup.library,
            cassette: setup.cassette,
            cleaner: setup.cleaner,
            latency: setup.latency,
            faults: setup.faults,
            upstream: Upstream::new(setup.authorities.as_deref())?,
            authority,
            address,
            own_host: address.to_string(),
            bodies: answer::Bodies::default(),
            memo: Memo::default(),
            sessions: Mutex::default(),
            order: AtomicU64::new(first),
            counts: Apart::default(),
            outcome: Mutex::default(),
            tape: Tape { to: tape, reading: TaskTracker::new() },
            watch: setup.watch,
        });
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve::serve(listener, Arc::clone(&state), stopped));
        let developing = tokio::spawn(develop(exchanges, Arc::downgrade(&state)));
        Ok(Proxy { state, stop, serving, developing })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.state.address
    }

    /// The certificate of its authority in PEM; a forward proxy has one.
    pub fn authority(&self) -> Option<&str> {
        self.state.authority.as_deref().map(Authority::pem)
    }

    /// Stops to listen, lets what is under way come to its end, and says what became of all.
    pub async fn finish(self) -> Outcome {
        let _ = self.stop.send(true);
        let _ = self.serving.await;
        let state = self.state;
        // What is inside a tunnel is no connection of the listener, and a body may be read on
        // without its client: both are waited for here.
        state.tape.reading.close();
        if tokio::time::timeout(LAST, state.tape.reading.wait()).await.is_err() {
            let left = state.tape.reading.len();
            state.failed(format!("{left} answers were still under way at the end"));
        }
        let (seen, replayed) = (
            state.counts.0.seen.load(Ordering::Relaxed),
            state.counts.0.replayed.load(Ordering::Relaxed),
        );
        let _ = state.tape.to.send(Exchange::last());
        let _ = self.developing.await;
        let mut outcome = std::mem::take(&mut *locked(&state.outcome));
        outcome.recorded.sort_by_key(|recorded| recorded.order);
        (outcome.seen, outcome.replayed) = (seen, replayed);
        outcome
    }
}

/// Turns exchanges into recordings, one after the other and away from the connections.
async fn develop(mut exchanges: mpsc::UnboundedReceiver<Exchange>, state: std::sync::Weak<State>) {
    while let Some(exchange) = exchanges.recv().await {
        if exchange.is_last() {
            return;
        }
        let Some(state) = state.upgrade() else { return };
        let shared = Arc::clone(&state);
        let developed = tokio::task::spawn_blocking(move || {
            let what = format!("{} {}", exchange.request.method, exchange.request.url);
            if let Some(why) = &exchange.cut_short {
                state.failed(format!("{what} was not recorded: {why}"));
                return;
            }
            let Some(cassette) = &state.cassette else { return };
            match tape::recorded(exchange, &state.cleaner, cassette) {
                Ok(recorded) => locked(&state.outcome).recorded.push(recorded),
                Err(error) => state.failed(format!("{what} was not recorded: {error}")),
            }
        });
        if developed.await.is_err() {
            shared.failed("an answer was not recorded: its recording panicked".to_owned());
        }
    }
}
