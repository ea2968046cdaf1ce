//! Somebody who comes to a site and stays for a while: who opens its pages one after the other, does
//! something on them and leaves, with one and the same memory all the time.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Cookie, Error, Session, Shot, Step, Visit, Visited, channel::Channel, navigate,
    session::SETTING,
};

const SIGHTS: &str = include_str!("js/sights.js");

/// Whether something is to be seen on a page, and in which frames it was. Times count from the
/// instant at which the document was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sight {
    /// Whether it was there in the end.
    pub is_shown: bool,
    /// The first frame in which it was.
    pub first: Option<Duration>,
    /// The last one.
    pub last: Option<Duration>,
}

/// A cookie that a browser has kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptCookie {
    /// What it would be set as again.
    pub cookie: Cookie,
    /// Whether it goes with the browser.
    pub is_of_session: bool,
}

/// As the page says it.
#[derive(Deserialize)]
struct Said {
    first: Option<f64>,
    last: Option<f64>,
    now: bool,
    wrong: Option<String>,
}

/// The script that looks for these, as a part of the one before each document.
pub(crate) fn script(selectors: &[String]) -> String {
    if selectors.is_empty() {
        return String::new();
    }
    SIGHTS.replacen("__SELECTORS__", &json!(selectors).to_string(), 1)
}

impl Session {
    /// Opens another page, or the same one again, in the tab that the [visit](Session::visit) before
    /// was made in: with the cookies, the storage and the cache that are there. Cookies of `visit`
    /// are set besides.
    pub async fn go_on(&mut self, visit: &Visit) -> Result<Visited, Error> {
        let url = navigate::admissible(&visit.url, false)?;
        self.wire()?;
        if self.is_broken() {
            return Err(Error::SessionLost { reason: "it is gone, with all it knew".to_owned() });
        }
        self.begin();
        let visited = self.seen_page(&url, visit).await;
        self.ended(visited.as_ref().is_err_and(Error::ends_session));
        visited
    }

    /// The same as if the browser had been closed before and were opened again: the cookies that go with it
    /// are gone, but for those with these names, and so is what its tabs keep.
    pub async fn come_back(&mut self, visit: &Visit, keeps: &[&str]) -> Result<Visited, Error> {
        let answer = self.tell("Network.getAllCookies", json!({})).await?;
        let all = answer["cookies"].as_array().map(Vec::as_slice).unwrap_or_default();
        let goes = |cookie: &&Value| {
            let is_kept = cookie["name"].as_str().is_some_and(|name| keeps.contains(&name));
            !is_kept && kept(cookie).is_of_session
        };
        for cookie in all.iter().filter(goes) {
            let mut which = json!({});
            for part in ["name", "domain", "path", "partitionKey"] {
                if !cookie[part].is_null() {
                    which[part] = cookie[part].clone();
                }
            }
            self.tell("Network.deleteCookies", which).await?;
        }
        let first = json!({ "source": "try { sessionStorage.clear(); } catch {}" });
        let made = self.tell("Page.addScriptToEvaluateOnNewDocument", first).await?;
        let visited = self.go_on(visit).await?;
        let which = json!({ "identifier": made["identifier"] });
        self.tell("Page.removeScriptToEvaluateOnNewDocument", which).await?;
        Ok(visited)
    }

    /// Does something on the page that is open, as a person would; waits for each element for at
    /// most `patience`.
    pub async fn steps(&mut self, steps: &[Step], patience: Duration) -> Result<(), Error> {
        let shot =
            Shot { steps: steps.to_vec(), step_deadline: patience, ..Shot::of("about:blank") };
        self.begin();
        let done = self.act(&shot).await;
        self.ended(done.as_ref().is_err_and(Error::ends_session));
        done
    }

    /// What the page that is open says now, once it is at rest.
    pub async fn look(&mut self, visit: &Visit) -> Result<Visited, Error> {
        self.begin();
        let visited = self.looked(visit).await;
        self.ended(visited.as_ref().is_err_and(Error::ends_session));
        visited
    }

    /// The cookies that the browser would send to this address.
    pub async fn cookies(&self, url: &str) -> Result<Vec<KeptCookie>, Error> {
        let answer = self.tell("Network.getCookies", json!({ "urls": [url] })).await?;
        let all = answer["cookies"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(all.iter().map(kept).collect())
    }

    /// Forgets all cookies.
    pub async fn forget_cookies(&self) -> Result<(), Error> {
        self.tell("Network.clearBrowserCookies", json!({})).await.map(|_| ())
    }

    /// Leaves the page that is open; what it sends on leaving is on its way then.
    pub async fn leave(&mut self) -> Result<(), Error> {
        let left = match self.wire()? {
            Channel::Tab(tab) => tab.go("about:blank", SETTING).await,
            Channel::Firefox(_) | Channel::WebKit(_) | Channel::Driver(..) => {
                let browser = "a browser that is not a Chromium on this machine";
                return Err(Error::Unsupported { setting: "leave", browser });
            }
        };
        left.map_err(|fault| self.failed("leaving", fault))
    }

    /// Lets the page that is open ask for an address, and waits for the answer, which it does not look at.
    /// Whatever it has asked for before is on its way then.
    pub async fn fetch(&self, url: &str) -> Result<(), Error> {
        let asks = format!("fetch({}, {{ mode: 'no-cors' }}).then(() => 1, () => 0)", json!(url));
        let evaluate = json!({ "expression": asks, "awaitPromise": true, "returnByValue": true });
        self.tell("Runtime.evaluate", evaluate).await.map(|_| ())
    }

    /// What the page has noted of the sights that were asked for.
    pub(crate) async fn sights(&self, visit: &Visit) -> Result<Vec<Sight>, Error> {
        if visit.sights.is_empty() {
            return Ok(Vec::new());
        }
        let evaluate = json!({ "expression": "window.__visualSights", "returnByValue": true });
        let answer = self.tell("Runtime.evaluate", evaluate).await?;
        let said: Option<Vec<Said>> = serde_json::from_value(answer["result"]["value"].clone())
            .map_err(|error| Error::Protocol {
                command: "looking at the page".to_owned(),
                reason: error.to_string(),
            })?;
        // A document that was not prepared has nothing of it.
        let said = said.unwrap_or_default();
        let time = |at: Option<f64>| at.and_then(|at| Duration::try_from_secs_f64(at / 1e3).ok());
        for (selector, one) in visit.sights.iter().zip(&said) {
            if let Some(reason) = &one.wrong {
                let (selector, reason) = (selector.clone(), reason.clone());
                return Err(Error::BadSelector { selector, reason });
            }
        }
        let sight =
            |one: &Said| Sight { is_shown: one.now, first: time(one.first), last: time(one.last) };
        let mut sights: Vec<Sight> = said.iter().map(sight).collect();
        sights.resize(visit.sights.len(), Sight::default());
        Ok(sights)
    }
}

fn kept(cookie: &Value) -> KeptCookie {
    let text = |name: &str| cookie[name].as_str().map(str::to_owned);
    KeptCookie {
        cookie: Cookie {
            name: text("name").unwrap_or_default(),
            value: text("value").unwrap_or_default(),
            domain: text("domain"),
            path: text("path"),
        },
        is_of_session: cookie["session"].as_bool().unwrap_or(true),
    }
}
