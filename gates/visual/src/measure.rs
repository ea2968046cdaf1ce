//! Photographing and comparing every view, several at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use gate_core::evidence::Area;
use gate_core::{Context, Environment, Error, Role, UnitId};
use visual_browser::{Capture, Layout, Session, Shot};

use crate::capture::{self, Taken};
use crate::noise::Noise;
use crate::seen::{Observation, Side, View};
use crate::settings::{Against, BrowserSpec, Look, Settings, Window};
use crate::sources::{Address, Page};
use crate::unloaded::Unloaded;
use crate::{baselines, browsers, compare, workers};

/// What all workers share.
pub(crate) struct Work {
    settings: Settings,
    /// None when there are only files.
    candidate: Option<Environment>,
    /// None when approved pictures are the baseline.
    baseline: Option<Environment>,
    pub(crate) done: AtomicU64,
    pub(crate) total: u64,
    pub(crate) cx: Context,
}

/// One page in one window of one browser.
pub(crate) struct Task {
    page: Page,
    look: Arc<Look>,
    window: Window,
    browser: BrowserSpec,
    place: [u32; 2],
    /// How many browsers were lost over it.
    pub(crate) lost: u32,
}

impl Task {
    /// In words, for who follows the run.
    pub(crate) fn what(&self) -> String {
        format!("{} at {}", self.page.name, self.window.name)
    }
}

pub(crate) async fn measure(
    settings: &Settings,
    units: &[UnitId],
    cx: &Context,
) -> Result<Observation, Error> {
    let pages = units.iter().map(Page::of).collect::<Result<Vec<_>, _>>()?;
    let on_site = pages.iter().any(|page| matches!(page.address, Address::Site(_)));
    let candidate = if on_site { Some(cx.candidate()?.clone()) } else { None };
    let baseline = match &settings.against {
        Against::Baselines => None,
        Against::Promotion => Some(
            cx.baseline()
                .ok_or_else(|| Error::new("there is no promotion").hint("use --promotion NAME"))?
                .clone(),
        ),
        Against::Environment(name) => Some(cx.environment(name)?.clone()),
    };
    let sites: Vec<&Environment> = candidate.iter().chain(&baseline).collect();
    capture::reachable(&sites).await?;
    let queues = tasks(settings, pages)?;
    let total = queues.values().map(|queue| queue.len() as u64).sum();
    let (settings, cx) = (settings.clone(), cx.clone());
    let work = Work { settings, candidate, baseline, done: AtomicU64::new(0), total, cx };
    let views = all(Arc::new(work), queues).await?;
    Ok(Observation { views })
}

/// Everything that has to be looked at, by browser.
fn tasks(
    settings: &Settings,
    pages: Vec<Page>,
) -> Result<BTreeMap<BrowserSpec, VecDeque<Task>>, Error> {
    let looks: Vec<Arc<Look>> =
        (0..settings.pages.len()).map(|entry| Arc::new(settings.look_of(entry))).collect();
    let mut tasks: BTreeMap<BrowserSpec, VecDeque<Task>> = BTreeMap::new();
    for page in pages {
        let look = looks.get(page.entry).ok_or_else(|| {
            Error::new(format!("the plan has a page of entry {}, and the spec has not", page.entry))
        })?;
        for browser in look.browsers() {
            for (viewport, window) in (0..).zip(look.windows()) {
                let place = [page.entry as u32, viewport];
                let (page, look) = (page.clone(), look.clone());
                let task = Task { page, look, window, browser, place, lost: 0 };
                tasks.entry(browser).or_default().push_back(task);
            }
        }
    }
    Ok(tasks)
}

/// One kind of browser after the other. When one of them cannot be used, its views are missing
/// and the others are there; when none can, there is nothing to show.
async fn all(
    work: Arc<Work>,
    queues: BTreeMap<BrowserSpec, VecDeque<Task>>,
) -> Result<Vec<View>, Error> {
    let (mut views, mut missing) = (Vec::new(), Vec::new());
    let mut refused = None;
    for (browser, queue) in queues {
        let left = match browsers::launch(browser, &work.cx) {
            Ok(launch) => {
                let (seen, left) = workers::photograph(&work, launch, queue).await?;
                views.extend(seen);
                left
            }
            Err(error) => Some((error, queue)),
        };
        let Some((error, tasks)) = left else { continue };
        missing.extend(tasks.iter().map(|task| view_of(&work, task, no_picture(&error))));
        refused = Some(error);
    }
    match refused {
        Some(error) if views.is_empty() => Err(error),
        _ => {
            views.extend(missing);
            views.sort_by(|one, other| one.order().cmp(&other.order()));
            Ok(views)
        }
    }
}

