//! Asking a service again what was recorded of it, as gently as one would want to be asked.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use redact::placeholder;

use super::compare::{says_nothing, sort};
use super::document::Held;
use super::{Answered, Document, Finding, Severity, Side, compare};
use crate::canonical::Matching;
use crate::cassette::Cassette;
use crate::message::{Headers, Interaction, Request, Response, Timing};
use crate::spool::Spool;
use crate::wire::{Sent, Upstream, end_to_end, to_map};
use crate::{Error, Result};

/// How large an answer may be, in bytes.
const LARGEST: usize = 64 << 20;
/// How often a service that asks for patience is asked again.
const TRIES: u32 = 3;

/// Whom to ask, and how.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Scheme, host and port of the service.
    pub target: String,
    /// Headers to send besides those that were recorded, such as credentials; they take the place
    /// of recorded ones.
    pub headers: Vec<(String, String)>,
    /// Methods to ask with; `GET` and `HEAD` change nothing.
    pub methods: BTreeSet<String>,
    /// What is not asked again, as method and recorded address.
    pub skip: BTreeSet<(String, String)>,
    /// How much time is between two requests at the least.
    pub pause: Duration,
    /// How long the service may ask for patience (`Retry-After`), and how long an answer may take.
    pub patience: Duration,
    /// Authorities that are trusted besides the system's, in PEM.
    pub authorities: Option<String>,
    /// What the answers are held against besides the recording.
    pub document: Option<Arc<Document>>,
}

impl Asking {
    /// Asks a service with `GET` and `HEAD`, without a pause, and waits for half a minute.
    pub fn of(target: &str) -> Asking {
        Asking {
            target: target.trim_end_matches('/').to_owned(),
            headers: Vec::new(),
            methods: ["GET", "HEAD"].map(str::to_owned).into(),
            skip: BTreeSet::new(),
            pause: Duration::ZERO,
            patience: Duration::from_secs(30),
            authorities: None,
            document: None,
        }
    }
}

/// What came of one recorded request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its method.
    pub method: String,
    /// Its address, as it was recorded.
    pub url: String,
    /// What the document calls its operation, where an answer was held against that.
    pub operation: Option<String>,
    /// Whether the service was asked; else the recording alone was held against the document.
    pub is_asked: bool,
    /// What differs, what matters most first; or why it could not be asked.
    pub found: Result<Vec<Finding>, String>,
    /// What was recorded, its bodies in memory, and what is answered now; where they differ in
    /// more than what is new. Secrets are in it.
    pub differs: Option<Box<(Interaction, Interaction)>>,
}

/// An answer that was just given.
struct Given {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
    head_ms: u64,
}

impl Given {
    fn answered(&self) -> Answered<'_> {
        let Given { status, headers, body, head_ms } = self;
        Answered { status: *status, headers, body, head_ms: Some(*head_ms) }
    }

    fn response(self) -> Response {
        let timing = Timing { head_ms: self.head_ms, chunks: Vec::new() };
        Response {
            status: self.status,
            headers: self.headers,
            body: self.body.into(),
            timing: Some(timing),
            ..Response::default()
        }
    }
}

/// Asks everything once that was recorded with one of the methods. What differs is asked for a
/// second time: what breaks a client both times does, what comes and goes is a warning. With a
/// document, what was recorded with other methods is held against that.
pub async fn check(
    cassette: &Cassette,
    asking: &Asking,
    mut progress: impl FnMut(usize, usize, &str),
) -> Result<Vec<Checked>> {
    let upstream = Upstream::new(asking.authorities.as_deref())?;
    let (requests, others): (Vec<_>, Vec<_>) = distinct(cassette, asking)?
        .into_iter()
        .partition(|one| asking.methods.contains(&one.request.method));
    let mut all = Vec::new();
    let mut last: Option<Instant> = None;
    for (at, interaction) in requests.iter().enumerate() {
        let Request { method, url, .. } = &interaction.request;
        progress(at, requests.len(), url);
        if let Some(left) = last.and_then(|last| asking.pause.checked_sub(last.elapsed())) {
            tokio::time::sleep(left).await;
        }
        let mut seen = Seen::default();
        let found = one(cassette, interaction, asking, &upstream, &mut seen).await;
        last = Some(Instant::now());
        let (method, url, Seen { operation, differs }) = (method.clone(), url.clone(), seen);
        all.push(Checked { method, url, operation, is_asked: true, found, differs });
    }
    if let Some(document) = &asking.document {
        for interaction in &others {
            all.extend(recorded(cassette, interaction, document)?);
        }
    }
    progress(requests.len(), requests.len(), "");
    Ok(all)
}

