//! Asks ClickHouse over its HTTP interface.
//!
//! A status is sent before all of an answer is known, unless the server is told to wait for the end.
//! Behind that a proxy, or a server of another version, may still end an answer with an error in the
//! middle of it, so what is no whole document is none at all.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::RequestBuilder;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value as Json;

use super::asking::{Server, answered};
use super::http::{self, Http, Login, Named, Room};
use super::rows::{Row, otherwise};
use super::uses::Use;
use super::{Dialect, Kind, Table};
use crate::answer::Answer;
use crate::error::Error;
use crate::question::Question;

const NAMED: Named =
    Named { name: "ClickHouse", example: "https://reader@clickhouse.example.com:8443/shop" };

/// What begins every message of the server.
const EXCEPTION: &str = "DB::Exception: ";
/// Its code for a setting that may not be changed by somebody who may only read.
const READONLY: u32 = 164;
/// Its codes for a user or a password that is wrong.
const UNKNOWN_LOGINS: [u32; 3] = [192, 194, 516];
/// Its code for what this user may not see.
const ACCESS_DENIED: u32 = 497;

/// What each query is asked with: nothing is changed, and one that nobody waits for any more ends.
const SETTINGS: [(&str, &str); 4] = [
    ("readonly", "2"),
    ("cancel_http_readonly_queries_on_client_close", "1"),
    ("output_format_json_quote_64bit_integers", "1"),
    ("output_format_json_quote_denormals", "1"),
];

/// Answers a question about tables of a ClickHouse server. `connection` is the address of its HTTP
/// interface with the database as its path, `https://reader@clickhouse.example.com:8443/shop`; who
/// asks stands there or in `login`. Waits as long as the server takes; a query under way ends when
/// this is dropped.
///
/// There are no transactions: the sums come from one query, and what was left out is counted by those
/// before it.
pub async fn clickhouse(
    question: &Question<Table>,
    connection: &str,
    login: &Login,
) -> Result<Answer, Error> {
    question.check()?;
    let http = Http::at(connection, login, NAMED)?;
    if http.path.len() > 1 {
        return Err(Error::new("the address has more than a database as its path")
            .hint(format!("write it like {}", NAMED.example)));
    }
    answered(&ClickHouse { http, may_set: AtomicBool::new(true) }, question).await
}

struct ClickHouse {
    http: Http,
    /// Whether this user may change settings.
    may_set: AtomicBool,
}

/// An answer that went wrong.
struct Refused {
    code: Option<u32>,
    error: Error,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused { code: None, error }
    }
}

impl ClickHouse {
    /// What a query comes to: `{meta, data, rows, ...}`.
    async fn asked(&self, sql: &str) -> Result<Json, Error> {
        let may_set = self.may_set.load(Ordering::Relaxed);
        match self.told(self.request(sql, may_set)?).await {
            // Somebody who may only read may not even say that they will only read.
            Err(Refused { code: Some(READONLY), .. }) if may_set => {
                self.may_set.store(false, Ordering::Relaxed);
                self.told(self.request(sql, false)?).await
            }
            told => told,
        }
        .map_err(|refused| refused.error)
    }

    fn request(&self, sql: &str, may_set: bool) -> Result<RequestBuilder, Error> {
        let http = &self.http;
        let mut url = http.base.clone();
        let database = http.path.iter().map(|name| ("database", name.as_str()));
        url.query_pairs_mut()
            .extend_pairs([("default_format", "JSONCompact"), ("wait_end_of_query", "1")])
            .extend_pairs(database)
            .extend_pairs(SETTINGS.iter().filter(|_| may_set));
        let mut request = http.client.post(url).header(CONTENT_TYPE, "text/plain; charset=utf-8");
        if let Some(user) = &http.user {
            request = request.header("X-ClickHouse-User", http::header(user)?);
        }
        if let Some(password) = &http.password {
            request = request.header("X-ClickHouse-Key", http::header(password)?);
        }
        Ok(request.body(sql.to_owned()))
    }

