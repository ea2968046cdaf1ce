//! What was seen.

use gate_core::Evidence;
use serde::{Deserialize, Serialize};

use crate::browsers::Watched;
use crate::capacity::Searched;
use crate::exchanges::SeenExchanges;
use crate::measure::{Generator, Look, Lost, Refused};
use crate::script::Reason;

/// What one attempt saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The version under test, and behind it the one that it was compared with.
    pub(crate) versions: Vec<SeenVersion>,
    /// When it was looked whether all is decided.
    pub(crate) looks: Vec<Look>,
    /// How the generator itself did.
    pub(crate) generator: Generator,
    /// Why nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<Refused>,
    /// The limit that ended the run, because it was certain not to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aborted: Option<String>,
    /// Single exchanges of the version under test.
    #[serde(default)]
    pub(crate) exchanges: SeenExchanges,
    /// Why not all could be measured, where several machines sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lost: Option<Lost>,
    /// What a search for capacity has found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) capacity: Option<Searched>,
    /// What browsers have seen meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) browsers: Option<Watched>,
    /// Charts for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) charts: Vec<Evidence>,
}

/// What was seen of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeenVersion {
    /// Its address.
    pub(crate) url: String,
    /// What was counted in each second.
    pub(crate) seconds_file: Evidence,
    /// How many requests were to be sent; none in a closed loop.
    pub(crate) intended: Option<u64>,
    /// How long was measured, in seconds.
    pub(crate) seconds: f64,
    /// What did not hold of answers, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<Reason>,
}
