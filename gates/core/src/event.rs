//! `gate-event/v1`: what happens while a run is under way, one JSON object a line.

use serde::{Deserialize, Serialize};

use crate::{Evidence, ExitCode, Verdict};

/// One line of a run's `events.jsonl`. Its last line may be torn after SIGKILL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Counted from 1, without gaps.
    pub seq: u64,
    /// Milliseconds since the run started.
    pub t_ms: u64,
    /// The gate it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// The attempt of that gate, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What happened.
    pub event: Happening,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// The run has been planned and begins.
    RunStarted {
        /// The run's id.
        run: String,
        /// The gates that will run.
        gates: Vec<String>,
    },
    /// A gate begins.
    GateStarted {
        /// Its kind.
        kind: String,
    },
    /// Work goes on.
    Progress(Progress),
    /// Something worth a line in the log.
    Log {
        /// Such as `info` or `debug`.
        level: Level,
        /// One line.
        text: String,
    },
    /// A file was kept.
    Evidence(Evidence),
    /// A check was judged.
    Check {
        /// Its id.
        id: String,
        /// What it came to.
        verdict: Verdict,
        /// What happened.
        message: String,
    },
    /// An attempt is over.
    AttemptEnded {
        /// What the attempt came to.
        verdict: Verdict,
    },
    /// A gate is over.
    GateEnded {
        /// The gate's own verdict.
        verdict: Verdict,
        /// What it counts as.
        counts_as: Verdict,
    },
    /// The report is about to be written.
    ReportStarted,
    /// The run is over and its report on disk.
    RunEnded {
        /// The run's verdict; none for an empty shard.
        verdict: Option<Verdict>,
        /// What the process ends with.
        exit_code: ExitCode,
    },
}

/// How far some work has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How much is done.
    pub done: u64,
    /// Of how much, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Of what: `pages`, `s`.
    pub unit: String,
    /// What is being done now.
    pub text: String,
}

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Of interest to the gate's author.
    Debug,
    /// Of interest to whoever watches.
    Info,
    /// Something is not as it should be.
    Warn,
}
