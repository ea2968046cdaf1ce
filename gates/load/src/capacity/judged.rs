//! What a search amounts to, for people and as JSON.

use gate_core::values::Rate;
use gate_core::{Check, Json, Limit, Metric, Verdict};
use serde_json::json;

use super::search::Bounds;
use super::{Capacity, Held, Searched, Step};
use crate::judge;
use crate::seen::Observation;
use crate::words::{count, grouped, percent, time};

/// What it comes to.
pub(crate) fn judge(capacity: &Capacity, searched: &Searched, seen: &Observation) -> Vec<Check> {
    let generator = match &seen.lost {
        Some(lost) => judge::lost(lost),
        None => generator(searched, seen.generator.is_cut_short),
    };
    vec![generator, found(capacity, searched, seen)]
}

fn generator(searched: &Searched, is_cut_short: bool) -> Check {
    let check = |verdict, message: String| Check::new("generator", "Generator", verdict, message);
    let steps = count(searched.steps.len() as u64, "step");
    if is_cut_short {
        return check(Verdict::Inconclusive, format!("it was told to end after {steps}"))
            .advice("let it run to its end");
    }
    let sent = searched.steps.iter().filter(|step| step.held != Held::Unfit).count();
    if sent == 0 {
        let why = searched.steps.last().and_then(|step| step.why.clone());
        let why = why.unwrap_or_else(|| "there was no time for a single rate".to_owned());
        return check(Verdict::Inconclusive, format!("it could send no rate at all: {why}"))
            .advice("give the machine that sends more of a processor, or begin with less (from)");
    }
    let requests = searched.steps.iter().map(|step| step.requests).sum::<u64>();
    check(Verdict::Pass, format!("{} were sent in {steps}", count(requests, "request")))
}

fn found(capacity: &Capacity, searched: &Searched, seen: &Observation) -> Check {
    let bounds = searched.bounds();
    let is_least = |high: f64| high <= capacity.from.per_second();
    let verdict = match capacity.at_least.map(Rate::per_second) {
        _ if seen.generator.is_cut_short || seen.lost.is_some() => Verdict::Inconclusive,
        Some(wanted) if bounds.low.is_some_and(|low| low >= wanted) => Verdict::Pass,
        Some(wanted) if bounds.high.is_some_and(|high| high <= wanted) => Verdict::Fail,
        None if bounds.low.is_some() => Verdict::Pass,
        // That it holds less than anything that was asked is no capacity.
        None if bounds.high.is_some_and(is_least) => Verdict::Warn,
        _ => Verdict::Inconclusive,
    };
    let wanted =
        capacity.at_least.map(|rate| format!("; {} has to be held", shown(rate.per_second())));
    let message = sentence(capacity, searched, bounds) + &wanted.unwrap_or_default();
    let mut check = Check::new("capacity", "Capacity", verdict, message);
    if let Some(rate) = estimate(bounds) {
        let figure = Metric::new("capacity", rate, "/s");
        check = check.metric(match capacity.at_least {
            Some(wanted) => figure.limit(Limit::AtLeast(wanted.per_second())),
            None => figure,
        });
    }
    let is_wide = bounds
        .low
        .zip(bounds.high)
        .is_some_and(|(low, high)| high / low > 1.0 + capacity.within.fraction() + 1e-9);
    match verdict {
        Verdict::Fail => {
            check.advice("give the service more to work with, or find what holds it up")
        }
        Verdict::Inconclusive if bounds.unfit.is_some() => check
            .advice("let a larger machine send, or threads for each of its processors (threads)"),
        Verdict::Inconclusive => check.advice("give it a longer duration"),
        _ if is_wide && searched.is_out_of_time => {
            check.advice("give it a longer duration to know it more closely")
        }
        _ => check,
    }
}

