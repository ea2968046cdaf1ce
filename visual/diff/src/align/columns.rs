//! Columns of the page that shift on their own, such as a sidebar beside an article.
//!
//! Groups of neighbouring strips are aligned each for itself, which gives a few candidates for how
//! the rows of a gap belong together. The cheapest way to give every strip one of them, with a
//! price for each change from one strip to the next, is found by dynamic programming. The columns
//! found in this way are then aligned once more as a whole.

use std::ops::Range;

use super::gap::Gap;
use super::script;
use super::strips::is_blank;
use super::view::{Op, Ops, View, What};

/// Strips that are aligned together to get a candidate.
const GROUP: usize = 4;

/// How many groups are asked for a candidate.
const MOST_CANDIDATES: usize = 16;

/// What it costs to go over from one candidate to another between two strips.
const SWITCH: f64 = 12.0;

/// How many strips must differ before a gap is looked at by columns.
const WORTH_IT: f64 = 16.0;

/// The part of the cost that must go for the columns to be believed.
const GAIN: f64 = 0.3;

/// Some columns, aligned.
#[derive(Debug)]
pub(super) struct Band {
    pub(super) columns: Range<usize>,
    pub(super) ops: Vec<Op>,
}

impl Band {
    pub(super) fn new(columns: Range<usize>, ops: Vec<Op>) -> Self {
        Self { columns, ops }
    }
}

/// Passes over blank rows that are in one picture only because a neighbouring column shifted: the
/// last ones of their column, with nothing but blank rows down to `end` in the candidate.
///
/// One band keeps what it has, so that no shift ever goes without a word.
pub(super) fn drop_fillers(bands: &mut [Band], view: &View<'_>, end: u32) {
    let is_edit = |op: &Op| matches!(op.what, What::Inserted | What::Deleted);
    let blank = |columns: &Range<usize>, op: &Op| {
        let view = view.of(columns.clone());
        (0..op.rows).all(|by| match op.what {
            What::Inserted => is_blank(view.after(op.after + by)),
            _ => is_blank(view.before(op.before + by)),
        })
    };
    let telling =
        bands.iter().any(|band| band.ops.iter().any(|op| is_edit(op) && !blank(&band.columns, op)));
    if !telling {
        return;
    }
    for band in bands {
        let Some(last) = band.ops.iter().rposition(is_edit) else { continue };
        let op = band.ops[last];
        let below = if op.what == What::Inserted { op.after + op.rows } else { op.after };
        let own = view.of(band.columns.clone());
        if blank(&band.columns, &op) && (below..end).all(|y| is_blank(own.after(y))) {
            band.ops[last].what = What::Filler;
        }
    }
}

/// Splits the gap into columns, if these explain it clearly better than `whole` does.
pub(super) fn split(view: &View<'_>, gap: &Gap, whole: &[Op]) -> Option<Vec<Band>> {
    let strips = view.columns.len();
    let differing = differing(view, whole);
    if differing.iter().sum::<f64>() < WORTH_IT || strips < 2 {
        return None;
    }
    let candidates = candidates(view, gap, whole, &differing);
    if candidates.len() < 2 {
        return None;
    }
    let costs: Vec<Vec<f64>> = candidates
        .iter()
        .map(|ops| {
            let mut costs = vec![0.0; strips];
            view.add_costs(ops, &mut costs);
            costs
        })
        .collect();
    let chosen = cheapest(&costs);
    let mut bands = Vec::new();
    let mut cost = 0.0;
    let mut start = 0;
    for same in chosen.chunk_by(|a, b| a == b) {
        let columns = start..start + same.len();
        start += same.len();
        let view = view.of(columns.clone());
        let own = script(&view, &gap.before, &gap.after);
        let known = &candidates[same[0]];
        let (own_cost, known_cost) = (view.cost(&own), view.cost(known));
        let ops = if own_cost <= known_cost { own } else { known.clone() };
        cost += own_cost.min(known_cost);
        bands.push(Band { columns, ops });
    }
    let before: f64 = costs[0].iter().sum();
    (bands.len() > 1 && cost < before * (1.0 - GAIN)).then_some(bands)
}

/// How many rows differ in each strip.
fn differing(view: &View<'_>, ops: &[Op]) -> Vec<f64> {
    let pairs: Vec<Op> = ops.iter().filter(|op| op.what == What::Pair).copied().collect();
    let mut costs = vec![0.0; view.columns.len()];
    view.add_costs(&pairs, &mut costs);
    costs
}

/// Ways to align the gap's rows, `whole` first.
fn candidates(view: &View<'_>, gap: &Gap, whole: &[Op], differing: &[f64]) -> Vec<Vec<Op>> {
    let groups = differing.chunks(GROUP).enumerate();
    let mut groups: Vec<(usize, f64)> =
        groups.map(|(at, differing)| (at, differing.iter().sum())).collect();
    groups.retain(|(_, differing)| *differing >= WORTH_IT / 2.0);
    groups.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut found = vec![whole.to_vec()];
    for (at, _) in groups.into_iter().take(MOST_CANDIDATES) {
        let columns = at * GROUP..(at * GROUP + GROUP).min(view.columns.len());
        let ops = script(&view.of(columns), &gap.before, &gap.after);
        if !found.contains(&ops) {
            found.push(ops);
        }
    }
    // Rows that stay where they are: what a column does that ends above what was inserted. It
    // is among these unless something was inserted into every column.
    let mut early = Ops::default();
    let shared = gap.before.len().min(gap.after.len());
    early.pairs(&gap.before[..shared], &gap.after[..shared]);
    early.inserted(&gap.after[shared..], gap.end.0);
    early.deleted(&gap.before[shared..], gap.end.1);
    if !found.contains(&early.0) {
        found.push(early.0);
    }
    found
}

/// For each strip the candidate with which the sum of all costs is the least.
fn cheapest(costs: &[Vec<f64>]) -> Vec<usize> {
    let strips = costs[0].len();
    let mut sums: Vec<f64> = costs.iter().map(|costs| costs[0]).collect();
    let mut from = Vec::with_capacity(strips);
    for strip in 1..strips {
        let here = costs.iter().map(|costs| costs[strip]);
        let best = (0..sums.len()).min_by(|&a, &b| sums[a].total_cmp(&sums[b])).unwrap_or(0);
        let step: Vec<usize> = (0..sums.len())
            .map(|at| if sums[best] + SWITCH < sums[at] { best } else { at })
            .collect();
        sums = here
            .enumerate()
            .map(|(at, cost)| {
                let switch = if step[at] == at { 0.0 } else { SWITCH };
                sums[step[at]] + switch + cost
            })
            .collect();
        from.push(step);
    }
    let mut at = (0..sums.len()).min_by(|&a, &b| sums[a].total_cmp(&sums[b])).unwrap_or(0);
    let mut chosen = vec![at];
    for step in from.iter().rev() {
        at = step[at];
        chosen.push(at);
    }
    chosen.reverse();
    chosen
}
