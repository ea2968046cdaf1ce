//! The requests of a spec, one after the other.

mod looked;
mod ready;
mod sent;

use std::collections::BTreeSet;
use std::sync::Arc;

use gate_core::{Context, Error};
use gate_request::Variables;
use redact::Cleaner;
use reqwest::cookie::Jar;

use super::client;
use super::exchange::Kept;
use super::{Playing, Service, authorities};
use crate::seen::Asked;
use crate::settings::{RequestSpec, Settings};

/// Makes all requests. What could not be asked is told in its place.
pub(super) async fn flow(
    spec: &Settings,
    service: &Service,
    playing: Option<&Playing>,
    kept: &mut Kept,
    cx: &Context,
) -> Result<Vec<Asked>, Error> {
    let jar = Arc::new(Jar::default());
    for cookie in &service.cookies {
        jar.add_cookie_str(cookie, &service.base.url);
    }
    let client = match playing {
        Some(playing) => client::through(&playing.proxy, &jar)?,
        None => client::direct(authorities(spec, cx)?.as_deref(), &jar)?,
    };
    let searching = fresh(cx)?;
    let cleaner = match playing {
        Some(playing) => playing.cleaner.clone(),
        None => fresh(cx)?,
    };
    let variables = Variables::new(cx.seed(), cx.clock().now());
    let (is_through, tainted) = (playing.is_some(), BTreeSet::new());
    let mut flow =
        Flow { service, client, is_through, cleaner, searching, variables, tainted, kept, cx };
    let mut all = Vec::new();
    for (at, request) in spec.requests.iter().enumerate() {
        cx.progress(at as u64, Some(spec.requests.len() as u64), "requests", request.title());
        all.push(flow.one(request).await?);
    }
    Ok(all)
}

/// Knows the run's secrets and has learnt nothing.
fn fresh(cx: &Context) -> Result<Cleaner, Error> {
    let key = recorder::fresh_key().map_err(crate::commands::engine_error)?;
    Ok(Cleaner::new(cx.redactor().clone(), &[], key))
}

struct Flow<'f> {
    service: &'f Service,
    client: reqwest::Client,
    /// Whether the answers come through a recording.
    is_through: bool,
    /// Takes the secrets out of what is kept.
    cleaner: Cleaner,
    /// Has learnt nothing, so that a token that an answer repeats is none that leaks.
    searching: Cleaner,
    variables: Variables,
    /// Variables that hold a secret.
    tainted: BTreeSet<String>,
    kept: &'f mut Kept,
    cx: &'f Context,
}

impl Flow<'_> {
    async fn one(&mut self, spec: &RequestSpec) -> Result<Asked, Error> {
        let written = spec.request.to_string();
        let ready = match self.ready(spec)? {
            Ok(ready) => ready,
            Err(why) => {
                return Ok(Asked { line: written, answer: Err(why), is_left_out: true });
            }
        };
        let line = format!("{} {}", spec.request.method, self.cleaner.url(ready.url.as_str()));
        match self.sent(spec, &ready).await {
            Ok(answer) => {
                let answered = self.answered(spec, &ready, &answer)?;
                Ok(Asked { line, answer: Ok(answered), is_left_out: false })
            }
            Err(why) => Ok(Asked { line, answer: Err(why), is_left_out: false }),
        }
    }
}
