//! The standard normal distribution.

use std::f64::consts::{PI, SQRT_2};

use crate::error::{Error, inner};

/// The probability of a value above `z`, which keeps its digits far out, where 1 − cdf has none. `z`
/// is any number, and so is what comes back for one.
pub fn sf(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// The probability of a value of at most `z`.
pub fn cdf(z: f64) -> f64 {
    sf(-z)
}

/// The density at `z`.
pub fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// The value below which a share of `p` (between 0 and 1) lies.
pub fn quantile(p: f64) -> Result<f64, Error> {
    upper_quantile(p).map(|z| -z)
}

/// The value above which a share of `p` (between 0 and 1) lies; exact for the smallest shares, too.
///
/// A start that is good to 4.5e-4 (Abramowitz and Stegun 26.2.23), and then Halley's method.
pub fn upper_quantile(p: f64) -> Result<f64, Error> {
    inner(p, "p")?;
    if p > 0.5 {
        return upper_quantile(1.0 - p).map(|z| -z);
    }
    let t = (-2.0 * p.ln()).sqrt();
    let top = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let bottom = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = t - top / bottom;
    for _ in 0..4 {
        // The error in units of the density, relative so that it neither underflows nor cancels.
        let (above, density) = (sf(z), density(z));
        if density == 0.0 || above == 0.0 {
            break;
        }
        let step = (above - p) / density;
        z += step / (1.0 - 0.5 * z * step);
    }
    Ok(z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(z: f64, above: f64) {
        let error = (sf(z) / above - 1.0).abs();
        // A unit in the last place of `z` is worth z² of them in the result.
        assert!(error < 3e-16 * (z * z).max(4.0), "sf({z}) is {}, not {above}", sf(z));
        let back = upper_quantile(above).unwrap();
        assert!(
            (back - z).abs() <= 1e-12 * z.abs().max(1.0),
            "upper_quantile({above}) is {back}, not {z}"
        );
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
            assert!(upper_quantile(p).is_err() && quantile(p).is_err());
        }
    }

    proptest! {
        #[test]
        fn quantiles_lead_back(ln_p in -700.0_f64..-0.01) {
            let p = ln_p.exp();
            let z = upper_quantile(p).unwrap();
            prop_assert!((sf(z) / p - 1.0).abs() < 3e-16 * (z * z).max(4.0), "{p} {z}");
            prop_assert_eq!(quantile(p).unwrap().to_bits(), (-z).to_bits());
            prop_assert!((cdf(z) + sf(z) - 1.0).abs() < 1e-15 && sf(z + 0.01) < sf(z));
        }
    }
}
