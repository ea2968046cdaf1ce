//! The visits of one thread.

use std::sync::{Arc, OnceLock};

use cookie_store::CookieStore;
use gate_request::{Answer as Seen, Assert, Variables};
use load::{Answer, Ask, Keeps, Request, Turn, Visits, fields};
use stats::random::Random;
use url::Url;

use super::{Flow, FlowStep, Visitors, sent};
use crate::settings::FeedOrder;

/// What the first visitor of each scenario asks first, or why that cannot be asked.
pub(super) fn first_of_each(visitors: &Visitors) -> Result<Vec<(Arc<Request>, usize)>, String> {
    let each = visitors.scenarios.iter().enumerate().map(|(at, flow)| {
        let visit = Visit::new(visitors, 0, Some(at));
        visit.request(visitors, &flow.steps[0], flow).map(|(request, origin, _)| (request, origin))
    });
    each.collect()
}

/// Stands for the page itself, where others are its assets.
const PAGE: usize = usize::MAX;

/// Visits that go on.
pub(super) struct Going {
    visitors: Arc<Visitors>,
    visits: Vec<Option<Visit>>,
    free: Vec<usize>,
}

/// One visitor.
struct Visit {
    scenario: usize,
    /// Which of its steps is under way.
    at: usize,
    variables: Variables,
    jar: CookieStore,
    random: Random,
    /// Whether asserts are looked at.
    is_checked: bool,
    /// How many assets have not come.
    waits: usize,
    /// Where the page came from, which is where its cookies belong.
    url: Option<Url>,
}

impl Going {
    pub(super) fn new(visitors: Arc<Visitors>) -> Going {
        Going { visitors, visits: Vec::new(), free: Vec::new() }
    }

    /// Asks for the step that a visit is at; whether it can be asked.
    fn ask(&mut self, number: usize, asks: &mut Vec<Ask>) -> bool {
        let visitors = Arc::clone(&self.visitors);
        let Some(visit) = &mut self.visits[number] else { return false };
        let scenario = &visitors.scenarios[visit.scenario];
        let step = &scenario.steps[visit.at];
        let pause = step.think.map_or(0, |think| {
            let (least, most) = (think.least.as_nanos() as f64, think.most.as_nanos() as f64);
            (least + (most - least) * visit.random.unit()) as u64
        });
        match visit.request(&visitors, step, scenario) {
            Ok((request, origin, url)) => {
                visit.url = url;
                let looks =
                    !step.captures.is_empty() || (visit.is_checked && !step.asserts.is_empty());
                asks.push(Ask {
                    visit: number,
                    step: step.number,
                    tag: PAGE,
                    origin,
                    request,
                    pause,
                    keeps: match looks {
                        true => Keeps::All,
                        false if scenario.cookies => Keeps::Head,
                        false => Keeps::Nothing,
                    },
                });
                true
            }
            Err(why) => {
                visitors.reasons.add(step.number, "it can be asked", why);
                false
            }
        }
    }

    /// What comes behind a step that is done: the next one, or the end. That the next one cannot be
    /// asked is held against this one: there is nothing else that it could be counted with.
    fn go_on(&mut self, number: usize, is_good: bool, asks: &mut Vec<Ask>) -> Turn {
        let Some(visit) = &mut self.visits[number] else { return Turn { is_good, is_over: true } };
        visit.at += 1;
        let is_last = visit.at >= self.visitors.scenarios[visit.scenario].steps.len();
        let goes_on = !is_last && self.ask(number, asks);
        if !goes_on {
            self.end(number);
        }
        Turn { is_good: is_good && (is_last || goes_on), is_over: !goes_on }
    }

    fn end(&mut self, number: usize) {
        if self.visits[number].take().is_some() {
            self.free.push(number);
        }
    }

    /// Asks for the assets that waited for this one, or for the page.
    fn assets(&mut self, number: usize, after: Option<usize>, asks: &mut Vec<Ask>) {
        let visitors = Arc::clone(&self.visitors);
        let Some(visit) = &mut self.visits[number] else { return };
        let scenario = &visitors.scenarios[visit.scenario];
        let step = &scenario.steps[visit.at];
        for (at, asset) in step.assets.iter().enumerate().filter(|(_, one)| one.after == after) {
            let cookies = scenario.cookies.then(|| visit.cookies(&asset.url)).flatten();
            let request = match cookies {
                None => Arc::clone(&asset.request),
                Some(cookies) => with_cookies(&asset.request, &cookies),
            };
            visit.waits += 1;
            asks.push(Ask {
                visit: number,
                step: step.number + 1,
                tag: at,
                origin: asset.origin,
                request,
                pause: asset.wait,
                keeps: Keeps::Nothing,
            });
        }
    }
}

