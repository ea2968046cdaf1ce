//! Runs that were stored, in a workspace or in a bundle from another machine: finding them,
//! carrying them elsewhere, and deciding on what they propose. The command line and the review
//! application both work on them through this crate.

mod deciding;
mod stored;

pub use deciding::{carry_out, decisions_file, take_back};
pub use stored::{Stored, bundle, ids, prune};
