//! The ratio of two quantiles, and how far it may be off, from blocks of time that are drawn again.
//!
//! Samples of one second have much in common, and both versions were asked in every second. So
//! seconds are drawn, with both versions in them, as often as there are (a block bootstrap; Künsch,
//! Annals of Statistics 17, 1989), and the spread of the ratio over such draws is that of the ratio
//! itself.

use crate::random::Random;
use crate::share::Side;
use crate::{looks, student};

/// How often blocks are drawn again.
const DRAWS: usize = 1000;
/// The error of the bounds that are told.
const USUAL: f64 = 0.05;
/// How many samples of each version have to lie beyond the quantile.
const BEYOND: f64 = 5.0;
/// More blocks than this are too many to speak of.
const MOST_MISSING: f64 = 1e5;

/// What was seen in a block: values, ascending, each with how often it was.
pub type Values = [(u64, u64)];

/// A ratio and its uncertainty, as logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// ln of the ratio.
    pub log: f64,
    /// Its standard error.
    pub error: f64,
}

/// The ratio of a quantile (0 to 1) of the first version to that of the second, from blocks that
/// both were seen in. None when there are fewer than three blocks, nothing was seen of one of them,
/// or a quantile is 0.
pub fn quantile_ratio(
    blocks: &[(&Values, &Values)],
    quantile: f64,
    draws: usize,
    random: &mut Random,
) -> Option<Ratio> {
    if blocks.len() < 3 || !(0.0..=1.0).contains(&quantile) || draws < 2 {
        return None;
    }
    let first = Placed::new(blocks.iter().map(|(values, _)| *values));
    let second = Placed::new(blocks.iter().map(|(_, values)| *values));
    let all: Vec<usize> = (0..blocks.len()).collect();
    let log = |drawn: &[usize]| {
        let (one, other) = (first.quantile(drawn, quantile)?, second.quantile(drawn, quantile)?);
        (one > 0 && other > 0).then(|| (one as f64 / other as f64).ln())
    };
    let estimate = log(&all)?;
    let mut drawn = vec![0; blocks.len()];
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for _ in 0..draws {
        drawn.fill_with(|| random.below(blocks.len()));
        // Welford's running variance.
        let Some(log) = log(&drawn) else { continue };
        count += 1.0;
        let away = log - mean;
        mean += away / count;
        squares += away * (log - mean);
    }
    // Draws of n blocks spread as if there were n − 1.
    let few = blocks.len() as f64 / (blocks.len() as f64 - 1.0);
    // Far out, where few samples are, draws of the same ones spread too little.
    let alone = first.alone(&all, quantile)?.hypot(second.alone(&all, quantile)?);
    let error = (squares / (count - 1.0) * few).sqrt().max(alone);
    (count > 1.0).then_some(Ratio { log: estimate, error })
}

/// What a look at two versions has shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looked {
    /// How many times that of the second version the quantile of the first one is.
    pub ratio: f64,
    /// The bounds of that, each wrong once in twenty.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// On which side of the margin it is.
    pub side: Side,
    /// About how many more blocks would tell; none when it is decided, or too near to the margin.
    pub missing: Option<u64>,
}

/// How often a comparison may be wrong, over all its looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wrong {
    /// That it holds a version to be no worse that is.
    pub pass: f64,
    /// That it holds a version to be worse that is not.
    pub fail: f64,
}

/// Looks whether a quantile of the first version is less than `margin` times that of the second;
/// `part` is how much of
/// the most there can be is known (0 to 1), and `before` how much was at the look before. None where
/// there is no ratio, or few samples lie beyond the quantile.
pub fn not_worse(
    blocks: &[(&Values, &Values)],
    quantile: f64,
    margin: f64,
    wrong: Wrong,
    (before, part): (f64, f64),
    random: &mut Random,
) -> Option<Looked> {
    let count = |of: fn(&(&Values, &Values)) -> u64| blocks.iter().map(of).sum::<u64>() as f64;
    let own = count(|(own, _)| own.iter().map(|(_, count)| count).sum());
    let other = count(|(_, other)| other.iter().map(|(_, count)| count).sum());
    if own.min(other) * (1.0 - quantile).min(quantile) < BEYOND {
        return None;
    }
    let ratio = quantile_ratio(blocks, quantile, DRAWS, random)?;
    // With few blocks their spread itself is not known well.
    let freedom = blocks.len() as f64 - 1.0;
    let off = |alpha: f64| student::isf(alpha, freedom).unwrap_or(f64::INFINITY) * ratio.error;
    let usual = off(USUAL);
    let away = |alpha| looks::increment(alpha, before, part).map_or(f64::INFINITY, off);
    let side = if ratio.log + away(wrong.pass) < margin.ln() {
        Side::Below
    } else if ratio.log - away(wrong.fail) > margin.ln() {
        Side::Above
    } else {
        Side::Open
    };
    // The error shrinks with the square root of the time.
    let times = (usual / (ratio.log - margin.ln()).abs()).powi(2);
    let more = (times.max(1.1) - 1.0) * blocks.len() as f64;
    let missing = (side == Side::Open && more < MOST_MISSING).then_some(more.ceil() as u64);
    let at = |log: f64| log.exp();
    let (low, high) = (at(ratio.log - usual), at(ratio.log + usual));
    Some(Looked { ratio: at(ratio.log), low, high, side, missing })
}