impl Visits for Going {
    fn begin(&mut self, number: u64, asks: &mut Vec<Ask>) {
        let visit = Visit::new(&self.visitors, number, None);
        let place = self.free.pop().unwrap_or_else(|| {
            self.visits.push(None);
            self.visits.len() - 1
        });
        self.visits[place] = Some(visit);
        if !self.ask(place, asks) {
            self.end(place);
        }
    }

    fn answered(&mut self, ask: &Ask, answer: Option<&Answer<'_>>, asks: &mut Vec<Ask>) -> Turn {
        let visitors = Arc::clone(&self.visitors);
        let number = ask.visit;
        let Some(Some(visit)) = self.visits.get_mut(number) else {
            // It is over, and somebody else has come for it already.
            return Turn { is_good: answer.is_some_and(|one| one.status < 400), is_over: false };
        };
        let scenario = &visitors.scenarios[visit.scenario];
        if ask.tag != PAGE {
            // A page without one of its pictures is still a page.
            visit.waits -= 1;
            let is_good = answer.is_some_and(|answer| answer.status < 400);
            self.assets(number, Some(ask.tag), asks);
            let is_done = self.visits[number].as_ref().is_none_or(|visit| visit.waits == 0);
            if !is_done {
                return Turn { is_good, is_over: false };
            }
            return self.go_on(number, is_good, asks);
        }
        let step = &scenario.steps[visit.at];
        let is_good = answer.is_some_and(|answer| visit.looked(scenario, step, answer, &visitors));
        if !is_good {
            self.end(number);
            return Turn { is_good, is_over: true };
        }
        if !step.assets.is_empty() {
            self.assets(number, None, asks);
            return Turn { is_good, is_over: false };
        }
        self.go_on(number, is_good, asks)
    }
}

