//! Chromium on this machine, spoken to in its own protocol.
//!
//! Without a driver in between a page takes fewer round trips, several can share one browser
//! (each in a browsing context of its own, which shares no cookies, storage, cache or credentials
//! with the others), and what the browser tells of its own accord can be used: that a page is at
//! rest is proved with it, see [`crate::stillness`].

mod headers;
mod socket;
mod trace;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    runtime::Handle,
    sync::{Mutex, MutexGuard},
    time::{Instant, timeout, timeout_at},
};

pub use self::trace::Requested;
pub(crate) use self::{
    headers::Given,
    socket::{Socket, Told},
};
use crate::{
    Error, Launch, Stage,
    capabilities::{self, Machine},
    driver::{Driver, Program, announced_by_chromium, hint_for},
    snapshot::{self, Snapshot},
    wire::Fault,
};

/// How many sessions share one browser: one that dies takes no more than these along.
const SHARED_BY: usize = 4;
/// What the browser calls errors although the site has answered: a download or nothing at all, an
/// error without a page, a demand for credentials.
const IS_SHOWN: [&str; 3] = [
    "net::ERR_ABORTED",
    "net::ERR_HTTP_RESPONSE_CODE_FAILURE",
    "net::ERR_INVALID_AUTH_CREDENTIALS",
];
/// For commands that only set something.
const SETTING: Duration = Duration::from_secs(10);

/// The browsers that the sessions of one [`Launch`] share.
#[derive(Default)]
pub(crate) struct Pool {
    browsers: Mutex<Vec<Weak<Browser>>>,
}

/// A browser's process, and the connection to it. It ends with the last of its tabs.
pub(crate) struct Browser {
    // The connection goes first, so that the end of the process is no surprise.
    socket: Socket,
    address: String,
    tabs: AtomicUsize,
    driver: Driver,
}

/// A tab in a browsing context of its own.
pub(crate) struct Tab {
    socket: Socket,
    context: String,
    browser: Option<Arc<Browser>>,
}

impl Pool {
    /// A tab in a browser that is there, or in a new one.
    pub(crate) async fn tab(
        &self,
        chromium: &Path,
        launch: &Launch,
        until: Instant,
        on: &(dyn Fn(Stage) + Sync),
    ) -> Result<Tab, Error> {
        // One that has just died may not be known as dead yet.
        if let Some(browser) = self.known(chromium, until).await?
            && let Ok(tab) = Tab::open_before(browser, launch.proxy, until).await
        {
            return Ok(tab);
        }
        let browser = {
            // Whoever comes second shares what the first one starts.
            let mut browsers = self.lock(chromium, until).await?;
            match browsers.iter().filter_map(Weak::upgrade).find(|b| b.takes_another()) {
                Some(browser) => browser,
                None => {
                    let browser = Arc::new(Browser::start(chromium, launch, until, on).await?);
                    browsers.push(Arc::downgrade(&browser));
                    browser
                }
            }
        };
        let opened = Tab::open_before(browser, launch.proxy, until).await;
        opened.map_err(|(why, output)| start_error(chromium, &why, output))
    }

    async fn known(&self, at: &Path, until: Instant) -> Result<Option<Arc<Browser>>, Error> {
        let mut browsers = self.lock(at, until).await?;
        browsers.retain(|browser| browser.strong_count() > 0);
        Ok(browsers.iter().filter_map(Weak::upgrade).find(|browser| browser.takes_another()))
    }

    async fn lock(
        &self,
        at: &Path,
        until: Instant,
    ) -> Result<MutexGuard<'_, Vec<Weak<Browser>>>, Error> {
        let late = "other browsers are still starting";
        let lock = timeout_at(until, self.browsers.lock()).await;
        lock.map_err(|_| start_error(at, late, String::new()))
    }
}

