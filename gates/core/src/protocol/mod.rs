//! `gate-plugin/v1`: gates in any language, one process a request, JSON lines.
//!
//! The host writes one [`Request`] as a line to standard input and closes it. The plug-in
//! answers on standard output: first a [`Hello`], then any number of events, then one result.
//! Whatever it writes to standard error goes into the run's log.

mod serve;
mod wire;

pub use serve::main;
pub use wire::{
    Action, Described, EnvironmentFacts, FileEvidence, Found, Hello, JudgeAnswer, Line,
    MeasureAnswer, PROTOCOL, PlanAnswer, PluginEvent, Request, WireProblem,
};
