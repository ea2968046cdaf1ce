//! Is what was reported of a visitor what happened?

use std::collections::BTreeMap;

use gate_core::{Check, Verdict};

use super::{All, Found, examples, named, visitors};
use crate::settings::Times;
use crate::visit::seen::{Reported, Visitor, Way, When};

/// What is wrong with what was reported of somebody, the plainest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    Missing,
    Cut,
    Refused,
    Twice,
    Few,
    Id,
    Arm,
    Uninvited,
}

/// Somebody of whom something was reported wrongly.
struct Case<'v> {
    who: &'v Visitor,
    /// What was said of them that the check is about.
    said: Vec<&'v Reported>,
}

type Cases<'v> = BTreeMap<Wrong, Vec<Case<'v>>>;

impl All<'_> {
    /// Those of whom it is known what was reported: they came in a browser and went through.
    fn reported(&self) -> impl Iterator<Item = &Visitor> {
        self.of(Way::Browser).filter(|one| one.failed.is_none())
    }

    /// Each visitor is exposed once, as who they are, in the arm that they saw.
    pub(super) fn exposures(&self) -> Option<Check> {
        let records = self.before.records.as_ref()?;
        let all: Vec<&Visitor> = self.reported().collect();
        let mut wrong = Cases::new();
        for one in all.iter().copied() {
            let said: Vec<&Reported> =
                one.events.iter().filter(|event| event.is_exposure).collect();
            let received = said.iter().filter(|event| event.is_received()).count();
            let mut views: Vec<u32> =
                said.iter().filter(|event| event.is_received()).map(|event| event.view).collect();
            views.dedup();
            let is_double = records.exposure == Times::Once && views.len() < received;
            // Most visitors see one page only, so what comes with a later one is no help.
            let first = said.iter().filter(|event| {
                event.is_received()
                    && (event.after == When::Arrival || records.exposure == Times::AtLeastOnce)
            });
            let what = match (&one.predicted, first.count()) {
                (None, _) if received == 0 => continue,
                (None, _) => Wrong::Uninvited,
                (Some(_), _) if said.iter().any(|event| event.is_refused()) => Wrong::Refused,
                (Some(_), 0) if said.iter().any(|event| event.is_cut) => Wrong::Cut,
                (Some(_), 0) => Wrong::Missing,
                _ if is_double => Wrong::Twice,
                _ if said.iter().any(|event| event.id.as_ref() != Some(&one.id)) => Wrong::Id,
                _ if said.iter().any(|event| is_of_other_arm(one, event)) => Wrong::Arm,
                _ => continue,
            };
            wrong.entry(what).or_default().push(Case { who: one, said });
        }
        let often = match records.exposure {
            Times::Once => "once on a page view",
            Times::AtLeastOnce => "at least once",
        };
        let found = Found {
            id: "visit-exposure",
            title: "Exposure events",
            of: all.len(),
            right: format!(
                "of each of {} {often} the exposure was recorded, with the right id and arm",
                visitors(all.len())
            ),
        };
        if all.is_empty() {
            let message = "no visitor in a browser came through, so nothing is known of events";
            return Some(found.check(Verdict::Inconclusive, message));
        }
        Some(told(&found, "exposure", &all, &wrong))
    }

    /// Who converts is counted so often as is meant, as who they are, in their arm.
    pub(super) fn conversions(&self) -> Option<Check> {
        let conversion = self.before.records.as_ref()?.conversion.as_ref()?;
        if self.before.converts.is_empty() {
            // What was not tried is told by itself.
            return None;
        }
        let all: Vec<&Visitor> = self.reported().filter(|one| one.has_converted).collect();
        let mut wrong = Cases::new();
        for one in all.iter().copied() {
            let is_it = |event: &&Reported| event.event == conversion.event && !event.is_exposure;
            let said: Vec<&Reported> = one.events.iter().filter(is_it).collect();
            let received = said.iter().filter(|event| event.is_received()).count();
            let what = match received {
                0 if said.is_empty() => Wrong::Missing,
                0 if said.iter().any(|event| event.is_cut) => Wrong::Cut,
                0 => Wrong::Refused,
                times if times > conversion.times as usize => Wrong::Twice,
                times if times < conversion.times as usize => Wrong::Few,
                _ if said.iter().any(|event| event.id.as_ref() != Some(&one.id)) => Wrong::Id,
                _ if one.predicted.is_some()
                    && said.iter().any(|event| is_of_other_arm(one, event)) =>
                {
                    Wrong::Arm
                }
                _ => continue,
            };
            wrong.entry(what).or_default().push(Case { who: one, said });
        }
        let found = Found {
            id: "visit-conversion",
            title: "Conversion events",
            of: all.len(),
            right: format!(
                "of each of {} `{}` was recorded {}, with the right id",
                visitors(all.len()),
                conversion.event,
                if conversion.times == 1 {
                    "once".to_owned()
                } else {
                    format!("{} times", conversion.times)
                },
            ),
        };
        if all.is_empty() {
            let message = "no visitor in a browser came so far as to convert";
            return Some(found.check(Verdict::Inconclusive, message));
        }
        Some(told(&found, &format!("`{}`", conversion.event), &all, &wrong))
    }
}