/// What is known, in words.
fn sentence(capacity: &Capacity, searched: &Searched, bounds: Bounds) -> String {
    let holds: Vec<String> = capacity.holds.iter().map(ToString::to_string).collect();
    let verb = if holds.len() > 1 { "hold" } else { "holds" };
    let holds = holds.join(" and ");
    let why = |rate: f64| searched.why(rate).map_or(String::new(), |why| format!(" ({why})"));
    let unfit = bounds.unfit.filter(|unfit| bounds.high.is_none_or(|high| *unfit < high));
    match (bounds.low, bounds.high) {
        (Some(low), _) if unfit.is_some() => format!(
            "{holds} {verb} at {}, and more cannot be said: this machine cannot send {}{}",
            shown(low),
            shown(unfit.unwrap_or_default()),
            why(unfit.unwrap_or_default())
        ),
        (Some(low), Some(high)) => format!(
            "about {}: {holds} {verb} at {}, and not at {}{}",
            shown((low * high).sqrt()),
            shown(low),
            shown(high),
            why(high)
        ),
        (Some(low), None) if low >= capacity.to.per_second() => {
            format!("{holds} {verb} at {}, the highest rate that was tried", shown(low))
        }
        (Some(low), None) => {
            format!("{holds} {verb} at {}; there was no time for more", shown(low))
        }
        (None, Some(high)) if high <= capacity.from.per_second() => format!(
            "not even {}, the lowest rate that was tried, keeps {holds}{}",
            shown(high),
            why(high)
        ),
        (None, Some(high)) => format!(
            "{} does not keep {holds}{}, and no lower rate was told for sure",
            shown(high),
            why(high)
        ),
        (None, None) => format!("no rate was told to keep {holds}, or not to"),
    }
}

/// The rate in the middle of what is known, or the one that held when nothing bounds it.
fn estimate(bounds: Bounds) -> Option<f64> {
    let low = bounds.low?;
    Some(bounds.high.map_or(low, |high| (low * high).sqrt()))
}

/// A rate with as many digits as say something.
pub(super) fn shown(rate: f64) -> String {
    if rate >= 100.0 {
        return format!("{}/s", grouped(rate.round() as u64));
    }
    let text = format!("{rate:.2}");
    format!("{}/s", text.trim_end_matches('0').trim_end_matches('.'))
}

impl Searched {
    /// Why a rate did not hold.
    fn why(&self, rate: f64) -> Option<&str> {
        let of = |step: &&Step| (step.rate / rate - 1.0).abs() < 1e-9 && step.held != Held::Yes;
        self.steps.iter().rfind(of)?.why.as_deref()
    }

    /// The steps by their rates.
    pub(super) fn sorted(&self) -> Vec<&Step> {
        let mut steps: Vec<&Step> = self.steps.iter().collect();
        steps.sort_by(|one, other| one.rate.total_cmp(&other.rate));
        steps
    }
}

/// The steps as a table of text.
pub(crate) fn told(searched: &Searched) -> String {
    let mut text = format!(
        "  {:>10}{:>10}{:>9}{:>9}{:>9}{:>9}  \n",
        "rate", "requests", "p50", "p95", "p99", "failed"
    );
    for step in searched.sorted() {
        let at = |value: Option<u64>| value.map_or("-".to_owned(), |value| time(value as f64));
        let share = step.failures as f64 / step.requests.max(1) as f64;
        text.push_str(&format!(
            "  {:>10}{:>10}{:>9}{:>9}{:>9}{:>9}  {}\n",
            shown(step.rate),
            grouped(step.requests),
            at(step.p50),
            at(step.p95),
            at(step.p99),
            percent(share),
            step.held.word()
        ));
    }
    text.push('\n');
    text
}

impl Held {
    pub(super) fn word(self) -> &'static str {
        match self {
            Held::Yes => "holds",
            Held::No => "does not hold",
            Held::Open => "may hold",
            Held::Unfit => "could not be sent",
        }
    }
}

/// As JSON.
pub(crate) fn document(capacity: &Capacity, searched: &Searched) -> Json {
    let bounds = searched.bounds();
    let rate = |rate: Option<f64>| rate.map(|rate| (rate * 1e3).round() / 1e3);
    let ms = |time: Option<u64>| time.map(|time| time as f64 / 1e3);
    let step = |step: &Step| {
        json!({
            "rate": rate(Some(step.rate)),
            "seconds": (step.seconds * 1e3).round() / 1e3,
            "requests": step.requests,
            "failures": step.failures,
            "p50_ms": ms(step.p50),
            "p95_ms": ms(step.p95),
            "p99_ms": ms(step.p99),
            "held": step.held,
            "why": step.why,
        })
    };
    let limited_by = match (bounds.low, bounds.high, bounds.unfit) {
        (_, high, Some(unfit)) if high.is_none_or(|high| unfit < high) => "generator",
        (_, Some(_), _) => "service",
        (Some(low), None, None) if low >= capacity.to.per_second() => "to",
        _ => "time",
    };
    json!({
        "rate": rate(estimate(bounds)),
        "low": rate(bounds.low),
        "high": rate(bounds.high),
        "is_bounded": bounds.low.is_some() && bounds.high.is_some(),
        "limited_by": limited_by,
        "holds": capacity.holds,
        "at_least": rate(capacity.at_least.map(Rate::per_second)),
        "steps": searched.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
#[path = "judged_tests.rs"]
mod tests;
