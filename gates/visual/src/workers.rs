//! Several browsers at work on one list of views.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gate_core::{Context, Error, Level};
use tokio::sync::Mutex;
use visual_browser::{Launch, Session};

use crate::measure::{Seen, Task, Work, no_picture, view, view_of};
use crate::seen::View;
use crate::{browsers, capture};

/// How long a grid may take to say what it has.
const ASK_GRID: Duration = Duration::from_secs(5);
/// How many browsers may be lost over one page before the page is given up.
const MOST_LOST: u32 = 3;
/// How often new browsers are asked for while there is work left and some of it gets done.
const ROUNDS: u32 = 3;

/// What several browsers of one kind work on.
struct Shift {
    queue: VecDeque<Task>,
    /// Why a browser could not be started.
    refused: Option<Error>,
}

/// Why there is no browser, and what it was wanted for.
pub(crate) type Left = (Error, VecDeque<Task>);

/// The views of one kind of browser, and what is left when none could be started any more.
pub(crate) async fn photograph(
    work: &Arc<Work>,
    launch: Launch,
    queue: VecDeque<Task>,
) -> Result<(Vec<View>, Option<Left>), Error> {
    let shift = Arc::new(Mutex::new(Shift { queue, refused: None }));
    let mut views = Vec::new();
    for _ in 0..ROUNDS {
        let left = shift.lock().await.queue.len();
        let seen = round(work, &launch, &shift, left).await?;
        let nothing = seen.is_empty();
        views.extend(seen);
        if nothing || shift.lock().await.queue.is_empty() {
            break;
        }
    }
    let mut shift = shift.lock().await;
    let left = std::mem::take(&mut shift.queue);
    if left.is_empty() {
        return Ok((views, None));
    }
    let refused = shift.refused.take().unwrap_or_else(|| Error::new("too many browsers were lost"));
    Ok((views, Some((refused, left))))
}

/// As many browsers as make sense, until there is nothing left or none of them goes on.
async fn round(
    work: &Arc<Work>,
    launch: &Launch,
    shift: &Arc<Mutex<Shift>>,
    tasks: usize,
) -> Result<Vec<View>, Error> {
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..sessions(&work.cx).await.clamp(1, tasks.max(1)) {
        // Sessions of one launch may share what is costly to start.
        workers.spawn(worker(work.clone(), shift.clone(), launch.clone()));
    }
    let mut views = Vec::new();
    // The first error ends the others: dropping the set drops their browsers.
    while let Some(ended) = workers.join_next().await {
        match ended {
            Ok(found) => views.extend(found?),
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            Err(_) => return Err(Error::new("a worker was lost")),
        }
    }
    Ok(views)
}

/// How many browsers are at work at once: as many as a grid has free, since they cost this machine
/// next to nothing. Here, a browser waits for the site about a third of the time, so three keep
/// two processors busy; with more they wait for each other.
async fn sessions(cx: &Context) -> usize {
    if let Some(address) = browsers::remote(cx)
        // What is wrong with a grid is said when a session is asked for.
        && let Ok(Some(slots)) = visual_browser::slots(address, ASK_GRID).await
    {
        return slots.free;
    }
    cx.jobs() + cx.jobs() / 2
}

/// Photographs until there is nothing left. A browser that cannot be started ends this worker
/// alone: a grid may have fewer places than were hoped for, or lose some, and the others go on.
async fn worker(
    work: Arc<Work>,
    shift: Arc<Mutex<Shift>>,
    launch: Launch,
) -> Result<Vec<View>, Error> {
    let mut views = Vec::new();
    let Some(mut session) = open(&work, &shift, &launch).await else { return Ok(views) };
    loop {
        let next = shift.lock().await.queue.pop_front();
        let Some(mut task) = next else { break };
        let done = work.done.load(Ordering::Relaxed);
        work.cx.progress(done, Some(work.total), "views", task.what());
        match view(&work, &mut session, &task).await? {
            Seen::View(view) => views.push(*view),
            Seen::Lost(error) => {
                let lost = Error::new(error.to_string());
                let lost = error.hint().into_iter().fold(lost, Error::hint_ref);
                work.cx.log(Level::Warn, format!("{}: {lost}", task.what()));
                task.lost += 1;
                if task.lost < MOST_LOST {
                    // For whichever browser comes first, one at another node for instance.
                    shift.lock().await.queue.push_back(task);
                } else {
                    views.push(view_of(&work, &task, no_picture(&lost)));
                }
                session.close().await;
                match open(&work, &shift, &launch).await {
                    Some(new) => session = new,
                    None => return Ok(views),
                }
                continue;
            }
        }
        let done = work.done.fetch_add(1, Ordering::Relaxed) + 1;
        work.cx.progress(done, Some(work.total), "views", format!("{} done", task.what()));
    }
    session.close().await;
    Ok(views)
}

/// Starts a browser, or notes why that cannot be done.
async fn open(work: &Work, shift: &Mutex<Shift>, launch: &Launch) -> Option<Session> {
    let on = |stage| capture::stage(&work.cx, "", stage);
    match Session::open(launch, &on).await {
        Ok(session) => Some(session),
        Err(error) => {
            let said = Error::new(format!("the browser cannot be used: {error}"));
            let said = error.hint().into_iter().fold(said, Error::hint_ref);
            work.cx.log(Level::Warn, format!("one browser less: {said}"));
            shift.lock().await.refused.get_or_insert(said);
            None
        }
    }
}
