//! How often something happens, from how often it did.
//!
//! Counts are real numbers: where events come in clumps, there are effectively fewer of them.

use crate::beta;

/// The probability of at most `events` events `of` so many, each with probability `p`. None unless
/// 0 ≤ `events` ≤ `of`, `of` > 0 and `p` is within 0 and 1.
pub fn at_most(events: f64, of: f64, p: f64) -> Option<f64> {
    if !is_count(events, of) || !(0.0..=1.0).contains(&p) {
        return None;
    }
    if events >= of {
        return Some(1.0);
    }
    beta::sf(p, events + 1.0, of - events)
}

/// The probability of at least `events` events, under the same conditions.
pub fn at_least(events: f64, of: f64, p: f64) -> Option<f64> {
    if !is_count(events, of) || !(0.0..=1.0).contains(&p) {
        return None;
    }
    if events <= 0.0 {
        return Some(1.0);
    }
    beta::cdf(p, events, of - events + 1.0)
}

/// The largest probability at which so few events are not rarer than `alpha`: the upper bound of
/// Clopper and Pearson (1934), one-sided.
pub fn upper(events: f64, of: f64, alpha: f64) -> Option<f64> {
    if !is_count(events, of) {
        return None;
    }
    if events >= of {
        return Some(1.0);
    }
    beta::upper_quantile(alpha, events + 1.0, of - events)
}

/// The smallest probability at which so many events are not rarer than `alpha`: the lower bound,
/// one-sided.
pub fn lower(events: f64, of: f64, alpha: f64) -> Option<f64> {
    if !is_count(events, of) {
        return None;
    }
    if events <= 0.0 {
        return Some(0.0);
    }
    beta::quantile(alpha, events, of - events + 1.0)
}

fn is_count(events: f64, of: f64) -> bool {
    of > 0.0 && of.is_finite() && (0.0..=of).contains(&events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_samples_certify_a_quantile() {
        // Known from the rule of (1 − p)ⁿ ≤ 5%.
        for (p, fewest) in [(0.05, 59.0), (0.01, 299.0), (0.001, 2995.0), (0.0001, 29_956.0)] {
            assert!(upper(0.0, fewest, 0.05).unwrap() <= p, "{p}");
            assert!(upper(0.0, fewest - 1.0, 0.05).unwrap() > p, "{p}");
        }
    }

    #[test]
    fn bounds_of_clopper_and_pearson() {
        let check = |events, of, alpha, low: f64, high: f64| {
            let (got_low, got_high) =
                (lower(events, of, alpha).unwrap(), upper(events, of, alpha).unwrap());
            assert!(
                (got_low - low).abs() < 1e-9 && (got_high - high).abs() < 1e-9,
                "{got_low} {got_high}"
            );
        };
        // Where mpmath's betainc gives the error.
        check(5.0, 100.0, 0.025, 0.016_431_879_182, 0.112_834_911_105);
        check(0.0, 10.0, 0.05, 0.0, 0.258_865_550_893);
        check(10.0, 10.0, 0.05, 0.741_134_449_107, 1.0);
    }

    #[test]
    fn tails_and_bounds_agree() {
        for (events, of) in [(0.0, 40.0), (3.5, 40.0), (39.0, 40.0), (120.0, 1e6)] {
            for alpha in [1e-9, 0.01, 0.05] {
                let high = upper(events, of, alpha).unwrap();
                let low = lower(events, of, alpha).unwrap();
                assert!((at_most(events, of, high).unwrap() / alpha - 1.0).abs() < 1e-4);
                if events > 0.0 {
                    assert!((at_least(events, of, low).unwrap() / alpha - 1.0).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn nothing_of_what_cannot_be() {
        for (events, of) in [(-1.0, 5.0), (6.0, 5.0), (0.0, 0.0), (f64::NAN, 5.0)] {
            assert_eq!((upper(events, of, 0.05), lower(events, of, 0.05)), (None, None));
            assert_eq!((at_most(events, of, 0.5), at_least(events, of, 0.5)), (None, None));
        }
    }
}
