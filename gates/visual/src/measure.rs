//! Photographing and comparing every view, several at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gate_core::evidence::Area;
use gate_core::{Context, Environment, Error, Role, UnitId};
use tokio::sync::Mutex;
use visual_browser::{Launch, Session};

use crate::capture::{self, BROWSER};
use crate::seen::{BaselineFiles, Observation, Side, View};
use crate::settings::{Against, PageSpec, Settings, ViewportSpec};
use crate::{baselines, compare};

/// What all workers share.
struct Work {
    settings: Settings,
    candidate: Environment,
    /// None when approved pictures are the baseline.
    baseline: Option<Environment>,
    launch: Launch,
    queue: Mutex<VecDeque<(PageSpec, ViewportSpec, [u32; 2])>>,
    done: AtomicU64,
    total: u64,
    cx: Context,
}

pub(crate) async fn measure(
    settings: &Settings,
    units: &[UnitId],
    cx: &Context,
) -> Result<Observation, Error> {
    let candidate = cx.candidate()?.clone();
    let baseline = match &settings.against {
        Against::Baselines => None,
        Against::Promotion => Some(
            cx.baseline()
                .ok_or_else(|| Error::new("there is no promotion").hint("use --promotion NAME"))?
                .clone(),
        ),
        Against::Environment(name) => Some(cx.environment(name)?.clone()),
    };
    let sites: Vec<&Environment> = std::iter::once(&candidate).chain(&baseline).collect();
    capture::reachable(&sites).await?;
    let queue = views(settings, units);
    let total = queue.len() as u64;
    let workers = cx.jobs().clamp(1, queue.len().max(1));
    let work = Arc::new(Work {
        settings: settings.clone(),
        candidate,
        baseline,
        launch: capture::launch(cx)?,
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

fn views(settings: &Settings, units: &[UnitId]) -> VecDeque<(PageSpec, ViewportSpec, [u32; 2])> {
    let pages = (0..).zip(&settings.pages);
    pages
        .filter(|(_, page)| units.iter().any(|unit| unit.0 == page.name))
        .flat_map(|(p, page)| {
            (0..)
                .zip(&settings.viewports)
                .map(move |(v, viewport)| (page.clone(), viewport.clone(), [p, v]))
        })
        .collect()
}

async fn worker(work: Arc<Work>) -> Result<Vec<View>, Error> {
    let mut views = Vec::new();
    let mut session: Option<Session> = None;
    loop {
        let next = work.queue.lock().await.pop_front();
        let Some((page, viewport, place)) = next else { break };
        let session = match &mut session {
            Some(session) => session,
            empty => empty.insert(open(&work).await?),
        };
        let what = format!("{} at {}", page.name, viewport.name);
        let done = work.done.load(Ordering::Relaxed);
        work.cx.progress(done, Some(work.total), "views", what);
        views.push(view(&work, session, &page, &viewport, place).await?);
        let done = work.done.fetch_add(1, Ordering::Relaxed) + 1;
        let what = format!("{} at {} done", page.name, viewport.name);
        work.cx.progress(done, Some(work.total), "views", what);
    }
    if let Some(session) = session {
        session.close().await;
    }
    Ok(views)
}

async fn open(work: &Work) -> Result<Session, Error> {
    let on = |stage| capture::stage(&work.cx, "", stage);
    Session::open(&work.launch, &on).await.map_err(|error| {
        let message = Error::new(format!("the browser cannot be used: {error}"));
        match error.hint() {
            Some(hint) => message.hint(hint),
            None => message,
        }
    })
}

async fn view(
    work: &Work,
    session: &mut Session,
    page: &PageSpec,
    viewport: &ViewportSpec,
    place: [u32; 2],
) -> Result<View, Error> {
    let (settings, cx) = (&work.settings, &work.cx);
    let label = |environment: &str| format!("{} at {}, {environment}", page.name, viewport.name);
    let shot = capture::shot(settings, page, viewport, &work.candidate, cx)?;
    let (candidate, captured) =
        capture::take(session, &shot, &label(&work.candidate.name), cx).await?;
    let mut view = View {
        gate: cx.gate().to_owned(),
        page: page.name.clone(),
        path: page.path.clone(),
        viewport: viewport.name.clone(),
        width: viewport.width.0,
        height: viewport.height.0,
        browser: BROWSER.to_owned(),
        place,
        candidate,
        baseline: None,
        compared: None,
        files: None,
        unmatched: Vec::new(),
    };
    let Some(captured) = captured else { return Ok(view) };
    view.unmatched.clone_from(&captured.unmatched);
    let mut masks: Vec<Area> = captured.masks.iter().map(area).collect();
    let before = match &work.baseline {
        Some(environment) => {
            let shot = capture::shot(settings, page, viewport, environment, cx)?;
            let (side, captured) =
                capture::take(session, &shot, &label(&environment.name), cx).await?;
            view.baseline = Some(side);
            captured.map(|captured| {
                // What is masked on either side is left out on both.
                masks.extend(captured.masks.iter().map(area));
                masks.sort_by_key(|a| (a.y, a.x, a.width, a.height));
                masks.dedup();
                captured.png
            })
        }
        None => approved(&mut view, &label("approved"), cx)?,
    };
    if let (
        Side::Picture { picture: after_picture, .. },
        Some(Side::Picture { picture, .. }),
        Some(before),
    ) = (&view.candidate, &view.baseline, before)
    {
        let (before, after) = ((picture, before), (after_picture, captured.png));
        let label = format!("{} at {}", page.name, viewport.name);
        let threshold = settings.threshold.0;
        view.compared = Some(compare::compare(before, after, masks, threshold, &label, cx).await?);
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
