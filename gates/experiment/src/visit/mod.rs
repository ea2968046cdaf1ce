//! Synthetic visitors: before anybody else comes, some come in real browsers and many as requests, each
//! with an id of its own. For each of them the predicted arm has to be the one that is shown, that is
//! kept, that is reported and that converts. That needs no statistics: one visitor in the wrong place is
//! proof, and none in 300 bounds the share of such visitors below 1%.

mod beacon;
mod browsed;
mod collectors;
mod identity;
mod judged;
mod plain;
mod seen;
mod site;
mod table;
#[cfg(test)]
mod tests;
mod watching;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use gate_core::{Context, Error};
use recorder::Authority;
use visual_browser::DriverAt;

pub(crate) use identity::Replica;
pub(crate) use judged::judged;
use seen::Visitor;
pub use seen::Visits;

use crate::settings::{BeforeLaunch, Settings};
use beacon::Reader;
use browsed::Stay;
use site::Site;
use watching::{Others, Watching, proxy};

/// How many requests are under way at once: a site before its launch is no place for a load test.
const SIDE_BY_SIDE: usize = 8;

/// How many browsers are open at once: a visitor mostly waits, so there are twice as many as processors.
const MOST_BROWSERS: usize = 8;

/// After how many in a row for whom the page did not come nobody else is sent.
const HOPELESS: usize = 24;

/// Lets visitors come.
pub(crate) async fn visits(
    spec: &Settings,
    before: &BeforeLaunch,
    cx: &Context,
    told: &Told<'_>,
) -> Result<Visits, Error> {
    let environment = cx.candidate()?;
    let site = Arc::new(Site::new(spec, before, environment, cx)?);
    let replica = Arc::new(Replica::new(spec, site.page.as_str(), cx)?);
    let numbers = (before.visitors, before.browsers.min(before.visitors));
    let mut visitors = identity::visitors(&replica, spec, &site.known, numbers, cx.seed());
    let (browsed, plain) = visitors.split_at_mut(numbers.1 as usize);
    let authority = watching::authority(cx)?;
    let way = InBrowsers { spec, before, site: &site, replica: &replica, authority: &authority };
    let others = way.come(browsed, cx, told).await?;
    as_requests(&site, &authority, plain, numbers, cx, told).await?;
    for look in visitors.iter_mut().flat_map(|one| &mut one.looks) {
        look.assigned = look.assigned.take().map(|arm| replica.name(&arm));
    }
    let mut page = site.page.clone();
    let _ = page.set_username("").and(page.set_password(None));
    Ok(Visits {
        page: page.into(),
        visitors,
        kept_from: others.kept_from.into_iter().collect(),
        reached: others.reached.into_iter().collect(),
        of_browsers: site.of_browsers(),
        table: None,
    })
}

/// Keeps what people look at.
pub(crate) fn keep(visits: &mut Visits, cx: &Context) -> Result<(), Error> {
    visits.table = Some(cx.keep_structured("visitors", &table::table(visits))?);
    Ok(())
}

/// Takes how many have come, of how many, and who they are.
pub(crate) type Told<'t> = dyn Fn(u64, u64, &str) + Send + Sync + 't;

/// Those who have a browser.
struct InBrowsers<'a> {
    spec: &'a Settings,
    before: &'a BeforeLaunch,
    site: &'a Arc<Site>,
    replica: &'a Arc<Replica>,
    authority: &'a Arc<Authority>,
}

impl InBrowsers<'_> {
    /// Lets them come, a few at a time.
    async fn come(
        &self,
        visitors: &mut [Visitor],
        cx: &Context,
        told: &Told<'_>,
    ) -> Result<Others, Error> {
        let InBrowsers { spec, before, site, replica, authority } = *self;
        let mut others = Others::default();
        if visitors.is_empty() {
            return Ok(others);
        }
        let chromium = gate_browsers::chromium(cx)?;
        if matches!(chromium, DriverAt::Remote { .. }) {
            return Err(Error::new(
                "a browser elsewhere cannot be put behind a proxy of this machine",
            )
            .hint(
                "unset SELENIUM_REMOTE_URL for this gate: visitors need a Chromium of this machine",
            ));
        }
        let mut launch = gate_browsers::launch(chromium, cx)?;
        // For service workers as well, which no tab speaks for.
        let trusted = format!("--ignore-certificate-errors-spki-list={}", authority.fingerprint());
        launch.arguments.push(trusted);
        let reader = Arc::new(Reader::new(&before.beacons));
        let experiment = spec.provider.as_ref().map(|provider| provider.experiment.clone());
        let all = visitors.len() as u64;
        let mut work: Vec<BoxFuture<'_, _>> = Vec::new();
        for visitor in visitors {
            let (reader, experiment, mut launch) =
                (reader.clone(), experiment.clone(), launch.clone());
            work.push(Box::pin(async move {
                let watching =
                    Watching::new(Arc::clone(site), reader, Arc::clone(replica), experiment);
                let proxy = proxy(Some(watching.clone()), authority, cx).await?;
                launch.proxy = Some(proxy.address());
                let stay = Stay { site, before, watching: &watching, launch: &launch, cx };
                let came = stay.visited(visitor).await;
                // A stream that the page has left open would be waited for.
                tokio::spawn(proxy.finish());
                came
            }));
        }
        let mut work = stream::iter(work).buffer_unordered((2 * cx.jobs()).clamp(1, MOST_BROWSERS));
        let mut done = 0;
        while let Some(came) = work.next().await {
            others.extend(came?);
            done += 1;
            told(done, all, "visitors in browsers");
        }
        Ok(others)
    }
}

/// Lets the others come.
async fn as_requests(
    site: &Arc<Site>,
    authority: &Arc<Authority>,
    visitors: &mut [Visitor],
    (all, browsers): (u32, u32),
    cx: &Context,
    told: &Told<'_>,
) -> Result<(), Error> {
    if visitors.is_empty() {
        return Ok(());
    }
    let proxy = proxy(None, authority, cx).await?;
    let client = proxy.client("").map_err(|error| Error::new(error.to_string()))?;
    let client = client.redirect(reqwest::redirect::Policy::none());
    let client = client.user_agent(concat!("gate/", env!("CARGO_PKG_VERSION"))).build();
    let client =
        client.map_err(|error| Error::new(format!("the client cannot be made: {error}")))?;
    let in_a_row = AtomicUsize::new(0);
    let mut work: Vec<BoxFuture<'_, ()>> = Vec::new();
    for visitor in visitors {
        let (client, in_a_row) = (&client, &in_a_row);
        work.push(Box::pin(async move {
            if in_a_row.load(Ordering::Relaxed) >= HOPELESS {
                visitor.failed =
                    Some("it was not asked, because those before found nothing".to_owned());
                return;
            }
            plain::visited(site, client, visitor).await;
            match visitor.failed {
                Some(_) => in_a_row.fetch_add(1, Ordering::Relaxed),
                None => in_a_row.swap(0, Ordering::Relaxed),
            };
        }));
    }
    let mut work = stream::iter(work).buffer_unordered(SIDE_BY_SIDE);
    let mut done = u64::from(browsers);
    while work.next().await.is_some() {
        done += 1;
        told(done, u64::from(all), "visitors");
    }
    drop(work);
    drop(client);
    proxy.finish().await;
    Ok(())
}
