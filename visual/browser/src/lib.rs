//! Pages in, pixels and page events out.
//!
//! A [`Session`] is one browser, or a share in one: a Chromium on this machine, spoken to in its
//! own protocol or through ChromeDriver; a Firefox through geckodriver; a WebKitGTK; or whatever a WebDriver
//! endpoint gives that is already there (a Selenium Grid, for instance). [`Session::capture`]
//! takes a [`Shot`] and gives a [`Capture`]: the whole page at an exact viewport, once it has
//! stopped moving, and a [`Layout`] that can tell later *why* a region of the picture changed.
//! [`Session::visit`] takes no picture: it opens a page as somebody does who has never been there, and
//! gives what the browser itself measured of it; [`Session::go_on`] and [`Session::steps`] let the same
//! visitor stay.
//!
//! ```no_run
//! use std::{path::PathBuf, sync::Arc, time::Duration};
//! use visual_browser::{DriverAt, Launch, Session, Shot};
//!
//! # async fn run() -> Result<(), visual_browser::Error> {
//! let launch = Launch::new(
//!     DriverAt::Chromium { chromium: PathBuf::from("/usr/bin/chromium") },
//!     PathBuf::from("/var/tmp/run-1"),
//! );
//! let mut session = Session::open(&launch, &|_| {}).await?;
//! let picture = session.capture(&Shot::of("https://www.example.com/"), &|_| {}).await?;
//! session.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! What holds here and nowhere else in the code:
//!
//! - Every call to a driver or browser has a deadline and runs in a task of its own, so neither one
//!   that hangs nor a panic in the client library reaches the caller.
//! - A browser never outlives the last [`Session`] that uses it: the processes are ended and their
//!   folder removed when that is closed, and also when it, or a future that works on it, is dropped.
//! - This crate prints nothing, exits nowhere, and reads no environment variable.

mod act;
mod apply;
mod capabilities;
mod captured;
mod cause;
mod channel;
mod chromium;
mod device;
mod driver;
mod error;
mod firefox;
mod given;
mod grid;
mod install;
mod keys;
mod launch;
mod layout;
mod navigate;
mod open;
mod outcome;
mod pairing;
mod probe;
pub mod processes;
mod processor;
mod remote;
mod session;
mod settle;
mod shot;
mod snapshot;
mod stay;
mod step;
mod stillness;
mod visit;
mod webkit;
mod wire;

pub use captured::{Capture, FailedResource, Stage, Timings};
pub use cause::{Cause, Causes, Change, What};
pub use chromium::Requested;
pub use device::Device;
pub use error::{Error, Unsettled};
pub use given::{BasicAuth, Cookie, StoredItem};
pub use grid::{Slots, slots};
pub use install::{InstallPlan, install_plan};
pub use launch::{DriverAt, Launch, Seen};
pub use layout::Layout;
pub use probe::{Found, Tool, find};
pub use processor::{Processor, processors};
pub use session::Session;
pub use shot::{Mask, Rect, Settle, Shot, Viewport};
pub use stay::{KeptCookie, Sight};
pub use step::{ColorScheme, ScrollTo, Step, Until};
pub use visit::{Visit, Visited, cumulative_layout_shift};
pub use webkit::minibrowser;