/// The first recording of each request that is not to be skipped.
fn distinct(cassette: &Cassette, asking: &Asking) -> Result<Vec<Interaction>> {
    let matching = Matching::default();
    let mut seen = BTreeSet::new();
    let mut requests = Vec::new();
    for one in cassette.read()? {
        let request = &one.interaction.request;
        let origin = crate::canonical::Address::of(&request.url).origin();
        if seen.insert((matching.keys(request).loose, origin))
            && !asking.skip.contains(&(request.method.clone(), request.url.clone()))
        {
            requests.push(one.interaction);
        }
    }
    Ok(requests)
}

/// What a document says of a recording that is not asked for again; nothing, when that is nothing.
fn recorded(
    cassette: &Cassette,
    interaction: &Interaction,
    document: &Document,
) -> Result<Option<Checked>> {
    let Request { method, url, .. } = &interaction.request;
    let body = cassette.body(&interaction.response.body)?;
    let held = Held::of(document, &interaction.request, &answered(&interaction.response, &body));
    let mut found = held.recorded();
    found.extend(held.always.iter().cloned());
    for one in &mut found {
        // Nothing was asked that could be said to be as it should.
        one.severity = one.severity.min(Severity::Warning);
    }
    sort(&mut found);
    let (method, url, operation) = (method.clone(), url.clone(), held.operation());
    let found = Some(found).filter(|found| !found.is_empty());
    Ok(found.map(|found| Checked {
        method,
        url,
        operation,
        is_asked: false,
        found: Ok(found),
        differs: None,
    }))
}

fn answered<'a>(response: &'a Response, body: &'a [u8]) -> Answered<'a> {
    Answered {
        status: response.status,
        headers: &response.headers,
        body,
        head_ms: response.timing.as_ref().map(|timing| timing.head_ms),
    }
}

/// What is known of a request besides what was found.
#[derive(Default)]
struct Seen {
    operation: Option<String>,
    differs: Option<Box<(Interaction, Interaction)>>,
}

async fn one(
    cassette: &Cassette,
    interaction: &Interaction,
    asking: &Asking,
    upstream: &Upstream,
    seen: &mut Seen,
) -> Result<Vec<Finding>, String> {
    let said = |error: Error| error.to_string();
    let response = &interaction.response;
    let body = cassette.body(&response.body).map_err(said)?;
    let before = answered(response, &body);
    let content = cassette.body(&interaction.request.body).map_err(said)?;
    let first = given(&interaction.request, &content, asking, upstream).await?;
    if matches!(first.status, 401 | 403)
        && before.status < 400
        && lacks(&interaction.request, asking)
    {
        return Err(format!(
            "it answers {}: the recording holds no credentials; give them with --header",
            first.status
        ));
    }
    let document = asking.document.as_deref();
    let held = document.map(|document| Held::of(document, &interaction.request, &before));
    let found = |after: &Answered<'_>| {
        let mut found = compare(&before, after);
        found.extend(held.iter().flat_map(|held| {
            if says_nothing(&before, after) { held.recorded() } else { held.live(after) }
        }));
        found
    };
    let always = || held.iter().flat_map(|held| held.always.iter().cloned());
    if !says_nothing(&before, &first.answered()) {
        seen.operation = held.as_ref().and_then(Held::operation);
    }
    let mut all = found(&first.answered());
    if all.iter().any(is_apart) {
        let second = given(&interaction.request, &content, asking, upstream).await?;
        all = together(all, found(&second.answered()));
        if !says_nothing(&before, &second.answered()) {
            seen.operation = held.as_ref().and_then(Held::operation);
        }
        if all.iter().any(is_apart) {
            let request = Request { body: content.into(), ..interaction.request.clone() };
            let was = Response { body: body.into(), ..response.clone() };
            let is = second.response();
            seen.differs = Some(Box::new((
                Interaction { request: request.clone(), response: was },
                Interaction { request, response: is },
            )));
        }
    }
    all.extend(always());
    sort(&mut all);
    Ok(all)
}