/// The check of an event.
fn told(found: &Found<'_>, event: &str, all: &[&Visitor], wrong: &Cases<'_>) -> Check {
    let Some((what, cases)) = wrong.iter().max_by_key(|(_, cases)| cases.len()) else {
        return found.passed();
    };
    let count = format!("{} of {}", cases.len(), visitors(all.len()));
    let (text, advice) = match what {
        Wrong::Missing => (missing(event, all, cases, &count), MISSING),
        Wrong::Cut => (
            format!(
                "the {event} of {count} was still on its way when the page was left, and the browser gave \
                 it up (such as that of {}). Cause: lost beacon: it is sent in a way that does not outlive \
                 the page",
                examples(cases.iter().map(|case| case.who))
            ),
            MISSING,
        ),
        Wrong::Refused => (
            format!(
                "the {event} of {count} was sent and not taken: it was answered {}. Cause: beacons are \
                 lost where they are collected",
                refusal(cases)
            ),
            "look at what collects the events: does it take this one?",
        ),
        Wrong::Twice => (
            format!(
                "the {event} of {count} was recorded more than once ({}). Cause: double {} events, sent \
                 by two places, or again by what renders the page a second time",
                often(cases),
                event.trim_matches('`')
            ),
            "send it from one place",
        ),
        Wrong::Few => (
            format!(
                "the {event} of {count} was recorded less often than it should be ({})",
                often(cases)
            ),
            MISSING,
        ),
        Wrong::Id => {
            let (id, said) = other_id(cases);
            (
                format!(
                    "the {event} of {count} has another id: {id} was recorded as {said}. Cause: corrupt or \
                     changed ids, so that it cannot be joined with the assignment"
                ),
                "send the id that the arm was drawn by with every event",
            )
        }
        Wrong::Arm => {
            let (id, seen, said) = other_arm(cases);
            (
                format!(
                    "the {event} of {count} has another arm: {id} saw {seen} and was recorded in {said}. \
                     Cause: the arm is worked out again where the event is sent"
                ),
                "let the event carry the arm that was rendered",
            )
        }
        Wrong::Uninvited => (
            format!(
                "{count} take no part and were recorded as exposed, such as {}. Cause: exposure without \
                 rendering",
                examples(cases.iter().map(|case| case.who))
            ),
            "send the exposure only where a variant is rendered",
        ),
    };
    found.check(Verdict::Fail, text).advice(advice)
}

