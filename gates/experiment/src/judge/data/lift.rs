//! What has come of it: the metric of the success, those that may not be harmed, and all others.

use std::borrow::Cow;

use gate_core::Verdict;
use serde::Serialize;
use stats::Error;
use stats::multiple::{Method as Adjusting, adjusted};

use super::effect::{Lens, Told, reach};
use super::progress::Progress;
use super::reading::Reading;
use crate::seen::Cell;
use crate::settings::{MetricKind, MetricSpec};

/// What an arm has come to in a metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Lift {
    /// The metric.
    pub(crate) metric: String,
    /// The arm.
    pub(crate) arm: String,
    /// The control's value, and the arm's.
    pub(crate) control: Option<f64>,
    pub(crate) value: Option<f64>,
    /// The difference, and the same as a part of the control's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) absolute: Option<Told>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relative: Option<Told>,
    pub(crate) outcome: Outcome,
    /// About how many more days would decide it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days_left: Option<f64>,
    /// For a metric that may not be harmed, by how much it may be worse at the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) margin: Option<f64>,
    /// For one of many, the p value that is left when all of them are looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) adjusted_p_value: Option<f64>,
}

/// What is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It is better than the control.
    Better,
    /// It is worse; where it may not be harmed, by more than it may.
    Worse,
    /// It is no different by as much as matters; where it may not be harmed, it is not.
    Same,
    /// It cannot be told yet.
    Open,
    /// Too little has happened.
    Few,
    /// It was settled to look later.
    Early,
}

/// A metric to be looked at.
#[derive(Clone, Copy)]
struct Asked<'a> {
    name: &'a str,
    metric: &'a MetricSpec,
}

