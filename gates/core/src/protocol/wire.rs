use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Digest, Inputs, Level, Outcome, Problem, Progress, Role, UnitId};

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;

/// What the host asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// What are you, and what does `with` look like? Answered by [`Described`].
    Describe,
    /// Are these settings right? Answered by [`Found`].
    Validate,
    /// Which units are there? Answered by [`PlanAnswer`].
    Plan,
    /// Measure these units. Answered by [`MeasureAnswer`].
    Measure,
    /// What does this observation amount to? Answered by [`JudgeAnswer`].
    Judge,
    /// Make one observation of several. Answered by [`MeasureAnswer`].
    Join,
}

impl Action {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Action::Describe => "describe",
            Action::Validate => "validate",
            Action::Plan => "plan",
            Action::Measure => "measure",
            Action::Judge => "judge",
            Action::Join => "join",
        }
    }
}

/// The one line that a plug-in reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Always [`PROTOCOL`].
    pub protocol: u32,
    /// What is asked.
    pub request: Action,
    /// The gate's name in the spec.
    #[serde(default)]
    pub name: String,
    /// The settings below `with`, placeholders expanded; secrets stay `${secret:NAME}`.
    #[serde(default)]
    pub with: Value,
    /// The units to measure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitId>,
    /// The environment under test, to plan and to measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentFacts>,
    /// The environment that it would replace, in a promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<EnvironmentFacts>,
    /// The values of the secrets that `with` names, to measure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// To measure: a folder for files that are evidence. To judge: where the evidence lies, each
    /// file under its digest, to be read only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_dir: Option<String>,
    /// What was measured, to judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<Value>,
    /// Several of them, to join.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Value>,
    /// The recorded inputs, to measure and to judge.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
}

impl Request {
    /// A request with nothing but its name.
    pub fn new(request: Action) -> Request {
        Request {
            protocol: PROTOCOL,
            request,
            name: String::new(),
            with: Value::Null,
            units: Vec::new(),
            environment: None,
            baseline: None,
            secrets: BTreeMap::new(),
            evidence_dir: None,
            observation: None,
            parts: Vec::new(),
            inputs: None,
        }
    }
}

/// An environment, with its secrets filled in: it is the plug-in that sends them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentFacts {
    /// Its name in `gate.yaml`.
    pub name: String,
    /// Its address.
    pub url: String,
    /// `user:password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<String>,
    /// Headers sent with every request to it.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Cookies sent with every request to it.
    #[serde(default)]
    pub cookies: BTreeMap<String, String>,
}

/// One line that a plug-in writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// The first one.
    Hello(Hello),
    /// Something happened.
    Event(PluginEvent),
    /// The last one: the answer.
    Result(Value),
    /// The last one, when there is no answer.
    Error {
        /// Why.
        message: String,
        /// What to do about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
}

/// What a plug-in is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the protocol that it speaks.
    pub protocol: u32,
    /// The kind that it is.
    pub kind: String,
    /// Its own version.
    #[serde(default)]
    pub version: String,
    /// The requests that it answers.
    pub requests: Vec<Action>,
}

/// What a plug-in may report while it works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginEvent {
    /// Work goes on.
    Progress(Progress),
    /// A line for the log.
    Log {
        /// How much it matters.
        level: Level,
        /// One line.
        text: String,
    },
    /// A file is to be kept.
    Evidence(FileEvidence),
}

/// A file that a plug-in wrote into its evidence folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEvidence {
    /// How it is shown.
    pub role: Role,
    /// What it is, a few words.
    pub label: String,
    /// Its media type.
    pub media_type: String,
    /// Its name in the folder; not a link.
    pub file: String,
    /// Other files of the folder that it speaks of, by their digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<Digest>,
}

/// The answer to [`Action::Describe`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Described {
    /// One line about the kind.
    #[serde(default)]
    pub about: String,
    /// The draft-07 schema of `with`.
    pub schema: Value,
    /// Whether it must run alone.
    #[serde(default)]
    pub exclusive: bool,
    /// Whether it needs a running version of the site to look at.
    #[serde(default)]
    pub needs_environment: bool,
}

/// The answer to [`Action::Validate`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The mistakes.
    #[serde(default)]
    pub problems: Vec<WireProblem>,
}

/// A mistake in the settings; the path is relative to `with`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireProblem {
    /// Where.
    #[serde(default)]
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<WireProblem> for Problem {
    fn from(problem: WireProblem) -> Problem {
        Problem { hint: problem.hint, ..Problem::at(problem.path, problem.message) }
    }
}

impl From<Problem> for WireProblem {
    fn from(problem: Problem) -> WireProblem {
        let path = problem.path.into_iter().skip(1).collect();
        WireProblem { path, message: problem.message, hint: problem.hint }
    }
}

/// The answer to [`Action::Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAnswer {
    /// The units that there are.
    pub units: Vec<UnitId>,
}

/// The answer to [`Action::Measure`] and [`Action::Join`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasureAnswer {
    /// What was seen.
    #[serde(default)]
    pub observation: Value,
    /// From a plug-in that judges while it measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// The answer to [`Action::Judge`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeAnswer {
    /// Checks and proposals.
    pub outcome: Outcome,
}
