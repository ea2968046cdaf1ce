//! What synthetic visitors amount to.
//!
//! The causes are those of A. Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled
//! Experiments" (KDD 2019), as far as a visitor can see them.

mod arms;
mod events;
mod paths;

use gate_core::{Check, Verdict};
use stats::binomial;

use super::seen::{Look, Visitor, Visits, Way, When};
use crate::settings::{BeforeLaunch, Settings};

/// What may be wrong although nothing was seen of it.
const ALPHA: f64 = 0.05;

/// The checks of all visitors, in the order in which one thing follows from another.
pub(crate) fn judged(spec: &Settings, before: &BeforeLaunch, seen: &Visits) -> Vec<Check> {
    let all = All { spec, before, seen };
    let mut checks = vec![all.came().evidence(seen.table.clone())];
    checks.extend(all.belongs());
    checks.extend(all.arms());
    checks.extend(all.shown());
    checks.extend(all.kept());
    checks.extend(all.stays());
    checks.extend(all.exposures());
    checks.extend(all.conversions());
    checks.extend(all.leads_on());
    checks.extend(all.flickers());
    checks.extend(all.untried());
    checks
}

/// What is judged.
struct All<'a> {
    spec: &'a Settings,
    before: &'a BeforeLaunch,
    seen: &'a Visits,
}

/// A check that may have been broken by some of those that it looked at.
struct Found<'f> {
    id: &'f str,
    title: &'f str,
    /// How many were looked at.
    of: usize,
    /// What is said of those who are right.
    right: String,
}

impl Found<'_> {
    fn check(&self, verdict: Verdict, message: impl Into<String>) -> Check {
        Check::new(self.id, self.title, verdict, message)
    }

    /// None was wrong.
    fn passed(&self) -> Check {
        let most = binomial::upper(0.0, self.of as f64, ALPHA).unwrap_or(1.0);
        let message = format!("{}; at 95%, fewer than {} would not", self.right, share(most));
        self.check(Verdict::Pass, message)
    }
}

/// A share as `1.2%`, rounded up: it is a bound.
fn share(value: f64) -> String {
    format!("{}%", (value * 1000.0).ceil() / 10.0)
}

/// So many visitors, in words.
fn visitors(count: usize) -> String {
    if count == 1 { "1 visitor".to_owned() } else { format!("{count} visitors") }
}

