//! What is asked of data.

use std::path::PathBuf;

use crate::error::Error;

/// The most segments that units are told apart by.
const MOST_SEGMENTS: usize = 64;
/// The most arms: their numbers have to fit.
const MOST_ARMS: usize = 1000;

/// Who was exposed to what, what they did, and what is to be summed up of that. Data lies in files,
/// or in the tables of a warehouse ([`crate::sql::Table`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Question<P = PathBuf> {
    /// Who was exposed to what.
    pub exposures: Exposures<P>,
    /// What units did; where a total says so, what they did in the exposures' own rows counts.
    pub events: Vec<Events<P>>,
    /// The arms that there are.
    pub arms: Vec<String>,
    /// What is added up for each unit.
    pub totals: Vec<Total>,
    /// Pairs of totals whose product is summed up, by their places.
    pub products: Vec<(usize, usize)>,
    /// How days are cut.
    pub zone: crate::Zone,
}

impl<P> Question<P> {
    /// Whether it makes sense.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Question { arms, exposures, totals, events, products, .. } = self;
        if arms.is_empty() || arms.iter().any(String::is_empty) {
            return Err(Error::new("there are no arms, or one has no name"));
        }
        if arms.len() > MOST_ARMS {
            return Err(Error::new(format!("{} arms are more than {MOST_ARMS}", arms.len())));
        }
        if (1..arms.len()).any(|at| arms[..at].contains(&arms[at])) {
            return Err(Error::new("two arms have the same name"));
        }
        if exposures.segments.len() > MOST_SEGMENTS {
            return Err(Error::new(format!("there are more than {MOST_SEGMENTS} segments")));
        }
        for total in totals {
            let has_event = match total.source {
                Source::Exposures => false,
                Source::Events(at) => match events.get(at) {
                    None => return Err(Error::new("a total is of a table that is not there")),
                    Some(table) => table.event.is_some(),
                },
            };
            if total.event.is_some() && !has_event {
                return Err(Error::new("a total is of an event, and no column says what was done"));
            }
            if total.when == When::Before && total.source == Source::Exposures {
                return Err(Error::new("nothing is exposed before it is exposed"));
            }
        }
        if products.iter().any(|(one, other)| *one.max(other) >= totals.len()) {
            return Err(Error::new("a product is of a total that is not there"));
        }
        Ok(())
    }
}

/// A table of exposures: a row for each, as often as a unit was exposed. The first one decides: the
/// earliest; of those the one with the arm that comes first in the order of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposures<P = PathBuf> {
    /// A CSV (`.csv`, `.tsv`), JSON Lines (`.jsonl`, `.ndjson`) or Parquet file, or a table.
    pub from: P,
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
pub struct Events<P = PathBuf> {
    /// As for exposures.
    pub from: P,
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
