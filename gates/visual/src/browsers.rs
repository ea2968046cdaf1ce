//! How the browsers of a run are started, and where they are found.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gate_core::ledger::SCRATCH_VARIABLE;
use gate_core::{Context, Error};
use serde_json::{Map, Value};
use visual_browser::{DriverAt, Launch};

use crate::settings::BrowserSpec;

/// What reaches a browser of the environment.
const KEEP: [&str; 6] =
    ["PATH", "LANG", "LC_ALL", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "LD_LIBRARY_PATH"];
/// How long Firefox may take to start with a new profile, on a machine that has other work, too.
const FIREFOX_STARTS: Duration = Duration::from_mins(1);

/// How browsers of this kind are started in this run.
pub(crate) fn launch(browser: BrowserSpec, cx: &Context) -> Result<Launch, Error> {
    let driver = match (browser, remote(cx)) {
        (BrowserSpec::Chromium, Some(url)) => DriverAt::Remote { url: url.to_owned() },
        (BrowserSpec::Chromium, None) => chromium(cx)?,
        (other, Some(_)) => {
            let name = other.name();
            return Err(Error::new(format!("{name} cannot be used elsewhere, Chromium alone can"))
                .hint(format!("unset SELENIUM_REMOTE_URL, or leave {name} out of `browsers`")));
        }
        (BrowserSpec::Firefox, None) => firefox(cx)?,
        (BrowserSpec::Webkit, None) => webkit(cx)?,
    };
    let mut launch = Launch::new(driver, cx.scratch()?);
    launch.capabilities = more_capabilities(cx)?;
    if browser == BrowserSpec::Firefox {
        launch.start_deadline = FIREFOX_STARTS;
    }
    launch.env = KEEP
        .into_iter()
        .filter_map(|name| Some((OsString::from(name), OsString::from(cx.ambient(name)?))))
        .chain([(SCRATCH_VARIABLE.into(), cx.ledger().scratch().into())])
        .collect();
    let (started, ended) = (cx.ledger().clone(), cx.ledger().clone());
    launch.on_spawn = Arc::new(move |group| started.started(group));
    launch.on_reaped = Arc::new(move |group| ended.ended(group));
    Ok(launch)
}

/// The address of a browser elsewhere, when there is one.
pub(crate) fn remote(cx: &Context) -> Option<&str> {
    cx.ambient("SELENIUM_REMOTE_URL").filter(|url| !url.is_empty())
}

/// What else a browser elsewhere is asked for: the options of a cloud of browsers, for instance.
fn more_capabilities(cx: &Context) -> Result<Map<String, Value>, Error> {
    let given = cx.ambient("SELENIUM_REMOTE_CAPABILITIES").filter(|given| !given.is_empty());
    let (Some(given), Some(_)) = (given, remote(cx)) else { return Ok(Map::new()) };
    // What stands in it may be a key, so it is not repeated.
    serde_json::from_str(given).map_err(|error| {
        let at = format!("line {}, column {}", error.line(), error.column());
        Error::new(format!("SELENIUM_REMOTE_CAPABILITIES is no JSON object ({at})"))
            .hint(r#"for instance: {"browserVersion": "stable"}"#)
    })
}

/// The browser of this machine, which is spoken to without a driver in between.
fn chromium(cx: &Context) -> Result<DriverAt, Error> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let chromium = on_path(cx, &names).ok_or_else(|| {
        Error::new("there is no Chromium on the PATH")
            .hint("`gate browser install` installs it; `gate doctor` tells")
    })?;
    Ok(DriverAt::Chromium { chromium })
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

pub(crate) fn on_path(cx: &Context, names: &[&str]) -> Option<PathBuf> {
    let path = cx.ambient("PATH").unwrap_or_default();
    let folders: Vec<_> = path.split(':').filter(|folder| !folder.is_empty()).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| Path::new(folder).join(name)))
        .find(|candidate| candidate.is_file())
}
