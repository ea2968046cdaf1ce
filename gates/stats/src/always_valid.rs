//! Intervals that may be looked at after every unit.
//!
//! I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas, "Time-uniform central limit
//! theory and asymptotic confidence sequences" (Annals of Statistics 52, 2024; arXiv 2103.06476),
//! equation 9: after n units with the variance σ², the mean is within
//!
//! ```text
//! σ √( 2 (nρ² + 1) / (n²ρ²) · ln(√(nρ² + 1) / α) )
//! ```
//!
//! at all n at once with probability 1 − α, as n grows. For two arms σ² is n times the variance of
//! the difference, n the units of both.

use crate::error::{Error, inner, positive};
use crate::estimate::{Effect, Estimate};

/// The ρ at which the interval is about narrowest after so many units:
/// √((−2 ln α + ln(1 − 2 ln α)) / n) (the same, section 3.2 and appendix B.2).
pub fn tuned(alpha: f64, planned: f64) -> Result<f64, Error> {
    inner(alpha, "alpha")?;
    positive(planned, "the planned number of units")?;
    let twice = -2.0 * alpha.ln();
    Ok(((twice + libm::log1p(twice)) / planned).sqrt())
}

/// An effect after `units` of both arms, for an interval that misses at any time with probability
/// `alpha`, narrowest about when `planned` units are known. Its p value is the smallest α at which the
/// interval does not hold 0, for the same ρ; it too may be looked at all the time.
pub fn effect(estimate: Estimate, units: f64, alpha: f64, planned: f64) -> Result<Effect, Error> {
    positive(units, "the number of units")?;
    let rho = tuned(alpha, planned)?;
    let grown = units * rho * rho;
    // Σ² / n is the squared standard error, so that one n is left in the fraction.
    let squared = 2.0 * (grown + 1.0) / grown;
    let z = (squared * (0.5 * libm::log1p(grown) - alpha.ln())).sqrt();
    let (low, high) = estimate.within(z);
    let own = estimate.effect / estimate.error;
    let p_value = (0.5 * libm::log1p(grown) - own * own / squared).exp().min(1.0);
    Ok(Effect { effect: estimate.effect, low, high, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_formula_to_the_letter() {
        let (alpha, planned, units, variance) = (0.05_f64, 5000.0, 1234.0_f64, 3.7);
        let rho = ((-2.0 * alpha.ln() + (1.0 - 2.0 * alpha.ln()).ln()) / planned).sqrt();
        let grown = units * rho * rho + 1.0;
        let inside = 2.0 * grown * (grown.sqrt() / alpha).ln() / (units * rho).powi(2);
        let half = f64::sqrt(variance) * inside.sqrt();
        let estimate = Estimate::new(0.2, (variance / units).sqrt(), f64::INFINITY).unwrap();
        let got = effect(estimate, units, alpha, planned).unwrap();
        assert!((got.high - 0.2 - half).abs() < 1e-14 && (0.2 - got.low - half).abs() < 1e-14);
    }

    #[test]
    fn errors_outside_of_the_domain() {
        let estimate = Estimate::new(0.2, 0.1, f64::INFINITY).unwrap();
        for (units, alpha, planned) in [(0.0, 0.05, 9.0), (9.0, 1.0, 9.0), (9.0, 0.05, 0.0)] {
            assert!(effect(estimate, units, alpha, planned).is_err());
        }
    }

    proptest! {
        #[test]
        fn an_interval_without_0_is_a_small_p_value(
            z in -9.0_f64..9.0, units in 10.0_f64..1e6, ln_alpha in -9.0_f64..-0.5,
        ) {
            let estimate = Estimate::new(z, 1.0, f64::INFINITY).unwrap();
            let alpha = ln_alpha.exp();
            let got = effect(estimate, units, alpha, 1e4).unwrap();
            prop_assert_eq!(got.low > 0.0 || got.high < 0.0, got.p_value < alpha);
            // It is wider than for one look.
            let fixed = estimate.fixed(alpha).unwrap();
            prop_assert!(got.low < fixed.low && got.high > fixed.high && got.p_value >= fixed.p_value);
        }
    }
}
