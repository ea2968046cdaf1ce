//! What to photograph.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{BasicAuth, ColorScheme, Cookie, Step, StoredItem, Until};

/// One page view to capture.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "switches that have nothing to do with another")]
pub struct Shot {
    /// Absolute address; `http` or `https` unless `allow_file` is set.
    pub url: String,
    /// The window as the page sees it.
    pub viewport: Viewport,
    /// What the browser calls itself, to the site and to scripts; `None` leaves its own name.
    pub user_agent: Option<String>,
    /// CSS selector of the one element whose box is the picture; `None` takes the whole page.
    pub clip: Option<String>,
    /// CSS selectors of elements that are made invisible; they keep their place.
    pub hide: Vec<String>,
    /// CSS selectors of elements that are taken out of the page (`display: none`).
    pub remove: Vec<String>,
    /// Areas that are painted over in the picture.
    pub mask: Vec<Mask>,
    /// Extra request headers. A Chromium on this machine sends them to the origin of `url` only.
    /// Any other browser sends them with *every* request of the page, those to other origins
    /// included; there a secret belongs in `basic_auth`, a cookie or `storage` instead.
    pub headers: Vec<(String, String)>,
    /// Cookies set before the page is asked for, for the origin of `url` unless they say
    /// otherwise.
    pub cookies: Vec<Cookie>,
    /// User and password for the origin of `url`. The browser gives them to that origin only,
    /// and only when it asks for them.
    pub basic_auth: Option<BasicAuth>,
    /// What the storage of the origin of `url` holds.
    pub storage: Vec<StoredItem>,
    /// What is done once the page has loaded, one after the other.
    pub steps: Vec<Step>,
    /// What has to have come about then, each in turn.
    pub waits: Vec<Until>,
    /// How long each step and each wait may take; a [`Until::Delay`] may be longer. Default 10 s.
    pub step_deadline: Duration,
    /// `prefers-color-scheme`; `None` leaves what the browser says of itself, which is light.
    pub color_scheme: Option<ColorScheme>,
    /// `prefers-reduced-motion`. On by default.
    pub reduced_motion: bool,
    /// The language that is asked for and that numbers and dates are shown in, as a BCP 47 tag
    /// such as `de-DE`; `None` leaves `en-US`.
    pub locale: Option<String>,
    /// An IANA name such as `Europe/Berlin`. Default `UTC`.
    pub time_zone: String,
    /// How the page is brought to rest.
    pub settle: Settle,
    /// How long the page may take until its load event. Default 30 s.
    pub page_deadline: Duration,
    /// Allows `file:` addresses. Off by default: a page list from elsewhere must not read files.
    pub allow_file: bool,
    /// The highest page that is captured, in CSS pixels. Default 50,000.
    pub max_height: u32,
    /// Records what stood where on the page, for [`Layout::explain`](crate::Layout::explain). On
    /// by default.
    pub layout: bool,
    /// Asks for smaller files, which take longer to make. Off by default: the same pictures of a
    /// site with photographs took 79 MB instead of 59 MB, in less than half of the time.
    pub compact: bool,
}

impl Shot {
    /// A page at 1280x720 and the default settings.
    pub fn of(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            viewport: Viewport::default(),
            user_agent: None,
            clip: None,
            hide: Vec::new(),
            remove: Vec::new(),
            mask: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            basic_auth: None,
            storage: Vec::new(),
            steps: Vec::new(),
            waits: Vec::new(),
            step_deadline: Duration::from_secs(10),
            color_scheme: None,
            reduced_motion: true,
            locale: None,
            time_zone: "UTC".to_owned(),
            settle: Settle::default(),
            page_deadline: Duration::from_secs(30),
            allow_file: false,
            max_height: 50_000,
            layout: true,
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
    /// Whether the page is laid out as on a phone: `<meta name=viewport>` counts, and a page
    /// without one is as wide as a desktop. The picture is then as wide as the layout.
    #[serde(default)]
    pub mobile: bool,
    /// Whether the window is touched: touch events are there, and `hover: none` holds.
    #[serde(default)]
    pub touch: bool,
}

impl Default for Viewport {
    /// 1280x720 at one device pixel for each CSS pixel, neither mobile nor touched.
    fn default() -> Self {
        Self { width: 1280, height: 720, scale: 1.0, mobile: false, touch: false }
    }
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
    /// only what is waited for ([`Until`]) lets them go. `None` lets all of them run. Default 1 s.
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
