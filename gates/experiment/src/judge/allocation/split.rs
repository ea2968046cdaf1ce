//! Arms: their weights, who is in them and who put them there.

use gate_core::{Check, Limit, Metric, Verdict};

use super::{Tested, surprise};
use crate::judge::causes::Symptom;
use crate::seen::allocation::{Arm, InSegment, SeenAllocation};
use crate::settings::Settings;
use crate::words::{count, list, percent, shares as told_shares, times};

/// How far a weight may be from the spec's: shares are written with two decimals.
const ROUNDED: f64 = 0.000_051;
/// How many ids a rule may put into an arm before it is more than a handful of testers.
const TESTERS: f64 = 0.001;
/// In how many ids of a segment one would see an arm that is open to it.
const SEEN: f64 = 20.0;
/// What services call an id of a visitor when it is not said which.
const PLAIN: [&str; 10] = [
    "id",
    "user",
    "userid",
    "key",
    "distinctid",
    "targetingkey",
    "identifier",
    "randomizationid",
    "subject",
    "subjectkey",
];

/// The arms and weights of the configuration, as figures.
pub(super) fn weights(spec: &Settings, seen: &SeenAllocation) -> Check {
    let (id, title) = ("weights", "The service has the arms and weights of the spec");
    let fail = |message: String| {
        Check::new(id, title, Verdict::Fail, message).advice(Symptom::Weights.advice())
    };
    let missing: Vec<String> = (seen.arms.iter().zip(spec.shares()))
        .filter(|(arm, share)| arm.service.is_none() && *share > 0.0)
        .map(|(arm, _)| format!("`{}`", arm.name))
        .collect();
    let open = seen
        .strangers
        .iter()
        .filter(|(_, (ids, share))| *ids > 0 || share.is_some_and(|share| share > 0.0));
    let strangers: Vec<String> = open.map(|(name, _)| format!("`{name}`")).collect();
    if !missing.is_empty() {
        let known = seen.arms.iter().filter_map(|arm| arm.service.clone());
        let known: Vec<String> = known.chain(seen.strangers.keys().cloned()).collect();
        return fail(format!(
            "the service has no arm {}; it has {}. If only the names differ, say in provider.arms which \
             is which",
            list(&missing),
            list(&known)
        ));
    }
    if !strangers.is_empty() {
        let arms = if strangers.len() == 1 { "the arm" } else { "the arms" };
        return fail(format!(
            "the service puts visitors into {arms} {}, which the spec does not have",
            list(&strangers)
        ));
    }
    // A closed arm that the service does not have is closed there, too.
    let share = |(arm, meant): (&Arm, f64)| {
        arm.share.or((arm.service.is_none() && meant <= 0.0).then_some(0.0))
    };
    let known: Option<Vec<f64>> = seen.arms.iter().zip(spec.shares()).map(share).collect();
    let Some(known) = known.filter(|known| known.iter().sum::<f64>() > 0.0) else {
        let message = "the arms are the same; their weights stand in several places of the configuration, \
                       and only ids show what they come to";
        return Check::new(id, title, Verdict::Pass, message);
    };
    let is_off = |(own, meant): (&f64, f64)| (own - meant).abs() > ROUNDED;
    let (meant, there) = told_shares(&spec.shares(), &known, 2);
    if known.iter().zip(spec.shares()).any(is_off) {
        return fail(format!(
            "the spec means {meant} ({}), and the service has {there}",
            list(&seen.arms.iter().map(|arm| arm.name.clone()).collect::<Vec<_>>())
        ));
    }
    Check::new(id, title, Verdict::Pass, format!("both have {meant}"))
}

/// What is hashed.
pub(super) fn unit(spec: &Settings, seen: &SeenAllocation) -> Option<Check> {
    let plain = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let (hashed, meant) = (plain(&seen.unit), plain(&spec.unit));
    let is_same = hashed == meant || PLAIN.contains(&hashed.as_str());
    (!is_same).then(|| {
        let message =
            format!("the service hashes `{}`, and the spec counts by `{}`", seen.unit, spec.unit);
        let title = "Visitors are put into arms by what they are counted by";
        Check::new("unit", title, Verdict::Warn, message).advice(Symptom::Unit.advice())
    })
}

/// Whether anybody is in it.
pub(super) fn takes_part(seen: &SeenAllocation) -> Check {
    let (id, title) = ("takes-part", "Visitors take part");
    let inside: u64 = seen.arms.iter().map(|arm| arm.drawn).sum();
    let why = || {
        let mut out: Vec<(&String, &u64)> = seen.out.iter().chain(&seen.lots).collect();
        out.sort_by_key(|(why, ids)| (std::cmp::Reverse(**ids), *why));
        let told = out.iter().take(3).map(|(why, ids)| format!("{why} ({})", count(**ids as f64)));
        told.collect::<Vec<_>>().join("; ")
    };
    let (all, share) = (seen.ids as f64, inside as f64 / (seen.ids as f64).max(1.0));
    let metric = Metric::new("share of ids that take part", share, "1");
    if seen.ids == 0 {
        let message = format!("there is not one id that can be used: {}", seen.source);
        return Check::new(id, title, Verdict::Inconclusive, message)
            .advice(Symptom::OddIds.advice());
    }
    if inside == 0 {
        let message =
            format!("none of {} is put into an arm by chance: {}", times(all, "id"), why());
        let verdict = if seen.lots.is_empty() { Verdict::Fail } else { Verdict::Inconclusive };
        return Check::new(id, title, verdict, message)
            .advice(Symptom::Nobody.advice())
            .metric(metric.limit(Limit::AtLeast(0.0)));
    }
    let rest =
        if inside == seen.ids { String::new() } else { format!("; of the others: {}", why()) };
    let message = format!("{} of {} ({}){rest}", percent(share), times(all, "id"), seen.source);
    Check::new(id, title, Verdict::Pass, message).metric(metric)
}

