//! # gate-core: the manual for somebody who writes a gate
//!
//! A gate answers one question about a version of a site, and `gate` decides from all answers
//! whether the version may be promoted. This crate is all that a gate needs; it is small, and
//! its wire formats are versioned.
//!
//! ## A gate in three steps
//!
//! A [`Gate`] *plans* its units, *measures* them into an observation, and *judges* an
//! observation. It never says "pass": it gives [`Check`]s, and the verdict is the worst of them.
//!
//! ```
//! use gate_core::{Check, Context, Error, Gate, Given, Limit, Metric, Outcome, UnitId, Verdict};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// Is the page small enough for a phone on a train?
//! struct Weight;
//!
//! #[derive(Serialize, Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Spec {
//!     /// The file that is weighed, relative to the workspace.
//!     file: String,
//!     /// What it may weigh, in bytes.
//!     at_most: u64,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Seen {
//!     bytes: u64,
//! }
//!
//! impl Gate for Weight {
//!     const KIND: &'static str = "weight";
//!     type Spec = Spec;
//!     type Observation = Seen;
//!
//!     async fn measure(&self, spec: &Spec, _: &[UnitId], cx: &Context) -> Result<Seen, Error> {
//!         let bytes = gate_core::files::read(&cx.workspace().root().join(&spec.file))?.len();
//!         Ok(Seen { bytes: bytes as u64 })
//!     }
//!
//!     fn judge(&self, spec: &Spec, seen: &Seen, _: &Given<'_>) -> Result<Outcome, Error> {
//!         let limit = Limit::AtMost(spec.at_most as f64);
//!         let fits = limit.holds(seen.bytes as f64);
//!         let verdict = if fits { Verdict::Pass } else { Verdict::Fail };
//!         let message = format!("{} weighs {} bytes", spec.file, seen.bytes);
//!         let weight = Metric::new("weight", seen.bytes as f64, "B").limit(limit);
//!         Ok(Outcome::of([Check::new("weight", "Weight", verdict, message).metric(weight)]))
//!     }
//! }
//! ```
//!
//! `gate_harness::Cli::new().with(Kind::of(Weight, "weighs a file")).run()` makes a binary of
//! it, with everything that `gate` has; [`protocol::main`] makes an executable that any `gate`
//! can use as a plug-in.
//!
//! ## What the harness does for it
//!
//! - **Settings** are read with a place for every mistake; see [`spec`] and [`values`]. Unknown
//!   fields are refused. Secrets go into fields of the types [`values::Template`] and
//!   [`values::Secret`], and only [`Context::reveal`] gives their values.
//! - **Measuring** is dropped when it takes too long or the run is interrupted. A panic, an
//!   error or a time-out becomes an inconclusive check with the reason. Whatever the gate
//!   starts, it starts through [`Context::run_program`] or notes in [`Context::ledger`].
//! - **Evidence** that it keeps ([`Context::keep`]) lies in a [`Store`] by its [`Digest`], without
//!   the secrets. What a person sees of it depends on its [`Role`].
//! - **The observation** is stored, read back and judged, in a live run too; `gate judge` gives
//!   the same later. So `judge` looks at nothing but its arguments, maps are ordered, and
//!   numbers are finite.
//! - **Proposals** ([`Proposal`]) are what a run would like to change. Nothing changes without a
//!   [`decision`].
//!
//! ## What is not here
//!
//! Command lines, scheduling, reporters: they are in `gate-harness`, and no type of theirs is
//! part of this crate's interface. serde_yaml is known to one module only.

mod check;
mod context;
pub mod decision;
mod digest;
mod event;
mod event_log;
pub mod evidence;
mod exit;
pub mod files;
mod finite;
mod gate;
mod kind;
pub mod ledger;
mod observation;
mod outcome;
mod problem;
pub mod process;
mod proposal;
pub mod protocol;
mod report;
mod run;
pub mod spec;
mod store;
mod time;
mod tool;
pub mod values;
mod verdict;

pub use check::{Check, Limit, Location, Metric};
pub use context::{Attempting, Context, Environment, Output, Run};
pub use digest::{Digest, NotADigest};
pub use event::{Event, Happening, Level, Progress};
pub use event_log::{EventLog, Listener};
pub use evidence::{Evidence, Role};
pub use exit::ExitCode;
pub use gate::{AnyGate, Boxed, Gate, Measured, Needs, Settings, UnitId};
pub use kind::{
    Clash, Command, Fetch, Finding, Imported, Importer, Kind, OfferedTool, Probe, Registry, Runs,
    SpecChoice, SpecGate, Specs, SpecsRead,
};
pub use observation::{Observation, ObservationSchema};
pub use outcome::{Accepted, Given, Inputs, Outcome};
pub use problem::{Error, Problem, While};
pub use proposal::{AcceptedChange, Change, Proposal};
pub use report::{
    Attempt, Failure, Filters, GateReport, Host, Report, ReportSchema, Selection, Skipped, SpecRef,
};
pub use run::{GateRecord, Interruption, RunFolder, RunRecord, RunSchema, is_run_id};
pub use store::{Store, Workspace};
pub use time::{Clock, Timestamp};
pub use tool::{Tool, input_schema, read_input};
pub use verdict::Verdict;

pub use redact::{Redactor, TooShort};
pub use serde_json::{Value as Json, json};
