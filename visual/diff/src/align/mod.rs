//! Which rows of the candidate are which rows of the baseline, column by column.
//!
//! 1. Rows that are surely the same become anchors ([`anchors`]); rows that are found elsewhere
//!    have moved.
//! 2. Between two anchors the rows are compared where they stand, with exactly one insertion or
//!    deletion when there are more on one side ([`gap`]). So a block that was replaced by another
//!    of its height is compared in place.
//! 3. A block that could as well begin elsewhere is put where it reads best ([`slide`]).
//! 4. Where that leaves differences, columns of the page are tried by themselves ([`columns`]), and
//!    blank rows that only make up for a neighbour's shift are passed over ([`filler`]).
//!
//! Rows are only ever held equal by their hashes ([`strips`]); which pixels have changed is for the
//! comparison to say, along the pieces found here.

use std::ops::Range;

mod anchors;
mod columns;
mod filler;
mod found;
mod gap;
mod slide;
mod strips;
mod view;

use anchors::Anchors;
use columns::Band;
pub(crate) use filler::Filled;
pub(crate) use strips::{MOST_ROWS, Strips};
use view::{Op, Ops, View, What};

use crate::Rect;

/// Rows of the candidate that are to be compared with rows of the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) columns: Range<u32>,
    /// In the candidate.
    pub(crate) rows: Range<u32>,
    /// The row of the baseline for the first of them.
    pub(crate) before: u32,
}

/// What has shifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shift {
    /// In the candidate, or of deleted rows in the baseline.
    pub(crate) rect: Rect,
    pub(crate) kind: ShiftKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShiftKind {
    Inserted,
    /// What followed stands at this row of the candidate.
    Deleted {
        at: u32,
    },
    /// It was at this row of the baseline.
    Moved {
        from: u32,
    },
}

/// How the rows of two pictures belong together. Pieces and what has shifted cover all columns of
/// all rows, the candidate's once and the baseline's once.
#[derive(Debug, Default)]
pub(crate) struct Alignment {
    /// From top to bottom, then from left to right, of the candidate.
    pub(crate) pieces: Vec<Piece>,
    /// In the same order.
    pub(crate) shifts: Vec<Shift>,
}

/// Aligns the rows of two pictures from row `first` on, above which they are equal. Columns below
/// `width` are looked at.
pub(crate) fn align(
    before: &Strips,
    after: &Strips,
    first: u32,
    width: u32,
    filled: Filled,
) -> Alignment {
    let view = View { before, after, columns: 0..before.a_row };
    let rows = |strips: &Strips| (0..strips.rows() as u32).collect::<Vec<_>>();
    let bands = whole(&view, &rows(before), &rows(after), filled);
    let mut found = collect(&bands, before.pixels, width);
    found.lower(first);
    if first > 0 {
        found.pieces.insert(0, Piece { columns: 0..width, rows: 0..first, before: 0 });
    }
    found
}

/// Aligns rows within a view, without looking at its columns by themselves.
fn script(view: &View<'_>, before: &[u32], after: &[u32]) -> Vec<Op> {
    let mut ops = Ops::default();
    if before.len() == after.len() && !found::any_elsewhere(view, before, after) {
        ops.pairs(before, after);
        return ops.0;
    }
    let anchors = Anchors::find(view, before, after);
    let mut gaps = anchors.gaps(before, after).into_iter();
    for run in &anchors.kept {
        gaps.next().unwrap_or_default().solve(view, &mut ops);
        ops.pairs(&before[run.before..][..run.rows], &after[run.after..][..run.rows]);
    }
    gaps.next().unwrap_or_default().solve(view, &mut ops);
    let mut ops = slide::slide(ops.0, view);
    ops.extend(moves(&anchors, before, after));
    ops
}

fn moves(anchors: &Anchors, before: &[u32], after: &[u32]) -> Vec<Op> {
    let op = |run: &anchors::Run| Op {
        what: What::Moved,
        before: before[run.before],
        after: after[run.after],
        rows: run.rows as u32,
    };
    anchors.moved.iter().map(op).collect()
}

/// Aligns all rows, column by column where that is better.
fn whole(view: &View<'_>, before: &[u32], after: &[u32], filled: Filled) -> Vec<Band> {
    let ops = script(view, before, after);
    let mut bands = columns::split(view, before, after, &ops)
        .unwrap_or_else(|| vec![Band::new(view.columns.clone(), ops)]);
    filler::pass_over(&mut bands, view, filled);
    bands
}

/// Turns operations on strips into rectangles of pixels.
fn collect(bands: &[Band], pixels: usize, width: u32) -> Alignment {
    let mut found = Alignment::default();
    for band in bands {
        let start = (band.columns.start * pixels) as u32;
        let columns = start..((band.columns.end * pixels) as u32).min(width);
        for op in &band.ops {
            let rect = |y| Rect {
                x: columns.start,
                y,
                width: columns.end - columns.start,
                height: op.rows,
            };
            let (rect, kind) = match op.what {
                What::Pair => {
                    found.pieces.push(Piece {
                        columns: columns.clone(),
                        rows: op.after..op.after + op.rows,
                        before: op.before,
                    });
                    continue;
                }
                What::Filler => continue,
                What::Inserted => (rect(op.after), ShiftKind::Inserted),
                What::Deleted => (rect(op.before), ShiftKind::Deleted { at: op.after }),
                What::Moved => (rect(op.after), ShiftKind::Moved { from: op.before }),
            };
            found.shifts.push(Shift { rect, kind });
        }
    }
    found.pieces.sort_by_key(|piece| (piece.rows.start, piece.columns.start));
    found.join_shifts();
    found
}

impl Alignment {
    /// Moves all rows down.
    fn lower(&mut self, by: u32) {
        for piece in &mut self.pieces {
            piece.rows = piece.rows.start + by..piece.rows.end + by;
            piece.before += by;
        }
        for shift in &mut self.shifts {
            shift.rect.y += by;
            match &mut shift.kind {
                ShiftKind::Inserted => {}
                ShiftKind::Deleted { at } => *at += by,
                ShiftKind::Moved { from } => *from += by,
            }
        }
    }

    /// Makes one of what is the same in neighbouring columns, and brings all in order.
    fn join_shifts(&mut self) {
        let order = |shift: &Shift| match shift.kind {
            ShiftKind::Inserted => 0,
            ShiftKind::Deleted { .. } => 1,
            ShiftKind::Moved { .. } => 2,
        };
        let key = |shift: &Shift| (shift.rect.y, order(shift), shift.rect.height, shift.rect.x);
        self.shifts.sort_by_key(key);
        self.shifts.dedup_by(|next, last| {
            let touches = last.rect.x + last.rect.width == next.rect.x;
            let same = last.rect.y == next.rect.y
                && last.rect.height == next.rect.height
                && last.kind == next.kind;
            if touches && same {
                last.rect.width += next.rect.width;
            }
            touches && same
        });
        self.shifts.sort_by_key(|shift| (shift.rect.y, shift.rect.x));
    }
}

#[cfg(test)]
mod tests;
