//! Sums per arm of an experiment: who was exposed to which arm first, what they did after that, and
//! what is left of it once it is summed up for each arm, day and segment.
//!
//! An engine: it knows no verdict, prints nothing, ends nothing and reads no environment variable.
//! Files are folded row by row, so memory grows with the units and not with the rows; a warehouse is
//! asked for the sums themselves.

pub mod sql;

mod answer;
mod error;
mod exact;
mod fold;
mod names;
mod question;
mod read;
mod time;
mod units;

pub use answer::{Answer, Cell, Left, Moments};
pub use error::{Error, Place};
pub use fold::answer;
pub use question::{Events, Exposures, Question, Source, Total, When};
pub use time::Zone;
