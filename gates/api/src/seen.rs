//! What was seen.

use std::collections::BTreeMap;

use gate_core::process::Ending;
use gate_core::{Change, Evidence, Json};
use recorder::drift::{Rule, in_document};
use serde::{Deserialize, Serialize};

use crate::age::Aged;

/// What one attempt saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The gate's name, which proposals are made under.
    pub gate: String,
    /// The recording, when the spec names one.
    pub recording: Option<Recording>,
    /// The program, when there is one.
    pub ran: Option<Ran>,
    /// The requests, in order.
    pub asked: Vec<Asked>,
    /// What became of the requests that came to the recording; none when there is no such.
    pub traffic: Option<Traffic>,
    /// What the service answered to what was recorded; none when it was not asked.
    pub drift: Option<Vec<Drifted>>,
    /// The document that it was held against, when the spec names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Described>,
    /// Recordings that are new or differ.
    pub proposed: Vec<Proposed>,
}

/// The recording as it lay there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Its folder, relative to the workspace.
    pub folder: String,
    /// How many interactions it had.
    pub interactions: u64,
    /// How many rules it had besides.
    #[serde(default)]
    pub rules: u64,
    /// What its age has led to; none when it is young enough, or nobody wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<Age>,
    /// What is wrong with its files: each with a hint.
    pub damages: Vec<(String, String)>,
    /// Secrets in its files: the file, and what it is.
    pub secrets: Vec<(String, String)>,
    /// What has to be asked for; none where nothing was played.
    pub required: Option<Vec<Required>>,
    /// Whether what was recorded was left where it was, because the run did not go through.
    pub is_left_out: bool,
}

/// What the age of a recording has led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Age {
    /// Why it should be recorded anew, and why it was not, if so.
    pub why: String,
    /// Whether it was.
    pub is_anew: bool,
}

impl Age {
    pub(crate) fn of(aged: &Aged) -> Option<Age> {
        match aged {
            Aged::Young => None,
            Aged::Anew(why) => Some(Age { why: why.clone(), is_anew: true }),
            Aged::Unreachable(why) => Some(Age { why: why.clone(), is_anew: false }),
        }
    }
}

/// Recordings that have to be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Required {
    /// Which ones, as the spec says it.
    pub pattern: String,
    /// How many there are.
    pub recordings: u64,
    /// How many of them nothing asked for.
    pub left: u64,
    /// The first of these, as method and address.
    pub first: Vec<String>,
}

/// What one run of the program showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// How it ended.
    pub ending: Ending,
    /// What it wrote, when it wrote anything.
    pub output: Option<Evidence>,
    /// The last line that it wrote, preferably to standard error.
    pub last_line: Option<String>,
    /// How many requests came from it.
    pub requests: u64,
}

/// What became of the requests that came to the recording.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// How many there were.
    pub seen: u64,
    /// How many were answered from the recording.
    pub replayed: u64,
    /// How many were recorded.
    pub recorded: u64,
    /// How many had no recording.
    pub missed: u64,
    /// The first of them.
    pub misses: Vec<Missing>,
    /// What could not be recorded or reached, in sentences.
    pub failed: Vec<String>,
}

/// A request that had no recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// Its method.
    pub method: String,
    /// Its address.
    pub url: String,
    /// Why, as it goes on after the address.
    pub why: String,
    /// What to do.
    pub hint: String,
    /// What comes nearest, in a sentence.
    pub nearest: Option<String>,
    /// The request beside the recording that comes nearest.
    pub exchange: Option<Evidence>,
}

/// One request of the spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The method and the whole address.
    pub line: String,
    /// The answer, or why there is none.
    pub answer: Result<Answered, String>,
    /// Whether there was no answer because something before it was missing.
    #[serde(default)]
    pub is_left_out: bool,
}

/// The answer to a request of the spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Such as 200.
    pub status: u16,
    /// From the request to the last byte, in milliseconds.
    pub duration_ms: f64,
    /// For each assert, what was there.
    pub values: Vec<Looked>,
    /// Captures that found nothing: their names, and why.
    pub uncaptured: BTreeMap<String, String>,
    /// How the body breaks its schema; none when there is no schema.
    pub schema: Option<Vec<String>>,
    /// Kinds of secrets in it.
    pub secrets: Vec<String>,
    /// The exchange, where something does not hold.
    pub exchange: Option<Evidence>,
}

/// What an assert looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Looked {
    /// It is this.
    Value {
        /// What was there.
        value: Json,
        /// What it is held against, where that was not known before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wanted: Option<Json>,
    },
    /// It is this value, which is long.
    Long {
        /// The value as JSON.
        json: Evidence,
        /// What it is held against, where that was not known before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wanted: Option<Json>,
    },
    /// A secret is in it or in what it is held against, so it was held against that at once.
    Secret {
        /// The assert.
        assert: String,
        /// Why it does not hold; none when it does.
        broken: Option<String>,
    },
    /// There is no such thing.
    Nothing,
    /// It could not be looked at.
    Wrong(String),
}

/// What the service answered to a request that was recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drifted {
    /// The method.
    pub method: String,
    /// The address, as it was recorded.
    pub url: String,
    /// What the document calls its operation, where an answer was held against that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Whether only the recording was held against the document.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_left_alone: bool,
    /// What differs, or why it could not be asked.
    pub found: Result<Vec<Difference>, String>,
    /// The answer beside the recorded one, where they differ in more than what is new.
    pub exchange: Option<Evidence>,
}

/// The document of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Described {
    /// The file, as the spec names it.
    pub file: String,
    /// The version of OpenAPI.
    pub version: String,
    /// A hash over it and the files that it refers to.
    pub digest: String,
    /// How many operations it has.
    pub operations: u64,
    /// Those that nothing was recorded of.
    pub uncovered: Vec<String>,
    /// The same as a list to be read, when there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Evidence>,
}

/// How much a difference matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Matters {
    /// Something is new.
    New,
    /// It works still, and may not for long.
    Warning,
    /// It could not be looked at.
    Unchecked,
    /// A client may fail.
    Breaking,
}

/// A difference between what was recorded and what is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// How much it matters.
    pub matters: Matters,
    /// Where.
    pub place: String,
    /// What was recorded, in words.
    pub before: String,
    /// What it is now, in words.
    pub after: String,
    /// Of a difference from the document: then `before` is what that says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Rule>,
}

impl Difference {
    /// In words.
    pub(crate) fn words(&self) -> String {
        let Difference { place, before, after, document, .. } = self;
        match document {
            None => format!("{place}: {before}, now {after}"),
            Some(rule) => in_document(rule.side, place, before, after),
        }
    }
}

/// Recordings that are new or differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// What would be recorded: methods and paths.
    pub endpoints: Vec<String>,
    /// Why.
    pub why: Why,
    /// The files.
    pub changes: Vec<Change>,
    /// The files as evidence.
    pub files: Vec<Evidence>,
}

/// Why a recording would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The service that was recorded answers otherwise.
    Drift,
    /// It was recorded, and was not before.
    New,
    /// It was recorded, and was otherwise before.
    Changed,
    /// All was recorded anew, and it was not asked for.
    Gone,
}
