//! A page as somebody sees it who has never been there: nothing is photographed, and what the
//! browser itself measured of it is read.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;

use crate::{
    BasicAuth, Cookie, Error, Processor, Requested, Session, Settle, Shot, Viewport,
    channel::Channel,
    navigate,
    outcome::{check_page, moved_on},
    session::{BETWEEN, MARGIN},
    settle::PageReport,
    stay::{self, Sight},
    wire::Fault,
};

const VITALS: &str = include_str!("js/vitals.js");
const VISITED: &str = include_str!("js/visited.js");
/// A page is at rest when for so long nothing has been painted that counts, and nothing is on its
/// way.
const QUIET: Duration = Duration::from_millis(500);

/// A page to visit.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Absolute address, `http` or `https`.
    pub url: String,
    /// The window as the page sees it.
    pub viewport: Viewport,
    /// Extra request headers, for the origin of `url` only. Requests to it are held up for a moment
    /// where there are any.
    pub headers: Vec<(String, String)>,
    /// Cookies that are there before the page is asked for.
    pub cookies: Vec<Cookie>,
    /// User and password for the origin of `url`; not for a browser elsewhere.
    pub basic_auth: Option<BasicAuth>,
    /// How long the page may take until its load event. Default 30 s.
    pub page_deadline: Duration,
    /// How long it may take to come to rest after that. Default 5 s.
    pub rest_deadline: Duration,
    /// CSS selectors of what is looked for on the page.
    pub sights: Vec<String>,
}

impl Visit {
    /// A page at 1280x720 and the default settings.
    pub fn of(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            viewport: Viewport::default(),
            headers: Vec::new(),
            cookies: Vec::new(),
            basic_auth: None,
            page_deadline: Duration::from_secs(30),
            rest_deadline: Duration::from_secs(5),
            sights: Vec::new(),
        }
    }

    /// The same for those parts of a session that prepare a page for its picture.
    pub(crate) fn shot(&self) -> Shot {
        let mut headers = self.headers.clone();
        if let Some(BasicAuth { user, password }) = &self.basic_auth {
            // In an address it would have to be asked for twice, and would then be known already.
            let pair = STANDARD.encode(format!("{user}:{password}"));
            headers.push(("authorization".to_owned(), format!("Basic {pair}")));
        }
        Shot {
            viewport: self.viewport,
            headers,
            cookies: self.cookies.clone(),
            page_deadline: self.page_deadline,
            // A visitor's clock runs, and whatever moves on the page moves.
            settle: Settle { clock: None, seed: None, hold_timers: None, ..Settle::default() },
            reduced_motion: false,
            ..Shot::of(&self.url)
        }
    }
}

/// What a visit has shown. Times count from the instant at which the page was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Visited {
    /// Status of the answer that made the page; none when unknown.
    pub status: Option<u16>,
    /// Address of the page in the end.
    pub final_url: String,
    /// Until the first byte of the page.
    pub first_byte: Option<Duration>,
    /// Until the first text or picture was painted; none when nothing was.
    pub first_contentful_paint: Option<Duration>,
    /// Until the largest text or picture in the window was painted; none when nothing was.
    pub largest_contentful_paint: Option<Duration>,
    /// How much of the window has moved by itself, and how far: the worst of all
    /// [session windows](cumulative_layout_shift).
    pub cumulative_layout_shift: f64,
    /// Until the load event.
    pub loaded: Option<Duration>,
    /// Whether the page came to rest before its deadline; what was measured may have changed after
    /// that otherwise.
    pub is_at_rest: bool,
    /// What the browser's processes had of the processors meanwhile; none where nobody tells, or it
    /// runs elsewhere.
    pub processor: Option<Processor>,
    /// What was looked for, in the order of [`Visit::sights`].
    pub sights: Vec<Sight>,
    /// What was asked for, in this order. Chromium on this machine tells; others have none.
    pub requests: Vec<Requested>,
}

/// What the page says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Read {
    url: String,
    text: String,
    status: u16,
    /// When the document was asked for, in milliseconds since 1970.
    began: Option<f64>,
    first_byte: Option<f64>,
    loaded: Option<f64>,
    fcp: Option<f64>,
    lcp: Option<f64>,
    /// When, in milliseconds, and how much; none for a document that was not prepared.
    shifts: Option<Vec<(f64, f64)>>,
    /// For how many milliseconds nothing was measured.
    quiet: f64,
}

