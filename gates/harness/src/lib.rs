//! Command line, scheduling, reporters and plug-in host. Knows no kinds.

pub mod reporters;