impl Visit {
    /// The so-many-th of all, in one of the scenarios or the one that is drawn.
    fn new(visitors: &Visitors, number: u64, scenario: Option<usize>) -> Visit {
        // The same visitor does the same, whoever sends and whichever version is asked.
        let mut random = Random::new(visitors.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let all = visitors.scenarios.last().map_or(1, |last| last.up_to);
        let drawn = random.below(all as usize) as u64;
        let drawn = visitors.scenarios.iter().position(|one| drawn < one.up_to);
        let scenario = scenario.or(drawn).unwrap_or(0);
        let flow = &visitors.scenarios[scenario];
        let mut variables = Variables::new(visitors.seed ^ number, visitors.now);
        if let Some(feed) = &flow.feed {
            let row = match flow.order {
                FeedOrder::InTurn => number,
                FeedOrder::Random => random.below(feed.len() as usize) as u64,
            };
            for (name, value) in feed.row(row) {
                variables.set(name, value.clone());
            }
        }
        let is_checked = random.unit() < visitors.checked;
        Visit {
            scenario,
            at: 0,
            variables,
            jar: CookieStore::default(),
            random,
            is_checked,
            waits: 0,
            url: None,
        }
    }

    /// What a step sends, where to, and the whole address where cookies belong to it.
    fn request(
        &self,
        visitors: &Visitors,
        step: &FlowStep,
        scenario: &Flow,
    ) -> Result<(Arc<Request>, usize, Option<Url>), String> {
        if let (Some((request, origin)), false) = (&step.fixed, scenario.cookies) {
            return Ok((Arc::clone(request), *origin, None));
        }
        let ready = step.draft.ready(&visitors.base, &self.variables)?;
        let origin = visitors.number(&ready.url).ok_or_else(|| {
            format!("`{}` is no host of the spec", ready.url.host_str().unwrap_or(""))
        })?;
        let cookies = scenario.cookies.then(|| self.cookies(&ready.url)).flatten();
        if let (Some((request, _)), None) = (&step.fixed, &cookies) {
            return Ok((Arc::clone(request), origin, Some(ready.url)));
        }
        let request = sent(&step.method, &ready, cookies.as_deref()).map_err(|e| e.to_string())?;
        Ok((Arc::new(request), origin, Some(ready.url)))
    }

    /// The cookies that go along, as a header has them.
    fn cookies(&self, url: &Url) -> Option<String> {
        let pairs = self.jar.get_request_values(url);
        let all: Vec<String> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Whether an answer is as it should be; keeps its cookies and captures.
    fn looked(
        &mut self,
        scenario: &Flow,
        step: &FlowStep,
        answer: &Answer<'_>,
        visitors: &Visitors,
    ) -> bool {
        let status = answer.status;
        match step.status {
            Some(wanted) if status != wanted => {
                let what = format!("the status is {wanted}");
                visitors.reasons.add(step.number, &what, format!("it is {status}"));
                return false;
            }
            None if status >= 400 && !step.asserts.iter().any(Assert::is_of_status) => {
                return false;
            }
            _ => {}
        }
        let checks = self.is_checked && !step.asserts.is_empty();
        // Only its head and its body are looked at of some; a status is there of all.
        let looks = checks || !step.captures.is_empty();
        if looks && answer.head.is_empty() {
            visitors.reasons.add(
                step.number,
                "there is an answer",
                format!("it is a bare {status}"),
            );
            return false;
        }
        if !(looks || scenario.cookies || step.asserts.iter().any(Assert::is_of_status)) {
            return true;
        }
        let seen = seen(answer, self.url.as_ref());
        if let Some(url) = self.url.as_ref().filter(|_| scenario.cookies) {
            for line in seen.all("set-cookie") {
                // One that is none is ignored, as browsers do.
                let _ = self.jar.parse(&String::from_utf8_lossy(line), url);
            }
        }
        match self.held(step, &seen, answer, checks) {
            Ok(()) => true,
            Err((what, why)) => {
                visitors.reasons.add(step.number, &what, why);
                false
            }
        }
    }

    /// Keeps captures and holds asserts; the error is what did not hold, and what was there.
    fn held(
        &mut self,
        step: &FlowStep,
        seen: &Seen,
        answer: &Answer<'_>,
        checks: bool,
    ) -> Result<(), (String, String)> {
        if !answer.is_whole && (checks || !step.captures.is_empty()) {
            let why = "only the first 8 MiB were looked at".to_owned();
            return Err(("the answer can be looked at".to_owned(), why));
        }
        for (name, expression) in &step.captures {
            let what = || format!("{name}: {expression}");
            match expression.of(seen, &self.variables) {
                Ok(Some(value)) => self.variables.set(name, value),
                Ok(None) => return Err((what(), "there is none".to_owned())),
                Err(why) => return Err((what(), without_values(why))),
            }
        }
        for assert in step.asserts.iter().filter(|one| checks || one.is_of_status()) {
            let held = assert.what().of(seen, &self.variables).and_then(|value| {
                let wanted = assert.wanted(&self.variables)?;
                Ok(assert.broken(value.as_ref(), wanted.as_ref()))
            });
            match held {
                Ok(None) => {}
                Ok(Some(why)) | Err(why) => return Err((assert.to_string(), without_values(why))),
            }
        }
        Ok(())
    }
}

/// What is told of an answer: numbers and the like are; a text may be a token that nobody knows to be
/// one. It is to be found in the exchanges that are kept, which are without secrets.
fn without_values(why: String) -> String {
    let told = why.strip_prefix("it is ").and_then(|value| value.parse::<f64>().ok());
    let plain = ["it is true", "it is false", "it is null", "there is none"];
    if told.is_some() || plain.contains(&why.as_str()) || !why.contains(['`', '[', '{', '"']) {
        return why;
    }
    "it is something else".to_owned()
}

/// An answer, as queries look at it.
fn seen(answer: &Answer<'_>, url: Option<&Url>) -> Seen {
    Seen {
        status: answer.status,
        version: answer.protocol.name().to_owned(),
        url: url.map(Url::to_string).unwrap_or_default(),
        headers: fields(answer.head),
        body: answer.body.to_vec(),
        duration_ms: answer.took as f64 / 1e6,
        json: OnceLock::new(),
    }
}

/// The same request with cookies in it.
fn with_cookies(request: &Request, cookies: &str) -> Arc<Request> {
    Arc::new(request.with_header("cookie", cookies))
}
