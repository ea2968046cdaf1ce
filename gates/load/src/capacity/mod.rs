//! The largest rate at which a service holds what it has to, found step by step.

mod charts;
mod decide;
mod judged;
mod run;
mod search;
mod settings;

use serde::{Deserialize, Serialize};

pub(crate) use charts::shown;
pub(crate) use judged::{document, judge, told};
pub(crate) use run::search;
use search::{Bounds, Probe, Tried};
pub use settings::Capacity;

/// What came of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Held {
    /// All held, for sure.
    Yes,
    /// Something did not.
    No,
    /// It could be either.
    Open,
    /// This machine could not send it.
    Unfit,
}

/// A rate that was sent for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// In requests a second.
    pub(crate) rate: f64,
    /// How long that was counted, in seconds.
    pub(crate) seconds: f64,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    /// Latencies in microseconds; none when nothing was answered.
    pub(crate) p50: Option<u64>,
    pub(crate) p95: Option<u64>,
    pub(crate) p99: Option<u64>,
    pub(crate) held: Held,
    /// Why it did not hold, or is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// A rate and what all its steps have come to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rated {
    pub(crate) rate: f64,
    /// Whether it was to be told for sure.
    pub(crate) is_sure: bool,
    pub(crate) held: Held,
}

/// A search.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Searched {
    /// In the order of time.
    pub(crate) steps: Vec<Step>,
    pub(crate) rates: Vec<Rated>,
    /// Whether there was no time left for more.
    pub(crate) is_out_of_time: bool,
}

impl Searched {
    fn bounds(&self) -> Bounds {
        Bounds::of(&self.tried())
    }

    fn tried(&self) -> Vec<Tried> {
        let tried = |one: &Rated| Tried {
            probe: Probe { rate: one.rate, is_sure: one.is_sure },
            held: one.held,
        };
        self.rates.iter().map(tried).collect()
    }
}
