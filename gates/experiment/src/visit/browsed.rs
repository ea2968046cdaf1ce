//! Visitors who come in a browser.

use std::sync::Arc;
use std::time::Duration;

use gate_core::{Context, Error};
use url::Url;
use visual_browser::{Launch, Session, Step, Until, Visited};

use super::seen::{Look, Visitor, When};
use super::site::{Site, joined, led};
use super::watching::{NOWHERE, Others, Watching};
use crate::settings::{Act, BeforeLaunch, StaysAfter};

/// How long an element is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what a click has begun may take.
const REST: Duration = Duration::from_secs(2);
/// How much of another arm's variant is none that anybody could see: two frames.
const FLICKER: Duration = Duration::from_millis(34);

/// What one visitor does.
pub(super) struct Stay<'a> {
    pub(super) site: &'a Site,
    pub(super) before: &'a BeforeLaunch,
    pub(super) watching: &'a Arc<Watching>,
    pub(super) launch: &'a Launch,
    pub(super) cx: &'a Context,
}

impl Stay<'_> {
    /// Lets a visitor come, stay and convert. The error is that there is no browser; what is the page's
    /// fault is told of the visitor.
    pub(super) async fn visited(&self, visitor: &mut Visitor) -> Result<Others, Error> {
        let mut session =
            Session::open(self.launch, &|_| {}).await.map_err(|error| told(&error))?;
        let mut stayed = self.stay(&mut session, visitor).await;
        // What is on its way goes before the browser does; what could not be waited for is no lost beacon.
        if stayed.is_ok() {
            stayed = self.left(&mut session).await.map_err(Stopped::from);
        }
        session.close().await;
        visitor.events = self.watching.taken();
        match stayed {
            Ok(()) => {}
            Err(Stopped::Page(why)) => visitor.failed = Some(why),
            Err(Stopped::Error(error)) => return Err(error),
        }
        Ok(self.watching.others())
    }

    async fn stay(&self, session: &mut Session, visitor: &mut Visitor) -> Result<(), Stopped> {
        let page = &self.site.page;
        let visit = self.site.visit(page, &visitor.id, true);
        let visited = session.visit(&visit).await?;
        self.look(session, visitor, When::Arrival, page, &visited).await?;
        let is_login = |stays: &&StaysAfter| **stays == StaysAfter::Login;
        let can_log_in = !self.before.login.is_empty();
        // That nothing says how to log in is told by itself.
        for stays in self.before.stays_after.iter().filter(|one| can_log_in || !is_login(one)) {
            self.again(session, visitor, *stays).await?;
        }
        if !self.before.converts.is_empty() {
            self.does(session, visitor, &self.before.converts).await?;
            visitor.has_converted = true;
        }
        Ok(())
    }

    /// Comes back after something.
    async fn again(
        &self,
        session: &mut Session,
        visitor: &mut Visitor,
        stays: StaysAfter,
    ) -> Result<(), Stopped> {
        let page = &self.site.page;
        let next = self.site.visit(page, &visitor.id, false);
        let when = When::from(stays);
        let url = match stays {
            StaysAfter::Subdomain => self.site.elsewhere.as_ref().unwrap_or(page),
            _ => page,
        };
        let visited = match stays {
            StaysAfter::NewSession => {
                self.leaves(session, Some(when)).await?;
                // The visitor's id is how they are known: it would have lasted.
                let own = self.site.cookies(&visitor.id, true);
                let own: Vec<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
                session.come_back(&next, &own).await?
            }
            StaysAfter::Reload => {
                self.leaves(session, Some(when)).await?;
                session.go_on(&next).await?
            }
            StaysAfter::NewPage => {
                self.leaves(session, None).await?;
                let other = self.site.visit(&self.site.other_page, &visitor.id, false);
                session.go_on(&other).await?;
                self.leaves(session, Some(when)).await?;
                session.go_on(&next).await?
            }
            StaysAfter::Login | StaysAfter::CookieLoss => {
                if stays == StaysAfter::CookieLoss {
                    session.forget_cookies().await?;
                }
                self.does(session, visitor, &self.before.login).await?;
                self.leaves(session, Some(when)).await?;
                session.go_on(&next).await?
            }
            StaysAfter::Subdomain => {
                self.leaves(session, Some(when)).await?;
                session.go_on(&self.site.visit(url, &visitor.id, false)).await?
            }
        };
        self.look(session, visitor, when, url, &visited).await
    }

    /// Leaves the page. What it still has to say is said before the next one is there.
    async fn leaves(&self, session: &mut Session, to: Option<When>) -> Result<(), Stopped> {
        self.left(session).await?;
        self.watching.next_view(to);
        Ok(())
    }

    /// Opens no page, and waits until all has come that the one before has sent. On a machine that is busy
    /// that takes a while to be on its way: it is when something that was asked for later has come.
    async fn left(&self, session: &mut Session) -> Result<(), visual_browser::Error> {
        session.leave().await?;
        session.fetch(&format!("http://{NOWHERE}/")).await?;
        self.watching.settled().await;
        Ok(())
    }

    /// Notes what is there.
    async fn look(
        &self,
        session: &Session,
        visitor: &mut Visitor,
        when: When,
        url: &Url,
        visited: &Visited,
    ) -> Result<(), Stopped> {
        if let Some(status) = visited.status.filter(|status| *status >= 400) {
            return Err(Stopped::Page(format!("{} it was answered {status}", when.words())));
        }
        let assigned = match &self.site.arm_cookie {
            None => None,
            Some(name) => {
                let kept = session.cookies(url.as_str()).await?;
                kept.into_iter().find(|one| one.cookie.name == *name).map(|one| one.cookie.value)
            }
        };
        let micros = |time: Option<Duration>| time.map(|time| time.as_micros() as u64);
        let sights = || self.site.shows.iter().map(|(arm, _)| arm).zip(&visited.sights);
        let shown: Vec<String> =
            sights().filter(|(_, sight)| sight.is_shown).map(|(arm, _)| arm.clone()).collect();
        let gone = sights().filter(|(_, sight)| !sight.is_shown).filter_map(|(arm, sight)| {
            let time = sight.last?.saturating_sub(sight.first?);
            (time >= FLICKER).then(|| (arm.clone(), time.as_micros() as u64))
        });
        let there = Url::parse(&visited.final_url).ok();
        visitor.looks.push(Look {
            when,
            shown,
            assigned,
            first_byte: micros(visited.first_byte),
            first_paint: micros(visited.first_contentful_paint),
            flicker: gone.max_by_key(|(_, time)| *time),
            led_to: there.and_then(|there| led(url, &there)),
            ..Look::default()
        });
        Ok(())
    }

    async fn does(
        &self,
        session: &mut Session,
        visitor: &Visitor,
        acts: &[Act],
    ) -> Result<(), Stopped> {
        for act in acts {
            let steps = match act {
                Act::Open(path) => {
                    let mut root = self.site.page.clone();
                    root.set_path("");
                    let url = joined(&root, path).map_err(Stopped::Error)?;
                    self.leaves(session, None).await?;
                    session.go_on(&self.site.visit(&url, &visitor.id, false)).await?;
                    continue;
                }
                Act::Click(selector) => {
                    session.steps(&[Step::Click(selector.clone())], PATIENCE).await?;
                    // What a click has begun comes to its end before anything else is done.
                    let mut visit = self.site.visit(&self.site.page, &visitor.id, false);
                    visit.rest_deadline = REST;
                    session.look(&visit).await?;
                    continue;
                }
                Act::WaitFor(selector) => vec![Step::Wait(Until::Selector(selector.clone()))],
                Act::Fill(fields) => {
                    let fill = |(selector, text): (&String, _)| {
                        let text = self.cx.reveal(text)?;
                        Ok(Step::Fill { selector: selector.clone(), text })
                    };
                    let steps: Result<Vec<Step>, Error> = fields.iter().map(fill).collect();
                    steps.map_err(Stopped::Error)?
                }
            };
            session.steps(&steps, PATIENCE).await?;
        }
        Ok(())
    }
}

/// Why a visit does not go on.
enum Stopped {
    /// The page is to blame, as far as anybody can tell.
    Page(String),
    /// There is nothing to look with, or nothing to look at.
    Error(Error),
}

impl From<visual_browser::Error> for Stopped {
    fn from(error: visual_browser::Error) -> Stopped {
        use visual_browser::Error as Is;
        match error {
            Is::Refused { .. }
            | Is::NameNotResolved { .. }
            | Is::Tls { .. }
            | Is::Navigation { .. }
            | Is::NavigationTimeout { .. }
            | Is::Step { .. }
            | Is::SessionLost { .. }
            | Is::Protocol { .. } => Stopped::Page(error.to_string()),
            error => Stopped::Error(told(&error)),
        }
    }
}

fn told(error: &visual_browser::Error) -> Error {
    let made = Error::new(error.to_string());
    match error.hint() {
        Some(hint) => made.hint(hint),
        None => made,
    }
}
