//! One or two real browsers that open the page again and again while the load runs.
//!
//! What a visitor sees is not what a request takes: a browser lays the page out, runs its scripts
//! and loads all that belongs to it. So while the engine sends, browsers sample largest contentful
//! paint and cumulative layout shift, as the browser itself measures them, each time with nothing
//! kept of the time before. They are few; what they say is decided by bounds like all else.

mod charts;
mod crew;
mod decide;
mod document;
mod pages;
#[cfg(test)]
mod tests;
mod words;

use gate_core::Evidence;
use serde::{Deserialize, Serialize};

pub(crate) use charts::shown;
pub(crate) use crew::{Crew, Window};
pub(crate) use decide::{decide, samples};
pub(crate) use document::document;
pub(crate) use pages::{Page, Version, of_environments, pages, problems, visit};
pub(crate) use words::{check, cost};

use crate::threshold::Metric;

/// What browsers have seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// How many browsers there were.
    pub(crate) count: u64,
    /// The page of each version.
    pub(crate) pages: Vec<String>,
    /// Whether they ran on this machine, beside the generator.
    pub(crate) is_here: bool,
    /// Each time that a page was loaded, in the order in which that began.
    pub(crate) loads: Vec<Load>,
    /// Hosts of others that the page of the first version asked, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) others: Vec<String>,
    /// Why there were fewer of them than there should be, for reasons that are not the page's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trouble: Option<Trouble>,
    /// Charts for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) charts: Vec<Evidence>,
}

/// Why a browser could not look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    /// In words.
    pub(crate) why: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

/// A page that was loaded once. Times are in microseconds since it was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Which version, from 0.
    pub(crate) version: usize,
    /// When that began, in seconds since the start of what is counted.
    pub(crate) at: f64,
    /// For how many times that it should have begun this stands: more than 1 where it took so long
    /// that the next ones could not. They would have found the service as it was.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(crate) times: u64,
    pub(crate) first_byte: Option<u64>,
    pub(crate) first_paint: Option<u64>,
    pub(crate) largest_paint: Option<u64>,
    pub(crate) loaded: Option<u64>,
    pub(crate) layout_shift: Option<f64>,
    /// What its processes had of the processors of this machine; none where nobody tells.
    pub(crate) ran: Option<u64>,
    /// How long their threads, all together, waited for one.
    pub(crate) waited: Option<u64>,
    /// Whether it was still changing when the browser stopped to look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_restless: bool,
    /// Why there is no page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<String>,
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_one(times: &u64) -> bool {
    *times == one()
}

impl Load {
    /// One of which nothing is known yet.
    pub(crate) fn begun(version: usize, at: f64) -> Load {
        Load {
            version,
            at,
            times: one(),
            first_byte: None,
            first_paint: None,
            largest_paint: None,
            loaded: None,
            layout_shift: None,
            ran: None,
            waited: None,
            is_restless: false,
            failed: None,
        }
    }

    /// What was measured of it; none when there is no page, or it has nothing of the kind.
    pub(crate) fn value(&self, metric: Metric) -> Option<f64> {
        let time = |time: Option<u64>| time.map(|time| time as f64);
        let value = match metric {
            Metric::LargestPaint => time(self.largest_paint),
            Metric::FirstPaint => time(self.first_paint),
            Metric::PageFirstByte => time(self.first_byte),
            Metric::LayoutShift => self.layout_shift,
            _ => None,
        };
        value.filter(|_| self.failed.is_none())
    }
}

impl Watched {
    /// The loads of a version.
    pub(crate) fn of(&self, version: usize) -> impl Iterator<Item = &Load> {
        self.loads.iter().filter(move |load| load.version == version)
    }

    /// The values of a version in ascending order, each as often as it stands for.
    pub(crate) fn sorted(&self, version: usize, metric: Metric) -> Vec<f64> {
        let values = self.of(version).filter_map(|load| Some((load.value(metric)?, load.times)));
        let mut values: Vec<f64> =
            values.flat_map(|(value, times)| std::iter::repeat_n(value, times as usize)).collect();
        values.sort_by(f64::total_cmp);
        values
    }
}

/// The smallest value that this share of all does not exceed; values in ascending order.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}
