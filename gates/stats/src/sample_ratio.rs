//! A check of the sample ratio that may be looked at as often as one likes.
//!
//! M. Lindon and A. Malek, "Anytime-Valid Inference for Multinomial Count Data" (NeurIPS 2022,
//! arXiv 2011.03567): the Bayes factor of a multinomial distribution with Dirichlet(A p₀) weights against
//! one with the weights p₀ is a martingale if these hold. So the smallest 1/BF so far is a p value at
//! any time: it falls below α with probability α at the most, however often one looks.

use crate::double::Double;
use crate::error::{Error, domain, positive};
use crate::goodness::arms;
use crate::stirling::{deviance, error};

/// How strongly the prior is drawn together around the weights that were meant, unless it is said
/// otherwise: small imbalances are what happens.
pub const CONCENTRATION: f64 = 1e4;

/// The p value at each of several looks at counts that only grow.
///
/// `prior` are the parameters of the Dirichlet distribution, one for each arm; without them it is
/// [`CONCENTRATION`] times the weights' shares. An arm without a weight is left out; a count in it
/// is a p value of 0.
pub fn p_values(
    looks: &[Vec<f64>],
    weights: &[f64],
    prior: Option<&[f64]>,
) -> Result<Vec<f64>, Error> {
    let grows = |pair: &[Vec<f64>]| pair[0].iter().zip(&pair[1]).all(|(before, now)| before <= now);
    domain(looks.windows(2).all(grows), "each look", "of counts that have not become fewer")?;
    let mut least = 1.0_f64;
    looks
        .iter()
        .map(|look| {
            least = least.min((-ln_bayes_factor(look, weights, prior)?).exp());
            Ok(least)
        })
        .collect()
}

/// The logarithm of the Bayes factor against the weights; infinite when there are counts where none
/// may be.
///
/// With A the sum of the prior's αᵢ, mᵢ = αᵢ + nᵢ and M their sum, it is
/// Σ dev(mᵢ, M pᵢ) − Σ dev(αᵢ, A pᵢ) + (ln(M/A) − Σ ln(mᵢ/αᵢ))/2 + Σ (δ(mᵢ) − δ(αᵢ)) − δ(M) + δ(A), where
/// δ is the error of Stirling's formula: that of gamma functions, with nothing left that cancels.
pub fn ln_bayes_factor(
    observed: &[f64],
    weights: &[f64],
    prior: Option<&[f64]>,
) -> Result<f64, Error> {
    let (arms_, stray) = arms(observed, weights)?;
    let prior: Vec<f64> = match prior {
        Some(prior) => {
            domain(prior.len() == weights.len(), "the number of the prior's", "that of the arms")?;
            let pairs = prior.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
            pairs.map(|(prior, _)| *prior).collect()
        }
        None => arms_.iter().map(|(_, share)| CONCENTRATION * share).collect(),
    };
    prior.iter().try_for_each(|prior| positive(*prior, "each of the prior"))?;
    if stray > 0.0 {
        return Ok(f64::INFINITY);
    }
    let before: f64 = prior.iter().sum();
    let after: f64 = before + arms_.iter().map(|(count, _)| count).sum::<f64>();
    let of_arm = |((count, share), prior): (&(f64, f64), &f64)| {
        let now = prior + count;
        let away = |value: f64, all: f64| {
            let expected = Double::product(all, *share);
            deviance(value, expected, Double::from(value) - expected)
        };
        away(now, after) - away(*prior, before) - 0.5 * (now / prior).ln() + error(now)
            - error(*prior)
    };
    let sum: f64 = arms_.iter().zip(&prior).map(of_arm).sum();
    Ok(sum + 0.5 * (after / before).ln() - error(after) + error(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bayes_factors() {
        let check = |observed: &[f64], weights: &[f64], prior: Option<&[f64]>, expect: f64| {
            let got = ln_bayes_factor(observed, weights, prior).unwrap();
            assert!((got - expect).abs() < 1e-11 * expect.abs().max(1.0), "{got}, not {expect}");
        };
        // By hand: with a uniform prior every split of n has the same probability, 1 in n + 1.
        check(&[5.0, 5.0], &[1.0, 1.0], Some(&[1.0, 1.0]), (1024.0_f64 / 252.0 / 11.0).ln());
        check(&[0.0, 10.0], &[1.0, 1.0], Some(&[1.0, 1.0]), (1024.0_f64 / 11.0).ln());
        check(&[0.0, 0.0], &[1.0, 3.0], None, 0.0);
        // From mpmath's loggamma at 60 digits.
        check(&[821_588.0, 815_482.0], &[0.5, 0.5], None, 8.765_972_292_410_426);
        check(
            &[900e6, 901e6, 1.8e9],
            &[1.0, 1.0, 2.0],
            Some(&[3.0, 70.0, 0.5]),
            310.217_114_119_878,
        );
    }

    #[test]
    fn the_smallest_so_far_counts() {
        let looks = [vec![100.0, 100.0], vec![900.0, 500.0], vec![5000.0, 5000.0]];
        let p = p_values(&looks, &[1.0, 1.0], None).unwrap();
        assert!(p[0] >= 1.0 && p[1] < 1e-3 && p[2].to_bits() == p[1].to_bits(), "{p:?}");
        let stray = [vec![10.0, 10.0, 0.0], vec![20.0, 20.0, 1.0], vec![30.0, 30.0, 1.0]];
        let p = p_values(&stray, &[1.0, 1.0, 0.0], None).unwrap();
        assert_eq!(p, [1.0, 0.0, 0.0]);
    }

    #[test]
    fn errors_of_what_cannot_be() {
        let shrunk = [vec![100.0, 100.0], vec![90.0, 200.0]];
        assert!(p_values(&shrunk, &[1.0, 1.0], None).is_err());
        assert!(p_values(&[vec![1.0, 1.0]], &[1.0, 1.0], Some(&[1.0])).is_err());
        assert!(p_values(&[vec![1.0, 1.0]], &[1.0, 1.0], Some(&[1.0, 0.0])).is_err());
    }

    proptest! {
        #[test]
        fn all_outcomes_of_one_size_are_one_in_all(n in 1_u32..60, share in 0.05_f64..0.95) {
            // The mean of the Bayes factor under the weights is 1: what makes it a martingale.
            let mean: f64 = (0..=n).map(|k| {
                let (k, n) = (f64::from(k), f64::from(n));
                let ln_p = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0)
                    + k * share.ln() + (n - k) * (1.0 - share).ln();
                let weights = [share, 1.0 - share];
                (ln_p + ln_bayes_factor(&[k, n - k], &weights, Some(&[2.0, 3.0])).unwrap()).exp()
            }).sum();
            prop_assert!((mean - 1.0).abs() < 1e-10, "{mean}");
        }
    }
}