impl Session {
    /// Visits a page with nothing that an earlier one has left behind: no cookies, storage, cache
    /// or open connections. (A browser elsewhere keeps its connections.) After an error that
    /// [ends the session](Error::ends_session) the next visit starts a new browser by itself.
    pub async fn visit(&mut self, visit: &Visit) -> Result<Visited, Error> {
        let url = navigate::admissible(&visit.url, false)?;
        let refused = |setting, browser| Err(Error::Unsupported { setting, browser });
        match self.wire()? {
            Channel::Firefox(_) => return refused("visit", "Firefox"),
            Channel::WebKit(_) => return refused("visit", "WebKitGTK"),
            // It would send them to every server that the page asks.
            Channel::Driver(..) if visit.basic_auth.is_some() => {
                return refused("basic_auth", "a browser behind a driver");
            }
            Channel::Tab(_) | Channel::Driver(..) => {}
        }
        if self.is_broken() || self.has_connections() {
            self.reopen().await?;
        }
        self.begin();
        let visited = self.visited(&url, visit).await;
        self.ended(visited.as_ref().is_err_and(Error::ends_session));
        visited
    }

    /// A tab that has shown a page still has its connections, and what else a server may know it by.
    fn has_connections(&self) -> bool {
        matches!(&self.channel, Some(Channel::Tab(_))) && self.set.has_page
    }

    async fn visited(&mut self, url: &Url, visit: &Visit) -> Result<Visited, Error> {
        self.clean().await?;
        self.seen_page(url, visit).await
    }

    /// Opens a page with what the browser knows already, and waits until it is at rest.
    pub(crate) async fn seen_page(&mut self, url: &Url, visit: &Visit) -> Result<Visited, Error> {
        let shot = &visit.shot();
        let script = format!("{VITALS}{}", stay::script(&visit.sights));
        self.apply(url, shot, script).await?;
        let group = self.driver_pid().filter(|_| self.is_here());
        let before = group.and_then(Processor::of_group);
        self.set.has_page = true;
        self.set.origins = vec![url.origin().ascii_serialization()];
        self.wire()?.trace(true);
        self.load(url, shot).await?;
        let (read, is_at_rest) = self.at_rest(visit).await?;
        let requests = self.wire()?.trace(false);
        let report = PageReport {
            url: read.url.clone(),
            status: read.status,
            error_page: read.text.clone(),
            ..PageReport::default()
        };
        check_page(url, shot, &report)?;
        let after = group.and_then(Processor::of_group);
        // A script that leads on to another page has that page's clocks begin anew.
        let is_led_on = self.wire()?.told().is_some_and(|told| told.documents.len() > 1);
        let asked = requests.first().map(|first| first.begun);
        let lost = read.began.zip(asked).filter(|_| is_led_on);
        let lost =
            lost.and_then(|(began, asked)| Duration::try_from_secs_f64(began / 1e3 - asked).ok());
        let mut visited = read.visited(lost.unwrap_or_default());
        visited.is_at_rest = is_at_rest;
        visited.processor = after.zip(before).map(|(after, before)| after.since(before));
        visited.requests = requests;
        visited.sights = self.sights(visit).await?;
        Ok(visited)
    }

    /// What the page that is open says once it is at rest, without opening it.
    pub(crate) async fn looked(&mut self, visit: &Visit) -> Result<Visited, Error> {
        let (read, is_at_rest) = self.at_rest(visit).await?;
        let sights = self.sights(visit).await?;
        Ok(Visited { is_at_rest, sights, ..read.visited(Duration::ZERO) })
    }

    /// Waits until the page is at rest, or its deadline; gives what it says then and whether it was.
    async fn at_rest(&mut self, visit: &Visit) -> Result<(Read, bool), Error> {
        let loaded = Instant::now();
        loop {
            let evaluate =
                json!({ "expression": VISITED, "awaitPromise": true, "returnByValue": true });
            let limit = visit.rest_deadline + MARGIN;
            let read = match self.wire()?.devtools("Runtime.evaluate", &evaluate, limit).await {
                Ok(answer) => read(&answer)?,
                // A page that goes on to another one takes the script with it.
                Err(Fault::Answer(_, text))
                    if moved_on(&text) && loaded.elapsed() < visit.rest_deadline =>
                {
                    sleep(BETWEEN).await;
                    continue;
                }
                Err(fault) => return Err(self.failed("reading what the page measured", fault)),
            };
            // What was there before the load event is no rest after it.
            let quiet = Duration::try_from_secs_f64(read.quiet.max(0.0) / 1e3);
            let quiet = quiet.unwrap_or(Duration::MAX).min(loaded.elapsed());
            // What its scripts still ask for may become the largest thing on it, once it is painted.
            if quiet >= QUIET && !self.expects_more()? && !self.asks_for_more(QUIET)? {
                return Ok((read, true));
            }
            if loaded.elapsed() >= visit.rest_deadline {
                return Ok((read, false));
            }
            sleep(QUIET.saturating_sub(quiet).max(2 * BETWEEN)).await;
        }
    }
}

