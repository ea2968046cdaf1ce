//! Asks Trino by the protocol of its clients
//! (<https://trino.io/docs/current/develop/client-protocol.html>): a query is posted, and each answer
//! says where the next one is, until one does not.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, StatusCode, Url};
use serde_json::Value as Json;
use tokio::runtime::Handle;

use super::asking::{Server, answered};
use super::http::{self, Http, Login, Named, Room};
use super::rows::{Row, otherwise};
use super::uses::Use;
use super::{Dialect, Kind, Table};
use crate::answer::Answer;
use crate::error::Error;
use crate::question::Question;

const NAMED: Named = Named { name: "Trino", example: "https://reader@trino.example.com/hive/shop" };

/// How long a server that is busy is asked again.
const PATIENCE: Duration = Duration::from_mins(2);
/// The first pause before that, as the protocol has it; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long telling a server that nobody waits any more may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Answers a question about tables of a Trino server. `connection` is the address of its coordinator
/// with the catalogue and the schema as its path, `https://reader@trino.example.com/hive/shop`, as far
/// as the tables' names do not say them; who asks stands there or in `login`, and a password is told
/// over https alone. Waits as long as the server takes; a query under way is called off when this is
/// dropped.
///
/// There are no transactions: the sums come from one query, and what was left out is counted by those
/// before it.
pub async fn trino(
    question: &Question<Table>,
    connection: &str,
    login: &Login,
) -> Result<Answer, Error> {
    question.check()?;
    let http = Http::at(connection, login, NAMED)?;
    let wrong = |what: &str| Error::new(what).hint(format!("write it like {}", NAMED.example));
    let Some(user) = &http.user else { return Err(wrong("nothing says who asks Trino")) };
    if http.password.is_some() && !http.is_encrypted() {
        return Err(wrong("a password is not sent to Trino over http"));
    }
    let (catalog, schema) = match &http.path[..] {
        [] => (None, None),
        [catalog] => (Some(catalog), None),
        [catalog, schema] => (Some(catalog), Some(schema)),
        _ => return Err(wrong("the address has more than a catalogue and a schema as its path")),
    };
    let mut headers = HeaderMap::new();
    headers.insert("X-Trino-User", http::header(user)?);
    headers.insert("X-Trino-Source", http::header("gate")?);
    headers.insert("X-Trino-Time-Zone", http::header(question.zone.name())?);
    for (name, value) in [("X-Trino-Catalog", catalog), ("X-Trino-Schema", schema)] {
        if let Some(value) = value {
            headers.insert(name, http::header(value)?);
        }
    }
    answered(&Trino { http, headers }, question).await
}

struct Trino {
    http: Http,
    headers: HeaderMap,
}

/// A query under way. What is left of it is called off.
struct Running<'t> {
    trino: &'t Trino,
    next: Option<Url>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Where nothing runs any more the server ends it by itself, since nobody asks for the rest.
        if let (Some(next), Ok(runtime)) = (self.next.take(), Handle::try_current()) {
            let farewell = self.trino.with(self.trino.http.client.delete(next)).timeout(FAREWELL);
            drop(runtime.spawn(farewell.send()));
        }
    }
}

/// What a query comes to.
#[derive(Default)]
struct Told {
    types: Option<Vec<String>>,
    rows: Vec<Row>,
}

impl Trino {
    fn with(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.headers(self.headers.clone());
        match (&self.http.user, &self.http.password) {
            (Some(user), Some(password)) => request.basic_auth(user, Some(password)),
            _ => request,
        }
    }

    async fn asked(&self, sql: &str) -> Result<Told, Error> {
        let mut running = Running { trino: self, next: None };
        let told = self.followed(sql, &mut running).await;
        if let Some(next) = running.next.take() {
            // Told now, and not in passing: the runtime may end with the error. It is no matter how
            // the server takes it.
            let farewell = self.with(self.http.client.delete(next)).timeout(FAREWELL);
            let _ = farewell.send().await;
        }
        told
    }

    /// All that comes, from one address to the next.
    async fn followed(&self, sql: &str, running: &mut Running<'_>) -> Result<Told, Error> {
        let (mut told, mut room) = (Told::default(), Room::default());
        let mut url = self.http.base.clone();
        url.set_path("/v1/statement");
        let mut page = self
            .page(|| self.http.client.post(url.clone()).body(sql.to_owned()), &mut room)
            .await?;
        loop {
            running.next = self.next(&page)?;
            if let Some(error) = page.get("error").filter(|error| !error.is_null()) {
                running.next = None;
                let message = error.get("message").and_then(Json::as_str);
                return Err(self.http.refused(message.unwrap_or("it does not say why")));
            }
            if let Some(columns) = page.get("columns").filter(|columns| !columns.is_null()) {
                told.types = Some(http::types(columns)?);
            }
            if let Some(data) = page.get_mut("data").filter(|data| !data.is_null()) {
                told.rows.extend(http::rows(data.take())?);
            }
            let Some(next) = running.next.clone() else { return Ok(told) };
            page = self.page(|| self.http.client.get(next.clone()), &mut room).await?;
        }
    }

