//! The chi-squared distribution: the sum of squares of so many independent standard normal values.
//!
//! With k degrees of freedom (above 0, not necessarily whole) it is the gamma distribution of shape
//! k/2 and scale 2 (DLMF 8.2; Abramowitz and Stegun 26.4.19).

use crate::error::{Error, domain, positive};
use crate::gamma;

/// The probability of a value of at most `x`, which is at least 0.
pub fn cdf(x: f64, freedom: f64) -> Result<f64, Error> {
    check(x, freedom)?;
    Ok(gamma::tails(x / 2.0, freedom / 2.0)?.below)
}

/// The probability of a value above `x`, with all of its digits.
pub fn sf(x: f64, freedom: f64) -> Result<f64, Error> {
    check(x, freedom)?;
    Ok(gamma::tails(x / 2.0, freedom / 2.0)?.above)
}

/// The value below which a share of `p` (within 0 and 1) lies.
pub fn quantile(p: f64, freedom: f64) -> Result<f64, Error> {
    positive(freedom, "the degrees of freedom")?;
    Ok(2.0 * gamma::standard_quantile(p, freedom / 2.0, true)?)
}

/// The value above which a share of `p` (within 0 and 1) lies.
pub fn upper_quantile(p: f64, freedom: f64) -> Result<f64, Error> {
    positive(freedom, "the degrees of freedom")?;
    Ok(2.0 * gamma::standard_quantile(p, freedom / 2.0, false)?)
}

fn check(x: f64, freedom: f64) -> Result<(), Error> {
    domain(x >= 0.0, "x", "at least 0")?;
    positive(freedom, "the degrees of freedom")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_of_normal_values() {
        for z in [0.1, 1.0, 1.96, 8.0, 30.0] {
            let both = 2.0 * crate::normal::sf(z);
            let got = sf(z * z, 1.0).unwrap();
            assert!((got / both - 1.0).abs() < 1e-12, "{z}: {got}, not {both}");
        }
        // Two degrees of freedom: the exponential distribution of mean 2.
        assert!((upper_quantile(0.001, 2.0).unwrap() - 13.815_510_557_964_274).abs() < 1e-13);
        assert!(cdf(-1.0, 2.0).is_err() && sf(1.0, 0.0).is_err() && quantile(0.5, -1.0).is_err());
    }
}
