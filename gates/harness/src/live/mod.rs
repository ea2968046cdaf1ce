//! What is shown while a run is under way: followers of its events.
//!
//! [`Plain`] writes lines, for a build's log; [`Bars`] draws bars, for a person at a terminal. Both
//! follow a run without ever holding it up, and both show texts of gates only after
//! [`clean_line`](crate::reporters::clean_line). With `-q` there is none of them.

mod bars;
mod plain;
mod watch;

pub use bars::Bars;
pub use plain::Plain;

#[cfg(test)]
mod story;
