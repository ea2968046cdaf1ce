//! Many tests at once.

use crate::error::{Error, probability};

/// How p values are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Times their number. Holds the chance of any false alarm.
    Bonferroni,
    /// Holm (Scandinavian Journal of Statistics 6, 1979): the same promise, never worse.
    Holm,
    /// Hommel (Biometrika 75, 1988): the same promise where tests are independent or positively
    /// dependent, never worse than Holm's.
    Hommel,
    /// Benjamini and Hochberg (JRSS B 57, 1995): holds the expected share of false alarms among alarms,
    /// under the same condition.
    BenjaminiHochberg,
}

/// Adjusted p values, in the order given: each test whose adjusted value is at most α may be rejected.
/// An empty list is one of none.
pub fn adjusted(p_values: &[f64], method: Method) -> Result<Vec<f64>, Error> {
    p_values.iter().try_for_each(|p| probability(*p, "each p value"))?;
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let sorted: Vec<f64> = order.iter().map(|at| p_values[*at]).collect();
    let of_sorted = match method {
        Method::Bonferroni => sorted.iter().map(|p| p * count as f64).collect(),
        Method::Holm => holm(&sorted),
        Method::Hommel => hommel(&sorted),
        Method::BenjaminiHochberg => benjamini_hochberg(&sorted),
    };
    let mut adjusted = vec![0.0; count];
    for (at, p) in order.into_iter().zip(of_sorted) {
        adjusted[at] = p.min(1.0);
    }
    Ok(adjusted)
}

/// The largest so far of p times how many are left.
fn holm(sorted: &[f64]) -> Vec<f64> {
    let mut most = 0.0_f64;
    let steps = sorted.iter().zip((1..=sorted.len()).rev());
    let mut next = |(p, left): (&f64, usize)| {
        most = most.max(p * left as f64);
        most
    };
    steps.map(&mut next).collect()
}

/// From the largest on, the smallest so far of p n / rank.
fn benjamini_hochberg(sorted: &[f64]) -> Vec<f64> {
    let count = sorted.len() as f64;
    let mut adjusted = sorted.to_vec();
    let mut least = f64::INFINITY;
    for (at, p) in adjusted.iter_mut().enumerate().rev() {
        least = least.min(*p * (count / (at + 1) as f64));
        *p = least;
    }
    adjusted
}

/// Wright's algorithm (Biometrics 48, 1992, appendix): the worst of Simes' tests over all m of the
/// hypotheses that have the largest p values.
fn hommel(sorted: &[f64]) -> Vec<f64> {
    let count = sorted.len();
    let simes = |times: usize, from: &[f64], first: usize| {
        let each = from.iter().enumerate();
        each.map(|(at, p)| times as f64 * p / (first + at) as f64).fold(f64::INFINITY, f64::min)
    };
    let mut adjusted = vec![simes(count, sorted, 1); count];
    for times in (2..count).rev() {
        // The last `times` − 1, against 2, 3, ...
        let (first, last) = sorted.split_at(count + 1 - times);
        let least = simes(times, last, 2);
        let mut bound = 0.0;
        for (p, adjusted) in first.iter().zip(&mut adjusted) {
            bound = (times as f64 * p).min(least);
            *adjusted = adjusted.max(bound);
        }
        adjusted[first.len()..].iter_mut().for_each(|adjusted| *adjusted = adjusted.max(bound));
    }
    adjusted.iter().zip(sorted).map(|(adjusted, p)| adjusted.max(*p)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn adjusted_in_the_order_given() {
        let p = [0.02, 0.001, 0.03, 0.8, 0.008];
        let check = |method, expect: [f64; 5]| {
            for (got, expect) in adjusted(&p, method).unwrap().iter().zip(expect) {
                assert!((got - expect).abs() < 1e-15, "{method:?}: {got}, not {expect}");
            }
        };
        // As `statsmodels.stats.multitest.multipletests` 0.15 gives them.
        check(Method::Bonferroni, [0.1, 0.005, 0.15, 1.0, 0.04]);
        check(Method::Holm, [0.06, 0.005, 0.06, 0.8, 0.032]);
        check(Method::Hommel, [0.045, 0.005, 0.06, 0.8, 0.032]);
        check(Method::BenjaminiHochberg, [1.0 / 30.0, 0.005, 0.0375, 0.8, 0.02]);
        assert_eq!(adjusted(&[], Method::Holm), Ok(Vec::new()));
        assert!(adjusted(&[0.1, f64::NAN], Method::Holm).is_err());
    }

    proptest! {
        #[test]
        fn each_method_is_between_others(p in proptest::collection::vec(0.0_f64..1.0, 1..12)) {
            let of = |method| adjusted(&p, method).unwrap();
            let (bonferroni, holm) = (of(Method::Bonferroni), of(Method::Holm));
            let (hommel, fdr) = (of(Method::Hommel), of(Method::BenjaminiHochberg));
            for at in 0..p.len() {
                prop_assert!(p[at] <= fdr[at] && fdr[at] <= hommel[at] + 1e-15);
                prop_assert!(hommel[at] <= holm[at] + 1e-15 && holm[at] <= bonferroni[at] + 1e-15);
            }
            // What is asked in another order is answered in that order.
            let mirrored: Vec<f64> = p.iter().rev().copied().collect();
            let back: Vec<f64> = adjusted(&mirrored, Method::Hommel).unwrap().into_iter().rev().collect();
            prop_assert_eq!(back, hommel);
        }
    }
}
