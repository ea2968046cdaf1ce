//! One WebDriver session as a series of commands, each under a deadline.
//!
//! The client library serialises the commands of a session, has no time-outs, and may panic when
//! an endpoint misbehaves. So every command runs in a task of its own: a panic becomes an error,
//! and what has not answered in time is given up, together with the session, since later commands
//! would queue behind it.

use std::{fmt, time::Duration};

use fantoccini::{
    Client,
    error::{CmdError, ErrorStatus},
    wd::WebDriverCompatibleCommand,
};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use url::{ParseError, Url};

/// Longest piece of a driver's message that is passed on.
const LONGEST_MESSAGE: usize = 300;
/// What a Grid says that takes a node for alive that has gone.
pub(crate) const FORWARDING: &str = "Error forwarding the";
/// How long the request that ends a session may take.
pub(crate) const DELETE_DEADLINE: Duration = Duration::from_secs(5);

/// Why a command gave no value.
#[derive(Debug)]
pub(crate) enum Fault {
    /// No answer in time; nothing more can be asked.
    Deadline(Duration),
    /// The connection, the driver, the browser or the client is gone.
    Lost(String),
    /// The browser gave up waiting for the page, and can go on.
    PageTimeout,
    /// An answer that says no: the protocol's error code and the first line of its message.
    Answer(String, String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline(after) => write!(f, "no answer within {after:?}"),
            Self::Lost(reason) => f.write_str(reason),
            Self::PageTimeout => f.write_str("the page took too long"),
            Self::Answer(code, message) => write!(f, "{code}: {message}"),
        }
    }
}

/// A session at a driver.
pub(crate) struct Wire {
    client: Client,
    endpoint: Url,
    session: String,
    /// The capabilities that the driver granted.
    granted: Value,
}

impl Wire {
    /// The capabilities that the driver granted.
    pub(crate) fn granted(&self) -> &Value {
        &self.granted
    }

    /// Asks the driver for a session. An answer that comes when nobody waits for it any more is
    /// answered with the end of that session, so that none is left open at a remote driver.
    pub(crate) async fn open(
        endpoint: Url,
        capabilities: &Value,
        until: Instant,
    ) -> Result<Self, Fault> {
        let client = connect(&endpoint).await?;
        let command = Command::new(Method::POST, Place::Root("session"), Some(capabilities));
        let (answer, answered) = oneshot::channel();
        let asking = client.clone();
        let home = endpoint.clone();
        tokio::spawn(async move {
            let made = asking.issue_cmd(command).await.map_err(fault).and_then(|mut value| {
                let id = value["sessionId"].as_str().map(str::to_owned);
                id.map(|id| (id, value["capabilities"].take()))
                    .ok_or_else(|| Fault::Lost("the answer names no session".to_owned()))
            });
            // From here on we end sessions ourselves, with the credentials that it may need.
            let _ = asking.persist().await;
            if let Err(Ok((session, granted))) = answer.send(made) {
                let late = Self { client: asking, endpoint: home, session, granted };
                let _ = late.delete().await;
            }
        });
        let started = Instant::now();
        let (session, granted) = match timeout_at(until, answered).await {
            Ok(Ok(made)) => made?,
            Ok(Err(_)) => return Err(Fault::Lost("the client failed".to_owned())),
            Err(_) => return Err(Fault::Deadline(started.elapsed())),
        };
        Ok(Self { client, endpoint, session, granted })
    }

    /// What an endpoint says at a path below its address, as it is.
    pub(crate) async fn look(
        endpoint: &Url,
        path: &'static str,
        limit: Duration,
    ) -> Result<Value, Fault> {
        let client = connect(endpoint).await?;
        let command = Command::new(Method::GET, Place::Root(path), None);
        let mut task = Abandoned(tokio::spawn(async move {
            // There is no session that the client could end by itself.
            let answer = client.issue_cmd(command).await;
            let _ = client.persist().await;
            answer
        }));
        match timeout(limit, &mut task.0).await {
            // The library insists on the shape of the protocol; this need not have it.
            Ok(Ok(Ok(value) | Err(CmdError::NotW3C(value)))) => Ok(value),
            Ok(Ok(Err(error))) => Err(fault(error)),
            Ok(Err(_)) => Err(Fault::Lost("the client failed".to_owned())),
            Err(_) => Err(Fault::Deadline(limit)),
        }
    }

    /// Goes to an address and waits for the page's load event.
    pub(crate) async fn go(&self, url: &str, deadline: Duration) -> Result<(), Fault> {
        let body = json!({ "url": url });
        self.call(Method::POST, Place::Session("url"), Some(&body), deadline).await.map(|_| ())
    }

    /// Sets how long the browser itself waits for a page.
    pub(crate) async fn set_page_deadline(
        &self,
        page: Duration,
        deadline: Duration,
    ) -> Result<(), Fault> {
        let body = json!({ "pageLoad": page.as_millis() as u64 });
        self.call(Method::POST, Place::Session("timeouts"), Some(&body), deadline).await.map(|_| ())
    }

