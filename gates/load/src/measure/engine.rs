//! Who sends: this process, or others that it leads.

use std::time::Duration;

use gate_core::Error;
use load::{Outcome, Tally};
use serde::{Deserialize, Serialize};

use super::{Refused, Watch, Work};

/// One stretch of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leg {
    /// For so many times the duration.
    pub(crate) times: u32,
    /// What is sent before and not counted.
    pub(crate) warm_up: Duration,
}

/// Whoever takes what was counted.
pub(crate) trait Sink {
    /// A second of a version is over, with its number since the start of the stretch.
    fn second(&mut self, version: usize, second: u64, tally: &Tally);
    /// Whether it is to end.
    fn is_cancelled(&self) -> bool;
}

/// Why not all could be measured, for a reason of those who send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lost {
    /// In words.
    pub(crate) why: String,
    /// What to do.
    pub(crate) advice: String,
}

/// Whoever sends.
pub(crate) trait Engine {
    /// Gets ready, and asks every version once before all others; what it came to when the service
    /// is not to be loaded.
    fn first(&mut self, work: &mut Work<'_>, watch: &dyn Watch) -> Result<Option<Refused>, Error>;

    /// Sends, and gives what came of each version.
    fn run(
        &mut self,
        work: &Work<'_>,
        leg: &Leg,
        sink: &mut dyn Sink,
    ) -> Result<Vec<Outcome>, Error>;

    /// What it has lost so far: the rest says nothing.
    fn lost(&self) -> Option<Lost> {
        None
    }
}