/// Whether it sets the two answers apart, in more than what is new.
fn is_apart(finding: &Finding) -> bool {
    let is_of_one = |side| matches!(side, Side::Live | Side::Recorded);
    finding.severity != Severity::Information
        && finding.document.as_ref().is_none_or(|rule| is_of_one(rule.side))
}

/// What two answers have shown. What breaks a client in one of them only is a warning, since it
/// comes and goes; but not when the other could not be looked at. What could not be looked at in
/// one was looked at in the other.
fn together(first: Vec<Finding>, second: Vec<Finding>) -> Vec<Finding> {
    let rule = |one: &Finding| one.document.as_ref().map(|rule| rule.rule.clone());
    let key = |one: &Finding| (one.change, one.place.clone(), rule(one));
    let is_in = |all: &[Finding], one: &Finding| all.iter().any(|other| key(other) == key(one));
    // Other words for the same place are the same: what is a number once and null the next time
    // breaks a client both times.
    let is_at = |all: &[Finding], place: &str| {
        all.iter().any(|one| one.severity == Severity::Breaking && one.place == place)
    };
    let is_unchecked = |all: &[Finding]| all.iter().any(|one| one.severity == Severity::Unchecked);
    let only = |one: &Finding, others: &[Finding]| -> Option<Finding> {
        match one.severity {
            Severity::Unchecked if is_unchecked(others) => Some(one.clone()),
            Severity::Unchecked => None,
            Severity::Breaking if !is_unchecked(others) && !is_at(others, &one.place) => {
                let after = format!("{} in one answer of two", one.after);
                Some(Finding { severity: Severity::Warning, after, ..one.clone() })
            }
            _ => Some(one.clone()),
        }
    };
    let mut all: Vec<Finding> = first
        .iter()
        .filter_map(|one| if is_in(&second, one) { Some(one.clone()) } else { only(one, &second) })
        .collect();
    all.extend(second.iter().filter(|one| !is_in(&first, one)).filter_map(|one| only(one, &first)));
    sort(&mut all);
    all
}

/// Whether the recorded request was sent with a secret that nobody has given for it.
fn lacks(request: &Request, asking: &Asking) -> bool {
    let is_given =
        |name: &str| asking.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    request.headers.iter().any(|(name, value)| is_secret(value) && !is_given(name))
}

fn is_secret(value: &[u8]) -> bool {
    matches!(placeholder::generalised(value), std::borrow::Cow::Owned(_))
        || memchr::memmem::find(value, b"${secret:").is_some()
}

fn request(
    recorded: &Request,
    content: &[u8],
    asking: &Asking,
) -> Result<http::Request<Sent>, String> {
    if is_secret(recorded.url.as_bytes()) {
        return Err("its address holds a secret, which the recording does not have".to_owned());
    }
    if is_secret(content) {
        return Err("its body holds a secret, which the recording does not have".to_owned());
    }
    let address = crate::canonical::Address::of(&recorded.url);
    let query = address.query.map(|query| format!("?{query}")).unwrap_or_default();
    let url = format!("{}{}{query}", asking.target, address.path);
    let mut headers = Headers::new();
    for (name, value) in recorded.headers.iter() {
        let is_own =
            matches!(name, "host" | "content-length" | "accept-encoding" | "content-encoding");
        let is_given = asking.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if !is_own && !is_given && !is_secret(value) {
            headers.add(name, value);
        }
    }
    headers.add("accept-encoding", "gzip, br, zstd, deflate");
    for (name, value) in &asking.headers {
        headers.add(name, value.as_str());
    }
    let mut spool = Spool::new();
    spool.take(content).map_err(|error| error.to_string())?;
    let mut request = http::Request::new(Sent::of(spool));
    *request.method_mut() = recorded.method.parse().map_err(|_| "it has no method".to_owned())?;
    *request.uri_mut() = url.parse().map_err(|_| format!("`{url}` is no address"))?;
    *request.headers_mut() = to_map(&headers);
    Ok(request)
}

