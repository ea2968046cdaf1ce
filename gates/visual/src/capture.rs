//! From an environment and a page to a picture.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use gate_core::ledger::SCRATCH_VARIABLE;
use gate_core::{Context, Environment, Error, Level, Role};
use tokio::net::TcpStream;
use visual_browser::{
    BasicAuth, Capture, Cookie, DriverAt, Launch, Mask, Rect, Session, Shot, Stage, Viewport,
};

use crate::seen::Side;
use crate::settings::{MaskSpec, PageSpec, Settings, ViewportSpec};

/// The name of the browser in checks and files.
pub(crate) const BROWSER: &str = "chromium";
/// How long a site may take to answer that it is there.
const REACHABLE: Duration = Duration::from_secs(8);

/// How browsers are started in this run.
pub(crate) fn launch(cx: &Context) -> Result<Launch, Error> {
    let driver = match cx.ambient("SELENIUM_REMOTE_URL").filter(|url| !url.is_empty()) {
        Some(url) => DriverAt::Remote { url: url.to_owned() },
        None => local_driver(cx)?,
    };
    let mut launch = Launch::new(driver, cx.scratch()?);
    let keep = ["PATH", "LANG", "LC_ALL", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "LD_LIBRARY_PATH"];
    launch.env = keep
        .into_iter()
        .filter_map(|name| Some((OsString::from(name), OsString::from(cx.ambient(name)?))))
        .chain([(SCRATCH_VARIABLE.into(), cx.ledger().scratch().into())])
        .collect();
    let (started, ended) = (cx.ledger().clone(), cx.ledger().clone());
    launch.on_spawn = Arc::new(move |group| started.started(group));
    launch.on_reaped = Arc::new(move |group| ended.ended(group));
    Ok(launch)
}

fn local_driver(cx: &Context) -> Result<DriverAt, Error> {
    let missing = |what: String| {
        Error::new(what)
            .hint("`gate browser install` installs what is missing; `gate doctor` tells")
    };
    let path = cx.ambient("PATH").unwrap_or_default().to_owned();
    let (chromium, driver) = (
        on_path(&path, &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]),
        on_path(&path, &["chromedriver", "chromium.chromedriver", "chromium-chromedriver"]),
    );
    match (chromium, driver) {
        (Some(chromium), Some(chromedriver)) => {
            Ok(DriverAt::Local { chromedriver, chromium: Some(chromium) })
        }
        (None, _) => Err(missing("there is no Chromium on the PATH".to_owned())),
        (_, None) => Err(missing("there is no ChromeDriver on the PATH".to_owned())),
    }
}

fn on_path(path: &str, names: &[&str]) -> Option<std::path::PathBuf> {
    let folders: Vec<_> = path.split(':').filter(|folder| !folder.is_empty()).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| std::path::Path::new(folder).join(name)))
        .find(|candidate| candidate.is_file())
}

/// Says within seconds when a site is not there at all, before any browser is started.
pub(crate) async fn reachable(environments: &[&Environment]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for environment in environments {
        let host = environment.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = environment.url.port_or_known_default().unwrap_or(80);
        if !seen.insert((host.to_owned(), port)) {
            continue;
        }
        let name = &environment.name;
        let looked_up = tokio::time::timeout(REACHABLE, tokio::net::lookup_host((host, port)));
        let addresses: Vec<_> = match looked_up.await {
            Ok(Ok(addresses)) => addresses.collect(),
            _ => {
                return Err(Error::new(format!("the name of {name}, `{host}`, does not resolve"))
                    .hint("check its address in gate.yaml, and the DNS of this machine"));
            }
        };
        let connected = tokio::time::timeout(REACHABLE, TcpStream::connect(&*addresses)).await;
        let why = match connected {
            Ok(Ok(_)) => continue,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                "refused the connection".to_owned()
            }
            Ok(Err(error)) => format!("cannot be reached: {error}"),
            Err(_) => format!("did not accept a connection within {}s", REACHABLE.as_secs()),
        };
        return Err(Error::new(format!("{name} ({host}:{port}) {why}"))
            .hint("is the site running, and is that its address?"));
    }
    Ok(())
}

