//! From an environment and a page to a picture.

use std::collections::BTreeSet;
use std::time::Duration;

use gate_core::{Context, Environment, Error, Level, Role};
use tokio::net::TcpStream;
use url::Url;
use visual_browser::{
    BasicAuth, Capture, ColorScheme, Cookie, Mask, Rect, Session, Shot, Stage, StoredItem,
};

use crate::browsers;
use crate::seen::Side;
use crate::settings::{ClockSpec, ColorSchemeSpec, Look, MaskSpec, Settings, Window};
use crate::sources::{Address, Page};

/// How long a site may take to answer that it is there.
const REACHABLE: Duration = Duration::from_secs(8);

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

/// The shot of a page, on a version of the site or in a file.
pub(crate) fn shot(
    settings: &Settings,
    page: &Page,
    look: &Look,
    window: &Window,
    environment: Option<&Environment>,
    cx: &Context,
) -> Result<Shot, Error> {
    let mut shot = match (&page.address, environment) {
        (Address::Site(path), Some(environment)) => on_site(path, look, environment, cx)?,
        (Address::Site(path), None) => {
            return Err(Error::new(format!("there is no site to photograph {path} on")));
        }
        (Address::File(path), _) => in_file(path, cx)?,
    };
    shot.viewport = window.viewport;
    shot.user_agent.clone_from(&window.user_agent);
    dress(&mut shot, look, cx)?;
    shot.settle.deadline = settings.settle.0;
    shot.page_deadline = settings.page_timeout.0;
    shot.step_deadline = settings.page_timeout.0;
    Ok(shot)
}

fn on_site(
    path: &str,
    look: &Look,
    environment: &Environment,
    cx: &Context,
) -> Result<Shot, Error> {
    let base = environment.url.as_str().trim_end_matches('/');
    let mut shot = Shot::of(format!("{base}{path}"));
    // The spec's own come last: they win where both have the same.
    let (mut headers, mut cookies) = (environment.headers.clone(), environment.cookies.clone());
    headers.extend(look.headers.clone());
    cookies.extend(look.cookies.clone());
    for (name, value) in headers {
        shot.headers.push((name, cx.reveal(&value)?));
    }
    for (name, value) in cookies {
        let value = cx.reveal(&value)?;
        shot.cookies.push(Cookie { name, value, domain: None, path: None });
    }
    for (values, session) in [(&look.storage, false), (&look.session_storage, true)] {
        for (key, value) in values {
            let value = cx.reveal(value)?;
            shot.storage.push(StoredItem { key: key.clone(), value, session });
        }
    }
    if let Some(auth) = look.basic_auth.as_ref().or(environment.basic_auth.as_ref()) {
        let auth = cx.reveal(auth)?;
        let (user, password) = auth.split_once(':').unwrap_or((&auth, ""));
        shot.basic_auth = Some(BasicAuth { user: user.to_owned(), password: password.to_owned() });
    }
    Ok(shot)
}

fn in_file(path: &str, cx: &Context) -> Result<Shot, Error> {
    if browsers::remote(cx).is_some() {
        return Err(Error::new(format!("a browser elsewhere cannot read {path}"))
            .hint("unset SELENIUM_REMOTE_URL for this gate, or serve the file"));
    }
    let found = cx.spec_folder().join(path).canonicalize();
    let found = found.map_err(|error| Error::new(format!("reading {path}: {error}")))?;
    let url = Url::from_file_path(&found)
        .map_err(|()| Error::new(format!("{} makes no address", found.display())))?;
    let mut shot = Shot::of(url);
    shot.allow_file = true;
    Ok(shot)
}

/// What holds for a page wherever it comes from.
fn dress(shot: &mut Shot, look: &Look, cx: &Context) -> Result<(), Error> {
    let texts = |selectors: &[crate::settings::Selector]| {
        selectors.iter().map(|selector| selector.as_str().to_owned()).collect::<Vec<_>>()
    };
    shot.hide = texts(&look.hide);
    shot.remove = texts(&look.remove);
    shot.clip = look.clip.as_ref().map(|selector| selector.as_str().to_owned());
    shot.mask = look
        .mask
        .iter()
        .map(|mask| match mask {
            MaskSpec::Selector(selector) => Mask::Selector(selector.clone()),
            MaskSpec::Area(area) => {
                Mask::Area(Rect { x: area.x, y: area.y, width: area.width, height: area.height })
            }
        })
        .collect();
    let reveal = |template: &_| cx.reveal(template);
    shot.steps = look.steps.iter().map(|step| step.step(reveal)).collect::<Result<_, _>>()?;
    shot.waits = look.wait.iter().map(crate::settings::UntilSpec::until).collect();
    shot.color_scheme = look.color_scheme.map(|scheme| match scheme {
        ColorSchemeSpec::Light => ColorScheme::Light,
        ColorSchemeSpec::Dark => ColorScheme::Dark,
    });
    if let Some(reduced) = look.reduced_motion {
        shot.reduced_motion = reduced;
    }
    shot.locale = look.locale.as_ref().map(|locale| locale.as_str().to_owned());
    if let Some(zone) = &look.time_zone {
        zone.as_str().clone_into(&mut shot.time_zone);
    }
    match look.clock {
        Some(ClockSpec::Real) => shot.settle.clock = None,
        Some(ClockSpec::At(at)) => shot.settle.clock = Some(at.millis()),
        None => {}
    }
    Ok(())
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

/// What came of asking for a picture.
pub(crate) enum Taken {
    /// The picture, which is kept.
    Picture(Side, Box<Capture>),
    /// The page cannot be photographed, which is a finding.
    Missing(Side),
    /// The browser went away in the middle. That says nothing of the page, which may be tried
    /// again in another browser.
    Lost(visual_browser::Error),
}

/// Takes the picture and keeps it.
pub(crate) async fn take(
    session: &mut Session,
    shot: &Shot,
    label: &str,
    cx: &Context,
) -> Result<Taken, Error> {
    match session.capture(shot, &|at| stage(cx, label, at)).await {
        Ok(capture) => {
            let picture = cx.keep(Role::Image, label, "image/png", &capture.png)?;
            // A file has no status. That it was there and was shown is all that one would say.
            let status = if shot.allow_file { Some(200) } else { capture.status };
            Ok(Taken::Picture(Side::Picture { picture, status }, Box::new(capture)))
        }
        Err(error) if error.ends_session() => Ok(Taken::Lost(error)),
        Err(error) => Ok(Taken::Missing(missing(&error, label, cx)?)),
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
        let options = visual_diff::Options { align: false, ..visual_diff::Options::default() };
        if let Ok(found) = visual_diff::compare(first, second, &options, None) {
            let regions = crate::compare::regions(&found, None);
            if !regions.is_empty() {
                let areas = crate::words::regions(&regions, found.regions_omitted);
                reason = format!("{reason}; between two frames: {areas}");
            }
        }
    }
    Ok(Side::Missing { reason, advice: error.hint().map(str::to_owned), evidence })
}
