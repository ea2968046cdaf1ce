//! How many units a comparison takes.
//!
//! Two arms of one size, two-sided, by the normal approximation and without a continuity correction;
//! what would be significant in the wrong direction counts for nothing (as in R's `power.prop.test`).
//! For proportions the variance under no effect is that of both put together, as in the pooled test
//! (J. L. Fleiss, "Statistical Methods for Rates and Proportions", 1981, section 3.2).

use crate::error::{Error, domain, finite, inner, positive};
use crate::normal;
use crate::root;

/// What is held: how often a difference is seen where there is none (two-sided), and how often one
/// is seen where there is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demands {
    /// Between 0 and 1.
    pub alpha: f64,
    /// Above alpha/2 and below 1.
    pub power: f64,
}

impl Demands {
    /// Both quantiles of the normal distribution.
    fn quantiles(self) -> Result<(f64, f64), Error> {
        inner(self.alpha, "alpha")?;
        let is_good = self.power > self.alpha / 2.0 && self.power < 1.0;
        domain(is_good, "the power", "above half of alpha and below 1")?;
        Ok((normal::upper_quantile(self.alpha / 2.0)?, normal::quantile(self.power)?))
    }
}

/// What a unit of each arm adds: standard deviations of the difference times √n, where there is no
/// effect and where there is one.
#[derive(Debug, Clone, Copy)]
struct Spread {
    none: f64,
    some: f64,
}

impl Spread {
    fn of_proportions(control: f64, treatment: f64) -> Result<Spread, Error> {
        inner(control, "the control's proportion")?;
        inner(treatment, "the treatment's proportion")?;
        let both = f64::midpoint(control, treatment);
        let own = control * (1.0 - control) + treatment * (1.0 - treatment);
        Ok(Spread { none: (2.0 * both * (1.0 - both)).sqrt(), some: own.sqrt() })
    }

    fn of_variance(variance: f64) -> Result<Spread, Error> {
        positive(variance, "the variance")?;
        let spread = (2.0 * variance).sqrt();
        Ok(Spread { none: spread, some: spread })
    }

    fn units(self, difference: f64, demands: Demands) -> Result<f64, Error> {
        finite(difference, "the difference")?;
        domain(difference != 0.0, "the difference", "other than 0")?;
        let (alpha, power) = demands.quantiles()?;
        Ok(((alpha * self.none + power * self.some) / difference).powi(2))
    }

    fn power(self, difference: f64, units: f64, alpha: f64) -> Result<f64, Error> {
        finite(difference, "the difference")?;
        positive(units, "the number of units")?;
        inner(alpha, "alpha")?;
        let z = normal::upper_quantile(alpha / 2.0)?;
        Ok(normal::cdf((difference.abs() * units.sqrt() - z * self.none) / self.some))
    }
}

/// The units of each arm (rounded by nobody) with which these proportions are told apart:
/// ((z(α/2) √(2 p̄ q̄) + z(β) √(p q + r s)) / (r − p))².
pub fn units_for_proportions(control: f64, treatment: f64, demands: Demands) -> Result<f64, Error> {
    Spread::of_proportions(control, treatment)?.units(treatment - control, demands)
}

/// The probability of telling these proportions apart with so many units in each arm.
pub fn power_for_proportions(
    control: f64,
    treatment: f64,
    units: f64,
    alpha: f64,
) -> Result<f64, Error> {
    Spread::of_proportions(control, treatment)?.power(treatment - control, units, alpha)
}

/// The smallest difference above a control's proportion that is seen with so many units in each arm.
pub fn detectable_in_proportions(control: f64, units: f64, demands: Demands) -> Result<f64, Error> {
    positive(units, "the number of units")?;
    inner(control, "the control's proportion")?;
    demands.quantiles()?;
    let (least, most) = (control * 1e-12, (1.0 - control) * (1.0 - 1e-12));
    let too_few = |difference: f64| -> Result<f64, Error> {
        let wanted = units_for_proportions(control, control + difference, demands)?;
        Ok((units / wanted).ln())
    };
    let is_reached = too_few(most)? >= 0.0;
    domain(is_reached, "the number of units", "enough to see any difference")?;
    root::between(least, most, 1e-13, too_few)
}

/// The units of each arm with which a difference of means is seen, where a unit has this variance:
/// 2 σ² (z(α/2) + z(β))² / δ². For a ratio, σ² is n times the variance of the ratio of an arm.
pub fn units_for_means(variance: f64, difference: f64, demands: Demands) -> Result<f64, Error> {
    Spread::of_variance(variance)?.units(difference, demands)
}

/// The probability of seeing a difference of means, or of ratios as above.
pub fn power_for_means(
    variance: f64,
    difference: f64,
    units: f64,
    alpha: f64,
) -> Result<f64, Error> {
    Spread::of_variance(variance)?.power(difference, units, alpha)
}

/// The smallest difference of means, or of ratios as above, that is seen with so many units in each
/// arm.
pub fn detectable_in_means(variance: f64, units: f64, demands: Demands) -> Result<f64, Error> {
    positive(units, "the number of units")?;
    let (alpha, power) = demands.quantiles()?;
    Ok((alpha + power) * Spread::of_variance(variance)?.none / units.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const USUAL: Demands = Demands { alpha: 0.05, power: 0.9 };

    #[test]
    fn examples_of_r() {
        // R's documentation of `power.prop.test`: n = 50, p1 = .50, p2 = .75 has a power of 0.740;
        // with a power of .90 it takes n = 76.7. Further digits from the formula by hand.
        let power = power_for_proportions(0.5, 0.75, 50.0, 0.05).unwrap();
        assert!((power - 0.740_165_901_331_387_8).abs() < 1e-13, "{power}");
        let units = units_for_proportions(0.5, 0.75, USUAL).unwrap();
        assert!((units - 76.706_928_451_777_47).abs() < 1e-11, "{units}");
        // What is said as "16 σ²/δ²" for a power of 80%.
        let rule = units_for_means(1.0, 1.0, Demands { alpha: 0.05, power: 0.8 }).unwrap();
        assert!((rule - 15.697_759_468_698_182).abs() < 1e-12, "{rule}");
    }

    #[test]
    fn errors_of_what_cannot_be() {
        assert!(units_for_proportions(0.0, 0.5, USUAL).is_err());
        assert!(units_for_proportions(0.5, 0.5, USUAL).is_err());
        assert!(units_for_means(-1.0, 0.5, USUAL).is_err());
        assert!(units_for_means(1.0, 0.5, Demands { alpha: 0.05, power: 1.0 }).is_err());
        assert!(power_for_proportions(0.1, 0.2, 0.0, 0.05).is_err());
        assert!(detectable_in_proportions(0.5, 1.0, USUAL).is_err());
    }

    proptest! {
        #[test]
        fn all_three_agree(p in 0.001_f64..0.9, lift in 0.01_f64..0.1, power in 0.1_f64..0.99) {
            let demands = Demands { alpha: 0.05, power };
            let other = p * (1.0 + lift);
            let units = units_for_proportions(p, other, demands).unwrap();
            prop_assert!((power_for_proportions(p, other, units, 0.05).unwrap() - power).abs() < 1e-10);
            let found = detectable_in_proportions(p, units, demands).unwrap();
            prop_assert!((found / (other - p) - 1.0).abs() < 1e-8, "{found}");
            let units = units_for_means(p, lift, demands).unwrap();
            prop_assert!((power_for_means(p, lift, units, 0.05).unwrap() - power).abs() < 1e-12);
            prop_assert!((detectable_in_means(p, units, demands).unwrap() / lift - 1.0).abs() < 1e-12);
        }
    }
}
