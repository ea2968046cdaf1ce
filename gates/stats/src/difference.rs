//! Whether one version has more events than another, as shares of its samples.
//!
//! Two uncertainties are known of a difference of shares, and the larger one counts. How it spreads
//! when the seconds are drawn again, with both versions in them, takes in that failures come
//! together; a share is a mean, so this needs no draws. Where few events are, the same few tell
//! nothing of the others that there could have been: exact bounds of both shares are then put
//! together (MOVER; Zou and Donner, Statistics in Medicine 27, 2008; with the bounds of Clopper and
//! Pearson).

use crate::blocks::Blocks;
use crate::bootstrap::Wrong;
use crate::share::{Block, Side};
use crate::{binomial, looks, student};

/// The error of the bounds that are told.
const USUAL: f64 = 0.05;

/// What a look at two shares has shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looked {
    /// The share of events of both versions.
    pub shares: (f64, f64),
    /// By how much the first one is larger.
    pub difference: f64,
    /// The bounds of that, each wrong once in twenty.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// On which side of the margin it is.
    pub side: Side,
    /// About how many more blocks would tell; none when it is decided, or too near to the margin.
    pub missing: Option<u64>,
}

/// Looks whether the share of events of the first version is less than `margin` above that of the
/// second. A version without any event is. `part` is how
/// much of the most there can be is known (0 to 1), and `before` how much was at the look before.
/// None where nothing was seen of one of them.
pub fn not_more(
    blocks: Blocks<'_, Block>,
    margin: f64,
    wrong: Wrong,
    (before, part): (f64, f64),
) -> Option<Looked> {
    let own = Share::of(blocks.own())?;
    let other = Share::of(blocks.other())?;
    let difference = own.share() - other.share();
    let error = error(blocks, own, other);
    let freedom = blocks.fewest() as f64 - 1.0;
    let spread = |alpha| student::upper_quantile(alpha, freedom).unwrap_or(f64::INFINITY) * error;
    let above = |alpha| spread(alpha).max(own.above(alpha).hypot(other.below(alpha)));
    let below = |alpha| spread(alpha).max(own.below(alpha).hypot(other.above(alpha)));
    let at = |alpha| looks::increment(alpha, before, part);
    let side = if own.events == 0.0
        || at(wrong.pass).is_some_and(|alpha| difference + above(alpha) < margin)
    {
        Side::Below
    } else if at(wrong.fail).is_some_and(|alpha| difference - below(alpha) > margin) {
        Side::Above
    } else {
        Side::Open
    };
    let (up, down) = (above(USUAL), below(USUAL));
    // The error shrinks with the square root of the time.
    let usual = if difference < margin { up } else { down };
    let times = (usual / (difference - margin).abs()).powi(2);
    let missing = (side == Side::Open).then(|| blocks.missing(times)).flatten();
    Some(Looked {
        shares: (own.share(), other.share()),
        difference,
        low: (difference - down).max(-1.0),
        high: (difference + up).min(1.0),
        side,
        missing,
    })
}

/// The standard error of the difference, from how it differs between blocks (as draws of the blocks
/// would have it, of two ratios; Cochran, Sampling Techniques, 1977, section 6.3).
fn error(blocks: Blocks<'_, Block>, own: Share, other: Share) -> f64 {
    let part = |all: Share, block: Block| {
        (block.events as f64 - all.share() * block.samples as f64) / all.samples
    };
    match blocks {
        Blocks::Together(both) => {
            spread(both.iter().map(|(mine, theirs)| part(own, *mine) - part(other, *theirs)))
        }
        Blocks::Apart(mine, theirs) => {
            let mine = spread(mine.iter().map(|block| part(own, *block)));
            mine.hypot(spread(theirs.iter().map(|block| part(other, *block))))
        }
    }
}

/// The standard deviation of the sum of parts that add up to nothing.
fn spread(parts: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = parts.len() as f64;
    let squares: f64 = parts.map(|part| part * part).sum();
    if count < 2.0 { f64::INFINITY } else { (squares * count / (count - 1.0)).sqrt() }
}

/// Events among samples.
#[derive(Debug, Clone, Copy)]
struct Share {
    events: f64,
    samples: f64,
}

impl Share {
    /// None where nothing was seen, or more events than samples.
    fn of(blocks: impl Iterator<Item = Block>) -> Option<Share> {
        let (events, samples) = blocks.fold((0.0, 0.0), |(events, samples), block| {
            (events + block.events as f64, samples + block.samples as f64)
        });
        (samples > 0.0 && events <= samples).then_some(Share { events, samples })
    }

    fn share(self) -> f64 {
        self.events / self.samples
    }

    /// How far above what was seen the share may be.
    fn above(self, alpha: f64) -> f64 {
        let bound = binomial::upper(self.events, self.samples, alpha);
        bound.map_or(1.0, |bound| (bound - self.share()).max(0.0))
    }

