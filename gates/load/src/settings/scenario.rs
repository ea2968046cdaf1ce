//! What visitors do.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use gate_core::values::{DurationValue, Template};
use gate_core::{Json, Problem};
use gate_request::{Assert, Expression, Line, Parts, as_text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What some of the visitors do, one step after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called in reports.
    pub name: String,
    /// How many of all visitors do this, beside the weights of the other scenarios.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: u32,
    /// A file with a row for each visitor, CSV with a line of names or JSONL, relative to the spec.
    /// `{{name}}` stands for a value of the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
    /// In which order rows are taken.
    #[serde(default, skip_serializing_if = "is_default")]
    pub feed_order: FeedOrder,
    /// Whether a visitor keeps the cookies that answers set, and sends them back.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub cookies: bool,
    /// What is asked, one after the other. A visitor whose answer is not as it should be goes away.
    pub steps: Vec<Step>,
}

/// In which order rows are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedOrder {
    /// One after the other, and again from the first one.
    #[default]
    InTurn,
    /// Drawn for each visitor.
    Random,
}

/// One request of a visitor, and what has to hold of its answer. The words are Hurl's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is called in reports and thresholds; without a name, the request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How long the visitor thinks before it: `2s`, or `1s..5s` for anything between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub think: Option<Think>,
    /// The method, and a path of the service or a whole address: `POST /cart`. `{{NAME}}` stands
    /// for what was captured or what the row has; `{{newUuid}}` and `{{newDate}}` for new ones.
    pub request: Line,
    /// Headers, besides those of all requests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// Parameters of the query.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Template>,
    /// `user:password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<Template>,
    /// The fields of a form, as the body.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub form: BTreeMap<String, Template>,
    /// JSON, as the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Json>,
    /// Any text, as the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Template>,
    /// The status that has to be answered. Without it, and without an assert about it, any below
    /// 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What later steps may use, by name: `token: jsonpath "$.access_token"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captures: BTreeMap<String, Expression>,
    /// What has to hold of the answer, in Hurl's words: `jsonpath "$.items" count > 2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asserts: Vec<Assert>,
    /// What a browser loads with this page, in the order of its waterfall. `gate import har` writes
    /// them. They are counted as a step of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<Asset>,
}

/// Something that a page needs, asked for with GET.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// A path of the service, or a whole address.
    pub get: String,
    /// What it waits for: the `get` of an asset that stands before it. Without it, for the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How long after that it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<DurationValue>,
}

/// How long a visitor thinks: a time, or anything between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Think {
    /// At the least.
    pub least: Duration,
    /// At the most.
    pub most: Duration,
}

impl FromStr for Think {
    type Err = String;

    fn from_str(text: &str) -> Result<Think, String> {
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        let time = |part: &str| part.trim().parse::<DurationValue>().map(|time| time.0);
        let (least, most) = (time(least)?, time(most)?);
        if least > most {
            return Err(format!("`{text}` begins with the longer time: write it like 1s..5s"));
        }
        Ok(Think { least, most })
    }
}

impl fmt::Display for Think {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        DurationValue(self.least).fmt(f)?;
        if self.most > self.least {
            write!(f, "..{}", DurationValue(self.most))?;
        }
        Ok(())
    }
}

as_text!(Think, ["2s", "1s..5s"]);

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references over")]
fn is_one(weight: &u32) -> bool {
    *weight == 1
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references over")]
fn is_yes(said: &bool) -> bool {
    *said
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Scenario {
    /// One that is done by everybody, with nothing but its steps.
    pub(crate) fn of(name: impl Into<String>, steps: Vec<Step>) -> Scenario {
        Scenario {
            name: name.into(),
            weight: 1,
            feed: None,
            feed_order: FeedOrder::default(),
            cookies: true,
            steps,
        }
    }

    /// The longest time that a visitor thinks in all.
    pub(crate) fn thinks(&self) -> Duration {
        self.steps.iter().filter_map(|step| step.think).map(|think| think.most).sum()
    }

    pub(super) fn problems(&self, at: usize) -> Vec<Problem> {
        let mut found = Vec::new();
        let place = |name: &str| vec!["scenarios".to_owned(), at.to_string(), name.to_owned()];
        if self.steps.is_empty() {
            let problem = Problem::at(place("steps"), "a visitor of this scenario does nothing");
            found.push(problem.hint("give it a step: request: GET /"));
        }
        if self.weight == 0 {
            let problem = Problem::at(place("weight"), "nobody does this");
            found.push(problem.hint("give it 1 or more, or leave the scenario out"));
        }
        for (number, step) in self.steps.iter().enumerate() {
            let mut place = place("steps");
            place.push(number.to_string());
            found.extend(step.problems(&place));
        }
        found
    }
}

impl Step {
    /// One that asks, and wants nothing of the answer but that it is good.
    pub(crate) fn of(request: Line) -> Step {
        Step {
            name: None,
            think: None,
            request,
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            basic_auth: None,
            form: BTreeMap::new(),
            json: None,
            body: None,
            status: None,
            captures: BTreeMap::new(),
            asserts: Vec::new(),
            assets: Vec::new(),
        }
    }

    /// What it is called.
    pub(crate) fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.request.to_string())
    }

    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts {
            request: &self.request,
            headers: &self.headers,
            query: &self.query,
            basic_auth: self.basic_auth.as_ref(),
            form: &self.form,
            json: self.json.as_ref(),
            body: self.body.as_ref(),
        }
    }

    fn problems(&self, place: &[String]) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut wrong = |name: &str, message: String, hint: &str| {
            let path = place.iter().cloned().chain([name.to_owned()]);
            found.push(Problem::at(path, message).hint(hint));
        };
        let bodies = [
            ("form", !self.form.is_empty()),
            ("json", self.json.is_some()),
            ("body", self.body.is_some()),
        ];
        let given: Vec<&str> =
            bodies.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect();
        if let [first, second, ..] = given[..] {
            let message = format!("the body is given by `{first}` already");
            wrong(second, message, "leave one of the two out");
        }
        if self.status.is_some_and(|status| !(100..=599).contains(&status)) {
            wrong("status", "a status lies between 100 and 599".to_owned(), "such as 200");
        }
        if self.request.to.split_once("://").is_some_and(|(_, rest)| host_of(rest).contains("{{")) {
            let message = "the host of a request has to be known before the run".to_owned();
            wrong("request", message, "write its name, or a path of the service");
        }
        for name in self.captures.keys() {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || !name.chars().all(plain) {
                let message = format!("`{name}` cannot be the name of a variable");
                wrong("captures", message, "use letters, digits, `_` and `-`");
            }
        }
        for (at, asset) in self.assets.iter().enumerate() {
            let is_known =
                |after: &String| self.assets[..at].iter().any(|other| other.get == *after);
            if asset.after.as_ref().is_some_and(|after| !is_known(after)) {
                let message = format!("nothing before `{}` is what it waits for", asset.get);
                wrong("assets", message, "name the `get` of an asset that stands before it");
            }
            if !asset.get.starts_with('/') && !asset.get.contains("://") {
                let message = format!("`{}` is no path and no address", asset.get);
                wrong("assets", message, "a path begins with a slash");
            }
        }
        found
    }
}

/// The host in what stands behind the scheme of an address.
fn host_of(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}
