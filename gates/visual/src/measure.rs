//! Photographing and comparing every view, several at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gate_core::evidence::Area;
use gate_core::{Context, Environment, Error, Level, Role, UnitId};
use tokio::sync::Mutex;
use visual_browser::{Launch, Session};

use crate::capture;
use crate::seen::{BaselineFiles, Observation, Side, View};
use crate::settings::{Against, BrowserSpec, Look, Settings, Window};
use crate::sources::{Address, Page};
use crate::{baselines, compare};

/// What all workers share.
struct Work {
    settings: Settings,
    /// None when there are only files.
    candidate: Option<Environment>,
    /// None when approved pictures are the baseline.
    baseline: Option<Environment>,
    done: AtomicU64,
    total: u64,
    cx: Context,
}

/// One page in one window of one browser.
struct Task {
    page: Page,
    look: Arc<Look>,
    window: Window,
    browser: BrowserSpec,
    place: [u32; 2],
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
                let task = Task { page, look, window, browser, place };
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
        let left = match capture::launch(browser, &work.cx) {
            Ok(launch) => {
                let (seen, left) = photograph(&work, launch, queue).await?;
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

/// What several browsers of one kind work on.
struct Shift {
    queue: VecDeque<Task>,
    /// Why a browser could not be started.
    refused: Option<Error>,
}

/// Why there is no browser, and what it was wanted for.
type Left = (Error, VecDeque<Task>);

/// The views of one kind of browser, and what is left when none could be started any more.
async fn photograph(
    work: &Arc<Work>,
    launch: Launch,
    queue: VecDeque<Task>,
) -> Result<(Vec<View>, Option<Left>), Error> {
    let workers = sessions(&work.cx).clamp(1, queue.len().max(1));
    let shift = Arc::new(Mutex::new(Shift { queue, refused: None }));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..workers {
        // Sessions of one launch may share what is costly to start.
        tasks.spawn(worker(work.clone(), shift.clone(), launch.clone()));
    }
    let mut views = Vec::new();
    // The first error ends the others: dropping the set drops their browsers.
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(found) => views.extend(found?),
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            Err(_) => return Err(Error::new("a worker was lost")),
        }
    }
    let mut shift = shift.lock().await;
    let left = std::mem::take(&mut shift.queue);
    let refused = shift.refused.take().filter(|_| !left.is_empty());
    Ok((views, refused.map(|error| (error, left))))
}

/// How many browsers are at work at once. A browser waits for the site about a third of the time,
/// so three keep two processors busy; with more they wait for each other.
fn sessions(cx: &Context) -> usize {
    cx.jobs() + cx.jobs() / 2
}

/// Photographs until there is nothing left. A browser that cannot be started ends this worker
/// alone: a grid may have fewer places than were hoped for, and the others go on.
async fn worker(
    work: Arc<Work>,
    shift: Arc<Mutex<Shift>>,
    launch: Launch,
) -> Result<Vec<View>, Error> {
    let mut views = Vec::new();
    let on = |stage| capture::stage(&work.cx, "", stage);
    let mut session = match Session::open(&launch, &on).await {
        Ok(session) => session,
        Err(error) => {
            let said = Error::new(format!("the browser cannot be used: {error}"));
            let said = error.hint().into_iter().fold(said, Error::hint_ref);
            work.cx.log(Level::Warn, format!("one browser less: {said}"));
            shift.lock().await.refused.get_or_insert(said);
            return Ok(views);
        }
    };
    loop {
        let next = shift.lock().await.queue.pop_front();
        let Some(task) = next else { break };
        let what = format!("{} at {}", task.page.name, task.window.name);
        let done = work.done.load(Ordering::Relaxed);
        work.cx.progress(done, Some(work.total), "views", what.clone());
        views.push(view(&work, &mut session, &task).await?);
        let done = work.done.fetch_add(1, Ordering::Relaxed) + 1;
        work.cx.progress(done, Some(work.total), "views", format!("{what} done"));
    }
    session.close().await;
    Ok(views)
}

fn no_picture(error: &Error) -> Side {
    let (reason, advice) = (error.to_string(), error.advice().map(str::to_owned));
    Side::Missing { reason, advice, evidence: Vec::new() }
}

/// A view of which nothing is known but its candidate.
fn view_of(work: &Work, task: &Task, candidate: Side) -> View {
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
    }
}

async fn view(work: &Work, session: &mut Session, task: &Task) -> Result<View, Error> {
    let Task { page, look, window, .. } = task;
    let (settings, cx) = (&work.settings, &work.cx);
    let of = |side: Option<&Environment>| {
        let side = side.map_or("file", |environment| &environment.name);
        format!("{} at {}, {side}", page.name, window.name)
    };
    let shot = match capture::shot(settings, page, look, window, work.candidate.as_ref(), cx) {
        Ok(shot) => shot,
        // A file that has gone, for instance: the other pages are there still.
        Err(error) => return Ok(view_of(work, task, no_picture(&error))),
    };
    let label = of(work.candidate.as_ref());
    let (candidate, captured) = capture::take(session, &shot, &label, cx).await?;
    let mut view = view_of(work, task, candidate);
    let Some(captured) = captured else { return Ok(view) };
    view.unmatched.clone_from(&captured.unmatched);
    let masks: Vec<Area> = captured.masks.iter().map(area).collect();
    let before = match &work.baseline {
        Some(environment) => {
            let shot = capture::shot(settings, page, look, window, Some(environment), cx)?;
            let (side, captured) =
                capture::take(session, &shot, &of(Some(environment)), cx).await?;
            view.baseline = Some(side);
            captured.map(|captured| {
                (captured.png, captured.masks.iter().map(area).collect::<Vec<Area>>())
            })
        }
        None => {
            let label = format!("{} at {}, approved", page.name, window.name);
            // What was masked when it was approved is not known: the same places are left out.
            approved(&mut view, &label, cx)?.map(|png| (png, masks.clone()))
        }
    };
    if let (
        Side::Picture { picture: after_picture, .. },
        Some(Side::Picture { picture, .. }),
        Some((before, before_masks)),
    ) = (&view.candidate, &view.baseline, before)
    {
        let before = compare::Pictured { kept: picture, png: before, masks: before_masks };
        let after = compare::Pictured { kept: after_picture, png: captured.png, masks };
        let label = format!("{} at {}", page.name, window.name);
        let how = settings.comparing(page.entry);
        view.compared = Some(compare::compare(before, after, how, &label, cx).await?);
    }
    Ok(view)
}

fn area(rect: &visual_browser::Rect) -> Area {
    Area { x: rect.x, y: rect.y, width: rect.width, height: rect.height }
}

/// Finds the approved picture, and prepares the proposal to replace it.
fn approved(view: &mut View, label: &str, cx: &Context) -> Result<Option<Vec<u8>>, Error> {
    let Side::Picture { picture, .. } = &view.candidate else { return Ok(None) };
    let candidate = picture.digest;
    let (bytes, found) = baselines::load(view, cx)?;
    let same = found.picture_digest == Some(candidate);
    let new_sidecar = if same { None } else { Some(baselines::keep_sidecar(view, candidate, cx)?) };
    view.files = Some(BaselineFiles { new_sidecar, ..found });
    if let Some(bytes) = &bytes {
        let picture = cx.keep(Role::Image, label, "image/png", bytes)?;
        view.baseline = Some(Side::Picture { picture, status: None });
    }
    Ok(bytes)
}
