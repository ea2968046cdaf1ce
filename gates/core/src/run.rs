//! `gate-run/v1`: what a run recorded. The report is a pure function of this and the store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::evidence::schema_tag;
use crate::files::{make_folder, read, write_atomically};
use crate::{
    Attempt, Digest, Error, ExitCode, Host, Selection, Skipped, SpecRef, Timestamp, UnitId,
    Workspace,
};

schema_tag!(RunSchema, "gate-run/v1");

/// What a run recorded: its inputs, and where its observations lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Always `gate-run/v1`.
    pub schema: RunSchema,
    /// The run's id.
    pub run: String,
    /// When it started.
    pub started: Timestamp,
    /// When it ended; absent while it is under way, or when it was killed.
    pub finished: Option<Timestamp>,
    /// Where it ran.
    pub host: Host,
    /// The version of `gate` that ran it.
    pub gate_version: String,
    /// What was asked for.
    pub selection: Selection,
    /// Over spec texts, variables, environments, filters and version: shards of one suite agree.
    pub suite: Digest,
    /// The seed.
    pub seed: u64,
    /// The plain variables that specs used, with their values.
    pub variables: BTreeMap<String, String>,
    /// The signal that interrupted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Interruption>,
    /// What is worth knowing about the run itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The runs that it was merged from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<String>,
    /// The gates of the whole selection, in the order of their names: of all shards.
    pub gates: Vec<GateRecord>,
    /// Gates that were chosen but had nothing to run against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
}

/// A signal that ends a run early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Interruption {
    /// From the keyboard.
    #[serde(rename = "SIGINT")]
    Interrupt,
    /// From whoever runs the pipeline.
    #[serde(rename = "SIGTERM")]
    Terminate,
}

impl Interruption {
    /// 128 and the signal's number.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Interruption::Interrupt => ExitCode::INTERRUPTED,
            Interruption::Terminate => ExitCode::TERMINATED,
        }
    }
}

/// One gate of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateRecord {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Where it is written.
    pub spec: SpecRef,
    /// The document itself, so that it can be judged again.
    pub text: String,
    /// Every unit that the gate planned, sorted.
    pub plan: Vec<UnitId>,
    /// The units that belong to this shard; all of them without shards.
    pub units: Vec<UnitId>,
    /// Every attempt.
    pub attempts: Vec<Attempt>,
    /// How long all attempts took.
    pub duration_ms: u64,
}

impl GateRecord {
    /// Whether this shard had nothing to do for the gate.
    pub fn belongs_elsewhere(&self) -> bool {
        self.units.is_empty() && self.attempts.is_empty() && !self.plan.is_empty()
    }
}

/// The folder of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder of a new run; an error when there is one already.
    pub fn create(workspace: &Workspace, id: &str) -> Result<RunFolder, Error> {
        make_folder(&workspace.runs())?;
        let path = workspace.runs().join(id);
        std::fs::create_dir(&path).map_err(|error| {
            Error::from(error).while_doing(format!("making {}", path.display()))
        })?;
        Ok(RunFolder { path })
    }

    /// The folder at `path`, which holds a run.
    pub fn at(path: impl Into<PathBuf>) -> RunFolder {
        RunFolder { path: path.into() }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the report.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// The file of the events.
    pub fn events(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// The file of the record.
    pub fn record(&self) -> PathBuf {
        self.path.join("run.json")
    }

    /// Reads the record.
    pub fn load(&self) -> Result<RunRecord, Error> {
        serde_json::from_slice(&read(&self.record())?).map_err(|error| {
            Error::new(format!("{} cannot be read: {error}", self.record().display()))
        })
    }

    /// Writes the record.
    pub fn save(&self, record: &RunRecord, temporary: &Path) -> Result<(), Error> {
        let mut bytes = serde_json::to_vec_pretty(record)?;
        bytes.push(b'\n');
        write_atomically(&self.record(), &bytes, temporary)
    }
}

/// Whether a text has the form of a run's id, `YYYYMMDDTHHMMSSZ-xxxxxx`.
pub fn is_run_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 23
        && bytes[8] == b'T'
        && bytes[15] == b'Z'
        && bytes[16] == b'-'
        && bytes[..8].iter().chain(&bytes[9..15]).all(u8::is_ascii_digit)
        && bytes[17..].iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
