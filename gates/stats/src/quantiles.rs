//! Quantiles of two arms, of values that come in clusters (the page views of a user, say).
//!
//! A. Deng, U. Knoblich and J. Lu, "Applying the Delta Method in Metric Analytics: A Practical Guide with
//! Novel Ideas" (KDD 2018), section 4: how many values lie below the quantile is a ratio of two sums
//! over clusters, whose variance the delta method gives. The quantiles of the shares at both ends of
//! that ratio's interval are those of the quantile (Woodruff, JASA 47, 1952), so that no density has
//! to be estimated.

use crate::error::{Error, finite, inner, told};
use crate::estimate::{Comparison, Mean};
use crate::means::of_sorted;

/// How far out the interval is taken from which the standard error is read: 95% of it is within.
const Z: f64 = 1.959_963_984_540_054;

/// The quantile at `share` (between 0 and 1) of all values, and its variance. Each cluster is
/// independent of the others; those without any value count for nothing.
pub fn quantile(clusters: &[&[f64]], share: f64) -> Result<Mean, Error> {
    inner(share, "the share")?;
    let mut all: Vec<f64> = clusters.iter().flat_map(|cluster| cluster.iter().copied()).collect();
    all.iter().try_for_each(|value| finite(*value, "each value"))?;
    let count = clusters.iter().filter(|cluster| !cluster.is_empty()).count() as f64;
    told(count >= 2.0, "a quantile's error", "two clusters")?;
    all.sort_by(f64::total_cmp);
    let value = of_sorted(&all, share);
    let units = all.len() as f64;
    let below = |cluster: &[f64]| cluster.iter().filter(|other| **other <= value).count() as f64;
    let ratio = all.partition_point(|other| *other <= value) as f64 / units;
    let off = |cluster: &&[f64]| (below(cluster) - ratio * cluster.len() as f64).powi(2);
    let squares: f64 = clusters.iter().map(off).sum();
    let error = (squares * count / (count - 1.0)).sqrt() / units;
    let (low, high) = (share - Z * error, share + Z * error);
    told(low > 0.0 && high < 1.0, "a quantile's error", "more values beyond it")?;
    let error = (of_sorted(&all, high) - of_sorted(&all, low)) / (2.0 * Z);
    Ok(Mean { units: clusters.len() as f64, value, variance: error * error })
}

/// The difference of the quantiles of two arms, by the normal approximation.
pub fn compare(control: &[&[f64]], treatment: &[&[f64]], share: f64) -> Result<Comparison, Error> {
    Comparison::of(quantile(control, share)?, quantile(treatment, share)?, f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// So many clusters of this size, whose values have a part in common.
    fn arm(random: &mut Random, clusters: usize, size: usize, common: f64) -> Vec<Vec<f64>> {
        let mut cluster = || {
            let own = random.unit();
            (0..size).map(|_| common * own + (1.0 - common) * random.unit()).collect()
        };
        (0..clusters).map(|_| cluster()).collect()
    }

    fn slices(clusters: &[Vec<f64>]) -> Vec<&[f64]> {
        clusters.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn the_error_is_that_of_repeated_experiments() {
        for (size, common) in [(1, 0.0), (5, 0.0), (5, 0.7)] {
            let mut random = Random::new(11);
            let runs: Vec<Mean> = (0..400)
                .map(|_| quantile(&slices(&arm(&mut random, 300, size, common)), 0.9).unwrap())
                .collect();
            let count = runs.len() as f64;
            let mean = runs.iter().map(|run| run.value).sum::<f64>() / count;
            let spread = runs.iter().map(|run| (run.value - mean).powi(2)).sum::<f64>() / count;
            let told = runs.iter().map(|run| run.variance).sum::<f64>() / count;
            // 400 runs tell a variance to about 7%.
            assert!((told / spread - 1.0).abs() < 0.2, "{size} {common}: {told} {spread}");
        }
    }

    #[test]
    fn an_even_spread_without_clusters() {
        // The variance of a quantile of uniform values is p (1 − p) / n.
        let values: Vec<f64> = (0..10_001).map(|i| f64::from(i) / 10_000.0).collect();
        let clusters: Vec<&[f64]> = values.chunks(1).collect();
        let median = quantile(&clusters, 0.5).unwrap();
        assert!((median.value - 0.5).abs() < 1e-15);
        assert!((median.variance / (0.25 / 10_001.0) - 1.0).abs() < 0.001, "{median:?}");
    }

    #[test]
    fn errors_of_what_cannot_be() {
        assert!(quantile(&[&[1.0, 2.0, 3.0]], 0.5).is_err());
        assert!(quantile(&[&[1.0], &[2.0], &[3.0]], 0.99).is_err());
        assert!(quantile(&[&[1.0], &[f64::NAN]], 0.5).is_err() && quantile(&[], 0.5).is_err());
    }
}
