//! Whether more of the requests fail than at the other version.

use gate_core::{Error, Verdict};
use stats::difference::{Looked, not_more};
use stats::share::{Block, Side};

use super::Open;
use super::both::{Both, Until};
use super::compared::{Compared, Estimate, WRONG};
use crate::measure::Look;
use crate::seconds;
use crate::settings::Compare;

/// Compares the shares of failures.
pub(super) fn compare(
    settings: &Compare,
    looks: &[Look],
    open: &Open<'_>,
) -> Result<Compared, Error> {
    let all = looks.last().map_or(0, |look| look.seconds);
    let is_apart = settings.is_stored();
    let theirs = if is_apart { u64::MAX } else { all };
    let both = Both { own: counted(open, 0, all)?, other: counted(open, 1, theirs)?, is_apart };
    Ok(one(settings.more_failures.fraction(), looks, &both))
}

fn counted(open: &Open<'_>, version: usize, count: u64) -> Result<Vec<Block>, Error> {
    let block = |tally: load::Tally| Block { samples: tally.requests, events: tally.failures() };
    seconds::read(open(version)?).take(count as usize).map(|tally| Ok(block(tally?))).collect()
}

fn one(margin: f64, looks: &[Look], both: &Both<Block>) -> Compared {
    let is_full = |second: &Block| second.samples > 0;
    let mut compared = Compared::nothing("failures".to_owned(), margin);
    let mut before = 0.0;
    for look in looks {
        let until = both.until(look.seconds, is_full);
        let looked = not_more(until.blocks(), margin, WRONG, (before, look.part));
        let Some(looked) = looked else { continue };
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
    unless_changed(compared, margin, &both.all(is_full))
}

fn estimate(looked: Looked) -> Estimate {
    Estimate::Difference { at: looked.difference, low: looked.low, high: looked.high }
}

/// What an early look was certain of is not what a run comes to that went on, for something else, and
/// says otherwise.
fn unless_changed(compared: Compared, margin: f64, all: &Until<Block>) -> Compared {
    let whole = not_more(all.blocks(), margin, WRONG, (0.0, 1.0));
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
            let (own, other) = blocks.into_iter().unzip();
            let both = Both { own, other, is_apart: false };
            let compared = one(0.005, &looks.collect::<Vec<_>>(), &both);
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
