//! The Poisson distribution: how many events there are of which so many are expected.
//!
//! By the gamma distribution (DLMF 8.4.10): at most k events of mean λ have the probability
//! Q(k + 1, λ). Counts are at least 0 and finite; fractions of events count as the whole ones in them.

use crate::error::{Error, domain, positive, probability};
use crate::{gamma, normal, root};

/// The probability of at most `events`, where `mean` (above 0) are expected.
pub fn cdf(events: f64, mean: f64) -> Result<f64, Error> {
    Ok(tails(events, mean)?.above)
}

/// The probability of more than `events`.
pub fn sf(events: f64, mean: f64) -> Result<f64, Error> {
    Ok(tails(events, mean)?.below)
}

/// The smallest number of events with a [`cdf`] of at least `p`: infinite for 1.
pub fn quantile(p: f64, mean: f64) -> Result<f64, Error> {
    probability(p, "p")?;
    if p >= 1.0 {
        return positive(mean, "the mean").map(|()| f64::INFINITY);
    }
    search(mean, normal::quantile(p).unwrap_or(0.0), |events| Ok(cdf(events, mean)? >= p))
}

/// The smallest number of events with an [`sf`] of at most `p`: infinite for 0.
pub fn upper_quantile(p: f64, mean: f64) -> Result<f64, Error> {
    probability(p, "p")?;
    if p <= 0.0 {
        return positive(mean, "the mean").map(|()| f64::INFINITY);
    }
    search(mean, normal::upper_quantile(p).unwrap_or(0.0), |events| Ok(sf(events, mean)? <= p))
}

fn search(
    mean: f64,
    z: f64,
    is_reached: impl Fn(f64) -> Result<bool, Error>,
) -> Result<f64, Error> {
    positive(mean, "the mean")?;
    root::whole(mean + z * mean.sqrt(), f64::MAX, is_reached)
}

fn tails(events: f64, mean: f64) -> Result<gamma::Tails, Error> {
    domain(events >= 0.0 && events.is_finite(), "the number of events", "at least 0 and finite")?;
    positive(mean, "the mean")?;
    gamma::tails(mean, events.floor() + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_probabilities() {
        for mean in [0.01, 0.7, 5.0, 30.0] {
            let (mut sum, mut one) = (0.0, f64::exp(-mean));
            for events in 0..60 {
                let events = f64::from(events);
                sum += one;
                let got = cdf(events, mean).unwrap();
                assert!((got / sum - 1.0).abs() < 1e-13, "{events} of {mean}: {got}, not {sum}");
                if sum < 0.999 {
                    assert_eq!(quantile(got, mean), Ok(events));
                    assert_eq!(upper_quantile(sf(events, mean).unwrap(), mean), Ok(events));
                }
                one *= mean / (events + 1.0);
            }
        }
        assert!(cdf(-1.0, 1.0).is_err() && sf(1.0, 0.0).is_err() && quantile(2.0, 1.0).is_err());
        assert_eq!(quantile(1.0, 3.0), Ok(f64::INFINITY));
    }
}
