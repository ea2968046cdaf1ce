//! Two pictures of which parts have shifted, compared along their alignment.
//!
//! The candidate is read from top to bottom. The baseline's rows follow, of which as many are held
//! as its columns have come apart.

use std::ops::Range;

use crate::align::{Alignment, Piece, Shift as Aligned, ShiftKind};
use crate::around::Around;
use crate::bands::Window;
use crate::diff_image::{DiffImage, Mark, Tint};
use crate::engine::Sizes;
use crate::error::{Error, Side};
use crate::fingerprint::{OneSided, PartDigest};
use crate::layout::Pixel;
use crate::mask::Masks;
use crate::parts::Parts;
use crate::regions::Regions;
use crate::rows::{RowChanges, RowRule};
use crate::{Comparison, Move, Options, Rect, Shift, Size};

/// An aligned comparison under way.
pub(crate) struct Realigned<'a> {
    before: Window,
    after: Window,
    sizes: Sizes,
    rule: RowRule,
    masks: [Masks; 2],
    regions: Regions,
    parts: Parts,
    diff: Option<DiffImage<'a>>,
    changed: u64,
    shifts: Vec<Shifting>,
    pieces: Pieces,
    /// Rows of the baseline that have been looked at for what is only there.
    visited: u32,
    /// The columns of the row at hand that are compared.
    open: Vec<Range<u32>>,
    /// Rows of the baseline as the candidate would have them if nothing had changed: two above the
    /// row at hand, itself, and two below.
    composed: [Vec<Pixel>; 5],
}

/// Something that has shifted, and the digest of its pixels so far.
struct Shifting {
    aligned: Aligned,
    digest: PartDigest,
    /// Pixels that no mask covers.
    pixels: u64,
}

impl Shifting {
    fn new(aligned: Aligned) -> Self {
        let what = match aligned.kind {
            ShiftKind::Inserted => OneSided::Added,
            ShiftKind::Deleted { .. } => OneSided::Removed,
            ShiftKind::Moved { from } => {
                OneSided::Moved { by: i64::from(aligned.rect.y) - i64::from(from) }
            }
        };
        Self { aligned, digest: PartDigest::new(what), pixels: 0 }
    }

    fn is_at(&self, side: Side, y: u32) -> bool {
        let deleted = matches!(self.aligned.kind, ShiftKind::Deleted { .. });
        let Rect { y: top, height, .. } = self.aligned.rect;
        (side == Side::Baseline) == deleted && (top..top + height).contains(&y)
    }

    fn take(&mut self, y: u32, row: &[Pixel], open: &[Range<u32>]) {
        let rect = self.aligned.rect;
        for open in open {
            let columns = common(open, &(rect.x..rect.x + rect.width));
            if !columns.is_empty() {
                let pixels = &row[columns.start as usize..columns.end as usize];
                self.digest.add(y - rect.y, columns.start - rect.x, pixels);
                self.pixels += pixels.len() as u64;
            }
        }
    }
}

/// Which pieces the row at hand has.
struct Pieces {
    all: Vec<Piece>,
    /// For each, the first row of the baseline that it or a later one needs.
    needed_from: Vec<u32>,
    next: usize,
    /// Those of the row at hand, from left to right.
    here: Vec<Piece>,
}

impl Pieces {
    fn new(all: Vec<Piece>) -> Self {
        let mut needed_from = vec![u32::MAX; all.len() + 1];
        for (at, piece) in all.iter().enumerate().rev() {
            needed_from[at] = piece.before.min(needed_from[at + 1]);
        }
        Self { all, needed_from, next: 0, here: Vec::new() }
    }

    fn go_to(&mut self, y: u32) {
        self.here.retain(|piece| piece.rows.end > y);
        while let Some(piece) = self.all.get(self.next).filter(|piece| piece.rows.start <= y) {
            self.here.push(piece.clone());
            self.next += 1;
        }
        self.here.sort_unstable_by_key(|piece| piece.columns.start);
    }

    /// The last row of the baseline that row `y` is held against.
    fn last_before(&self, y: u32) -> Option<u32> {
        self.here.iter().map(|piece| piece.before_at(y)).max()
    }

    /// The first row of the baseline that a row below `y` is held against.
    fn first_after(&self, y: u32) -> u32 {
        let still = self.here.iter().filter(|piece| piece.rows.end > y + 1);
        let here = still.map(|piece| piece.before_at(y + 1)).min();
        here.unwrap_or(u32::MAX).min(self.needed_from[self.next])
    }
}

impl Piece {
    fn before_at(&self, y: u32) -> u32 {
        self.before + (y - self.rows.start)
    }
}

fn common(a: &Range<u32>, b: &Range<u32>) -> Range<u32> {
    a.start.max(b.start)..a.end.min(b.end)
}

