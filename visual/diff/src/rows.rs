//! Which pixels of one row have changed.

use std::ops::Range;

use crate::Options;
use crate::antialias::smooths_edge;
use crate::around::Around;
use crate::regions::Change;
use crate::yiq;

/// Pixels are looked at in blocks of this many; a block without any difference is passed over.
const BLOCK: usize = 16;

/// What counts as a change.
pub(crate) struct RowRule {
    /// The squared distance that is still no change.
    limit: f64,
    count_antialiased: bool,
}

/// The changes of one row, each list from left to right.
#[derive(Default)]
pub(crate) struct RowChanges {
    pub(crate) changed: Vec<Change>,
    pub(crate) antialiased: Vec<u32>,
    /// Any pixel differs, if only by the least amount.
    pub(crate) any: bool,
}

impl RowChanges {
    pub(crate) fn clear(&mut self) {
        self.changed.clear();
        self.antialiased.clear();
        self.any = false;
    }
}

impl RowRule {
    pub(crate) fn new(options: &Options) -> Self {
        let crate::Metric::Yiq = options.metric;
        Self { limit: yiq::limit(options.threshold), count_antialiased: options.count_antialiased }
    }

    /// Compares the given columns of the middle row.
    pub(crate) fn compare(
        &self,
        before: &Around<'_>,
        after: &Around<'_>,
        columns: Range<u32>,
        changes: &mut RowChanges,
    ) {
        let range = columns.start as usize..columns.end as usize;
        let left = before.middle()[range.clone()].chunks(BLOCK);
        let right = after.middle()[range].chunks(BLOCK);
        for (block, (left, right)) in left.zip(right).enumerate() {
            if left == right {
                continue;
            }
            changes.any = true;
            for (at, (&a, &b)) in left.iter().zip(right).enumerate() {
                if a == b {
                    continue;
                }
                let x = columns.start + (block * BLOCK + at) as u32;
                let squared = yiq::distance(a, b, before.position(x));
                if squared <= self.limit {
                    continue;
                }
                if self.smooths_edge(before, after, x) {
                    changes.antialiased.push(x);
                } else {
                    let share = yiq::on_threshold_scale(squared) * f64::from(Change::FARTHEST);
                    changes.changed.push(Change { x, distance: share as u32 });
                }
            }
        }
    }

    fn smooths_edge(&self, before: &Around<'_>, after: &Around<'_>, x: u32) -> bool {
        !self.count_antialiased
            && (smooths_edge(before, after, x) || smooths_edge(after, before, x))
    }
}
