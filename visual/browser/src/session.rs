//! A browser, and the way from an address to a picture.

use std::{mem, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};
use url::Url;

use crate::{
    Capture, DriverAt, Error, Launch, Rect, Settle, Shot, Stage, Timings,
    apply::Applied,
    channel::Channel,
    driver::Driver,
    firefox::Firefox,
    navigate, open,
    outcome::{self, check_page, moved_on, never_settled},
    settle::{self, PageReport},
    snapshot, stillness,
    webkit::WebKit,
    wire::Fault,
};

/// For commands that only set something.
pub(crate) const SETTING: Duration = Duration::from_secs(10);
/// For one picture, however large.
const PICTURE: Duration = Duration::from_mins(1);
/// What a page's own deadline is exceeded by before its scripts count as stuck.
pub(crate) const MARGIN: Duration = Duration::from_secs(3);
/// How long what the page itself does not know of may be on its way.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at what is on its way.
const LOOK: Duration = Duration::from_millis(10);
/// How many pictures in a row have to be the same where something is painted in between.
const ALIKE: u32 = 3;
/// Between two pictures that were not the same.
pub(crate) const BETWEEN: Duration = Duration::from_millis(50);

/// One browser. Captures one page after the other, each from a clean state: no cookies, storage,
/// cache or credentials of the one before.
///
/// Dropping it ends the browser too, and blocks for that (at most two and a half seconds); a
/// browser at a remote driver is then asked to end in the background. [`Session::close`] is kinder.
pub struct Session {
    launch: Launch,
    // It is there until the session is closed.
    pub(crate) channel: Option<Channel>,
    pub(crate) set: Applied,
    /// It has to be replaced before it can be used again.
    broken: bool,
    /// A script of the page keeps the browser from answering anything.
    stuck: bool,
}

impl Session {
    /// Starts a browser.
    pub async fn open(launch: &Launch, on: &(dyn Fn(Stage) + Sync)) -> Result<Self, Error> {
        let until = Instant::now() + launch.start_deadline;
        if launch.proxy.is_some() && !matches!(launch.driver, DriverAt::Chromium { .. }) {
            return Err(Error::Unsupported {
                setting: "proxy",
                browser: "a browser that is not a Chromium on this machine",
            });
        }
        let channel = match &launch.driver {
            DriverAt::Chromium { chromium } => {
                Channel::Tab(launch.pool.tab(chromium, launch, until, on).await?)
            }
            DriverAt::Firefox { geckodriver, firefox } => {
                let started =
                    Firefox::start(geckodriver, firefox.as_deref(), launch, until, on).await?;
                Channel::Firefox(Box::new(started))
            }
            DriverAt::WebKit { minibrowser, xvfb } => {
                let started = WebKit::start(minibrowser, xvfb, launch, until, on).await?;
                Channel::WebKit(Box::new(started))
            }
            DriverAt::Local { chromedriver, chromium } => {
                let program = open::chromedriver(chromedriver);
                let driver = Driver::start(&program, launch, until, on).await?;
                let (driver, wire) =
                    open::local(driver, launch, chromium.as_deref(), until).await?;
                Channel::Driver(Box::new(wire), Some(driver))
            }
            DriverAt::Remote { url } => {
                Channel::Driver(Box::new(open::remote(url, launch, until).await?), None)
            }
        };
        let session = Self {
            launch: launch.clone(),
            channel: Some(channel),
            set: Applied::default(),
            broken: false,
            stuck: false,
        };
        on(Stage::SessionOpen);
        Ok(session)
    }

