//! Whether counts are as they were meant to be.

use crate::chi_squared;
use crate::double::Double;
use crate::error::{Error, domain, told};
use crate::stirling::{deviance, error};

/// How many outcomes [`multinomial`] counts at the most.
const OUTCOMES: f64 = 2e7;

/// A test of counts against weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Σ (o − e)² / e; infinite when there are counts where none may be.
    pub statistic: f64,
    /// The arms with a weight, less one.
    pub freedom: f64,
    /// How surprising that is if the weights hold.
    pub p_value: f64,
    /// The counts in arms without a weight.
    pub stray: f64,
}

/// Pearson's chi-squared test (1900) of counts against weights, which are brought to a sum of 1.
///
/// An arm with a weight of 0 takes no degree of freedom. A count in it cannot be: then the statistic
/// is infinite and the p value 0, whatever the others are.
pub fn chi_squared(observed: &[f64], weights: &[f64]) -> Result<Fit, Error> {
    let (arms, stray) = arms(observed, weights)?;
    let all: f64 = arms.iter().map(|(count, _)| count).sum();
    let freedom = arms.len() as f64 - 1.0;
    if stray > 0.0 {
        return Ok(Fit { statistic: f64::INFINITY, freedom, p_value: 0.0, stray });
    }
    told(freedom > 0.0, "a split", "two arms that have a weight")?;
    told(all > 0.0, "a split", "any unit")?;
    let square = |(count, share): &(f64, f64)| {
        let expected = share * all;
        (count - expected) / expected * (count - expected)
    };
    let statistic = arms.iter().map(square).sum();
    Ok(Fit { statistic, freedom, p_value: chi_squared::sf(statistic, freedom)?, stray })
}

/// The exact test: the probability of all outcomes that are no more probable than the one observed,
/// which may be counted up to some millions of outcomes. Counts are whole.
pub fn multinomial(observed: &[f64], weights: &[f64]) -> Result<f64, Error> {
    let (arms, stray) = arms(observed, weights)?;
    let is_whole = observed.iter().all(|count| count.fract() == 0.0);
    domain(is_whole, "each count", "whole")?;
    if stray > 0.0 {
        return Ok(0.0);
    }
    told(arms.len() > 1, "a split", "two arms that have a weight")?;
    let all: f64 = arms.iter().map(|(count, _)| count).sum();
    told(all > 0.0, "a split", "any unit")?;
    // n + k − 1 over k − 1 outcomes.
    let outcomes =
        (1..arms.len()).fold(1.0, |product, arm| product * (all + arm as f64) / arm as f64);
    if outcomes > OUTCOMES {
        return Err(Error::TooLarge { what: "outcomes" });
    }
    let terms: Vec<Vec<f64>> = arms
        .iter()
        .map(|(_, share)| (0..=all as u64).map(|count| term(count as f64, all * share)).collect())
        .collect();
    // What they all have in common: √(2πn) exp(error(n)).
    let common = error(all) + 0.5 * (2.0 * std::f64::consts::PI * all).ln();
    let own: f64 = arms.iter().zip(&terms).map(|((count, _), of)| of[*count as usize]).sum();
    // Equal probabilities may differ by rounding.
    let least = own + 1e-9 * own.abs().max(1.0);
    let sum = outcomes_below(&terms, all as usize, 0.0, common, least);
    Ok(sum.min(1.0))
}

/// The sum of the probabilities of all ways in which the arms left may share what is left.
fn outcomes_below(terms: &[Vec<f64>], left: usize, so_far: f64, common: f64, least: f64) -> f64 {
    if let [last] = terms {
        let all = so_far + last[left];
        return if all <= least { (all + common).exp() } else { 0.0 };
    }
    let next = |count: usize| {
        outcomes_below(&terms[1..], left - count, so_far + terms[0][count], common, least)
    };
    (0..=left).map(next).sum()
}

/// What a count of an arm adds to the logarithm of an outcome's probability: −deviance − error − half
/// the logarithm of 2π times the count (Loader's form, which keeps its digits).
fn term(count: f64, expected: f64) -> f64 {
    if count <= 0.0 {
        return -expected;
    }
    let less = Double::sum(count, -expected);
    let half = 0.5 * (2.0 * std::f64::consts::PI * count).ln();
    -deviance(count, Double::from(expected), less) - error(count) - half
}

