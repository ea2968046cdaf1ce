//! What `gate doctor` looks for.

use std::ffi::OsStr;
use std::path::Path;

use gate_core::{Context, Finding, Probe};
use visual_browser::{Found, find};

use crate::browsers::{GET_FIREFOX, GET_GECKODRIVER, GET_WEBKIT, on_path};

pub(crate) fn probe() -> Probe {
    Probe { name: "browser", run: look }
}

/// Looks along the PATH.
pub(crate) fn found(cx: &Context) -> Result<Found, String> {
    let path = cx.ambient("PATH").unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    Ok(runtime.block_on(find(OsStr::new(path))))
}

fn look(cx: &Context) -> Vec<Finding> {
    if cx.ambient("SELENIUM_REMOTE_URL").is_some_and(|url| !url.is_empty()) {
        let found = Ok("SELENIUM_REMOTE_URL names a browser elsewhere".to_owned());
        return vec![Finding { name: "browser".to_owned(), found, advice: None }];
    }
    let found = match found(cx) {
        Ok(found) => found,
        Err(error) => {
            return vec![Finding { name: "browser".to_owned(), found: Err(error), advice: None }];
        }
    };
    let install = || Some("run: gate browser install".to_owned());
    let chromium = Finding {
        name: "chromium".to_owned(),
        found: match &found.chromium {
            Some(tool) => Ok(format!("{} at {}", tool.version, tool.path.display())),
            None => Err("not found on the PATH".to_owned()),
        },
        advice: install(),
    };
    let mut findings = vec![chromium];
    // A browser of this machine is spoken to without a driver, so one that is broken harms nobody.
    let is_driver = |path: &Path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().contains("driver"))
    };
    for (path, why) in found.unusable.iter().filter(|(path, _)| !is_driver(path)) {
        let name = path.display().to_string();
        findings.push(Finding { name, found: Err(why.clone()), advice: install() });
    }
    findings.push(firefox(&found));
    findings.push(webkit(cx));
    findings
}

/// Only specs that name it need it, so nothing is missing without it.
fn firefox(found: &Found) -> Finding {
    let said = match (&found.firefox, &found.geckodriver) {
        (Some(firefox), Some(driver)) => {
            let (path, driver) = (firefox.path.display(), &driver.version);
            format!("{} at {path}, with geckodriver {driver}", firefox.version)
        }
        (Some(_), None) => format!("not in use without geckodriver ({GET_GECKODRIVER})"),
        (None, _) => format!("not there; `browsers: [firefox]` wants it ({GET_FIREFOX})"),
    };
    Finding { name: "firefox".to_owned(), found: Ok(said), advice: None }
}

/// The same holds for this one.
fn webkit(cx: &Context) -> Finding {
    let said = match (visual_browser::minibrowser(), on_path(cx, &["Xvfb"])) {
        (Some(path), Some(xvfb)) => format!("{}, on {}", path.display(), xvfb.display()),
        (Some(_), None) => format!("not in use without Xvfb ({GET_WEBKIT})"),
        (None, _) => format!("not there; `browsers: [webkit]` wants it ({GET_WEBKIT})"),
    };
    Finding { name: "webkit".to_owned(), found: Ok(said), advice: None }
}