    /// Takes a picture of a page. After an error that [ends the session](Error::ends_session) the
    /// next capture starts a new browser by itself.
    pub async fn capture(
        &mut self,
        shot: &Shot,
        on: &(dyn Fn(Stage) + Sync),
    ) -> Result<Capture, Error> {
        let url = navigate::admissible(&shot.url, shot.allow_file)?;
        self.wire()?.admit(shot)?;
        let started = Instant::now();
        if self.broken || !self.fits(&url, shot) {
            self.reopen().await?;
        }
        // Until it is known how this ends: a future that is dropped half-way leaves a browser
        // in the middle of something.
        self.begin();
        let captured = self.capture_page(&url, shot, started, on).await;
        self.ended(captured.as_ref().is_err_and(Error::ends_session));
        captured
    }

    /// Something begins that a dropped future would leave half done.
    pub(crate) fn begin(&mut self) {
        self.broken = true;
        self.stuck = false;
    }

    /// It is over, and has lost the browser or not.
    pub(crate) fn ended(&mut self, is_lost: bool) {
        self.broken = self.stuck || is_lost;
    }

    /// Whether it has to be replaced before it can be used again.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether the browser runs on this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.channel.as_ref().is_some_and(Channel::is_here)
    }

    /// Takes a picture of a page, and tries again in a new browser, at another node of a Grid for
    /// instance, when the one at work is lost: up to `retries` times. Gives the last error; other
    /// errors are not tried again.
    pub async fn capture_again(
        &mut self,
        shot: &Shot,
        retries: u32,
        on: &(dyn Fn(Stage) + Sync),
    ) -> Result<Capture, Error> {
        let mut left = retries;
        loop {
            match self.capture(shot, on).await {
                Err(error) if error.ends_session() && left > 0 => left -= 1,
                captured => return captured,
            }
        }
    }

    /// Ends the browser and waits until nothing of it is left.
    pub async fn close(mut self) {
        let answers = !self.broken;
        if let Some(channel) = self.channel.take() {
            channel.close(answers).await;
        }
    }

    /// The process of the driver, or of the browser where there is none; it also names its group.
    /// `None` for a remote driver.
    pub fn driver_pid(&self) -> Option<u32> {
        self.channel.as_ref().and_then(Channel::pid)
    }

    pub(crate) async fn reopen(&mut self) -> Result<(), Error> {
        let new = Self::open(&self.launch, &|_| {}).await?;
        mem::replace(self, new).close().await;
        Ok(())
    }

    /// Credentials cannot be taken from a browser again.
    fn fits(&self, url: &Url, shot: &Shot) -> bool {
        match self.set.credentials.get(&url.origin().ascii_serialization()) {
            Some(known) => shot.basic_auth.as_ref() == Some(known),
            None => true,
        }
    }

    async fn capture_page(
        &mut self,
        url: &Url,
        shot: &Shot,
        started: Instant,
        on: &(dyn Fn(Stage) + Sync),
    ) -> Result<Capture, Error> {
        self.clean().await?;
        // The deadline is not part of the script.
        let settle = Settle { deadline: Duration::ZERO, ..shot.settle.clone() };
        let origin = url.origin().ascii_serialization();
        self.apply(url, shot, settle::before(&settle, &origin, &shot.storage)).await?;
        let mut timings = Timings { prepare: started.elapsed(), ..Timings::default() };
        on(Stage::Navigating);
        let asked = Instant::now();
        self.set.has_page = true;
        self.set.origins = vec![url.origin().ascii_serialization()];
        self.load(url, shot).await?;
        timings.load = asked.elapsed();
        let acting = Instant::now();
        self.act(shot).await?;
        timings.steps = acting.elapsed();
        on(Stage::Settling);
        let loaded = Instant::now();
        let mut report = self.settle(shot, loaded).await?;
        if self.expects_more()? {
            // A background, for instance, of which the page itself knows nothing.
            while self.expects_more()? && loaded.elapsed() < shot.settle.deadline.min(PATIENCE) {
                sleep(LOOK).await;
            }
            report = self.settle(shot, loaded).await?;
        }
        check_page(url, shot, &report)?;
        timings.settle = loaded.elapsed();
        on(Stage::Capturing);
        let first = Instant::now();
        let png = self.still_picture(url, shot, loaded, &mut report, &mut timings).await?;
        timings.frames = first.elapsed();
        let snapshot = if shot.layout {
            let asked = self.wire()?.snapshot(SETTING).await;
            asked.map_err(|fault| self.failed(snapshot::COMMAND, fault))?
        } else {
            None
        };
        on(Stage::Captured);
        outcome::capture(shot, png, snapshot, report, timings)
    }

    pub(crate) async fn load(&mut self, url: &Url, shot: &Shot) -> Result<(), Error> {
        let here = self.wire()?.is_here() && !navigate::uses_proxy(&self.launch);
        let origin = url.origin().ascii_serialization();
        if let Some(auth) = &shot.basic_auth
            && !self.set.credentials.contains_key(&origin)
        {
            // In the address they are given to this origin alone, and remembered. The page itself
            // must not be seen under that address: its own requests would be refused there.
            let mut with = url.clone();
            let set = with.set_username(&auth.user).and(with.set_password(Some(&auth.password)));
            if set.is_err() {
                let reason = "an address of this kind takes no user and password".to_owned();
                return Err(Error::BadUrl { reason });
            }
            self.set.credentials.insert(origin, auth.clone());
            navigate::load(self.wire()?, &with, shot.page_deadline, here).await?;
        }
        navigate::load(self.wire()?, url, shot.page_deadline, here).await
    }

    /// Brings the page to rest, or says what it was still waiting for at the deadline.
    async fn settle(&mut self, shot: &Shot, loaded: Instant) -> Result<PageReport, Error> {
        loop {
            let left = shot.settle.deadline.saturating_sub(loaded.elapsed());
            let evaluate = json!({
                "expression": settle::expression(shot, left),
                "awaitPromise": true,
                "returnByValue": true,
            });
            let answer = self.wire()?.devtools("Runtime.evaluate", &evaluate, left + MARGIN).await;
            match answer {
                Ok(answer) => {
                    let mut report = settle::read(&answer)?;
                    if report.status == 0 {
                        report.status = self.wire()?.status();
                    }
                    return Ok(report);
                }
                // A page that goes on to another one takes the script with it.
                Err(Fault::Answer(_, text)) if moved_on(&text) && !left.is_zero() => {
                    sleep(BETWEEN).await;
                }
                Err(Fault::Deadline(_)) if !self.driver_has_ended() => {
                    self.stuck = true;
                    let what = "a script of the page does not end".to_owned();
                    return Err(never_settled(shot, what, [Vec::new(), Vec::new()]));
                }
                Err(fault) => return Err(self.failed("settling the page", fault)),
            }
        }
    }

    /// Takes pictures until one is known to show the page at rest.
    async fn still_picture(
        &mut self,
        url: &Url,
        shot: &Shot,
        loaded: Instant,
        report: &mut PageReport,
        timings: &mut Timings,
    ) -> Result<Vec<u8>, Error> {
        self.watch_paints().await?;
        let before = if report.observable { self.traces_before().await? } else { None };
        let mut last = self.picture(shot, report).await?;
        timings.frame_count = 1;
        if let Some(before) = before
            && report.waiting.is_empty()
            && self.was_still(&before, watched(report)).await?
            && self.is_still_there(report).await?
        {
            return Ok(last);
        }
        let mut alike = 0;
        loop {
            let paints = self.paints()?;
            // What a timer does shows only once it has fired.
            sleep(stillness::TAIL.max(watched(report)) + BETWEEN * alike).await;
            // What is painted all the time may look the same by chance.
            let enough = if self.paints()? == paints { 1 } else { ALIKE };
            let next = self.picture(shot, report).await?;
            timings.frame_count += 1;
            let same = next == last;
            alike = if same { alike + 1 } else { 0 };
            // What is below the picture shows in its height alone.
            let rests = alike >= enough && report.waiting.is_empty();
            if rests && self.is_still_there(report).await? {
                return Ok(next);
            }
            if loaded.elapsed() >= shot.settle.deadline {
                let what = match mem::take(&mut report.waiting) {
                    waiting if same && !waiting.is_empty() => waiting,
                    _ if same => "the page keeps growing or moving on".to_owned(),
                    _ => "the picture keeps changing".to_owned(),
                };
                return Err(never_settled(shot, what, [last, next]));
            }
            last = next;
            if same && alike < enough {
                continue;
            }
            sleep(BETWEEN).await;
            // New animations may have begun and the height may have changed.
            let before = (report.height, report.clip);
            *report = self.settle(shot, loaded).await?;
            check_page(url, shot, report)?;
            self.watch_paints().await?;
            if (report.height, report.clip) != before {
                last = self.picture(shot, report).await?;
            }
        }
    }

    /// Whether the page has neither changed its height nor gone on to another one.
    async fn is_still_there(&self, report: &PageReport) -> Result<bool, Error> {
        let evaluate = json!({ "expression": settle::WHERE, "returnByValue": true });
        match self.wire()?.devtools("Runtime.evaluate", &evaluate, SETTING).await {
            Ok(answer) => Ok(answer["result"]["value"] == json!([report.height, report.url])),
            Err(Fault::Answer(_, text)) if moved_on(&text) => Ok(false),
            Err(fault) => Err(self.failed("looking at the page", fault)),
        }
    }

    async fn picture(&self, shot: &Shot, report: &PageReport) -> Result<Vec<u8>, Error> {
        let width = if shot.viewport.mobile { report.width } else { shot.viewport.width };
        let whole = Rect { x: 0, y: 0, width, height: report.height };
        let Rect { x, y, width, height } = report.clip.unwrap_or(whole);
        let clip = json!({ "x": x, "y": y, "width": width, "height": height, "scale": 1 });
        let params = json!({
            "format": "png",
            "captureBeyondViewport": true,
            "fromSurface": true,
            "optimizeForSpeed": !shot.compact,
            "clip": clip,
        });
        let command = "Page.captureScreenshot";
        let answer = self.wire()?.devtools(command, &params, PICTURE).await;
        let answer = answer.map_err(|fault| self.failed(command, fault))?;
        let data = answer["data"].as_str().and_then(|data| STANDARD.decode(data).ok());
        data.ok_or_else(|| Error::Protocol {
            command: command.to_owned(),
            reason: "the answer holds no picture".to_owned(),
        })
    }

    pub(crate) async fn tell(&self, command: &str, params: Value) -> Result<Value, Error> {
        let answer = self.wire()?.devtools(command, &params, SETTING).await;
        answer.map_err(|fault| self.failed(command, fault))
    }

    pub(crate) fn wire(&self) -> Result<&Channel, Error> {
        self.channel
            .as_ref()
            .ok_or_else(|| Error::SessionLost { reason: "it was closed".to_owned() })
    }

    fn driver_has_ended(&mut self) -> bool {
        self.channel.as_mut().is_some_and(Channel::has_ended)
    }

    #[expect(clippy::unused_self, reason = "reads as what happened to this session")]
    pub(crate) fn failed(&self, command: &str, fault: Fault) -> Error {
        match fault {
            Fault::Answer(..) | Fault::PageTimeout => {
                Error::Protocol { command: command.to_owned(), reason: fault.to_string() }
            }
            Fault::Deadline(_) => Error::SessionLost { reason: format!("{command}: {fault}") },
            Fault::Lost(reason) => Error::SessionLost { reason },
        }
    }
}

/// How long it takes for the next thing that is known to happen, within limits.
fn watched(report: &PageReport) -> Duration {
    Duration::from_millis(report.watch.min(1000))
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(Channel::Driver(wire, None)) = self.channel.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                let _ = wire.delete().await;
            });
        }
    }
}
