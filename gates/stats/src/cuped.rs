//! Means with what was known before taken out (CUPED; Deng, Xu, Kohavi and Walker, WSDM 2013).
//!
//! With x known of each unit from before the experiment, y − θ (x − x̄) has the mean of y and, for
//! θ = cov(x, y)/V(x), the smallest variance: that of y times 1 − ρ². θ is the same for both arms,
//! from what varies within each of them.

use crate::error::{Error, domain, told};
use crate::estimate::Comparison;
use crate::means::{Moments, covariance, welch};

/// Sums over an arm's units of the outcome y and of x from before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sums {
    /// How many units; at least 2.
    pub units: f64,
    /// Σ y.
    pub y: f64,
    /// Σ y².
    pub y2: f64,
    /// Σ x.
    pub x: f64,
    /// Σ x².
    pub x2: f64,
    /// Σ x y.
    pub xy: f64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adjusted {
    /// How much of x is taken out of y.
    pub theta: f64,
    /// By how much of itself the variance of both arms together has become smaller.
    pub reduction: f64,
    /// Welch's comparison of the adjusted outcomes.
    pub comparison: Comparison,
}

/// Compares two arms with x taken out of y.
pub fn compare(control: Sums, treatment: Sums) -> Result<Adjusted, Error> {
    let arms = [Within::of(control)?, Within::of(treatment)?];
    let sum = |of: fn(&Within) -> f64| -> f64 {
        arms.iter().map(|arm| of(arm) * (arm.y.units - 1.0)).sum()
    };
    let spread = sum(|arm| arm.x.variance);
    told(spread > 0.0, "an adjustment", "earlier values that differ")?;
    let theta = sum(|arm| arm.both) / spread;
    let middle = (control.x + treatment.x) / (control.units + treatment.units);
    let [own, other] = arms.each_ref().map(|arm| arm.without(theta, middle));
    let left = own.variance * (own.units - 1.0) + other.variance * (other.units - 1.0);
    let reduction = 1.0 - left / sum(|arm| arm.y.variance);
    Ok(Adjusted { theta, reduction, comparison: welch(own, other)? })
}

/// An arm's moments.
struct Within {
    x: Moments,
    y: Moments,
    both: f64,
}

impl Within {
    fn of(sums: Sums) -> Result<Within, Error> {
        let x = Moments::of_sums(sums.units, sums.x, sums.x2)?;
        let y = Moments::of_sums(sums.units, sums.y, sums.y2)?;
        let both = covariance(sums.units, (sums.x, sums.y), sums.xy)?;
        let most = (x.variance * y.variance).sqrt() * (1.0 + 1e-9);
        domain(both.abs() <= most, "the sum of products", "possible with these sums of squares")?;
        Ok(Within { x, y, both })
    }

    fn without(&self, theta: f64, middle: f64) -> Moments {
        let variance = self.y.variance + theta * theta * self.x.variance - 2.0 * theta * self.both;
        let mean = self.y.mean - theta * (self.x.mean - middle);
        Moments { units: self.y.units, mean, variance: variance.max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn sums(pairs: &[(f64, f64)]) -> Sums {
        let sum = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum();
        Sums {
            units: pairs.len() as f64,
            y: sum(|pair| pair.1),
            y2: sum(|pair| pair.1 * pair.1),
            x: sum(|pair| pair.0),
            x2: sum(|pair| pair.0 * pair.0),
            xy: sum(|pair| pair.0 * pair.1),
        }
    }

    #[test]
    fn it_is_welch_on_adjusted_values() {
        let mut random = Random::new(3);
        let mut arm = |units: usize, shift: f64| -> Vec<(f64, f64)> {
            let mut one = || {
                let x = random.unit() * 10.0;
                (x, 2.0 * x + random.unit() * 4.0 + shift)
            };
            (0..units).map(|_| one()).collect()
        };
        let (control, treatment) = (arm(200, 0.0), arm(300, 0.5));
        let adjusted = compare(sums(&control), sums(&treatment)).unwrap();
        assert!((adjusted.theta - 2.0).abs() < 0.1 && adjusted.reduction > 0.95, "{adjusted:?}");
        let middle = control.iter().chain(&treatment).map(|pair| pair.0).sum::<f64>() / 500.0;
        let of = |pairs: &[(f64, f64)]| {
            let left: Vec<f64> =
                pairs.iter().map(|(x, y)| y - adjusted.theta * (x - middle)).collect();
            Moments::of(&left).unwrap()
        };
        let plain = welch(of(&control), of(&treatment)).unwrap();
        let (got, expect) = (adjusted.comparison.absolute, plain.absolute);
        assert!((got.effect / expect.effect - 1.0).abs() < 1e-9, "{got:?} {expect:?}");
        assert!((got.error / expect.error - 1.0).abs() < 1e-9, "{got:?} {expect:?}");
    }

    #[test]
    fn errors_of_what_cannot_be() {
        let same = sums(&[(1.0, 2.0), (1.0, 3.0), (1.0, 5.0)]);
        assert!(compare(same, same).is_err());
        let good = sums(&[(1.0, 2.0), (2.0, 3.0), (1.0, 5.0)]);
        assert!(compare(good, Sums { xy: 1e9, ..good }).is_err());
    }
}
