//! What was seen.

pub(crate) mod allocation;

use std::collections::BTreeMap;

use gate_core::{Evidence, Json};
use serde::{Deserialize, Serialize};

pub use allocation::SeenAllocation;

use crate::visit::Visits;

/// What one attempt saw. Each part is there when the spec asked for it and it could be had.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// What was recorded of real visitors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<SeenData>,
    /// Where a replica of the service puts ids, before there are data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allocation: Option<SeenAllocation>,
    /// What synthetic visitors saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) visits: Option<Visits>,
    /// What people look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) pages: Vec<Evidence>,
    /// The settings that these were written by: judged by others they say something else.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub(crate) pages_of: Json,
}

/// What was recorded of real visitors, summed up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SeenData {
    /// Where it was read from, for people.
    pub(crate) source: String,
    /// The arms: the control first.
    pub(crate) arms: Vec<String>,
    /// What was added up for each visitor.
    pub(crate) totals: Vec<Counted>,
    /// Pairs of totals whose products were summed up.
    pub(crate) products: Vec<(usize, usize)>,
    /// What was taken off each total before it was squared or multiplied.
    pub(crate) centres: Vec<f64>,
    /// All visitors of each arm.
    pub(crate) all: Vec<Cell>,
    /// The same for each day of the first exposure; empty where nothing says when that was.
    pub(crate) days: BTreeMap<String, Vec<Cell>>,
    /// The day on which it was read, which was not over then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) today: Option<String>,
    /// The same for each column of segments.
    pub(crate) segments: Vec<Segment>,
    /// How many rows there were.
    pub(crate) rows: Rows,
    /// Persons, where a column knows them better than the unit does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) persons: Option<Persons>,
}

/// Something that was added up for each visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// The table: `exposures`, `conversions` or another.
    pub(crate) table: String,
    /// Of which event alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<String>,
    /// The column; none where rows were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<String>,
    /// Whether of the time before the first exposure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) before: bool,
}

/// Visitors of an arm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// How many there are.
    pub(crate) units: u64,
    /// How many of them were exposed to another arm, too.
    pub(crate) multiple: u64,
    /// For each total: of how many it is not 0, the sum, what is left of it without the centre, and
    /// the squares of that.
    pub(crate) totals: Vec<(u64, f64, f64, f64)>,
    /// The products.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) products: Vec<f64>,
}

impl Cell {
    /// Both together.
    pub(crate) fn and(&self, other: &Cell) -> Cell {
        let totals = self.totals.iter().zip(&other.totals);
        let products = self.products.iter().zip(&other.products);
        Cell {
            units: self.units + other.units,
            multiple: self.multiple + other.multiple,
            totals: totals.map(|(a, b)| (a.0 + b.0, a.1 + b.1, a.2 + b.2, a.3 + b.3)).collect(),
            products: products.map(|(a, b)| a + b).collect(),
        }
    }
}

/// Visitors told apart by a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// The column.
    pub(crate) column: String,
    /// Each value with the visitors of each arm.
    pub(crate) values: Vec<(Option<String>, Vec<Cell>)>,
}

/// How many rows there were, and how many of them count for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rows {
    /// Of exposures.
    pub(crate) exposures: u64,
    /// Of events, in all tables.
    pub(crate) events: u64,
    /// Of events of those who were never exposed.
    pub(crate) unexposed: u64,
    /// Of events from before the first exposure.
    pub(crate) before: u64,
}

/// Persons, as another column knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Persons {
    /// The column.
    pub(crate) column: String,
    /// How many there are.
    pub(crate) all: u64,
    /// How many of them have seen several arms.
    pub(crate) several: u64,
}
