//! How likely chance is to split as unevenly as that.

use stats::multiple::{Method, adjusted};
use stats::{Error, goodness};

/// With fewer expected in an arm, chi-squared sees what is not there: of 99/1 among 250 an alarm at 1 in
/// 10,000 goes off ten times as often.
const EXACT: f64 = 100.0;
/// Up to so many outcomes are counted.
const OUTCOMES: f64 = 50_000.0;

/// How likely chance does this, or more, where the weights hold: exactly where few are expected in an
/// arm, and by chi-squared otherwise. With more outcomes than can be counted each arm is held exactly
/// against all others, after Holm. An arm with a weight of 0 takes no part. None where nobody is in an
/// arm, or there is one arm alone.
pub(super) fn chance(observed: &[f64], weights: &[f64]) -> Result<Option<f64>, Error> {
    let open = observed.iter().copied().zip(weights.iter().copied()).filter(|(_, w)| *w > 0.0);
    let (observed, weights): (Vec<f64>, Vec<f64>) = open.unzip();
    let (all, sum): (f64, f64) = (observed.iter().sum(), weights.iter().sum());
    if all <= 0.0 || observed.len() < 2 {
        return Ok(None);
    }
    let least = weights.iter().copied().fold(f64::INFINITY, f64::min) / sum * all;
    if least >= EXACT {
        return Ok(Some(goodness::chi_squared(&observed, &weights)?.p_value));
    }
    let outcomes =
        (1..observed.len()).fold(1.0, |product, arm| product * (all + arm as f64) / arm as f64);
    if observed.len() > 2 && outcomes > OUTCOMES {
        let of_arm = |(count, weight): (&f64, &f64)| {
            chance(&[*count, all - count], &[*weight, sum - weight]).map(|p| p.unwrap_or(1.0))
        };
        let each =
            observed.iter().zip(&weights).map(of_arm).collect::<Result<Vec<f64>, Error>>()?;
        return Ok(Some(adjusted(&each, Method::Holm)?.into_iter().fold(1.0, f64::min)));
    }
    goodness::multinomial(&observed, &weights).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(observed: &[f64], weights: &[f64]) -> Option<f64> {
        chance(observed, weights).unwrap()
    }

    #[test]
    fn few_are_counted_exactly() {
        // Six of six in one arm: 2 in 64.
        assert!((p(&[6.0, 0.0], &[0.5, 0.5]).unwrap() - 0.03125).abs() < 1e-12);
        assert_eq!(p(&[0.0, 0.0], &[0.5, 0.5]), None);
        // An arm that is closed takes no part.
        assert!(p(&[300.0, 300.0, 9.0], &[0.5, 0.5, 0.0]).unwrap() > 0.99);
        assert_eq!(p(&[300.0, 9.0], &[1.0, 0.0]), None);
    }

    /// Over all outcomes a p value below a threshold is as rare as that, or rarer.
    #[test]
    fn an_alarm_is_no_more_frequent_than_it_says() {
        for (n, weight) in [(250.0, 0.01), (250.0, 0.05), (201.0, 0.02)] {
            let of = |count: f64| p(&[n - count, count], &[1.0 - weight, weight]).unwrap();
            let all: Vec<f64> = (0..=n as u64).map(|count| of(count as f64)).collect();
            for alarm in [1e-2, 1e-3, 1e-4] {
                let mut rate = 0.0;
                for (count, p) in all.iter().enumerate() {
                    let count = count as f64;
                    if *p < alarm {
                        let up_to = |count| stats::binomial::cdf(count, n, weight).unwrap();
                        let below = if count > 0.0 { up_to(count - 1.0) } else { 0.0 };
                        rate += up_to(count) - below;
                    }
                }
                assert!(rate <= alarm * 1.05, "{n} at {weight}: {rate} for {alarm}");
            }
        }
    }

    #[test]
    fn many_arms_are_held_against_the_others() {
        let even = [1.0; 7];
        assert!(p(&[8.0; 7], &even).unwrap() > 0.99);
        let odd = [30.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0];
        assert!(p(&odd, &even).unwrap() < 1e-6);
        let few = [150.0, 10.0, 8.0, 12.0, 10.0];
        assert!(p(&few, &[0.8, 0.05, 0.05, 0.05, 0.05]).unwrap() > 0.3);
    }
}
