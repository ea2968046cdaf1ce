//! What synthetic visitors have seen.

use std::collections::BTreeMap;

use gate_core::Evidence;
use serde::{Deserialize, Serialize};

use crate::settings::StaysAfter;

/// All of them. Times are in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Visits {
    /// The page, without secrets.
    pub page: String,
    /// In the order in which they were dealt their ids.
    pub visitors: Vec<Visitor>,
    /// Hosts of others that beacons were kept from, so that they count no synthetic visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_from: Vec<String>,
    /// Hosts of others that the page has sent something to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<String>,
    /// Selectors that only a browser understands, so that HTML alone says nothing of variants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of_browsers: Vec<String>,
    /// Single visitors, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Evidence>,
}

/// How a visitor comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// In a real browser, with all that it does.
    Browser,
    /// As a request for the page, and what its HTML says.
    Request,
}

/// A visitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    /// The id that nobody else has.
    pub id: String,
    /// How they came.
    pub way: Way,
    /// The arm that they belong in, by the replica; none when they are in none.
    pub predicted: Option<String>,
    /// The arms that SDKs would put them into that hash another encoding of the id, by its name,
    /// where that is another arm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub otherwise: BTreeMap<String, Option<String>>,
    /// Each time that the experiment's page was looked at, in order.
    pub looks: Vec<Look>,
    /// What was reported of them, in order; nothing is known of those who come as a request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Reported>,
    /// Whether they did what converts.
    #[serde(default)]
    pub has_converted: bool,
    /// Why their visit came to an end before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// When a visitor looks at the experiment's page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// For the first time.
    #[default]
    Arrival,
    /// After the page was loaded again.
    Reload,
    /// After another page.
    NewPage,
    /// After the browser was closed and opened again.
    NewSession,
    /// After logging in.
    Login,
    /// On another subdomain.
    Subdomain,
    /// After all cookies were gone.
    CookieLoss,
}

impl From<StaysAfter> for When {
    fn from(stays: StaysAfter) -> When {
        match stays {
            StaysAfter::Reload => When::Reload,
            StaysAfter::NewPage => When::NewPage,
            StaysAfter::NewSession => When::NewSession,
            StaysAfter::Login => When::Login,
            StaysAfter::Subdomain => When::Subdomain,
            StaysAfter::CookieLoss => When::CookieLoss,
        }
    }
}

impl When {
    /// In the words of a sentence.
    pub fn words(self) -> &'static str {
        match self {
            When::Arrival => "on arrival",
            When::Reload => "after the page was loaded again",
            When::NewPage => "after another page",
            When::NewSession => "after the browser was closed and opened again",
            When::Login => "after logging in",
            When::Subdomain => "on the other subdomain",
            When::CookieLoss => "after the cookies were lost",
        }
    }
}

/// What a visitor saw of the experiment's page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub when: When,
    /// The arms whose variant was there.
    pub shown: Vec<String>,
    /// The arm that the site's cookie says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<String>,
    /// Until the first byte of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<u64>,
    /// Until the first text or picture was painted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_paint: Option<u64>,
    /// The variant of another arm that was shown before, and for how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flicker: Option<(String, u64)>,
    /// Where the page led to, when that is another path or another site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led_to: Option<String>,
    /// What says that a cache has answered, or may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
    /// The arms that the same visitor saw right after that where no cache could answer; asked only
    /// where what was shown is not what was predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncached: Option<Vec<String>>,
}

/// What was reported of a visitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    /// After which look this was sent; the last one before it.
    pub after: When,
    /// On which page view, counted from 1 over all pages of the site.
    pub view: u32,
    /// The event.
    pub event: String,
    /// Whether it is an exposure.
    pub is_exposure: bool,
    /// Of whom.
    pub id: Option<String>,
    /// In which arm, by its name in the spec where that is known.
    pub arm: Option<String>,
    /// What it was answered with; none when the browser did not wait for that.
    pub status: Option<u16>,
    /// Whether it was still on its way when the page was left, and its browser gave it up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

impl Reported {
    /// Whether it has reached whoever counts: it was sent whole, and nobody said no.
    pub fn is_received(&self) -> bool {
        !self.is_cut && !self.is_refused()
    }

    /// Whether somebody said no.
    pub fn is_refused(&self) -> bool {
        self.status.is_some_and(|status| status >= 400)
    }
}