/// Whose is missing, and what these have in common.
fn missing(event: &str, all: &[&Visitor], cases: &[Case<'_>], count: &str) -> String {
    let who: Vec<&Visitor> = cases.iter().map(|case| case.who).collect();
    let mut of_arm: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for one in all {
        let entry = of_arm.entry(seen(one, When::Arrival).unwrap_or("no arm")).or_default();
        entry.1 += 1;
        entry.0 += usize::from(who.iter().any(|other| other.id == one.id));
    }
    let is_led = |one: &&&Visitor| one.looks.iter().any(|look| look.led_to.is_some());
    let led = who.iter().filter(is_led).count();
    let lacking: Vec<&str> =
        of_arm.iter().filter(|(_, (missing, _))| *missing > 0).map(|(arm, _)| *arm).collect();
    let whole = of_arm.iter().filter(|(_, (missing, _))| *missing == 0).count();
    let whose = match (&lacking[..], whole) {
        ([arm], 1..) => {
            let (missing, of) = of_arm[arm];
            format!("{missing} of {of} in {arm}, none in any other arm")
        }
        _ => format!("such as {}", examples(who.iter().copied())),
    };
    let cause = if led * 2 > who.len() {
        "a redirect leaves the page before its beacon is sent"
    } else if lacking.len() == 1 && whole > 0 {
        "that variant changes or breaks what sends the events (telemetry)"
    } else {
        "the event is not sent, or is lost when the page is left (lost beacon)"
    };
    format!("no {event} was recorded of {count} ({whose}). Cause: {cause}")
}

const MISSING: &str =
    "send it with navigator.sendBeacon or fetch with keepalive, before the page is left or led on";

/// The arm that somebody saw then; where it was not one, that they belong in: which variant was there
/// is another check's to tell.
fn seen(one: &Visitor, when: When) -> Option<&str> {
    let look = one.looks.iter().find(|look| look.when == when)?;
    match &look.shown[..] {
        [arm] => Some(arm),
        _ => one.predicted.as_deref(),
    }
}

/// Whether an event says another arm than somebody saw. A conversion need not say any.
fn is_of_other_arm(one: &Visitor, event: &Reported) -> bool {
    (event.is_exposure || event.arm.is_some()) && event.arm.as_deref() != seen(one, event.after)
}

/// What the first that was not taken was answered with.
fn refusal(cases: &[Case<'_>]) -> String {
    let said = cases.iter().flat_map(|case| &case.said);
    let mut statuses = said.filter(|event| event.is_refused()).filter_map(|event| event.status);
    statuses.next().map_or("nothing".to_owned(), |status| status.to_string())
}

/// How often, and when, of the first one.
fn often(cases: &[Case<'_>]) -> String {
    let Some(case) = cases.first() else { return String::new() };
    let mut times: BTreeMap<When, usize> = BTreeMap::new();
    for event in case.said.iter().filter(|event| event.is_received()) {
        *times.entry(event.after).or_default() += 1;
    }
    let parts: Vec<String> =
        times.iter().map(|(when, count)| format!("{count} times {}", when.words())).collect();
    format!("{}: {}", case.who.id, parts.join(", "))
}

/// Somebody, and as whom they were recorded.
fn other_id<'v>(cases: &[Case<'v>]) -> (&'v str, String) {
    let other = |case: &Case<'v>| {
        let is_other = |event: &&&Reported| event.id.as_ref() != Some(&case.who.id);
        let event = case.said.iter().find(is_other)?;
        let said = event.id.as_ref().map_or("nobody".to_owned(), |id| format!("`{id}`"));
        Some((case.who.id.as_str(), said))
    };
    cases.iter().find_map(other).unwrap_or(("somebody", "somebody else".to_owned()))
}

/// Somebody, the arm that they saw, and the one that they were recorded in.
fn other_arm<'v>(cases: &[Case<'v>]) -> (&'v str, &'v str, &'v str) {
    let other = |case: &Case<'v>| {
        let is_other = |event: &&&Reported| is_of_other_arm(case.who, event);
        let event = case.said.iter().find(is_other)?;
        let said = event.arm.as_deref();
        Some((case.who.id.as_str(), named(seen(case.who, event.after)), named(said)))
    };
    cases.iter().find_map(other).unwrap_or(("somebody", "one arm", "another"))
}
