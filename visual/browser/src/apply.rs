//! What is set in the browser before a page is asked for, and taken away after it.

use std::{collections::BTreeMap, mem, time::Duration};

use futures_util::future::try_join_all;
use serde_json::{Value, json};
use url::Url;

use crate::{
    BasicAuth, ColorScheme, Error, Session, Shot, Viewport, chromium::Given, session::SETTING,
};

/// What has been set in the browser, so that it is not set again.
#[derive(Default)]
pub(crate) struct Applied {
    viewport: Option<Viewport>,
    /// The script before each document, and its identifier.
    script: Option<(String, String)>,
    page_deadline: Option<Duration>,
    /// The headers of the page's origin.
    given: Given,
    media: Option<(Option<ColorScheme>, bool)>,
    time_zone: Option<String>,
    /// User agent and locale.
    name: (Option<String>, Option<String>, bool),
    /// The pointer is somewhere on the page.
    has_pointer: bool,
    /// What the last page may have left behind.
    pub(crate) origins: Vec<String>,
    /// Something other than the empty page is open.
    pub(crate) has_page: bool,
    /// Credentials that the browser remembers, by origin.
    pub(crate) credentials: BTreeMap<String, BasicAuth>,
}

impl Session {
    /// Leaves the page before and wipes what it may have stored.
    pub(crate) async fn clean(&mut self) -> Result<(), Error> {
        if !self.set.has_page {
            return Ok(());
        }
        let renewed = match self.channel.as_mut() {
            Some(channel) => channel.renew().await,
            None => Ok(false),
        };
        if renewed.map_err(|fault| self.failed("leaving", fault))? {
            self.set = Applied::default();
            return Ok(());
        }
        // First away from the page, so that nothing it does on leaving is kept.
        self.wire()?
            .go("about:blank", SETTING)
            .await
            .map_err(|fault| self.failed("leaving", fault))?;
        if mem::take(&mut self.set.has_pointer) {
            // The next page must not find the pointer where this one had it.
            let away = json!({ "type": "mouseMoved", "x": -1, "y": -1 });
            self.tell("Input.dispatchMouseEvent", away).await?;
        }
        // Each waits for other parts of the browser, so they may as well wait together.
        let origins = mem::take(&mut self.set.origins);
        let stored = origins.iter().map(|origin| {
            let all = json!({ "origin": origin, "storageTypes": "all" });
            self.tell("Storage.clearDataForOrigin", all)
        });
        let (cookies, cache, stored) = tokio::join!(
            self.tell("Network.clearBrowserCookies", json!({})),
            self.tell("Network.clearBrowserCache", json!({})),
            try_join_all(stored),
        );
        cookies.and(cache)?;
        stored?;
        self.set.has_page = false;
        Ok(())
    }

    /// Notes that the pointer has to be taken away after this page.
    pub(crate) fn pointer_is_out(&mut self) {
        self.set.has_pointer = true;
    }

    /// Sets what the shot asks for, as far as it is not set already.
    /// `script` runs in each document before its own.
    pub(crate) async fn apply(
        &mut self,
        url: &Url,
        shot: &Shot,
        script: String,
    ) -> Result<(), Error> {
        self.apply_viewport(shot.viewport).await?;
        self.apply_media(shot).await?;
        self.apply_name(shot).await?;
        self.apply_script(script).await?;
        if self.set.page_deadline != Some(shot.page_deadline) {
            let set = self.wire()?.set_page_deadline(shot.page_deadline, SETTING).await;
            set.map_err(|fault| self.failed("setting the deadline", fault))?;
            self.set.page_deadline = Some(shot.page_deadline);
        }
        self.apply_headers(url, shot).await?;
        self.apply_cookies(url, shot).await
    }

    async fn apply_headers(&mut self, url: &Url, shot: &Shot) -> Result<(), Error> {
        let origin = url.origin().ascii_serialization();
        let wanted = match shot.headers.as_slice() {
            [] => Given::default(),
            headers => Given { origin, headers: headers.to_vec() },
        };
        if self.set.given == wanted {
            return Ok(());
        }
        let sent = self.wire()?.send_along(&wanted).await;
        if !sent.map_err(|fault| self.failed("setting headers", fault))? {
            let all: serde_json::Map<_, _> =
                shot.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            self.tell("Network.enable", json!({})).await?;
            self.tell("Network.setExtraHTTPHeaders", json!({ "headers": all })).await?;
        }
        self.set.given = wanted;
        Ok(())
    }

