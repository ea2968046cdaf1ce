//! Firefox, through geckodriver and WebDriver BiDi.
//!
//! A window of Firefox never gets narrower than 500 px; BiDi gives the page any width all the
//! same. The few commands of Chromium's protocol that a capture is made of are carried over here;
//! what BiDi has no command for is refused before the page is asked for, by name. Every page gets
//! a user context of its own, which is its clean state. Layouts are not recorded.

mod input;

use std::{path::Path, sync::Mutex, time::Duration};

use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::{
    ColorScheme, Error, Launch, Shot, Stage,
    capabilities::merge,
    chromium::Socket,
    driver::{Driver, Program, announced_by_geckodriver, hint_for},
    wire::{Fault, Wire},
};

/// For commands that only set something.
const SETTING: Duration = Duration::from_secs(10);

/// Settings that make two pictures of one page the same bytes, and keep it quiet.
fn preferences() -> Value {
    json!({
        "ui.useOverlayScrollbars": 1,
        "ui.prefersReducedMotion": 1,
        "layout.css.prefers-color-scheme.content-override": 1,
        "image.animation_mode": "none",
        "browser.cache.disk.enable": false,
        "browser.sessionstore.resume_from_crash": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "intl.accept_languages": "en-US",
    })
}

/// A Firefox of our own.
pub(crate) struct Firefox {
    socket: Socket,
    wire: Wire,
    driver: Driver,
    place: Mutex<Place>,
}

/// Where the page is.
#[derive(Clone, Default)]
struct Place {
    user: String,
    context: String,
}

impl Firefox {
    pub(crate) async fn start(
        geckodriver: &Path,
        firefox: Option<&Path>,
        launch: &Launch,
        until: Instant,
        on: &(dyn Fn(Stage) + Sync),
    ) -> Result<Self, Error> {
        let program = Program {
            path: geckodriver,
            arguments: &|_| vec!["--port=0".to_owned(), "--websocket-port=0".to_owned()],
            announced: announced_by_geckodriver,
            port: None,
            missing: "install geckodriver, or say where it is",
        };
        let driver = Driver::start(&program, launch, until, on).await?;
        match Self::open(&driver, firefox, launch, until).await {
            Ok((wire, socket)) => {
                let made = Self { socket, wire, driver, place: Mutex::default() };
                match made.renew().await {
                    Ok(()) => Ok(made),
                    Err(fault) => Err(not_started(made.driver, geckodriver, &fault).await),
                }
            }
            Err(fault) => Err(not_started(driver, geckodriver, &fault).await),
        }
    }

    async fn open(
        driver: &Driver,
        firefox: Option<&Path>,
        launch: &Launch,
        until: Instant,
    ) -> Result<(Wire, Socket), Fault> {
        let mut arguments = vec!["-headless".to_owned()];
        arguments.extend(launch.arguments.iter().cloned());
        let mut options = json!({ "args": arguments, "prefs": preferences() });
        if let Some(firefox) = firefox {
            options["binary"] = json!(firefox);
        }
        let mut always = json!({
            "browserName": "firefox",
            "webSocketUrl": true,
            "unhandledPromptBehavior": { "default": "dismiss" },
            "moz:firefoxOptions": options,
        });
        merge(&mut always, &Value::Object(launch.capabilities.clone()));
        let asked = json!({ "capabilities": { "alwaysMatch": always } });
        let endpoint =
            Url::parse(driver.address()).map_err(|error| Fault::Lost(error.to_string()))?;
        let wire = Wire::open(endpoint, &asked, until).await?;
        let address = wire.granted()["webSocketUrl"].as_str().unwrap_or_default().to_owned();
        let socket = Socket::connect(&address).await?;
        Ok((wire, socket))
    }

    /// A new context for the next page; what the last one left goes with its own.
    pub(crate) async fn renew(&self) -> Result<(), Fault> {
        let old = self.place();
        let made = self.tell("browser.createUserContext", json!({})).await?;
        let user = text(&made["userContext"]);
        let tab = json!({ "type": "tab", "userContext": user });
        let context = text(&self.tell("browsingContext.create", tab).await?["context"]);
        if let Ok(mut place) = self.place.lock() {
            *place = Place { user, context: context.clone() };
        }
        let bypass = json!({ "cacheBehavior": "bypass", "contexts": [context] });
        self.tell("network.setCacheBehavior", bypass).await?;
        if !old.user.is_empty() {
            self.tell("browser.removeUserContext", json!({ "userContext": old.user })).await?;
        }
        Ok(())
    }

    fn place(&self) -> Place {
        self.place.lock().map(|place| place.clone()).unwrap_or_default()
    }

