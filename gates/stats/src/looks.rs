//! Looking several times at data that still grow, with one error for all of it.

use crate::normal;

/// The error that may have been spent when this part (0 to 1) of the most there can be is known, of
/// `alpha` in all: Lan and DeMets (1983) after O'Brien and Fleming (1979), one-sided. Early looks
/// get next to nothing, so that the last one keeps nearly all. None when `alpha` is not within 0 and
/// 1 or `part` not above 0.
pub fn obrien_fleming(alpha: f64, part: f64) -> Option<f64> {
    if part.is_nan() || part <= 0.0 {
        return None;
    }
    let z = normal::isf(alpha / 2.0)?;
    Some((2.0 * normal::sf(z / part.min(1.0).sqrt())).min(alpha))
}

/// What a look adds to that, when the one before was at another part (0 for none): the errors of all
/// looks together are no more than what may be spent.
pub fn increment(alpha: f64, before: f64, part: f64) -> Option<f64> {
    let spent = obrien_fleming(alpha, before).unwrap_or(0.0);
    obrien_fleming(alpha, part).map(|spends| spends - spent).filter(|left| *left > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent() {
        // Tabulated by Lan and DeMets for 0.05: 0.00009, 0.0056, 0.0236, 0.05, to the digits given.
        for (part, spent) in
            [(0.25, 0.000_09), (0.5, 0.005_6), (0.75, 0.023_6), (1.0, 0.05), (2.0, 0.05)]
        {
            let got = obrien_fleming(0.05, part).unwrap();
            assert!((got - spent).abs() < 0.000_06, "{part}: {got}");
        }
        for (alpha, part) in [(0.0, 0.5), (0.05, 0.0), (0.05, f64::NAN), (3.0, 0.5)] {
            assert_eq!(obrien_fleming(alpha, part), None);
        }
    }
}
