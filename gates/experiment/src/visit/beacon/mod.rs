//! What a page reports of its visitor, as it stands in the requests that carry it.
//!
//! Services differ in where they put the event, the id and the arm. A profile knows that of one of
//! them; the settings may name other fields.

mod fields;
mod ga4;
mod generic;
mod growthbook;
mod posthog;
mod segment;
#[cfg(test)]
mod tests;

use recorder::Request;
use url::Url;

use crate::settings::{Beacons, Profile};

/// Something that was reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// What happened.
    pub(crate) name: String,
    /// Of whom.
    pub(crate) id: Option<String>,
    /// In which arm, by the name that the page uses.
    pub(crate) arm: Option<String>,
    /// Of which experiment.
    pub(crate) experiment: Option<String>,
}

/// What a request carries: where it goes, what it says in its address and in its body.
struct Carried<'r> {
    path: &'r str,
    query: Vec<(String, String)>,
    body: &'r [u8],
}

/// How one service's beacons are read.
trait Reads {
    /// Whether a request to this path may carry some.
    fn is_for(&self, path: &str) -> bool;
    /// What it carries.
    fn events(&self, carried: &Carried<'_>) -> Vec<Event>;
}

/// Reads beacons as the settings say.
pub(crate) struct Reader {
    reads: Box<dyn Reads + Send + Sync>,
    path: Option<String>,
    /// Whether nothing says where one's own beacons go, so that any request may be one.
    is_anywhere: bool,
    exposure: String,
}

impl Reader {
    pub(crate) fn new(beacons: &Beacons) -> Reader {
        let named = fields::Named {
            event: beacons.event.clone(),
            unit: beacons.unit.clone(),
            arm: beacons.arm.clone(),
        };
        let (reads, exposure): (Box<dyn Reads + Send + Sync>, &str) = match beacons.profile {
            Profile::Generic => (Box::new(generic::Generic(named)), "exposure"),
            Profile::Ga4 => (Box::new(ga4::Ga4(named)), "experiment_viewed"),
            Profile::Segment => (Box::new(segment::Segment(named)), "Experiment Viewed"),
            Profile::Growthbook => (Box::new(growthbook::GrowthBook(named)), "Experiment Viewed"),
            Profile::Posthog => (Box::new(posthog::PostHog(named)), "$feature_flag_called"),
        };
        let exposure = beacons.exposure.as_deref().unwrap_or(exposure).to_owned();
        let is_anywhere = beacons.path.is_none() && beacons.profile == Profile::Generic;
        Reader { reads, path: beacons.path.clone(), is_anywhere, exposure }
    }

    /// The event that is an exposure.
    pub(crate) fn exposure(&self) -> &str {
        &self.exposure
    }

    /// Whether a request to a host of others is certainly a beacon, which is kept from it.
    pub(crate) fn keeps(&self, url: &Url) -> bool {
        !self.is_anywhere && self.is_beacon(url)
    }

    /// Whether a request goes to where beacons go.
    fn is_beacon(&self, url: &Url) -> bool {
        match &self.path {
            Some(path) => url.path() == path,
            None => self.reads.is_for(url.path()),
        }
    }

    /// What a request reports; nothing of one that is none.
    pub(crate) fn events(&self, request: &Request) -> Vec<Event> {
        let Ok(url) = Url::parse(&request.url) else { return Vec::new() };
        if !self.is_beacon(&url) || request.method == "OPTIONS" {
            return Vec::new();
        }
        let body = request.body.bytes().map(AsRef::as_ref).unwrap_or_default();
        let query = url.query_pairs().map(|(name, value)| (name.into(), value.into())).collect();
        let unzipped = fields::unzipped(body);
        let carried =
            Carried { path: url.path(), query, body: unzipped.as_deref().unwrap_or(body) };
        self.reads.events(&carried)
    }
}
