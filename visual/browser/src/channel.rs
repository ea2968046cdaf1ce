//! The way to a browser: its own protocol where it runs on this machine, WebDriver elsewhere.

use std::time::Duration;

use serde_json::Value;

use crate::{
    Error, Shot,
    chromium::{Given, Requested, Tab, Told},
    driver::Driver,
    firefox::{self, Firefox},
    snapshot::{self, Snapshot},
    webkit::{self, WebKit},
    wire::{Fault, Wire},
};

/// What a driver may need on top of the deadline that the browser itself keeps.
const MARGIN: Duration = Duration::from_secs(3);

pub(crate) enum Channel {
    /// A tab of a browser on this machine.
    Tab(Tab),
    /// A Firefox on this machine.
    Firefox(Box<Firefox>),
    /// A WebKitGTK on this machine.
    WebKit(Box<WebKit>),
    /// A session at a driver, and that driver where it is ours.
    Driver(Box<Wire>, Option<Driver>),
}

impl Channel {
    /// Goes to an address and waits for its load event for at most `limit`.
    pub(crate) async fn go(&self, url: &str, limit: Duration) -> Result<(), Fault> {
        match self {
            Self::Tab(tab) => tab.go(url, limit).await,
            Self::Firefox(firefox) => firefox.go(url, limit).await,
            Self::WebKit(webkit) => webkit.go(url, limit).await,
            Self::Driver(wire, _) => wire.go(url, limit + MARGIN).await,
        }
    }

    /// Sets how long a page may load, where the browser itself has to know.
    pub(crate) async fn set_page_deadline(
        &self,
        page: Duration,
        limit: Duration,
    ) -> Result<(), Fault> {
        match self {
            Self::Tab(_) | Self::Firefox(_) | Self::WebKit(_) => Ok(()),
            Self::Driver(wire, _) => wire.set_page_deadline(page, limit).await,
        }
    }

    /// Sends a command of the browser's own protocol.
    pub(crate) async fn devtools(
        &self,
        command: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, Fault> {
        match self {
            Self::Tab(tab) => tab.call(command, params, limit).await,
            Self::Firefox(firefox) => firefox.devtools(command, params, limit).await,
            Self::WebKit(webkit) => webkit.devtools(command, params, limit).await,
            Self::Driver(wire, _) => wire.devtools(command, params, limit).await,
        }
    }

    /// What was rendered where; none when the answer does not fit.
    pub(crate) async fn snapshot(&self, limit: Duration) -> Result<Option<Snapshot>, Fault> {
        match self {
            Self::Tab(tab) => tab.snapshot(limit).await,
            Self::Firefox(_) | Self::WebKit(_) | Self::Driver(..) => {
                let what = snapshot::parameters();
                let answer = self.devtools(snapshot::COMMAND, &what, limit).await?;
                Ok(Snapshot::of_value(answer))
            }
        }
    }

    /// Sends these headers along to their origin only; gives whether this browser can do that.
    pub(crate) async fn send_along(&self, given: &Given) -> Result<bool, Fault> {
        match self {
            Self::Tab(tab) => tab.send_along(given).await.map(|()| true),
            Self::Firefox(_) | Self::WebKit(_) | Self::Driver(..) => Ok(false),
        }
    }

    /// What the browser has told of its own accord; a driver passes nothing on.
    pub(crate) fn told(&self) -> Option<Told> {
        match self {
            Self::Tab(tab) => Some(tab.told()),
            Self::Driver(..) | Self::Firefox(_) | Self::WebKit(_) => None,
        }
    }

    /// Begins to note what is asked for, or ends that; gives what was, where the browser tells.
    pub(crate) fn trace(&self, is_on: bool) -> Vec<Requested> {
        match self {
            Self::Tab(tab) => tab.trace(is_on),
            Self::Driver(..) | Self::Firefox(_) | Self::WebKit(_) => Vec::new(),
        }
    }

    /// The status of the page's own answer, where the page itself is not told; 0 when unknown.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::WebKit(webkit) => webkit.status(),
            Self::Tab(_) | Self::Firefox(_) | Self::Driver(..) => 0,
        }
    }

    /// Starts afresh for the next page, where that is how nothing is left of the last; gives
    /// whether it was.
    pub(crate) async fn renew(&mut self) -> Result<bool, Fault> {
        match self {
            Self::Firefox(firefox) => firefox.renew().await.map(|()| true),
            Self::WebKit(webkit) => webkit.renew().await.map(|()| true),
            Self::Tab(_) | Self::Driver(..) => Ok(false),
        }
    }

    /// Refuses what a shot asks for and this browser cannot do.
    pub(crate) fn admit(&self, shot: &Shot) -> Result<(), Error> {
        match self {
            Self::Firefox(_) => firefox::admit(shot),
            Self::WebKit(_) => webkit::admit(shot),
            Self::Tab(_) | Self::Driver(..) => Ok(()),
        }
    }

    /// Whether the browser runs on this machine.
    pub(crate) fn is_here(&self) -> bool {
        !matches!(self, Self::Driver(_, None))
    }

    /// The process that was started for it, which also names its group.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Self::Tab(tab) => tab.pid(),
            Self::Firefox(firefox) => Some(firefox.pid()),
            Self::WebKit(webkit) => webkit.pid(),
            Self::Driver(_, driver) => driver.as_ref().map(Driver::pid),
        }
    }

    /// Whether the browser or its driver has gone.
    pub(crate) fn has_ended(&mut self) -> bool {
        match self {
            Self::Tab(tab) => tab.told().lost.is_some(),
            Self::Firefox(firefox) => firefox.has_ended(),
            Self::WebKit(webkit) => webkit.has_ended(),
            Self::Driver(_, driver) => driver.as_mut().is_some_and(Driver::has_ended),
        }
    }

    /// Ends the session and waits until nothing of it is left. What no longer answers is not
    /// asked.
    pub(crate) async fn close(self, answers: bool) {
        match self {
            Self::Tab(tab) => tab.close().await,
            Self::Firefox(firefox) => firefox.close(answers).await,
            Self::WebKit(webkit) => webkit.close().await,
            Self::Driver(wire, driver) => {
                if answers || driver.is_none() {
                    // What does not end when asked is ended below.
                    let _ = wire.delete().await;
                }
                drop(wire);
                if let Some(driver) = driver {
                    driver.end().await;
                }
            }
        }
    }
}
