//! What a page asks for, as the browser tells it while it happens.

use std::collections::BTreeMap;

use serde_json::Value;

/// How many requests are kept; a page that asks for more is no page that anybody replays.
const MOST: usize = 5000;

/// A request of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requested {
    /// Method.
    pub method: String,
    /// Its whole address, which may hold a secret.
    pub url: String,
    /// What it was for, as the browser calls it, in lower case: `document`, `stylesheet`, `image`.
    pub kind: String,
    /// The address of what asked for it; none for the page itself, and where that is not known.
    pub initiator: Option<String>,
    /// The status of its answer; 0 without one.
    pub status: u16,
    /// The media type of its answer.
    pub media_type: String,
    /// When it was sent, in seconds since 1970.
    pub begun: f64,
    /// How long it took to its last byte, in seconds; none when that never came.
    pub took: Option<f64>,
    /// When it was sent, on the browser's own clock.
    clock: f64,
}

/// The requests so far.
#[derive(Debug, Default)]
pub(super) struct Trace {
    all: Vec<Requested>,
    /// Where those are that are under way.
    open: BTreeMap<String, usize>,
}

impl Trace {
    pub(super) fn end(self) -> Vec<Requested> {
        self.all
    }

    pub(super) fn note(&mut self, method: &str, params: &Value) {
        let id = params["requestId"].as_str().unwrap_or_default();
        let clock = params["timestamp"].as_f64().unwrap_or(0.0);
        match method {
            "Network.requestWillBeSent" => {
                // An answer that leads elsewhere ends one request and begins another of its name.
                if let Some(redirect) = params.get("redirectResponse") {
                    self.answered(id, redirect);
                    self.ended(id, Some(clock));
                }
                self.begin(id, clock, params);
            }
            "Network.responseReceived" => self.answered(id, &params["response"]),
            "Network.loadingFinished" => self.ended(id, Some(clock)),
            "Network.loadingFailed" => self.ended(id, None),
            _ => {}
        }
    }

    fn begin(&mut self, id: &str, clock: f64, params: &Value) {
        if self.all.len() >= MOST {
            return;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.open.insert(id.to_owned(), self.all.len());
        self.all.push(Requested {
            method: text(&params["request"]["method"]),
            url: text(&params["request"]["url"]),
            kind: text(&params["type"]).to_ascii_lowercase(),
            initiator: initiator(&params["initiator"]),
            begun: params["wallTime"].as_f64().unwrap_or(0.0),
            clock,
            ..Requested::default()
        });
    }

    fn answered(&mut self, id: &str, response: &Value) {
        if let Some(one) = self.open.get(id).and_then(|at| self.all.get_mut(*at)) {
            one.status = response["status"].as_u64().unwrap_or(0) as u16;
            response["mimeType"].as_str().unwrap_or_default().clone_into(&mut one.media_type);
        }
    }

    fn ended(&mut self, id: &str, clock: Option<f64>) {
        if let Some(one) = self.open.remove(id).and_then(|at| self.all.get_mut(at)) {
            one.took = clock.map(|clock| (clock - one.clock).max(0.0));
        }
    }
}

/// The document or the script that asked for something.
fn initiator(told: &Value) -> Option<String> {
    let frame = |stack: &Value| stack["callFrames"][0]["url"].as_str().map(str::to_owned);
    let stack = &told["stack"];
    let by_script = || frame(stack).or_else(|| frame(&stack["parent"]));
    let found = told["url"].as_str().map(str::to_owned).or_else(by_script);
    found.filter(|url| !url.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_are_told_from_beginning_to_end() {
        let mut trace = Trace::default();
        let sent = |id: &str, url: &str, at: f64| {
            json!({
                "requestId": id, "timestamp": at, "wallTime": 1000.0 + at, "type": "Image",
                "request": { "method": "GET", "url": url },
                "initiator": { "stack": { "callFrames": [], "parent": { "callFrames": [{ "url": "/x.js" }] } } },
            })
        };
        trace.note("Network.requestWillBeSent", &sent("1", "/a", 5.0));
        let mut moved = sent("1", "/b", 5.2);
        moved["redirectResponse"] = json!({ "status": 302, "mimeType": "text/html" });
        trace.note("Network.requestWillBeSent", &moved);
        trace.note("Network.requestWillBeSent", &sent("2", "/c", 5.25));
        let answer =
            json!({ "requestId": "1", "response": { "status": 200, "mimeType": "image/webp" } });
        trace.note("Network.responseReceived", &answer);
        trace.note("Network.loadingFinished", &json!({ "requestId": "1", "timestamp": 5.5 }));
        trace.note("Network.loadingFailed", &json!({ "requestId": "2", "timestamp": 5.6 }));
        trace.note("Network.loadingFinished", &json!({ "requestId": "9", "timestamp": 5.6 }));
        let told: Vec<_> = trace
            .end()
            .into_iter()
            .map(|one| (one.url, one.status, one.took.map(|took| (took * 1e3).round() as u64)))
            .collect();
        let expect = [("/a", 302, Some(200)), ("/b", 200, Some(300)), ("/c", 0, None)];
        assert_eq!(told, expect.map(|(url, status, took)| (url.to_owned(), status, took)));
    }

    #[test]
    fn who_asked_is_told_where_it_is_known() {
        let check = |told: Value, expect: Option<&str>| {
            assert_eq!(initiator(&told).as_deref(), expect, "{told}");
        };
        check(json!({ "type": "parser", "url": "http://a/" }), Some("http://a/"));
        check(
            json!({ "type": "script", "stack": { "callFrames": [{ "url": "http://a/x.js" }] } }),
            Some("http://a/x.js"),
        );
        check(json!({ "type": "script", "stack": { "callFrames": [{ "url": "" }] } }), None);
        check(json!({ "type": "other" }), None);
    }
}