impl<'a> Realigned<'a> {
    pub(crate) fn new(
        before: Window,
        after: Window,
        sizes: Sizes,
        diff: Option<DiffImage<'a>>,
        alignment: Alignment,
        options: &Options,
    ) -> Self {
        Self {
            before,
            after,
            sizes,
            rule: RowRule::new(options),
            masks: [Side::Baseline, Side::Candidate].map(|side| options.masks_of(side)),
            regions: Regions::new(options.merge_distance, options.max_regions),
            parts: Parts::beside(sizes),
            diff,
            changed: 0,
            shifts: alignment.shifts.into_iter().map(Shifting::new).collect(),
            pieces: Pieces::new(alignment.pieces),
            visited: 0,
            open: Vec::new(),
            composed: Default::default(),
        }
    }

    /// Puts what is found in the place of what the comparison in place had found.
    pub(crate) fn run(mut self, found: Comparison) -> Result<Comparison, Error> {
        let mut changes = RowChanges::default();
        for y in 0..self.sizes.candidate.height {
            self.after.wait_for(y.saturating_add(2))?;
            self.pieces.go_to(y);
            if let Some(last) = self.pieces.last_before(y) {
                self.visit_baseline(last.saturating_add(2))?;
            }
            changes.clear();
            self.find_open(y);
            self.compare_row(y, &mut changes);
            self.changed += changes.pixels();
            self.after.expand(y, y);
            self.take_shifts(Side::Candidate, y);
            self.show_row(y, &changes);
            self.take_part(Side::Candidate, y);
            if let Some(diff) = &mut self.diff {
                diff.end_row().map_err(Error::DiffImage)?;
            }
            let free = self.pieces.first_after(y).saturating_sub(2);
            self.before.release_above(free.min(self.visited));
            self.after.release_above(y.saturating_sub(1));
        }
        self.visit_baseline(u32::MAX)?;
        self.finish(found)
    }

    /// Reads the baseline up to row `last`, taking what only it has.
    fn visit_baseline(&mut self, last: u32) -> Result<(), Error> {
        let end = last.min(self.sizes.baseline.height - 1) + 1;
        while self.visited < end {
            let y = self.visited;
            self.before.wait_for(y)?;
            self.take_shifts(Side::Baseline, y);
            self.take_part(Side::Baseline, y);
            self.visited += 1;
            if last == u32::MAX {
                self.before.release_above(y);
            }
        }
        Ok(())
    }

    /// Finds the columns of row `y` that have a counterpart and are not masked in either picture.
    fn find_open(&mut self, y: u32) {
        let width = self.sizes.overlap().width;
        self.open.clear();
        let [before, after] = &mut self.masks;
        for piece in &self.pieces.here {
            for there in before.open(piece.before_at(y), width) {
                for here in after.open(y, width) {
                    let open = common(&common(here, there), &piece.columns);
                    if !open.is_empty() {
                        self.open.push(open);
                    }
                }
            }
        }
    }

    fn compare_row(&mut self, y: u32, changes: &mut RowChanges) {
        let width = self.sizes.overlap().width;
        let Size { height, .. } = self.sizes.candidate;
        if self.rows_equal(y) {
            return;
        }
        self.after.expand(y.saturating_sub(2), y.saturating_add(2));
        let after = Around::new(y, width, height, |y| self.after.row(y));
        let (before, whole);
        match self.whole_row(y) {
            Some(there) => {
                self.before.expand(there.saturating_sub(2), there.saturating_add(2));
                let height = self.sizes.baseline.height;
                whole = Around::new(there, width, height, |y| self.before.row(y));
                before = &whole;
            }
            None => {
                for (row, by) in self.composed.iter_mut().zip(-2..) {
                    compose(row, by, y, &self.pieces.here, &mut self.before, &after);
                }
                let composed = &self.composed;
                whole = Around::new(y, width, height, |row| &composed[(row + 2 - y) as usize]);
                before = &whole;
            }
        }
        for open in &self.open {
            self.rule.compare(before, &after, open.clone(), changes);
        }
        if !changes.changed.is_empty() {
            self.regions.add_row(&changes.changed, before, &after);
        }
    }

    /// The row of the baseline, if it is one for all columns.
    fn whole_row(&self, y: u32) -> Option<u32> {
        let [piece] = self.pieces.here.as_slice() else { return None };
        (piece.columns == (0..self.sizes.overlap().width)).then(|| piece.before_at(y))
    }

    /// Whether no column of the row that has a counterpart differs from it.
    fn rows_equal(&mut self, y: u32) -> bool {
        let same_layout = self.sizes.baseline.width == self.sizes.candidate.width
            && self.before.layout() == self.after.layout();
        if let Some(there) = self.whole_row(y).filter(|_| same_layout) {
            return self.before.raw(there) == self.after.raw(y);
        }
        self.after.expand(y, y);
        self.pieces.here.iter().all(|piece| {
            let there = piece.before_at(y);
            self.before.expand(there, there);
            let columns = piece.columns.start as usize..piece.columns.end as usize;
            self.before.row(there)[columns.clone()] == self.after.row(y)[columns]
        })
    }

