//! What a judgement gives, and all that it may look at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AcceptedChange, Check, Digest, Error, Evidence, Proposal, Timestamp, Verdict};

/// What `judge` gives: checks, and what the run would like to change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// What was looked at. None at all is inconclusive.
    pub checks: Vec<Check>,
    /// What could be decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
    /// Files that belong to the gate rather than to one check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

impl Outcome {
    /// An outcome of these checks.
    pub fn of(checks: impl IntoIterator<Item = Check>) -> Outcome {
        Outcome { checks: checks.into_iter().collect(), ..Outcome::default() }
    }

    /// The gate's own verdict: the worst of its checks.
    pub fn verdict(&self) -> Verdict {
        Verdict::over(self.checks.iter().map(|check| check.verdict))
    }
}

/// An accepted change, with who said so and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// The difference.
    pub change: AcceptedChange,
    /// Who accepted it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// All that a judgement may look at besides its spec and its observation.
pub struct Given<'a> {
    read: &'a (dyn Fn(&Digest) -> Result<Vec<u8>, Error> + Sync),
    inputs: &'a Inputs,
}

/// The inputs of a measurement that are recorded with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The seed of the run.
    pub seed: u64,
    /// When the measurement began.
    pub clock: Timestamp,
    /// The accepted changes that were in force for this gate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Accepted>,
}

impl<'a> Given<'a> {
    /// From a reader of the evidence store and the recorded inputs.
    pub fn new(
        read: &'a (dyn Fn(&Digest) -> Result<Vec<u8>, Error> + Sync),
        inputs: &'a Inputs,
    ) -> Given<'a> {
        Given { read, inputs }
    }

    /// The bytes of a piece of evidence.
    pub fn evidence(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        (self.read)(digest)
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.inputs.seed
    }

    /// When the measurement began.
    pub fn clock(&self) -> Timestamp {
        self.inputs.clock
    }

    /// The accepted changes that were in force for this gate.
    pub fn accepted(&self) -> &[Accepted] {
        &self.inputs.accepted
    }

    /// All of the recorded inputs.
    pub fn inputs(&self) -> &Inputs {
        self.inputs
    }
}
