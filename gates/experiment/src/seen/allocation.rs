//! What a replica of the service did with ids.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where ids are put, before any visitor comes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SeenAllocation {
    /// Which ids, for people.
    pub(crate) source: String,
    /// Whether they are the team's own.
    pub(crate) is_own: bool,
    /// How many different ones there are.
    pub(crate) ids: u64,
    /// What is wrong with the configuration; then nothing else is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) broken: Option<Broken>,
    /// What the service hashes.
    pub(crate) unit: String,
    /// The arms of the spec, the control first.
    pub(crate) arms: Vec<Arm>,
    /// Arms of the service that no arm of the spec stands for, with the ids in them; their shares where
    /// the configuration says them.
    pub(crate) strangers: BTreeMap<String, (u64, Option<f64>)>,
    /// Why ids are in no arm.
    pub(crate) out: BTreeMap<String, u64>,
    /// What cannot be predicted.
    pub(crate) lots: BTreeMap<String, u64>,
    /// Each column of the ids' file with its values.
    pub(crate) segments: Vec<Segment>,
    pub(crate) odd: OddIds,
    pub(crate) others: Vec<Other>,
    /// What changes from one configuration to another.
    pub(crate) steps: Vec<Step>,
    /// Why steps could not be tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) no_steps: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sdks: Option<Sdks>,
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Broken {
    /// Where, with the file.
    pub(crate) place: String,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// An arm of the spec.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Arm {
    pub(crate) name: String,
    /// What the service calls it; none when it has no such arm.
    pub(crate) service: Option<String>,
    /// Its share there, of all who take part, when the configuration says it in one place.
    pub(crate) share: Option<f64>,
    /// How many ids are in it by chance.
    pub(crate) drawn: u64,
    /// How many a rule put there.
    pub(crate) ruled: u64,
}

/// Ids told apart by a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) column: String,
    pub(crate) values: Vec<InSegment>,
}

/// Ids with one value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct InSegment {
    pub(crate) value: String,
    /// In each arm, by chance or by a rule.
    pub(crate) arms: Vec<u64>,
    /// In none.
    pub(crate) out: u64,
}

/// Ids that are not what they should be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct OddIds {
    /// Lines without an id.
    pub(crate) empty: u64,
    /// Words that stand for no id, with how often they come.
    pub(crate) placeholders: BTreeMap<String, u64>,
    /// Lines that have an id of a line before them.
    pub(crate) again: u64,
    /// The id that comes most often, and how often.
    pub(crate) most: Option<(String, u64)>,
    /// Ids that were cut short or rounded, and one of them.
    pub(crate) cut: u64,
    pub(crate) cut_example: Option<String>,
    /// Ids with blanks or quotes around them, and one of them.
    pub(crate) padded: u64,
    pub(crate) padded_example: Option<String>,
    /// Ids with letters that are not ASCII.
    pub(crate) wide: u64,
}

/// Another experiment among the same ids.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Other {
    pub(crate) experiment: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) broken: Option<Broken>,
    pub(crate) arms: Vec<String>,
    /// For each own arm and for none, ids in each arm of the other one and in none.
    pub(crate) table: Vec<Vec<u64>>,
    /// Ids that have a bucket in both, and the same one.
    pub(crate) both: u64,
    pub(crate) same: u64,
    /// A part of the traffic that both are confined to, when their ranges there overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) overlap: Option<String>,
}

/// From one configuration to another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Ids that are in an arm before.
    pub(crate) before: u64,
    /// Ids that are in one after.
    pub(crate) after: u64,
    /// Ids of those that are in another arm then, and in none.
    pub(crate) moved: u64,
    pub(crate) left: u64,
}

/// Ids in the SDKs of several languages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sdks {
    /// Whether the spec says which are in use.
    pub(crate) is_said: bool,
    /// How each reads an id: the languages, and the name of the encoding.
    pub(crate) ways: Vec<(String, String)>,
    /// Of how many ids that are not ASCII, and how many are in another arm by another of these ways.
    pub(crate) tried: u64,
    pub(crate) differ: u64,
    /// One that differs, with its arm in each way.
    pub(crate) example: Option<(String, Vec<String>)>,
    /// Ids that were made up to see whether any would differ.
    pub(crate) made_up: u64,
    pub(crate) made_up_differ: u64,
}
