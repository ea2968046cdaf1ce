//! One's own beacons: a JSON object, a list of them, a form, or parameters of the address.

use serde_json::{Map, Value};

use super::fields::{Named, find, form, objects};
use super::{Carried, Event, Reads};

/// See the module.
pub(super) struct Generic(pub(super) Named);

impl Reads for Generic {
    fn is_for(&self, _: &str) -> bool {
        true
    }

    fn events(&self, carried: &Carried<'_>) -> Vec<Event> {
        let mut all = objects(carried.body, "events");
        if all.is_empty() {
            let pairs = form(carried.body).into_iter().chain(carried.query.iter().cloned());
            let object: Map<String, Value> =
                pairs.map(|(name, value)| (name, Value::String(value))).collect();
            all.push(Value::Object(object));
        }
        all.iter().filter_map(|one| self.event(one)).collect()
    }
}

impl Generic {
    fn event(&self, object: &Value) -> Option<Event> {
        let Named { event, unit, arm } = &self.0;
        Some(Event {
            name: find(object, [event.as_deref().unwrap_or("event")])?,
            id: find(object, [unit.as_deref().unwrap_or("user_id")]),
            arm: find(object, [arm.as_deref().unwrap_or("arm")]),
            experiment: find(object, ["experiment"]),
        })
    }
}