    /// How far below it.
    fn below(self, alpha: f64) -> f64 {
        let bound = binomial::lower(self.events, self.samples, alpha);
        bound.map_or(1.0, |bound| (self.share() - bound).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const WRONG: Wrong = Wrong { pass: 0.05, fail: 0.005 };

    fn blocks(pairs: &[(u64, u64)], samples: u64) -> Vec<(Block, Block)> {
        let block = |events| Block { samples, events };
        pairs.iter().map(|(own, other)| (block(*own), block(*other))).collect()
    }

    #[test]
    fn failures_are_held_against_those_of_the_other_version() {
        let check = |pairs: &[(u64, u64)], samples: u64, side: Side| {
            let looked =
                not_more(Blocks::Together(&blocks(pairs, samples)), 0.005, WRONG, (0.0, 1.0))
                    .unwrap();
            assert_eq!(looked.side, side, "{pairs:?}: {looked:?}");
            assert!(looked.low <= looked.difference && looked.difference <= looked.high);
        };
        // Without any there is nothing to prove, however few were asked.
        check(&[(0, 0); 3], 5, Side::Below);
        check(&[(0, 2); 3], 5, Side::Below);
        // One of few may be many, and one of many is one.
        let mut one = [(0, 0); 30];
        one[7].0 = 1;
        check(&one, 10, Side::Open);
        check(&one, 100, Side::Below);
        // A bad second is one, even if all of it failed.
        one[7].0 = 100;
        check(&one, 100, Side::Open);
        check(&[(3, 0); 30], 100, Side::Above);
        check(&[(3, 3); 30], 100, Side::Open);
        check(&[(30, 30); 30], 10_000, Side::Below);
        // Trouble that both have had is nobody's.
        let mut both = [(0, 0); 60];
        both[7] = (40, 40);
        both[8] = (60, 59);
        check(&both, 1000, Side::Below);
        check(&[(100, 0)], 100, Side::Open);
        // At other times it was: neither of them had it because the other one did.
        let (own, other): (Vec<Block>, Vec<Block>) = blocks(&both, 1000).into_iter().unzip();
        let looked = not_more(Blocks::Apart(&own, &other), 0.005, WRONG, (0.0, 1.0)).unwrap();
        assert!(looked.high > 0.002 && looked.low < -0.002, "{looked:?}");
    }

    #[test]
    fn nothing_of_what_cannot_be() {
        for (own, other) in [((0, 0), (0, 5)), ((0, 5), (0, 0)), ((6, 5), (0, 5))] {
            let block = |(events, samples)| Block { samples, events };
            let looked = not_more(
                Blocks::Together(&[(block(own), block(other)); 4]),
                0.005,
                WRONG,
                (0.0, 1.0),
            );
            assert_eq!(looked, None);
        }
        assert_eq!(not_more(Blocks::Together(&[]), 0.005, WRONG, (0.0, 1.0)), None);
    }

    /// Of so many comparisons with two looks, the shares that pass although there were failures, and
    /// that fail.
    fn often(rates: (f64, f64), seconds: usize, rate: usize, clump: usize) -> (f64, f64) {
        const RUNS: u32 = 200;
        let mut random = Random::new(5);
        let (mut passed, mut failed) = (0, 0);
        for _ in 0..RUNS {
            let mut count = |share: f64| {
                let troubles = (0..rate / clump).filter(|_| random.unit() < share).count();
                Block { samples: rate as u64, events: (troubles * clump) as u64 }
            };
            let all: Vec<(Block, Block)> =
                (0..2 * seconds).map(|_| (count(rates.0), count(rates.1))).collect();
            let mut before = 0.0;
            for part in [0.5, 1.0] {
                let until = &all[..(all.len() as f64 * part) as usize];
                let looked =
                    not_more(Blocks::Together(until), 0.005, WRONG, (before, part)).unwrap();
                before = part;
                if looked.side != Side::Open {
                    passed += u32::from(looked.side == Side::Below && looked.shares.0 > 0.0);
                    failed += u32::from(looked.side == Side::Above);
                    break;
                }
            }
        }
        (f64::from(passed) / f64::from(RUNS), f64::from(failed) / f64::from(RUNS))
    }

    #[test]
    fn it_is_seldom_wrong() {
        for (share, clump) in [(0.0, 1), (0.005, 1), (0.005, 10), (0.03, 1), (0.03, 10)] {
            for (seconds, rate) in [(10, 50), (30, 300)] {
                let name = format!("{share} in clumps of {clump}, {rate} in each of {seconds} s");
                // Who is no worse is not blamed.
                let (_, failed) = often((share, share), seconds, rate, clump);
                assert!(failed <= 0.01, "{name}: {failed}");
                // Who is worse by just the margin does not pass, with five in a hundred and what
                // chance adds to that; nor is it blamed.
                let (passed, failed) = often((share + 0.005, share), seconds, rate, clump);
                assert!(passed <= 0.08 && failed <= 0.02, "{name}: {passed} {failed}");
                // Who is much worse is.
                let (passed, failed) = often((share + 0.3, share), 2 * seconds, rate, clump);
                assert!(passed == 0.0 && failed >= 0.5, "{name}: {passed} {failed}");
            }
        }
    }
}
