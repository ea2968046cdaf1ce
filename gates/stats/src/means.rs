//! Means of two arms.

use crate::double::Double;
use crate::error::{Error, domain, finite, told};
use crate::estimate::{Comparison, Mean};

/// How many values there are, their mean, and the unbiased estimate of their variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// How many; at least 2.
    pub units: f64,
    /// The mean.
    pub mean: f64,
    /// The variance, over n − 1; at least 0.
    pub variance: f64,
}

impl Moments {
    /// From sums: how many values, their sum, and the sum of their squares. The variance is worked
    /// out with twice the digits, so that it has all that the sums tell.
    pub fn of_sums(units: f64, sum: f64, squares: f64) -> Result<Moments, Error> {
        let variance = covariance(units, (sum, sum), squares)?;
        domain(variance >= 0.0, "the sum of squares", "at least the square of the sum over n")?;
        Ok(Moments { units, mean: sum / units, variance })
    }

    /// From the values themselves.
    pub fn of(values: &[f64]) -> Result<Moments, Error> {
        told(values.len() >= 2, "a variance", "two values")?;
        values.iter().try_for_each(|value| finite(*value, "each value"))?;
        let units = values.len() as f64;
        let mean = values.iter().sum::<f64>() / units;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Ok(Moments { units, mean, variance: squares / (units - 1.0) })
    }

    /// The mean with its variance.
    pub fn of_mean(self) -> Mean {
        Mean { units: self.units, value: self.mean, variance: self.variance / self.units }
    }
}

/// The unbiased estimate of a covariance from how many pairs there are, both sums and the sum of
/// products. What rounding leaves below 0 where nothing varies is 0.
pub(crate) fn covariance(units: f64, sums: (f64, f64), products: f64) -> Result<f64, Error> {
    told(units >= 2.0 && units.is_finite(), "a variance", "two values")?;
    for sum in [sums.0, sums.1, products] {
        finite(sum, "each sum")?;
    }
    let expected = Double::product(sums.0, sums.1) / Double::from(units);
    let left = (Double::from(products) - expected).value();
    // The sums themselves are rounded: what is below their last digit is nothing that varies.
    let is_noise = left.abs() <= 2.0 * f64::EPSILON * products.abs();
    let is_variance = sums.0.to_bits() == sums.1.to_bits();
    Ok(if is_noise && is_variance { 0.0 } else { left / (units - 1.0) })
}

/// Welch's comparison of two means (Biometrika 34, 1947), with the degrees of freedom of
/// Satterthwaite (Biometrics Bulletin 2, 1946). The relative effect, by the delta method, takes the
/// same.
pub fn welch(control: Moments, treatment: Moments) -> Result<Comparison, Error> {
    let (own, other) = (control.of_mean(), treatment.of_mean());
    let all = own.variance + other.variance;
    told(all > 0.0 && all.is_finite(), "a variance", "values that differ")?;
    // As parts of their sum, so that no square leaves what a number can be.
    let part = |mean: Mean| (mean.variance / all).powi(2) / (mean.units - 1.0);
    let freedom = 1.0 / (part(own) + part(other));
    Comparison::of(own, other, freedom)
}

/// Values cut back to between two quantiles of all arms together, so that a few extreme ones do not
/// decide: `low` and `high` are shares with 0 ≤ low < high ≤ 1. The moments of each arm, to be
/// compared by [`welch`]; the quantiles are those of Hyndman and Fan's seventh definition.
pub fn winsorised(arms: &[&[f64]], low: f64, high: f64) -> Result<Vec<Moments>, Error> {
    let is_good = (0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high) && low < high;
    domain(is_good, "the shares", "within 0 and 1, the lower one first")?;
    let mut all: Vec<f64> = arms.iter().flat_map(|arm| arm.iter().copied()).collect();
    all.iter().try_for_each(|value| finite(*value, "each value"))?;
    told(!all.is_empty(), "a quantile", "any value")?;
    all.sort_by(f64::total_cmp);
    let (floor, cap) = (of_sorted(&all, low), of_sorted(&all, high));
    arms.iter()
        .map(|arm| {
            let cut: Vec<f64> = arm.iter().map(|value| value.clamp(floor, cap)).collect();
            Moments::of(&cut)
        })
        .collect()
}

