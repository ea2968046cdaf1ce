//! The ratio of two quantiles, and how far it may be off, from blocks of time that are drawn again.
//!
//! Samples of one second have much in common, and both versions were asked in every second. So
//! seconds are drawn, with both versions in them, as often as there are (a block bootstrap; Künsch,
//! Annals of Statistics 17, 1989), and the spread of the ratio over such draws is that of the ratio
//! itself.

use crate::blocks::Blocks;
use crate::random::Random;
use crate::ranked::Ranked;
pub use crate::ranked::Values;
use crate::share::Side;
use crate::{looks, student};

/// How often blocks are drawn again.
const DRAWS: usize = 1000;
/// The error of the bounds that are told.
const USUAL: f64 = 0.05;
/// How many samples of each version have to lie beyond the quantile.
const BEYOND: f64 = 5.0;

/// A ratio and its uncertainty, as logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// ln of the ratio.
    pub log: f64,
    /// Its standard error.
    pub error: f64,
}

/// The ratio of a quantile (0 to 1) of the first version to that of the second. None when there are
/// fewer than three blocks of either, nothing was seen of one of them, or a quantile is 0.
pub fn quantile_ratio(
    blocks: Blocks<'_, &Values>,
    quantile: f64,
    draws: usize,
    random: &mut Random,
) -> Option<Ratio> {
    if blocks.fewest() < 3 || !(0.0..=1.0).contains(&quantile) || draws < 2 {
        return None;
    }
    let first = Ranked::new(blocks.own(), quantile)?;
    let second = Ranked::new(blocks.other(), quantile)?;
    let log = |value: u64| (value > 0).then(|| (value as f64).ln());
    let ratio =
        |one: u64, other: u64| (one > 0 && other > 0).then(|| (one as f64 / other as f64).ln());
    let estimate = ratio(first.estimate, second.estimate)?;
    let drawn = match blocks {
        Blocks::Together(both) => spread(both.len(), draws, random, |times| {
            ratio(first.drawn(times)?, second.drawn(times)?)
        })?,
        Blocks::Apart(own, other) => {
            let own = spread(own.len(), draws, random, |times| log(first.drawn(times)?))?;
            own.hypot(spread(other.len(), draws, random, |times| log(second.drawn(times)?))?)
        }
    };
    // Far out, where few samples are, draws of the same ones spread too little.
    let alone = first.alone()?.hypot(second.alone()?);
    Some(Ratio { log: estimate, error: drawn.max(alone) })
}

