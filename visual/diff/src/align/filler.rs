//! Rows that say nothing by themselves.
//!
//! When something is inserted into one column, the column beside it is stretched by as many rows
//! before what follows below both. And a page that does not fill the window loses blank rows at its
//! foot when something is inserted above. To report these would be to report one shift twice.

use super::columns::Band;
use super::strips::is_blank;
use super::view::{Op, View, What};

/// Which of the pictures are no higher than the window that they were taken in, so that what their
/// page lacks was made up for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filled {
    pub(crate) before: bool,
    pub(crate) after: bool,
}

/// Passes over rows with which a column comes back in line with one beside it, and those that make
/// up for a shift in a page that does not fill the window. They are all like the row next to them:
/// blank, or with the lines that run down there.
///
/// The shift by which it had got out of line is never passed over, so no shift goes without a word.
pub(super) fn pass_over(bands: &mut [Band], view: &View<'_>, filled: Filled) {
    let mut fillers = Vec::new();
    for (at, band) in bands.iter().enumerate() {
        let own = view.of(band.columns.clone());
        let beside = [at.checked_sub(1), Some(at + 1)];
        let beside: Vec<&[Op]> =
            beside.into_iter().filter_map(|at| Some(bands.get(at?)?.ops.as_slice())).collect();
        let is_edit = |op: &Op| matches!(op.what, What::Inserted | What::Deleted);
        let last = band.ops.iter().rposition(is_edit);
        for (index, op) in band.ops.iter().enumerate().filter(|(_, op)| is_edit(op)) {
            let end = op.after + if op.what == What::Inserted { op.rows } else { 0 };
            let (above, below) = (above(&band.ops, op.after), below(&band.ops, end));
            let in_line = beside.iter().any(|other| {
                above != self::above(other, op.after) && below == self::below(other, end)
            });
            let grown = below - above;
            let makes_up = grown.signum() == -above.signum() && grown.abs() <= above.abs();
            let in_window = if op.what == What::Inserted { filled.after } else { filled.before };
            let stretch = is_stretch(&own, op);
            let at_foot =
                in_window && makes_up && Some(index) == last && (stretch || is_foot(&own, op));
            if (in_line && stretch) || at_foot {
                fillers.push((at, index));
            }
        }
    }
    for (band, op) in fillers {
        bands[band].ops[op].what = What::Filler;
    }
}

/// Whether the rows are the last ones of their picture, and blank.
fn is_foot(view: &View<'_>, op: &Op) -> bool {
    match op.what {
        What::Inserted => {
            (op.after + op.rows) as usize == view.after.rows()
                && (op.after..op.after + op.rows).all(|y| is_blank(view.after(y)))
        }
        _ => {
            (op.before + op.rows) as usize == view.before.rows()
                && (op.before..op.before + op.rows).all(|y| is_blank(view.before(y)))
        }
    }
}

/// Whether the rows are all like the one above or below them.
fn is_stretch(view: &View<'_>, op: &Op) -> bool {
    let row = |y: u32| match op.what {
        What::Inserted => view.after(y),
        _ => view.before(y),
    };
    let (first, rows) = match op.what {
        What::Inserted => (op.after, view.after.rows() as u32),
        _ => (op.before, view.before.rows() as u32),
    };
    let end = first + op.rows;
    let like = |other: u32| (first..end).all(|y| row(y) == row(other));
    (first > 0 && like(first - 1)) || (end < rows && like(end))
}

/// How far the rows right above row `y` of the candidate have shifted.
fn above(ops: &[Op], y: u32) -> i64 {
    let pairs = ops.iter().filter(|op| op.what == What::Pair && op.after < y);
    pairs.max_by_key(|op| op.after).map_or(0, offset)
}

/// How far the rows from row `y` of the candidate on have shifted.
fn below(ops: &[Op], y: u32) -> i64 {
    let pairs = ops.iter().filter(|op| op.what == What::Pair);
    let next = pairs.clone().filter(|op| op.after + op.rows > y).min_by_key(|op| op.after);
    let edited: i64 = ops
        .iter()
        .map(|op| match op.what {
            What::Inserted => i64::from(op.rows),
            What::Deleted => -i64::from(op.rows),
            What::Pair | What::Moved | What::Filler => 0,
        })
        .sum();
    // Below the last pair the page has shifted by all that was inserted and deleted.
    next.map_or(edited, offset)
}

fn offset(op: &Op) -> i64 {
    i64::from(op.after) - i64::from(op.before)
}
