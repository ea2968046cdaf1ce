//! Command line, scheduling, reporters and plug-in host. Knows no kinds.

pub mod ambient;
pub mod discover;
pub mod judge;
pub mod plugin;
pub mod reporters;
pub mod runner;
pub mod suite;
pub mod usage;
