//! Two arms by the ranks of their values.

use crate::error::{Error, finite, inner, told};
use crate::normal;

/// Up to how many values of each arm the distribution of the statistic is counted, without ties.
const EXACT: usize = 50;

/// What the test of Wilcoxon (1945), Mann and Whitney (1947) has shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranks {
    /// How many pairs of values have the larger one in the treatment; ties are halves.
    pub u: f64,
    /// Two-sided.
    pub p_value: f64,
    /// By how much the treatment is shifted: the median of all differences (Hodges and Lehmann, 1963).
    pub shift: f64,
    /// The interval of that, after Moses (1953): differences of a rank that follows from the
    /// statistic's distribution. None when there are too few values for this alpha.
    pub interval: Option<(f64, f64)>,
    /// Whether all orders were counted; otherwise the normal approximation was taken, with a
    /// correction for ties and for continuity.
    pub is_exact: bool,
}

/// Compares two arms with one value each at the least. `alpha` (between 0 and 1) is how often the
/// interval may miss.
pub fn mann_whitney(control: &[f64], treatment: &[f64], alpha: f64) -> Result<Ranks, Error> {
    inner(alpha, "alpha")?;
    told(!control.is_empty() && !treatment.is_empty(), "an order", "a value in each arm")?;
    control.iter().chain(treatment).try_for_each(|value| finite(*value, "each value"))?;
    let sorted = |values: &[f64]| {
        // Both zeros are one.
        let mut values: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (own, other) = (sorted(control), sorted(treatment));
    let (u, ties) = statistic(&own, &other);
    let pairs = own.len() as f64 * other.len() as f64;
    let is_exact = ties == 0.0 && own.len() <= EXACT && other.len() <= EXACT;
    let (p_value, rank) = if is_exact {
        by_counting(u, own.len(), other.len(), alpha)
    } else {
        let units = (own.len() + other.len()) as f64;
        let variance = pairs / 12.0 * (units + 1.0 - ties / (units * (units - 1.0)));
        told(variance > 0.0, "an order", "values that differ")?;
        let error = variance.sqrt();
        let off = ((u - pairs / 2.0).abs() - 0.5).max(0.0);
        let rank = pairs / 2.0 - normal::upper_quantile(alpha / 2.0)? * error;
        ((2.0 * normal::sf(off / error)).min(1.0), rank.floor())
    };
    let differences = Differences { own: &own, other: &other };
    let middle = (pairs / 2.0).floor();
    let shift = if pairs % 2.0 == 0.0 {
        f64::midpoint(differences.at(middle), differences.at(middle + 1.0))
    } else {
        differences.at(middle + 1.0)
    };
    let interval =
        (rank >= 1.0).then(|| (differences.at(rank), differences.at(pairs - rank + 1.0)));
    Ok(Ranks { u, p_value, shift, interval, is_exact })
}

/// The pairs in which the second one is larger, and Σ (t³ − t) over groups of t equal values.
fn statistic(own: &[f64], other: &[f64]) -> (f64, f64) {
    let (mut pairs, mut ties) = (0.0, 0.0);
    let (mut own_at, mut other_at) = (0, 0);
    while own_at < own.len() || other_at < other.len() {
        let next = |values: &[f64], at: usize| values.get(at).copied().unwrap_or(f64::INFINITY);
        let value = next(own, own_at).min(next(other, other_at));
        let equal = |values: &[f64], at: usize| {
            values[at..].iter().take_while(|other| **other <= value).count()
        };
        let (mine, theirs) = (equal(own, own_at), equal(other, other_at));
        pairs += theirs as f64 * (own_at as f64 + 0.5 * mine as f64);
        let group = (mine + theirs) as f64;
        ties += group * (group * group - 1.0);
        (own_at, other_at) = (own_at + mine, other_at + theirs);
    }
    (pairs, ties)
}

/// The exact p value, and the rank of the difference at which the interval begins.
fn by_counting(u: f64, own: usize, other: usize, alpha: f64) -> (f64, f64) {
    let counts = orders(own, other);
    let all: f64 = counts.iter().sum();
    let (mut below, mut rank, mut p_value) = (0.0, 0.0, 1.0);
    let smaller = u.min((own * other) as f64 - u);
    for (at, count) in counts.iter().enumerate() {
        below += count / all;
        if below <= alpha / 2.0 {
            rank = at as f64 + 1.0;
        }
        if at as f64 >= smaller {
            p_value = f64::min(2.0 * below, 1.0);
            break;
        }
    }
    // The interval's rank may lie beyond what was seen.
    let mut sum = 0.0;
    for (at, count) in counts.iter().enumerate() {
        sum += count / all;
        if sum > alpha / 2.0 {
            break;
        }
        rank = at as f64 + 1.0;
    }
    (p_value, rank)
}

/// In how many orders of m and n values each statistic comes about: what is left when the largest
/// value is taken away (Mann and Whitney, 1947), f(u; m, n) = f(u − n; m − 1, n) + f(u; m, n − 1).
fn orders(m: usize, n: usize) -> Vec<f64> {
    let mut before: Vec<Vec<f64>> = vec![vec![1.0]; n + 1];
    for rows in 1..=m {
        let mut now: Vec<Vec<f64>> = vec![vec![1.0]];
        for columns in 1..=n {
            let mut counts = vec![0.0; rows * columns + 1];
            for (u, count) in before[columns].iter().enumerate() {
                counts[u + columns] += count;
            }
            for (u, count) in now[columns - 1].iter().enumerate() {
                counts[u] += count;
            }
            now.push(counts);
        }
        before = now;
    }
    before.swap_remove(n)
}

/// All differences of the second arm's values to the first one's, without making them.
struct Differences<'a> {
    own: &'a [f64],
    other: &'a [f64],
}

