//! Exchanges as evidence, without their secrets.

use std::collections::BTreeMap;

use gate_core::evidence::{
    Difference, ExchangeEvidence, ExchangeSchema, Request as ShownRequest,
    Response as ShownResponse,
};
use gate_core::{Context, Error, Evidence, Json};
use recorder::{Content, Headers, Interaction, Missed};
use redact::Cleaner;

use crate::seen;

/// How many exchanges of one attempt are kept.
const MOST: usize = 50;
/// How much of a body is kept, in bytes.
const LARGEST: usize = 256 << 10;

/// How many exchanges were kept.
#[derive(Default)]
pub(crate) struct Kept(usize);

impl Kept {
    /// Keeps an exchange with what should have come, unless there are many already. Secrets are
    /// taken out of both.
    pub(crate) fn exchange(
        &mut self,
        is: &Interaction,
        expected: Option<&Interaction>,
        differences: Vec<Difference>,
        cleaner: &Cleaner,
        cx: &Context,
    ) -> Result<Option<Evidence>, Error> {
        if self.0 == MOST {
            return Ok(None);
        }
        self.0 += 1;
        let clean = recorder::without_secrets(is, cleaner);
        let expected = expected.map(|one| recorder::without_secrets(one, cleaner));
        let label = format!("{} {}", clean.request.method, clean.request.url);
        let evidence = ExchangeEvidence {
            schema: ExchangeSchema::V1,
            request: request(&clean),
            response: (clean.response.status != 0).then(|| response(&clean)),
            expected: expected.as_ref().map(response),
            differences,
        };
        cx.keep_structured(label, &evidence).map(Some)
    }

    /// Keeps what is known of a request that had no recording. It comes without secrets.
    pub(super) fn missed(
        &mut self,
        missed: &Missed,
        cx: &Context,
    ) -> Result<Option<Evidence>, Error> {
        let Some(near) = missed.miss.nearest.first() else { return Ok(None) };
        if self.0 == MOST {
            return Ok(None);
        }
        self.0 += 1;
        let differences = near
            .differences
            .iter()
            .map(|one| Difference {
                path: format!("request {}", one.part),
                kind: "value".to_owned(),
                before: Json::from(one.recorded.clone()),
                after: Json::from(one.asked.clone()),
            })
            .collect();
        let evidence = ExchangeEvidence {
            schema: ExchangeSchema::V1,
            request: ShownRequest {
                method: missed.method.clone(),
                url: missed.url.clone(),
                headers: BTreeMap::new(),
                body: None,
            },
            response: None,
            expected: None,
            differences,
        };
        let label = format!("{} {}", missed.method, missed.url);
        cx.keep_structured(label, &evidence).map(Some)
    }
}

/// What drifted, as differences of an exchange.
pub(super) fn differences(found: &[seen::Difference]) -> Vec<Difference> {
    found
        .iter()
        .map(|one| Difference {
            path: one.place.clone(),
            kind: format!("{:?}", one.matters).to_lowercase(),
            before: Json::from(one.before.clone()),
            after: Json::from(one.after.clone()),
        })
        .collect()
}

fn request(one: &Interaction) -> ShownRequest {
    ShownRequest {
        method: one.request.method.clone(),
        url: one.request.url.clone(),
        headers: headers(&one.request.headers),
        body: body(&one.request.body),
    }
}

fn response(one: &Interaction) -> ShownResponse {
    ShownResponse {
        status: one.response.status,
        headers: headers(&one.response.headers),
        body: body(&one.response.body),
    }
}

fn headers(headers: &Headers) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers.iter() {
        let text = String::from_utf8_lossy(value).into_owned();
        all.entry(name.to_owned()).or_default().push(text);
    }
    all
}

/// The body where it is text, JSON indented; its beginning, when it is long.
fn body(content: &Content) -> Option<String> {
    let bytes = content.bytes().filter(|bytes| !bytes.is_empty())?;
    if bytes.len() <= LARGEST {
        if bytes.starts_with(b"{") || bytes.starts_with(b"[") {
            let pretty = redact::json::pretty(bytes, 0).ok().map(String::from_utf8);
            if let Some(Ok(text)) = pretty {
                return Some(text);
            }
        }
        return std::str::from_utf8(bytes).ok().map(str::to_owned);
    }
    let start = String::from_utf8_lossy(&bytes[..LARGEST]);
    let is_text = !start.trim_end_matches('\u{fffd}').contains('\u{fffd}');
    is_text.then(|| format!("{start}\n... {} bytes left out ...", bytes.len() - LARGEST))
}
