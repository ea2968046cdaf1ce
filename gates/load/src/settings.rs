//! What a spec of this kind says.

use std::collections::BTreeMap;

use gate_core::values::{DurationValue, Percent, Rate, Template};
use gate_core::{Json, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::threshold::Threshold;

/// The settings of a `load` gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The path that is asked for, with its query, of the environment under test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A whole address instead, such as `https://api.example.com/v1/offers`. Its host has to be
    /// that of the environment, or be named in `allow_hosts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Hosts that may be loaded although they are not the environment's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_hosts: Vec<String>,
    /// The method: `GET` unless there is a `body`, then `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Headers of the request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// The body of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Template>,
    /// A file of authorities to trust besides the system's, in PEM, relative to the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,

    /// How many requests are sent, whether answers have come or not: `50/s` unless something else
    /// is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Rates over time: each stage leads evenly from the rate before it to its own. Instead of
    /// `rate` and `duration`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageSpec>,
    /// Whether requests come as independent visitors do (a Poisson process) and not evenly.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub poisson: bool,
    /// A closed loop instead: so many connections, each of which sends when its answer has come.
    /// Its latency hides what a slow service does to its users; it is there to find capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<usize>,
    /// How long is measured; `30s` unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<DurationValue>,
    /// What is sent before that and not counted.
    #[serde(default = "default::warm_up")]
    pub warm_up: DurationValue,
    /// How long is measured at the most, when the time asked for decides nothing. Twice the
    /// duration unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<DurationValue>,
    /// How long an answer may take.
    #[serde(default = "default::timeout")]
    pub timeout: DurationValue,
    /// How many connections there may be at once in an open loop.
    #[serde(default = "default::max_connections")]
    pub max_connections: usize,
    /// How many threads send, each bound to a processor.
    #[serde(default = "default::threads")]
    pub threads: usize,
    /// How late a request may be sent so that fewer wake-ups are needed.
    #[serde(default = "default::lag_budget")]
    pub lag_budget: DurationValue,

    /// What has to hold: `p(95)<500ms`, `service p(99)<200ms`, `rate<0.1%`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Threshold>,
    /// The share of requests without a good answer that is just allowed.
    #[serde(default = "default::max_failures")]
    pub max_failures: Percent,
    /// Asks another version in turn, and wants this one to be no worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare: Option<Compare>,
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageSpec {
    /// How long it takes.
    pub duration: DurationValue,
    /// The rate at its end.
    pub rate: Rate,
}

/// A comparison with another version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// The version to compare with: `promotion` for the one that this would replace, or the name
    /// of an environment.
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
}

impl Default for Compare {
    fn default() -> Compare {
        Compare {
            against: default::against(),
            margin: default::margin(),
            tolerance: default::tolerance(),
            percentiles: default::percentiles(),
        }
    }
}

mod default {
    use std::time::Duration;

    use super::{DurationValue, Percent};

    pub(super) fn warm_up() -> DurationValue {
        DurationValue(Duration::from_secs(3))
    }
    pub(super) fn timeout() -> DurationValue {
        DurationValue(Duration::from_mins(1))
    }
    pub(super) fn max_connections() -> usize {
        1000
    }
    pub(super) fn threads() -> usize {
        1
    }
    pub(super) fn lag_budget() -> DurationValue {
        DurationValue(Duration::from_micros(200))
    }
    pub(super) fn max_failures() -> Percent {
        Percent::from_fraction(0.01).expect("one percent is a share")
    }
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
}

/// What is measured when nothing is said.
const DURATION: std::time::Duration = std::time::Duration::from_secs(30);
/// Requests per second when nothing is said.
const RATE: f64 = 50.0;

impl Default for Settings {
    fn default() -> Settings {
        serde_json::from_value(json!({})).expect("everything has a default")
    }
}

impl Settings {
    /// How long is measured before it is looked at for the first time.
    pub(crate) fn duration(&self) -> std::time::Duration {
        if self.stages.is_empty() {
            return self.duration.map_or(DURATION, |duration| duration.0);
        }
        self.stages.iter().map(|stage| stage.duration.0).sum()
    }

    /// How often that is at the most: each time it is twice as much.
    pub(crate) fn looks(&self) -> u32 {
        let first = self.duration().as_secs_f64();
        let most = self.max_duration.map_or(2.0 * first, |most| most.0.as_secs_f64());
        if first <= 0.0 { 1 } else { (most / first).log2().max(0.0).floor() as u32 + 1 }
    }

    /// Requests per second, for a run without stages.
    pub(crate) fn rate(&self) -> f64 {
        self.rate.map_or(RATE, Rate::per_second)
    }

    pub(crate) fn method(&self) -> String {
        let usual = if self.body.is_some() { "POST" } else { "GET" };
        self.method.as_deref().unwrap_or(usual).to_ascii_uppercase()
    }

