//! Asking a service again what was recorded of it.

use std::sync::Arc;
use std::time::Duration;

use gate_core::{Context, Error, Level, Role};
use recorder::drift::{Asking, Checked, Document, Rule, Severity, check};
use redact::Cleaner;

use super::exchange::{Kept, differences};
use super::recording::Recordings;
use super::{Service, authorities};
use crate::commands::engine_error as wrong;
use crate::recording::rules_left_out;
use crate::seen::{Described, Difference, Drifted, Matters};
use crate::settings::{Drift, Settings};

/// What is asked, and what the answers are held against.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) spec: &'a Settings,
    pub(super) drift: &'a Drift,
    pub(super) service: &'a Service,
    pub(super) document: Option<&'a Arc<Document>>,
}

/// The document of the service, when there is one.
pub(super) fn document(drift: &Drift, cx: &Context) -> Result<Option<Arc<Document>>, Error> {
    let path = drift.openapi.as_ref().map(|path| cx.spec_folder().join(path));
    let document = path.map(|path| Document::open(&path).map_err(wrong)).transpose()?;
    Ok(document.map(Arc::new))
}

/// What was read of the document, and what of it was recorded.
pub(super) fn described(
    document: &Document,
    file: &str,
    recordings: &Recordings,
    cx: &Context,
) -> Result<Described, Error> {
    let coverage = document.coverage(recordings.original()).map_err(wrong)?;
    let lines = coverage.uncovered.iter().map(|line| format!("{line}\n")).collect::<String>();
    let label = "operations that nothing was recorded of";
    let list = if lines.is_empty() {
        None
    } else {
        Some(cx.keep(Role::Log, label, "text/plain", lines.as_bytes())?)
    };
    Ok(Described {
        file: file.to_owned(),
        version: document.version().to_owned(),
        digest: document.digest(),
        operations: coverage.operations as u64,
        uncovered: coverage.uncovered,
        list,
    })
}

pub(super) async fn drift(
    Asked { spec, drift, service, document }: Asked<'_>,
    recordings: &mut Recordings,
    kept: &mut Kept,
    cx: &Context,
) -> Result<Vec<Drifted>, Error> {
    let mut asking = Asking::of(&service.host());
    asking.methods = drift.methods.iter().map(|method| method.to_ascii_uppercase()).collect();
    asking.patience = drift.patience.0;
    asking.headers.clone_from(&service.base.headers);
    if !service.cookies.is_empty() {
        asking.headers.push(("cookie".to_owned(), service.cookies.join("; ")));
    }
    asking.authorities = authorities(spec, cx)?;
    asking.document = document.cloned();
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
    for Checked { method, url, operation, is_asked, found, differs } in all {
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
            let is_unchecked =
                |one: &Difference| one.matters == Matters::Unchecked && one.document.is_none();
            if !told.iter().any(is_unchecked) {
                answers.push((was, is));
            }
        }
        let is_left_alone = !is_asked;
        seen.push(Drifted { method, url, operation, is_left_alone, found, exchange });
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
        document: finding
            .document
            .as_deref()
            .map(|rule| Rule { pointer: rule.pointer.as_deref().map(clean), ..rule.clone() }),
    }
}
