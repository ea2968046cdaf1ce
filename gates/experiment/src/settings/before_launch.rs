//! What is tried before real visitors come.

use std::collections::BTreeMap;

use gate_core::values::Percent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Act, KnownBy, Settings, Wrong, names};

/// The most synthetic visitors, and the most of them in browsers.
pub(crate) const MOST_VISITORS: u32 = 100_000;
pub(crate) const MOST_BROWSERS: u32 = 1_000;

/// Synthetic visitors, and ids that are put into arms without anybody visiting. Visitors come as long as
/// there are no data of real ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BeforeLaunch {
    /// The page that the experiment is on.
    #[serde(default = "default::page")]
    pub page: String,
    /// How many synthetic visitors come; 300 without a mismatch bound its rate below 1%.
    #[serde(default = "default::visitors")]
    pub visitors: u32,
    /// How many of them come in a real browser; all, when there are no more.
    #[serde(default = "default::browsers")]
    pub browsers: u32,
    /// What shows which variant was rendered: for each arm a CSS selector that its page has and no
    /// other arm's does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shows: BTreeMap<String, String>,
    /// By what the site knows a visitor: a cookie called like the unit, unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The cookie in which the site keeps the arm of a visitor, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm_cookie: Option<String>,
    /// After what a visitor has to be in the same arm as before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays_after: Vec<StaysAfter>,
    /// Another page of the site, for `new_page`; the home page unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_page: Option<String>,
    /// Another host of the site, for `subdomain`: `shop.example.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_host: Option<String>,
    /// How a visitor logs in, for `login` and `cookie_loss`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub login: Vec<Act>,
    /// What a visitor does to convert, beginning on the experiment's page: `[{ click: "#signup" }]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub converts: Vec<Act>,
    /// What has to be recorded of each visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Records>,
    /// How events look on the wire: a profile, or `{ profile: generic, event: name, unit: uid, arm: v }`.
    #[serde(default)]
    pub beacons: Beacons,
    /// Ids to put into arms without a visit: a file of the team's own (`ids.csv`), or so many made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Ids>,
    /// The shares of visitors that take part, from launch on: `[5%, 50%, 100%]`. Nobody may change arm
    /// from one to the next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ramp_up: Vec<Percent>,
}

mod default {
    pub(super) fn page() -> String {
        "/".to_owned()
    }
    pub(super) fn visitors() -> u32 {
        300
    }
    pub(super) fn browsers() -> u32 {
        12
    }
    pub(super) fn generated() -> u64 {
        100_000
    }
}

/// After what a visitor has to be in the same arm.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StaysAfter {
    /// The page is loaded again.
    Reload,
    /// Another page of the site is opened.
    NewPage,
    /// The browser is closed and opened again, with its cookies.
    NewSession,
    /// The visitor logs in.
    Login,
    /// The site is opened on another of its subdomains.
    Subdomain,
    /// The cookies are gone, and the visitor is known by something else.
    CookieLoss,
}

/// What is recorded of each visitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// How often an exposure is: `once` on a page view, and at least on one of them; or
    /// `at_least_once`, where it does not matter.
    #[serde(default)]
    pub exposure: Times,
    /// The conversion that a visitor's visit ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
}

/// How often something is recorded of a visitor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// At least once in all, and on no page view more than once. Of real visitors, who come back, half as
    /// many again may be recorded; with more than that rows are counted twice.
    #[default]
    Once,
    /// Once or more often.
    AtLeastOnce,
}

/// A conversion, and how often one visitor has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// The event.
    pub event: String,
    /// How often it is recorded of somebody who converts.
    #[serde(default = "one")]
    pub times: u32,
}

fn one() -> u32 {
    1
}

/// How events look on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Beacons {
    /// Whose beacons they are.
    #[serde(default)]
    pub profile: Profile,
    /// The path that they are sent to, where it is the site's own: `/events`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The field that says what happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The field that says who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The field that says which arm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// The event that is an exposure; that of the profile unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<String>,
}

/// Whose beacons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// One's own: JSON or form fields that the other settings name.
    #[default]
    Generic,
    /// Google Analytics 4.
    Ga4,
    /// Segment.
    Segment,
    /// GrowthBook's own tracking.
    Growthbook,
    /// PostHog.
    Posthog,
}

/// Ids that are put into arms without anybody visiting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ids {
    /// A file of the team's own ids, relative to the spec: a line each, or CSV with a heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The column of ids in a CSV; the unit unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Columns of the file that are attributes for targeting, and segments to look at each by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<String>,
    /// How many are made up where there is no file.
    #[serde(default = "default::generated")]
    pub generated: u64,
}

impl Default for Ids {
    fn default() -> Ids {
        Ids { file: None, column: None, segments: Vec::new(), generated: default::generated() }
    }
}

impl BeforeLaunch {
    /// What is wrong with it.
    pub(super) fn problems(&self, spec: &Settings, wrong: &mut Wrong<'_>) {
        let below = |name: &'static str| ["before_launch", name];
        if !self.page.starts_with('/') {
            wrong(&below("page"), "a path begins with a slash", "write it like /offers");
        }
        if self.visitors > MOST_VISITORS {
            wrong(&below("visitors"), "these are too many", "300 bound a rate of errors below 1%");
        }
        if self.browsers > MOST_BROWSERS {
            wrong(&below("browsers"), "these are too many", "a dozen see what there is to see");
        }
        for arm in self.shows.keys().filter(|arm| !spec.split.contains_key(*arm)) {
            let hint = names::suggest(arm, spec.split.keys());
            wrong(&["before_launch", "shows", arm], &format!("there is no arm `{arm}`"), &hint);
        }
        let shown = |arm: &String| self.shows.contains_key(arm);
        if let Some(arm) = spec.split.keys().find(|arm| !shown(arm))
            && !self.shows.is_empty()
        {
            let hint = format!("add {arm}: with a selector that only its page has");
            wrong(&below("shows"), &format!("nothing shows the arm `{arm}`"), &hint);
        }
        for (name, selector) in &self.shows {
            let twice = self.shows.values().filter(|other| *other == selector).count() > 1;
            if selector.trim().is_empty() || twice {
                let hint = "give each arm a selector that only its page has";
                wrong(&["before_launch", "shows", name], "this tells no arm from another", hint);
            }
        }
        if let Some(conversion) = self.records.as_ref().and_then(|one| one.conversion.as_ref())
            && (conversion.times == 0 || conversion.event.trim().is_empty())
        {
            let hint = "such as { event: signup, times: 1 }";
            wrong(&["before_launch", "records", "conversion"], "nothing is recorded", hint);
        }
        self.visit_problems(spec, wrong);
        let rises = self.ramp_up.windows(2).all(|pair| pair[0] < pair[1]);
        if !rises || self.ramp_up.first().is_some_and(|first| first.fraction() <= 0.0) {
            wrong(&below("ramp_up"), "the shares do not rise", "such as [5%, 50%, 100%]");
        }
        if let Some(ids) = &self.ids
            && ids.file.is_none()
            && (ids.column.is_some() || !ids.segments.is_empty())
        {
            wrong(&below("ids"), "ids that are made up have no columns", "name a file");
        }
    }
}
