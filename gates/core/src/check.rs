//! Checks and metrics: the sentences and numbers that a verdict is made of.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Evidence, Verdict};

/// One thing that a gate looked at, and what came of it.
///
/// `message` says what happened in words that somebody who is not an engineer understands;
/// `advice` says what to do next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Stable name within the gate, for filters, history and `gate explain GATE/CHECK`.
    pub id: String,
    /// What was looked at, a few words.
    pub title: String,
    /// What people may want to find it by, such as its `page`, `viewport` and `browser`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facets: BTreeMap<String, String>,
    /// What it came to.
    pub verdict: Verdict,
    /// What happened, one or two plain sentences.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The numbers behind it, with their limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// The files behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Where in the user's files it belongs, when it belongs to a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

impl Check {
    /// A check with its verdict and message; the rest is added by the methods below.
    pub fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        verdict: Verdict,
        message: impl Into<String>,
    ) -> Check {
        Check {
            id: id.into(),
            title: title.into(),
            facets: BTreeMap::new(),
            verdict,
            message: message.into(),
            advice: None,
            metrics: Vec::new(),
            evidence: Vec::new(),
            location: None,
        }
    }

    /// Adds something to find it by.
    pub fn facet(mut self, name: impl Into<String>, value: impl Into<String>) -> Check {
        self.facets.insert(name.into(), value.into());
        self
    }

    /// Says what to do next.
    pub fn advice(mut self, advice: impl Into<String>) -> Check {
        self.advice = Some(advice.into());
        self
    }

    /// Adds a number.
    pub fn metric(mut self, metric: Metric) -> Check {
        self.metrics.push(metric);
        self
    }

    /// Adds files.
    pub fn evidence(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Check {
        self.evidence.extend(evidence);
        self
    }
}

/// A number that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// What it counts, such as `changed pixels`.
    pub name: String,
    /// How many; always finite.
    pub value: f64,
    /// Of what: `px`, `ms`, `%`, `1` for a plain count.
    pub unit: String,
    /// What it was held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

impl Metric {
    /// A number without a limit.
    pub fn new(name: impl Into<String>, value: f64, unit: impl Into<String>) -> Metric {
        Metric { name: name.into(), value, unit: unit.into(), limit: None }
    }

    /// Holds the number against a limit.
    pub fn limit(mut self, limit: Limit) -> Metric {
        self.limit = Some(limit);
        self
    }
}

/// What a metric is held against, in the metric's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Good up to and including this value.
    AtMost(f64),
    /// Good from this value on.
    AtLeast(f64),
}

impl Limit {
    /// Whether `value` is within the limit. A value that is not a number never is.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Limit::AtMost(limit) => value <= limit,
            Limit::AtLeast(limit) => value >= limit,
        }
    }
}

/// A place in a file of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// Relative to the workspace.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}
