//! Which pixels of one row have changed.

use std::ops::Range;

use crate::Options;
use crate::antialias::smooths_edge;
use crate::around::Around;
use crate::layout::Pixel;
use crate::regions::Run;
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

/// What was found about a pair of colours; in a flat area the next pair is the same.
#[derive(Default)]
struct Judged {
    before: Pixel,
    after: Pixel,
    /// How far they are apart in the unit of [`Run`], if that is a change.
    distance: Option<u32>,
}

impl Judged {
    /// Only opaque colours look the same wherever they stand.
    fn holds_for(&self, before: Pixel, after: Pixel) -> bool {
        self.before == before && self.after == after && before & after >= 0xff00_0000
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
        let mut last = Judged::default();
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
                if !last.holds_for(a, b) {
                    last = self.judge(a, b, before.position(x));
                }
                match last.distance {
                    None => {}
                    Some(_) if self.smooths_edge(before, after, x) => changes.antialiased.push(x),
                    Some(distance) => changes.add(x, distance),
                }
            }
        }
    }

    fn judge(&self, before: Pixel, after: Pixel, position: u64) -> Judged {
        let squared = yiq::distance(before, after, position);
        let distance = (squared > self.limit)
            .then(|| (yiq::on_threshold_scale(squared) * f64::from(Run::FARTHEST)) as u32);
        Judged { before, after, distance }
    }

    fn smooths_edge(&self, before: &Around<'_>, after: &Around<'_>, x: u32) -> bool {
        !self.count_antialiased
            && (smooths_edge(before, after, x) || smooths_edge(after, before, x))
    }
}
