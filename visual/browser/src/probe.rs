//! Which browser and driver there are.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

/// How long a program may take to name its version.
const DEADLINE: Duration = Duration::from_secs(5);

const BROWSERS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const FIREFOX: &[&str] = &["firefox", "firefox-esr"];
const GECKODRIVERS: &[&str] = &["geckodriver"];
const DRIVERS: &[&str] = &["chromedriver", "chromium.chromedriver", "chromium-chromedriver"];

/// A program that was found and named its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Where it is.
    pub path: PathBuf,
    /// Its version, such as `156.0.8078.79`.
    pub version: String,
}

impl Tool {
    /// The first number of the version.
    pub fn major(&self) -> Option<u32> {
        self.version.split('.').next()?.parse().ok()
    }
}

/// What [`find`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The browser.
    pub chromium: Option<Tool>,
    /// Its driver.
    pub chromedriver: Option<Tool>,
    /// Another browser.
    pub firefox: Option<Tool>,
    /// The driver of that one.
    pub geckodriver: Option<Tool>,
    /// Programs that have the right name but did not name a version, and why.
    pub unusable: Vec<(PathBuf, String)>,
}

impl Found {
    /// What is missing for Firefox, as a fragment; `None` when it can capture pages.
    pub fn firefox_problem(&self) -> Option<&'static str> {
        match (&self.firefox, &self.geckodriver) {
            (Some(_), Some(_)) => None,
            (None, Some(_)) => Some("Firefox is missing"),
            (Some(_), None) => Some("geckodriver is missing"),
            (None, None) => Some("Firefox and geckodriver are missing"),
        }
    }

    /// What is missing or does not fit for Chromium and its driver, as a fragment; `None` when
    /// they can capture pages.
    pub fn problem(&self) -> Option<String> {
        let (browser, driver) = match (&self.chromium, &self.chromedriver) {
            (Some(browser), Some(driver)) => (browser, driver),
            (None, Some(_)) => return Some("Chromium is missing".to_owned()),
            (Some(_), None) => return Some("ChromeDriver is missing".to_owned()),
            (None, None) => return Some("Chromium and ChromeDriver are missing".to_owned()),
        };
        (browser.major() != driver.major()).then(|| {
            let (browser, driver) = (&browser.version, &driver.version);
            format!("ChromeDriver {driver} does not fit Chromium {browser}")
        })
    }
}

/// Looks along `path`, the value of a `PATH` variable, for browsers and drivers that name their
/// version within five seconds.
pub async fn find(path: &OsStr) -> Found {
    let mut found = Found::default();
    found.chromium = first(path, BROWSERS, &mut found.unusable).await;
    found.chromedriver = first(path, DRIVERS, &mut found.unusable).await;
    found.firefox = first(path, FIREFOX, &mut found.unusable).await;
    found.geckodriver = first(path, GECKODRIVERS, &mut found.unusable).await;
    found
}

async fn first(path: &OsStr, names: &[&str], bad: &mut Vec<(PathBuf, String)>) -> Option<Tool> {
    let places = names.iter().flat_map(|name| {
        split_path(path).map(move |folder| folder.join(name)).filter(|file| is_program(file))
    });
    for file in places {
        match version_of(&file, path).await {
            Ok(version) => return Some(Tool { path: file, version }),
            Err(reason) => bad.push((file, reason)),
        }
    }
    None
}

fn split_path(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    // Relative folders would mean another program in each working directory.
    std::env::split_paths(path).filter(|folder| folder.is_absolute())
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

async fn version_of(file: &Path, path: &OsStr) -> Result<String, String> {
    let run = Command::new(file)
        .arg("--version")
        .env_clear()
        .env("PATH", path)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .output();
    let output = timeout(DEADLINE, run)
        .await
        .map_err(|_| format!("did not name its version within {DEADLINE:?}"))?
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("failed when asked for its version ({})", output.status));
    }
    version_in(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| "named no version".to_owned())
}

/// The first word that looks like a version.
fn version_in(text: &str) -> Option<String> {
    let is_version = |word: &&str| {
        let mut parts = word.split('.');
        word.contains('.') && parts.all(|part| part.parse::<u32>().is_ok())
    };
    text.split_whitespace().find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_version(text: &str, expect: Option<&str>) {
        assert_eq!(version_in(text).as_deref(), expect, "{text:?}");
    }

    #[test]
    fn versions_that_programs_name() {
        check_version("Chromium 156.0.8078.79 built on Debian GNU/Linux 12", Some("156.0.8078.79"));
        check_version("ChromeDriver 156.0.8078.79 (a21c-refs/branch@{#17})", Some("156.0.8078.79"));
        check_version("Google Chrome 141.0.1 \n", Some("141.0.1"));
        check_version("no. 12", None);
        check_version("", None);
    }

    fn check_problem(browser: Option<&str>, driver: Option<&str>, expect: Option<&str>) {
        let tool = |version: Option<&str>| {
            version.map(|version| Tool { path: "/x".into(), version: version.to_owned() })
        };
        let found =
            Found { chromium: tool(browser), chromedriver: tool(driver), ..Found::default() };
        assert_eq!(found.problem().as_deref(), expect);
    }

    #[test]
    fn what_is_missing_or_does_not_fit() {
        check_problem(Some("156.0.1"), Some("156.0.2"), None);
        let misfit = "ChromeDriver 155.0.2 does not fit Chromium 156.0.1";
        check_problem(Some("156.0.1"), Some("155.0.2"), Some(misfit));
        check_problem(None, Some("155.0.2"), Some("Chromium is missing"));
        check_problem(Some("155.0.2"), None, Some("ChromeDriver is missing"));
        check_problem(None, None, Some("Chromium and ChromeDriver are missing"));
        let missing = Found::default().firefox_problem();
        assert_eq!(missing, Some("Firefox and geckodriver are missing"));
    }
}
