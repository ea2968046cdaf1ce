//! Where an insertion or deletion is said to be when several places explain the pictures equally.
//!
//! When a card is added to a row of like cards, or anything with blank rows above and below, the
//! inserted block may as well begin a few rows further up or down. It reads best when it begins
//! where something begins to be seen.

use std::ops::Range;

use super::strips::is_blank;
use super::view::{Op, Ops, View, What};

/// How far a block is moved at the most.
const FARTHEST: u32 = 4_096;

/// Moves every inserted or deleted block between pairs to the place that reads best.
pub(super) fn slide(ops: Vec<Op>, view: &View<'_>) -> Vec<Op> {
    let mut out = ops;
    for at in 0..out.len() {
        let op = out[at];
        let row = |y: u32| match op.what {
            What::Inserted => view.after(y),
            _ => view.before(y),
        };
        let start = match op.what {
            What::Inserted => op.after,
            What::Deleted => op.before,
            What::Pair | What::Moved | What::Filler => continue,
        };
        let above = at.checked_sub(1).map(|at| out[at]).filter(|above| touches(above, &op));
        let below = out.get(at + 1).copied().filter(|below| touches(&op, below));
        let up = above.map_or(0, |pair| pair.rows.min(FARTHEST));
        let down = below.map_or(0, |pair| pair.rows.min(FARTHEST));
        let last = start + op.rows - 1;
        let up = (0..up).take_while(|by| row(start - 1 - by) == row(last - by)).count() as u32;
        let down = (0..down).take_while(|by| row(start + by) == row(last + 1 + by)).count() as u32;
        let best = best_start(start - up..start + down + 1, start, row);
        shift(&mut out, at, i64::from(best) - i64::from(start));
    }
    let mut joined = Ops::default();
    for op in out {
        joined.add(op);
    }
    joined.0
}

/// Whether the second one goes on where the first one ends, and one of them is a pair.
fn touches(first: &Op, second: &Op) -> bool {
    let end = match first.what {
        What::Pair => (first.before + first.rows, first.after + first.rows),
        What::Inserted => (first.before, first.after + first.rows),
        What::Deleted => (first.before + first.rows, first.after),
        What::Moved | What::Filler => return false,
    };
    let pair = first.what == What::Pair || second.what == What::Pair;
    pair && second.what != What::Moved && (second.before, second.after) == end
}

/// The row at which something begins: best below a row of one colour, then where the most strips
/// differ from those above, and of equally good ones the first; else where it is `known` to be.
fn best_start<'a>(starts: Range<u32>, known: u32, row: impl Fn(u32) -> &'a [u32]) -> u32 {
    let mut best = ((false, 0), known);
    for y in starts.start.max(1)..starts.end {
        let (above, here) = (row(y - 1), row(y));
        let edge = above.iter().zip(here).filter(|(a, b)| a != b).count();
        let quality = (edge > 0 && is_blank(above), edge);
        if quality > best.0 {
            best = (quality, y);
        }
    }
    best.1
}

/// Moves a block up (or down) by giving the pairs above (below) to the other side.
fn shift(ops: &mut Vec<Op>, at: usize, by: i64) {
    let rows = by.unsigned_abs() as u32;
    let op = ops[at];
    let moved = |y: u32| y.wrapping_add_signed(by as i32);
    let block = Op { before: moved(op.before), after: moved(op.after), ..op };
    ops[at] = block;
    if by < 0 {
        let (gone, new) = match op.what {
            What::Inserted => (0, op.rows),
            _ => (op.rows, 0),
        };
        let (before, after) = (block.before + gone, block.after + new);
        ops[at - 1].rows -= rows;
        ops.insert(at + 1, Op { what: What::Pair, before, after, rows });
    } else if by > 0 {
        let below = &mut ops[at + 1];
        below.before += rows;
        below.after += rows;
        below.rows -= rows;
        ops.insert(at, Op { what: What::Pair, rows, ..op });
    }
}
