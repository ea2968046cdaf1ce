//! A window with a page: what it is told, and what it tells.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;
use url::Url;

use super::{LOOK, SETTING};
use crate::{
    chromium::{Socket, Told},
    wire::Fault,
};

/// What Chromium would say of a script whose page has gone.
const MOVED_ON: &str = "context was destroyed";

/// The window with the page.
pub(super) struct Window {
    pub(super) socket: Socket,
    /// Its main frame.
    pub(super) frame: String,
}

impl Window {
    pub(super) async fn of(socket: Socket) -> Result<Self, Fault> {
        for method in ["Page.enable", "Network.enable"] {
            socket.call(method, &json!({}), SETTING).await?;
        }
        let tree = socket.call("Page.getResourceTree", &json!({}), SETTING).await?;
        let frame = tree["frameTree"]["frame"]["id"].as_str().unwrap_or_default().to_owned();
        Ok(Self { socket, frame })
    }

    /// Waits until the window has this size. Whoever waits has a deadline.
    pub(super) async fn has_size(&self, width: &Value, height: &Value) -> Result<(), Fault> {
        let ask = json!({ "expression": "[innerWidth, innerHeight]", "returnByValue": true });
        loop {
            let answer = self.socket.call("Runtime.evaluate", &ask, SETTING).await?;
            if answer["result"]["value"] == json!([width, height]) {
                return Ok(());
            }
            sleep(LOOK).await;
        }
    }

    pub(super) async fn load(&self, url: &str) -> Result<(), Fault> {
        let mut told = self.socket.told().subscribe();
        let before = told.borrow().webkit.loads;
        self.socket.told().send_modify(|told| told.webkit.visits.clear());
        self.tell("Page.navigate", json!({ "url": url })).await?;
        let failed = |told: &Told| {
            told.webkit.visits.get(&self.frame).and_then(|visit| visit.failed.clone())
        };
        let done = |told: &Told| {
            told.lost.is_some() || told.webkit.loads > before || failed(told).is_some()
        };
        let closed = || Fault::Lost("the browser closed the connection".to_owned());
        let told = told.wait_for(done).await.map_err(|_| closed())?;
        if let Some(reason) = &told.lost {
            return Err(Fault::Lost(reason.clone()));
        }
        match failed(&told) {
            Some(reason) => match network_error(&reason) {
                // A download, or an answer without a page: what is shown will tell.
                "" => Ok(()),
                known => Err(Fault::Answer("navigation".to_owned(), known.to_owned())),
            },
            None => Ok(()),
        }
    }

    pub(super) async fn evaluate(&self, params: &Value, limit: Duration) -> Result<Value, Fault> {
        let expression = params["expression"].as_str().unwrap_or_default();
        let ask = json!({
            // A value of any shape, as the text that it is sent as anyway.
            "expression": format!("(async () => JSON.stringify(await ({expression}\n)))()"),
            "emulateUserGesture": params["userGesture"] == true,
        });
        let promised = self.socket.call("Runtime.evaluate", &ask, limit).await?;
        let mut answer = promised;
        if answer["wasThrown"] != true {
            let wait = json!({
                "promiseObjectId": answer["result"]["objectId"],
                "returnByValue": true,
            });
            let mut told = self.socket.told().subscribe();
            let here = told.borrow().webkit.documents;
            answer = tokio::select! {
                answer = self.socket.call("Runtime.awaitPromise", &wait, limit) => answer?,
                // It would never be answered.
                _ = told.wait_for(|told| told.webkit.documents > here) => {
                    return Err(Fault::Answer("error".to_owned(), MOVED_ON.to_owned()));
                }
            };
        }
        let result = &answer["result"];
        if answer["wasThrown"] == true {
            let text = result["description"].as_str().or(result["value"].as_str());
            return Ok(json!({ "exceptionDetails": { "exception": { "description": text } } }));
        }
        let value: Value = serde_json::from_str(result["value"].as_str().unwrap_or("null"))
            .map_err(|error| Fault::Lost(error.to_string()))?;
        Ok(json!({ "result": { "value": value } }))
    }

    /// Sets what the page is told of its visitor.
    pub(super) async fn prefer(&self, params: &Value) -> Result<Value, Fault> {
        for feature in params["features"].as_array().into_iter().flatten() {
            let name = match feature["name"].as_str() {
                Some("prefers-color-scheme") => "PrefersColorScheme",
                _ => "PrefersReducedMotion",
            };
            let value = match feature["value"].as_str() {
                Some("dark") => "Dark",
                Some("reduce") => "Reduce",
                Some("no-preference") => "NoPreference",
                _ => "Light",
            };
            let set = json!({ "name": name, "value": value });
            self.tell("Page.overrideUserPreference", set).await?;
        }
        Ok(json!({}))
    }

    pub(super) async fn set_cookies(&self, params: &Value) -> Result<Value, Fault> {
        for cookie in params["cookies"].as_array().into_iter().flatten() {
            let url = Url::parse(cookie["url"].as_str().unwrap_or_default()).ok();
            let host = url.as_ref().and_then(Url::host_str);
            let set = json!({
                "name": cookie["name"],
                "value": cookie["value"],
                "domain": cookie["domain"].as_str().or(host),
                "path": cookie["path"].as_str().unwrap_or("/"),
                "expires": 0,
                "session": true,
                "httpOnly": false,
                "secure": false,
                "sameSite": "Lax",
            });
            self.tell("Page.setCookie", json!({ "cookie": set })).await?;
        }
        Ok(json!({}))
    }

    pub(super) async fn tell(&self, method: &str, params: Value) -> Result<Value, Fault> {
        self.socket.call(method, &params, SETTING).await
    }
}

/// Chromium's name for what went wrong on the network; empty where the answer was no page.
fn network_error(message: &str) -> &str {
    let known = [
        ("onnection refused", "ERR_CONNECTION_REFUSED"),
        ("Error resolving", "ERR_NAME_NOT_RESOLVED"),
        ("TLS", "ERR_SSL_PROTOCOL_ERROR"),
        ("ertificate", "ERR_CERT_INVALID"),
        ("reset by peer", "ERR_CONNECTION_RESET"),
        ("oo many redirects", "ERR_TOO_MANY_REDIRECTS"),
        ("Frame load was interrupted", ""),
        ("Load request cancelled", ""),
    ];
    known.iter().find(|(sign, _)| message.contains(sign)).map_or(message, |(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_network_errors() {
        let refused = "Could not connect to a.test: Connection refused";
        assert_eq!(network_error(refused), "ERR_CONNECTION_REFUSED");
        assert_eq!(network_error("Frame load was interrupted"), "");
        assert_eq!(network_error("something new"), "something new");
    }
}
