//! What is left of data once it is summed up.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::exact::Sum;
use crate::question::{Question, Source};

/// The answer to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// For each arm, in the order of the question, all units.
    pub arms: Vec<Cell>,
    /// The same for each day of the first exposure, such as `2026-11-22`.
    pub days: BTreeMap<String, Vec<Cell>>,
    /// The same for each column of segments and each of its values; none for rows without one.
    pub segments: Vec<BTreeMap<Option<String>, Vec<Cell>>>,
    /// The numbers that were taken off each total before it was squared or multiplied.
    pub centres: Vec<f64>,
    /// What was left out.
    pub left: Left,
}

impl Answer {
    /// The answer, when all of its sums are numbers: squares of large values may be none.
    pub(crate) fn finite(self, question: &Question) -> Result<Answer, Error> {
        let by_segment = self.segments.iter().flat_map(BTreeMap::values);
        let cells = self.arms.iter().chain(self.days.values().chain(by_segment).flatten());
        let of_pairs = question.products.iter().map(|(one, _)| *one);
        for cell in cells {
            let of_totals = cell.totals.iter().enumerate();
            let sums = of_totals
                .flat_map(|(at, one)| [one.sum, one.centred, one.squares].map(|sum| (at, sum)));
            let products = of_pairs.clone().zip(cell.products.iter().copied());
            if let Some((at, _)) = sums.chain(products).find(|(_, sum)| !sum.is_finite()) {
                return Err(too_large(question, at));
            }
        }
        Ok(self)
    }
}

fn too_large(question: &Question, total: usize) -> Error {
    let total = &question.totals[total];
    let file = match total.source {
        Source::Exposures => &question.exposures.from,
        Source::Events(at) => &question.events[at].from,
    };
    Error::new("its values are too large to be squared and added up")
        .column(total.column.as_deref().unwrap_or_default())
        .file(file)
        .hint("give them in a larger unit")
}

/// How many rows there were, and how many of them count for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Rows of exposures.
    pub exposures: u64,
    /// Rows of events.
    pub events: u64,
    /// Rows of events of units that were never exposed.
    pub unexposed: u64,
    /// Rows of events from before the first exposure.
    pub before: u64,
}

/// Units of one arm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// How many there are.
    pub units: u64,
    /// How many of them were exposed to another arm, too.
    pub multiple: u64,
    /// For each total, what its values come to.
    pub totals: Vec<Moments>,
    /// For each pair, the sum of products of what is left of both without their centres.
    pub products: Vec<f64>,
}

/// Values of units, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    /// Of how many units it is not 0. Values that cancel out are 0 where floats say so: of 0.1, 0.2
    /// and -0.3 they leave 3e-17, which counts, and the decimals of PostgreSQL nothing.
    pub some: u64,
    /// The sum.
    pub sum: f64,
    /// The sum of what is left without the centre.
    pub centred: f64,
    /// The sum of squares of that.
    pub squares: f64,
}

/// A cell that is being summed up.
#[derive(Clone, Default)]
pub(crate) struct Open {
    units: u64,
    multiple: u64,
    totals: Vec<(u64, Sum, Sum, Sum)>,
    products: Vec<Sum>,
}

impl Open {
    pub(crate) fn new(totals: usize, products: usize) -> Open {
        Open {
            totals: vec![(0, Sum::default(), Sum::default(), Sum::default()); totals],
            products: vec![Sum::default(); products],
            ..Open::default()
        }
    }

    pub(crate) fn add(
        &mut self,
        is_multiple: bool,
        values: &[f64],
        centres: &[f64],
        pairs: &[(usize, usize)],
    ) {
        self.units += 1;
        self.multiple += u64::from(is_multiple);
        for (at, (some, sum, centred, squares)) in self.totals.iter_mut().enumerate() {
            let left = values[at] - centres[at];
            *some += u64::from(values[at] != 0.0);
            sum.add(values[at]);
            centred.add(left);
            squares.add_product(left, left);
        }
        for (product, (one, other)) in self.products.iter_mut().zip(pairs) {
            product.add_product(values[*one] - centres[*one], values[*other] - centres[*other]);
        }
    }

    pub(crate) fn merge(&mut self, other: &Open) {
        self.units += other.units;
        self.multiple += other.multiple;
        for (own, more) in self.totals.iter_mut().zip(&other.totals) {
            own.0 += more.0;
            own.1.add_sum(more.1);
            own.2.add_sum(more.2);
            own.3.add_sum(more.3);
        }
        for (own, more) in self.products.iter_mut().zip(&other.products) {
            own.add_sum(*more);
        }
    }

    pub(crate) fn close(&self) -> Cell {
        let moments = |one: &(u64, Sum, Sum, Sum)| Moments {
            some: one.0,
            sum: one.1.value(),
            centred: one.2.value(),
            squares: one.3.value(),
        };
        Cell {
            units: self.units,
            multiple: self.multiple,
            totals: self.totals.iter().map(moments).collect(),
            products: self.products.iter().map(|product| product.value()).collect(),
        }
    }
}
