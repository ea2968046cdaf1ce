//! Visitors, made up from what a spec says.

mod feed;
mod log;
mod reasons;
mod visits;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gate_core::values::Template;
use gate_core::{Error, Timestamp};
use gate_request::{Assert, Base, Draft, Expression, Line, Ready, Variables};
use load::{Request, Script, Visits};
use url::Url;

use crate::settings::{Asset, FeedOrder, Scenario, Settings, Step, Think};
use feed::Feed;
pub(crate) use log::{Log, Replayed};
pub(crate) use reasons::{Reason, Reasons};

/// What is needed to make visitors up.
pub(crate) struct Making<'m> {
    /// Where requests go that name no host, and what every one of them is told.
    pub(crate) base: Base,
    /// What the paths of feeds are relative to.
    pub(crate) folder: &'m Path,
    /// Fills secrets in.
    pub(crate) reveal: &'m dyn Fn(&Template) -> Result<String, Error>,
    /// Whether somebody else's host may be loaded.
    pub(crate) may_load: &'m dyn Fn(&Url) -> Result<(), Error>,
    /// An address that stands for the base: what leads there leads to the base.
    pub(crate) stands_for: Option<Url>,
    /// What is drawn is drawn from this.
    pub(crate) seed: u64,
    /// What new dates are.
    pub(crate) now: Timestamp,
}

/// All that visitors do.
#[derive(Debug)]
pub(crate) struct Visitors {
    scenarios: Vec<Flow>,
    base: Base,
    /// Servers, as their addresses begin; the engine knows them by their number.
    pub(crate) origins: Vec<Url>,
    seed: u64,
    now: Timestamp,
    /// The share of visits whose asserts are looked at.
    checked: f64,
    steps: usize,
    pub(crate) reasons: Arc<Reasons>,
}

/// A scenario.
#[derive(Debug)]
struct Flow {
    /// The weights of this one and all before it.
    up_to: u64,
    feed: Option<Feed>,
    order: FeedOrder,
    cookies: bool,
    steps: Vec<FlowStep>,
}

/// A step.
#[derive(Debug)]
struct FlowStep {
    /// As it is counted.
    number: usize,
    method: String,
    think: Option<Think>,
    draft: Draft,
    /// What is sent when nothing in it changes, and which origin it goes to.
    fixed: Option<(Arc<Request>, usize)>,
    status: Option<u16>,
    captures: Vec<(String, Expression)>,
    asserts: Vec<Assert>,
    assets: Vec<Needs>,
}

/// An asset of a page.
#[derive(Debug)]
struct Needs {
    request: Arc<Request>,
    url: Url,
    origin: usize,
    /// Which asset it waits for; the page itself when there is none.
    after: Option<usize>,
    /// How long after that, in nanoseconds.
    wait: u64,
}

impl Visitors {
    /// Reads feeds and makes up what does not change.
    pub(crate) fn new(spec: &Settings, making: &Making<'_>) -> Result<Visitors, Error> {
        let mut visitors = Visitors {
            scenarios: Vec::new(),
            base: making.base.clone(),
            origins: vec![making.base.url.clone()],
            seed: making.seed,
            now: making.now,
            checked: spec.checked.fraction(),
            steps: 0,
            reasons: Arc::default(),
        };
        let of_one = [alone(spec, &making.base)];
        let scenarios = if spec.scenarios.is_empty() { &of_one[..] } else { &spec.scenarios };
        let mut up_to = 0;
        for scenario in scenarios {
            up_to += u64::from(scenario.weight);
            let flow = visitors.flow(scenario, up_to, making)?;
            visitors.scenarios.push(flow);
        }
        Ok(visitors)
    }

    fn flow(
        &mut self,
        scenario: &Scenario,
        up_to: u64,
        making: &Making<'_>,
    ) -> Result<Flow, Error> {
        let feed = scenario.feed.as_ref().map(|feed| Feed::read(&making.folder.join(feed)));
        let steps = scenario.steps.iter().map(|step| self.step(step, making));
        Ok(Flow {
            up_to,
            steps: steps.collect::<Result<_, _>>()?,
            feed: feed.transpose()?,
            order: scenario.feed_order,
            cookies: scenario.cookies && (scenario.steps.len() > 1 || has_assets(scenario)),
        })
    }

    fn step(&mut self, step: &Step, making: &Making<'_>) -> Result<FlowStep, Error> {
        let number = self.steps;
        self.steps += 1 + usize::from(!step.assets.is_empty());
        let line = Line { to: self.rebased(&step.request.to, making), ..step.request.clone() };
        let draft =
            Draft::of(gate_request::Parts { request: &line, ..step.parts() }, making.reveal)?;
        // Whatever stands for a variable: the host is known.
        let origin = self.origin_of(&line.to, making)?;
        let mut fixed = None;
        if !draft.is_open() {
            let ready = draft.ready(&self.base, &Variables::default());
            let ready = ready.map_err(|why| Error::new(format!("step {}: {why}", step.title())))?;
            fixed = Some((Arc::new(sent(&line.method, &ready, None)?), origin));
        }
        let mut assets = Vec::new();
        for asset in &step.assets {
            assets.push(self.asset(asset, step, making)?);
        }
        Ok(FlowStep {
            number,
            method: line.method,
            think: step.think,
            draft,
            fixed,
            status: step.status,
            captures: step.captures.iter().map(|(name, one)| (name.clone(), one.clone())).collect(),
            asserts: step.asserts.clone(),
            assets,
        })
    }

