//! Photographing and comparing every view, several at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gate_core::evidence::Area;
use gate_core::{Context, Environment, Error, Role, UnitId};
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
    /// One for each kind of browser; its sessions may share what is costly to start.
    launches: BTreeMap<BrowserSpec, Launch>,
    queue: Mutex<VecDeque<Task>>,
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
    let queue = tasks(settings, pages)?;
    let launches = queue
        .iter()
        .map(|task| task.browser)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|browser| Ok((browser, capture::launch(browser, cx)?)))
        .collect::<Result<_, Error>>()?;
    let total = queue.len() as u64;
    let workers = sessions(cx).clamp(1, queue.len().max(1));
    let work = Arc::new(Work {
        settings: settings.clone(),
        candidate,
        baseline,
        launches,
        queue: Mutex::new(queue),
        done: AtomicU64::new(0),
        total,
        cx: cx.clone(),
    });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..workers {
        tasks.spawn(worker(work.clone()));
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
    views.sort_by(|one, other| one.order().cmp(&other.order()));
    Ok(Observation { views })
}

/// How many browsers are at work at once. A browser waits for the site and for its driver about
/// a third of the time, so three keep two processors busy; with more they wait for each other.
fn sessions(cx: &Context) -> usize {
    cx.jobs() + cx.jobs() / 2
}

/// Everything that has to be looked at, one browser after the other: a worker starts a browser
/// anew only when it comes to another kind.
fn tasks(settings: &Settings, pages: Vec<Page>) -> Result<VecDeque<Task>, Error> {
    let looks: Vec<Arc<Look>> =
        (0..settings.pages.len()).map(|entry| Arc::new(settings.look_of(entry))).collect();
    let mut tasks = Vec::new();
    for page in pages {
        let look = looks.get(page.entry).ok_or_else(|| {
            Error::new(format!("the plan has a page of entry {}, and the spec has not", page.entry))
        })?;
        for browser in look.browsers() {
            for (viewport, window) in (0..).zip(look.windows()) {
                let place = [page.entry as u32, viewport];
                tasks.push(Task { page: page.clone(), look: look.clone(), window, browser, place });
            }
        }
    }
    tasks.sort_by(|one, other| {
        let key = |task: &Task| (task.browser, task.place[0]);
        key(one).cmp(&key(other)).then_with(|| one.page.address.cmp(&other.page.address))
    });
    Ok(tasks.into())
}

async fn worker(work: Arc<Work>) -> Result<Vec<View>, Error> {
    let mut views = Vec::new();
    let mut open: Option<(BrowserSpec, Session)> = None;
    loop {
        let next = work.queue.lock().await.pop_front();
        let Some(task) = next else { break };
        let mut session = match open.take() {
            Some((browser, session)) if browser == task.browser => session,
            other => {
                if let Some((_, session)) = other {
                    session.close().await;
                }
                start(&work, task.browser).await?
            }
        };
        let what = format!("{} at {}", task.page.name, task.window.name);
        let done = work.done.load(Ordering::Relaxed);
        work.cx.progress(done, Some(work.total), "views", what.clone());
        views.push(view(&work, &mut session, &task).await?);
        open = Some((task.browser, session));
        let done = work.done.fetch_add(1, Ordering::Relaxed) + 1;
        work.cx.progress(done, Some(work.total), "views", format!("{what} done"));
    }
    if let Some((_, session)) = open {
        session.close().await;
    }
    Ok(views)
}

async fn start(work: &Work, browser: BrowserSpec) -> Result<Session, Error> {
    let on = |stage| capture::stage(&work.cx, "", stage);
    Session::open(&work.launches[&browser], &on).await.map_err(|error| {
        let message = Error::new(format!("the browser cannot be used: {error}"));
        match error.hint() {
            Some(hint) => message.hint(hint),
            None => message,
        }
    })
}

async fn view(work: &Work, session: &mut Session, task: &Task) -> Result<View, Error> {
    let Task { page, look, window, browser, place } = task;
    let (settings, cx) = (&work.settings, &work.cx);
    let of = |side: Option<&Environment>| {
        let side = side.map_or("file", |environment| &environment.name);
        format!("{} at {}, {side}", page.name, window.name)
    };
    let shot = capture::shot(settings, page, look, window, work.candidate.as_ref(), cx)?;
    let label = of(work.candidate.as_ref());
    let (candidate, captured) = capture::take(session, &shot, &label, cx).await?;
    let mut view = View {
        gate: cx.gate().to_owned(),
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
    };
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
