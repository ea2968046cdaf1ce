//! Asking a service again what was recorded of it.

use std::time::Duration;

use gate_core::{Context, Error, Level};
use recorder::drift::{Asking, Checked, Severity, check};
use redact::Cleaner;

use super::exchange::{Kept, differences};
use super::recording::Recordings;
use super::{Service, authorities};
use crate::commands::engine_error as wrong;
use crate::recording::rules_left_out;
use crate::seen::{Difference, Drifted, Matters};
use crate::settings::{Drift, Settings};

pub(super) async fn drift(
    drift: &Drift,
    spec: &Settings,
    service: &Service,
    recordings: &mut Recordings,
    kept: &mut Kept,
    cx: &Context,
) -> Result<Vec<Drifted>, Error> {
    let mut asking = Asking::of(&service.host());
    asking.methods = drift.methods.iter().map(|method| method.to_ascii_uppercase()).collect();
    asking.patience = drift.patience.0;
    asking.headers.clone_from(&service.headers);
    if !service.cookies.is_empty() {
        asking.headers.push(("cookie".to_owned(), service.cookies.join("; ")));
    }
    asking.authorities = authorities(spec, cx)?;
    if let Some(rate) = drift.rate.filter(|rate| rate.per_second() > 0.0) {
        asking.pause = Duration::from_secs_f64(1.0 / rate.per_second());
    }
    let cassette = recordings.original().clone();
    let rules = cassette.rules().map_err(wrong)?.len();
    if let Some(text) = rules_left_out(rules) {
        cx.log(Level::Warn, text);
    }
    let recorded =
        if drift.skip.is_empty() { Vec::new() } else { cassette.read().map_err(wrong)? };
    let requests = recorded.iter().map(|one| &one.interaction.request);
    let skipped =
        requests.filter(|one| drift.skip.iter().any(|skip| skip.covers(&one.method, &one.url)));
    asking.skip = skipped.map(|one| (one.method.clone(), one.url.clone())).collect();
    let all = check(&cassette, &asking, |done, total, url| {
        cx.progress(done as u64, Some(total as u64), "requests", url);
    });
    let all = all.await.map_err(wrong)?;
    let mut answers = Vec::new();
    let mut seen = Vec::new();
    for Checked { method, url, found, differs } in all {
        let cleaner = recordings.cleaner();
        if let Some(both) = &differs {
            // It learns what is secret there before anything of it is told.
            recorder::without_secrets(&both.1, cleaner);
        }
        let found =
            found.map(|all| all.iter().map(|one| difference(one, cleaner)).collect::<Vec<_>>());
        let mut exchange = None;
        if let Some(both) = differs {
            let (was, is) = *both;
            let told = found.as_deref().unwrap_or_default();
            exchange = kept.exchange(&is, Some(&was), differences(told), cleaner, cx)?;
            // What could not be looked at is nothing to hold the next answers against.
            if told.iter().all(|one| one.matters != Matters::Unchecked) {
                answers.push((was, is));
            }
        }
        seen.push(Drifted { method, url, found, exchange });
    }
    recordings.drifted(answers, cx)?;
    Ok(seen)
}

fn difference(finding: &recorder::drift::Finding, cleaner: &Cleaner) -> Difference {
    let clean = |text: &str| {
        let clean = cleaner.body("", "text/plain", text.as_bytes());
        String::from_utf8_lossy(&clean).into_owned()
    };
    Difference {
        matters: match finding.severity {
            Severity::Information => Matters::New,
            Severity::Warning => Matters::Warning,
            Severity::Unchecked => Matters::Unchecked,
            Severity::Breaking => Matters::Breaking,
        },
        place: clean(&finding.place),
        before: clean(&finding.before),
        after: clean(&finding.after),
    }
}
