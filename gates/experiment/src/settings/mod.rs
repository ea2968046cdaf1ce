//! What a spec of this kind says.

mod aims;
mod before_launch;
mod data;
mod metric;
mod names;
mod provider;
#[cfg(test)]
mod tests;
mod visits;

use std::collections::BTreeMap;

use gate_core::values::Percent;
use gate_core::{Json, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use aims::{Analysis, Level, Method, Spends, Success};
pub use before_launch::{
    Beacons, BeforeLaunch, Conversion, Ids, Profile, Records, StaysAfter, Times,
};
pub(crate) use before_launch::{MOST_BROWSERS, MOST_VISITORS};
pub use data::{
    ByName, Data, EventsTable, ExposuresTable, Holds, Warehouse, WarehouseKind, Written,
};
pub(crate) use data::{CONVERSIONS, EXPOSURES};
pub use metric::{Better, MetricKind, MetricSpec, Over};
pub use provider::{AlsoRunning, ProviderSpec, Sdk};
pub(crate) use visits::NUMBER;
pub use visits::{Act, KnownBy};

/// How far the shares of a split may be from 100% for each arm: two decimals, rounded.
const ROUNDED: f64 = 0.000_05 + 1e-9;
/// The name of the arm that is the control when nothing else is said.
const CONTROL: &str = "control";

/// The settings of an `experiment` gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is believed, in a sentence: `A shorter hero brings more sign-ups`.
    pub hypothesis: String,
    /// Who answers for it.
    pub owner: String,
    /// Which service puts visitors into arms, and how it is set up there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderSpec>,
    /// The arms and their shares, which come to 100%: `{ control: 50%, new_hero: 50% }`. Nobody may
    /// be in an arm with 0%.
    pub split: BTreeMap<String, Percent>,
    /// The arm that the others are compared with; the one called `control` unless something else is
    /// said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// Who or what is put into an arm: the attribute that the service hashes, and the column of the
    /// data that says who.
    pub unit: String,
    /// Other experiments that go on at the same time, among the same visitors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_running: Vec<AlsoRunning>,
    /// When it has begun, such as `2026-11-02`: what was recorded before that is history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// How many visitors a day are expected in all arms together. The data are held against it, and
    /// `days left` starts from it as long as there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitors_per_day: Option<f64>,

    /// What synthetic visitors do before real ones come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_launch: Option<BeforeLaunch>,

    /// Where the experiment's data are: `{ exposures: exposures.parquet, conversions: conversions.csv }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
    /// What is measured of each visitor, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, MetricSpec>,
    /// When the experiment is a success: `{ metric: signup, detect: 5%, within: 14 days }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Success>,
    /// Metrics that may not become worse by more than this part of the control's:
    /// `{ revenue: 1%, page_load: 2% }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub must_not_harm: BTreeMap<String, Percent>,
    /// How the numbers are judged; nothing has to be said here.
    #[serde(default, skip_serializing_if = "Analysis::is_default")]
    pub analysis: Analysis,
}

impl Settings {
    /// The arm that others are compared with; none where nothing says which.
    pub fn control(&self) -> Option<&str> {
        let named =
            self.control.as_deref().or_else(|| self.split.contains_key(CONTROL).then_some(CONTROL));
        named.filter(|name| self.split.contains_key(*name))
    }

    /// All arms: the control first, then the others by name.
    pub fn arms(&self) -> Vec<&str> {
        let control = self.control();
        let others = self.split.keys().map(String::as_str).filter(|name| Some(*name) != control);
        control.into_iter().chain(others).collect()
    }

    /// The shares that were meant, in the order of [`Settings::arms`]; together they are 1.
    pub fn shares(&self) -> Vec<f64> {
        let all: f64 = self.split.values().map(|share| share.fraction()).sum();
        self.arms().iter().map(|arm| self.split[*arm].fraction() / all).collect()
    }

    /// What shaped the measurement: all but what only judges.
    pub fn measured_by(&self) -> Json {
        let plain = Settings {
            hypothesis: String::new(),
            owner: String::new(),
            started: None,
            visitors_per_day: None,
            success: None,
            must_not_harm: BTreeMap::new(),
            analysis: Analysis::default(),
            metrics: self
                .metrics
                .iter()
                .map(|(name, one)| (name.clone(), one.measured()))
                .collect(),
            ..self.clone()
        };
        json!(plain)
    }

