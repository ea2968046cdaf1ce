//! What a spec of this kind says.

mod browsers;
mod compare;
mod limit;
mod scenario;
mod shape;

use std::collections::BTreeMap;

use gate_core::values::{DurationValue, Percent, Rate, Template};
use gate_core::{Json, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::capacity::Capacity;
use crate::seconds::Slice;
use crate::threshold::Metric;
pub use browsers::Browsers;
pub use compare::Compare;
pub(crate) use compare::STORED;
pub use limit::Required;
pub use scenario::{Asset, FeedOrder, Scenario, Step, Think};
pub use shape::{Campaign, Replay, Send, TimeOfDay};

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
    /// The status that has to be answered. Without it, and without an assert about it, any below
    /// 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What has to hold of the answer, in Hurl's words: `jsonpath "$.items" count > 2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asserts: Vec<gate_request::Assert>,
    /// What visitors do, instead of asking for one thing: `rate` is that of visitors, then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<Scenario>,
    /// The share of visits whose asserts are looked at; captures always are. Looking into every
    /// answer takes time that the generator may not have.
    #[serde(default = "default::whole")]
    pub checked: Percent,
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
    /// A campaign instead: mails that are sent, and who visits because of them. Instead of `rate`,
    /// `stages` and `duration`; visitors come as independent ones do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Campaign>,
    /// An access log instead, of which `duration` is replayed: what was asked, when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
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
    /// How many requests a connection carries before it is closed; as many as the service lets
    /// unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse: Option<u64>,
    /// Whether HTTP/2 is spoken: agreed upon with TLS, and with prior knowledge in the clear.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub http2: bool,
    /// With HTTP/2, how many requests may be under way at once on each connection: 1 unless
    /// something else is said, as if everybody came with a connection of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<usize>,
    /// How many threads send, each bound to a processor.
    #[serde(default = "default::threads")]
    pub threads: usize,
    /// How late a request may be sent so that fewer wake-ups are needed.
    #[serde(default = "default::lag_budget")]
    pub lag_budget: DurationValue,

    /// What has to hold: `p(95)<500ms`, `service p(99)<200ms`, `rate<0.1%`; or with more:
    /// `{ threshold: p(95)<1s, step: cart, from: 30s, to: 1m, abort_on_fail: true }`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Required>,
    /// The share of requests without a good answer that is just allowed.
    #[serde(default = "default::max_failures")]
    pub max_failures: Percent,
    /// Asks another version in turn, and wants this one to be no worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare: Option<Compare>,
    /// One or two real browsers that open the page again and again meanwhile: how many, or with more
    /// `{ count: 1, page: /spring, every: 2s }`. Limits on what they see are `lcp p(75)<2.5s` (largest
    /// contentful paint), `cls p(75)<0.1` (cumulative layout shift), `fcp` and `ttfb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browsers: Option<Browsers>,
    /// Searches for the largest rate that it holds, instead of sending one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
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
    pub(super) fn whole() -> Percent {
        Percent::from_fraction(1.0).expect("all is a share")
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
        if let Some(campaign) = &self.campaign {
            return campaign.takes();
        }
        if self.stages.is_empty() {
            return self.duration.map_or(DURATION, |duration| duration.0);
        }
        self.stages.iter().map(|stage| stage.duration.0).sum()
    }

    /// The rates over time; none for a constant one, and for what an access log says.
    pub(crate) fn shape(&self) -> Vec<load::Stage> {
        let stage = |stage: &StageSpec| load::Stage {
            duration: stage.duration.0,
            rate: stage.rate.per_second(),
        };
        match &self.campaign {
            Some(campaign) => campaign.stages(),
            None => self.stages.iter().map(stage).collect(),
        }
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

    /// What is spoken.
    pub(crate) fn protocol(&self) -> load::Protocol {
        if !self.http2 {
            return load::Protocol::Http1;
        }
        load::Protocol::Http2 { streams: self.streams.unwrap_or(1) }
    }

    pub(crate) fn method(&self) -> String {
        let usual = if self.body.is_some() { "POST" } else { "GET" };
        self.method.as_deref().unwrap_or(usual).to_ascii_uppercase()
    }

    /// The comparison, where that is one with an earlier run.
    pub(crate) fn earlier(&self) -> Option<&Compare> {
        self.compare.as_ref().filter(|compare| compare.is_stored())
    }

    /// What shaped the measurement. Thresholds have only decided when it was over: an observation
    /// that ended early for one of them is enough for others that need no more.
    pub(crate) fn measured_by(&self) -> Json {
        let limits = Settings {
            thresholds: Vec::new(),
            max_failures: default::max_failures(),
            compare: self.compare.clone().map(Compare::without_limits),
            capacity: self.capacity.clone().map(|one| Capacity { at_least: None, ..one }),
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
            ("streams", self.streams.unwrap_or(1)),
        ] {
            if number == 0 {
                wrong(&[name], "with none of them nothing is sent", "give it 1 or more");
            }
        }
        if self.streams.is_some() && !self.http2 {
            wrong(
                &["streams"],
                "requests share a connection in HTTP/2 alone",
                "add http2: true, or leave streams out",
            );
        }
        if self.timeout.0.is_zero() || self.timeout.0 > LONGEST {
            wrong(&["timeout"], "a time-out lies between 1ms and 60s", "give it 30s");
        }
        if let Some(compare) = &self.compare {
            compare.problems(self.connections.is_some(), &mut wrong);
        }
        self.scenario_problems(&mut wrong);
        self.shape_problems(&mut wrong);
        self.capacity_problems(&mut wrong);
        if let Some(browsers) = &self.browsers {
            browsers.problems(&mut wrong);
        }
        found.extend(crate::browsers::problems(self));
        found.extend(self.campaign.iter().flat_map(Campaign::problems));
        found.extend(self.replay.iter().flat_map(Replay::problems));
        let steps = self.steps();
        for (at, one) in self.thresholds.iter().enumerate() {
            found.extend(one.problems(at, self.duration(), &steps));
        }
        for (at, scenario) in self.scenarios.iter().enumerate() {
            found.extend(scenario.problems(at));
        }
        found
    }

    /// The names of the steps, in the order in which they are counted; none for a single request.
    pub(crate) fn steps(&self) -> Vec<String> {
        let all = self.scenarios.iter().flat_map(|scenario| &scenario.steps);
        let mut names = Vec::new();
        for step in all {
            names.push(step.title());
            if !step.assets.is_empty() {
                names.push(format!("{} (assets)", step.title()));
            }
        }
        names
    }

    /// Which part of what was counted a limit is about.
    pub(crate) fn slice(&self, limit: &Required) -> Slice {
        let step =
            limit.step.as_ref().and_then(|step| self.steps().iter().position(|one| one == step));
        let second = |time: DurationValue| time.0.as_secs();
        let is_part = limit.from.is_some() || limit.to.is_some();
        let within =
            is_part.then(|| (limit.from.map_or(0, second), limit.to.map_or(u64::MAX, second)));
        let round = if is_part { self.duration().as_secs() } else { 0 };
        Slice { step, within, round }
    }

    /// Whether visits are made up, and not one request sent again and again.
    pub(crate) fn is_scripted(&self) -> bool {
        !self.scenarios.is_empty() || !self.asserts.is_empty() || self.status.is_some()
    }

    /// There is one thing that says when somebody comes.
    fn shape_problems(&self, wrong: &mut dyn FnMut(&[&str], &str, &str)) {
        let given = [
            ("rate", self.rate.is_some()),
            ("connections", self.connections.is_some()),
            ("stages", !self.stages.is_empty()),
            ("campaign", self.campaign.is_some()),
            ("replay", self.replay.is_some()),
        ];
        let given: Vec<&str> =
            given.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect();
        if let [first, .., last @ ("campaign" | "replay")] = given[..] {
            let message = format!("`{first}` says already when somebody comes");
            wrong(&[last], &message, "leave one of the two out");
        }
        if self.campaign.is_some() && self.duration.is_some() {
            wrong(
                &["duration"],
                "the campaign says how long it takes",
                "shorten it, or give it from and to",
            );
        }
        let asks = self.path.is_some() || self.url.is_some();
        let asks = asks || self.method.is_some() || self.body.is_some() || self.is_scripted();
        if self.poisson && self.connections.is_some() {
            wrong(&["poisson"], "connections send when they are answered", "leave it out");
        }
        if self.replay.is_some() && asks {
            wrong(
                &["replay"],
                "the log says what is asked",
                "leave path, url, method, body, asserts and scenarios out",
            );
        }
    }

    fn scenario_problems(&self, wrong: &mut dyn FnMut(&[&str], &str, &str)) {
        if self.status.is_some_and(|status| !(100..=599).contains(&status)) {
            wrong(&["status"], "a status lies between 100 and 599", "such as 200");
        }
        if self.checked.fraction() <= 0.0 {
            wrong(&["checked"], "nothing is looked at", "leave the asserts out instead");
        }
        // Failures are then known of a share of the answers alone, and only `max_failures` says so.
        let is_of_failures = |one: &Required| one.threshold.metric == Metric::Failures;
        let others = [
            ("thresholds", self.thresholds.iter().any(is_of_failures)),
            ("compare", self.compare.is_some()),
            ("capacity", self.capacity.is_some()),
        ];
        if self.checked.fraction() < 1.0 {
            for (name, _) in others.into_iter().filter(|(_, is_there)| *is_there) {
                let hint = format!("look into all answers, or leave {name} out");
                wrong(&["checked"], "failures of a share of the answers are not compared", &hint);
            }
        }
        if self.reuse == Some(0) {
            wrong(&["reuse"], "a connection carries 1 request or more", "leave it out");
        }
        if self.scenarios.is_empty() {
            return;
        }
        let of_one = [
            ("path", self.path.is_some()),
            ("url", self.url.is_some()),
            ("method", self.method.is_some()),
            ("body", self.body.is_some()),
            ("status", self.status.is_some()),
            ("asserts", !self.asserts.is_empty()),
        ];
        for (name, _) in of_one.into_iter().filter(|(_, is_there)| *is_there) {
            wrong(&[name], "the scenarios say what is asked", "put it into a step");
        }
        let names = self.steps();
        for (at, name) in names.iter().enumerate().filter(|(at, name)| names[..*at].contains(name))
        {
            let hint = format!("give one of them another name: step {}", at + 1);
            wrong(&["scenarios"], &format!("two steps are called `{name}`"), &hint);
        }
        let all = self.warm_up.0 + self.duration();
        if self.scenarios.iter().any(|scenario| scenario.thinks() >= all) {
            wrong(
                &["duration"],
                "a visitor thinks for longer than all of it takes",
                "give it more time, or shorten what visitors think",
            );
        }
    }

    fn time_problems(&self, wrong: &mut dyn FnMut(&[&str], &str, &str)) {
        let timeout = self.timeout.0.as_micros() as f64;
        for (at, one) in self.thresholds.iter().enumerate() {
            let threshold = one.threshold;
            let is_request = threshold.metric.is_time() && !threshold.metric.is_of_browser();
            if is_request && threshold.limit > timeout {
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

    fn capacity_problems(&self, wrong: &mut dyn FnMut(&[&str], &str, &str)) {
        let Some(capacity) = &self.capacity else { return };
        for (name, message, hint) in capacity.problems() {
            wrong(&["capacity", name], message, hint);
        }
        let others = [
            ("rate", self.rate.is_some()),
            ("stages", !self.stages.is_empty()),
            ("campaign", self.campaign.is_some()),
            ("replay", self.replay.is_some()),
            ("connections", self.connections.is_some()),
            ("duration", self.duration.is_some()),
            ("max_duration", self.max_duration.is_some()),
            ("thresholds", !self.thresholds.is_empty()),
            ("compare", self.compare.is_some()),
        ];
        for (name, _) in others.iter().filter(|(_, is_there)| *is_there) {
            wrong(
                &[name],
                "a search for capacity has rates, durations and thresholds of its own",
                "leave it out, or write what has to hold into capacity.holds",
            );
        }
    }
}

/// The highest rate that is tried, per second.
const FASTEST: f64 = 1e6;
const MOST_THREADS: usize = 256;
/// What a histogram tells apart.
const LONGEST: std::time::Duration = std::time::Duration::from_mins(1);
