//! GrowthBook's own tracking: `/track?client_key=...` with a list of events, each with `event_name`,
//! `properties_json` and who it is of. An exposure says in its properties by which value of which
//! attribute the visitor was put into the arm, which is the id that counts.

use serde_json::Value;

use super::fields::{Named, find, objects};
use super::{Carried, Event, Reads};

/// See the module.
pub(super) struct GrowthBook(pub(super) Named);

impl Reads for GrowthBook {
    fn is_for(&self, path: &str) -> bool {
        path.ends_with("/track")
    }

    fn events(&self, carried: &Carried<'_>) -> Vec<Event> {
        objects(carried.body, "events").iter().filter_map(|one| self.event(one)).collect()
    }
}

impl GrowthBook {
    fn event(&self, one: &Value) -> Option<Event> {
        let Named { event, unit, arm } = &self.0;
        // Older ones send it as a text.
        let parsed =
            one["properties_json"].as_str().and_then(|text| serde_json::from_str(text).ok());
        let properties = parsed.as_ref().unwrap_or(&one["properties_json"]);
        Some(Event {
            name: find(one, [event.as_deref().unwrap_or("event_name")])?,
            id: match unit {
                Some(unit) => {
                    find(one, [unit.as_str()]).or_else(|| find(properties, [unit.as_str()]))
                }
                None => {
                    find(properties, ["hashValue"]).or_else(|| find(one, ["user_id", "device_id"]))
                }
            },
            arm: find(properties, [arm.as_deref().unwrap_or("variationId")]),
            experiment: find(properties, ["experimentId"]),
        })
    }
}
