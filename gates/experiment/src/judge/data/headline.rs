//! The verdict in a sentence or two, and what to do next.

use super::Judged;
use super::lift::{Lift, Outcome};
use super::progress::Progress;
use super::reading::Reading;
use crate::settings::Method;
use crate::words::{YEAR, count, level, list, more_days, percent, rough, times};

/// The verdict, and what to do next.
pub(super) fn headline(
    reading: &Reading<'_>,
    judged: &Judged,
    winner: Option<&str>,
) -> (String, String) {
    let told = told(reading, judged, winner);
    let of_winner = |lift: &&Lift| winner.is_none_or(|winner| lift.arm == winner);
    let guards: Vec<&Lift> = judged.guardrails.iter().filter(of_winner).collect();
    let harmed: Vec<&Lift> =
        guards.iter().copied().filter(|lift| lift.outcome == Outcome::Worse).collect();
    if !harmed.is_empty() {
        return harm(reading, judged, &harmed, &told);
    }
    match winner {
        Some(winner) => won(reading, judged, &guards, (winner, told)),
        None => (told, otherwise(reading, judged)),
    }
}

/// What is said of all arms, the winner first.
fn told(reading: &Reading<'_>, judged: &Judged, winner: Option<&str>) -> String {
    let mut ordered: Vec<&Lift> = judged.primary.iter().collect();
    ordered.sort_by_key(|lift| Some(lift.arm.as_str()) != winner);
    let mut told: Vec<String> = Vec::new();
    for lift in &ordered {
        let said = of_arm(reading, lift, &judged.progress);
        let has_name = ordered.len() == 1 || said.starts_with(&lift.arm);
        let said = if has_name { said } else { format!("{}: {said}", lift.arm) };
        if !told.contains(&said) {
            told.push(said);
        }
    }
    told.join(" ")
}

/// When something is harmed that may not be.
fn harm(reading: &Reading<'_>, judged: &Judged, harmed: &[&Lift], told: &str) -> (String, String) {
    if judged.primary.iter().all(|lift| lift.outcome == Outcome::Worse) {
        let names: Vec<String> =
            harmed.iter().map(|lift| reading.title(&lift.metric).to_owned()).collect();
        let next = "Keep the control. The hypothesis did not hold.";
        return (format!("{told} It harms {}, too.", list(&names)), next.to_owned());
    }
    let first = harmed[0];
    let said = format!(
        "Don't ship {}: it harms {}. {} {} At most {} was allowed. {told}",
        first.arm,
        reading.title(&first.metric),
        moved(reading, first),
        between(first, "change"),
        percent(first.margin.unwrap_or_default())
    );
    (said, "Keep the control. Look where the harm comes from, and try again.".to_owned())
}

/// When an arm is better, and nothing is harmed as far as is known.
fn won(
    reading: &Reading<'_>,
    judged: &Judged,
    guards: &[&Lift],
    (winner, told): (&str, String),
) -> (String, String) {
    let is_open =
        |lift: &&&Lift| matches!(lift.outcome, Outcome::Open | Outcome::Few | Outcome::Early);
    let open: Vec<&&Lift> = guards.iter().filter(is_open).collect();
    if !open.is_empty() {
        let names: Vec<String> =
            open.iter().map(|lift| reading.title(&lift.metric).to_owned()).collect();
        let left = open.iter().filter_map(|lift| lift.days_left).fold(0.0_f64, f64::max);
        let said = format!(
            "{told} But we can't rule out yet that it harms {}{}.",
            list(&names),
            days((left > 0.0).then_some(left))
        );
        return (said, "Let it run on until nothing that may not be harmed is open.".to_owned());
    }
    let young =
        judged.time.iter().find(|check| check.id == "whole-weeks" && check.verdict.blocks());
    if let Some(young) = young {
        let next = young.advice.clone().unwrap_or_default();
        return (told + " But a whole week is not over yet.", next);
    }
    (told, format!("Ship {winner}, and keep an eye on it."))
}

/// What to do when no arm is better.
fn otherwise(reading: &Reading<'_>, judged: &Judged) -> String {
    let is = |wanted: Outcome| judged.primary.iter().all(|lift| lift.outcome == wanted);
    let is_known = |lift: &Lift| matches!(lift.outcome, Outcome::Worse | Outcome::Same);
    if is(Outcome::Worse) {
        "Keep the control. The hypothesis did not hold.".to_owned()
    } else if judged.primary.iter().all(is_known) {
        let worse = judged.primary.iter().filter(|lift| lift.outcome == Outcome::Worse);
        let worse: Vec<String> = worse.map(|lift| lift.arm.clone()).collect();
        if !worse.is_empty() {
            return format!(
                "Do not ship {}. No arm is better than the control: keep it.",
                list(&worse)
            );
        }
        "Take whichever is simpler: the difference does not matter.".to_owned()
    } else if judged.progress.is_reached() {
        "Decide what a wrong choice would cost, or plan again with more visitors or a larger change."
            .to_owned()
    } else {
        beyond(reading, &judged.progress)
            .unwrap_or_else(|| "Let it run on, and change nothing meanwhile.".to_owned())
    }
}

/// `Sign-ups rose from 4.1% to 4.6%.`
pub(super) fn moved(reading: &Reading<'_>, lift: &Lift) -> String {
    let (Some(control), Some(value)) = (lift.control, lift.value) else { return String::new() };
    let metric = reading.spec.metrics.get(&lift.metric);
    let unit = metric.and_then(|metric| metric.unit.as_deref());
    let told = |value| level(value, lift.is_share(reading), unit);
    let title = reading.title(&lift.metric);
    if told(value) == told(control) {
        return sentence(&format!("{title} stayed at {}", told(value)));
    }
    let verb = if value > control { "rose" } else { "fell" };
    sentence(&format!("{title} {verb} from {} to {}", told(control), told(value)))
}

/// `The true gain is probably between +3% and +21%.`
pub(super) fn between(lift: &Lift, what: &str) -> String {
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
                format!(" At this traffic you need {}.", more_days(left))
            });
            format!("We can't tell yet. Too little has happened.{left}")
        }
        Outcome::Open if progress.is_reached() => format!(
            "We can't tell, though all {} visitors who were planned have come. {}",
            count(progress.needed.unwrap_or_default()),
            between(lift, "change")
        ),
        Outcome::Open => match lift.days_left {
            Some(left) => {
                format!("We can't tell yet. At this traffic you need {}.", more_days(left))
            }
            None => "We can't tell yet. Nothing says how many visitors come each day.".to_owned(),
        },
    }
}

fn days(left: Option<f64>) -> String {
    left.map_or_else(String::new, |left| format!(": {}", more_days(left)))
}

/// Whether it takes longer than it may.
fn beyond(reading: &Reading<'_>, progress: &Progress) -> Option<String> {
    let (seen, left) = (progress.days? as f64, progress.days_left()?);
    if left > YEAR {
        let said = "That is out of reach: look for a larger change, on a page with more visitors, or \
                    for something that more of them do.";
        return Some(said.to_owned());
    }
    let within = reading.spec.success.as_ref()?.within?;
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

/// A fragment as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    first.unwrap_or_default() + letters.as_str() + end
}

/// The best of the arms that are better.
pub(super) fn best(primary: &[Lift]) -> Option<&Lift> {
    let size = |lift: &Lift| lift.relative.or(lift.absolute).map_or(0.0, |told| told.effect.abs());
    primary
        .iter()
        .filter(|lift| lift.outcome == Outcome::Better)
        .max_by(|one, other| size(one).total_cmp(&size(other)))
}
