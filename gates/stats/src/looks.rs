//! Looking several times at data that still grow, with one error for all of it.

use crate::error::{Error, domain, inner};
use crate::normal;

/// How an error is spent as the part of the data that is known grows, after Lan and DeMets (1983).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spending {
    /// 2 − 2Φ(z(α/2)/√t), after O'Brien and Fleming (1979): early looks get next to nothing, so that
    /// the last one keeps nearly all.
    ObrienFleming,
    /// α ln(1 + (e − 1) t), after Pocock (1977): looks get nearly the same bound.
    Pocock,
    /// α tᴿ for R above 0 (Kim and DeMets, 1987).
    Power(f64),
}

impl Spending {
    /// The one-sided error that may have been spent when this part (above 0; 1 and more is all) of
    /// the most there can be is known, of `alpha` (between 0 and 1) in all.
    pub fn spent(self, alpha: f64, part: f64) -> Result<f64, Error> {
        inner(alpha, "alpha")?;
        domain(part > 0.0, "the part that is known", "above 0")?;
        if let Spending::Power(power) = self {
            domain(power > 0.0 && power.is_finite(), "the power of the spending", "above 0")?;
        }
        let part = part.min(1.0);
        let spent = match self {
            Spending::ObrienFleming => {
                2.0 * normal::sf(normal::upper_quantile(alpha / 2.0)? / part.sqrt())
            }
            Spending::Pocock => alpha * libm::log1p((std::f64::consts::E - 1.0) * part),
            Spending::Power(power) => alpha * part.powf(power),
        };
        Ok(spent.min(alpha))
    }
}

/// What a look adds to what O'Brien and Fleming's spending allows, when the one before was at another
/// part (0 for none): the errors of all looks together are no more than what may be spent. None when
/// that is nothing.
pub fn increment(alpha: f64, before: f64, part: f64) -> Option<f64> {
    let spent = |part| Spending::ObrienFleming.spent(alpha, part).ok();
    let before = spent(before).unwrap_or(0.0);
    spent(part).map(|spends| spends - before).filter(|left| *left > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent() {
        let check = |spending: Spending, part: f64, spent: f64, room: f64| {
            let got = spending.spent(0.05, part).unwrap();
            assert!((got - spent).abs() < room, "{spending:?} {part}: {got}");
        };
        // Tabulated by Lan and DeMets for 0.05: 0.00009, 0.0056, 0.0236, 0.05, to the digits given.
        for (part, spent) in
            [(0.25, 0.000_09), (0.5, 0.005_6), (0.75, 0.023_6), (1.0, 0.05), (2.0, 0.05)]
        {
            check(Spending::ObrienFleming, part, spent, 0.000_06);
        }
        check(Spending::Pocock, 1.0, 0.05, 1e-17);
        check(Spending::Pocock, 0.5, 0.031_005_725_347_913_88, 1e-15);
        check(Spending::Power(2.0), 0.5, 0.0125, 1e-17);
        for (alpha, part) in [(0.0, 0.5), (0.05, 0.0), (0.05, f64::NAN), (3.0, 0.5)] {
            assert!(Spending::ObrienFleming.spent(alpha, part).is_err());
        }
        assert!(Spending::Power(0.0).spent(0.05, 0.5).is_err());
        assert_eq!(increment(0.05, 1.0, 1.0), None);
    }
}