    /// What is wrong with it.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut wrong = |path: &[&str], message: &str, hint: &str| {
            found.push(Problem::at(path.iter().copied(), message).hint(hint));
        };
        for (name, text) in
            [("hypothesis", &self.hypothesis), ("owner", &self.owner), ("unit", &self.unit)]
        {
            if text.trim().is_empty() {
                wrong(&[name], "this says nothing", "a report begins with it: write a few words");
            }
        }
        self.split_problems(&mut wrong);
        if let Some(started) = &self.started
            && started.parse::<jiff::civil::Date>().is_err()
        {
            wrong(&["started"], "this is no day", "write it like 2026-11-02");
        }
        if self.visitors_per_day.is_some_and(|number| number.is_nan() || number <= 0.0) {
            wrong(&["visitors_per_day"], "nobody would come", "give it a number above 0");
        }
        if self.provider.is_none() && self.before_launch.is_some() {
            let message = "nothing says which service puts visitors into arms";
            wrong(&["before_launch"], message, "say it in provider, or leave before_launch out");
        }
        if self.before_launch.is_none() && self.data.is_none() && self.provider.is_none() {
            wrong(&[], "there is nothing to look at", "add data, or provider and before_launch");
        }
        for (at, other) in self.also_running.iter().enumerate() {
            other.problems(at, self, &mut wrong);
        }
        if let Some(provider) = &self.provider {
            provider.problems(self, &mut wrong);
        }
        if let Some(before) = &self.before_launch {
            before.problems(self, &mut wrong);
        }
        if let Some(data) = &self.data {
            data.problems(self, &mut wrong);
        }
        for (name, metric) in &self.metrics {
            metric.problems(name, self, &mut wrong);
        }
        self.aims_problems(&mut wrong);
        found
    }

    fn split_problems(&self, wrong: &mut Wrong<'_>) {
        let all: f64 = self.split.values().map(|share| share.fraction()).sum();
        let taking = self.split.values().filter(|share| share.fraction() > 0.0).count();
        if self.split.len() < 2 || taking < 2 {
            let hint = "such as { control: 50%, new_hero: 50% }";
            wrong(&["split"], "there are not two arms that anybody is put into", hint);
        } else if (all - 1.0).abs() > ROUNDED * self.split.len() as f64 {
            let shares = crate::words::percent((all * 1e6).round() / 1e6);
            let hint = "who is in no arm takes no part: the shares are of those who do";
            wrong(&["split"], &format!("the shares come to {shares}, not to 100%"), hint);
        }
        for name in self.split.keys().filter(|name| !names::is_good(name)) {
            wrong(&["split", name], "this is no name of an arm", names::HINT);
        }
        let names = || names::list(self.split.keys());
        match (&self.control, self.control()) {
            (Some(control), None) => {
                let message = format!("there is no arm `{control}`");
                wrong(&["control"], &message, &format!("the arms are {}", names()));
            }
            (None, None) => {
                let hint = format!("write control: with one of {}", names());
                wrong(&["split"], "nothing says which arm the others are compared with", &hint);
            }
            (_, Some(control)) if self.split[control].fraction() <= 0.0 => {
                let hint = "give it a share, or make another arm the control";
                wrong(&["split", control], "nobody would be in the control", hint);
            }
            _ => {}
        }
    }

    fn aims_problems(&self, wrong: &mut Wrong<'_>) {
        let known = || names::list(self.metrics.keys());
        if let Some(success) = &self.success {
            if !self.metrics.contains_key(&success.metric) {
                let message = format!("there is no metric `{}`", success.metric);
                let hint = names::suggest(&success.metric, self.metrics.keys());
                wrong(&["success", "metric"], &message, &hint);
            }
            success.problems(self, wrong);
        } else if self.data.is_some() {
            let hint = "such as success: { metric: signup, detect: 5%, within: 14 days }";
            wrong(&[], "nothing says when the experiment is a success", hint);
        }
        if self.data.is_some() && self.metrics.is_empty() {
            let hint = "such as metrics: { signup: { type: proportion, event: signup } }";
            wrong(&[], "the data are there, and no metric", hint);
        }
        for (name, margin) in &self.must_not_harm {
            if !self.metrics.contains_key(name) {
                let message = format!("there is no metric `{name}`");
                let hint = names::suggest(name, self.metrics.keys());
                wrong(&["must_not_harm", name], &message, &hint);
            } else if self.success.as_ref().is_some_and(|success| success.metric == *name) {
                let hint = format!("the other metrics are {}", known());
                wrong(&["must_not_harm", name], "this is what has to become better", &hint);
            }
            if margin.fraction() <= 0.0 {
                let hint = "no data can show that nothing has changed at all: give it 1% or so";
                wrong(&["must_not_harm", name], "not even by chance may it be worse", hint);
            }
        }
        self.analysis.problems(wrong);
    }
}

/// Takes what is wrong with a setting: its path below `with`, what it is, and what to write.
pub(crate) type Wrong<'w> = dyn FnMut(&[&str], &str, &str) + 'w;
