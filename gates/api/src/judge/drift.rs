//! A service that was asked again.

use gate_core::{Check, Limit, Metric, Verdict};
use recorder::drift::Side;

use super::requests::{Names, slug};
use super::{count, named};
use crate::seen::{Described, Difference, Drifted, Matters, Proposed};
use crate::settings::Drift;

/// A check for each request that was recorded, and one for the document.
pub(super) fn drift(spec: &Drift, all: &[Drifted], document: Option<&Described>) -> Vec<Check> {
    let mut checks = Vec::new();
    if all.iter().all(|one| one.is_left_alone) {
        let message = "nothing was recorded that can be asked again without changing something";
        checks.push(
            Check::new("drift", "Drift", Verdict::Inconclusive, message)
                .advice("record a request with GET, or add its method to drift.methods"),
        );
    }
    checks.extend(ids(all).into_iter().zip(all).map(|(id, one)| check(id, spec, one)));
    checks.extend(document.map(|document| described(document, all)));
    checks
}

/// Whether the document says anything of what was asked, and what of it nothing was recorded of.
fn described(document: &Described, all: &[Drifted]) -> Check {
    let Described { file, version, operations, uncovered, .. } = document;
    let is_held = |one: &Drifted| !one.is_left_alone && one.operation.is_some();
    let check = |verdict, message: String| {
        let left = uncovered.len() as f64;
        Check::new("drift-document", "Document of the service", verdict, message)
            .metric(Metric::new("operations without a recording", left, "1"))
            .evidence(document.list.clone())
    };
    if !all.iter().any(is_held) {
        let message = format!("nothing that was asked is described by {file}");
        return check(Verdict::Inconclusive, message).advice(
            "do its `servers` name the path below which the service lies? Is it this service's?",
        );
    }
    let operations = count(*operations, "operation");
    let left = match uncovered.len() {
        0 => "all of them recorded".to_owned(),
        n => format!("{n} of them not recorded: {}", named(uncovered)),
    };
    check(Verdict::Pass, format!("{file} (OpenAPI {version}) has {operations}, {left}"))
}

/// The names of the checks, in order.
pub(super) fn ids(all: &[Drifted]) -> Vec<String> {
    let mut names = Names::default();
    let id = |one: &Drifted| format!("drift-{}", slug(&endpoint(one)));
    all.iter().map(|one| names.unique(id(one))).collect()
}

/// The method and the path.
fn endpoint(one: &Drifted) -> String {
    format!("{} {}", one.method, recorder::Address::of(&one.url).path)
}

/// Of the names of the checks the one that a new recording would settle.
pub(super) fn check_of(ids: &[String], all: &[Drifted], proposed: &Proposed) -> String {
    let is_bad = |one: &Drifted| {
        one.found.as_ref().is_ok_and(|found| found.iter().any(|d| d.matters >= Matters::Warning))
    };
    let is_meant = |one: &Drifted| proposed.endpoints.contains(&endpoint(one));
    let bad: Vec<usize> = (0..all.len()).filter(|at| is_bad(&all[*at])).collect();
    let at = bad.iter().find(|at| is_meant(&all[**at])).or(bad.first());
    at.map_or_else(|| "drift".to_owned(), |at| ids[*at].clone())
}

fn is_ignored(spec: &Drift, place: &str) -> bool {
    spec.ignore.iter().any(|ignored| {
        place
            .strip_prefix(ignored.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
    })
}

fn check(id: String, spec: &Drift, one: &Drifted) -> Check {
    let title = format!("{} {}", one.method, one.url);
    let found = match &one.found {
        Ok(found) => found,
        Err(why) => {
            return Check::new(
                id,
                title,
                Verdict::Inconclusive,
                format!("it could not be looked at: {why}"),
            )
            .advice(if why.contains(recorder::UNVOUCHED) {
                super::unanswered(why)
            } else {
                "give credentials under `headers`; is the service running?"
            });
        }
    };
    let (ignored, counted): (Vec<&Difference>, Vec<&Difference>) =
        found.iter().partition(|difference| is_ignored(spec, &difference.place));
    let of = |matters: Matters| -> Vec<&Difference> {
        counted.iter().filter(|one| one.matters == matters).copied().collect()
    };
    let words = |all: &[&Difference]| -> String {
        named(&all.iter().map(|one| one.words()).collect::<Vec<_>>())
    };
    let (breaking, unchecked) = (of(Matters::Breaking), of(Matters::Unchecked));
    let (warnings, new) = (of(Matters::Warning), of(Matters::New));
    let (verdict, message) = if !breaking.is_empty() {
        (Verdict::Fail, format!("a client may break: {}", words(&breaking)))
    } else if !unchecked.is_empty() {
        (Verdict::Inconclusive, format!("not all could be looked at: {}", words(&unchecked)))
    } else if !warnings.is_empty() && one.is_left_alone {
        (Verdict::Warn, format!("it was recorded, and not asked again: {}", words(&warnings)))
    } else if !warnings.is_empty() {
        (Verdict::Warn, format!("it works still: {}", words(&warnings)))
    } else {
        let new = match new.len() as u64 {
            0 => String::new(),
            n => format!("; {}: {}", count(n, "addition"), words(&new)),
        };
        let ignored = match ignored.len() as u64 {
            0 => String::new(),
            n => format!("; {} ignored", count(n, "difference")),
        };
        (Verdict::Pass, format!("{}{new}{ignored}", as_it_should(one)))
    };
    let decisive = [&breaking, &unchecked, &warnings].into_iter().find(|all| !all.is_empty());
    let check = Check::new(id, title, verdict, message)
        .metric(
            Metric::new("breaking differences", breaking.len() as f64, "1")
                .limit(Limit::AtMost(0.0)),
        )
        .evidence(one.exchange.clone());
    match decisive.and_then(|all| advice(verdict, all)) {
        Some(advice) => check.advice(advice),
        None => check,
    }
}

fn as_it_should(one: &Drifted) -> String {
    match &one.operation {
        _ if one.is_left_alone => "it was recorded, and not asked again".to_owned(),
        Some(operation) => {
            format!("it answers as it was recorded, and as the document says ({operation})")
        }
        None => "it answers as it was recorded".to_owned(),
    }
}

/// What to do about the differences that decide.
fn advice(verdict: Verdict, all: &[&Difference]) -> Option<&'static str> {
    // Where the answers themselves differ, that comes first.
    let is_of_document = all.iter().all(|one| one.document.is_some());
    let is_recorded =
        |one: &&Difference| one.document.as_ref().is_some_and(|rule| rule.side == Side::Recorded);
    Some(match verdict {
        Verdict::Pass => return None,
        Verdict::Fail if is_of_document => {
            "tell the service's owner, or mend the document if the service is right"
        }
        Verdict::Fail => {
            "tell the service's owner, or change the client first and then accept the new recording"
        }
        Verdict::Warn if is_of_document && all.iter().any(is_recorded) => {
            "record it anew if the document is right, else mend the document"
        }
        Verdict::Warn if is_of_document => {
            "mend the document, or name the place under drift.ignore"
        }
        Verdict::Warn => "prepare for it, then accept the new recording",
        Verdict::Inconclusive if is_of_document => {
            "mend the document there, or name the place under drift.ignore"
        }
        Verdict::Inconclusive => {
            "let the service have data there, or name the place under drift.ignore"
        }
    })
}