pub(crate) fn no_picture(error: &Error) -> Side {
    let (reason, advice) = (error.to_string(), error.advice().map(str::to_owned));
    Side::Missing { reason, advice, evidence: Vec::new() }
}

/// A view of which nothing is known but its candidate.
pub(crate) fn view_of(work: &Work, task: &Task, candidate: Side) -> View {
    let Task { page, window, browser, place, .. } = task;
    View {
        gate: work.cx.gate().to_owned(),
        page: page.name.clone(),
        path: page.path().to_owned(),
        viewport: window.name.clone(),
        width: window.viewport.width,
        height: window.viewport.height,
        browser: browser.name().to_owned(),
        place: *place,
        candidate,
        baseline: None,
        compared: None,
        files: None,
        unmatched: Vec::new(),
        unloaded: Vec::new(),
        unloaded_before: None,
    }
}

/// What came of a task.
pub(crate) enum Seen {
    /// What is known of the view.
    View(Box<View>),
    /// Nothing: the browser went away in the middle.
    Lost(visual_browser::Error),
}

impl Seen {
    fn of(view: View) -> Seen {
        Seen::View(Box::new(view))
    }
}

/// Photographs a page, and what it is compared with where that is another site, and compares.
pub(crate) async fn view(work: &Work, session: &mut Session, task: &Task) -> Result<Seen, Error> {
    let Task { page, look, window, .. } = task;
    let (settings, cx) = (&work.settings, &work.cx);
    let of = |side: Option<&Environment>| {
        let side = side.map_or("file", |environment| &environment.name);
        format!("{} at {}, {side}", page.name, window.name)
    };
    let shot = match capture::shot(settings, page, look, window, work.candidate.as_ref(), cx) {
        Ok(shot) => shot,
        // A file that has gone, for instance: the other pages are there still.
        Err(error) => return Ok(Seen::of(view_of(work, task, no_picture(&error)))),
    };
    let label = of(work.candidate.as_ref());
    let (candidate, mut captured) = match capture::take(session, &shot, &label, cx).await? {
        Taken::Picture(side, captured) => (side, captured),
        Taken::Missing(side) => return Ok(Seen::of(view_of(work, task, side))),
        Taken::Lost(error) => return Ok(Seen::Lost(error)),
    };
    let mut view = view_of(work, task, candidate);
    view.unmatched.clone_from(&captured.unmatched);
    view.unloaded = Unloaded::of(&captured);
    let mut before = match &work.baseline {
        Some(environment) => {
            let shot = capture::shot(settings, page, look, window, Some(environment), cx)?;
            match elsewhere(session, shot, &of(Some(environment)), cx).await? {
                Taken::Picture(side, captured) => {
                    view.baseline = Some(side);
                    let unloaded = Unloaded::of(&captured).into_iter();
                    view.unloaded_before = Some(unloaded.map(|one| one.address).collect());
                    Some(Before {
                        masks: Some(masks(&captured)),
                        png: captured.png,
                        layout: Some(captured.layout),
                        noise: None,
                    })
                }
                Taken::Missing(side) => {
                    view.baseline = Some(side);
                    None
                }
                Taken::Lost(error) => return Ok(Seen::Lost(error)),
            }
        }
        None => {
            let label = format!("{} at {}, approved", page.name, window.name);
            approved(&mut view, &label, cx)?
        }
    };
    let png = std::mem::take(&mut captured.png);
    if let Some(before) = &mut before {
        hold(&mut view, before, png, &captured, work, task).await?;
    }
    let noise = before.and_then(|before| before.noise);
    prepare(&mut view, masks(&captured), captured.layout, noise.as_ref(), cx)?;
    Ok(Seen::of(view))
}

