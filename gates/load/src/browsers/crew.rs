//! Browsers at work, beside whoever sends.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use gate_core::{Context, Error};
use tokio::sync::watch;
use url::Url;
use visual_browser::{DriverAt, Launch, Requested, Session, Visit, Visited, processors};

use super::pages::{Page, visits};
use super::{Load, Trouble, Watched};
use crate::settings::Settings;
use crate::target;

/// How much browsers give way: enough that the generator gets a processor at once when it wants
/// one, and not so much that a busy machine starves them.
const NICENESS: u8 = 10;
/// How often it is looked whether anybody still waits.
const TICK: Duration = Duration::from_millis(100);
/// How often in a row a browser may go away before it is given up.
const LOSSES: u32 = 3;

/// When page loads count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// From here on.
    pub(crate) begins: Instant,
    /// Those that begin before this.
    pub(crate) ends: Instant,
    /// How long was measured before, in seconds.
    pub(crate) before: f64,
}

/// What browsers are to do.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Nothing, for now.
    Rest,
    Look(Window),
    /// Go home.
    Over,
}

/// The browsers of a run. They begin with the first window and end when this is dropped.
pub(crate) struct Crew {
    launch: Launch,
    visits: Arc<Vec<Visit>>,
    pages: Vec<String>,
    count: u64,
    every: Duration,
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many of them have seen the page once, or have given up.
    ready: u64,
    /// How many of them are loading a page, or may be about to.
    busy: u64,
    loads: Vec<Load>,
    /// Hosts of others that the page asks.
    others: BTreeSet<String>,
    trouble: Option<Trouble>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, what: impl FnOnce(&mut State)) {
        what(&mut self.state());
        self.changed.notify_all();
    }

    /// Waits until something holds, or nobody waits any more.
    fn wait(&self, holds: impl Fn(&State) -> bool, is_cancelled: &dyn Fn() -> bool) {
        let mut state = self.state();
        while !holds(&state) && !is_cancelled() {
            let waited = self.changed.wait_timeout(state, TICK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Crew {
    /// The browsers that the settings ask for; none where they ask for none. None is started yet.
    pub(crate) fn of(spec: &Settings, pages: &[Page], cx: &Context) -> Result<Option<Crew>, Error> {
        let Some(browsers) = &spec.browsers else { return Ok(None) };
        let mut launch = gate_browsers::launch(gate_browsers::chromium(cx)?, cx)?;
        launch.niceness = NICENESS;
        launch.processors = spare(&processors(), spec.threads * pages.len());
        let visits = visits(pages, cx)?;
        Ok(Some(Crew {
            launch,
            pages: pages.iter().map(|page| target::shown(&page.url)).collect(),
            visits: Arc::new(visits),
            count: browsers.count,
            every: browsers.every.0,
            shared: Arc::default(),
            phase: watch::Sender::new(Phase::Rest),
            thread: None,
        }))
    }

    /// Starts the browsers, the first time, and has each see every page once: what only the first
    /// page of a new browser costs is not the page's doing.
    pub(crate) fn ready(&mut self, is_cancelled: &dyn Fn() -> bool) {
        if self.thread.is_none() {
            let (launch, visits) = (self.launch.clone(), Arc::clone(&self.visits));
            let (shared, phase) = (Arc::clone(&self.shared), self.phase.subscribe());
            let (count, every) = (self.count, self.every);
            self.thread = Some(thread::spawn(move || {
                // Whatever becomes of them, nobody waits for them for ever.
                let _ended = Ended { shared: &shared, count };
                work(&launch, &visits, count, every, &shared, &phase);
            }));
        }
        self.shared.wait(|state| state.ready >= self.count, is_cancelled);
    }

    /// Lets them look.
    pub(crate) fn look(&self, window: Window) {
        self.phase.send_replace(Phase::Look(window));
    }

    /// Has them rest, and waits for the pages that they have begun to load: to leave out those that
    /// take long would make the page look quicker than it is.
    pub(crate) fn rest(&self, is_cancelled: &dyn Fn() -> bool) {
        self.phase.send_replace(Phase::Rest);
        self.shared.wait(|state| state.busy == 0, is_cancelled);
    }

    /// What they have seen so far.
    pub(crate) fn watched(&self) -> Watched {
        let state = self.shared.state();
        let mut loads = state.loads.clone();
        loads.sort_by(|one, other| one.at.total_cmp(&other.at));
        Watched {
            count: self.count,
            pages: self.pages.clone(),
            is_here: !matches!(self.launch.driver, DriverAt::Remote { .. }),
            loads,
            others: state.others.iter().cloned().collect(),
            trouble: state.trouble.clone(),
            charts: Vec::new(),
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Over);
        if let Some(thread) = self.thread.take() {
            // A panic there was about a page, and has been told as a browser that was lost.
            let _ = thread.join();
        }
    }
}

/// The processors that are left beside those that the generator is bound to, which are the first
/// ones; all of them, which is none here, when it needs them all.
fn spare(all: &[usize], generators: usize) -> Vec<usize> {
    all.get(generators..).unwrap_or_default().to_vec()
}

/// Says at the end of the browsers' thread, however that comes, that there is none any more.
struct Ended<'s> {
    shared: &'s Shared,
    count: u64,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.shared.change(|state| {
            (state.ready, state.busy) = (self.count, 0);
            if thread::panicking() && state.trouble.is_none() {
                let why = "what leads the browsers has panicked".to_owned();
                state.trouble = Some(Trouble { why, advice: None });
            }
        });
    }
}

/// The whole life of the browsers.
fn work(
    launch: &Launch,
    visits: &[Visit],
    count: u64,
    every: Duration,
    shared: &Shared,
    phase: &watch::Receiver<Phase>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime.inspect_err(|error| {
        let why = format!("nothing waits for browsers: {error}");
        shared.change(|state| state.trouble = Some(Trouble { why, advice: None }));
    }) else {
        return;
    };
    runtime.block_on(async {
        let one = |number: u64| {
            let looker = Looker { launch, visits, number, count, every, shared };
            let phase = phase.clone();
            async move { looker.live(phase).await }
        };
        match count {
            1 => one(0).await,
            _ => {
                tokio::join!(one(0), one(1));
            }
        }
    });
}

async fn is_over(mut phase: watch::Receiver<Phase>) {
    // Nobody is there to say it either.
    let _ = phase.wait_for(|phase| matches!(phase, Phase::Over)).await;
}

/// What one of them has.
struct Own {
    session: Option<Session>,
    /// Whether it has said so.
    is_ready: bool,
}

/// One of the browsers.
struct Looker<'a> {
    launch: &'a Launch,
    visits: &'a [Visit],
    number: u64,
    count: u64,
    every: Duration,
    shared: &'a Shared,
}

