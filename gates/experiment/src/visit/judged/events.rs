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
    Refused,
    Twice,
    Few,
    Id,
    Arm,
    Uninvited,
}

impl All<'_> {
    /// Those of whom it is known what was reported: they came in a browser and went through.
    fn reported(&self) -> impl Iterator<Item = &Visitor> {
        self.of(Way::Browser).filter(|one| one.failed.is_none())
    }

    /// Each visitor is exposed once, as who they are, in the arm that they saw.
    pub(super) fn exposures(&self) -> Option<Check> {
        let records = self.before.records.as_ref()?;
        let all: Vec<&Visitor> = self.reported().collect();
        let mut wrong: BTreeMap<Wrong, Vec<&Visitor>> = BTreeMap::new();
        for one in &all {
            let said: Vec<&Reported> =
                one.events.iter().filter(|event| event.is_exposure).collect();
            let received = said.iter().filter(|event| event.is_received()).count();
            let is_other = |event: &&Reported| event.arm.as_deref() != seen(one, event.after);
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
                (Some(_), _) if said.iter().any(|event| !event.is_received()) => Wrong::Refused,
                (Some(_), 0) => Wrong::Missing,
                _ if is_double => Wrong::Twice,
                _ if said.iter().any(|event| event.id.as_ref() != Some(&one.id)) => Wrong::Id,
                _ if said.iter().any(is_other) => Wrong::Arm,
                _ => continue,
            };
            wrong.entry(what).or_default().push(one);
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
        let mut wrong: BTreeMap<Wrong, Vec<&Visitor>> = BTreeMap::new();
        for one in &all {
            let is_it = |event: &&Reported| event.event == conversion.event && !event.is_exposure;
            let said: Vec<&Reported> = one.events.iter().filter(is_it).collect();
            let received = said.iter().filter(|event| event.is_received()).count();
            // A conversion need not say the arm; where it does it has to be the right one.
            let is_other = |event: &&Reported| {
                event.arm.is_some() && event.arm.as_deref() != seen(one, event.after)
            };
            let what = match received {
                0 if said.is_empty() => Wrong::Missing,
                0 => Wrong::Refused,
                times if times > conversion.times as usize => Wrong::Twice,
                times if times < conversion.times as usize => Wrong::Few,
                _ if said.iter().any(|event| event.id.as_ref() != Some(&one.id)) => Wrong::Id,
                _ if one.predicted.is_some() && said.iter().any(is_other) => Wrong::Arm,
                _ => continue,
            };
            wrong.entry(what).or_default().push(one);
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
fn told(
    found: &Found<'_>,
    event: &str,
    all: &[&Visitor],
    wrong: &BTreeMap<Wrong, Vec<&Visitor>>,
) -> Check {
    let Some((what, who)) = wrong.iter().max_by_key(|(_, who)| who.len()) else {
        return found.passed();
    };
    let count = format!("{} of {}", who.len(), visitors(all.len()));
    let (text, advice) = match what {
        Wrong::Missing => (missing(event, all, who, &count), MISSING),
        Wrong::Refused => (
            format!(
                "the {event} of {count} was sent and not taken: it was answered {}. Cause: beacons are \
                 lost where they are collected",
                refusal(who)
            ),
            "look at what collects the events: does it take this one?",
        ),
        Wrong::Twice => (
            format!(
                "the {event} of {count} was recorded more than once ({}). Cause: double {} events, sent \
                 by two places, or again by what renders the page a second time",
                often(who, event == "exposure"),
                event.trim_matches('`')
            ),
            "send it from one place",
        ),
        Wrong::Few => (
            format!(
                "the {event} of {count} was recorded less often than it should be ({})",
                often(who, event == "exposure")
            ),
            MISSING,
        ),
        Wrong::Id => {
            let (id, said) = other_id(who);
            (
                format!(
                    "the {event} of {count} has another id: {id} was recorded as {said}. Cause: corrupt or \
                     changed ids, so that it cannot be joined with the assignment"
                ),
                "send the id that the arm was drawn by with every event",
            )
        }
        Wrong::Arm => {
            let (id, seen, said) = other_arm(who);
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
                examples(who.iter().copied())
            ),
            "send the exposure only where a variant is rendered",
        ),
    };
    found.check(Verdict::Fail, text).advice(advice)
}

/// Whose is missing, and what these have in common.
fn missing(event: &str, all: &[&Visitor], who: &[&Visitor], count: &str) -> String {
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

fn refusal(who: &[&Visitor]) -> String {
    let mut statuses = who.iter().flat_map(|one| &one.events).filter(|event| !event.is_received());
    statuses.find_map(|event| event.status).map_or("nothing".to_owned(), |it| it.to_string())
}

/// How often, and when, of the first one.
fn often(who: &[&Visitor], is_exposure: bool) -> String {
    let Some(one) = who.first() else { return String::new() };
    let mut times: BTreeMap<When, usize> = BTreeMap::new();
    let of = |event: &&Reported| event.is_received() && event.is_exposure == is_exposure;
    for event in one.events.iter().filter(of) {
        *times.entry(event.after).or_default() += 1;
    }
    let parts: Vec<String> =
        times.iter().map(|(when, count)| format!("{count} times {}", when.words())).collect();
    format!("{}: {}", one.id, parts.join(", "))
}

fn other_id<'v>(who: &[&'v Visitor]) -> (&'v str, String) {
    who.iter()
        .find_map(|one| {
            let event = one.events.iter().find(|event| event.id.as_ref() != Some(&one.id))?;
            let said = event.id.as_ref().map_or("nobody".to_owned(), |id| format!("`{id}`"));
            Some((one.id.as_str(), said))
        })
        .unwrap_or(("somebody", "somebody else".to_owned()))
}

fn other_arm<'v>(who: &[&'v Visitor]) -> (&'v str, &'v str, String) {
    who.iter()
        .find_map(|one| {
            let is_other = |event: &&Reported| event.arm.as_deref() != seen(one, event.after);
            let event = one.events.iter().find(is_other)?;
            let (seen, said) = (seen(one, event.after), event.arm.as_deref());
            Some((one.id.as_str(), named(seen), named(said).to_owned()))
        })
        .unwrap_or(("somebody", "one arm", "another".to_owned()))
}
