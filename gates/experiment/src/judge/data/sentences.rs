//! What has come of it as checks, in the words of whoever has to decide.

use gate_core::{Check, Limit, Metric, Verdict};

use super::Judged;
use super::effect::Told;
use super::headline::{best, between, headline, moved, sentence};
use super::lift::{Lift, Outcome};
use super::reading::Reading;
use crate::settings::MetricSpec;
use crate::words::{list, more_days, percent, rough, times};

/// Fills in the headline, what to do next, and the checks of the metrics.
pub(super) fn say(reading: &Reading<'_>, judged: &mut Judged) {
    if !judged.is_trusted {
        return distrust(reading, judged);
    }
    let winner = best(&judged.primary).map(|lift| lift.arm.clone());
    judged.success = success(reading, judged);
    let is_reached = judged.progress.is_reached();
    judged.guards = judged
        .guardrails
        .iter()
        .map(|lift| guard(reading, lift, winner.as_deref(), is_reached))
        .collect();
    judged.more.extend(others(reading, &judged.others));
    let (headline, next) = headline(reading, judged, winner.as_deref());
    (judged.headline, judged.next) = (headline, next);
    if let Some(check) = &mut judged.success {
        check.message.clone_from(&judged.headline);
        check.advice = Some(judged.next.clone());
    }
}

/// Nothing is said of effects while the numbers cannot be trusted.
fn distrust(reading: &Reading<'_>, judged: &mut Judged) {
    let worst = judged.trust.iter().map(|check| check.verdict).max();
    // Parts come last: what is wrong with all of it shows in them, too.
    let mut all: Vec<&Check> = judged.trust.iter().collect();
    all.sort_by_key(|check| check.id.starts_with("split-by"));
    let first = all.into_iter().find(|check| Some(check.verdict) == worst);
    let why = first.map_or_else(String::new, |check| sentence(&check.message));
    let next = first.and_then(|check| check.advice.clone()).unwrap_or_default();
    judged.headline = format!("Don't trust these numbers yet. {why}");
    judged.next = next;
    let untold = "Not told while the numbers cannot be trusted.";
    if let Some(success) = &reading.spec.success {
        let title = format!("Success: {}", reading.title(&success.metric));
        let check = Check::new("success", title, Verdict::Inconclusive, &judged.headline);
        judged.success = Some(check.advice(judged.next.clone()));
    }
    judged.guards = reading
        .spec
        .must_not_harm
        .keys()
        .map(|name| {
            let title = format!("Not harmed: {}", reading.title(name));
            Check::new(id(name), title, Verdict::Inconclusive, untold)
        })
        .collect();
}

