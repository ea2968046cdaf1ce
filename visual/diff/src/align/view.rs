//! Some columns of both pictures, and what rows of one cost as rows of the other.

use std::ops::Range;

use super::strips::{Strips, is_plain};

/// A run of rows and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Op {
    pub(crate) what: What,
    /// First row in the baseline; of inserted rows, the one that they come before.
    pub(crate) before: u32,
    /// First row in the candidate; of deleted rows, the one that they came before.
    pub(crate) after: u32,
    pub(crate) rows: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// To be compared with each other.
    Pair,
    Inserted,
    Deleted,
    /// Equal, but elsewhere.
    Moved,
    /// Blank rows of one picture below columns that end earlier than their neighbours: they say
    /// nothing that the neighbours' shift does not say.
    Filler,
}

/// What an inserted or deleted strip of several colours costs, where one that differs costs 1.
/// Without a cost every change would be a deletion with an insertion.
const EDITED: f64 = 0.5;

/// The same for a strip of one colour, of which a page has plenty.
const EDITED_PLAIN: f64 = 0.001;

/// What it costs each strip that there is an insertion, deletion or move: of explanations that are
/// equally good the one with the fewest of them counts.
const ONE_MORE: f64 = 0.1;

/// What a strip costs that was moved.
const MOVED: f64 = 0.001;

/// The strips `columns` of both pictures.
#[derive(Debug, Clone)]
pub(super) struct View<'a> {
    pub(super) before: &'a Strips,
    pub(super) after: &'a Strips,
    pub(super) columns: Range<usize>,
}

impl<'a> View<'a> {
    pub(super) fn before(&self, y: u32) -> &'a [u32] {
        &self.before.row(y)[self.columns.clone()]
    }

    pub(super) fn after(&self, y: u32) -> &'a [u32] {
        &self.after.row(y)[self.columns.clone()]
    }

    pub(super) fn of(&self, columns: Range<usize>) -> Self {
        Self { columns, ..self.clone() }
    }

    /// In how many strips the two rows differ.
    pub(super) fn differing(&self, before: u32, after: u32) -> u32 {
        let pairs = self.before(before).iter().zip(self.after(after));
        pairs.map(|(a, b)| u32::from(a != b)).sum()
    }

    /// What it costs to say that the rows are new, or gone.
    pub(super) fn edited(row: &[u32]) -> f64 {
        row.iter().map(|&strip| edited(strip)).sum()
    }

    /// Adds what each strip of the view costs with these operations.
    pub(super) fn add_costs(&self, ops: &[Op], costs: &mut [f64]) {
        for op in ops {
            if op.what != What::Pair {
                for cost in &mut *costs {
                    *cost += ONE_MORE;
                }
            }
            for by in 0..op.rows {
                match op.what {
                    What::Pair => {
                        let before = self.before(op.before + by).iter();
                        let pairs = before.zip(self.after(op.after + by));
                        for (cost, (a, b)) in costs.iter_mut().zip(pairs) {
                            *cost += f64::from(u8::from(a != b));
                        }
                    }
                    What::Inserted => add_edited(costs, self.after(op.after + by)),
                    What::Deleted => add_edited(costs, self.before(op.before + by)),
                    What::Filler => {}
                    What::Moved => {
                        for cost in &mut *costs {
                            *cost += MOVED;
                        }
                    }
                }
            }
        }
    }

    pub(super) fn cost(&self, ops: &[Op]) -> f64 {
        let mut costs = vec![0.0; self.columns.len()];
        self.add_costs(ops, &mut costs);
        costs.iter().sum()
    }
}

fn edited(strip: u32) -> f64 {
    if is_plain(strip) { EDITED_PLAIN } else { EDITED }
}

fn add_edited(costs: &mut [f64], row: &[u32]) {
    for (cost, &strip) in costs.iter_mut().zip(row) {
        *cost += edited(strip);
    }
}

/// Operations in the making; neighbours that go on where the last one ended are made one with it.
#[derive(Debug, Default)]
pub(super) struct Ops(pub(super) Vec<Op>);

impl Ops {
    pub(super) fn add(&mut self, op: Op) {
        if op.rows == 0 {
            return;
        }
        if let Some(last) = self.0.last_mut().filter(|last| last.what == op.what) {
            let (before, after) = match op.what {
                What::Pair | What::Moved => (last.rows, last.rows),
                What::Inserted => (0, last.rows),
                What::Deleted => (last.rows, 0),
                What::Filler => (0, 0),
            };
            if last.before + before == op.before && last.after + after == op.after {
                last.rows += op.rows;
                return;
            }
        }
        self.0.push(op);
    }

    pub(super) fn pairs(&mut self, before: &[u32], after: &[u32]) {
        for (&before, &after) in before.iter().zip(after) {
            self.add(Op { what: What::Pair, before, after, rows: 1 });
        }
    }

    pub(super) fn inserted(&mut self, after: &[u32], before: u32) {
        for &after in after {
            self.add(Op { what: What::Inserted, before, after, rows: 1 });
        }
    }

    pub(super) fn deleted(&mut self, before: &[u32], after: u32) {
        for &before in before {
            self.add(Op { what: What::Deleted, before, after, rows: 1 });
        }
    }
}
