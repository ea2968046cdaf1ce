//! Beliefs about the difference of two means.

use crate::bayes::Belief;
use crate::error::{Error, finite, inner, positive};
use crate::estimate::Estimate;
use crate::normal;

/// What is believed of the difference before the data: a normal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation; above 0.
    pub deviation: f64,
}

/// The posterior of a normally distributed estimate (its standard error taken as known) under a
/// normal prior, which is normal: precisions add up. Without a prior every difference is as likely as
/// any other.
///
/// With z the posterior mean over its deviation s, the mean of what is lost is s (φ(z) − z Φ(−z)).
pub fn means(estimate: Estimate, prior: Option<Prior>, alpha: f64) -> Result<Belief, Error> {
    inner(alpha, "alpha")?;
    let (mut mean, mut variance) = (estimate.effect, estimate.error * estimate.error);
    if let Some(prior) = prior {
        finite(prior.mean, "the prior's mean")?;
        positive(prior.deviation, "the prior's deviation")?;
        let before = prior.deviation * prior.deviation;
        mean = (mean * before + prior.mean * variance) / (before + variance);
        variance = variance * before / (before + variance);
    }
    let deviation = variance.sqrt();
    let z = mean / deviation;
    let half = normal::upper_quantile(alpha / 2.0)? * deviation;
    Ok(Belief {
        chance_to_win: normal::cdf(z),
        difference: mean,
        low: mean - half,
        high: mean + half,
        risk_of_treatment: deviation * loss(z),
        risk_of_control: deviation * loss(-z),
    })
}

/// φ(z) − z Φ(−z): how far below 0 a normal value of mean z is on average, 0 where it is above.
fn loss(z: f64) -> f64 {
    (normal::density(z) - z * normal::sf(z)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_prior_it_is_the_estimate() {
        let estimate = Estimate::new(0.3, 0.2, f64::INFINITY).unwrap();
        let belief = means(estimate, None, 0.05).unwrap();
        let fixed = estimate.fixed(0.05).unwrap();
        assert!((belief.low - fixed.low).abs() < 1e-15 && (belief.high - fixed.high).abs() < 1e-15);
        assert!((belief.chance_to_win - (1.0 - fixed.p_value / 2.0)).abs() < 1e-15);
        // What the one choice costs less than the other is the difference.
        let gain = belief.risk_of_control - belief.risk_of_treatment;
        assert!((gain - 0.3).abs() < 1e-15, "{belief:?}");
    }

    #[test]
    fn a_prior_draws_it_in() {
        let estimate = Estimate::new(0.3, 0.2, f64::INFINITY).unwrap();
        let prior = Prior { mean: 0.0, deviation: 0.2 };
        let belief = means(estimate, Some(prior), 0.05).unwrap();
        assert!((belief.difference - 0.15).abs() < 1e-15);
        assert!(
            (belief.high - belief.low - 2.0 * 1.959_963_984_540_054 * 0.02_f64.sqrt()).abs()
                < 1e-14
        );
        let none = Prior { mean: 0.0, deviation: 0.0 };
        assert!(means(estimate, Some(none), 0.05).is_err() && means(estimate, None, 1.0).is_err());
    }
}
