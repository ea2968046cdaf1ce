//! What has come of it, in the words of whoever has to decide.

use gate_core::{Check, Limit, Metric, Verdict};

use super::effect::Told;
use super::lift::{Lift, Outcome};
use super::reading::Reading;
use super::{Judged, Progress};
use crate::settings::{Method, MetricSpec};
use crate::words::{count, level, list, percent, rough, times};

/// Fills in the headline, what to do next, and the checks of the metrics.
pub(super) fn say(reading: &Reading<'_>, judged: &mut Judged) {
    if !judged.is_trusted {
        return distrust(reading, judged);
    }
    let winner = best(&judged.primary).map(|lift| lift.arm.clone());
    judged.success = success(reading, judged);
    judged.guards =
        judged.guardrails.iter().map(|lift| guard(reading, lift, winner.as_deref())).collect();
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
        let title = format!("{} becomes better", reading.title(&success.metric));
        let check = Check::new("success", title, Verdict::Inconclusive, &judged.headline);
        judged.success = Some(check.advice(judged.next.clone()));
    }
    judged.guards = reading
        .spec
        .must_not_harm
        .keys()
        .map(|name| {
            let title = format!("{} is not harmed", reading.title(name));
            Check::new(format!("guardrail-{name}"), title, Verdict::Inconclusive, untold)
        })
        .collect();
}

/// A fragment as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    first.unwrap_or_default() + letters.as_str() + end
}

/// The best of the arms that are better.
fn best(primary: &[Lift]) -> Option<&Lift> {
    let size = |lift: &Lift| lift.relative.or(lift.absolute).map_or(0.0, |told| told.effect.abs());
    primary
        .iter()
        .filter(|lift| lift.outcome == Outcome::Better)
        .max_by(|one, other| size(one).total_cmp(&size(other)))
}

