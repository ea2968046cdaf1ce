//! PostHog: `/e/`, `/i/v0/e/`, `/capture/` and `/batch/`, with JSON, JSON that is gzip, or a form whose
//! `data` is JSON or that in base64. `$feature_flag_called` is its exposure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::fields::{Named, find, form, objects, value};
use super::{Carried, Event, Reads};

/// See the module.
pub(super) struct PostHog(pub(super) Named);

const PATHS: [&str; 5] = ["/e", "/i/v0/e", "/capture", "/batch", "/track"];

impl Reads for PostHog {
    fn is_for(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        PATHS.iter().any(|known| path.ends_with(known))
    }

    fn events(&self, carried: &Carried<'_>) -> Vec<Event> {
        let mut all = objects(carried.body, "batch");
        if all.is_empty() {
            let data = value(&form(carried.body), "data").or_else(|| value(&carried.query, "data"));
            let data = data.unwrap_or_default();
            let plain = STANDARD.decode(&data).unwrap_or_else(|_| data.into_bytes());
            all = objects(&plain, "batch");
        }
        all.iter().filter_map(|one| self.event(one)).collect()
    }
}

impl PostHog {
    fn event(&self, one: &Value) -> Option<Event> {
        let Named { event, unit, arm } = &self.0;
        let properties = &one["properties"];
        let response = properties.get("$feature_flag_response");
        // Of those who take no part it is reported as well, with no arm.
        if response.is_some_and(|response| response.is_null() || *response == Value::Bool(false)) {
            return None;
        }
        Some(Event {
            name: find(one, [event.as_deref().unwrap_or("event")])?,
            id: match unit {
                Some(unit) => {
                    find(properties, [unit.as_str()]).or_else(|| find(one, [unit.as_str()]))
                }
                None => find(properties, ["distinct_id"]).or_else(|| find(one, ["distinct_id"])),
            },
            arm: match arm {
                Some(arm) => find(properties, [arm.as_str()]),
                None => find(properties, ["$feature_flag_response"]),
            },
            experiment: find(properties, ["$feature_flag"]),
        })
    }
}
