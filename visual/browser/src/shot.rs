//! What to photograph, and the photograph.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// One page view to capture.
#[derive(Clone, Debug)]
pub struct Shot {
    /// Absolute address; `http` or `https` unless `allow_file` is set.
    pub url: String,
    /// The window as the page sees it.
    pub viewport: Viewport,
    /// CSS selectors of elements that are made invisible; they keep their place.
    pub hide: Vec<String>,
    /// Areas that are painted over in the picture.
    pub mask: Vec<Mask>,
    /// Extra request headers. The browser sends them with *every* request of the page, those to
    /// other origins included, so a secret belongs in `basic_auth` or a cookie instead.
    pub headers: Vec<(String, String)>,
    /// Cookies set before the page is asked for, for the origin of `url` unless they say
    /// otherwise.
    pub cookies: Vec<Cookie>,
    /// User and password for the origin of `url`. The browser gives them to that origin only,
    /// and only when it asks for them.
    pub basic_auth: Option<BasicAuth>,
    /// How the page is brought to rest.
    pub settle: Settle,
    /// How long the page may take until its load event. Default 30 s.
    pub page_deadline: Duration,
    /// Allows `file:` addresses. Off by default: a page list from elsewhere must not read files.
    pub allow_file: bool,
    /// The highest page that is captured, in CSS pixels. Default 50,000.
    pub max_height: u32,
    /// Asks for smaller files, which take longer to make. Off by default.
    pub compact: bool,
}

impl Shot {
    /// A page at 1280x720 and the default settings.
    pub fn of(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            viewport: Viewport { width: 1280, height: 720, scale: 1.0 },
            hide: Vec::new(),
            mask: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            basic_auth: None,
            settle: Settle::default(),
            page_deadline: Duration::from_secs(30),
            allow_file: false,
            max_height: 50_000,
            compact: false,
        }
    }
}

/// The window as the page sees it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Viewport {
    /// Width in CSS pixels.
    pub width: u32,
    /// Height in CSS pixels. The picture is as high as the page, and at least this high.
    pub height: u32,
    /// Device pixels for each CSS pixel.
    pub scale: f64,
}

/// An area that is painted over with a flat grey before the picture is taken, so that what moves
/// in it neither keeps the page from settling nor reaches the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Mask {
    /// The boxes of all elements that match this CSS selector.
    Selector(String),
    /// A rectangle in CSS pixels from the top left of the page.
    Area(Rect),
}

/// A rectangle, in the unit that its place says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rect {
    /// Distance from the left.
    pub x: u32,
    /// Distance from the top.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A cookie to set before the page is asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Name.
    pub name: String,
    /// Value; not shown by `Debug`.
    pub value: String,
    /// Domain, where it is not the host of the page alone.
    pub domain: Option<String>,
    /// Path, where it is not `/`.
    pub path: Option<String>,
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie")
            .field("name", &self.name)
            .field("domain", &self.domain)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// User and password. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct BasicAuth {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BasicAuth")
    }
}

/// How a page is brought to rest before its picture is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Settle {
    /// How long the page may take to come to rest once it has loaded. Default 10 s.
    pub deadline: Duration,
    /// The moment that `Date` shows, in milliseconds since 1970 in UTC; `None` leaves the real
    /// clock. Default: 2020-01-01 12:00. `performance.now` keeps running, so that movements that
    /// a script paces by it come to their end.
    pub clock: Option<i64>,
    /// Seed of `Math.random` and `crypto.randomUUID`; `None` leaves them random. Default 1.
    pub seed: Option<u32>,
    /// Timers of at least this length never fire while a page is captured, so that the picture
    /// shows the page in its first moments whatever its carousels and tickers would do later;
    /// `None` lets all of them run. Default 1 s.
    pub hold_timers: Option<Duration>,
}

impl Default for Settle {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            clock: Some(1_577_880_000_000),
            seed: Some(1),
            hold_timers: Some(Duration::from_secs(1)),
        }
    }
}

/// How far a session or a capture has come, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The driver's process is about to be started.
    DriverStarting,
    /// The driver listens; `pid` is also the id of its process group.
    DriverStarted {
        /// Process id.
        pid: u32,
    },
    /// The browser is there.
    SessionOpen,
    /// The page is being asked for.
    Navigating,
    /// The page has loaded and is being brought to rest.
    Settling,
    /// The picture is being taken.
    Capturing,
    /// The picture is there.
    Captured,
}

/// The picture of a page, and what was seen on the way.
#[derive(Clone)]
pub struct Capture {
    /// The whole page as PNG.
    pub png: Vec<u8>,
    /// Width in device pixels.
    pub width: u32,
    /// Height in device pixels.
    pub height: u32,
    /// What was painted over, in device pixels of the picture, sorted.
    pub masks: Vec<Rect>,
    /// Selectors of `hide` and `mask` that matched nothing.
    pub unmatched: Vec<String>,
    /// Status of the answer that made the page; `None` for files.
    pub status: Option<u16>,
    /// Address of the page in the end, after redirects.
    pub final_url: String,
    /// Addresses of pictures, styles, scripts, fonts and requests that failed, as far as the page
    /// itself can know; at most 100.
    pub failed_resources: Vec<String>,
    /// Where the time went.
    pub timings: Timings,
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("png", &format_args!("{} bytes", self.png.len()))
            .field("width", &self.width)
            .field("height", &self.height)
            .field("masks", &self.masks)
            .field("unmatched", &self.unmatched)
            .field("status", &self.status)
            .field("final_url", &self.final_url)
            .field("failed_resources", &self.failed_resources)
            .field("timings", &self.timings)
            .finish()
    }
}

/// Where the time of a capture went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Cleaning up after the page before, and setting up this one.
    pub prepare: Duration,
    /// From asking for the page to its load event.
    pub load: Duration,
    /// Bringing it to rest.
    pub settle: Duration,
    /// Taking pictures until two are the same.
    pub frames: Duration,
    /// How many pictures that took.
    pub frame_count: u32,
}
