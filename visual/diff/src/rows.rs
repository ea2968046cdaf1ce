//! Which pixels of one row have changed.

use std::ops::Range;

use crate::antialias::smooths_edge;
use crate::around::Around;
use crate::colours;
use crate::layout::Pixel;
use crate::oklab;
use crate::regions::Run;
use crate::yiq::{self, BLOCK};
use crate::{Metric, Options};

/// What counts as a change.
pub(crate) struct RowRule {
    metric: Metric,
    /// The distance that is still no change; of YIQ its square.
    limit: f64,
    count_antialiased: bool,
}

/// The changes of one row, each list from left to right.
#[derive(Default)]
pub(crate) struct RowChanges {
    pub(crate) changed: Vec<Run>,
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

    /// How many pixels have changed.
    pub(crate) fn pixels(&self) -> u64 {
        self.changed.iter().map(|run| u64::from(run.columns.end - run.columns.start)).sum()
    }

    fn add(&mut self, x: u32, distance: u32) {
        match self.changed.last_mut() {
            Some(run) if run.columns.end == x => {
                run.columns.end += 1;
                run.distances += u64::from(distance);
            }
            _ => self.changed.push(Run { columns: x..x + 1, distances: distance.into() }),
        }
    }
}

impl RowRule {
    pub(crate) fn new(options: &Options) -> Self {
        let limit = colours::limit(options.metric, options.threshold);
        Self { metric: options.metric, limit, count_antialiased: options.count_antialiased }
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
            let start = columns.start + (block * BLOCK) as u32;
            let (measured, shares) = self.measure(left, right, after.position(start));
            for (at, &measured) in measured.iter().enumerate() {
                let x = start + at as u32;
                if measured <= self.limit {
                    continue;
                }
                if self.smooths_edge(before, after, x) {
                    changes.antialiased.push(x);
                } else {
                    changes.add(x, shares[at]);
                }
            }
        }
    }

    /// The distances of the pixels as the limit is given, and on the scale of the regions.
    fn measure(
        &self,
        left: &[Pixel],
        right: &[Pixel],
        position: u64,
    ) -> ([f64; BLOCK], [u32; BLOCK]) {
        let share = |distance: f64| (distance * f64::from(Run::FARTHEST)) as u32;
        match self.metric {
            Metric::Yiq => {
                let squared = yiq::distances(left, right, position);
                (squared, squared.map(|squared| share(yiq::on_threshold_scale(squared))))
            }
            Metric::Oklab => {
                let mut distances = [0.0; BLOCK];
                for (at, (&a, &b)) in left.iter().zip(right).enumerate() {
                    if a != b {
                        distances[at] = oklab::distance(a, b, position + at as u64);
                    }
                }
                (distances, distances.map(|distance| share(distance.min(1.0))))
            }
        }
    }

    fn smooths_edge(&self, before: &Around<'_>, after: &Around<'_>, x: u32) -> bool {
        !self.count_antialiased
            && (smooths_edge(before, after, x) || smooths_edge(after, before, x))
    }
}
