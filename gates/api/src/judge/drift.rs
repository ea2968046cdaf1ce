//! A service that was asked again.

use gate_core::{Check, Limit, Metric, Verdict};

use super::requests::{slug, unique};
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
fn ids(all: &[Drifted]) -> Vec<String> {
    let mut taken = Vec::new();
    for one in all {
        let path = recorder::Address::of(&one.url).path;
        unique(format!("drift-{}", slug(&format!("{} {path}", one.method))), &mut taken);
    }
    taken
}

/// The check that a new recording would settle.
pub(super) fn check_of(all: &[Drifted], proposed: &Proposed) -> String {
    let is_meant = |one: &Drifted| {
        let path = recorder::Address::of(&one.url).path;
        let name = format!("{} {path}", one.method);
        proposed.endpoints.contains(&name)
    };
    let is_bad = |one: &&Drifted| {
        one.found.as_ref().is_ok_and(|found| found.iter().any(|d| d.matters >= Matters::Warning))
    };
    let at = all.iter().position(|one| is_meant(one) && is_bad(&one));
    let at = at.or_else(|| all.iter().position(|one| is_bad(&one)));
    at.and_then(|at| ids(all).into_iter().nth(at)).unwrap_or_else(|| "drift".to_owned())
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
            .advice("give credentials under `headers`; is the service running?");
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
