//! Command line, scheduling, reporters and plug-in host. Knows no kinds.
//!
//! ```no_run
//! # fn main() -> std::process::ExitCode {
//! gate_harness::Cli::new().run()
//! # }
//! ```

mod ambient;
mod cli;
mod discover;
mod judge;
pub mod live;
mod merge;
mod plugin;
pub mod reporters;
mod runner;
mod suite;
mod usage;

pub use cli::{Cli, reference, schemas};