/// The shot of a page.
pub(crate) fn shot(
    settings: &Settings,
    page: &PageSpec,
    viewport: &ViewportSpec,
    environment: &Environment,
    cx: &Context,
) -> Result<Shot, Error> {
    let base = environment.url.as_str().trim_end_matches('/');
    let mut shot = Shot::of(format!("{base}{}", page.path));
    shot.viewport =
        Viewport { width: viewport.width.0, height: viewport.height.0, scale: viewport.scale.0 };
    shot.hide = settings.hide.iter().chain(&page.hide).cloned().collect();
    shot.mask = settings
        .mask
        .iter()
        .chain(&page.mask)
        .map(|mask| match mask {
            MaskSpec::Selector(selector) => Mask::Selector(selector.clone()),
            MaskSpec::Area(area) => {
                Mask::Area(Rect { x: area.x, y: area.y, width: area.width, height: area.height })
            }
        })
        .collect();
    for (name, value) in &environment.headers {
        shot.headers.push((name.clone(), cx.reveal(value)?));
    }
    for (name, value) in &environment.cookies {
        let value = cx.reveal(value)?;
        shot.cookies.push(Cookie { name: name.clone(), value, domain: None, path: None });
    }
    if let Some(auth) = &environment.basic_auth {
        let auth = cx.reveal(auth)?;
        let (user, password) = auth.split_once(':').unwrap_or((&auth, ""));
        shot.basic_auth = Some(BasicAuth { user: user.to_owned(), password: password.to_owned() });
    }
    shot.settle.deadline = settings.settle.0;
    shot.page_deadline = settings.page_timeout.0;
    Ok(shot)
}

/// What is logged at each stage, so that whoever follows the run sees where it is.
pub(crate) fn stage(cx: &Context, what: &str, stage: Stage) {
    let word = match stage {
        Stage::DriverStarting => "driver-starting",
        Stage::DriverStarted { .. } => "driver-started",
        Stage::SessionOpen => "session-open",
        Stage::Navigating => "navigating",
        Stage::Settling => "settling",
        Stage::Capturing => "capturing",
        Stage::Captured => "captured",
    };
    cx.log(Level::Debug, format!("stage: {word} {what}"));
}

/// Takes the picture and keeps it; a page that cannot be photographed is a finding, no error.
pub(crate) async fn take(
    session: &mut Session,
    shot: &Shot,
    label: &str,
    cx: &Context,
) -> Result<(Side, Option<Capture>), Error> {
    match session.capture(shot, &|at| stage(cx, label, at)).await {
        Ok(capture) => {
            let picture = cx.keep(Role::Image, label, "image/png", &capture.png)?;
            let status = capture.status;
            Ok((Side::Picture { picture, status }, Some(capture)))
        }
        Err(error) => Ok((missing(&error, label, cx)?, None)),
    }
}

fn missing(error: &visual_browser::Error, label: &str, cx: &Context) -> Result<Side, Error> {
    let mut evidence = Vec::new();
    let mut reason = error.to_string();
    if let visual_browser::Error::NeverSettled(unsettled) = error {
        for (number, frame) in (1..).zip(&unsettled.frames) {
            if !frame.is_empty() {
                let label = format!("{label}, frame {number}");
                evidence.push(cx.keep(Role::Image, label, "image/png", frame)?);
            }
        }
        let [first, second] = &unsettled.frames;
        let options = visual_diff::Options::default();
        if let Ok(found) = visual_diff::compare(first, second, &options, None) {
            let regions = crate::compare::regions(&found);
            if !regions.is_empty() {
                let areas = crate::words::regions(&regions, found.regions_omitted);
                reason = format!("{reason}; between two frames: {areas}");
            }
        }
    }
    Ok(Side::Missing { reason, advice: error.hint().map(str::to_owned), evidence })
}
