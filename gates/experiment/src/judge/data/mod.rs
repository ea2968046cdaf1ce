//! What real visitors' data amount to: first whether they can be trusted, and only then what has come of
//! the experiment.

pub(crate) mod charts;
mod counting;
pub(crate) mod effect;
mod headline;
pub(crate) mod lift;
pub(crate) mod progress;
pub(crate) mod reading;
mod sentences;
mod shape;
mod split;
#[cfg(test)]
mod tests;
mod tracking;

use gate_core::{Check, Error, Verdict};

use crate::seen::SeenData;
use crate::settings::Settings;
use lift::{Lift, Outcome};
use progress::Progress;
use reading::Reading;

/// What the data came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    /// The verdict in a sentence or two, and what to do next.
    pub(crate) headline: String,
    pub(crate) next: String,
    /// Whether the numbers can be trusted; if not, nothing is said of any effect.
    pub(crate) is_trusted: bool,
    pub(crate) trust: Vec<Check>,
    /// Whether it has run for long enough.
    pub(crate) time: Vec<Check>,
    pub(crate) progress: Progress,
    /// The metric that has to become better.
    pub(crate) success: Option<Check>,
    pub(crate) primary: Vec<Lift>,
    /// Those that may not be harmed.
    pub(crate) guards: Vec<Check>,
    pub(crate) guardrails: Vec<Lift>,
    /// All others, and whether the effect is the same for all and always.
    pub(crate) more: Vec<Check>,
    pub(crate) others: Vec<Lift>,
}

impl Judged {
    /// All checks: the verdict first, then whether it can be trusted.
    pub(crate) fn checks(self) -> Vec<Check> {
        let parts = [self.trust, self.time, self.guards, self.more];
        self.success.into_iter().chain(parts.into_iter().flatten()).collect()
    }

    /// The gate's verdict, as far as the data go.
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict::over(self.clone().checks().iter().map(|check| check.verdict))
    }
}

/// Judges data.
pub(crate) fn judge(spec: &Settings, seen: &SeenData) -> Result<Judged, Error> {
    let reading = Reading { spec, seen };
    if reading.units().iter().sum::<f64>() <= 0.0 {
        return Ok(nobody(&reading));
    }
    worked_out(&reading).map_err(|error| Error::new(format!("the data say nothing: {error}")))
}

/// What is said when nobody has come.
fn nobody(reading: &Reading<'_>) -> Judged {
    let message = format!("Nobody was exposed yet: {} has no rows.", reading.seen.source);
    let check = Check::new("split", "The split is what was meant", Verdict::Inconclusive, &message)
        .advice("Run it again when the experiment has started.");
    Judged {
        headline: message,
        next: "Run it again when the experiment has started.".to_owned(),
        is_trusted: false,
        trust: vec![check],
        time: Vec::new(),
        progress: Progress { visitors: 0.0, needed: None, per_day: None, days: None },
        success: None,
        primary: Vec::new(),
        guards: Vec::new(),
        guardrails: Vec::new(),
        more: Vec::new(),
        others: Vec::new(),
    }
}

fn worked_out(reading: &Reading<'_>) -> Result<Judged, stats::Error> {
    let mut trust = split::checks(reading)?;
    trust.extend(tracking::checks(reading)?);
    trust.push(counting::check(reading)?);
    trust.extend(shape::simpson(reading));
    let is_trusted = trust.iter().all(|check| !check.verdict.blocks());
    let progress = Progress::of(reading)?;
    let mut judged = Judged {
        headline: String::new(),
        next: String::new(),
        is_trusted,
        trust,
        time: Vec::new(),
        progress,
        success: None,
        primary: Vec::new(),
        guards: Vec::new(),
        guardrails: Vec::new(),
        more: Vec::new(),
        others: Vec::new(),
    };
    if is_trusted {
        judged.primary = reading.primary(&progress)?;
        judged.guardrails = reading.guardrails(&progress)?;
        judged.others = reading.others(&progress)?;
        // Before a look that was settled nothing is said of effects, in parts of them neither.
        if judged.primary.iter().all(|lift| lift.outcome != Outcome::Early) {
            judged.more.extend(shape::segments(reading)?);
            judged.more.extend(shape::novelty(reading)?);
        }
        let effects: Vec<(String, f64)> = judged
            .primary
            .iter()
            .filter(|lift| matches!(lift.outcome, Outcome::Better | Outcome::Worse))
            .filter_map(|lift| Some((lift.arm.clone(), lift.relative?.effect)))
            .collect();
        judged.more.extend(shape::plausible(reading, &effects));
    }
    let is_told =
        |lift: &Lift| matches!(lift.outcome, Outcome::Better | Outcome::Worse | Outcome::Same);
    let is_better = |lift: &Lift| lift.outcome == Outcome::Better;
    let is_told = judged.primary.iter().any(is_better)
        || !judged.primary.is_empty() && judged.primary.iter().all(is_told);
    judged.time = vec![progress::weeks(reading), progress::enough(&progress, is_told)];
    sentences::say(reading, &mut judged);
    Ok(judged)
}