    /// Takes row `y` of what has shifted.
    fn take_shifts(&mut self, side: Side, y: u32) {
        let (window, masks) = match side {
            Side::Baseline => (&mut self.before, &mut self.masks[0]),
            Side::Candidate => (&mut self.after, &mut self.masks[1]),
        };
        for shift in self.shifts.iter_mut().filter(|shift| shift.is_at(side, y)) {
            window.expand(y, y);
            shift.take(y, window.row(y), masks.open(y, self.sizes.overlap().width));
        }
    }

    /// Takes what only that side has of row `y`, at its right.
    fn take_part(&mut self, side: Side, y: u32) {
        let Some(columns) = self.parts.columns(side, y) else { return };
        let (window, masks) = match side {
            Side::Baseline => (&mut self.before, &mut self.masks[0]),
            Side::Candidate => (&mut self.after, &mut self.masks[1]),
        };
        window.expand(y, y);
        let row = window.row(y);
        self.parts.take(side, y, row, masks.open(y, columns.end));
        if let Some(diff) = self.diff.as_mut().filter(|_| side == Side::Candidate) {
            diff.show(columns.start, &row[columns.start as usize..], Tint::Added);
        }
    }

    fn show_row(&mut self, y: u32, changes: &RowChanges) {
        let Some(diff) = &mut self.diff else { return };
        let width = self.sizes.overlap().width;
        diff.show(0, &self.after.row(y)[..width as usize], Tint::Compared);
        for piece in &self.pieces.here {
            let mut next = piece.columns.start;
            for open in self.open.iter().filter(|open| piece.columns.contains(&open.start)) {
                diff.tint(next..open.start, Tint::Masked);
                next = open.end;
            }
            diff.tint(next..piece.columns.end, Tint::Masked);
        }
        let last = self.sizes.candidate.height - 1;
        for shift in &self.shifts {
            let Rect { x, width, .. } = shift.aligned.rect;
            match shift.aligned.kind {
                ShiftKind::Deleted { at } if at.min(last) == y => {
                    diff.mark(x..x + width, Mark::Seam);
                }
                ShiftKind::Inserted if shift.is_at(Side::Candidate, y) => {
                    diff.tint(x..x + width, Tint::Added);
                }
                ShiftKind::Moved { .. } if shift.is_at(Side::Candidate, y) => {
                    diff.tint(x..x + width, Tint::Moved);
                }
                _ => {}
            }
        }
        for run in &changes.changed {
            diff.mark(run.columns.clone(), Mark::Changed);
        }
        for &x in &changes.antialiased {
            diff.mark(x..x + 1, Mark::Antialiased);
        }
    }

    fn finish(self, found: Comparison) -> Result<Comparison, Error> {
        if let Some(diff) = self.diff {
            diff.finish().map_err(Error::DiffImage)?;
        }
        let (mut regions, regions_omitted) = self.regions.finish();
        regions.extend(self.parts.finish());
        regions.sort_by_key(|region| (region.y, region.x));
        let mut aligned =
            crate::Aligned { changed_pixels: self.changed, ..crate::Aligned::default() };
        for shift in self.shifts.into_iter().filter(|shift| shift.pixels > 0) {
            let Rect { x, y, width, height } = shift.aligned.rect;
            let fingerprint = shift.digest.finish();
            let shifted = Shift { x, y, width, height, fingerprint };
            match shift.aligned.kind {
                ShiftKind::Inserted => aligned.inserted.push(shifted),
                ShiftKind::Deleted { .. } => aligned.deleted.push(shifted),
                ShiftKind::Moved { from } => {
                    aligned.moved.push(Move { x, y, width, height, from, fingerprint });
                }
            }
        }
        Ok(Comparison { regions, regions_omitted, aligned: Some(aligned), ..found })
    }
}

/// Puts the row `by` rows from row `y` together from the pieces; what has no counterpart is taken
/// from the candidate, since nothing is held against it.
fn compose(
    row: &mut Vec<Pixel>,
    by: i32,
    y: u32,
    pieces: &[Piece],
    before: &mut Window,
    after: &Around<'_>,
) {
    let own = if after.row(by).is_empty() { after.middle() } else { after.row(by) };
    row.clear();
    row.extend_from_slice(own);
    for piece in pieces {
        let there = piece.before_at(y).saturating_add_signed(by).min(before.height() - 1);
        before.expand(there, there);
        let columns = piece.columns.start as usize..piece.columns.end as usize;
        row[columns.clone()].copy_from_slice(&before.row(there)[columns]);
    }
}
