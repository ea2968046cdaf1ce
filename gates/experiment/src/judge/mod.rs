//! What was seen amounts to, from nothing but that. A part of what is seen has a module each.

pub(crate) mod allocation;
pub(crate) mod causes;
pub(crate) mod data;
mod fair;

use gate_core::{Check, Error, Json, Outcome, Verdict};

use crate::seen::Observation;
use crate::settings::{Data, Settings};
use crate::visit;

/// Judges it.
pub(crate) fn judge(spec: &Settings, seen: &Observation) -> Result<Outcome, Error> {
    let mut checks: Vec<Check> = Vec::new();
    if let Some(allocation) = &seen.allocation {
        checks.extend(allocation::judge(spec, allocation)?);
    }
    if let Some(data) = &seen.data {
        checks.extend(data::judge(spec, data)?.checks());
    }
    if let (Some(before), Some(visits)) = (&spec.before_launch, &seen.visits) {
        checks.extend(visit::judged(spec, before, visits));
    }
    if let (Some(data), None) = (&spec.data, &seen.data) {
        checks.push(no_data(spec, data));
    }
    if let Some(first) = checks.first_mut().filter(|_| seen.pages_of == pages_of(spec)) {
        first.evidence.extend(seen.pages.iter().cloned());
    }
    Ok(Outcome::of(checks))
}

/// What the pages depend on.
pub(crate) fn pages_of(spec: &Settings) -> Json {
    serde_json::to_value(spec).unwrap_or(Json::Null)
}

/// What is said where the spec names data, and there are none.
fn no_data(spec: &Settings, data: &Data) -> Check {
    let (id, title) = ("data", "Data of real visitors");
    let file = &data.exposures.from;
    if let Some(day) = &spec.started {
        let message = format!("there are none yet: it starts on {day}");
        return Check::new(id, title, Verdict::Pass, message);
    }
    let message = format!("{file} is not there, so nothing is said of what has come of it");
    Check::new(id, title, Verdict::Warn, message).advice(
        "Say when it starts (started: 2026-12-01): from that day on data that are missing are told as such.",
    )
}