async fn given(
    recorded: &Request,
    content: &[u8],
    asking: &Asking,
    upstream: &Upstream,
) -> Result<Given, String> {
    for tried in 1.. {
        let request = request(recorded, content, asking)?;
        let answer = tokio::time::timeout(asking.patience, answer(upstream, request)).await;
        let given = answer
            .map_err(|_| format!("there was no answer within {} s", asking.patience.as_secs()))??;
        let wait = given.headers.text("retry-after").and_then(|text| text.trim().parse().ok());
        let wait = wait.map(Duration::from_secs).filter(|wait| *wait <= asking.patience);
        match wait {
            Some(wait) if matches!(given.status, 429 | 503) && tried < TRIES => {
                tokio::time::sleep(wait).await;
            }
            _ => return Ok(given),
        }
    }
    unreachable!("the last try returns")
}

async fn answer(upstream: &Upstream, request: http::Request<Sent>) -> Result<Given, String> {
    let started = Instant::now();
    let response = upstream.send(request).await?;
    let head_ms = started.elapsed().as_millis() as u64;
    let (head, mut incoming) = response.into_parts();
    let mut coded = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| format!("the answer is not whole: {error}"))?;
        if let Some(bytes) = frame.data_ref() {
            coded.extend_from_slice(bytes);
            if coded.len() > LARGEST {
                return Err("the answer is larger than 64 MiB".to_owned());
            }
        }
    }
    let headers = end_to_end(&head.headers);
    let body = crate::coding::content(&headers, &coded, LARGEST)?;
    Ok(Given { status: head.status.as_u16(), headers, body, head_ms })
}

/// The worst that was found, as one severity; unchecked when there was nothing to ask.
pub fn worst(all: &[Checked]) -> Severity {
    let of = |one: &Checked| match &one.found {
        Ok(found) => found.first().map_or(Severity::Information, |worst| worst.severity),
        Err(_) => Severity::Unchecked,
    };
    let is_any = all.iter().any(|one| one.is_asked);
    let worst = all.iter().map(of).max().filter(|_| is_any);
    worst.unwrap_or(Severity::Unchecked)
}

/// Whether any answer was held against the document: a document in which nothing is found that was
/// asked says nothing of the service.
pub fn is_held(all: &[Checked]) -> bool {
    all.iter().any(|one| one.is_asked && one.operation.is_some() && one.found.is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::*;

    #[test]
    fn two_answers_are_told_together() {
        use Severity::{Breaking, Information, Unchecked, Warning};
        let finding = |severity, place: &str| Finding {
            severity,
            change: Change::Type,
            place: place.to_owned(),
            before: String::new(),
            after: String::new(),
            document: None,
        };
        let check = |first: &[(Severity, &str)],
                     second: &[(Severity, &str)],
                     expect: &[(Severity, &str)]| {
            let of = |all: &[(Severity, &str)]| {
                all.iter().map(|(severity, place)| finding(*severity, place)).collect::<Vec<_>>()
            };
            let all = together(of(first), of(second));
            let all: Vec<_> = all.iter().map(|one| (one.severity, one.place.as_str())).collect();
            assert_eq!(all, expect, "{first:?} {second:?}");
        };
        check(&[(Breaking, "$.a")], &[(Breaking, "$.a")], &[(Breaking, "$.a")]);
        check(&[(Breaking, "$.a")], &[], &[(Warning, "$.a")]);
        check(&[(Warning, "$.a")], &[(Breaking, "$.b")], &[(Warning, "$.a"), (Warning, "$.b")]);
        let other = Finding { change: Change::Null, ..finding(Breaking, "$.a") };
        let both = together(vec![finding(Breaking, "$.a")], vec![other]);
        assert!(both.iter().all(|one| one.severity == Breaking), "{both:?}");
        check(&[(Unchecked, "$.l[*]")], &[], &[]);
        check(&[(Unchecked, "$.l[*]")], &[(Breaking, "$.l[*].a")], &[(Breaking, "$.l[*].a")]);
        check(&[(Unchecked, "$.a")], &[(Unchecked, "$.a")], &[(Unchecked, "$.a")]);
        // Neither was looked at, each for a reason of its own.
        check(
            &[(Unchecked, "status")],
            &[(Unchecked, "$.l[*]")],
            &[(Unchecked, "$.l[*]"), (Unchecked, "status")],
        );
        check(
            &[(Breaking, "$.a"), (Information, "$.n")],
            &[],
            &[(Warning, "$.a"), (Information, "$.n")],
        );
    }
}
