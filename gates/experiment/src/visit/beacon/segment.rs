//! Segment: `/v1/t`, `/v1/p`, `/v1/i` from scripts, `/v1/track` and its like from servers, `/v1/b` and
//! `/v1/batch` with several. `Experiment Viewed` has `experiment_id` and `variation_id` by Segment's
//! own specification of experiments, and `variation_name`.

use serde_json::Value;

use super::fields::{Named, find, objects};
use super::{Carried, Event, Reads};

/// See the module.
pub(super) struct Segment(pub(super) Named);

const PATHS: [&str; 9] = ["t", "p", "i", "s", "b", "track", "page", "identify", "batch"];

impl Reads for Segment {
    fn is_for(&self, path: &str) -> bool {
        path.rsplit_once("/v1/").is_some_and(|(_, last)| PATHS.contains(&last))
    }

    fn events(&self, carried: &Carried<'_>) -> Vec<Event> {
        objects(carried.body, "batch").iter().filter_map(|one| self.event(one)).collect()
    }
}

impl Segment {
    fn event(&self, one: &Value) -> Option<Event> {
        let Named { event, unit, arm } = &self.0;
        let properties = &one["properties"];
        // What is said of a page or of who somebody is has no event of its own.
        let name =
            find(one, [event.as_deref().unwrap_or("event")]).or_else(|| find(one, ["type"]))?;
        Some(Event {
            name,
            id: match unit {
                Some(unit) => {
                    find(one, [unit.as_str()]).or_else(|| find(properties, [unit.as_str()]))
                }
                None => find(one, ["userId", "anonymousId"]),
            },
            arm: match arm {
                Some(arm) => find(properties, [arm.as_str()]).or_else(|| find(one, [arm.as_str()])),
                None => find(properties, ["variation_id", "variationId", "variation_name"]),
            },
            experiment: find(properties, ["experiment_id", "experimentId", "experiment_name"]),
        })
    }
}
