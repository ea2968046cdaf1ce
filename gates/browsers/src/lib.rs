//! How gates start browsers: where they are found, what reaches them, and that the run's ledger
//! knows what has to be ended.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gate_core::ledger::SCRATCH_VARIABLE;
use gate_core::{Context, Error};
use serde_json::{Map, Value};
use visual_browser::{DriverAt, Launch};

/// What reaches a browser of the environment.
const KEEP: [&str; 6] =
    ["PATH", "LANG", "LC_ALL", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "LD_LIBRARY_PATH"];

/// Chromium: the one elsewhere where there is one, or else that of this machine, which is spoken to
/// without a driver in between.
pub fn chromium(cx: &Context) -> Result<DriverAt, Error> {
    if let Some(url) = remote(cx) {
        return Ok(DriverAt::Remote { url: url.to_owned() });
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let chromium = on_path(cx, &names).ok_or_else(|| {
        Error::new("there is no Chromium on the PATH")
            .hint("`gate browser install` installs it; `gate doctor` tells")
    })?;
    Ok(DriverAt::Chromium { chromium })
}

/// How browsers of this driver are started in this run.
pub fn launch(driver: DriverAt, cx: &Context) -> Result<Launch, Error> {
    let mut launch = Launch::new(driver, cx.scratch()?);
    launch.capabilities = more_capabilities(cx)?;
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
pub fn remote(cx: &Context) -> Option<&str> {
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

/// The first of these programs that is on the PATH.
pub fn on_path(cx: &Context, names: &[&str]) -> Option<PathBuf> {
    let path = cx.ambient("PATH").unwrap_or_default();
    let folders: Vec<_> = path.split(':').filter(|folder| !folder.is_empty()).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| Path::new(folder).join(name)))
        .find(|candidate| candidate.is_file())
}