impl All<'_> {
    fn of(&self, way: Way) -> impl Iterator<Item = &Visitor> {
        self.seen.visitors.iter().filter(move |one| one.way == way)
    }

    /// The arm of those who take no part.
    fn usual(&self) -> Option<&str> {
        self.spec.control()
    }

    /// The only variant that those saw who came as a request, when it was one and the same.
    fn only_one(&self) -> Option<&str> {
        let looks = self.of(Way::Request).flat_map(|one| &one.looks);
        let mut shown =
            looks.filter(|look| look.shown.len() == 1).map(|look| look.shown[0].as_str());
        let first = shown.next()?;
        shown.all(|other| other == first).then_some(first)
    }

    /// Whether the HTML alone says which variant it is: those who came as a request saw one, and not
    /// all the same; or they saw another past a cache; or somebody in a browser who belongs elsewhere saw
    /// that very one, too.
    fn is_told_by_html(&self) -> bool {
        let saw_one = |one: &Visitor| one.looks.iter().any(|look| look.shown.len() == 1);
        if !self.of(Way::Request).any(saw_one) {
            return false;
        }
        let Some(only) = self.only_one() else { return true };
        let other = |shown: &[String]| matches!(shown, [arm] if arm != only);
        let past_cache = |look: &Look| look.uncached.as_deref().is_some_and(other);
        let is_misplaced = |one: &Visitor| {
            one.predicted.as_deref() != Some(only)
                && one.looks.iter().any(|look| matches!(&look.shown[..], [arm] if arm == only))
        };
        self.of(Way::Request).flat_map(|one| &one.looks).any(past_cache)
            || self.of(Way::Browser).any(is_misplaced)
    }

    /// The looks that say which variant was there.
    fn looks(&self) -> impl Iterator<Item = (&Visitor, &Look)> {
        let told = self.is_told_by_html();
        let by = move |one: &&Visitor| told || one.way == Way::Browser;
        let visitors = self.seen.visitors.iter().filter(by);
        visitors.flat_map(|one| one.looks.iter().map(move |look| (one, look)))
    }

    /// Whether they could come at all.
    fn came(&self) -> Check {
        let check = |verdict, message: String| {
            Check::new("visitors", "Synthetic visitors", verdict, message)
        };
        let all = self.seen.visitors.len();
        let failed: Vec<_> =
            self.seen.visitors.iter().filter_map(|one| Some((one, one.failed.as_ref()?))).collect();
        let browsers = self.of(Way::Browser).count();
        let came =
            format!("{} came to {}, {browsers} of them in browsers", visitors(all), self.seen.page);
        let Some((first, why)) = failed.first() else {
            let mut message = came;
            if all > browsers && !self.shows_nothing() && !self.is_told_by_html() {
                let unread = self.seen.of_browsers.join(" and ");
                message.push_str(&match self.only_one() {
                    _ if !unread.is_empty() => format!(
                        "; the others' HTML says nothing, because only a browser understands {unread}"
                    ),
                    Some(arm) => format!(
                        "; the others all saw that of {arm}, so the page chooses in the browser, or takes \
                         requests for bots"
                    ),
                    None => "; the page puts its variant together in the browser, so the others saw neither"
                        .to_owned(),
                });
            }
            if !self.seen.kept_from.is_empty() {
                message.push_str("; their beacons were kept from ");
                message.push_str(&self.seen.kept_from.join(", "));
            }
            if !self.seen.reached.is_empty() {
                message.push_str("; their pages have sent something to ");
                message.push_str(&self.seen.reached.join(", "));
            }
            return check(Verdict::Pass, message);
        };
        let how = match first.way {
            Way::Browser => "in a browser",
            Way::Request => "as a request",
        };
        let is_refused = |(one, why): &&(&Visitor, &String)| {
            one.way == Way::Request && ["401", "403", "429"].iter().any(|code| why.ends_with(code))
        };
        let requests = self.of(Way::Request).count();
        let refused = failed.iter().filter(is_refused).count();
        if browsers > 0 && refused == failed.len() && refused * 10 >= requests * 9 {
            let message = format!(
                "{came}; the {requests} others were turned away ({why}): the site takes requests for bots, so \
                 only browsers say anything"
            );
            let advice = "let requests with this user agent in, or give it more browsers";
            return check(Verdict::Warn, message).advice(advice);
        }
        let message =
            format!("{came}; {} of them came to no end: {} ({how}): {why}", failed.len(), first.id);
        // When nobody comes through that says nothing of the experiment.
        if failed.len() == all {
            let advice = "is the site up, and are the page and what a visitor does there right?";
            return check(Verdict::Inconclusive, message).advice(advice);
        }
        check(Verdict::Fail, message)
            .advice("open the page as this visitor, and look at the site's log of this time")
    }

    /// What nobody has tried, because nothing says how.
    fn untried(&self) -> Option<Check> {
        let all = self.before.untried();
        let (what, how): (Vec<&str>, Vec<&str>) = all.into_iter().unzip();
        if what.is_empty() {
            return None;
        }
        let message = format!(
            "nobody has tried {}: nothing says how, so it may be right or not",
            what.join(" and ")
        );
        let check = Check::new("visit-untried", "Not tried", Verdict::Inconclusive, message);
        Some(check.advice(format!("add below before_launch: {}", how.join("; "))))
    }

    fn shows_nothing(&self) -> bool {
        self.before.shows.is_empty()
    }
}

/// The first few ids, as examples.
fn examples<'v>(visitors: impl Iterator<Item = &'v Visitor>) -> String {
    let ids: Vec<&str> = visitors.take(3).map(|one| one.id.as_str()).collect();
    ids.join(", ")
}

/// An arm for people.
fn named(arm: Option<&str>) -> &str {
    arm.unwrap_or("no arm")
}

fn is_first(look: &Look) -> bool {
    look.when == When::Arrival
}