impl Browser {
    async fn start(
        chromium: &Path,
        launch: &Launch,
        until: Instant,
        on: &(dyn Fn(Stage) + Sync),
    ) -> Result<Self, Error> {
        let arguments = |folder: &Path| {
            let machine = Machine::here(folder, Some(chromium));
            let mut arguments = capabilities::arguments(launch, &machine);
            arguments.push("--remote-debugging-port=0".to_owned());
            arguments.push("about:blank".to_owned());
            arguments
        };
        let program = Program {
            path: chromium,
            arguments: &arguments,
            announced: announced_by_chromium,
            port: None,
            missing: "install Chromium, or say where it is",
        };
        let driver = Driver::start(&program, launch, until, on).await?;
        let address = driver.address().to_owned();
        match Socket::connect(&address).await {
            Ok(socket) => Ok(Self { socket, address, tabs: AtomicUsize::new(0), driver }),
            Err(fault) => {
                let output = driver.output();
                driver.end().await;
                Err(start_error(chromium, &fault.to_string(), output))
            }
        }
    }

    fn takes_another(&self) -> bool {
        self.tabs.load(Ordering::Relaxed) < SHARED_BY && self.socket.told().borrow().lost.is_none()
    }

    async fn tell(&self, method: &str, params: Value) -> Result<Value, Fault> {
        self.socket.call(method, &params, SETTING).await
    }

    async fn made(&self, method: &str, params: Value, id: &str) -> Result<String, Fault> {
        let answer = self.tell(method, params).await?;
        let made = answer[id].as_str().map(str::to_owned);
        made.ok_or_else(|| Fault::Lost(format!("{method} gave no {id}")))
    }
}

impl Tab {
    /// Opens a tab, or says why not and what the browser wrote last.
    async fn open_before(
        browser: Arc<Browser>,
        proxy: Option<SocketAddr>,
        until: Instant,
    ) -> Result<Self, (String, String)> {
        browser.tabs.fetch_add(1, Ordering::Relaxed);
        let why = match timeout_at(until, Self::open(Arc::clone(&browser), proxy)).await {
            Ok(Ok(tab)) => return Ok(tab),
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => "it gave no page in time".to_owned(),
        };
        // It takes nobody else in.
        browser.tabs.fetch_add(SHARED_BY, Ordering::Relaxed);
        let output = browser.driver.output();
        end(browser).await;
        Err((why, output))
    }

    async fn open(browser: Arc<Browser>, proxy: Option<SocketAddr>) -> Result<Self, Fault> {
        let context = match proxy {
            // Requests to this machine would otherwise go around it.
            Some(proxy) => {
                json!({ "proxyServer": proxy.to_string(), "proxyBypassList": "<-loopback>" })
            }
            None => json!({}),
        };
        let context =
            browser.made("Target.createBrowserContext", context, "browserContextId").await?;
        let wanted = json!({ "url": "about:blank", "browserContextId": context });
        let target = browser.made("Target.createTarget", wanted, "targetId").await?;
        let deny = json!({ "behavior": "deny", "browserContextId": context });
        browser.tell("Browser.setDownloadBehavior", deny).await?;
        let (start, _) = browser.address.split_once("/browser/").unwrap_or_default();
        let socket = Socket::connect(&format!("{start}/page/{target}")).await?;
        let tab = Self { socket, context, browser: Some(browser) };
        let frames = json!({
            "autoAttach": true,
            "waitForDebuggerOnStart": false,
            "flatten": true,
            "filter": [{ "type": "iframe" }],
        });
        for (method, params) in [
            ("Target.setAutoAttach", frames),
            ("Page.enable", json!({})),
            ("Page.setLifecycleEventsEnabled", json!({ "enabled": true })),
            ("Network.enable", json!({ "maxTotalBufferSize": 1, "maxResourceBufferSize": 1 })),
            ("Performance.enable", json!({})),
            ("Inspector.enable", json!({})),
        ] {
            tab.call(method, &params, SETTING).await?;
        }
        Ok(tab)
    }

    /// Goes to an address and waits for the page's load event, at most for `limit`.
    pub(crate) async fn go(&self, url: &str, limit: Duration) -> Result<(), Fault> {
        self.socket.told().send_modify(|told| {
            told.documents.clear();
            told.open.clear();
            told.asked.clear();
            told.came = None;
            told.apart = false;
        });
        match timeout(limit, self.load(url, limit)).await {
            Ok(loaded) => loaded,
            Err(_) => {
                // What comes late must not be taken for a part of the next page.
                self.call("Page.stopLoading", &json!({}), SETTING).await?;
                Err(Fault::PageTimeout)
            }
        }
    }