    async fn told(&self, request: RequestBuilder) -> Result<Json, Refused> {
        let response = self.http.send(request).await?;
        let code = response
            .headers()
            .get("X-ClickHouse-Exception-Code")
            .map(|code| code.to_str().ok().and_then(|code| code.parse().ok()).unwrap_or_default());
        let (is_good, stranger) = (response.status().is_success(), self.http.stranger(&response));
        let body = self.http.body(response, &mut Room::default()).await?;
        if is_good && code.is_none() {
            return self.read(&body);
        }
        Err(match message(&String::from_utf8_lossy(&body)) {
            Some((told, message)) => self.refused(code.or(told), message),
            None => stranger.into(),
        })
    }

    /// A whole document, or the error that stands in it.
    fn read(&self, body: &[u8]) -> Result<Json, Refused> {
        let read: Result<Json, serde_json::Error> = serde_json::from_slice(body);
        match read {
            Ok(mut all) => match all.get_mut("exception").map(Json::take) {
                None => Ok(all),
                Some(told) => {
                    let told = told.as_str().unwrap_or_default();
                    let (code, message) = message(told).unwrap_or((None, told));
                    Err(self.refused(code, message))
                }
            },
            Err(error) => Err(match message(&String::from_utf8_lossy(body)) {
                Some((code, message)) => self.refused(code, message),
                None => otherwise(&format!("it is no whole JSON document: {error}")).into(),
            }),
        }
    }

    fn refused(&self, code: Option<u32>, message: &str) -> Refused {
        let error = self.http.refused(message);
        let error = match code {
            Some(code) if UNKNOWN_LOGINS.contains(&code) => {
                error.hint("the user, the password or both are others there")
            }
            Some(ACCESS_DENIED) => error.hint("this user has to be allowed to read the tables"),
            _ => error,
        };
        Refused { code, error }
    }
}

/// The last message of an exception in a text, with its code: `Code: 60. DB::Exception: Table
/// shop.none does not exist. (UNKNOWN_TABLE) (version 25.8.1.1)`.
fn message(text: &str) -> Option<(Option<u32>, &str)> {
    let at = text.rfind(EXCEPTION)?;
    let (before, message) = (&text[..at], &text[at + EXCEPTION.len()..]);
    let code = before.rfind("Code: ").map(|at| before[at + 6..].trim_end_matches(['.', ' ']));
    let message = message.rfind(" (version ").map_or(message, |end| &message[..end]);
    Some((code.and_then(|code| code.parse().ok()), message))
}

impl Server for ClickHouse {
    const DIALECT: Dialect = Dialect::ClickHouse;

    fn kind(named: &str, used: Use) -> Option<Kind> {
        let mut named = named;
        for around in ["LowCardinality(", "Nullable("] {
            let inner = named.strip_prefix(around).and_then(|named| named.strip_suffix(')'));
            named = inner.unwrap_or(named);
        }
        let base = named.split_once('(').map_or(named, |(base, _)| base);
        match (used, base) {
            (Use::Text, _)
            | (Use::Time, "DateTime" | "DateTime64")
            | (Use::Value, "BFloat16" | "Float32" | "Float64") => Some(Kind::Plain),
            (Use::Time, "Date" | "Date32") => Some(Kind::Wall),
            (Use::Time, "Int32" | "UInt32" | "Int64" | "UInt64") => Some(Kind::Count),
            (Use::Value, "Bool") => Some(Kind::Truth),
            (Use::Value, base) => {
                let bits = base.trim_start_matches('U').strip_prefix("Int");
                let bits = bits.or_else(|| base.strip_prefix("Decimal"))?;
                bits.bytes().all(|bit| bit.is_ascii_digit()).then_some(Kind::Plain)
            }
            (Use::Time, _) => None,
        }
    }

    async fn types(&self, sql: &str) -> Result<Vec<String>, Error> {
        http::types(&self.asked(sql).await?["meta"])
    }

    async fn rows(&self, sql: &str) -> Result<Vec<Row>, Error> {
        let mut all = self.asked(sql).await?;
        let rows = http::rows(all["data"].take())?;
        // A document that was cut at the end of a row and mended would have fewer.
        if all["rows"].as_u64() != Some(rows.len() as u64) {
            return Err(otherwise("it has not as many rows as it says"));
        }
        Ok(rows)
    }
}
