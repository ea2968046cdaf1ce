//! Runs that were stored, in a workspace or in a bundle from another machine: finding them,
//! carrying them elsewhere, deciding on what they propose, and the words for what they came to. The
//! command line and the review application both work on them through this crate.

pub mod clean;
mod deciding;
mod stored;
pub mod words;

pub use deciding::{carry_out, decisions_file, take_back};
pub use stored::{Stored, bundle, ids, prune};
