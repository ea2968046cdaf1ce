//! What `gate doctor` looks for.

use std::ffi::OsStr;

use gate_core::{Context, Finding, Probe};
use visual_browser::{Found, find};

pub(crate) fn probe() -> Probe {
    Probe { name: "browser", run: look }
}

/// Looks for the browser and its driver along the PATH.
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
    let one = |name: &str, tool: &Option<visual_browser::Tool>| Finding {
        name: name.to_owned(),
        found: match tool {
            Some(tool) => Ok(format!("{} at {}", tool.version, tool.path.display())),
            None => Err("not found on the PATH".to_owned()),
        },
        advice: install(),
    };
    let mut findings =
        vec![one("chromium", &found.chromium), one("chromedriver", &found.chromedriver)];
    if found.chromium.is_some()
        && found.chromedriver.is_some()
        && let Some(problem) = found.problem()
    {
        let advice = install();
        findings.push(Finding { name: "versions".to_owned(), found: Err(problem), advice });
    }
    for (path, why) in &found.unusable {
        let name = path.display().to_string();
        findings.push(Finding { name, found: Err(why.clone()), advice: install() });
    }
    findings
}
