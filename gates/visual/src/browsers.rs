//! How the browsers of a run are started, and where they are found.

use std::time::Duration;

pub(crate) use gate_browsers::{on_path, remote};
use gate_core::{Context, Error};
use visual_browser::{DriverAt, Launch};

use crate::settings::BrowserSpec;

/// How long Firefox may take to start with a new profile, on a machine that has other work, too.
const FIREFOX_STARTS: Duration = Duration::from_mins(1);

/// How browsers of this kind are started in this run.
pub(crate) fn launch(browser: BrowserSpec, cx: &Context) -> Result<Launch, Error> {
    let driver = match (browser, remote(cx)) {
        (BrowserSpec::Chromium, _) => gate_browsers::chromium(cx)?,
        (other, Some(_)) => {
            let name = other.name();
            return Err(Error::new(format!("{name} cannot be used elsewhere, Chromium alone can"))
                .hint(format!("unset SELENIUM_REMOTE_URL, or leave {name} out of `browsers`")));
        }
        (BrowserSpec::Firefox, None) => firefox(cx)?,
        (BrowserSpec::Webkit, None) => webkit(cx)?,
    };
    let mut launch = gate_browsers::launch(driver, cx)?;
    if browser == BrowserSpec::Firefox {
        launch.start_deadline = FIREFOX_STARTS;
    }
    Ok(launch)
}

/// Firefox with its driver.
fn firefox(cx: &Context) -> Result<DriverAt, Error> {
    let geckodriver = on_path(cx, &["geckodriver"])
        .ok_or_else(|| Error::new("there is no geckodriver on the PATH").hint(GET_GECKODRIVER))?;
    let firefox = on_path(cx, &["firefox", "firefox-esr"])
        .ok_or_else(|| Error::new("there is no Firefox on the PATH").hint(GET_FIREFOX))?;
    Ok(DriverAt::Firefox { geckodriver, firefox: Some(firefox) })
}

/// WebKitGTK's own browser, and the display that it is shown on.
fn webkit(cx: &Context) -> Result<DriverAt, Error> {
    let minibrowser = visual_browser::minibrowser()
        .ok_or_else(|| Error::new("there is no WebKitGTK on this machine").hint(GET_WEBKIT))?;
    let xvfb = on_path(cx, &["Xvfb"])
        .ok_or_else(|| Error::new("there is no Xvfb on the PATH").hint(GET_WEBKIT))?;
    Ok(DriverAt::WebKit { minibrowser, xvfb })
}

/// Where WebKitGTK comes from, and the display for it.
pub(crate) const GET_WEBKIT: &str =
    "on Debian: apt-get install --no-install-recommends libwebkit2gtk-4.1-0 xvfb";
/// Where Firefox comes from.
pub(crate) const GET_FIREFOX: &str = "on Debian: apt-get install firefox-esr";
/// Where its driver comes from, which Debian does not package.
pub(crate) const GET_GECKODRIVER: &str = "install it: cargo install geckodriver --locked";