fn read(answer: &Value) -> Result<Read, Error> {
    let failed = |reason: String| Error::Protocol { command: "reading the page".into(), reason };
    if let Some(thrown) = answer.get("exceptionDetails") {
        return Err(failed(thrown["text"].as_str().unwrap_or("an exception").to_owned()));
    }
    Read::deserialize(&answer["result"]["value"]).map_err(|error| failed(error.to_string()))
}

impl Read {
    /// What it comes to, so long after the first document was asked for.
    fn visited(self, before: Duration) -> Visited {
        let millis = |time: Option<f64>| {
            let time = time.filter(|time| time.is_finite() && (0.0..1e9).contains(time));
            time.map(|time| before + Duration::from_secs_f64(time / 1e3))
        };
        Visited {
            status: Some(self.status).filter(|status| *status != 0),
            final_url: self.url,
            first_byte: millis(self.first_byte),
            first_contentful_paint: millis(self.fcp),
            largest_contentful_paint: millis(self.lcp),
            cumulative_layout_shift: cumulative_layout_shift(&self.shifts.unwrap_or_default()),
            loaded: millis(self.loaded.filter(|time| *time > 0.0)),
            ..Visited::default()
        }
    }
}

/// The cumulative layout shift out of single shifts, each with its time in milliseconds and its
/// score, in the order of time: the largest sum of a session window, in which no shift is a second or
/// more after the one before and none five seconds or more after the first
/// (<https://web.dev/articles/cls>).
pub fn cumulative_layout_shift(shifts: &[(f64, f64)]) -> f64 {
    let (mut first, mut last) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    let (mut sum, mut worst) = (0.0, 0.0_f64);
    for (at, score) in shifts.iter().filter(|(_, score)| score.is_finite() && *score >= 0.0) {
        if at - last < 1000.0 && at - first < 5000.0 {
            sum += score;
        } else {
            (first, sum) = (*at, *score);
        }
        last = *at;
        worst = worst.max(sum);
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_count_by_the_worst_session_window() {
        let check = |shifts: &[(f64, f64)], expect: f64| {
            let found = cumulative_layout_shift(shifts);
            assert!((found - expect).abs() < 1e-9, "{shifts:?}: {found}");
        };
        check(&[], 0.0);
        check(&[(100.0, 0.2)], 0.2);
        check(&[(100.0, 0.2), (1099.0, 0.1)], 0.3);
        // A second later another window begins, and the worst of both counts.
        check(&[(100.0, 0.2), (1100.0, 0.1)], 0.2);
        check(&[(100.0, 0.1), (1100.0, 0.2), (1500.0, 0.2)], 0.4);
        // A window is no longer than five seconds.
        let steady: Vec<(f64, f64)> = (0..12).map(|at| (f64::from(at) * 500.0, 0.01)).collect();
        check(&steady, 0.1);
        // Who says nonsense changes nothing.
        check(&[(0.0, f64::NAN), (10.0, -1.0), (20.0, 0.05)], 0.05);
    }

    #[test]
    fn what_a_page_says_is_read() {
        let said = json!({ "result": { "value": {
            "url": "http://a.test/", "status": 200, "firstByte": 12.5, "loaded": 0, "fcp": 80,
            "lcp": null, "shifts": [[10, 0.25]], "quiet": 600, "text": "", "more": 1,
        } } });
        let visited = read(&said).unwrap().visited(Duration::ZERO);
        assert_eq!((visited.status, visited.loaded), (Some(200), None));
        assert_eq!(visited.first_byte, Some(Duration::from_micros(12_500)));
        assert_eq!(visited.first_contentful_paint, Some(Duration::from_millis(80)));
        assert_eq!(visited.largest_contentful_paint, None);
        assert!((visited.cumulative_layout_shift - 0.25).abs() < 1e-9);
        let thrown = json!({ "exceptionDetails": { "text": "Uncaught" } });
        assert!(read(&thrown).unwrap_err().to_string().ends_with("Uncaught"));
    }
}
