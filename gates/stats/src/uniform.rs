//! Tails of the gamma and the beta distribution where the parameters are large.
//!
//! N. M. Temme, "The asymptotic expansion of the incomplete gamma functions" (SIAM J. Math. Anal.
//! 10, 1979) and "Incomplete Laplace integrals: uniform asymptotic expansion with application to the
//! incomplete beta function" (SIAM J. Math. Anal. 18, 1987). Both densities are exp(−Nη²/2) in the
//! variable η in which the deviance is a square; what is left is a smooth function g(η) that is
//! integrated term by term. Here both have the same g. With μ = t/mean − 1 and q the ratio of the
//! beta distribution's parameters (0 for the gamma distribution),
//!
//! ```text
//! μ dμ/dη = η (1 + μ) (1 − qμ)   and   g = η/μ,
//! ```
//!
//! whose power series follow from each other. They converge up to |η| = √(2π) at the least.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// From which N on the expansion is used.
pub(crate) const LARGE: f64 = 50.0;
/// Up to which η² it is used.
pub(crate) const NEAR: f64 = 0.25;
/// The most terms; at both limits the last is below 1e-17.
const TERMS: usize = 34;

/// The probability of the tail that begins where the deviance is `deviance`: on the side above the
/// mean, or below it. `large` is N; the errors of Stirling's formula are the caller's.
pub(crate) fn tail(deviance: f64, large: f64, q: f64, is_above: bool) -> f64 {
    let z = (2.0 * deviance).sqrt();
    let scale = if is_above { 1.0 } else { -1.0 } / large.sqrt();
    let mut series = Series::new(q);
    // The integrals of sᵏ exp(−s²/2) from z on, over exp(−z²/2): k and k + 1.
    let (mut even, mut odd) = (mills(z), 1.0);
    let (mut power, mut reach) = (1.0, 1.0);
    let (mut sum, mut small) = (0.0, 0);
    for k in 0..TERMS {
        let term = series.next() * power * even;
        sum += term;
        small = if term.abs() < 1e-17 * sum.abs() { small + 1 } else { 0 };
        // Every other coefficient may be nothing.
        if small == 3 {
            break;
        }
        power *= scale;
        reach *= z;
        // The integral of k + 2, from that of k.
        let next = reach + (k as f64 + 1.0) * even;
        (even, odd) = (odd, next);
    }
    (-deviance).exp() / (2.0 * PI).sqrt() * sum
}

/// The coefficients of g, one after the other.
struct Series {
    q: f64,
    /// Of μ² and of μ in powers of η.
    square: [f64; TERMS + 3],
    inverse: [f64; TERMS + 3],
    /// Of g = η/μ.
    ratio: [f64; TERMS + 3],
    at: usize,
}

impl Series {
    fn new(q: f64) -> Series {
        let empty = [0.0; TERMS + 3];
        let mut series = Series { q, square: empty, inverse: empty, ratio: empty, at: 0 };
        (series.square[2], series.inverse[1], series.ratio[0]) = (1.0, 1.0, 1.0);
        series
    }

    fn next(&mut self) -> f64 {
        let k = self.at;
        self.at += 1;
        if k == 0 {
            return 1.0;
        }
        // μ² of power k + 2 comes from the differential equation, μ of power k + 1 from that.
        let power = k + 2;
        let before = (1.0 - self.q) * self.inverse[k] - self.q * self.square[k];
        self.square[power] = 2.0 / power as f64 * before;
        let known: f64 = (2..=k).map(|i| self.inverse[i] * self.inverse[power - i]).sum();
        self.inverse[k + 1] = 0.5 * (self.square[power] - known);
        let ratio: f64 = (1..=k).map(|j| self.inverse[j + 1] * self.ratio[k - j]).sum();
        self.ratio[k] = -ratio;
        -ratio
    }
}

/// Mills' ratio: the upper tail of the normal distribution over its density, for z ≥ 0.
fn mills(z: f64) -> f64 {
    if z < 6.0 {
        return (PI / 2.0).sqrt() * (0.5 * z * z).exp() * libm::erfc(z * FRAC_1_SQRT_2);
    }
    // Laplace's continued fraction, from its end; 40 steps are enough at 6.
    1.0 / (1..=40).rev().fold(z, |rest, k| z + f64::from(k) / rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coefficients_of_the_gamma_distribution() {
        // Those of η/μ, as they follow from μ = η + η²/3 + η³/36 − η⁴/270 + ... by hand.
        let mut series = Series::new(0.0);
        for expect in [1.0, -1.0 / 3.0, 1.0 / 12.0, -2.0 / 135.0, 1.0 / 864.0, 1.0 / 2835.0] {
            let got = series.next();
            assert!((got - expect).abs() < 1e-17, "{got}, not {expect}");
        }
    }

    #[test]
    fn both_ways_to_mills_ratio_agree() {
        let exact = (PI / 2.0).sqrt() * 18.0_f64.exp() * libm::erfc(6.0 * FRAC_1_SQRT_2);
        assert!((mills(6.0) / exact - 1.0).abs() < 1e-14);
        assert!((mills(1e8) * 1e8 - 1.0).abs() < 1e-15);
    }
}
