//! `gate load URL --capacity`.

use clap::Args;
use gate_core::values::{DurationValue, Percent, Rate};

use crate::capacity::Capacity;
use crate::threshold::Threshold;

/// What is said of a search.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Search for the largest rate at which the thresholds hold, or p(95)<1s and rate<1% when there
    /// is none.
    #[arg(long, conflicts_with_all = ["rate", "connections", "compare", "max_duration"])]
    capacity: bool,
    /// The rate that a search begins with; it is doubled until something does not hold.
    #[arg(long, value_name = "RATE", default_value = "10/s", requires = "capacity")]
    #[arg(value_parser = super::rate)]
    from: Rate,
    /// The highest rate that a search tries.
    #[arg(long, value_name = "RATE", default_value = "5000/s", requires = "capacity")]
    #[arg(value_parser = super::rate)]
    to: Rate,
    /// How near to each other the rate that holds and the one that does not have to be.
    #[arg(long, value_name = "SHARE", default_value = "5%", requires = "capacity")]
    within: Percent,
    /// The rate that has to be held; without it, what is held is told and nothing more.
    #[arg(long, value_name = "RATE", requires = "capacity", value_parser = super::rate)]
    at_least: Option<Rate>,
}

impl Search {
    /// The same as a spec would say it.
    pub(super) fn capacity(
        &self,
        thresholds: &[Threshold],
        duration: Option<DurationValue>,
    ) -> Option<Capacity> {
        let usual = Capacity::default();
        let holds = if thresholds.is_empty() { usual.holds } else { thresholds.to_vec() };
        self.capacity.then_some(Capacity {
            holds,
            from: self.from,
            to: self.to,
            within: self.within,
            duration: duration.unwrap_or(usual.duration),
            at_least: self.at_least,
        })
    }
}