    /// Sends a command of the Chrome DevTools Protocol.
    pub(crate) async fn devtools(
        &self,
        command: &str,
        params: &Value,
        deadline: Duration,
    ) -> Result<Value, Fault> {
        let body = json!({ "cmd": command, "params": params });
        let place = Place::Session("goog/cdp/execute");
        self.call(Method::POST, place, Some(&body), deadline).await
    }

    /// Ends the session. Over a new connection, since a command that hangs would block this one.
    pub(crate) async fn delete(&self) -> Result<(), Fault> {
        let Ok(client) = timeout(DELETE_DEADLINE, connect(&self.endpoint)).await else {
            return Err(Fault::Deadline(DELETE_DEADLINE));
        };
        let other = Self {
            client: client?,
            endpoint: self.endpoint.clone(),
            session: self.session.clone(),
            granted: Value::Null,
        };
        let _ = other.client.persist().await;
        other.call(Method::DELETE, Place::Session(""), None, DELETE_DEADLINE).await.map(|_| ())
    }

    async fn call(
        &self,
        method: Method,
        place: Place,
        body: Option<&Value>,
        deadline: Duration,
    ) -> Result<Value, Fault> {
        let mut command = Command::new(method, place, body);
        command.session.clone_from(&self.session);
        let client = self.client.clone();
        let mut task = Abandoned(tokio::spawn(async move { client.issue_cmd(command).await }));
        match timeout(deadline, &mut task.0).await {
            Ok(Ok(answer)) => answer.map_err(fault),
            Ok(Err(_)) => Err(Fault::Lost("the client failed".to_owned())),
            Err(_) => Err(Fault::Deadline(deadline)),
        }
    }
}

/// A task that is given up when nobody waits for it.
struct Abandoned<T>(JoinHandle<T>);

impl<T> Drop for Abandoned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn connect(endpoint: &Url) -> Result<Client, Fault> {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http.enforce_http(false);
    http.set_connect_timeout(Some(Duration::from_secs(10)));
    // The library only keeps the identifier for requests that it makes by itself; ours name it.
    let made = if endpoint.scheme() == "https" {
        let provider = rustls::crypto::ring::default_provider();
        let tls = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|error| Fault::Lost(format!("no trusted certificates: {error}")))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Client::with_existing_session(endpoint.as_str(), "", tls).await
    } else {
        Client::with_existing_session(endpoint.as_str(), "", http).await
    };
    // Nothing has been sent yet; this fails only for an address that does not parse.
    made.map_err(|_| Fault::Lost("the client did not accept the address".to_owned()))
}

#[derive(Clone, Copy)]
enum Place {
    /// Below the endpoint.
    Root(&'static str),
    /// Below the session.
    Session(&'static str),
}

struct Command {
    method: Method,
    place: Place,
    session: String,
    body: Option<String>,
}

impl Command {
    fn new(method: Method, place: Place, body: Option<&Value>) -> Self {
        Self { method, place, session: String::new(), body: body.map(Value::to_string) }
    }
}

impl fmt::Debug for Command {
    // The body may hold cookies and headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Root(path) | Place::Session(path) => write!(f, "{} {path}", self.method),
        }
    }
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, _: Option<&str>) -> Result<Url, ParseError> {
        match self.place {
            Place::Root(path) => base.join(path),
            Place::Session("") => base.join(&format!("session/{}", self.session)),
            Place::Session(path) => base.join(&format!("session/{}/{path}", self.session)),
        }
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (self.method.clone(), self.body.clone())
    }
}

/// Sorts the library's errors by what can be done about them.
fn fault(error: CmdError) -> Fault {
    let CmdError::Standard(answer) = error else {
        // Connection errors name neither address nor credentials.
        return Fault::Lost(match error {
            CmdError::FailedC(error) => {
                let mut text = error.to_string();
                let mut cause = std::error::Error::source(&error);
                while let Some(inner) = cause {
                    text = format!("{text}: {inner}");
                    cause = inner.source();
                }
                text
            }
            CmdError::Lost(error) => error.to_string(),
            CmdError::NotJson(_) | CmdError::Json(_) | CmdError::NotW3C(_) => {
                "the answer was not one of a WebDriver".to_owned()
            }
            other => first_line(&other.to_string()),
        });
    };
    let message = first_line(&answer.message);
    let gone = [
        "invalid session id",
        "session deleted",
        "disconnected",
        "not reachable",
        "not connected to DevTools",
        "tab crashed",
        "target window already closed",
        "no such window",
        // What a Grid says of a node that has gone.
        "may have died",
        FORWARDING,
        "cannot forward the request",
        "was terminated due to",
        "Session timed out or not found",
        "Unable to find session",
        "NoSuchSessionException",
    ];
    if answer.error == ErrorStatus::Timeout || message.starts_with("timeout") {
        return Fault::PageTimeout;
    }
    let code = answer.error();
    if gone.iter().any(|sign| message.contains(sign) || code.contains(sign)) {
        return Fault::Lost(message);
    }
    Fault::Answer(code, message)
}

/// The first line of a driver's message, without control characters and not too long; what
/// follows it are versions and stack traces.
pub(crate) fn first_line(message: &str) -> String {
    let line = message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    line.chars().filter(|c| !c.is_control()).take(LONGEST_MESSAGE).collect()
}
