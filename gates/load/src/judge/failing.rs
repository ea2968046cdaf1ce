//! Whether more of the requests fail than at the other version.

use gate_core::{Error, Verdict};
use stats::difference::{Looked, not_more};
use stats::share::{Block, Side};

use super::Open;
use super::compared::{Compared, Estimate, WRONG};
use crate::measure::Look;
use crate::seconds;

/// Compares the shares of failures. `margin` is how much larger that of this version may be.
pub(super) fn compare(margin: f64, looks: &[Look], open: &Open<'_>) -> Result<Compared, Error> {
    let all = looks.last().map_or(0, |look| look.seconds);
    let (own, other) = (counted(open, 0, all)?, counted(open, 1, all)?);
    let blocks: Vec<(Block, Block)> = own.into_iter().zip(other).collect();
    Ok(one(margin, looks, &blocks))
}

fn counted(open: &Open<'_>, version: usize, count: u64) -> Result<Vec<Block>, Error> {
    let block = |tally: load::Tally| Block { samples: tally.requests, events: tally.failures() };
    seconds::read(open(version)?).take(count as usize).map(|tally| Ok(block(tally?))).collect()
}

fn one(margin: f64, looks: &[Look], blocks: &[(Block, Block)]) -> Compared {
    let mut compared = Compared::nothing("failures".to_owned(), margin);
    let mut before = 0.0;
    for look in looks {
        let until = &blocks[..blocks.len().min(look.seconds as usize)];
        let full: Vec<(Block, Block)> = until
            .iter()
            .copied()
            .filter(|(own, other)| own.samples > 0 || other.samples > 0)
            .collect();
        let Some(looked) = not_more(&full, margin, WRONG, (before, look.part)) else { continue };
        before = look.part;
        compared = Compared {
            values: Some(looked.shares),
            estimate: Some(estimate(looked)),
            verdict: match looked.side {
                Side::Below => Verdict::Pass,
                Side::Above => Verdict::Fail,
                Side::Open => Verdict::Inconclusive,
            },
            missing: looked.missing,
            ..compared
        };
        if compared.verdict != Verdict::Inconclusive {
            break;
        }
    }
    unless_changed(compared, margin, blocks)
}

fn estimate(looked: Looked) -> Estimate {
    Estimate::Difference { at: looked.difference, low: looked.low, high: looked.high }
}

/// What an early look was certain of is not what a run comes to that went on, for something else, and
/// says otherwise.
fn unless_changed(compared: Compared, margin: f64, blocks: &[(Block, Block)]) -> Compared {
    let whole = not_more(blocks, margin, WRONG, (0.0, 1.0));
    let is_contrary = whole.is_some_and(|whole| match compared.verdict {
        Verdict::Pass => whole.difference >= margin,
        Verdict::Fail => whole.difference < margin,
        _ => false,
    });
    match whole.filter(|_| is_contrary) {
        Some(whole) => Compared {
            values: Some(whole.shares),
            estimate: Some(estimate(whole)),
            verdict: Verdict::Inconclusive,
            missing: None,
            ..compared
        },
        None => compared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Fail, Inconclusive, Pass};

    #[test]
    fn failures_are_compared() {
        let check = |parts: &[(usize, u64, u64)], looks: &[(u64, f64)], verdict: Verdict| {
            let block = |events| Block { samples: 100, events };
            let blocks: Vec<(Block, Block)> = parts
                .iter()
                .flat_map(|(count, own, other)| vec![(block(*own), block(*other)); *count])
                .collect();
            let looks = looks.iter().map(|(seconds, part)| Look { seconds: *seconds, part: *part });
            let compared = one(0.005, &looks.collect::<Vec<_>>(), &blocks);
            assert_eq!(compared.verdict, verdict, "{parts:?}: {compared:?}");
        };
        check(&[(20, 0, 0)], &[(20, 1.0)], Pass);
        check(&[(20, 4, 0)], &[(20, 1.0)], Fail);
        check(&[(20, 1, 0)], &[(20, 1.0)], Inconclusive);
        check(&[(20, 1, 1)], &[(10, 0.5), (20, 1.0)], Inconclusive);
        check(&[(600, 1, 1)], &[(300, 0.5), (600, 1.0)], Pass);
        // It has begun to fail when that was decided already.
        check(&[(20, 0, 0), (20, 9, 0)], &[(20, 0.5), (40, 1.0)], Inconclusive);
        check(&[(20, 0, 0), (20, 0, 9)], &[(20, 0.5), (40, 1.0)], Pass);
        check(&[], &[], Inconclusive);
        check(&[(5, 0, 0)], &[], Inconclusive);
    }
}