    fn asset(&mut self, asset: &Asset, step: &Step, making: &Making<'_>) -> Result<Needs, Error> {
        let to = self.rebased(&asset.get, making);
        let none = BTreeMap::new();
        let line = Line { method: "GET".to_owned(), to };
        let parts = gate_request::Parts {
            request: &line,
            headers: &none,
            query: &none,
            basic_auth: None,
            form: &none,
            json: None,
            body: None,
        };
        let ready = Draft::of(parts, making.reveal)?.ready(&self.base, &Variables::default());
        let ready = ready.map_err(|why| Error::new(format!("asset {}: {why}", asset.get)))?;
        let after = asset
            .after
            .as_ref()
            .and_then(|after| step.assets.iter().position(|one| one.get == *after));
        Ok(Needs {
            request: Arc::new(sent("GET", &ready, None)?),
            origin: self.origin_of(&line.to, making)?,
            url: ready.url,
            after,
            wait: asset.wait.map_or(0, |wait| wait.0.as_nanos() as u64),
        })
    }

    /// Where something leads in this version: what leads to the one under test leads to the other
    /// one, too.
    fn rebased(&self, to: &str, making: &Making<'_>) -> String {
        let Some(stands_for) = &making.stands_for else { return to.to_owned() };
        let root = stands_for.origin().ascii_serialization();
        match to.strip_prefix(&root) {
            Some(rest) if rest.starts_with('/') => {
                format!("{}{rest}", self.base.url.origin().ascii_serialization())
            }
            _ => to.to_owned(),
        }
    }

    /// The number of the server that a path or an address leads to.
    fn origin_of(&mut self, to: &str, making: &Making<'_>) -> Result<usize, Error> {
        if to.starts_with('/') {
            return Ok(0);
        }
        // Variables may stand behind the host, where they change nothing.
        let end = to.find("://").map_or(0, |at| at + 3);
        let host = to[end..].find(['/', '?', '#']).map_or(to, |at| &to[..end + at]);
        let url = crate::target::parse(host)?;
        (making.may_load)(&url)?;
        Ok(self.number(&url).unwrap_or_else(|| {
            self.origins.push(url);
            self.origins.len() - 1
        }))
    }

    fn number(&self, url: &Url) -> Option<usize> {
        self.origins.iter().position(|one| one.origin() == url.origin())
    }

    /// What the very first visitor asks first, and the number of the server that it goes to.
    pub(crate) fn first(&self) -> Result<(Arc<Request>, usize), Error> {
        let first = visits::first_of_each(self).map_err(|why| {
            Error::new(format!("a scenario cannot begin: {why}"))
                .hint("a variable is a column of the feed, or captured by an earlier step")
        })?;
        first.into_iter().next().ok_or_else(|| Error::new("there is no scenario"))
    }
}

fn has_assets(scenario: &Scenario) -> bool {
    scenario.steps.iter().any(|step| !step.assets.is_empty())
}

/// A scenario of one request, for a spec that says no more.
fn alone(spec: &Settings, base: &Base) -> Scenario {
    let to = spec.url.clone().or_else(|| spec.path.clone());
    let to = to.unwrap_or_else(|| base.url.to_string());
    let step = Step {
        headers: spec.headers.clone(),
        body: spec.body.clone(),
        status: spec.status,
        asserts: spec.asserts.clone(),
        ..Step::of(Line { method: spec.method(), to })
    };
    Scenario::of("request", vec![step])
}

/// A request as bytes, with a visitor's cookies.
fn sent(method: &str, ready: &Ready, cookies: Option<&str>) -> Result<Request, Error> {
    let url = &ready.url;
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut headers = ready.headers.clone();
    if let Some(cookies) = cookies {
        match headers.iter_mut().find(|(name, _)| name == "cookie") {
            Some((_, value)) => *value = format!("{value}; {cookies}"),
            None => headers.push(("cookie".to_owned(), cookies.to_owned())),
        }
    }
    let body = ready.body.as_deref().unwrap_or_default();
    Request::new(method, &path, &host, &headers, body)
        .map_err(|error| Error::new(error.to_string()))
}

/// The same for all threads.
#[derive(Debug)]
pub(crate) struct Shared(pub(crate) Arc<Visitors>);

impl Script for Shared {
    fn steps(&self) -> usize {
        self.0.steps
    }

    fn visits(&self) -> Box<dyn Visits> {
        Box::new(visits::Going::new(Arc::clone(&self.0)))
    }
}

#[cfg(test)]
mod tests;
