//! What a spec says of a comparison.

use gate_core::values::{DurationValue, Percent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A comparison with another version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// The version to compare with: `promotion` for the one that this would replace, the name of
    /// an environment, or `stored` for an earlier run.
    #[serde(default = "default::against")]
    pub against: String,
    /// How much worse it may be: `10%` allows a quantile of 1.1 times the other one's.
    #[serde(default = "default::margin")]
    pub margin: Percent,
    /// A difference up to this is never held against it: what nobody notices is no regression.
    #[serde(default = "default::tolerance")]
    pub tolerance: DurationValue,
    /// The percentiles of latency that are compared.
    #[serde(default = "default::percentiles")]
    pub percentiles: Vec<f64>,
    /// How many more of its requests may fail, as a part of all: `0.5%` allows 1.5% where 1% of
    /// the other version's do.
    #[serde(default = "default::more_failures")]
    pub more_failures: Percent,
    /// The earlier run, as `gate load URL --save FILE` has written it, relative to the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whether being worse than an earlier run fails. Time and machine may be others, so it warns
    /// unless this is said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocks: bool,
}

impl Compare {
    /// The same without what only judges.
    pub(super) fn without_limits(self) -> Compare {
        Compare {
            margin: default::margin(),
            tolerance: default::tolerance(),
            percentiles: default::percentiles(),
            more_failures: default::more_failures(),
            blocks: false,
            ..self
        }
    }

    /// What is wrong with it, in a closed loop or an open one.
    pub(super) fn problems(&self, is_closed: bool, wrong: &mut dyn FnMut(&[&str], &str, &str)) {
        if self.percentiles.is_empty() {
            wrong(&["compare", "percentiles"], "nothing is compared", "such as [50, 95]");
        }
        if self.is_stored() != self.file.is_some() {
            let hint = "write both: against: stored, and file: earlier.jsonl";
            wrong(&["compare", "file"], "an earlier run is a file, and only that is", hint);
        }
        if self.blocks && !self.is_stored() {
            wrong(&["compare", "blocks"], "versions of one run always block", "leave it out");
        }
        if is_closed {
            wrong(
                &["compare"],
                "two versions are compared at the same rate, which a closed loop has not",
                "give a rate and leave connections out",
            );
        }
        if self.percentiles.iter().any(|p| !(*p > 0.0 && *p < 100.0)) {
            let message = "a percentile lies between 0 and 100";
            wrong(&["compare", "percentiles"], message, "such as 95");
        }
    }

    /// Whether it is an earlier run that is compared with.
    pub(crate) fn is_stored(&self) -> bool {
        self.against == STORED
    }
}

/// The name of an earlier run.
pub(crate) const STORED: &str = "stored";

impl Default for Compare {
    fn default() -> Compare {
        Compare {
            against: default::against(),
            margin: default::margin(),
            tolerance: default::tolerance(),
            percentiles: default::percentiles(),
            more_failures: default::more_failures(),
            file: None,
            blocks: false,
        }
    }
}

mod default {
    use std::time::Duration;

    use super::{DurationValue, Percent};

    pub(super) fn against() -> String {
        "promotion".to_owned()
    }
    pub(super) fn margin() -> Percent {
        Percent::from_fraction(0.1).expect("ten percent are a share")
    }
    pub(super) fn tolerance() -> DurationValue {
        DurationValue(Duration::from_millis(1))
    }
    pub(super) fn percentiles() -> Vec<f64> {
        vec![50.0, 95.0]
    }
    pub(super) fn more_failures() -> Percent {
        Percent::from_fraction(0.005).expect("half a percent is a share")
    }
}
