//! Where a browser comes from.

use std::{ffi::OsString, fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use serde_json::{Map, Value};

use crate::chromium::Pool;

/// Called with a process id that is also the id of its process group.
pub type Seen = Arc<dyn Fn(u32) + Send + Sync>;

/// How to start a browser.
#[derive(Clone)]
pub struct Launch {
    /// Which driver.
    pub driver: DriverAt,
    /// An existing folder of the caller. Each session makes a folder of its own in it and removes
    /// that again. Not used for a remote driver.
    pub scratch: PathBuf,
    /// The whole environment of the driver and the browser, apart from `TMPDIR` and `HOME`, which
    /// point into the session's folder. Nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// Further arguments for the browser.
    pub arguments: Vec<String>,
    /// Further capabilities for a driver, merged into ours: objects key by key, lists one after the other,
    /// anything else replaces what was there.
    pub capabilities: Map<String, Value>,
    /// How much it gives way to other programs of this machine: from 0, which is not at all and the
    /// default, to 19. On Linux only.
    pub niceness: u8,
    /// The processors that it may use, by number; all when there are none, which is the default. On
    /// Linux only.
    pub processors: Vec<usize>,
    /// A proxy that all its requests go through, those to this machine too; none is the default. One that
    /// speaks for other hosts has to be trusted by an argument (`--ignore-certificate-errors-spki-list`).
    /// Only for a Chromium that is spoken to directly; others do not start with it.
    pub proxy: Option<SocketAddr>,
    /// How long driver and browser may take to start. Default 30 s.
    pub start_deadline: Duration,
    /// Called as soon as a driver's process is there, before anything else is done with it, so
    /// that a caller can keep a list of what to end after a crash.
    pub on_spawn: Seen,
    /// Called when that process and all that it started are gone.
    pub on_reaped: Seen,
    /// What the sessions of this launch, and of its clones, share.
    pub(crate) pool: Arc<Pool>,
}

impl Launch {
    /// The default settings for this driver.
    pub fn new(driver: DriverAt, scratch: PathBuf) -> Self {
        Self {
            driver,
            scratch,
            env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
            arguments: Vec::new(),
            capabilities: Map::new(),
            niceness: 0,
            processors: Vec::new(),
            proxy: None,
            start_deadline: Duration::from_secs(30),
            on_spawn: Arc::new(|_| {}),
            on_reaped: Arc::new(|_| {}),
            pool: Arc::default(),
        }
    }
}

impl fmt::Debug for Launch {
    // The environment, the arguments and the capabilities may hold a password of a proxy or a
    // key of a cloud of browsers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("driver", &self.driver)
            .field("scratch", &self.scratch)
            .field("start_deadline", &self.start_deadline)
            .finish_non_exhaustive()
    }
}

/// Which driver to use.
#[derive(Clone)]
pub enum DriverAt {
    /// A Chromium on this machine, without a driver: the fastest way. Up to four sessions of one
    /// [`Launch`] and its clones share a browser, each with cookies, storage and cache of its own.
    Chromium {
        /// The browser's executable.
        chromium: PathBuf,
    },
    /// A Firefox on this machine, through a geckodriver that is started for the session. It has no
    /// layouts, and refuses by name what it cannot be told: mobile and touched windows, dark
    /// colours, motion, basic authentication.
    Firefox {
        /// The driver's executable.
        geckodriver: PathBuf,
        /// The browser's executable; without it the driver looks for one.
        firefox: Option<PathBuf>,
    },
    /// A WebKitGTK on this machine, on a display of its own that is started for the session. It
    /// has no layouts, and refuses by name what it cannot be told: mobile, touched and scaled
    /// windows, steps that take a hand, basic authentication, languages and time zones.
    WebKit {
        /// The MiniBrowser that comes with the library; see [`crate::minibrowser`].
        minibrowser: PathBuf,
        /// The virtual display's executable.
        xvfb: PathBuf,
    },
    /// A ChromeDriver that is started for the session.
    Local {
        /// The driver's executable.
        chromedriver: PathBuf,
        /// The browser's executable; without it the driver looks for one.
        chromium: Option<PathBuf>,
    },
    /// A WebDriver endpoint that is already there. User and password may stand in the address;
    /// they are sent as basic authentication and shown nowhere.
    Remote {
        /// Its address, with or without a slash at the end.
        url: String,
    },
}

impl fmt::Debug for DriverAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chromium { chromium } => {
                f.debug_struct("Chromium").field("chromium", chromium).finish()
            }
            Self::Firefox { geckodriver, firefox } => f
                .debug_struct("Firefox")
                .field("geckodriver", geckodriver)
                .field("firefox", firefox)
                .finish(),
            Self::WebKit { minibrowser, xvfb } => f
                .debug_struct("WebKit")
                .field("minibrowser", minibrowser)
                .field("xvfb", xvfb)
                .finish(),
            Self::Local { chromedriver, chromium } => f
                .debug_struct("Local")
                .field("chromedriver", chromedriver)
                .field("chromium", chromium)
                .finish(),
            Self::Remote { url } => {
                f.debug_struct("Remote").field("url", &crate::remote::shown(url)).finish()
            }
        }
    }
}
