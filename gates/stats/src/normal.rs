//! The standard normal distribution.

use std::f64::consts::{PI, SQRT_2};

/// The probability of a value above `z`, which keeps its digits far out, where 1 − cdf has none.
pub fn sf(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// The probability of a value of at most `z`.
pub fn cdf(z: f64) -> f64 {
    sf(-z)
}

/// The value above which a share of `p` lies; none unless `p` is within 0 and 1, both excluded.
///
/// A start that is good to 4.5e-4 (Abramowitz and Stegun 26.2.23), and then Halley's method.
pub fn isf(p: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    if p > 0.5 {
        return isf(1.0 - p).map(|z| -z);
    }
    let t = (-2.0 * p.ln()).sqrt();
    let top = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let bottom = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = t - top / bottom;
    for _ in 0..4 {
        // The error in units of the density, relative so that it neither underflows nor cancels.
        let above = sf(z);
        let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        if density == 0.0 || above == 0.0 {
            break;
        }
        let step = (above - p) / density;
        z += step / (1.0 - 0.5 * z * step);
    }
    Some(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(z: f64, above: f64) {
        let error = (sf(z) / above - 1.0).abs();
        // A unit in the last place of `z` is worth z² of them in the result.
        assert!(error < 3e-16 * (z * z).max(4.0), "sf({z}) is {}, not {above}", sf(z));
        let back = isf(above).unwrap();
        assert!((back - z).abs() <= 1e-12 * z.abs().max(1.0), "isf({above}) is {back}, not {z}");
    }

    // From mpmath at 50 digits: `0.5 * erfc(z / sqrt(2))`.
    #[test]
    fn tails_keep_their_digits() {
        check(0.0, 0.5);
        check(1.0, 0.158_655_253_931_457_05);
        check(1.644_853_626_951_472_8, 0.05);
        check(-1.0, 0.841_344_746_068_542_9);
        check(5.0, 2.866_515_718_791_939e-7);
        check(10.0, 7.619_853_024_160_527e-24);
        check(30.0, 4.906_713_927_148_187e-198);
    }

    #[test]
    fn what_is_no_probability_has_no_value() {
        for p in [0.0, 1.0, -0.1, 2.0, f64::NAN] {
            assert_eq!(isf(p), None);
        }
    }
}
