//! How many browsers a Selenium Grid offers at the same time.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::{
    Error,
    remote::{normalise, shown},
    wire::{Fault, Wire},
};

/// How many sessions a Grid can have open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// All that can run this browser.
    pub total: usize,
    /// Those that are not in use.
    pub free: usize,
}

/// Asks a remote endpoint how many sessions it offers for Chromium: Grid 4 at `/status`, Grid 3 at
/// `/grid/api/hub`. `None` when it does not say, as a driver on its own does not.
///
/// # Errors
///
/// [`Error::Remote`] when nothing answers there within `limit`.
pub async fn slots(address: &str, limit: Duration) -> Result<Option<Slots>, Error> {
    let endpoint = normalise(address)?;
    let failed = |fault: Fault| Error::Remote {
        reason: format!("{}: {fault}", shown(address)),
        hint: "is a WebDriver endpoint listening there?".to_owned(),
    };
    let status = Wire::look(&endpoint, "status", limit).await;
    if let Some(slots) = status.as_ref().ok().and_then(in_status) {
        return Ok(Some(slots));
    }
    match Wire::look(&hub_of(&endpoint), "grid/api/hub", limit).await {
        Ok(hub) => Ok(in_hub(&hub)),
        // A driver of its own answers the first question and has nothing at the second place.
        Err(_) if status.is_ok() => Ok(None),
        Err(Fault::Answer(..)) => Ok(None),
        Err(fault) => Err(failed(fault)),
    }
}

/// Grid 3 keeps its own interface beside that of the protocol.
fn hub_of(endpoint: &Url) -> Url {
    let mut hub = endpoint.clone();
    if let Some(base) = endpoint.path().strip_suffix("wd/hub/") {
        hub.set_path(base);
    }
    hub
}

/// Grid 4: nodes with slots; the sessions of a node may be limited further.
fn in_status(status: &Value) -> Option<Slots> {
    let nodes = status["nodes"].as_array()?;
    let mut all = Slots { total: 0, free: 0 };
    for node in nodes.iter().filter(|node| node["availability"] == "UP") {
        let slots: Vec<&Value> =
            node["slots"].as_array()?.iter().filter(|slot| takes_chromium(slot)).collect();
        let busy = slots.iter().filter(|slot| !slot["session"].is_null()).count();
        let most = node["maxSessions"].as_u64().map_or(slots.len(), |most| most as usize);
        let total = slots.len().min(most);
        all.total += total;
        all.free += total.saturating_sub(busy);
    }
    Some(all)
}

fn takes_chromium(slot: &Value) -> bool {
    matches!(slot["stereotype"]["browserName"].as_str(), Some("chrome" | "chromium") | None)
}

/// Grid 3: one count for all browsers.
fn in_hub(hub: &Value) -> Option<Slots> {
    let count = |name: &str| hub["slotCounts"][name].as_u64().map(|count| count as usize);
    Some(Slots { total: count("total")?, free: count("free")? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check_status(status: Value, expect: Option<(usize, usize)>) {
        assert_eq!(in_status(&status), expect.map(|(total, free)| Slots { total, free }));
    }

    #[test]
    fn slots_of_grid_4() {
        let slot = |browser: &str, session: Value| json!({ "stereotype": { "browserName": browser }, "session": session });
        let node = |up: &str, most: u32, slots: Vec<Value>| json!({ "availability": up, "maxSessions": most, "slots": slots });
        let busy = || json!({ "sessionId": "a" });
        let nodes = json!({ "ready": true, "nodes": [
            node("UP", 2, vec![
                slot("chrome", Value::Null),
                slot("chrome", busy()),
                slot("chrome", Value::Null),
                slot("firefox", Value::Null),
            ]),
            node("DOWN", 9, vec![slot("chrome", Value::Null)]),
            node("UP", 1, vec![slot("chrome", Value::Null)]),
        ]});
        check_status(nodes, Some((3, 2)));
        check_status(json!({ "ready": false, "nodes": [] }), Some((0, 0)));
        check_status(json!({ "ready": true, "message": "Hub has capacity" }), None);
        check_status(json!(null), None);
    }

    #[test]
    fn slots_of_grid_3() {
        let hub = json!({ "success": true, "slotCounts": { "free": 3, "total": 4 } });
        assert_eq!(in_hub(&hub), Some(Slots { total: 4, free: 3 }));
        assert_eq!(in_hub(&json!({ "success": false })), None);
    }

    #[test]
    fn where_a_hub_tells() {
        for (endpoint, hub) in
            [("http://h:4444/wd/hub/", "http://h:4444/"), ("http://h/x/", "http://h/x/")]
        {
            assert_eq!(hub_of(&Url::parse(endpoint).unwrap()).as_str(), hub);
        }
    }
}