/// Whether a rule puts ids into arms.
pub(super) fn by_rule(seen: &SeenAllocation) -> Option<Check> {
    let ruled: u64 = seen.arms.iter().map(|arm| arm.ruled).sum();
    let arms = seen.arms.iter().filter(|arm| arm.ruled > 0);
    let arms = arms.map(|arm| format!("{} into {}", count(arm.ruled as f64), arm.name));
    let share = ruled as f64 / (seen.ids as f64).max(1.0);
    (ruled > 0).then(|| {
        let message = format!(
            "a rule and not chance puts {} of {} into arms: {}",
            percent(share),
            times(seen.ids as f64, "id"),
            list(&arms.collect::<Vec<_>>())
        );
        let verdict = if share > TESTERS { Verdict::Fail } else { Verdict::Warn };
        Check::new("by-chance", "Chance alone decides the arm", verdict, message)
            .advice(Symptom::ByRule.advice())
    })
}

/// Whether anything cannot be predicted.
pub(super) fn lots(seen: &SeenAllocation) -> Option<Check> {
    let all: u64 = seen.lots.values().sum();
    let why: Vec<String> = seen.lots.keys().cloned().collect();
    (all > 0).then(|| {
        let message =
            format!("of {} nobody can tell the arm: {}", times(all as f64, "id"), list(&why));
        let title = "The same visitor gets the same arm";
        Check::new("predictable", title, Verdict::Inconclusive, message)
            .advice(Symptom::Lots.advice())
    })
}

/// Shares of all ids.
pub(super) fn shares(
    spec: &Settings,
    seen: &SeenAllocation,
) -> Result<Option<Tested>, stats::Error> {
    let observed: Vec<f64> = seen.arms.iter().map(|arm| arm.drawn as f64).collect();
    let weights = spec.shares();
    let Some(p_value) = surprise(&observed, &weights)? else { return Ok(None) };
    Ok(Some(Tested {
        p_value,
        told: Box::new(move |held, is_wrong| {
            let (meant, got) = told_shares(&weights, &observed, if is_wrong { 4 } else { 1 });
            let all = times(observed.iter().sum(), "id");
            let (id, title) = ("allocation", "Ids are put into arms in the shares of the spec");
            let metric = Metric::new("p value", held, "1");
            if is_wrong {
                let message = format!("{meant} was meant, and {all} come to {got}");
                let check = Check::new(id, title, Verdict::Fail, message).metric(metric);
                return check.advice(Symptom::Allocation.advice());
            }
            let message = format!("{meant} was meant, and {all} come to {got}");
            Check::new(id, title, Verdict::Pass, message).metric(metric)
        }),
    }))
}

/// Shares of each value of each column.
pub(super) fn segments(
    spec: &Settings,
    seen: &SeenAllocation,
) -> Result<Vec<Tested>, stats::Error> {
    let mut all = Vec::new();
    for segment in &seen.segments {
        for value in &segment.values {
            all.extend(in_segment(spec, seen, &segment.column, value)?);
        }
    }
    Ok(all)
}

fn in_segment(
    spec: &Settings,
    seen: &SeenAllocation,
    column: &str,
    value: &InSegment,
) -> Result<Option<Tested>, stats::Error> {
    let observed: Vec<f64> = value.arms.iter().map(|ids| *ids as f64).collect();
    let weights = spec.shares();
    let Some(p_value) = surprise(&observed, &weights)? else { return Ok(None) };
    let all: f64 = observed.iter().sum();
    let named = if value.value.is_empty() { "(empty)" } else { &value.value };
    let who = format!("{column} = {named}");
    let never =
        observed.iter().zip(&weights).position(|(ids, share)| *ids <= 0.0 && share * all > SEEN);
    let never = never.map(|at| seen.arms[at].name.clone());
    Ok(Some(Tested {
        p_value,
        told: Box::new(move |held, is_wrong| {
            let id = format!("allocation-{who}");
            let title = format!("{who} is split like all others");
            let (meant, got) = told_shares(&weights, &observed, if is_wrong { 4 } else { 1 });
            let (all, metric) = (times(all, "id"), Metric::new("p value", held, "1"));
            let message = match &never {
                Some(arm) if is_wrong => {
                    format!(
                        "not one of {all} with {who} is put into {arm}: {got}, and {meant} was meant"
                    )
                }
                _ => format!("{meant} was meant, and {all} come to {got}"),
            };
            let check = |verdict| Check::new(&id, &title, verdict, message).metric(metric);
            if is_wrong {
                return check(Verdict::Fail).advice(Symptom::Targeting.advice());
            }
            check(Verdict::Pass)
        }),
    }))
}