impl<'a> Reading<'a> {
    fn asked(&self, name: &'a str) -> Option<Asked<'a>> {
        self.spec.metrics.get(name).map(|metric| Asked { name, metric })
    }

    /// The metric that has to become better, in each arm.
    pub(super) fn primary(&self, progress: &Progress) -> Result<Vec<Lift>, Error> {
        let Some(success) = &self.spec.success else { return Ok(Vec::new()) };
        let Some(asked) = self.asked(&success.metric) else { return Ok(Vec::new()) };
        let detect = success.detect.fraction();
        let lift = |treatment| {
            let mut lift = self.lift(asked, treatment, progress)?;
            if lift.outcome != Outcome::Open {
                return Ok(lift);
            }
            let sign = asked.metric.sign();
            if let (Some(absolute), Some(relative)) = (lift.absolute, lift.relative) {
                lift.outcome = if ahead(&absolute, sign) && ahead(&relative, sign) {
                    Outcome::Better
                } else if ahead(&absolute, -sign) && ahead(&relative, -sign) {
                    Outcome::Worse
                } else if relative.low > -detect && relative.high < detect {
                    Outcome::Same
                } else {
                    Outcome::Open
                };
            }
            lift.days_left = progress.days_left();
            Ok(lift)
        };
        self.treatments().into_iter().map(lift).collect()
    }

    /// Those that may not be harmed.
    pub(super) fn guardrails(&self, progress: &Progress) -> Result<Vec<Lift>, Error> {
        let mut all = Vec::new();
        for (name, margin) in &self.spec.must_not_harm {
            let Some(asked) = self.asked(name) else { continue };
            let margin = margin.fraction();
            for treatment in self.treatments() {
                let mut lift = self.lift(asked, treatment, progress)?;
                lift.margin = Some(margin);
                if lift.outcome == Outcome::Open {
                    self.held(asked, &mut lift, progress)?;
                }
                all.push(lift);
            }
        }
        Ok(all)
    }

    /// Whether a metric is no worse than it may be: non-inferiority.
    fn held(&self, asked: Asked<'_>, lift: &mut Lift, progress: &Progress) -> Result<(), Error> {
        let (Some(relative), Some(margin)) = (lift.relative, lift.margin) else { return Ok(()) };
        let (worst, best) = if asked.metric.sign() > 0.0 {
            (relative.low, relative.high)
        } else {
            (-relative.high, -relative.low)
        };
        lift.outcome = if best < -margin {
            Outcome::Worse
        } else if worst > -margin {
            Outcome::Same
        } else {
            // Until the interval is as narrow as the margin, if there is no change.
            let half = (relative.high - relative.low) / 2.0;
            let times = half / margin * self.power_part()?;
            let visitors = progress.visitors * (times * times).max(1.02);
            lift.days_left = progress.days_until(visitors);
            Outcome::Open
        };
        Ok(())
    }

    /// How much narrower than an interval alone it has to be to be seen as often as wanted.
    fn power_part(&self) -> Result<f64, Error> {
        let analysis = &self.spec.analysis;
        let all = reach(analysis, self.alpha())?;
        let power = stats::normal::quantile(analysis.power.fraction())?;
        Ok(all / (all - power))
    }

    /// All other metrics: p values after Holm, and nothing hangs on them.
    pub(super) fn others(&self, progress: &Progress) -> Result<Vec<Lift>, Error> {
        let success = self.spec.success.as_ref().map(|success| success.metric.as_str());
        let is_other = |name: &&String| {
            Some(name.as_str()) != success && !self.spec.must_not_harm.contains_key(*name)
        };
        let mut all = Vec::new();
        for name in self.spec.metrics.keys().filter(is_other) {
            let Some(asked) = self.asked(name) else { continue };
            for treatment in self.treatments() {
                all.push(self.lift(asked, treatment, progress)?);
            }
        }
        let of = |lift: &Lift| {
            let told = lift.absolute?;
            // Of a belief: as surprising as the side that it is not on.
            Some(told.p_value.unwrap_or_else(|| {
                let chance = told.chance.unwrap_or(0.5);
                2.0 * chance.min(1.0 - chance)
            }))
        };
        let found: Vec<f64> = all.iter().filter_map(of).collect();
        let mut left = adjusted(&found, Adjusting::Holm)?.into_iter();
        let alpha = self.spec.analysis.alpha.fraction();
        for lift in all.iter_mut().filter(|lift| lift.absolute.is_some()) {
            lift.adjusted_p_value = left.next();
            let sign = self.spec.metrics[&lift.metric].sign();
            if lift.outcome == Outcome::Open
                && lift.adjusted_p_value.is_some_and(|p| p < alpha)
                && let Some(absolute) = lift.absolute
            {
                lift.outcome =
                    if absolute.effect * sign > 0.0 { Outcome::Better } else { Outcome::Worse };
            }
        }
        Ok(all)
    }

    /// Who is looked at: all who have come, or, where looks were settled, those who had come by the day
    /// on which the last of them was reached. To look at more of them each day would be more looks.
    fn at_look(&self, treatment: usize, lens: &Lens<'_>) -> Cow<'a, [Cell]> {
        let all = &self.seen.all;
        let both = |cells: &[Cell]| (cells[0].units + cells[treatment].units) as f64;
        if self.waits() {
            let reached = lens.reached(both(all));
            let mut so_far: Option<Vec<Cell>> = None;
            for today in self.seen.days.values() {
                let cells: Vec<Cell> = match so_far.take() {
                    None => today.clone(),
                    Some(before) => {
                        before.iter().zip(today).map(|(one, next)| one.and(next)).collect()
                    }
                };
                if both(&cells) >= reached {
                    return Cow::Owned(cells);
                }
                so_far = Some(cells);
            }
        }
        Cow::Borrowed(all)
    }

    /// The numbers of a metric in an arm; open where there are any.
    fn lift(&self, asked: Asked<'_>, treatment: usize, progress: &Progress) -> Result<Lift, Error> {
        let cells = &self.seen.all;
        let mut lift = Lift {
            metric: asked.name.to_owned(),
            arm: self.arm(treatment).to_owned(),
            control: None,
            value: None,
            absolute: None,
            relative: None,
            outcome: Outcome::Few,
            days_left: None,
            margin: None,
            adjusted_p_value: None,
        };
        let lens = self.lens(treatment, progress.needed);
        if !lens.may_say((cells[0].units + cells[treatment].units) as f64) {
            lift.outcome = Outcome::Early;
            lift.days_left = progress.days_left();
            return Ok(lift);
        }
        let cells = &*self.at_look(treatment, &lens);
        if self.is_few(asked.metric, cells, treatment) {
            lift.days_left = progress.days_left();
            return Ok(lift);
        }
        let Ok(compared) = self.compare(asked.metric, cells, treatment) else { return Ok(lift) };
        let [control, value] = compared.values;
        (lift.control, lift.value) = (Some(control), Some(value));
        let (absolute, relative) = lens.told(&compared)?;
        (lift.absolute, lift.relative) = (Some(absolute), relative);
        lift.outcome = Outcome::Open;
        Ok(lift)
    }
}

/// Whether an interval is beyond nothing in a direction.
fn ahead(told: &Told, sign: f64) -> bool {
    if sign > 0.0 { told.low > 0.0 } else { told.high < 0.0 }
}

impl Lift {
    /// Whether it is a share of visitors.
    pub(crate) fn is_share(&self, reading: &Reading<'_>) -> bool {
        let metric = reading.spec.metrics.get(&self.metric);
        metric.is_some_and(|metric| metric.kind == MetricKind::Proportion)
    }

    /// What it means for a promotion, where it is the metric of the success.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.outcome {
            Outcome::Better => Verdict::Pass,
            Outcome::Worse => Verdict::Fail,
            Outcome::Same => Verdict::Warn,
            Outcome::Open | Outcome::Few | Outcome::Early => Verdict::Inconclusive,
        }
    }
}
