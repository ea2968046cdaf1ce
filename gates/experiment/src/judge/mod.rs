//! What was seen amounts to, from nothing but that. A part of what is seen has a module each.

pub(crate) mod allocation;
pub(crate) mod causes;
pub(crate) mod data;

use gate_core::{Check, Error, Outcome};

use crate::seen::Observation;
use crate::settings::Settings;
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
    if let Some(first) = checks.first_mut() {
        first.evidence.extend(seen.pages.iter().cloned());
    }
    Ok(Outcome::of(checks))
}
