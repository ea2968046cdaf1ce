//! A service that was asked again.

use gate_core::{Check, Limit, Metric, Verdict};

use super::requests::{Names, slug};
use super::{count, named};
use crate::seen::{Difference, Drifted, Matters, Proposed};
use crate::settings::Drift;

/// A check for each request that was recorded.
pub(super) fn drift(spec: &Drift, all: &[Drifted]) -> Vec<Check> {
    if all.is_empty() {
        let message = "nothing was recorded that can be asked again without changing something";
        return vec![
            Check::new("drift", "Drift", Verdict::Inconclusive, message)
                .advice("record a request with GET, or add its method to drift.methods"),
        ];
    }
    ids(all).into_iter().zip(all).map(|(id, one)| check(id, spec, one)).collect()
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
    let of = |matters: Matters| -> Vec<String> {
        let all = counted.iter().filter(|one| one.matters == matters);
        all.map(|one| format!("{}: {}, now {}", one.place, one.before, one.after)).collect()
    };
    let (breaking, unchecked) = (of(Matters::Breaking), of(Matters::Unchecked));
    let (warnings, new) = (of(Matters::Warning), of(Matters::New));
    let (verdict, message) = if !breaking.is_empty() {
        (Verdict::Fail, format!("a client may break: {}", named(&breaking)))
    } else if !unchecked.is_empty() {
        (Verdict::Inconclusive, format!("not all could be looked at: {}", named(&unchecked)))
    } else if !warnings.is_empty() {
        (Verdict::Warn, format!("it works still: {}", named(&warnings)))
    } else {
        let new = match new.len() as u64 {
            0 => String::new(),
            n => format!("; {}: {}", count(n, "addition"), named(&new)),
        };
        let ignored = match ignored.len() as u64 {
            0 => String::new(),
            n => format!("; {} ignored", count(n, "difference")),
        };
        (Verdict::Pass, format!("it answers as it was recorded{new}{ignored}"))
    };
    let check = Check::new(id, title, verdict, message)
        .metric(
            Metric::new("breaking differences", breaking.len() as f64, "1")
                .limit(Limit::AtMost(0.0)),
        )
        .evidence(one.exchange.clone());
    match verdict {
        Verdict::Fail => check.advice(
            "tell the service's owner, or change the client first and then accept the new recording",
        ),
        Verdict::Warn => check.advice("prepare for it, then accept the new recording"),
        Verdict::Inconclusive => {
            check.advice("let the service have data there, or name the place under drift.ignore")
        }
        Verdict::Pass => check,
    }
}
