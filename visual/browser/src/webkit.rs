//! WebKitGTK, by the protocol of its inspector.
//!
//! The library comes with a small browser, whose inspector can be reached over a socket. That
//! gives more than its WebDriver does: pictures of whole pages, a script before each document, the
//! status of an answer. What it has no command for is refused before the page is asked for, by
//! name. Every page gets a browser of its own, which is its clean state, and in it a window without
//! bars, of exactly the size that is asked for. It needs a display, and gets one that nobody sees.

mod found;
mod window;

use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

pub use found::minibrowser;
use window::Window;

use crate::{
    Error, Launch, Shot, Stage, Step,
    chromium::{Socket, Told},
    driver::{Driver, Program, announced_by_xvfb, hint_for},
    wire::Fault,
};

/// For commands that only set something.
const SETTING: Duration = Duration::from_secs(10);
/// Between two looks for a window that is being opened.
const LOOK: Duration = Duration::from_millis(10);
/// A display of any number, as large as a window may be. Of its ways in only the one is left that
/// has no file, so that nothing of it outlives it, however it ends.
const DISPLAY: &[&str] = &[
    "-displayfd",
    "1",
    "-screen",
    "0",
    "4096x4096x24",
    "-nolock",
    "-nolisten",
    "unix",
    "-nolisten",
    "tcp",
];

/// The bars of the browser would make its windows wider than a phone.
const NO_BARS: &str = "* { min-width: 0; min-height: 0; padding: 0; margin: 0; \
    border-width: 0; font-size: 1px; -gtk-icon-source: none; }";
/// A page that asks a question must not hold up the picture, nor know of the window before it.
const ALONE: &str = "alert = () => {}; confirm = () => false; prompt = () => null; \
    if (window === top) opener = null;";

/// A `WebKitGTK` of our own.
pub(crate) struct WebKit {
    // The order matters: the browser ends before its display.
    browser: Option<Browser>,
    display: Driver,
    minibrowser: PathBuf,
    launch: Launch,
}

/// The browser of one page.
struct Browser {
    window: Mutex<Option<Arc<Window>>>,
    driver: Driver,
    port: u16,
}

impl WebKit {
    pub(crate) async fn start(
        minibrowser: &Path,
        xvfb: &Path,
        launch: &Launch,
        until: Instant,
        on: &(dyn Fn(Stage) + Sync),
    ) -> Result<Self, Error> {
        let program = Program {
            path: xvfb,
            arguments: &|_| DISPLAY.iter().map(|&part| part.to_owned()).collect(),
            announced: announced_by_xvfb,
            port: None,
            missing: "install Xvfb, or say where it is",
        };
        let display = Driver::start(&program, launch, until, &|_| {}).await?;
        style(display.folder()).map_err(|source| {
            let doing = "cannot write the browser's style".to_owned();
            Error::Io { doing, source }
        })?;
        let browser = Browser::start(minibrowser, &display, launch, until, on).await?;
        let minibrowser = minibrowser.to_owned();
        Ok(Self { browser: Some(browser), display, minibrowser, launch: launch.clone() })
    }

    /// A new browser for the next page; what the last page left goes with its own.
    pub(crate) async fn renew(&mut self) -> Result<(), Fault> {
        if let Some(browser) = self.browser.take() {
            browser.driver.end().await;
        }
        let until = Instant::now() + self.launch.start_deadline;
        let (display, launch) = (&self.display, &self.launch);
        let started = Browser::start(&self.minibrowser, display, launch, until, &|_| {}).await;
        self.browser = Some(started.map_err(|error| Fault::Lost(error.to_string()))?);
        Ok(())
    }

    fn window(&self) -> Result<Arc<Window>, Fault> {
        let browser = self.browser.as_ref();
        let window = browser.and_then(|browser| browser.window.lock().ok()?.clone());
        window.ok_or_else(|| Fault::Lost("there is no window".to_owned()))
    }

    pub(crate) async fn go(&self, url: &str, limit: Duration) -> Result<(), Fault> {
        let window = self.window()?;
        match timeout(limit, window.load(url)).await {
            Ok(loaded) => loaded,
            Err(_) => Err(Fault::PageTimeout),
        }
    }

    /// The status of the page's own answer; 0 when unknown.
    pub(crate) fn status(&self) -> u16 {
        let Ok(window) = self.window() else { return 0 };
        let told = window.socket.told().borrow();
        told.webkit.visits.get(&window.frame).map_or(0, |visit| visit.status)
    }