/// The quantile of sorted values, of which there is one at least: linear between the two that it lies
/// between (Hyndman and Fan's seventh definition, The American Statistician 50, 1996).
pub(crate) fn of_sorted(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (low, part) = (at.floor(), at - at.floor());
    let low = sorted[low as usize];
    let high = sorted[(at.ceil() as usize).min(sorted.len() - 1)];
    if part > 0.0 { low + part * (high - low) } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep() {
        // Student's sleep data, as in R's documentation: `t.test(extra ~ group, data = sleep)` gives
        // t = -1.8608, df = 17.776, p-value = 0.07939, interval -3.3654832 to 0.2054832.
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let (first, second) = (Moments::of(&first).unwrap(), Moments::of(&second).unwrap());
        let both = welch(first, second).unwrap();
        let effect = both.absolute.fixed(0.05).unwrap();
        assert!((both.absolute.freedom - 17.776_473_516_178_5).abs() < 1e-10);
        assert!((effect.effect / both.absolute.error - 1.8608).abs() < 5e-5);
        assert!((effect.p_value - 0.079_394_140_189_6).abs() < 1e-10, "{effect:?}");
        assert!(
            (effect.low + 0.205_483_2).abs() < 5e-8 && (effect.high - 3.365_483_2).abs() < 5e-8
        );
    }

    #[test]
    fn another_program_has_the_same_interval() {
        // tea-tasting 1.14 for these moments.
        let control = Moments { units: 100.0, mean: 5.0, variance: 4.0 };
        let treatment = Moments { units: 120.0, mean: 5.4, variance: 4.4 };
        let effect = welch(control, treatment).unwrap().absolute.fixed(0.05).unwrap();
        assert!((effect.low + 0.145_775_227_189_918_53).abs() < 1e-12, "{effect:?}");
        assert!((effect.high - 0.945_775_227_189_919_2).abs() < 1e-12, "{effect:?}");
        assert!((effect.p_value - 0.150_023_992_151_044_1).abs() < 1e-12, "{effect:?}");
    }

    #[test]
    fn sums_tell_the_same_as_values() {
        // A large offset takes the digits of the usual formula away.
        let values: Vec<f64> = (0..100).map(|i| 1e8 + f64::from(i)).collect();
        let squares = values.iter().map(|value| value * value).fold(0.0, |sum, one| sum + one);
        let sums = Moments::of_sums(100.0, values.iter().sum(), squares).unwrap();
        assert!((sums.variance / 841.666_666_666_666_6 - 1.0).abs() < 0.02, "{sums:?}");
        let exact = Moments::of(&values).unwrap();
        assert!((exact.variance / 841.666_666_666_666_6 - 1.0).abs() < 1e-14);
        assert!(Moments::of_sums(3.0, 0.3, 0.03).unwrap().variance <= 0.0);
    }

    #[test]
    fn errors_of_what_cannot_be() {
        assert!(Moments::of_sums(10.0, 10.0, 5.0).is_err());
        assert!(Moments::of_sums(1.0, 1.0, 1.0).is_err());
        assert!(Moments::of(&[1.0]).is_err() && Moments::of(&[1.0, f64::NAN]).is_err());
        let same = Moments::of(&[2.0, 2.0]).unwrap();
        assert!(welch(same, same).is_err());
        assert!(
            winsorised(&[&[1.0, 2.0]], 0.9, 0.1).is_err() && winsorised(&[], 0.0, 0.9).is_err()
        );
    }

    #[test]
    fn the_extreme_ones_are_cut_back() {
        let (own, other) = ([1.0, 2.0, 3.0, 4.0, 100.0], [1.0, 2.0, 3.0, 4.0, 5.0]);
        // Nine tenths of the way through ten values: a tenth of the way from 5 to 100.
        let cut = winsorised(&[&own, &other], 0.0, 0.9).unwrap();
        assert!(
            (cut[0].mean - (10.0 + 14.5) / 5.0).abs() < 1e-14 && (cut[1].mean - 3.0).abs() < 1e-15
        );
        let all = winsorised(&[&own, &other], 0.0, 1.0).unwrap();
        assert_eq!(all[0], Moments::of(&own).unwrap());
    }
}
