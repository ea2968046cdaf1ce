//! How often something happens, from how often it did.
//!
//! Counts are real numbers: where events come in clumps, there are effectively fewer of them. By the
//! incomplete beta function (DLMF 8.17.5). `of` is above 0 and `events` from 0 to `of`.

use crate::error::{Error, domain, inner, probability};
use crate::{beta, normal, root};

/// The probability of at most `events` events `of` so many, each with probability `p`.
pub fn cdf(events: f64, of: f64, p: f64) -> Result<f64, Error> {
    counts(events, of)?;
    probability(p, "p")?;
    if events >= of {
        return Ok(1.0);
    }
    beta::sf(p, events + 1.0, of - events)
}

/// The probability of more than `events` events, with all of its digits.
pub fn sf(events: f64, of: f64, p: f64) -> Result<f64, Error> {
    counts(events, of)?;
    probability(p, "p")?;
    if events >= of {
        return Ok(0.0);
    }
    beta::cdf(p, events + 1.0, of - events)
}

/// The probability of at least `events` events.
pub fn at_least(events: f64, of: f64, p: f64) -> Result<f64, Error> {
    counts(events, of)?;
    probability(p, "p")?;
    if events <= 0.0 {
        return Ok(1.0);
    }
    beta::cdf(p, events, of - events + 1.0)
}

/// The smallest whole number of events with a [`cdf`] of at least `share`.
pub fn quantile(share: f64, of: f64, p: f64) -> Result<f64, Error> {
    probability(share, "the share")?;
    let z = normal::quantile(share).unwrap_or(0.0);
    search(of, p, z, |events| Ok(cdf(events, of, p)? >= share))
}

/// The smallest whole number of events with an [`sf`] of at most `share`.
pub fn upper_quantile(share: f64, of: f64, p: f64) -> Result<f64, Error> {
    probability(share, "the share")?;
    let z = normal::upper_quantile(share).unwrap_or(0.0);
    search(of, p, z, |events| Ok(sf(events, of, p)? <= share))
}

fn search(
    of: f64,
    p: f64,
    z: f64,
    is_reached: impl Fn(f64) -> Result<bool, Error>,
) -> Result<f64, Error> {
    counts(0.0, of)?;
    probability(p, "p")?;
    root::whole(of * p + z * (of * p * (1.0 - p)).sqrt(), of.floor(), is_reached)
}

/// The largest probability at which so few events are not rarer than `alpha` (between 0 and 1): the
/// upper bound of Clopper and Pearson (1934), one-sided.
pub fn upper(events: f64, of: f64, alpha: f64) -> Result<f64, Error> {
    counts(events, of)?;
    inner(alpha, "alpha")?;
    if events >= of {
        return Ok(1.0);
    }
    beta::upper_quantile(alpha, events + 1.0, of - events)
}

/// The smallest probability at which so many events are not rarer than `alpha`: the lower bound,
/// one-sided.
pub fn lower(events: f64, of: f64, alpha: f64) -> Result<f64, Error> {
    counts(events, of)?;
    inner(alpha, "alpha")?;
    if events <= 0.0 {
        return Ok(0.0);
    }
    beta::quantile(alpha, events, of - events + 1.0)
}

fn counts(events: f64, of: f64) -> Result<(), Error> {
    domain(of > 0.0 && of.is_finite(), "the number of trials", "a finite number above 0")?;
    domain((0.0..=of).contains(&events), "the number of events", "from 0 to that of trials")
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
                assert!((cdf(events, of, high).unwrap() / alpha - 1.0).abs() < 1e-5);
                if events > 0.0 {
                    assert!((at_least(events, of, low).unwrap() / alpha - 1.0).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn quantiles_are_whole() {
        for (of, p) in [(1.0, 0.5), (20.0, 0.1), (1000.0, 0.7), (1e6, 1e-6), (1e9, 0.5)] {
            for share in [1e-300, 1e-12, 0.01, 0.5, 0.9] {
                let low = quantile(share, of, p).unwrap();
                assert!(cdf(low, of, p).unwrap() >= share, "{of} {p} {share}");
                assert!(low == 0.0 || cdf(low - 1.0, of, p).unwrap() < share, "{of} {p} {share}");
                let high = upper_quantile(share, of, p).unwrap();
                assert!(sf(high, of, p).unwrap() <= share, "{of} {p} {share}");
                assert!(high == 0.0 || sf(high - 1.0, of, p).unwrap() > share, "{of} {p} {share}");
            }
        }
        assert_eq!((quantile(0.0, 9.0, 0.5), quantile(1.0, 9.0, 0.5)), (Ok(0.0), Ok(9.0)));
    }

    #[test]
    fn errors_of_what_cannot_be() {
        for (events, of) in [(-1.0, 5.0), (6.0, 5.0), (0.0, 0.0), (f64::NAN, 5.0)] {
            assert!(upper(events, of, 0.05).is_err() && lower(events, of, 0.05).is_err());
            assert!(cdf(events, of, 0.5).is_err() && at_least(events, of, 0.5).is_err());
        }
    }
}
