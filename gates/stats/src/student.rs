//! Student's distribution: how far off a mean is that comes with an estimate of its own spread.

use crate::beta;

/// The value above which a share of `p` (0 to 1/2, excluded) lies, for so many degrees of freedom
/// (above 0); none otherwise. By the incomplete beta function (Abramowitz and Stegun 26.7.1).
pub fn isf(p: f64, freedom: f64) -> Option<f64> {
    if !(p > 0.0 && p < 0.5) || freedom.is_nan() || freedom <= 0.0 {
        return None;
    }
    let part = beta::quantile(2.0 * p, freedom / 2.0, 0.5)?;
    (part > 0.0).then(|| (freedom * (1.0 - part) / part).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_tables() {
        for (p, freedom, value) in [
            (0.05, 1.0, 6.313_75),
            (0.05, 2.0, 2.919_99),
            (0.05, 9.0, 1.833_11),
            (0.025, 30.0, 2.042_27),
            (0.005, 5.0, 4.032_14),
            (0.05, 1e6, 1.644_855),
        ] {
            let got = isf(p, freedom).unwrap();
            assert!((got - value).abs() < 1e-5, "{p} {freedom}: {got}");
        }
        for (p, freedom) in [(0.0, 1.0), (0.5, 1.0), (0.1, 0.0), (f64::NAN, 1.0), (0.1, f64::NAN)] {
            assert_eq!(isf(p, freedom), None);
        }
    }
}
