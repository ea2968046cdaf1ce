//! How synthetic visitors come, and what they do.

use std::collections::BTreeMap;

use gate_core::Json;
use gate_core::values::Template;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::{BeforeLaunch, Settings, StaysAfter, Wrong};

/// What stands for a visitor's number in an id.
pub(crate) const NUMBER: &str = "{n}";

/// By what the site knows a visitor. An id is percent-encoded there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownBy {
    /// A cookie; the one that is called like the unit when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// A request header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// A parameter of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What their ids look like, in turn: `["gate-{n}", "gâte-用户-{n}"]` also sends visitors whose ids
    /// are not all ASCII, as some real ones' are. `{n}` stands for a number that no other visitor has.
    #[serde(default = "usual_ids", skip_serializing_if = "is_usual_ids")]
    pub ids: Vec<String>,
    /// What else the service's rules are told of each of them, as the site tells it: `{ country: DE }`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Json>,
}

fn usual_ids() -> Vec<String> {
    vec![format!("gate-{NUMBER}")]
}

fn is_usual_ids(ids: &Vec<String>) -> bool {
    *ids == usual_ids()
}

/// Something that a visitor does on a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Opens a path of the site: `{ open: /signup }`.
    Open(String),
    /// Clicks on the element: `{ click: "#send" }`.
    Click(String),
    /// Fills fields, by selector: `{ fill: { "#name": Kim, "#password": "${secret:PASSWORD}" } }`.
    Fill(BTreeMap<String, Template>),
    /// Waits until the element is there: `{ wait_for: "#thanks" }`.
    WaitFor(String),
}

impl BeforeLaunch {
    /// Whether anybody visits: where nothing says what to look at nobody need come.
    pub fn is_visited(&self) -> bool {
        self.visitors > 0 && !(self.shows.is_empty() && self.records.is_none())
    }

    /// What is asked for that nothing says how to do, each with the setting that would.
    pub(crate) fn untried(&self) -> Vec<(&'static str, &'static str)> {
        let mut untried = Vec::new();
        if self.stays_after.contains(&StaysAfter::Login) && self.login.is_empty() {
            untried.push((
                "logging in",
                "login: [{ open: /login }, { fill: { \"#name\": kim } }, { click: \"#go\" }]",
            ));
        }
        let converts = self.records.as_ref().is_some_and(|records| records.conversion.is_some());
        if converts && self.converts.is_empty() {
            untried.push(("converting", "converts: [{ click: \"#signup\" }]"));
        }
        untried
    }

    /// By what the site knows a visitor.
    pub fn known_by(&self, unit: &str) -> KnownBy {
        let mut known = self.known_by.clone().unwrap_or_default();
        if known.ids.is_empty() {
            known.ids = usual_ids();
        }
        if known.header.is_none() && known.query.is_none() {
            known.cookie.get_or_insert_with(|| unit.to_owned());
        }
        known
    }

    /// What is wrong with how visitors come.
    pub(super) fn visit_problems(&self, spec: &Settings, wrong: &mut Wrong<'_>) {
        let below = |name: &'static str| ["before_launch", name];
        if let Some(known) = &self.known_by {
            let said = [&known.cookie, &known.header, &known.query];
            if said.iter().filter(|one| one.is_some()).count() > 1 {
                let hint = "name the cookie, the header or the parameter of the address";
                wrong(&below("known_by"), "a visitor is known by one thing", hint);
            }
            if let Some(at) = known.ids.iter().position(|id| id.matches(NUMBER).count() != 1) {
                let at = at.to_string();
                let hint = "write it like gate-{n}";
                wrong(
                    &["before_launch", "known_by", "ids", &at],
                    "each visitor needs another id",
                    hint,
                );
            }
        }
        let paths = [("other_page", &self.other_page)];
        for (name, path) in paths {
            if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
                wrong(&below(name), "a path begins with a slash", "write it like /pricing");
            }
        }
        let opens = |act: &Act| matches!(act, Act::Open(path) if !path.starts_with('/'));
        for (name, acts) in [("converts", &self.converts), ("login", &self.login)] {
            if acts.iter().any(opens) {
                wrong(&below(name), "a path begins with a slash", "write it like open: /signup");
            }
        }
        let stays = |what: StaysAfter| self.stays_after.contains(&what);
        if stays(StaysAfter::Subdomain) && self.other_host.is_none() {
            let hint = "such as other_host: shop.example.com";
            wrong(&below("stays_after"), "nothing says which subdomain", hint);
        }
        let by_cookie = self.known_by(&spec.unit).cookie.is_some();
        if stays(StaysAfter::CookieLoss) && by_cookie && self.login.is_empty() {
            let hint = "say how they log in again (login), or leave cookie_loss out";
            wrong(&below("stays_after"), "without cookies nobody knows such a visitor", hint);
        }
        if !self.stays_after.is_empty() && spec.data.is_none() && self.shows.is_empty() {
            let hint = "such as shows: { control: \"#hero-old\", new_hero: \"#hero-new\" }";
            wrong(&below("shows"), "nothing says how variants are told apart", hint);
        }
    }
}