    /// Where the next answer is; nowhere but on the server itself, which is told who asks.
    fn next(&self, page: &Json) -> Result<Option<Url>, Error> {
        let Some(next) = page.get("nextUri").filter(|next| !next.is_null()) else {
            return Ok(None);
        };
        let next = next.as_str().and_then(|next| Url::parse(next).ok());
        let next = next.ok_or_else(|| otherwise("the next address is none"))?;
        if next.origin() == self.http.base.origin() {
            return Ok(Some(next));
        }
        Err(otherwise("the rest is at another address").hint(
            "a proxy before Trino has to say its own address in X-Forwarded-Proto, -Host and -Port, \
             and Trino needs http-server.process-forwarded=true",
        ))
    }

    /// One answer. A server, or what stands before it, may be busy for a while.
    async fn page(
        &self,
        request: impl Fn() -> RequestBuilder,
        room: &mut Room,
    ) -> Result<Json, Error> {
        let mut waiting = Waiting::default();
        loop {
            let response = self.http.send(self.with(request())).await?;
            let status = response.status();
            if status == StatusCode::OK {
                let body = self.http.body(response, room).await?;
                return serde_json::from_slice(&body)
                    .map_err(|error| otherwise(&format!("it is no whole JSON document: {error}")));
            }
            if !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
                return Err(self.refused(response).await);
            }
            let after = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok());
            let after = after.and_then(|after| after.trim().parse().ok()).map(Duration::from_secs);
            let pause = waiting.pause(after).ok_or_else(|| {
                Error::new(format!(
                    "the server is busy and answers with status {}",
                    status.as_u16()
                ))
                .hint("ask again later")
            })?;
            tokio::time::sleep(pause).await;
        }
    }

    async fn refused(&self, response: reqwest::Response) -> Error {
        let stranger = self.http.stranger(&response);
        let status = response.status();
        let is_text = response
            .headers()
            .get(reqwest::header::CONTENT_TYPE)
            .is_some_and(|of| of.as_bytes().starts_with(b"text/plain"));
        let is_login = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let body = self.http.body(response, &mut Room::default()).await.unwrap_or_default();
        let told = match String::from_utf8_lossy(&body).trim() {
            "" => stranger,
            text if is_text => self.http.refused(text),
            _ => stranger,
        };
        if is_login {
            return told.hint("the user, the password or both are others there");
        }
        told
    }
}

/// How long a busy server has been waited for.
struct Waiting {
    left: Duration,
    pause: Duration,
}

impl Default for Waiting {
    fn default() -> Waiting {
        Waiting { left: PATIENCE, pause: PAUSE }
    }
}

impl Waiting {
    /// How long to wait before asking again, at least as long as the server says; none when that
    /// has been long enough.
    fn pause(&mut self, after: Option<Duration>) -> Option<Duration> {
        let pause = self.pause.max(after.unwrap_or_default());
        self.left = self.left.checked_sub(pause)?;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Some(pause)
    }
}

impl Server for Trino {
    const DIALECT: Dialect = Dialect::Trino;

    fn kind(named: &str, used: Use) -> Option<Kind> {
        // `timestamp(3) with time zone`, without what stands between the brackets.
        let (base, rest) = named.split_once('(').unwrap_or((named, ""));
        let rest = rest.split_once(')').map_or("", |(_, rest)| rest);
        match (used, base, rest) {
            (Use::Text, ..)
            | (Use::Time, "timestamp with time zone", "")
            | (Use::Time, "timestamp", " with time zone")
            | (
                Use::Value,
                "tinyint" | "smallint" | "integer" | "bigint" | "real" | "double" | "decimal",
                "",
            ) => Some(Kind::Plain),
            (Use::Time, "timestamp" | "date", "") => Some(Kind::Wall),
            (Use::Time, "integer" | "bigint", "") => Some(Kind::Count),
            (Use::Value, "boolean", "") => Some(Kind::Truth),
            _ => None,
        }
    }

    async fn types(&self, sql: &str) -> Result<Vec<String>, Error> {
        self.asked(sql).await?.types.ok_or_else(|| otherwise("it has no list of columns"))
    }

    async fn rows(&self, sql: &str) -> Result<Vec<Row>, Error> {
        Ok(self.asked(sql).await?.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_is_waited_for_and_not_for_ever() {
        let mut waiting = Waiting::default();
        let pauses: Vec<Duration> = std::iter::from_fn(|| waiting.pause(None)).collect();
        assert_eq!(pauses[..3], [100, 200, 400].map(Duration::from_millis));
        let all: Duration = pauses.iter().sum();
        assert!(all <= PATIENCE && all + LONGEST_PAUSE > PATIENCE, "{all:?}");
        let mut waiting = Waiting::default();
        assert_eq!(waiting.pause(Some(Duration::from_secs(3))), Some(Duration::from_secs(3)));
        assert_eq!(waiting.pause(Some(Duration::from_secs(118))), None);
    }
}