/// Blocks over one list of values, so that drawing them is adding at places.
struct Placed {
    values: Vec<u64>,
    blocks: Vec<Vec<(u32, u64)>>,
}

impl Placed {
    fn new<'a>(blocks: impl Iterator<Item = &'a Values> + Clone) -> Placed {
        let mut values: Vec<u64> = blocks.clone().flatten().map(|(value, _)| *value).collect();
        values.sort_unstable();
        values.dedup();
        let place = |value: u64| values.partition_point(|other| *other < value) as u32;
        let placed = |block: &Values| block.iter().map(|(value, n)| (place(*value), *n)).collect();
        let blocks = blocks.map(placed).collect();
        Placed { values, blocks }
    }

    /// The standard error of the logarithm of a quantile if all samples were independent, from the
    /// values one standard error of their rank to either side.
    fn alone(&self, drawn: &[usize], quantile: f64) -> Option<f64> {
        let samples: u64 = self.blocks.iter().flatten().map(|(_, count)| count).sum();
        let off = (quantile * (1.0 - quantile) / samples.max(1) as f64).sqrt();
        let low = self.quantile(drawn, (quantile - off).max(0.0))?;
        let high = self.quantile(drawn, (quantile + off).min(1.0))?;
        (low > 0).then(|| (high as f64 / low as f64).ln() / 2.0)
    }

    /// The smallest value that this share of those in the drawn blocks does not exceed.
    fn quantile(&self, drawn: &[usize], quantile: f64) -> Option<u64> {
        let mut counts = vec![0_u64; self.values.len()];
        let mut all = 0;
        for block in drawn {
            for (place, count) in &self.blocks[*block] {
                counts[*place as usize] += count;
                all += count;
            }
        }
        let wanted = (quantile * all as f64 - 1e-9).ceil().max(1.0) as u64;
        let mut seen = 0;
        let place = counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(self.values[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of latencies around 20 ms, shared troubles of a second included.
    fn seconds(
        random: &mut Random,
        count: usize,
        rate: usize,
        factor: f64,
    ) -> Vec<[Vec<(u64, u64)>; 2]> {
        let gauss = |random: &mut Random| {
            let (one, other) = (1.0 - random.unit(), random.unit());
            (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
        };
        let mut second = || {
            let trouble = 0.2 * gauss(random);
            [factor, 1.0].map(|factor| {
                let mut values: Vec<u64> = (0..rate)
                    .map(|_| (20_000.0 * factor * (0.3 * gauss(random) + trouble).exp()) as u64)
                    .collect();
                values.sort_unstable();
                let runs = values.chunk_by(|one, other| one == other);
                runs.map(|run| (run[0], run.len() as u64)).collect()
            })
        };
        (0..count).map(|_| second()).collect()
    }

    fn ratio(seconds: &[[Vec<(u64, u64)>; 2]], quantile: f64) -> Option<Ratio> {
        let blocks: Vec<(&Values, &Values)> =
            seconds.iter().map(|[one, other]| (&one[..], &other[..])).collect();
        quantile_ratio(&blocks, quantile, 300, &mut Random::new(1))
    }

    #[test]
    fn what_is_slower_is_seen_and_how_sure_that_is() {
        let mut random = Random::new(3);
        for (factor, quantile) in [(1.0, 0.5), (1.1, 0.5), (1.1, 0.99), (0.8, 0.9)] {
            let seconds = seconds(&mut random, 60, 50, factor);
            let ratio = ratio(&seconds, quantile).unwrap();
            let off = (ratio.log - factor.ln()).abs();
            assert!(
                off < 3.5 * ratio.error && ratio.error < 0.06,
                "{factor} {quantile}: {ratio:?}"
            );
        }
    }

    #[test]
    fn the_error_is_that_of_other_runs() {
        // The spread of 200 runs against what one of them says of it.
        let mut random = Random::new(9);
        let ratios: Vec<Ratio> =
            (0..200).map(|_| ratio(&seconds(&mut random, 30, 50, 1.0), 0.95).unwrap()).collect();
        let mean = ratios.iter().map(|ratio| ratio.log).sum::<f64>() / 200.0;
        let spread =
            (ratios.iter().map(|ratio| (ratio.log - mean).powi(2)).sum::<f64>() / 199.0).sqrt();
        let said = ratios.iter().map(|ratio| ratio.error).sum::<f64>() / 200.0;
        assert!((0.8..1.35).contains(&(said / spread)), "{said} of {spread}");
    }

    #[test]
    fn nothing_of_what_cannot_be() {
        let mut random = Random::new(5);
        let good = seconds(&mut random, 3, 5, 1.0);
        assert!(ratio(&good, 0.5).is_some());
        assert_eq!(ratio(&good[..2], 0.5), None);
        assert_eq!(ratio(&good, 1.5), None);
        let empty = vec![[vec![(5, 1)], Vec::new()]; 5];
        assert_eq!(ratio(&empty, 0.5), None);
        let zero = vec![[vec![(5, 1)], vec![(0, 1)]]; 5];
        assert_eq!(ratio(&zero, 0.5), None);
    }
}
