//! Columns of the page that shift on their own, such as a sidebar beside an article.
//!
//! Groups of neighbouring strips are aligned each for itself, which gives a few candidates for how
//! the rows belong together. The cheapest way to give every strip one of them, with a
//! price for each change from one strip to the next, is found by dynamic programming. The columns
//! found in this way are then aligned once more as a whole.

use std::ops::Range;

use super::anchors::row_at;
use super::script;
use super::view::{Op, Ops, View, What};

/// Strips that are aligned together to get a candidate.
const GROUP: usize = 4;

/// How many groups are asked for a candidate.
const MOST_CANDIDATES: usize = 16;

/// What it costs to go over from one candidate to another between two strips.
const SWITCH: f64 = 12.0;

/// How many strips must differ before columns are looked at, and how many must be explained by them.
const WORTH_IT: f64 = 16.0;

/// What must be saved, as a part of what is left, for the columns to be believed.
const GAIN: f64 = 0.05;

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

/// Splits the rows into columns, if these explain them clearly better than `whole` does.
pub(super) fn split(
    view: &View<'_>,
    before: &[u32],
    after: &[u32],
    whole: &[Op],
) -> Option<Vec<Band>> {
    let strips = view.columns.len();
    let differing = differing(view, whole);
    let shifted = whole.iter().any(|op| op.what != What::Pair);
    if strips < 2 || (differing.iter().sum::<f64>() < WORTH_IT && !shifted) {
        return None;
    }
    let candidates = candidates(view, before, after, whole);
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
        let own = script(&view, before, after);
        let known = &candidates[same[0]];
        let (own_cost, known_cost) = (view.cost(&own), view.cost(known));
        let ops = if own_cost <= known_cost { own } else { known.clone() };
        cost += own_cost.min(known_cost);
        bands.push(Band { columns, ops });
    }
    let saved = costs[0].iter().sum::<f64>() - cost;
    let worth_it = saved > WORTH_IT + SWITCH * (bands.len() - 1) as f64;
    (bands.len() > 1 && worth_it && saved > cost * GAIN).then_some(bands)
}

/// How many rows differ in each strip.
fn differing(view: &View<'_>, ops: &[Op]) -> Vec<f64> {
    let pairs: Vec<Op> = ops.iter().filter(|op| op.what == What::Pair).copied().collect();
    let mut costs = vec![0.0; view.columns.len()];
    view.add_costs(&pairs, &mut costs);
    costs
}

/// Ways to align the rows, `whole` first: those of the groups that it costs most.
fn candidates(view: &View<'_>, before: &[u32], after: &[u32], whole: &[Op]) -> Vec<Vec<Op>> {
    let mut costs = vec![0.0; view.columns.len()];
    view.add_costs(whole, &mut costs);
    let groups = costs.chunks(GROUP).enumerate();
    let mut groups: Vec<(usize, f64)> =
        groups.map(|(at, costs)| (at, costs.iter().sum())).collect();
    groups.retain(|(_, cost)| *cost >= WORTH_IT / 2.0);
    groups.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut found = vec![whole.to_vec()];
    for (at, _) in groups.into_iter().take(MOST_CANDIDATES) {
        let start = view.columns.start + at * GROUP;
        let view = view.of(start..(start + GROUP).min(view.columns.end));
        let ops = script(&view, before, after);
        if !found.contains(&ops) {
            found.push(ops);
        }
    }
    // Rows that stay where they are: what a column does that ends above what was inserted.
    let mut stay = Ops::default();
    let shared = before.len().min(after.len());
    stay.pairs(&before[..shared], &after[..shared]);
    stay.inserted(&after[shared..], row_at(before, before.len()));
    stay.deleted(&before[shared..], row_at(after, after.len()));
    if !found.contains(&stay.0) {
        found.push(stay.0);
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