impl Looker<'_> {
    async fn live(&self, mut phase: watch::Receiver<Phase>) {
        let over = is_over(phase.clone());
        let mut own = Own { session: None, is_ready: false };
        tokio::select! {
            // Dropped in the middle of a page.
            () = over => {}
            ended = self.looked(&mut phase, &mut own) => self.shared.change(|state| {
                state.ready += u64::from(!own.is_ready);
                if let Err(error) = ended {
                    let advice = error.hint().map(str::to_owned);
                    state.trouble = Some(Trouble { why: error.to_string(), advice });
                }
            }),
        }
        if let Some(session) = own.session {
            // One elsewhere would otherwise be kept for whoever comes back.
            session.close().await;
        }
    }

    async fn looked(
        &self,
        phase: &mut watch::Receiver<Phase>,
        own: &mut Own,
    ) -> Result<(), visual_browser::Error> {
        let session = own.session.insert(Session::open(self.launch, &|_| {}).await?);
        let mut usual = Vec::new();
        for visit in self.visits {
            let mut losses = 0;
            usual.push(loop {
                match session.visit(visit).await {
                    Ok(visited) => {
                        if usual.is_empty() {
                            let others = others(&visit.url, &visited);
                            self.shared.change(|state| state.others.extend(others));
                        }
                        break Some(Usual::of(&visited));
                    }
                    // A page that does not come is counted once it counts.
                    Err(error) if is_of_page(&error) => break None,
                    Err(error) if is_while_open(&error) && losses + 1 < LOSSES => losses += 1,
                    Err(error) => return Err(error),
                }
            });
        }
        own.is_ready = true;
        self.shared.change(|state| state.ready += 1);
        let mut turn = self.number as usize;
        let mut losses = 0;
        loop {
            let now = *phase.borrow_and_update();
            match now {
                Phase::Look(window) => {
                    self.shared.change(|state| state.busy += 1);
                    let own = (&usual[..], &mut turn, &mut losses);
                    let seen = self.window(window, session, phase, own);
                    let seen = seen.await;
                    self.shared.change(|state| state.busy -= 1);
                    seen?;
                }
                Phase::Rest => {}
                Phase::Over => return Ok(()),
            }
            if phase.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Loads the page of one version after the other's until the window is over.
    async fn window(
        &self,
        window: Window,
        session: &mut Session,
        phase: &mut watch::Receiver<Phase>,
        (usual, turn, losses): (&[Option<Usual>], &mut usize, &mut u32),
    ) -> Result<(), visual_browser::Error> {
        // Two browsers do not begin at once.
        let mut due = window.begins + self.every / self.count as u32 * self.number as u32;
        loop {
            tokio::select! {
                biased;
                _ = phase.changed() => {
                    phase.mark_changed();
                    return Ok(());
                }
                () = tokio::time::sleep_until(due.into()) => {}
            }
            let begun = Instant::now();
            if begun >= window.ends {
                return Ok(());
            }
            due = (due + self.every).max(begun);
            let version = *turn % self.visits.len();
            *turn += 1;
            let at = window.before + (begun - window.begins).as_secs_f64();
            let visited = session.visit(&self.visits[version]).await;
            let until = Instant::now().min(window.ends);
            let late = until.saturating_duration_since(begun).as_secs_f64();
            let times = (late / self.every.as_secs_f64()).ceil().max(1.0) as u64;
            let load = Load { times, ..Load::begun(version, at) };
            match visited {
                Ok(visited) => {
                    let other = usual[version].as_ref().and_then(|usual| usual.unlike(&visited));
                    let load = seen(load, &visited);
                    self.keep(Load { failed: load.failed.clone().or(other), ..load });
                }
                Err(error) if is_of_page(&error) => {
                    self.keep(Load { failed: Some(error.to_string()), ..load });
                }
                Err(error) => {
                    if is_while_open(&error) {
                        // A page that brings a browser down, or never lets go of it, is no page for
                        // a visitor either; and if it was not the page, better a doubt too many.
                        let why = format!("the browser was lost while it was open: {error}");
                        self.keep(Load { failed: Some(why), ..load });
                    }
                    // The next visit starts another browser.
                    *losses += 1;
                    if *losses >= LOSSES {
                        return Err(error);
                    }
                    continue;
                }
            }
            *losses = 0;
        }
    }

    fn keep(&self, load: Load) {
        self.shared.change(|state| state.loads.push(load));
    }
}

/// Whether an error is about the page, and not about the browser.
fn is_of_page(error: &visual_browser::Error) -> bool {
    use visual_browser::Error as Is;
    matches!(
        error,
        Is::Refused { .. }
            | Is::NameNotResolved { .. }
            | Is::Tls { .. }
            | Is::Navigation { .. }
            | Is::NavigationTimeout { .. }
    )
}

/// What a page was like before there was any load.
struct Usual {
    /// Where it led to, without what stands behind a question mark.
    led_to: String,
    /// What of its own did not come even then.
    broken: BTreeSet<String>,
}

impl Usual {
    fn of(visited: &Visited) -> Usual {
        Usual { led_to: place(&visited.final_url), broken: broken(visited) }
    }

    /// Why this is not that page: it led elsewhere, or parts of it did not come.
    fn unlike(&self, visited: &Visited) -> Option<String> {
        let led_to = place(&visited.final_url);
        if led_to != self.led_to {
            return Some(format!("it led to {}", shown(&led_to)));
        }
        let broken = broken(visited);
        let mut missing = broken.difference(&self.broken);
        let first = shown(missing.next()?);
        let others = missing.count();
        Some(match others {
            0 => format!("{first} did not come"),
            _ => format!("{first} did not come, nor did {others} more"),
        })
    }
}

/// An address without what stands behind a question mark.
fn place(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// The same for people.
fn shown(place: &str) -> String {
    Url::parse(place).map_or_else(|_| "no address".to_owned(), |url| target::shown(&url))
}

/// What a page needs of its own origin and has not got.
fn broken(visited: &Visited) -> BTreeSet<String> {
    let origin = |url: &str| Url::parse(url).map(|url| url.origin()).ok();
    let own = origin(&visited.final_url);
    let is_broken = |one: &&Requested| {
        let is_needed = matches!(
            one.kind.as_str(),
            "script" | "stylesheet" | "image" | "font" | "fetch" | "xhr"
        );
        is_needed && origin(&one.url) == own && one.status >= 400
    };
    visited.requests.iter().filter(is_broken).map(|one| place(&one.url)).collect()
}

/// Which other hosts a page asks.
fn others(page: &str, visited: &Visited) -> BTreeSet<String> {
    let host = |url: &str| Url::parse(url).ok()?.host_str().map(str::to_owned);
    let own = [host(page), host(&visited.final_url)];
    let asked = visited.requests.iter().filter_map(|one| host(&one.url));
    asked.filter(|host| !own.iter().flatten().any(|own| own == host)).collect()
}

/// Whether a browser was there and was lost with the page.
fn is_while_open(error: &visual_browser::Error) -> bool {
    use visual_browser::Error as Is;
    matches!(error, Is::SessionLost { .. } | Is::Protocol { .. })
}

fn seen(load: Load, visited: &Visited) -> Load {
    let micros = |time: Option<Duration>| time.map(|time| time.as_micros() as u64);
    let failed = visited.status.filter(|status| *status >= 400);
    let processor = visited.processor;
    Load {
        first_byte: micros(visited.first_byte),
        first_paint: micros(visited.first_contentful_paint),
        largest_paint: micros(visited.largest_contentful_paint),
        loaded: micros(visited.loaded),
        layout_shift: Some(visited.cumulative_layout_shift),
        ran: micros(processor.map(|one| one.ran)),
        waited: micros(processor.map(|one| one.waited)),
        is_restless: !visited.is_at_rest,
        failed: failed.map(|status| format!("it was answered {status}")),
        ..load
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_leave_the_generator_its_processors() {
        assert_eq!(spare(&[0, 1, 2, 3], 1), [1, 2, 3]);
        assert_eq!(spare(&[4, 6], 1), [6]);
        // Where all are taken they may use them all, with less priority.
        assert_eq!(spare(&[0, 1], 2), Vec::<usize>::new());
        assert_eq!(spare(&[0], 3), Vec::<usize>::new());
    }
}
