//! Whether a replica of the service puts ids where the spec means them to be.
//!
//! What the configuration says in figures is compared as it is; what only ids show is tested: chi-squared,
//! or exactly where there are few ids, with all tests of a gate sharing one chance of a false alarm
//! (Holm).

mod around;
mod ids;
mod split;
#[cfg(test)]
mod tests;

use gate_core::{Check, Error, Verdict};
use stats::multiple::{Method, adjusted};

use super::causes::Symptom;
use super::fair::chance;
use crate::seen::allocation::{Broken, SeenAllocation};
use crate::settings::Settings;

/// A check that waits for its p value.
struct Tested {
    p_value: f64,
    /// The check when chance may well do this, and when it hardly does.
    told: Box<dyn FnOnce(f64, bool) -> Check>,
}

/// Judges it.
pub(crate) fn judge(spec: &Settings, seen: &SeenAllocation) -> Result<Vec<Check>, Error> {
    if let Some(broken) = &seen.broken {
        return Ok(vec![configuration(broken)]);
    }
    worked_out(spec, seen).map_err(|error| Error::new(format!("the ids say nothing: {error}")))
}

fn worked_out(spec: &Settings, seen: &SeenAllocation) -> Result<Vec<Check>, stats::Error> {
    let weights = split::weights(spec, seen);
    // What follows from other weights is said once.
    let is_as_meant = !weights.verdict.blocks();
    let mut checks = vec![weights];
    checks.extend(split::unit(spec, seen));
    checks.push(split::takes_part(seen));
    checks.extend(split::by_rule(seen));
    checks.extend(split::lots(seen));
    let mut tested: Vec<Tested> = Vec::new();
    if is_as_meant {
        tested.extend(split::shares(spec, seen)?);
        tested.extend(split::segments(spec, seen)?);
    }
    let (certain, together) = around::others(seen)?;
    checks.extend(certain);
    tested.extend(together);
    let p_values: Vec<f64> = tested.iter().map(|one| one.p_value).collect();
    let alarm = spec.analysis.alarm.fraction();
    if !tested.is_empty() {
        let held = adjusted(&p_values, Method::Holm)?;
        let told = tested.into_iter().zip(held).map(|(one, p)| (one.told)(p, p < alarm));
        checks.extend(told);
    }
    checks.extend(around::steps(seen));
    checks.extend(around::sdks(seen));
    checks.extend(ids::checks(seen));
    Ok(checks)
}

fn configuration(broken: &Broken) -> Check {
    let message = format!("{}: {}", broken.place, broken.message);
    let hint = broken.hint.as_ref().map_or_else(String::new, |hint| {
        let end = if hint.ends_with('?') { " " } else { ". " };
        crate::words::capital(hint) + end
    });
    Check::new("configuration", "The service's configuration can be used", Verdict::Fail, message)
        .advice(hint + &Symptom::Configuration.advice())
}

/// How likely chance does this, or more, where the weights hold; not at all where somebody is in an arm
/// that is closed.
fn surprise(observed: &[f64], weights: &[f64]) -> Result<Option<f64>, stats::Error> {
    let is_stray = observed.iter().zip(weights).any(|(ids, weight)| *weight <= 0.0 && *ids > 0.0);
    if is_stray { Ok(Some(0.0)) } else { chance(observed, weights) }
}