    pub(crate) async fn go(&self, url: &str, limit: Duration) -> Result<(), Fault> {
        let params = json!({ "context": self.place().context, "url": url, "wait": "complete" });
        let loaded = self.socket.call("browsingContext.navigate", &params, limit + SETTING);
        match timeout(limit, loaded).await {
            Err(_) => Err(Fault::PageTimeout),
            Ok(Err(Fault::Answer(code, message))) => match network_error(&message) {
                // A download, or an answer without a page: what is shown will tell.
                Some("") => Ok(()),
                Some(name) => Err(Fault::Answer(code, name.to_owned())),
                None => Err(Fault::Answer(code, message)),
            },
            Ok(answer) => answer.map(|_| ()),
        }
    }

    /// Does what a command of Chromium's protocol would.
    pub(crate) async fn devtools(
        &self,
        command: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, Fault> {
        let Place { user, context } = self.place();
        let contexts = [&context];
        match command {
            "Runtime.evaluate" => self.evaluate(params, &context, limit).await,
            "Page.captureScreenshot" => {
                let mut clip = params["clip"].clone();
                clip["type"] = json!("box");
                let ask = json!({ "context": context, "origin": "document", "clip": clip });
                self.socket.call("browsingContext.captureScreenshot", &ask, limit).await
            }
            "Emulation.setDeviceMetricsOverride" => {
                let viewport = json!({ "width": params["width"], "height": params["height"] });
                let set = json!({
                    "context": context,
                    "viewport": viewport,
                    "devicePixelRatio": params["deviceScaleFactor"],
                });
                self.tell("browsingContext.setViewport", set).await
            }
            "Emulation.setTimezoneOverride" => {
                let set = json!({ "timezone": params["timezoneId"], "contexts": contexts });
                self.tell("emulation.setTimezoneOverride", set).await
            }
            "Emulation.setLocaleOverride" => {
                let set = json!({ "locale": params["locale"], "contexts": contexts });
                self.tell("emulation.setLocaleOverride", set).await
            }
            // A language alone needs no name here.
            "Browser.getVersion" => Ok(json!({ "userAgent": "" })),
            "Emulation.setUserAgentOverride" if params["userAgent"] == "" => Ok(json!({})),
            "Emulation.setUserAgentOverride" => {
                let set = json!({ "userAgent": params["userAgent"], "contexts": contexts });
                self.tell("emulation.setUserAgentOverride", set).await
            }
            "Page.addScriptToEvaluateOnNewDocument" => {
                let function = format!("() => {{ {}\n}}", text(&params["source"]));
                let set = json!({ "functionDeclaration": function, "contexts": contexts });
                let made = self.tell("script.addPreloadScript", set).await?;
                Ok(json!({ "identifier": made["script"] }))
            }
            "Network.setExtraHTTPHeaders" => {
                let given = params["headers"].as_object().into_iter().flatten();
                let headers: Vec<Value> = given
                    .map(|(name, value)| json!({ "name": name, "value": string(value) }))
                    .collect();
                let set = json!({ "headers": headers, "contexts": contexts });
                self.tell("network.setExtraHeaders", set).await
            }
            "Network.setCookies" => self.set_cookies(params, &user).await,
            "Input.dispatchMouseEvent" | "Input.dispatchKeyEvent" | "Input.insertText" => {
                let actions = input::actions(command, params);
                let set = json!({ "context": context, "actions": actions });
                self.tell("input.performActions", set).await
            }
            // Set when it starts, and refused where a shot asks for something else.
            "Emulation.setEmulatedMedia" | "Network.enable" => Ok(json!({})),
            // It has nothing of the kind.
            "DOMSnapshot.captureSnapshot" => Ok(Value::Null),
            _ => Err(Fault::Answer("unknown command".to_owned(), command.to_owned())),
        }
    }

    async fn evaluate(
        &self,
        params: &Value,
        context: &str,
        limit: Duration,
    ) -> Result<Value, Fault> {
        let expression = text(&params["expression"]);
        let ask = json!({
            // A value of any shape, as the text that it is sent as anyway.
            "expression": format!("(async () => JSON.stringify(await ({expression}\n)))()"),
            "target": { "context": context },
            "awaitPromise": true,
            "userActivation": params["userGesture"] == true,
        });
        let answer = self.socket.call("script.evaluate", &ask, limit).await?;
        if answer["type"] == "exception" {
            let details = &answer["exceptionDetails"];
            return Ok(json!({
                "exceptionDetails": { "exception": { "description": details["text"] } },
            }));
        }
        let value = answer["result"]["value"].as_str().unwrap_or("null");
        let value: Value =
            serde_json::from_str(value).map_err(|error| Fault::Lost(error.to_string()))?;
        Ok(json!({ "result": { "value": value } }))
    }

    async fn set_cookies(&self, params: &Value, user: &str) -> Result<Value, Fault> {
        for cookie in params["cookies"].as_array().into_iter().flatten() {
            let host = Url::parse(cookie["url"].as_str().unwrap_or_default())
                .ok()
                .and_then(|url| url.host_str().map(str::to_owned));
            let set = json!({
                "cookie": {
                    "name": cookie["name"],
                    "value": string(&cookie["value"]),
                    "domain": cookie["domain"].as_str().or(host.as_deref()),
                    "path": cookie["path"].as_str().unwrap_or("/"),
                },
                "partition": { "type": "storageKey", "userContext": user },
            });
            self.tell("storage.setCookie", set).await?;
        }
        Ok(json!({}))
    }

    async fn tell(&self, method: &str, params: Value) -> Result<Value, Fault> {
        self.socket.call(method, &params, SETTING).await
    }

    pub(crate) fn pid(&self) -> u32 {
        self.driver.pid()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.driver.has_ended()
    }

    pub(crate) async fn close(self, answers: bool) {
        drop(self.socket);
        if answers {
            // What does not end when asked is ended below.
            let _ = self.wire.delete().await;
        }
        drop(self.wire);
        self.driver.end().await;
    }
}

/// Refuses what a shot asks for and Firefox cannot be told.
pub(crate) fn admit(shot: &Shot) -> Result<(), Error> {
    let refused = [
        ("viewport.mobile", shot.viewport.mobile),
        ("viewport.touch", shot.viewport.touch),
        ("color_scheme", shot.color_scheme == Some(ColorScheme::Dark)),
        ("reduced_motion", !shot.reduced_motion),
        ("basic_auth", shot.basic_auth.is_some()),
    ];
    match refused.into_iter().find(|(_, asked)| *asked) {
        Some((setting, _)) => Err(Error::Unsupported { setting, browser: "Firefox" }),
        None => Ok(()),
    }
}

/// Chromium's name for what went wrong on the network; empty where the answer was no page.
fn network_error(message: &str) -> Option<&'static str> {
    let known = [
        ("NS_ERROR_CONNECTION_REFUSED", "ERR_CONNECTION_REFUSED"),
        ("NS_ERROR_UNKNOWN_HOST", "ERR_NAME_NOT_RESOLVED"),
        ("NS_ERROR_MODULE_SECURITY", "ERR_SSL_PROTOCOL_ERROR"),
        ("NS_ERROR_NET_RESET", "ERR_CONNECTION_RESET"),
        ("NS_ERROR_REDIRECT_LOOP", "ERR_TOO_MANY_REDIRECTS"),
        ("NS_ERROR_PORT_ACCESS_NOT_ALLOWED", "ERR_UNSAFE_PORT"),
        ("NS_BINDING_ABORTED", ""),
        ("NS_ERROR_ABORT", ""),
    ];
    known.iter().find(|(sign, _)| message.contains(sign)).map(|(_, name)| *name)
}