    async fn load(&self, url: &str, limit: Duration) -> Result<(), Fault> {
        let mut told = self.socket.told().subscribe();
        // A little longer than whoever waits for it all.
        let answer = self.call("Page.navigate", &json!({ "url": url }), limit + SETTING).await?;
        let wrong = answer["errorText"].as_str().unwrap_or_default();
        if !wrong.is_empty() && !IS_SHOWN.contains(&wrong) {
            return Err(Fault::Answer("unknown error".to_owned(), wrong.to_owned()));
        }
        // A download, or an answer without a page, leaves the tab where it was.
        let Some(loader) = answer["loaderId"].as_str().filter(|_| wrong != "net::ERR_ABORTED")
        else {
            return Ok(());
        };
        // Its script may have sent the page on to another one meanwhile.
        let is_there = |told: &Told| {
            let is_shown = told.documents.iter().any(|document| document == loader);
            told.lost.is_some() || is_shown && told.loaded.as_ref() == told.documents.last()
        };
        match told.wait_for(is_there).await.map(|told| told.lost.clone()) {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => Err(Fault::Lost(reason)),
            Err(_) => Err(Fault::Lost("the browser closed the connection".to_owned())),
        }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, Fault> {
        self.socket.call(method, params, limit).await
    }

    /// What was rendered where.
    pub(crate) async fn snapshot(&self, limit: Duration) -> Result<Option<Snapshot>, Fault> {
        let what = snapshot::parameters();
        let answer = self.socket.ask(snapshot::COMMAND, &what, limit).await?;
        Ok(Snapshot::of_text(answer.get()))
    }

    /// Sends these headers along to their origin, instead of any that were set before.
    pub(crate) async fn send_along(&self, given: &Given) -> Result<(), Fault> {
        self.socket.send_along(given.clone());
        if given.headers.is_empty() {
            self.call("Fetch.disable", &json!({}), SETTING).await?;
        } else {
            self.call("Fetch.enable", &given.holding(), SETTING).await?;
        }
        Ok(())
    }

    /// Begins to note what is asked for, or ends that; gives what was.
    pub(crate) fn trace(&self, is_on: bool) -> Vec<Requested> {
        self.socket.trace(is_on)
    }

    /// What the browser has told of this tab so far.
    pub(crate) fn told(&self) -> Told {
        self.socket.told().borrow().clone()
    }

    /// The browser's process, which also names its group.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.browser.as_ref().map(|browser| browser.driver.pid())
    }

    /// Closes the tab and wipes its context; the browser ends with its last tab.
    pub(crate) async fn close(mut self) {
        if let Some(browser) = self.browser.take() {
            if browser.tabs.fetch_sub(1, Ordering::Relaxed) > 1 {
                let context = json!({ "browserContextId": self.context });
                // What does not close now goes with the browser.
                let _ = browser.tell("Target.disposeBrowserContext", context).await;
            }
            end(browser).await;
        }
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        let Some(browser) = self.browser.take() else { return };
        let others = browser.tabs.fetch_sub(1, Ordering::Relaxed) > 1;
        if others && let Ok(runtime) = Handle::try_current() {
            let context = json!({ "browserContextId": self.context });
            let weak = Arc::downgrade(&browser);
            runtime.spawn(async move {
                if let Some(browser) = weak.upgrade() {
                    let _ = browser.tell("Target.disposeBrowserContext", context).await;
                    end(browser).await;
                }
            });
        }
    }
}

/// Gives a browser up, without blocking the calling task should it be the last to do so.
async fn end(browser: Arc<Browser>) {
    if let Some(browser) = Arc::into_inner(browser) {
        browser.driver.end().await;
    }
}

fn start_error(chromium: &Path, why: &str, output: String) -> Error {
    let reason = format!("{}: {why}", chromium.display());
    let hint = hint_for(&format!("{reason} {output}"));
    Error::DriverStart { reason, output, hint }
}