    /// Does what a command of Chromium's protocol would.
    pub(crate) async fn devtools(
        &self,
        command: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, Fault> {
        if command == "Emulation.setDeviceMetricsOverride" {
            let browser = self.browser.as_ref();
            let browser = browser.ok_or_else(|| Fault::Lost("there is no browser".to_owned()))?;
            return browser.open(&params["width"], &params["height"]).await.map(|()| json!({}));
        }
        let window = self.window()?;
        match command {
            "Runtime.evaluate" => window.evaluate(params, limit).await,
            "Page.captureScreenshot" => {
                let mut rect = params["clip"].clone();
                rect["coordinateSystem"] = json!("Page");
                let answer = window.socket.call("Page.snapshotRect", &rect, limit).await?;
                let data = answer["dataURL"].as_str().and_then(|url| url.split_once(','));
                Ok(json!({ "data": data.map(|(_, data)| data) }))
            }
            "Page.addScriptToEvaluateOnNewDocument" => {
                let source = params["source"].as_str().unwrap_or_default();
                let set = json!({ "source": format!("{ALONE}\n{source}") });
                window.tell("Page.setBootstrapScript", set).await
            }
            "Emulation.setEmulatedMedia" => window.prefer(params).await,
            "Emulation.setUserAgentOverride" => {
                window.tell("Page.overrideUserAgent", json!({ "value": params["userAgent"] })).await
            }
            "Network.setExtraHTTPHeaders" => window.tell(command, params.clone()).await,
            "Network.setCookies" => window.set_cookies(params).await,
            // Set when it starts, and refused where a shot asks for something else.
            "Emulation.setTimezoneOverride" | "Network.enable" => Ok(json!({})),
            // It has nothing of the kind.
            "DOMSnapshot.captureSnapshot" => Ok(Value::Null),
            _ => Err(Fault::Answer("unknown command".to_owned(), command.to_owned())),
        }
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.browser.as_ref().map(|browser| browser.driver.pid())
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.browser.as_mut().is_none_or(|browser| browser.driver.has_ended())
    }

    pub(crate) async fn close(self) {
        if let Some(browser) = self.browser {
            browser.driver.end().await;
        }
        self.display.end().await;
    }
}

impl Browser {
    async fn start(
        minibrowser: &Path,
        display: &Driver,
        launch: &Launch,
        until: Instant,
        on: &(dyn Fn(Stage) + Sync),
    ) -> Result<Self, Error> {
        let failed = |reason: String| {
            let reason = format!("{}: {reason}", minibrowser.display());
            let hint = hint_for(&reason);
            Error::DriverStart { reason, output: String::new(), hint }
        };
        let port = free_port().map_err(|error| failed(error.to_string()))?;
        let mut launch = launch.clone();
        let inspector = format!("127.0.0.1:{port}");
        let config = display.folder().as_os_str();
        launch.env.push(("XDG_CONFIG_HOME".into(), config.into()));
        for (name, value) in [
            ("DISPLAY", display.address()),
            ("GDK_BACKEND", "x11"),
            ("WEBKIT_INSPECTOR_HTTP_SERVER", &inspector),
            ("TZ", "UTC"),
            // No bus is started for it, which would outlive it.
            ("DBUS_SESSION_BUS_ADDRESS", "disabled:"),
            ("GSETTINGS_BACKEND", "memory"),
            ("NO_AT_BRIDGE", "1"),
        ] {
            launch.env.push((name.into(), value.into()));
        }
        let arguments = |_: &Path| {
            let ours = ["--private", "--javascript-can-open-windows-automatically=true"];
            let more = launch.arguments.iter().map(String::as_str);
            ours.into_iter().chain(more).chain(["about:blank"]).map(str::to_owned).collect()
        };
        let program = Program {
            path: minibrowser,
            arguments: &arguments,
            announced: |_| None,
            port: Some(port),
            missing: "install WebKitGTK, or say where its MiniBrowser is",
        };
        let driver = Driver::start(&program, &launch, until, on).await?;
        let made = Self { window: Mutex::default(), driver, port };
        let first = made.pages(1);
        match tokio::time::timeout_at(until, first).await {
            Ok(_) => Ok(made),
            Err(_) => {
                let output = made.driver.output();
                made.driver.end().await;
                Err(failed(format!("it showed no page in time: {output}")))
            }
        }
    }

    /// Opens the window for the page.
    async fn open(&self, width: &Value, height: &Value) -> Result<(), Fault> {
        let opened = timeout(SETTING, async {
            let known = self.pages(1).await;
            let first = self.connect(known.first().map_or("", String::as_str)).await?;
            let expression = format!(
                "void open('about:blank', '_blank', 'popup,width={width},height={height}')"
            );
            let ask = json!({ "expression": expression, "emulateUserGesture": true });
            first.call("Runtime.evaluate", &ask, SETTING).await?;
            let pages = self.pages(known.len() + 1).await;
            let new = pages.iter().find(|page| !known.contains(page));
            let socket = self.connect(new.map_or("", String::as_str)).await?;
            let window = Window::of(socket).await?;
            window.has_size(width, height).await?;
            Ok(window)
        });
        let window = opened.await.map_err(|_| Fault::Deadline(SETTING))??;
        if let Ok(mut place) = self.window.lock() {
            *place = Some(Arc::new(window));
        }
        Ok(())
    }