/// Compares the candidate's picture with the one before.
async fn hold(
    view: &mut View,
    before: &mut Before,
    png: Vec<u8>,
    captured: &Capture,
    work: &Work,
    task: &Task,
) -> Result<(), Error> {
    let Task { page, look, window, .. } = task;
    // An error page is nothing to compare with.
    let (
        Side::Picture { picture: after_picture, .. },
        Some(Side::Picture { picture, status: None | Some(..400) }),
    ) = (&view.candidate, &view.baseline)
    else {
        return Ok(());
    };
    let window_rows = look
        .clip
        .is_none()
        .then(|| (f64::from(window.viewport.height) * window.viewport.scale).round() as u32);
    let before = compare::Pictured {
        kept: picture,
        png: std::mem::take(&mut before.png),
        // A picture that was approved before masks were kept with it: the same places.
        masks: before.masks.take().unwrap_or_else(|| masks(captured)),
        window_rows,
        layout: before.layout.as_ref(),
        noise: before.noise.as_ref(),
    };
    let after = compare::Pictured {
        kept: after_picture,
        png,
        masks: masks(captured),
        window_rows,
        layout: Some(&captured.layout),
        noise: None,
    };
    let label = format!("{} at {}", page.name, window.name);
    let how = work.settings.comparing(page.entry);
    view.compared = Some(compare::compare(before, after, how, &label, &work.cx).await?);
    Ok(())
}

/// The picture of the version before. A page that is not there has nothing to click on and nothing
/// to wait for: when that fails, the picture is taken without, to see whether it is there at all.
async fn elsewhere(
    session: &mut Session,
    shot: Shot,
    label: &str,
    cx: &Context,
) -> Result<Taken, Error> {
    let taken = capture::take(session, &shot, label, cx).await?;
    let asks = !shot.steps.is_empty() || !shot.waits.is_empty() || shot.clip.is_some();
    if !matches!(taken, Taken::Missing(_)) || !asks {
        return Ok(taken);
    }
    let bare = Shot { steps: Vec::new(), waits: Vec::new(), clip: None, ..shot };
    match capture::take(session, &bare, label, cx).await? {
        Taken::Picture(side, captured) if captured.status.is_some_and(|status| status >= 400) => {
            Ok(Taken::Picture(side, captured))
        }
        Taken::Lost(error) => Ok(Taken::Lost(error)),
        _ => Ok(taken),
    }
}

fn masks(captured: &Capture) -> Vec<Area> {
    let area = |rect: &visual_browser::Rect| {
        let visual_browser::Rect { x, y, width, height } = *rect;
        Area { x, y, width, height }
    };
    captured.masks.iter().map(area).collect()
}

/// What the candidate is held against.
struct Before {
    png: Vec<u8>,
    masks: Option<Vec<Area>>,
    layout: Option<Layout>,
    noise: Option<Noise>,
}

/// Finds the approved picture.
fn approved(view: &mut View, label: &str, cx: &Context) -> Result<Option<Before>, Error> {
    let (baseline, found) = baselines::load(view, cx)?;
    view.files = Some(found);
    let Some(baseline) = baseline else { return Ok(None) };
    let picture = cx.keep(Role::Image, label, "image/png", &baseline.png)?;
    view.baseline = Some(Side::Picture { picture, status: None });
    let baselines::Approved { png, masks, layout, noise, unloaded } = baseline;
    view.unloaded_before = unloaded;
    Ok(Some(Before { png, masks, layout, noise }))
}

/// Prepares the proposal to replace the approved picture, with what is known of it and still holds.
fn prepare(
    view: &mut View,
    masks: Vec<Area>,
    layout: Layout,
    noise: Option<&Noise>,
    cx: &Context,
) -> Result<(), Error> {
    let Side::Picture { picture, .. } = &view.candidate else { return Ok(()) };
    let candidate = picture.digest;
    let Some(mut files) = view.files.take() else { return Ok(()) };
    if files.picture_digest != Some(candidate) {
        let carried = match (&view.compared, noise) {
            (Some(compared), Some(noise)) => noise.carried(compared),
            _ => None,
        };
        let areas = |noise: Option<&Noise>| noise.map_or(0, |noise| noise.areas.len() as u32);
        files.noise_lost = areas(noise) - areas(carried.as_ref());
        let sidecar = baselines::keep_sidecar(view, candidate, masks, layout, carried, cx)?;
        files.new_sidecar = Some(sidecar);
    }
    view.files = Some(files);
    Ok(())
}
