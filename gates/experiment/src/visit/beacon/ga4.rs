//! Google Analytics 4: `/g/collect` with parameters in the address and one event in each line of the
//! body, and the measurement protocol's JSON.
//!
//! `en` is the event, `uid` or `cid` the visitor, `ep.NAME` (text) and `epn.NAME` (number) its
//! parameters. GrowthBook and others name these `experiment_id` and `variation_id`.

use serde_json::Value;

use super::fields::{Named, find, form, value};
use super::{Carried, Event, Reads};

/// See the module.
pub(super) struct Ga4(pub(super) Named);

impl Reads for Ga4 {
    fn is_for(&self, path: &str) -> bool {
        path.ends_with("/g/collect") || path.ends_with("/mp/collect")
    }

    fn events(&self, carried: &Carried<'_>) -> Vec<Event> {
        if carried.path.ends_with("/mp/collect") {
            return self.of_protocol(carried.body);
        }
        let lines = carried.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let mut bodies: Vec<Vec<(String, String)>> = lines.map(form).collect();
        if bodies.is_empty() {
            bodies.push(Vec::new());
        }
        let of = |own: Vec<(String, String)>| {
            // What a line says counts for it alone, and goes before what all have in common.
            let all: Vec<_> = own.into_iter().chain(carried.query.iter().cloned()).collect();
            self.event(&all)
        };
        bodies.into_iter().filter_map(of).collect()
    }
}

impl Ga4 {
    fn event(&self, pairs: &[(String, String)]) -> Option<Event> {
        let parameter = |name: &str| {
            let kinds = [format!("ep.{name}"), format!("epn.{name}"), name.to_owned()];
            kinds.iter().find_map(|name| value(pairs, name))
        };
        let Named { event, unit, arm } = &self.0;
        let id = || value(pairs, "uid").or_else(|| value(pairs, "cid"));
        Some(Event {
            name: value(pairs, event.as_deref().unwrap_or("en"))?,
            id: unit.as_deref().map_or_else(id, |unit| {
                // A property of the user has a prefix of its own.
                value(pairs, &format!("up.{unit}")).or_else(|| parameter(unit))
            }),
            arm: parameter(arm.as_deref().unwrap_or("variation_id")),
            experiment: parameter("experiment_id"),
        })
    }

    fn of_protocol(&self, body: &[u8]) -> Vec<Event> {
        let Ok(whole) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
        let Named { unit, arm, .. } = &self.0;
        let id = match unit {
            Some(unit) => find(&whole, [unit.as_str()]),
            None => find(&whole, ["user_id", "client_id"]),
        };
        let events = whole["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        let event = |one: &Value| {
            Some(Event {
                name: find(one, ["name"])?,
                id: id.clone(),
                arm: find(&one["params"], [arm.as_deref().unwrap_or("variation_id")]),
                experiment: find(&one["params"], ["experiment_id"]),
            })
        };
        events.iter().filter_map(event).collect()
    }
}