    /// The pages that can be inspected, by their paths, once there are as many.
    async fn pages(&self, wanted: usize) -> Vec<String> {
        loop {
            let listed = listing(self.port).await.unwrap_or_default();
            let pages = paths_in(&listed);
            if pages.len() >= wanted {
                return pages;
            }
            sleep(LOOK).await;
        }
    }

    async fn connect(&self, path: &str) -> Result<Socket, Fault> {
        let address = format!("ws://127.0.0.1:{}{path}", self.port);
        let socket = Socket::connect_to_target(&address).await?;
        let there = |told: &Told| told.webkit.target.is_some() || told.lost.is_some();
        let mut told = socket.told().subscribe();
        if told.wait_for(there).await.is_err() {
            return Err(Fault::Lost("the browser closed the connection".to_owned()));
        }
        drop(told);
        Ok(socket)
    }
}

/// Refuses what a shot asks for and `WebKitGTK` cannot be told.
pub(crate) fn admit(shot: &Shot) -> Result<(), Error> {
    let by_hand = |step: &Step| {
        matches!(step, Step::Click(_) | Step::Hover(_) | Step::Fill { .. } | Step::Press { .. })
    };
    let fits = |side: u32| (100..=4096).contains(&side);
    let refused = [
        // It opens no smaller window, and its display is no larger.
        ("viewport", !fits(shot.viewport.width) || !fits(shot.viewport.height)),
        ("viewport.mobile", shot.viewport.mobile),
        ("viewport.touch", shot.viewport.touch),
        ("viewport.scale", (shot.viewport.scale - 1.0).abs() > f64::EPSILON),
        ("basic_auth", shot.basic_auth.is_some()),
        ("locale", shot.locale.is_some()),
        ("time_zone", shot.time_zone != "UTC"),
        ("steps", shot.steps.iter().any(by_hand)),
    ];
    match refused.into_iter().find(|(_, asked)| *asked) {
        Some((setting, _)) => Err(Error::Unsupported { setting, browser: "WebKitGTK" }),
        None => Ok(()),
    }
}

/// Puts the style where the toolkit looks for one, below its folder for settings.
fn style(folder: &Path) -> io::Result<()> {
    let folder = folder.join("gtk-3.0");
    fs::create_dir(&folder)?;
    fs::File::create_new(folder.join("gtk.css"))?.write_all(NO_BARS.as_bytes())
}

/// A port that nobody has at this moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// What the inspector lists.
async fn listing(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let ask = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut text = Vec::new();
    stream.take(1 << 20).read_to_end(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The paths of pages, such as `/socket/1/2/WebPage`, each once.
fn paths_in(listing: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in listing.match_indices("/socket/") {
        let rest = &listing[start..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '/'));
        let path = rest[..end.unwrap_or(rest.len())].to_owned();
        if path.ends_with("/WebPage") && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Shot), expect: Result<(), &str>) {
        let mut shot = Shot::of("http://a.test/");
        change(&mut shot);
        let got = admit(&shot).map_err(|error| error.to_string());
        match expect {
            Ok(()) => assert_eq!(got, Ok(())),
            Err(setting) => assert!(got.unwrap_err().contains(setting), "{setting}"),
        }
    }

    #[test]
    fn what_it_cannot_do_is_refused_by_name() {
        check(|_| {}, Ok(()));
        check(|shot| shot.reduced_motion = false, Ok(()));
        check(|shot| shot.viewport.width = 99, Err("viewport"));
        check(|shot| shot.viewport.height = 4097, Err("viewport"));
        check(|shot| shot.viewport.scale = 2.0, Err("viewport.scale"));
        check(|shot| shot.viewport.touch = true, Err("viewport.touch"));
        check(|shot| shot.locale = Some("de".to_owned()), Err("locale"));
        check(|shot| shot.time_zone = "Asia/Tokyo".to_owned(), Err("time_zone"));
        check(|shot| shot.steps = vec![Step::Click("a".to_owned())], Err("steps"));
        check(|shot| shot.steps = vec![Step::Script("1".to_owned())], Ok(()));
    }

    #[test]
    fn pages_that_can_be_inspected() {
        let listed = "<input onclick=\"open('Main.html?ws=' + host + '/socket/1/1/WebPage')\">\
                      '/socket/1/1/WebPage' '/socket/1/2/WebPage' '/socket/1/3/JavaScript'";
        assert_eq!(paths_in(listed), ["/socket/1/1/WebPage", "/socket/1/2/WebPage"]);
        assert_eq!(paths_in(""), Vec::<String>::new());
    }
}
