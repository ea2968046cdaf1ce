//! Ratios of two sums over units, such as clicks a page view with users as units.

use crate::error::{Error, domain, told};
use crate::estimate::{Comparison, Mean};
use crate::means::{Moments, covariance};

/// The sums over an arm's units of a numerator m and a denominator d.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sums {
    /// How many units; at least 2.
    pub units: f64,
    /// Σ m.
    pub m: f64,
    /// Σ m².
    pub m2: f64,
    /// Σ d; not 0.
    pub d: f64,
    /// Σ d².
    pub d2: f64,
    /// Σ m d.
    pub md: f64,
}

impl Sums {
    /// Of pairs (m, d).
    pub fn of(pairs: &[(f64, f64)]) -> Sums {
        let sum = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum();
        Sums {
            units: pairs.len() as f64,
            m: sum(|pair| pair.0),
            m2: sum(|pair| pair.0 * pair.0),
            d: sum(|pair| pair.1),
            d2: sum(|pair| pair.1 * pair.1),
            md: sum(|pair| pair.0 * pair.1),
        }
    }

    /// The ratio M/D of the means, and by the delta method its variance
    /// (V(m)/D² + V(d) M²/D⁴ − 2 cov(m, d) M/D³) / n (Deng, Knoblich and Lu, "Applying the Delta Method
    /// in Metric Analytics", KDD 2018).
    pub fn ratio(self) -> Result<Mean, Error> {
        let (m, d) = (
            Moments::of_sums(self.units, self.m, self.m2)?,
            Moments::of_sums(self.units, self.d, self.d2)?,
        );
        told(d.mean != 0.0, "a ratio", "a denominator other than 0")?;
        let both = covariance(self.units, (self.m, self.d), self.md)?;
        // A unit in the last place of what may cancel.
        let most = (m.variance * d.variance).sqrt() * (1.0 + 1e-9);
        domain(both.abs() <= most, "the sum of products", "possible with these sums of squares")?;
        let ratio = m.mean / d.mean;
        let variance = m.variance + ratio * ratio * d.variance - 2.0 * ratio * both;
        let variance = variance.max(0.0) / (d.mean * d.mean) / self.units;
        Ok(Mean { units: self.units, value: ratio, variance })
    }
}

/// Two ratios against each other, by the normal approximation.
pub fn compare(control: Sums, treatment: Sums) -> Result<Comparison, Error> {
    Comparison::of(control.ratio()?, treatment.ratio()?, f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denominator_of_one_leaves_the_mean() {
        let pairs: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i % 7), 1.0)).collect();
        let values: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
        let ratio = Sums::of(&pairs).ratio().unwrap();
        let mean = Moments::of(&values).unwrap().of_mean();
        assert!((ratio.value - mean.value).abs() < 1e-15);
        assert!((ratio.variance / mean.variance - 1.0).abs() < 1e-12);
    }

    #[test]
    fn it_is_the_variance_of_what_is_left_over_the_mean() {
        // By the same delta method in other words: V(m − R d) / D² / n.
        let pairs: Vec<(f64, f64)> =
            (0..80).map(|i| (f64::from(i * i % 17), f64::from(1 + i * 5 % 11))).collect();
        let ratio = Sums::of(&pairs).ratio().unwrap();
        let left: Vec<f64> = pairs.iter().map(|(m, d)| m - ratio.value * d).collect();
        let mean = pairs.iter().map(|pair| pair.1).sum::<f64>() / 80.0;
        let variance = Moments::of(&left).unwrap().variance / mean.powi(2) / 80.0;
        assert!((ratio.variance / variance - 1.0).abs() < 1e-12);
    }

    #[test]
    fn errors_of_what_cannot_be() {
        let sums = Sums { units: 10.0, m: 10.0, m2: 20.0, d: 20.0, d2: 60.0, md: 25.0 };
        assert!(sums.ratio().is_ok());
        assert!(Sums { md: 2500.0, ..sums }.ratio().is_err());
        assert!(Sums { d: 0.0, ..sums }.ratio().is_err());
        assert!(Sums { units: 1.0, ..sums }.ratio().is_err());
    }
}
