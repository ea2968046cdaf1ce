//! `gate-report/v1`: the one result model. Every reporter is a pure function of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::schema_tag;
use crate::{Check, Digest, Evidence, ExitCode, Proposal, Timestamp, Verdict};

schema_tag!(ReportSchema, "gate-report/v1");

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `gate-report/v1`.
    pub schema: ReportSchema,
    /// The run's id, `YYYYMMDDTHHMMSSZ-xxxxxx`.
    pub run: String,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Where it ran.
    pub host: Host,
    /// The version of `gate` that ran it.
    pub gate_version: String,
    /// What was asked for.
    pub selection: Selection,
    /// The worst that a gate counts as; null for an empty shard.
    pub verdict: Option<Verdict>,
    /// What the process ended with.
    #[schemars(with = "u8")]
    pub exit_code: ExitCode,
    /// Whether this is the whole suite: false for a shard and for an interrupted run.
    pub complete: bool,
    /// What is worth knowing about the run itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The gates, in the order of their names.
    pub gates: Vec<GateReport>,
    /// Gates that were chosen but had nothing to run against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
}

/// Where a run ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Such as `linux`.
    pub os: String,
    /// Such as `x86_64`.
    pub arch: String,
    /// How many processors the run could use.
    pub cpus: usize,
}

/// What a run was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selection {
    /// The environment that was asked for, or the only one.
    pub env: Option<String>,
    /// The promotion that was asked for.
    pub promotion: Option<String>,
    /// The address that stood in for the candidate's.
    pub url: Option<String>,
    /// Which gates.
    #[serde(default)]
    pub filters: Filters,
    /// `i/n`.
    pub shard: Option<String>,
}

/// Which gates a run was narrowed to; an empty list does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Filters {
    /// Files or folders with specs, relative to the workspace.
    #[serde(default)]
    pub paths: Vec<String>,
    /// One of these kinds.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// A name that one of these globs matches.
    #[serde(default)]
    pub names: Vec<String>,
    /// All of these tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// What a gate came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateReport {
    /// Its name in the spec.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Where it is written.
    pub spec: SpecRef,
    /// Whether it can block.
    pub required: bool,
    /// The gate's own verdict.
    pub verdict: Verdict,
    /// After `required`: a gate that is not required never blocks.
    pub counts_as: Verdict,
    /// Every attempt, the last one last.
    pub attempts: Vec<Attempt>,
    /// The checks of the last attempt, and the harness's own.
    pub checks: Vec<Check>,
    /// What could be decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
    /// Files that belong to the gate rather than to one check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// How long all its attempts took.
    pub duration_ms: u64,
}

/// A spec, by file and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpecRef {
    /// Relative to the workspace.
    pub path: String,
    /// The first line of the document in that file, counted from 1.
    #[serde(default = "first_line")]
    pub line: u32,
    /// Of the document's text.
    pub digest: Digest,
}

fn first_line() -> u32 {
    1
}

/// One attempt of a gate: measured, or failed before there was an observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Attempt {
    /// It was measured; the digest names the stored observation.
    Measured {
        /// Where the observation lies in the store.
        measured: Digest,
    },
    /// It could not be measured.
    Failed {
        /// In which way.
        failed: Failure,
        /// What happened.
        reason: String,
        /// What to do about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        advice: Option<String>,
    },
}

/// In which way an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Failure {
    /// The gate said that it could not measure.
    Error,
    /// The gate panicked.
    Panic,
    /// The gate took longer than its time-out.
    Timeout,
    /// The run was interrupted.
    Cancelled,
}

impl Failure {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Failure::Error => "error",
            Failure::Panic => "panic",
            Failure::Timeout => "timeout",
            Failure::Cancelled => "cancelled",
        }
    }
}

/// A gate that was chosen but had nothing to run against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// The gate.
    pub gate: String,
    /// Why.
    pub reason: String,
}