async fn not_started(driver: Driver, geckodriver: &Path, fault: &Fault) -> Error {
    let output = driver.output();
    driver.end().await;
    let reason = format!("{}: {fault}", geckodriver.display());
    let hint = hint_for(&format!("{reason} {output}"));
    Error::DriverStart { reason, output, hint }
}

fn string(value: &Value) -> Value {
    Value::Object(Map::from_iter([
        ("type".to_owned(), json!("string")),
        ("value".to_owned(), value.clone()),
    ]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Shot), expect: Result<(), &str>) {
        let mut shot = Shot::of("http://a.test/");
        change(&mut shot);
        let got = admit(&shot).map_err(|error| error.to_string());
        assert_eq!(got, expect.map_err(str::to_owned));
    }

    #[test]
    fn what_cannot_be_asked_of_it() {
        check(|_| {}, Ok(()));
        check(|shot| shot.color_scheme = Some(ColorScheme::Light), Ok(()));
        let mobile = "Firefox cannot do what `viewport.mobile` asks for";
        check(|shot| shot.viewport.mobile = true, Err(mobile));
        let dark = "Firefox cannot do what `color_scheme` asks for";
        check(|shot| shot.color_scheme = Some(ColorScheme::Dark), Err(dark));
        let motion = "Firefox cannot do what `reduced_motion` asks for";
        check(|shot| shot.reduced_motion = false, Err(motion));
    }

    #[test]
    fn names_of_network_errors() {
        let refused = network_error("Error: NS_ERROR_CONNECTION_REFUSED");
        assert_eq!(refused, Some("ERR_CONNECTION_REFUSED"));
        let tls = "Error: NS_ERROR_GENERATE_FAILURE(NS_ERROR_MODULE_SECURITY, SSL_ERROR_X)";
        assert_eq!(network_error(tls), Some("ERR_SSL_PROTOCOL_ERROR"));
        assert_eq!(network_error("Error: NS_BINDING_ABORTED"), Some(""));
        assert_eq!(network_error("no such frame"), None);
    }
}
