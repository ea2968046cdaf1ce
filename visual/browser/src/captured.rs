//! The photograph, and what was seen on the way to it.

use std::{fmt, time::Duration};

use serde::Deserialize;

use crate::{Layout, Rect};

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
    /// The whole page, or the box of the element that the picture was clipped to, as PNG.
    pub png: Vec<u8>,
    /// Width in device pixels.
    pub width: u32,
    /// Height in device pixels.
    pub height: u32,
    /// What was painted over, in device pixels of the picture, sorted.
    pub masks: Vec<Rect>,
    /// Selectors of `hide`, `remove` and `mask` that matched nothing.
    pub unmatched: Vec<String>,
    /// Status of the answer that made the page; `None` for files.
    pub status: Option<u16>,
    /// Address of the page in the end, after redirects.
    pub final_url: String,
    /// Pictures, styles, scripts, fonts and requests that failed, as far as the page itself can
    /// know; at most 100.
    pub failed_resources: Vec<FailedResource>,
    /// What stood where, in device pixels of the picture; empty when the shot did not ask for it.
    pub layout: Layout,
    /// Where the time went.
    pub timings: Timings,
}

/// Something that a page asked for and did not get.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct FailedResource {
    /// Its whole address, which may hold a secret in its query.
    pub url: String,
    /// The status that it was answered with, from 400 on; `None` when there was no answer, or
    /// when the page may not know it.
    pub status: Option<u16>,
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
            .field("layout", &format_args!("{} elements", self.layout.len()))
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
    /// Doing the steps, and waiting for what is waited for.
    pub steps: Duration,
    /// Bringing it to rest.
    pub settle: Duration,
    /// Taking pictures until two are the same.
    pub frames: Duration,
    /// How many pictures that took.
    pub frame_count: u32,
}