    /// What shaped the measurement. Thresholds have only decided when it was over: an observation
    /// that ended early for one of them is enough for others that need no more.
    pub(crate) fn measured_by(&self) -> Json {
        let limits = Settings {
            thresholds: Vec::new(),
            max_failures: default::max_failures(),
            compare: self.compare.clone().map(|compare| Compare {
                margin: default::margin(),
                tolerance: default::tolerance(),
                percentiles: default::percentiles(),
                ..compare
            }),
            ..self.clone()
        };
        json!(limits)
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut wrong = |path: &[&str], message: &str, hint: &str| {
            found.push(Problem::at(path.iter().copied(), message).hint(hint));
        };
        match (&self.path, &self.url) {
            (Some(_), Some(_)) => {
                wrong(&["url"], "there is a `path` already", "leave one of the two out");
            }
            (Some(path), None) if !path.starts_with('/') => {
                wrong(&["path"], "a path begins with a slash", "write it like /offers?page=1");
            }
            (None, Some(url)) if crate::target::parse(url).is_err() => {
                wrong(&["url"], "this is no address", "write it as https://api.example.com/offers");
            }
            _ => {}
        }
        if self.connections.is_some() && (self.rate.is_some() || !self.stages.is_empty()) {
            wrong(
                &["connections"],
                "connections that send when they are answered have no rate",
                "leave connections out: max_connections limits those of an open loop",
            );
        }
        if !self.stages.is_empty() && (self.rate.is_some() || self.duration.is_some()) {
            wrong(&["stages"], "the stages say rates and durations", "leave rate and duration out");
        }
        if !self.stages.is_empty() && self.stages.iter().all(|stage| stage.rate.per_second() <= 0.0)
        {
            wrong(&["stages"], "nothing would be sent", "give a stage a rate above 0");
        }
        if self.rate.is_some_and(|rate| rate.per_second() <= 0.0) {
            wrong(&["rate"], "nothing would be sent", "give a rate above 0, such as 50/s");
        }
        if self.duration() < std::time::Duration::from_secs(1) {
            let at = if self.stages.is_empty() { "duration" } else { "stages" };
            wrong(&[at], "less than a second says nothing", "give it 30s or more");
        }
        self.time_problems(&mut wrong);
        for (name, number) in [
            ("connections", self.connections.unwrap_or(1)),
            ("max_connections", self.max_connections),
            ("threads", self.threads),
        ] {
            if number == 0 {
                wrong(&[name], "with none of them nothing is sent", "give it 1 or more");
            }
        }
        if self.timeout.0.is_zero() || self.timeout.0 > LONGEST {
            wrong(&["timeout"], "a time-out lies between 1ms and 60s", "give it 30s");
        }
        self.comparison_problems(&mut wrong);
        found
    }

    fn time_problems(&self, wrong: &mut dyn FnMut(&[&str], &str, &str)) {
        let timeout = self.timeout.0.as_micros() as f64;
        for (at, threshold) in self.thresholds.iter().enumerate() {
            if threshold.metric.is_time() && threshold.limit > timeout {
                wrong(
                    &["thresholds", &at.to_string()],
                    "nothing takes longer than the time-out, so this says nothing",
                    "give it a limit below the time-out",
                );
            }
        }
        if let Some(most) = self.max_duration
            && most.0 > self.duration()
            && most.0 < self.duration() * 2
        {
            wrong(
                &["max_duration"],
                "it is looked at again when it is twice as long, which this never is",
                "give it twice the duration or more",
            );
        }
        if self.rate() > FASTEST || self.stages.iter().any(|one| one.rate.per_second() > FASTEST) {
            wrong(&["rate"], "no machine sends so much", "give it less than 1000000/s");
        }
        if self.threads > MOST_THREADS {
            wrong(&["threads"], "these are more than processors", "give it one for each processor");
        }
        if let Some(most) = self.max_duration
            && most.0 < self.duration()
        {
            wrong(
                &["max_duration"],
                "it is shorter than the duration",
                "leave it out, or give it more",
            );
        }
    }

    fn comparison_problems(&self, wrong: &mut dyn FnMut(&[&str], &str, &str)) {
        if self.compare.as_ref().is_some_and(|compare| compare.percentiles.is_empty()) {
            wrong(&["compare", "percentiles"], "nothing is compared", "such as [50, 95]");
        }
        if let Some(compare) = &self.compare {
            if self.connections.is_some() {
                wrong(
                    &["compare"],
                    "two versions are compared at the same rate, which a closed loop has not",
                    "give a rate and leave connections out",
                );
            }
            if compare.percentiles.iter().any(|p| !(*p > 0.0 && *p < 100.0)) {
                wrong(
                    &["compare", "percentiles"],
                    "a percentile lies between 0 and 100",
                    "such as 95",
                );
            }
        }
    }
}

/// The highest rate that is tried, per second.
const FASTEST: f64 = 1e6;
const MOST_THREADS: usize = 256;
/// What a histogram tells apart.
const LONGEST: std::time::Duration = std::time::Duration::from_mins(1);
