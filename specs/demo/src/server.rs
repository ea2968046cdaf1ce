//! Starting and stopping the site.

use std::collections::HashMap;
use std::fmt;
use std::future::IntoFuture;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderValue;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::beacon::{Beacon, Collector};
use crate::crm::{Client, CrmAccess, DEMO_TOKEN};
use crate::experiment::Arm;
use crate::fault::{Fault, Faults};
use crate::route;

/// How long `shutdown` waits for answers under way before it cuts them off.
const PATIENCE: Duration = Duration::from_secs(2);

/// What to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// What is broken from the start.
    pub faults: Vec<Fault>,
    /// What the site calls itself in the header `x-environment` and in `/healthz`; it stands on
    /// no page. Printable ASCII.
    pub environment: String,
    /// The address book to use. None: the stand-in that the site serves itself.
    pub crm: Option<CrmAccess>,
}

impl Default for Options {
    fn default() -> Options {
        Options { port: 0, faults: Vec::new(), environment: "demo".to_owned(), crm: None }
    }
}

/// Why the site does not start.
#[derive(Debug)]
pub enum Error {
    /// The port cannot be had.
    Bind(u16, std::io::Error),
    /// The name of the environment does not fit into a header.
    Environment(String),
    /// The client of the address book cannot be built.
    Crm(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Bind(port, error) => write!(f, "could not listen on 127.0.0.1:{port}: {error}"),
            Error::Environment(name) => write!(f, "not a name for an environment: {name:?}"),
            Error::Crm(reason) => write!(f, "could not reach for the address book: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

/// A site that is being served. Dropping it stops the site as well, without waiting.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, on 127.0.0.1.
    pub addr: SocketAddr,
    /// The switches; they work at once, for the next request.
    pub faults: Faults,
    site: Site,
    // Held for its end: when it is dropped, the server stops taking connections.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// The address with scheme and closing slash.
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// What the pages have reported, from the oldest to the newest.
    pub fn beacons(&self) -> Vec<Beacon> {
        self.site.collector.list().beacons
    }

    /// Stops taking connections, lets the answers under way finish for at most two seconds, and
    /// frees the port.
    pub async fn shutdown(self) {
        let Running { stop, mut task, .. } = self;
        drop(stop);
        if tokio::time::timeout(PATIENCE, &mut task).await.is_err() {
            task.abort();
            // Aborted or finished by now; either way the listener is gone.
            let _ended = task.await;
        }
    }
}

/// What all requests share.
#[derive(Debug, Clone)]
pub(crate) struct Site(Arc<Shared>);

/// See [`Site`].
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) faults: Faults,
    pub(crate) label: HeaderValue,
    pub(crate) collector: Collector,
    pub(crate) crm: Client,
    visitors: AtomicU64,
    /// How many pages were answered.
    answers: AtomicU64,
    /// What a cache in front of the site would hold, while there is one.
    pub(crate) cache: Mutex<HashMap<String, String>>,
}

impl std::ops::Deref for Site {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Shared {
    /// An id for somebody who joins the experiment: counted, so that two starts of the site deal
    /// the same ids to the same sequence of visitors.
    pub(crate) fn new_visitor(&self) -> String {
        format!("visitor-{}", self.visitors.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The arm of somebody who asks for a page.
    pub(crate) fn deal(&self, visitor: &str) -> Arm {
        Arm::dealt(visitor, &self.faults, self.answers.fetch_add(1, Ordering::Relaxed))
    }
}

/// Starts to serve the site on 127.0.0.1, in a task of the current tokio runtime. When it returns,
/// connections are accepted.
pub async fn serve(options: Options) -> Result<Running, Error> {
    let Options { port, faults, environment, crm } = options;
    let label = HeaderValue::from_str(&environment).map_err(|_| Error::Environment(environment))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| Error::Bind(port, error))?;
    let addr = listener.local_addr().map_err(|error| Error::Bind(port, error))?;
    let access = crm.unwrap_or_else(|| CrmAccess {
        base_url: format!("http://{addr}/crm"),
        token: DEMO_TOKEN.to_owned(),
    });
    let switches = Faults::default();
    switches.set(faults);
    let site = Site(Arc::new(Shared {
        faults: switches.clone(),
        label,
        collector: Collector::default(),
        crm: Client::new(access).map_err(|error| Error::Crm(error.to_string()))?,
        visitors: AtomicU64::new(0),
        answers: AtomicU64::new(0),
        cache: Mutex::default(),
    }));
    let (stop, stopped) = oneshot::channel::<()>();
    let router = route::router(site.clone());
    let task = tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(async move {
            // Both an explicit end and a dropped owner arrive here as a closed channel.
            let _closed = stopped.await;
        });
        // The accept loop answers its own errors by trying again and never returns one.
        let _never_fails = served.into_future().await;
    });
    Ok(Running { addr, faults: switches, site, stop, task })
}
