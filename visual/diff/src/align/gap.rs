//! Rows between two anchors: compared where they stand, with one insertion or deletion at most.

use super::view::{Ops, View};

/// Rows of both pictures that no anchor holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Gap {
    /// In the baseline, from top to bottom; what was moved away is left out.
    pub(super) before: Vec<u32>,
    /// In the candidate, likewise.
    pub(super) after: Vec<u32>,
    /// The rows that follow the gap in both.
    pub(super) end: (u32, u32),
    /// Nothing follows: the foot of the page.
    pub(super) last: bool,
}

impl Gap {
    /// The place of the one insertion or deletion for which the fewest strips differ, and how
    /// many do. The place counts rows of the shorter side.
    pub(super) fn place(&self, view: &View<'_>) -> (usize, u64) {
        let (n, m) = (self.before.len(), self.after.len());
        let shorter = n.min(m);
        let by = n.max(m) - shorter;
        // The block at the very top: all rows are held against those further down.
        let late = |at: usize| {
            let (a, b) = if n < m { (at, at + by) } else { (at + by, at) };
            u64::from(view.differing(self.before[a], self.after[b]))
        };
        let early = |at: usize| u64::from(view.differing(self.before[at], self.after[at]));
        let mut differing: u64 = (0..shorter).map(late).sum();
        let mut best = (0, differing);
        if by == 0 {
            return best;
        }
        for at in 0..shorter {
            differing = differing + early(at) - late(at);
            if differing < best.1 {
                best = (at + 1, differing);
            }
        }
        best
    }

    /// Whether both sides are but grounds of different colour and height: a page ends, and the
    /// window is filled up below it.
    fn is_other_foot(&self, view: &View<'_>) -> bool {
        let (Some(old), Some(new)) = (self.before.first(), self.after.first()) else {
            return false;
        };
        self.last
            && self.before.len() != self.after.len()
            && self.before.iter().all(|y| view.before(*y) == view.before(*old))
            && self.after.iter().all(|y| view.after(*y) == view.after(*new))
            && view.before(*old) != view.after(*new)
    }

    /// What it costs to compare the rows where they stand.
    pub(super) fn cost(&self, view: &View<'_>) -> f64 {
        if self.is_other_foot(view) {
            let old: f64 = self.before.iter().map(|&y| View::edited(view.before(y))).sum();
            let new: f64 = self.after.iter().map(|&y| View::edited(view.after(y))).sum();
            return old + new;
        }
        let (at, differing) = self.place(view);
        let by = self.before.len().abs_diff(self.after.len());
        let edited: f64 = if self.before.len() < self.after.len() {
            self.after[at..at + by].iter().map(|&y| View::edited(view.after(y))).sum()
        } else {
            self.before[at..at + by].iter().map(|&y| View::edited(view.before(y))).sum()
        };
        differing as f64 + edited
    }

    /// Adds the operations.
    pub(super) fn solve(&self, view: &View<'_>, ops: &mut Ops) {
        if self.is_other_foot(view) {
            ops.deleted(&self.before, self.after[0]);
            ops.inserted(&self.after, self.end.0);
            return;
        }
        let (at, _) = self.place(view);
        let by = self.before.len().abs_diff(self.after.len());
        ops.pairs(&self.before[..at], &self.after[..at]);
        if self.before.len() < self.after.len() {
            let next = self.before.get(at).copied().unwrap_or(self.end.0);
            ops.inserted(&self.after[at..at + by], next);
            ops.pairs(&self.before[at..], &self.after[at + by..]);
        } else {
            let next = self.after.get(at).copied().unwrap_or(self.end.1);
            ops.deleted(&self.before[at..at + by], next);
            ops.pairs(&self.before[at + by..], &self.after[at..]);
        }
    }
}
