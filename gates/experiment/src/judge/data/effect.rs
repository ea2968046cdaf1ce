//! What is said of a difference, by the method that was chosen.

use serde::Serialize;
use stats::bayes::{self, Beta};
use stats::boundaries;
use stats::estimate::Estimate;
use stats::normal;
use stats::{Error, always_valid};

use super::reading::Compared;
use crate::settings::{Analysis, Method};

/// A difference with its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Told {
    pub(crate) effect: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Against no difference; a belief has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p_value: Option<f64>,
    /// Of a belief, the chance that the arm's value is above the control's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chance: Option<f64>,
}

/// How differences are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lens<'a> {
    pub(crate) analysis: &'a Analysis,
    /// How often a single comparison may see what is not there: an even part where there are several.
    pub(crate) alpha: f64,
    /// How many visitors of both arms are planned.
    pub(crate) planned: f64,
}

impl Lens<'_> {
    /// The difference of two arms, and the same as a part of the control's value where that is known.
    pub(crate) fn told(&self, compared: &Compared) -> Result<(Told, Option<Told>), Error> {
        let comparison = &compared.comparison;
        let absolute = match (self.analysis.method, compared.proportions) {
            (Method::Bayesian, Some([control, treatment])) => {
                let even = Beta { a: 1.0, b: 1.0 };
                believed(bayes::proportions(control, treatment, even, self.alpha)?)
            }
            _ => self.estimated(comparison.absolute, comparison.units)?,
        };
        let relative =
            compared.relative().map(|relative| self.estimated(relative, comparison.units));
        Ok((absolute, relative.transpose()?))
    }

    /// An estimate by the method.
    pub(crate) fn estimated(&self, estimate: Estimate, units: f64) -> Result<Told, Error> {
        let effect = match self.analysis.method {
            Method::Bayesian => return Ok(believed(bayes::means(estimate, None, self.alpha)?)),
            Method::Fixed => estimate.fixed(self.alpha)?,
            Method::AlwaysValid => always_valid::effect(estimate, units, self.alpha, self.planned)?,
            Method::GroupSequential => {
                let parts = boundaries::equal(self.analysis.looks.unwrap_or(1))?;
                let look = self.look(units).max(1);
                boundaries::effect(estimate, &parts[..look], self.analysis.spending.0, self.alpha)?
            }
        };
        let p_value = Some(effect.p_value);
        Ok(Told {
            effect: effect.effect,
            low: effect.low,
            high: effect.high,
            p_value,
            chance: None,
        })
    }

    /// The bounds of an estimate alone, for charts: a p value of several looks takes a search.
    pub(crate) fn bounds(&self, estimate: Estimate, units: f64) -> Result<(f64, f64), Error> {
        if self.analysis.method != Method::GroupSequential {
            let told = self.estimated(estimate, units)?;
            return Ok((told.low, told.high));
        }
        let parts = boundaries::equal(self.analysis.looks.unwrap_or(1))?;
        let looks = &parts[..self.look(units).max(1)];
        let bounds = boundaries::boundaries(looks, self.analysis.spending.0, self.alpha)?;
        let away = bounds.last().copied().unwrap_or(f64::INFINITY) * estimate.error;
        Ok((estimate.effect - away, estimate.effect + away))
    }

    /// From how many visitors of both arms on the look counts that has been reached.
    pub(crate) fn reached(&self, units: f64) -> f64 {
        let looks = f64::from(self.analysis.looks.unwrap_or(1));
        self.planned * (self.look(units) as f64 / looks) * (1.0 - 1e-9)
    }

    /// Which of the looks that were settled has been reached; 0 for none.
    fn look(&self, units: f64) -> usize {
        let looks = f64::from(self.analysis.looks.unwrap_or(1));
        (units / self.planned * looks + 1e-9).floor().clamp(0.0, looks) as usize
    }

    /// Whether something may be said after so many visitors of both arms.
    pub(crate) fn may_say(&self, units: f64) -> bool {
        match self.analysis.method {
            Method::AlwaysValid | Method::Bayesian => true,
            Method::Fixed => units >= self.planned * (1.0 - 1e-9),
            Method::GroupSequential => self.look(units) > 0,
        }
    }
}

fn believed(belief: bayes::Belief) -> Told {
    Told {
        effect: belief.difference,
        low: belief.low,
        high: belief.high,
        p_value: None,
        chance: Some(belief.chance_to_win),
    }
}

/// How many standard errors a change has to be away from none so that it is seen as often as wanted,
/// when all that is planned is there.
pub(crate) fn reach(analysis: &Analysis, alpha: f64) -> Result<f64, Error> {
    let bound = match analysis.method {
        Method::Fixed | Method::Bayesian => normal::upper_quantile(alpha / 2.0)?,
        Method::AlwaysValid => {
            // The interval where it is narrowest: after as many as were planned.
            let rho = always_valid::tuned(alpha, 1.0)?;
            let squared = rho * rho;
            let inside = 0.5 * (1.0 + squared).ln() - alpha.ln();
            (2.0 * (squared + 1.0) / squared * inside).sqrt()
        }
        Method::GroupSequential => {
            let parts = boundaries::equal(analysis.looks.unwrap_or(1))?;
            let bounds = boundaries::boundaries(&parts, analysis.spending.0, alpha)?;
            bounds.last().copied().unwrap_or(f64::INFINITY)
        }
    };
    Ok(bound + normal::quantile(analysis.power.fraction())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_looked_at_more_often_takes_longer() {
        let of = |method, looks| {
            let analysis = Analysis { method, looks, ..Analysis::default() };
            reach(&analysis, 0.05).unwrap()
        };
        let fixed = of(Method::Fixed, None);
        assert!((fixed - 2.801_585_218).abs() < 1e-6, "{fixed}");
        let group = of(Method::GroupSequential, Some(5));
        let always = of(Method::AlwaysValid, None);
        assert!(fixed < group && group < always && always < 4.2, "{group} {always}");
    }

    #[test]
    fn nothing_is_said_before_a_look() {
        let check = |method, looks, expect: [bool; 3]| {
            let analysis = Analysis { method, looks, ..Analysis::default() };
            let lens = Lens { analysis: &analysis, alpha: 0.05, planned: 1000.0 };
            assert_eq!([100.0, 500.0, 1000.0].map(|units| lens.may_say(units)), expect);
        };
        check(Method::AlwaysValid, None, [true; 3]);
        check(Method::Fixed, None, [false, false, true]);
        check(Method::GroupSequential, Some(4), [false, true, true]);
    }
}