/// The standard deviation of a value over draws of so many blocks, each of which is given as how
/// often each block was drawn.
fn spread(
    blocks: usize,
    draws: usize,
    random: &mut Random,
    value: impl Fn(&[u32]) -> Option<f64>,
) -> Option<f64> {
    let mut times = vec![0; blocks];
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for _ in 0..draws {
        times.fill(0);
        for _ in 0..blocks {
            times[random.below(blocks)] += 1;
        }
        // Welford's running variance.
        let Some(value) = value(&times) else { continue };
        count += 1.0;
        let away = value - mean;
        mean += away / count;
        squares += away * (value - mean);
    }
    // Draws of n blocks spread as if there were n − 1.
    let few = blocks as f64 / (blocks as f64 - 1.0);
    (count > 1.0).then(|| (squares / (count - 1.0) * few).sqrt())
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
    blocks: Blocks<'_, &Values>,
    quantile: f64,
    margin: f64,
    wrong: Wrong,
    (before, part): (f64, f64),
    random: &mut Random,
) -> Option<Looked> {
    let count = |values: &Values| values.iter().map(|(_, count)| count).sum::<u64>();
    let own = blocks.own().map(count).sum::<u64>() as f64;
    let other = blocks.other().map(count).sum::<u64>() as f64;
    if own.min(other) * (1.0 - quantile).min(quantile) < BEYOND {
        return None;
    }
    let ratio = quantile_ratio(blocks, quantile, DRAWS, random)?;
    // With few blocks their spread itself is not known well.
    let freedom = blocks.fewest() as f64 - 1.0;
    let off =
        |alpha: f64| student::upper_quantile(alpha, freedom).unwrap_or(f64::INFINITY) * ratio.error;
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
    let missing = (side == Side::Open).then(|| blocks.missing(times)).flatten();
    let at = |log: f64| log.exp();
    let (low, high) = (at(ratio.log - usual), at(ratio.log + usual));
    Some(Looked { ratio: at(ratio.log), low, high, side, missing })
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
        quantile_ratio(Blocks::Together(&blocks), quantile, 300, &mut Random::new(1))
    }

    /// The same as its words say it: blocks are put together and sorted at every draw.
    fn plain_ratio(
        blocks: &[(&Values, &Values)],
        quantile: f64,
        draws: usize,
        random: &mut Random,
    ) -> Ratio {
        let of = |drawn: &[&Values], quantile: f64| {
            let mut all: Vec<(u64, u64)> = drawn.iter().copied().flatten().copied().collect();
            all.sort_unstable();
            let samples: u64 = all.iter().map(|(_, count)| count).sum();
            let wanted = (quantile * samples as f64 - 1e-9).ceil().max(1.0) as u64;
            let mut seen = 0;
            let found = all.iter().find(|(_, count)| {
                seen += count;
                seen >= wanted
            });
            (found.unwrap().0 as f64, samples as f64)
        };
        let split = |drawn: &[(&Values, &Values)]| -> [f64; 2] {
            let (one, other): (Vec<&Values>, Vec<&Values>) = drawn.iter().copied().unzip();
            [of(&one, quantile).0, of(&other, quantile).0]
        };
        let log = |[one, other]: [f64; 2]| (one / other).ln();
        let logs: Vec<f64> = (0..draws)
            .map(|_| {
                let drawn: Vec<_> =
                    blocks.iter().map(|_| blocks[random.below(blocks.len())]).collect();
                log(split(&drawn))
            })
            .collect();
        let mean = logs.iter().sum::<f64>() / draws as f64;
        let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
        let alone = |all: Vec<&Values>| {
            let off = (quantile * (1.0 - quantile) / of(&all, quantile).1).sqrt();
            let at = |quantile| of(&all, quantile).0;
            (at((quantile + off).min(1.0)) / at((quantile - off).max(0.0))).ln() / 2.0
        };
        let (one, other) = blocks.iter().copied().unzip();
        let count = blocks.len() as f64;
        let drawn = (squares / (draws as f64 - 1.0) * count / (count - 1.0)).sqrt();
        Ratio { log: log(split(blocks)), error: drawn.max(alone(one).hypot(alone(other))) }
    }

    #[test]
    fn the_quick_way_is_the_plain_one() {
        let mut random = Random::new(17);
        for (count, rate) in [(3, 4), (10, 200), (60, 50), (200, 20)] {
            let seconds = seconds(&mut random, count, rate, 1.05);
            let blocks: Vec<(&Values, &Values)> =
                seconds.iter().map(|[one, other]| (&one[..], &other[..])).collect();
            for quantile in [0.5, 0.95, 0.99] {
                let quick =
                    quantile_ratio(Blocks::Together(&blocks), quantile, 100, &mut Random::new(2))
                        .unwrap();
                let plain = plain_ratio(&blocks, quantile, 100, &mut Random::new(2));
                // Running sums are added in another order.
                let off = (quick.error / plain.error - 1.0).abs();
                assert!(
                    quick.log.to_bits() == plain.log.to_bits() && off < 1e-9,
                    "{count} {quantile}: {quick:?} {plain:?}"
                );
            }
        }
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
    fn runs_at_other_times_have_no_moments_in_common() {
        // The spread of 200 pairs of runs against what one of them says of it.
        let mut random = Random::new(9);
        let mut ratios = Vec::new();
        for _ in 0..200 {
            let (one, other) =
                (seconds(&mut random, 30, 50, 1.0), seconds(&mut random, 60, 50, 1.0));
            let own: Vec<&Values> = one.iter().map(|[own, _]| &own[..]).collect();
            let theirs: Vec<&Values> = other.iter().map(|[_, theirs]| &theirs[..]).collect();
            let blocks = Blocks::Apart(&own, &theirs);
            ratios.push(quantile_ratio(blocks, 0.95, 200, &mut Random::new(1)).unwrap());
        }
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
