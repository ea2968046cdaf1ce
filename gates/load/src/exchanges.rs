//! Single exchanges, without their secrets.

use std::collections::BTreeMap;

use gate_core::evidence::{ExchangeEvidence, ExchangeSchema, Request, Response};
use gate_core::{Context, Error, Evidence};
use load::{Exchange, Exchanges, Parts};
use redact::Cleaner;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::shown::{Shown, What};
use crate::words::time;

/// What is known of one of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeenExchange {
    /// When it was due, in seconds since the start of what is counted.
    pub(crate) at: f64,
    /// In microseconds, as all that follow.
    pub(crate) latency: u64,
    /// How much of that was the lateness of the generator.
    pub(crate) lag: u64,
    /// How much of that was the wait for a connection.
    pub(crate) wait: u64,
    /// From when it was sent to the first byte.
    pub(crate) first_byte: Option<u64>,
    /// Why it failed, in the word of reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    /// 0 when nothing came.
    pub(crate) status: u16,
    /// Which step it is, from 0.
    pub(crate) step: usize,
    /// `GET /offers`.
    pub(crate) line: String,
    /// All of it; none where nothing is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Evidence>,
}

/// The slowest and the first that failed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeenExchanges {
    /// The very slowest first.
    pub(crate) slowest: Vec<SeenExchange>,
    /// In their order.
    pub(crate) failed: Vec<SeenExchange>,
}

/// Keeps an exchange that has no secrets left; gives what it is kept as.
pub(crate) type Keep<'k> = dyn FnMut(Shown) -> Result<Option<Evidence>, Error> + 'k;

/// Takes the secrets out of all of them.
pub(crate) fn without_secrets(
    all: &Exchanges,
    url: &Url,
    cx: &Context,
    keep: &mut Keep<'_>,
) -> Result<SeenExchanges, Error> {
    let cleaner = Cleaner::new(cx.redactor().clone(), &[], fresh_key()?);
    let mut each = |list: Vec<&Exchange>| {
        let each = list.into_iter().map(|one| seen(one, url, &cleaner, keep));
        each.collect::<Result<Vec<_>, Error>>()
    };
    Ok(SeenExchanges { slowest: each(all.slowest())?, failed: each(all.failed())? })
}

/// A key for placeholders, which nobody can find what they stand for without.
pub(crate) fn fresh_key() -> Result<redact::placeholder::Key, Error> {
    use ring::rand::SecureRandom;
    let mut key = [0; 32];
    let filled = ring::rand::SystemRandom::new().fill(&mut key);
    filled.map_err(|_| Error::new("this system gives no random numbers"))?;
    Ok(redact::placeholder::Key(key))
}

fn seen(
    one: &Exchange,
    url: &Url,
    cleaner: &Cleaner,
    keep: &mut Keep<'_>,
) -> Result<SeenExchange, Error> {
    let asked = one.asked();
    let mut words = asked.line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let host = value(&asked, "host").unwrap_or_default();
    let whole = cleaner.url(&format!("{}://{host}{path}", url.scheme())).into_owned();
    let line = match Url::parse(&whole) {
        Ok(clean) => {
            let query = clean.query().map(|query| format!("?{query}")).unwrap_or_default();
            format!("{method} {}{query}", clean.path())
        }
        Err(_) => method.to_owned(),
    };
    let answered = one.answered();
    let clean = |parts: &Parts| (headers(parts, &host, cleaner), body(parts, &host, cleaner));
    let (of_request, sent) = clean(&asked);
    let response = answered.as_ref().map(|parts| {
        let (headers, body) = clean(parts);
        Response { status: one.status, headers, body }
    });
    let exchange = ExchangeEvidence {
        schema: ExchangeSchema::V1,
        request: Request { method: method.to_owned(), url: whole, headers: of_request, body: sent },
        response,
        expected: None,
        differences: Vec::new(),
    };
    let took = time((one.latency / 1000) as f64);
    let label = match one.failure {
        Some(failure) => format!("failed ({}) after {took}: {line}", failure.name()),
        None => format!("slow, {took}: {line}"),
    };
    let evidence = keep(Shown { label, what: What::Exchange(Box::new(exchange)) })?;
    Ok(SeenExchange {
        at: one.intended as f64 / 1e9,
        latency: one.latency / 1000,
        lag: one.lag / 1000,
        wait: one.wait / 1000,
        first_byte: one.first_byte.map(|first| first / 1000),
        failure: one.failure.map(|failure| failure.name().to_owned()),
        status: one.status,
        step: one.step,
        line,
        evidence,
    })
}

fn value(parts: &Parts, name: &str) -> Option<String> {
    let found = parts.headers.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

fn headers(parts: &Parts, host: &str, cleaner: &Cleaner) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let clean = cleaner.header(host, name, value);
        all.entry(name.clone()).or_default().push(String::from_utf8_lossy(&clean).into_owned());
    }
    all
}

/// The start of a body, where it is text. What is cut off at its end may be the start of a secret
/// that nobody knows by its start.
fn body(parts: &Parts, host: &str, cleaner: &Cleaner) -> Option<String> {
    let text = std::str::from_utf8(&parts.body);
    let start = match &text {
        Ok(text) => text,
        // It was cut off within a letter.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&parts.body[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let length = value(parts, "content-length").and_then(|length| length.parse().ok());
    let is_whole = length == Some(parts.body.len());
    let end = if is_whole {
        start.len()
    } else {
        start.rfind(|c: char| c.is_whitespace() || ",;<>\"'&".contains(c)).unwrap_or(0)
    };
    let kind = value(parts, "content-type").unwrap_or_default();
    let clean = cleaner.body(host, &kind, &start.as_bytes()[..end]);
    let text = String::from_utf8_lossy(&clean).into_owned();
    (!text.is_empty()).then(|| if is_whole { text } else { text + "…" })
}