    async fn apply_viewport(&mut self, viewport: Viewport) -> Result<(), Error> {
        if self.set.viewport == Some(viewport) {
            return Ok(());
        }
        let Viewport { width, height, scale, mobile, touch } = viewport;
        let metrics = json!({
            "width": width,
            "height": height,
            "deviceScaleFactor": scale,
            "mobile": mobile,
        });
        self.tell("Emulation.setDeviceMetricsOverride", metrics).await?;
        if self.set.viewport.is_some_and(|set| set.touch) || touch {
            let emulate = json!({ "enabled": touch, "maxTouchPoints": 5 });
            self.tell("Emulation.setTouchEmulationEnabled", emulate).await?;
        }
        self.set.viewport = Some(viewport);
        Ok(())
    }

    async fn apply_media(&mut self, shot: &Shot) -> Result<(), Error> {
        let media = (shot.color_scheme, shot.reduced_motion);
        if self.set.media != Some(media) {
            let scheme = match shot.color_scheme {
                None => "",
                Some(ColorScheme::Light) => "light",
                Some(ColorScheme::Dark) => "dark",
            };
            let motion = if shot.reduced_motion { "reduce" } else { "no-preference" };
            let features = json!([
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": motion },
            ]);
            self.tell("Emulation.setEmulatedMedia", json!({ "features": features })).await?;
            self.set.media = Some(media);
        }
        if self.set.time_zone.as_ref() != Some(&shot.time_zone) {
            let zone = json!({ "timezoneId": shot.time_zone });
            let set = self.tell("Emulation.setTimezoneOverride", zone).await;
            set.map_err(|error| refused("time zone", &shot.time_zone, error))?;
            self.set.time_zone = Some(shot.time_zone.clone());
        }
        Ok(())
    }

    /// What the browser calls itself, and which language it speaks.
    async fn apply_name(&mut self, shot: &Shot) -> Result<(), Error> {
        let name = (shot.user_agent.clone(), shot.locale.clone(), shot.viewport.mobile);
        let is_ours = shot.user_agent.is_some() || shot.locale.is_some();
        let was_ours = self.set.name.0.is_some() || self.set.name.1.is_some();
        if self.set.name == name || !(is_ours || was_ours) {
            return Ok(());
        }
        if self.set.name.1.is_some() {
            // Only when the former one is gone can another be set.
            self.tell("Emulation.setLocaleOverride", json!({})).await?;
        }
        // An empty name is the browser's own; a language alone needs that one spelt out.
        let agent = match (&shot.user_agent, &shot.locale) {
            (Some(agent), _) => agent.clone(),
            (None, Some(_)) => {
                let version = self.tell("Browser.getVersion", json!({})).await?;
                version["userAgent"].as_str().unwrap_or_default().to_owned()
            }
            (None, None) => String::new(),
        };
        let mut set = json!({ "userAgent": agent });
        if let Some(locale) = &shot.locale {
            let override_ = self.tell("Emulation.setLocaleOverride", json!({ "locale": locale }));
            override_.await.map_err(|error| refused("locale", locale, error))?;
            set["acceptLanguage"] = json!(locale);
        }
        self.tell("Emulation.setUserAgentOverride", set).await?;
        self.set.name = name;
        Ok(())
    }

    async fn apply_cookies(&self, url: &Url, shot: &Shot) -> Result<(), Error> {
        if shot.cookies.is_empty() {
            return Ok(());
        }
        let cookies: Vec<Value> = shot
            .cookies
            .iter()
            .map(|cookie| {
                let mut set =
                    json!({ "name": cookie.name, "value": cookie.value, "url": url.as_str() });
                for (key, value) in [("domain", &cookie.domain), ("path", &cookie.path)] {
                    if let Some(value) = value {
                        set[key] = json!(value);
                    }
                }
                set
            })
            .collect();
        self.tell("Network.setCookies", json!({ "cookies": cookies })).await.map(|_| ())
    }

    async fn apply_script(&mut self, wanted: String) -> Result<(), Error> {
        if self.set.script.as_ref().is_some_and(|(set, _)| *set == wanted) {
            return Ok(());
        }
        if let Some((_, identifier)) = self.set.script.take() {
            let old = json!({ "identifier": identifier });
            self.tell("Page.removeScriptToEvaluateOnNewDocument", old).await?;
        }
        let source = json!({ "source": wanted });
        let answer = self.tell("Page.addScriptToEvaluateOnNewDocument", source).await?;
        let identifier = answer["identifier"].as_str().unwrap_or_default().to_owned();
        self.set.script = Some((wanted, identifier));
        Ok(())
    }
}

/// A value that the browser says no to; what is wrong with the session itself stays what it is.
fn refused(setting: &'static str, value: &str, error: Error) -> Error {
    match error {
        Error::Protocol { .. } => {
            Error::BadSetting { setting, reason: format!("there is no `{value}`") }
        }
        error => error,
    }
}