fn success(reading: &Reading<'_>, judged: &Judged) -> Option<Check> {
    let success = reading.spec.success.as_ref()?;
    let all = || judged.primary.iter();
    let verdict = if best(&judged.primary).is_some() {
        Verdict::Pass
    } else if all().any(|lift| lift.verdict() == Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else if all().any(|lift| lift.outcome == Outcome::Worse) {
        // Nothing is better, and which of them would be shipped nobody has said.
        Verdict::Fail
    } else {
        Verdict::Warn
    };
    let title = format!("Success: {}", reading.title(&success.metric));
    let mut check = Check::new("success", title, verdict, "");
    for lift in all() {
        let Some(told) = lift.relative.or(lift.absolute) else { continue };
        check.metrics.extend(bounds(&lift.arm, &told, lift.relative.is_some()));
    }
    Some(check)
}

/// An effect and its bounds as numbers of a check.
fn bounds(name: &str, told: &Told, is_relative: bool) -> Vec<Metric> {
    let (scale, unit) = if is_relative { (100.0, "%") } else { (1.0, "1") };
    let number =
        |what: &str, value: f64| Metric::new(format!("{name}: {what}"), value * scale, unit);
    let mut all = vec![
        number("change", told.effect),
        number("at least", told.low),
        number("at most", told.high),
    ];
    all.extend(told.p_value.map(|p| Metric::new(format!("{name}: p value"), p, "1")));
    let chance = told.chance.map(|chance| chance * 100.0);
    all.extend(
        chance.map(|chance| Metric::new(format!("{name}: chance to be higher"), chance, "%")),
    );
    all
}

/// The id of a guardrail, which stands on command lines.
fn id(name: &str) -> String {
    format!("guardrail-{}", name.replace(' ', "-"))
}

/// A metric that may not be harmed.
fn guard(reading: &Reading<'_>, lift: &Lift, winner: Option<&str>, is_reached: bool) -> Check {
    let several = reading.treatments().len() > 1;
    let title = reading.title(&lift.metric);
    let margin = lift.margin.unwrap_or_default();
    let most = percent(margin);
    let (verdict, message, advice) = match lift.outcome {
        Outcome::Worse => (
            Verdict::Fail,
            format!(
                "{} {} At most {most} was allowed.",
                moved(reading, lift),
                between(lift, "change")
            ),
            Some("Keep the control, and look where the harm comes from.".to_owned()),
        ),
        Outcome::Better | Outcome::Same => (
            Verdict::Pass,
            format!("It is not worse by more than {most}. {}", between(lift, "change")),
            None,
        ),
        Outcome::Open => (
            Verdict::Inconclusive,
            format!(
                "We can't rule out yet that it is worse by more than {most}. {}",
                between(lift, "change")
            ),
            lift.days_left.map(|left| format!("At this traffic you need {}.", more_days(left))),
        ),
        Outcome::Few if is_reached => (
            Verdict::Inconclusive,
            "Too little has happened to tell, though as many have come as are needed.".to_owned(),
            Some("Take something that happens more often instead, or leave it out.".to_owned()),
        ),
        Outcome::Few => {
            (Verdict::Inconclusive, "Too little has happened to tell.".to_owned(), None)
        }
        Outcome::Early => (
            Verdict::Inconclusive,
            "It is too early for the look that was settled.".to_owned(),
            None,
        ),
    };
    // An arm that nobody ships harms nobody.
    let passed_over = winner.is_some_and(|winner| winner != lift.arm);
    let verdict = if passed_over { verdict.min(Verdict::Warn) } else { verdict };
    let id = if several { id(&format!("{}-{}", lift.metric, lift.arm)) } else { id(&lift.metric) };
    let name = if several {
        format!("Not harmed by {}: {title}", lift.arm)
    } else {
        format!("Not harmed: {title}")
    };
    let mut check = Check::new(id, name, verdict, message)
        .facet("arm", lift.arm.clone())
        .facet("metric", lift.metric.clone());
    check.advice = advice.filter(|_| !passed_over);
    if let Some(told) = lift.relative {
        let sign = reading.spec.metrics.get(&lift.metric).map_or(1.0, MetricSpec::sign);
        for (at, mut number) in bounds(&lift.arm, &told, true).into_iter().enumerate() {
            // The end of the interval that would be harm.
            if sign > 0.0 && at == 1 {
                number.limit = Some(Limit::AtLeast(-margin * 100.0));
            } else if sign < 0.0 && at == 2 {
                number.limit = Some(Limit::AtMost(margin * 100.0));
            }
            check.metrics.push(number);
        }
    }
    check
}

/// All metrics on which nothing hangs.
fn others(reading: &Reading<'_>, all: &[Lift]) -> Option<Check> {
    if all.is_empty() {
        return None;
    }
    let told = |wanted: Outcome| -> Vec<String> {
        all.iter()
            .filter(|lift| lift.outcome == wanted)
            .map(|lift| {
                let told = lift.relative.map_or_else(String::new, |told| {
                    format!(
                        " ({}, {} to {})",
                        rough(told.effect),
                        rough(told.low),
                        rough(told.high)
                    )
                });
                let arm = if reading.treatments().len() > 1 {
                    format!(" in {}", lift.arm)
                } else {
                    String::new()
                };
                format!("{}{arm}{told}", reading.title(&lift.metric))
            })
            .collect()
    };
    let (better, worse) = (told(Outcome::Better), told(Outcome::Worse));
    let mut parts = Vec::new();
    if !worse.is_empty() {
        parts.push(format!("worse: {}", list(&worse)));
    }
    if !better.is_empty() {
        parts.push(format!("better: {}", list(&better)));
    }
    let untold: std::collections::BTreeSet<&str> = all
        .iter()
        .filter(|lift| matches!(lift.outcome, Outcome::Few | Outcome::Early))
        .map(|lift| reading.title(&lift.metric))
        .collect();
    let looked = all.iter().filter(|lift| lift.absolute.is_some()).count();
    if !parts.is_empty() {
        parts.push("of so many, after Holm; nothing hangs on them".to_owned());
    } else if looked > 0 {
        let looked = times(looked as f64, "other number");
        parts.push(format!("{looked} looked at, and no difference beyond chance"));
    }
    if !untold.is_empty() {
        let names: Vec<String> = untold.into_iter().map(str::to_owned).collect();
        parts.push(format!("too early to tell of {}", list(&names)));
    }
    let message = parts.join("; ");
    let verdict = if worse.is_empty() && looked > 0 { Verdict::Pass } else { Verdict::Warn };
    let mut check = Check::new("other-metrics", "Other metrics", verdict, message);
    for lift in all {
        if let Some(p) = lift.adjusted_p_value {
            let name = format!("{} of {}: p value, for as many", lift.metric, lift.arm);
            check.metrics.push(Metric::new(name, p, "1"));
        }
    }
    Some(check)
}