fn success(reading: &Reading<'_>, judged: &Judged) -> Option<Check> {
    let success = reading.spec.success.as_ref()?;
    let all = || judged.primary.iter();
    let verdict = if best(&judged.primary).is_some() {
        Verdict::Pass
    } else if all().all(|lift| lift.outcome == Outcome::Worse) {
        Verdict::Fail
    } else if all().any(|lift| lift.verdict() == Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else {
        Verdict::Warn
    };
    let title = format!("{} becomes better", reading.title(&success.metric));
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

/// `Sign-ups rose from 4.1% to 4.6%.`
fn moved(reading: &Reading<'_>, lift: &Lift) -> String {
    let (Some(control), Some(value)) = (lift.control, lift.value) else { return String::new() };
    let metric = reading.spec.metrics.get(&lift.metric);
    let unit = metric.and_then(|metric| metric.unit.as_deref());
    let told = |value| level(value, lift.is_share(reading), unit);
    let verb = if value > control { "rose" } else { "fell" };
    let title = reading.title(&lift.metric);
    sentence(&format!("{title} {verb} from {} to {}", told(control), told(value)))
}

/// `The true gain is probably between +3% and +21%.`
fn between(lift: &Lift, what: &str) -> String {
    let Some(told) = lift.relative.or(lift.absolute) else { return String::new() };
    let value = |number: f64| {
        if lift.relative.is_some() { rough(number) } else { crate::words::figure(number) }
    };
    let chance = told.chance.map(|chance| {
        format!(" The chance that it is higher is {}.", percent((chance * 1000.0).round() / 1000.0))
    });
    format!(
        "The true {what} is probably between {} and {}.{}",
        value(told.low),
        value(told.high),
        chance.unwrap_or_default()
    )
}

/// What is said of an arm in the metric of the success.
fn of_arm(reading: &Reading<'_>, lift: &Lift, progress: &Progress) -> String {
    let success = reading.spec.success.as_ref();
    let detect = success.map_or_else(String::new, |success| success.detect.to_string());
    let arm = &lift.arm;
    match lift.outcome {
        Outcome::Better => {
            let gain =
                if lift.relative.is_some_and(|told| told.effect > 0.0) { "gain" } else { "change" };
            format!("{arm} is better. {} {}", moved(reading, lift), between(lift, gain))
        }
        Outcome::Worse => {
            format!("{arm} is worse. {} {}", moved(reading, lift), between(lift, "change"))
        }
        Outcome::Same => format!(
            "No meaningful difference. If {arm} is better, it is by less than the {detect} you said \
             matters."
        ),
        Outcome::Early => {
            let when = match reading.spec.analysis.method {
                Method::GroupSequential => "the next look",
                _ => "the one look that was settled",
            };
            let left = days(lift.days_left);
            format!("We can't tell yet. It is too early for {when}{left}.")
        }
        Outcome::Few => {
            let left = lift.days_left.map_or_else(String::new, |left| {
                format!(" At this traffic you need about {}.", times(left, "more day"))
            });
            format!("We can't tell yet. Too little has happened.{left}")
        }
        Outcome::Open if progress.is_reached() => format!(
            "We can't tell, though all {} visitors who were planned have come. {}",
            count(progress.needed.unwrap_or_default()),
            between(lift, "change")
        ),
        Outcome::Open => match lift.days_left {
            Some(left) => format!(
                "We can't tell yet. At this traffic you need about {}.",
                times(left, "more day")
            ),
            None => "We can't tell yet. Nothing says how many visitors come each day.".to_owned(),
        },
    }
}

fn days(left: Option<f64>) -> String {
    left.map_or_else(String::new, |left| format!(": about {}", times(left, "more day")))
}

/// The verdict, and what to do next.
fn headline(reading: &Reading<'_>, judged: &Judged, winner: Option<&str>) -> (String, String) {
    let Judged { primary, guardrails, progress, time, .. } = judged;
    let counts = |lift: &&Lift| winner.is_none_or(|winner| lift.arm == winner);
    let harmed: Vec<&Lift> =
        guardrails.iter().filter(counts).filter(|lift| lift.outcome == Outcome::Worse).collect();
    let open: Vec<&Lift> = guardrails
        .iter()
        .filter(counts)
        .filter(|lift| matches!(lift.outcome, Outcome::Open | Outcome::Few | Outcome::Early))
        .collect();
    let mut ordered: Vec<&Lift> = primary.iter().collect();
    ordered.sort_by_key(|lift| Some(lift.arm.as_str()) != winner);
    let mut told: Vec<String> = Vec::new();
    for lift in ordered {
        let said = of_arm(reading, lift, progress);
        let said = if primary.len() > 1 && !said.starts_with(&lift.arm) {
            format!("{}: {said}", lift.arm)
        } else {
            said
        };
        if !told.contains(&said) {
            told.push(said);
        }
    }
    let told = told.join(" ");
    if let Some(first) = harmed.first() {
        let said = format!(
            "Don't ship {}: it harms {}. {} {} At most {} was allowed. {told}",
            first.arm,
            reading.title(&first.metric),
            moved(reading, first),
            between(first, "change"),
            percent(first.margin.unwrap_or_default())
        );
        let next = "Keep the control. Look where the harm comes from, and try again.";
        return (said, next.to_owned());
    }
    let waits = time.iter().find(|check| check.id == "whole-weeks" && check.verdict.blocks());
    if let Some(winner) = winner {
        let mut said = told;
        if !open.is_empty() {
            let names: Vec<String> =
                open.iter().map(|lift| reading.title(&lift.metric).to_owned()).collect();
            let left = open
                .iter()
                .filter_map(|lift| lift.days_left)
                .fold(None, |most, left| Some(most.map_or(left, |most: f64| most.max(left))));
            said.push_str(&format!(
                " But we can't rule out yet that it harms {}{}.",
                list(&names),
                days(left)
            ));
            return (
                said,
                "Let it run on until nothing that may not be harmed is open.".to_owned(),
            );
        }
        if let Some(waits) = waits {
            let next = waits.advice.clone().unwrap_or_default();
            return (said + " But a whole week is not over yet.", next);
        }
        return (said, format!("Ship {winner}, and keep an eye on it."));
    }
    let next = match primary.iter().map(|lift| lift.outcome).max_by_key(|one| match one {
        Outcome::Worse => 0,
        Outcome::Same => 1,
        _ => 2,
    }) {
        Some(Outcome::Worse) => "Keep the control. The hypothesis did not hold.".to_owned(),
        Some(Outcome::Same) => {
            "Take whichever is simpler: the difference does not matter.".to_owned()
        }
        _ if progress.is_reached() => {
            "Decide what a wrong choice would cost, or plan again with more visitors or a larger \
             change."
                .to_owned()
        }
        _ => beyond(reading, progress)
            .unwrap_or_else(|| "Let it run on, and change nothing meanwhile.".to_owned()),
    };
    (told, next)
}

/// Whether it takes longer than it may.
fn beyond(reading: &Reading<'_>, progress: &Progress) -> Option<String> {
    let within = reading.spec.success.as_ref()?.within?;
    let (seen, left) = (progress.days? as f64, progress.days_left()?);
    let within = (within.0.as_secs_f64() / 86_400.0).round();
    (seen + left > within).then(|| {
        format!(
            "That is {} in all, and it may take {}: let it run longer, look for a larger change, or \
             give it up.",
            times(seen + left, "day"),
            count(within)
        )
    })
}

/// A metric that may not be harmed.
fn guard(reading: &Reading<'_>, lift: &Lift, winner: Option<&str>) -> Check {
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
            lift.days_left
                .map(|left| format!("At this traffic you need about {}.", times(left, "more day"))),
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
    let id = if several {
        format!("guardrail-{}-{}", lift.metric, lift.arm)
    } else {
        format!("guardrail-{}", lift.metric)
    };
    let name = if several {
        format!("{title} is not harmed by {}", lift.arm)
    } else {
        format!("{title} is not harmed")
    };
    let mut check = Check::new(id, name, verdict, message)
        .facet("arm", lift.arm.clone())
        .facet("metric", lift.metric.clone());
    check.advice = advice;
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
    let message = if parts.is_empty() {
        let looked = times(all.len() as f64, "other number");
        format!("{looked} looked at, and no difference beyond chance")
    } else {
        parts.join("; ") + ". Of so many, after Holm; nothing hangs on them"
    };
    let verdict = if worse.is_empty() { Verdict::Pass } else { Verdict::Warn };
    let mut check = Check::new("other-metrics", "Other metrics", verdict, message);
    for lift in all {
        if let Some(p) = lift.adjusted_p_value {
            let name = format!("{} of {}: p value, for as many", lift.metric, lift.arm);
            check.metrics.push(Metric::new(name, p, "1"));
        }
    }
    Some(check)
}
