//! What is asked of data.

use std::path::PathBuf;

/// Who was exposed to what, what they did, and what is to be summed up of that.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Who was exposed to what.
    pub exposures: Exposures,
    /// What units did; where a total says so, what they did in the exposures' own rows counts.
    pub events: Vec<Events>,
    /// The arms that there are.
    pub arms: Vec<String>,
    /// What is added up for each unit.
    pub totals: Vec<Total>,
    /// Pairs of totals whose product is summed up, by their places.
    pub products: Vec<(usize, usize)>,
    /// How days are cut.
    pub zone: crate::Zone,
}

/// A table of exposures: a row for each, as often as a unit was exposed. The first one decides: the
/// earliest; of those the one with the arm that comes first in the order of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposures {
    /// A CSV (`.csv`, `.tsv`), JSON Lines (`.jsonl`, `.ndjson`) or Parquet file.
    pub file: PathBuf,
    /// The column that says who.
    pub unit: String,
    /// The column that says which arm.
    pub arm: String,
    /// The column that says when; without it all rows are as early.
    pub time: Option<String>,
    /// Columns whose values units are told apart by, as they were at their first exposure.
    pub segments: Vec<String>,
}

/// A table of what units did: a row for each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// As for exposures.
    pub file: PathBuf,
    /// The column that says who.
    pub unit: String,
    /// The column that says when; without it all counts as done after the exposure.
    pub time: Option<String>,
    /// The column that says what was done.
    pub event: Option<String>,
}

/// Something that is added up for each unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// Where it stands.
    pub source: Source,
    /// Only rows of this event.
    pub event: Option<String>,
    /// The column that is added up; none to count rows.
    pub column: Option<String>,
    /// Which rows count.
    pub when: When,
}

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// That of exposures.
    Exposures,
    /// One of those of events, by its place.
    Events(usize),
}

/// Which rows of a unit count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    /// Those from its first exposure on.
    #[default]
    After,
    /// Those before it, as a covariate.
    Before,
}
