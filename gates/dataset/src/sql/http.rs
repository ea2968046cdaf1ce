//! What servers that are asked over HTTP have in common: addresses, bounded answers, and words that
//! hold no secret.

use std::fmt;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::header::HeaderValue;
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::Value as Json;

use super::rows::{Row, Value, otherwise};
use super::tls;
use crate::error::Error;

/// The most bytes that all answers to a query may have. A row is of an arm and of a day or of one of a
/// thousand values of a segment, so real ones are far below it, however many rows the tables have.
const MOST_BYTES: usize = 64 << 20;
/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(30);
/// How often a connection on which nothing comes is asked whether the other side is still there.
const ALIVE: Duration = Duration::from_mins(1);
/// The most letters of what a server says that are repeated.
const MOST_WORDS: usize = 1000;

/// Who asks, where the address of a server does not say it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// Their name.
    pub user: Option<String>,
    /// Their password.
    pub password: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| "[password]");
        f.debug_struct("Login").field("user", &self.user).field("password", &password).finish()
    }
}

/// A kind of server, as it is written about.
#[derive(Clone, Copy)]
pub(super) struct Named {
    /// Its name.
    pub(super) name: &'static str,
    /// An address of one.
    pub(super) example: &'static str,
}

/// A server that is asked over HTTP.
pub(super) struct Http {
    pub(super) client: Client,
    named: Named,
    /// Without user, password, path and query.
    pub(super) base: Url,
    /// What stands in the path: a database, or a catalogue and a schema.
    pub(super) path: Vec<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
}

impl Http {
    /// The server at an address like `https://reader@db.example.com:8443/shop`.
    pub(super) fn at(connection: &str, login: &Login, named: Named) -> Result<Http, Error> {
        // What it says is not repeated: there may be a password in it.
        let wrong = |what: &str| {
            Error::new(format!("the connection to {} {what}", named.name))
                .hint(format!("write it like {}", named.example))
        };
        let mut url = Url::parse(connection).map_err(|_| wrong("is no address"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("is no address of http or https"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has more than an address behind its path"));
        }
        let text = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(std::borrow::Cow::into_owned).map_err(|_| wrong("has letters that are none"))
        };
        let parts = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty());
        let path = parts.map(text).collect::<Result<Vec<String>, Error>>()?;
        let of_url = |part: &str| (!part.is_empty()).then(|| text(part)).transpose();
        let (user, password) =
            (of_url(url.username())?, url.password().map(of_url).transpose()?.flatten());
        if user.is_some() && login.user.is_some() || password.is_some() && login.password.is_some()
        {
            return Err(wrong("says who asks, and so does something else"));
        }
        let (user, password) =
            (user.or_else(|| login.user.clone()), password.or_else(|| login.password.clone()));
        if password.is_some() && user.is_none() {
            return Err(wrong("has a password, and nothing says whose"));
        }
        // An address with a host has a place for these.
        let _ = (url.set_username(""), url.set_password(None));
        url.set_path("/");
        let tls =
            tls::config(url.scheme() == "https").map_err(|error| wrong(&error.to_string()))?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("gate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .tcp_keepalive(ALIVE)
            .build()
            .map_err(|error| wrong(&format!("cannot be made: {}", root(&error))))?;
        Ok(Http { client, named, base: url, path, user, password })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Sends a request; whatever comes back has come.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let response = request.send().await.map_err(|error| {
            if !error.is_connect() {
                return Error::new(format!("the connection broke: {}", root(&error)));
            }
            let told = Error::new(format!("the server cannot be connected to: {}", root(&error)));
            told.hint(if self.is_encrypted() {
                "is its certificate one that this machine trusts, for this host?"
            } else {
                "is the address right, and is its port the one of HTTP?"
            })
        })?;
        if response.status().is_redirection() {
            return Err(Error::new("the server sends on to another address")
                .hint("write the final address: who asks is told to nobody else"));
        }
        Ok(response)
    }

    /// Reads all that has come. `room` is how many bytes may still come.
    pub(super) async fn body(
        &self,
        mut response: Response,
        room: &mut Room,
    ) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(body),
                Ok(Some(part)) => {
                    room.0 = room.0.checked_sub(part.len()).ok_or_else(|| {
                        Error::new(format!("the answer is larger than {} MiB", MOST_BYTES >> 20))
                            .hint("leave segments out, or values that only few visitors have")
                    })?;
                    body.extend_from_slice(&part);
                }
                Err(error) => {
                    return Err(Error::new(format!("the answer broke off: {}", root(&error))));
                }
            }
        }
    }

    /// What the server says is wrong, without secrets.
    pub(super) fn refused(&self, words: &str) -> Error {
        let mut words = words.trim().to_owned();
        for secret in self.password.iter().filter(|secret| !secret.is_empty()) {
            words = words.replace(secret.as_str(), "[password]");
        }
        if let Some((end, _)) = words.char_indices().nth(MOST_WORDS) {
            words.truncate(end);
            words.push_str(" ...");
        }
        Error::new(format!("{} refuses: {words}", self.named.name))
    }

    /// An answer that is none of this kind of server.
    pub(super) fn stranger(&self, response: &Response) -> Error {
        Error::new(format!("the server answers with status {}", response.status().as_u16()))
            .hint(format!("is this an address like {}?", self.named.example))
    }
}

/// A text as a header's value.
pub(super) fn header(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
        Error::new("the user, the password or a name has a letter that cannot be sent")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// How many bytes may still come.
pub(super) struct Room(usize);

impl Default for Room {
    fn default() -> Room {
        Room(MOST_BYTES)
    }
}

/// The cause at the bottom: what stands above it repeats the address.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() { "it takes too long".to_owned() } else { cause.to_string() }
}

/// Rows as lists of values.
pub(super) fn rows(data: Json) -> Result<Vec<Row>, Error> {
    let Json::Array(rows) = data else { return Err(otherwise("its rows are no list")) };
    rows.into_iter().map(row).collect()
}

fn row(row: Json) -> Result<Row, Error> {
    let Json::Array(values) = row else { return Err(otherwise("a row is no list")) };
    let value = |value: Json| match value {
        Json::Null => Ok(Value::Null),
        Json::String(text) => Ok(Value::Text(text)),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(Value::Whole(whole)),
            (None, Some(real)) => Ok(Value::Real(real)),
            (None, None) => Err(otherwise("a number is none")),
        },
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
            Err(otherwise("a value is neither a number nor a text"))
        }
    };
    values.into_iter().map(value).collect::<Result<Vec<Value>, Error>>().map(Row::new)
}

/// The types of columns, out of a list of `{name, type}`.
pub(super) fn types(columns: &Json) -> Result<Vec<String>, Error> {
    let columns = columns.as_array().ok_or_else(|| otherwise("it has no list of columns"))?;
    let named = |column: &Json| column.get("type")?.as_str().map(str::to_owned);
    let all: Option<Vec<String>> = columns.iter().map(named).collect();
    all.ok_or_else(|| otherwise("a column has no type"))
}