/// Counts and shares of the arms that have a weight, and the counts in those that have none.
pub(crate) fn arms(observed: &[f64], weights: &[f64]) -> Result<(Vec<(f64, f64)>, f64), Error> {
    domain(observed.len() == weights.len(), "the number of weights", "that of the arms")?;
    let is_good = |value: &f64| *value >= 0.0 && value.is_finite();
    domain(observed.iter().all(is_good), "each count", "a finite number of at least 0")?;
    domain(weights.iter().all(is_good), "each weight", "a finite number of at least 0")?;
    let all: f64 = weights.iter().sum();
    domain(all > 0.0 && all.is_finite(), "the sum of the weights", "above 0")?;
    let pairs = observed.iter().zip(weights);
    let arms = pairs.clone().filter(|(_, weight)| **weight > 0.0);
    let arms = arms.map(|(count, weight)| (*count, weight / all)).collect();
    let stray = pairs.filter(|(_, weight)| **weight == 0.0).map(|(count, _)| count).sum();
    Ok((arms, stray))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(observed: &[f64], weights: &[f64], statistic: f64, freedom: f64, p_value: f64) {
        let fit = chi_squared(observed, weights).unwrap();
        assert!((fit.statistic / statistic - 1.0).abs() < 1e-12, "{fit:?}");
        assert!((fit.p_value / p_value - 1.0).abs() < 1e-11, "{fit:?}");
        assert_eq!(fit.freedom.to_bits(), freedom.to_bits());
    }

    #[test]
    fn sample_ratios() {
        // Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments" (KDD
        // 2019): 821,588 against 815,482. The digits are those of mpmath's `gammainc`.
        check(
            &[821_588.0, 815_482.0],
            &[50.0, 50.0],
            22.774_368_841_894_36,
            1.0,
            1.821_792_872_619_187e-6,
        );
        check(&[530.0, 470.0, 0.0], &[50.0, 50.0, 0.0], 3.6, 1.0, 0.057_779_571_123_597_24);
        check(&[530.0, 470.0], &[1.0, 1.0], 3.6, 1.0, 0.057_779_571_123_597_24);
    }

    #[test]
    fn nobody_may_be_where_there_is_no_weight() {
        let fit = chi_squared(&[500.0, 500.0, 1.0], &[50.0, 50.0, 0.0]).unwrap();
        assert_eq!((fit.statistic, fit.p_value, fit.stray), (f64::INFINITY, 0.0, 1.0));
        assert_eq!(multinomial(&[5.0, 5.0, 1.0], &[1.0, 1.0, 0.0]), Ok(0.0));
    }

    #[test]
    fn exact_probabilities() {
        let check = |observed: &[f64], weights: &[f64], p: f64| {
            let got = multinomial(observed, weights).unwrap();
            assert!((got / p - 1.0).abs() < 1e-12, "{observed:?}: {got}, not {p}");
        };
        // By hand: two-sided binomial tests of a fair coin, and three of a die that shows three sides.
        check(&[0.0, 10.0], &[1.0, 1.0], 2.0 / 1024.0);
        check(&[2.0, 8.0], &[1.0, 1.0], 112.0 / 1024.0);
        check(&[3.0, 0.0, 0.0], &[1.0, 1.0, 1.0], 3.0 / 27.0);
        check(&[2.0, 1.0, 0.0], &[1.0, 1.0, 1.0], 21.0 / 27.0);
        // A binomial test of unequal shares: R's `binom.test(682, 925, p = 0.75)` of Conover's seeds.
        check(&[682.0, 243.0], &[0.75, 0.25], 0.382_491_559_574_851_7);
    }

    #[test]
    fn errors_of_what_cannot_be() {
        for (observed, weights) in [
            (&[1.0, 2.0][..], &[1.0][..]),
            (&[-1.0, 2.0], &[1.0, 1.0]),
            (&[0.0, 0.0], &[1.0, 1.0]),
            (&[1.0, f64::NAN], &[1.0, 1.0]),
            (&[1.0, 1.0], &[0.0, 0.0]),
            (&[5.0], &[1.0]),
        ] {
            assert!(
                chi_squared(observed, weights).is_err() && multinomial(observed, weights).is_err()
            );
        }
        assert!(multinomial(&[1.5, 2.0], &[1.0, 1.0]).is_err());
        let large = multinomial(&[1e9, 1e9], &[1.0, 1.0]);
        assert_eq!(large, Err(Error::TooLarge { what: "outcomes" }));
    }

    proptest! {
        #[test]
        fn all_outcomes_together_are_one(
            counts in proptest::collection::vec(0_u32..12, 2..4),
            weights in proptest::collection::vec(0.1_f64..5.0, 4),
        ) {
            let observed: Vec<f64> = counts.iter().map(|count| f64::from(*count)).collect();
            let all: f64 = observed.iter().sum();
            prop_assume!(all > 0.0);
            let weights = &weights[..observed.len()];
            // The most probable outcome has all others beside it.
            let p = multinomial(&observed, weights).unwrap();
            prop_assert!((0.0..=1.0).contains(&p));
            let sum: f64 = weights.iter().sum();
            let expected: Vec<f64> = weights.iter().map(|weight| all * weight / sum).collect();
            let distance = |counts: &[f64]| -> f64 {
                counts.iter().zip(&expected).map(|(count, expected)| (count - expected).abs()).sum()
            };
            if distance(&observed) < 1e-9 {
                prop_assert!((p - 1.0).abs() < 1e-12);
            }
        }
    }
}
