//! Limits that have to be kept, and of which part of a run.

use std::fmt;

use gate_core::Problem;
use gate_core::values::DurationValue;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::threshold::{Metric, Threshold};

/// A limit that has to be kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Written", into = "Written")]
pub struct Required {
    /// What has to hold.
    pub threshold: Threshold,
    /// Of this step alone.
    pub step: Option<String>,
    /// Of what is answered from this time on, since the end of the warm-up.
    pub from: Option<DurationValue>,
    /// Of what is answered before this time; what comes after the end belongs to the end.
    pub to: Option<DurationValue>,
    /// Whether the run ends as soon as it is certain that it does not hold.
    pub abort_on_fail: bool,
    /// Whether a version that does not keep it fails; otherwise it is warned of.
    pub required: bool,
}

/// How it stands in a spec.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    /// In k6's words: `p(95)<500ms`.
    Short(Threshold),
    /// With more.
    Long(Long),
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a threshold such as `p(95)<500ms`, or a map with one")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Written, E> {
                text.parse().map(Written::Short).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
                Long::deserialize(MapAccessDeserializer::new(map)).map(Written::Long)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Long {
    /// What has to hold, in k6's words: `p(95)<500ms`.
    threshold: Threshold,
    /// Of this step alone: its name, or its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    /// Of what is answered from this time on, since the end of the warm-up. When the run goes on, of
    /// the same time in each round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<DurationValue>,
    /// Of what is answered before this time. What is answered after the end belongs to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<DurationValue>,
    /// Whether the run ends as soon as it is certain that it does not hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    abort_on_fail: bool,
    /// Whether a version that does not keep it fails; otherwise it is warned of.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    required: bool,
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references over")]
fn is_yes(said: &bool) -> bool {
    *said
}

impl From<Threshold> for Required {
    fn from(threshold: Threshold) -> Required {
        let (step, from, to) = (None, None, None);
        Required { threshold, step, from, to, abort_on_fail: false, required: true }
    }
}

impl From<Written> for Required {
    fn from(written: Written) -> Required {
        match written {
            Written::Short(threshold) => threshold.into(),
            Written::Long(Long { threshold, step, from, to, abort_on_fail, required }) => {
                Required { threshold, step, from, to, abort_on_fail, required }
            }
        }
    }
}

impl From<Required> for Written {
    fn from(all: Required) -> Written {
        if all == Required::from(all.threshold) {
            return Written::Short(all.threshold);
        }
        let Required { threshold, step, from, to, abort_on_fail, required } = all;
        Written::Long(Long { threshold, step, from, to, abort_on_fail, required })
    }
}

impl fmt::Display for Required {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.threshold.fmt(f)?;
        if let Some(step) = &self.step {
            write!(f, " of {step}")?;
        }
        match (self.from, self.to) {
            (None, None) => Ok(()),
            (Some(from), None) => write!(f, " from {from} on"),
            (None, Some(to)) => write!(f, " until {to}"),
            (Some(from), Some(to)) => write!(f, " from {from} to {to}"),
        }
    }
}

impl Required {
    /// What is wrong with it, in a run that takes so long and has these steps.
    pub(super) fn problems(
        &self,
        at: usize,
        duration: std::time::Duration,
        steps: &[String],
    ) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut wrong = |name: &str, message: String, hint: String| {
            let path = ["thresholds".to_owned(), at.to_string(), name.to_owned()];
            found.push(Problem::at(path, message).hint(hint));
        };
        if let Some(step) = self.step.as_ref().filter(|step| !steps.contains(step)) {
            let hint = match steps {
                [] => "a run of one request has none: leave it out".to_owned(),
                steps => format!("there are: {}", steps.join(", ")),
            };
            wrong("step", format!("there is no step `{step}`"), hint);
        }
        let from = self.from.map_or(std::time::Duration::ZERO, |from| from.0);
        if self.to.is_some_and(|to| to.0 <= from) {
            wrong("to", "this ends before it begins".to_owned(), "give it a later time".to_owned());
        }
        if from >= duration {
            let hint = format!("the run takes {}", DurationValue(duration));
            wrong("from", "nothing is sent so late".to_owned(), hint);
        }
        if self.step.is_some() && self.threshold.metric == Metric::Connect {
            let hint = "leave the step out".to_owned();
            wrong("step", "connections belong to no step".to_owned(), hint);
        }
        let is_of_browser = self.threshold.metric.is_of_browser();
        if self.step.is_some() && is_of_browser {
            let hint = "leave the step out: browsers load one page".to_owned();
            wrong("step", "browsers take no steps".to_owned(), hint);
        }
        if self.abort_on_fail && is_of_browser {
            let hint = "leave it out: this is decided at the end".to_owned();
            wrong("abort_on_fail", "browsers load a page too seldom for that".to_owned(), hint);
        }
        if self.abort_on_fail && !self.required {
            let hint = "leave one of the two out".to_owned();
            wrong("abort_on_fail", "what only warns ends no run".to_owned(), hint);
        }
        let is_part = self.from.is_some() || self.to.is_some();
        if is_part && duration.subsec_nanos() != 0 {
            let hint = "give the run whole seconds".to_owned();
            wrong("from", "what was counted is kept second by second".to_owned(), hint);
        }
        let whole =
            |time: Option<DurationValue>| time.is_none_or(|time| time.0.subsec_nanos() == 0);
        if !whole(self.from) || !whole(self.to) {
            let hint = "what was counted is kept second by second".to_owned();
            wrong("from", "this is no whole second".to_owned(), hint);
        }
        found
    }
}