impl Differences<'_> {
    /// The difference of this rank, 1 for the smallest: the bits of the number are halved until as
    /// many are no larger.
    fn at(&self, rank: f64) -> f64 {
        let (mut low, mut high) = (key(f64::NEG_INFINITY), key(f64::INFINITY));
        while high - low > 1 {
            let middle = low.midpoint(high);
            *(if self.up_to(number(middle)) < rank { &mut low } else { &mut high }) = middle;
        }
        number(high) + 0.0
    }

    /// How many are no larger.
    fn up_to(&self, limit: f64) -> f64 {
        let (mut count, mut first) = (0.0, 0);
        // The larger the second one, the larger the first one has to be.
        for value in self.other {
            while first < self.own.len() && value - self.own[first] > limit {
                first += 1;
            }
            count += (self.own.len() - first) as f64;
        }
        count
    }
}

/// Whole numbers in the order of floating-point ones.
fn key(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn number(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn placenta() {
        // Permeability at term and before, as in R's documentation of `wilcox.test` (Hollander and
        // Wolfe, 1973, page 69): W = 35, and 0.1272 on the one side, so twice that on both.
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let before = [1.15, 0.88, 0.90, 0.74, 1.21];
        let ranks = mann_whitney(&before, &term, 0.05).unwrap();
        assert!(ranks.is_exact && (ranks.u - 35.0).abs() < 1e-12, "{ranks:?}");
        assert!((ranks.p_value - 0.254_412_254_412_254_4).abs() < 1e-12, "{ranks:?}");
        assert!((ranks.shift - 0.305).abs() < 1e-14, "{ranks:?}");
        let (low, high) = ranks.interval.unwrap();
        assert!((low + 0.15).abs() < 1e-14 && (high - 0.76).abs() < 1e-14, "{ranks:?}");
    }

    #[test]
    fn with_ties_it_is_the_normal_approximation() {
        let own: Vec<f64> = (0..30).map(|i| f64::from(i % 7)).collect();
        let other: Vec<f64> = (0..40).map(|i| f64::from(i % 9)).collect();
        let ranks = mann_whitney(&own, &other, 0.05).unwrap();
        assert!(!ranks.is_exact);
        // As scipy 1.17 has it.
        assert!(
            (ranks.u - 718.0).abs() < 1e-12
                && (ranks.p_value - 0.160_064_426_102_731_53).abs() < 1e-13
        );
        assert!((ranks.shift - 1.0).abs() < 1e-15, "{ranks:?}");
    }

    #[test]
    fn errors_of_what_cannot_be() {
        assert!(mann_whitney(&[], &[1.0], 0.05).is_err());
        assert!(mann_whitney(&[1.0], &[f64::NAN], 0.05).is_err());
        assert!(mann_whitney(&[1.0, 1.0], &[1.0], 0.05).is_err());
        assert!(mann_whitney(&[1.0], &[2.0], 0.0).is_err());
        // One value each tells no interval.
        assert_eq!(mann_whitney(&[1.0], &[2.0], 0.05).unwrap().interval, None);
    }

    proptest! {
        #[test]
        fn ranks_of_differences_are_those_of_all(
            own in proptest::collection::vec(-9_i32..9, 1..12),
            other in proptest::collection::vec(-9_i32..9, 1..12),
        ) {
            let sorted = |values: &[i32]| {
                let mut values: Vec<f64> = values.iter().map(|value| f64::from(*value) / 4.0).collect();
                values.sort_by(f64::total_cmp);
                values
            };
            let (own, other) = (sorted(&own), sorted(&other));
            let mut all: Vec<f64> = own.iter().flat_map(|a| other.iter().map(move |b| b - a)).collect();
            all.sort_by(f64::total_cmp);
            let differences = Differences { own: &own, other: &other };
            for (at, difference) in all.iter().enumerate() {
                prop_assert!((differences.at(at as f64 + 1.0) - difference).abs() < 1e-15);
            }
            let larger = all.iter().filter(|d| **d > 0.0).count() as f64;
            let equal = all.iter().filter(|d| **d == 0.0).count() as f64;
            prop_assert!((statistic(&own, &other).0 - larger - 0.5 * equal).abs() < 1e-12);
        }

        #[test]
        fn the_interval_ends_where_the_test_does(seed in 0_u64..200) {
            let mut random = crate::random::Random::new(seed);
            let mut draw = |count: usize| -> Vec<f64> { (0..count).map(|_| random.unit()).collect() };
            let (own, other) = (draw(8), draw(9));
            let ranks = mann_whitney(&own, &other, 0.05).unwrap();
            let (low, high) = ranks.interval.unwrap();
            prop_assert!(low <= ranks.shift && ranks.shift <= high);
            prop_assert_eq!(low > 0.0 || high < 0.0, ranks.p_value <= 0.05);
        }
    }
}
