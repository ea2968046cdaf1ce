//! A request on its way, and the whole answer to it.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use gate_request::{Answer, Ready};
use recorder::{Headers, UNANSWERED};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};

use super::super::client::root;
use super::Flow;
use crate::settings::RequestSpec;

/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 << 20;
/// How often an answer may send somewhere else.
const REDIRECTS: usize = 10;
/// Headers that go along to another service.
const ALONG: [&str; 3] = ["accept", "accept-language", "content-type"];

impl Flow<'_> {
    pub(super) async fn sent(&self, spec: &RequestSpec, ready: &Ready) -> Result<Answer, String> {
        let mut method: Method =
            spec.request.method.parse().map_err(|_| "it has no method".to_owned())?;
        let mut ready = ready.clone();
        let started = Instant::now();
        for _ in 0..=REDIRECTS {
            let left = spec.timeout.0.saturating_sub(started.elapsed());
            let mut request = self
                .client
                .request(method.clone(), ready.url.clone())
                .headers(header_map(&ready.headers)?)
                .timeout(left.max(Duration::from_millis(1)));
            if let Some(body) = &ready.body {
                request = request.body(body.clone());
            }
            let response = request.send().await.map_err(|error| root(&error))?;
            let status = response.status();
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let Some(to) = to.filter(|_| spec.follow && status.is_redirection()) else {
                let answer = read(response, started).await?;
                if self.is_through && answer.has(UNANSWERED) {
                    let why = String::from_utf8_lossy(&answer.body);
                    return Err(why.trim().trim_start_matches("gate: ").to_owned());
                }
                return Ok(answer);
            };
            let to = ready.url.join(to).map_err(|_| "it leads to no address".to_owned())?;
            // 303 means: ask there. For 301 and 302 browsers do the same with a POST.
            let is_asked = status.as_u16() == 303 && method != Method::HEAD;
            if is_asked || (matches!(status.as_u16(), 301 | 302) && method == Method::POST) {
                method = Method::GET;
                ready.body = None;
                ready.headers.retain(|(name, _)| name != "content-type");
            }
            if to.origin() != ready.url.origin() {
                // What belongs to one service is told to no other.
                ready.headers.retain(|(name, _)| ALONG.contains(&name.as_str()));
            }
            ready.url = to;
        }
        Err(format!("it is sent on more than {REDIRECTS} times"))
    }
}

/// The whole answer, its content codings taken off.
async fn read(mut response: reqwest::Response, started: Instant) -> Result<Answer, String> {
    let mut headers = Headers::new();
    for (name, value) in response.headers() {
        headers.add(name.as_str(), value.as_bytes());
    }
    let mut coded = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| root(&error))? {
        coded.extend_from_slice(&part);
        if coded.len() > LARGEST {
            return Err("the answer is larger than 64 MiB".to_owned());
        }
    }
    let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
    Ok(Answer {
        status: response.status().as_u16(),
        version: format!("{:?}", response.version()),
        url: response.url().to_string(),
        body: recorder::content(&headers, &coded, LARGEST)?,
        headers: headers.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect(),
        duration_ms,
        json: OnceLock::new(),
    })
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let wrong = || format!("the header {name} cannot be sent");
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        map.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
    }
    Ok(map)
}
