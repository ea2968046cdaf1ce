//! What came out, in sentences.

use gate_core::{Check, Limit, Metric as Figure, Verdict};
use load::{Failure, Tally};

use super::compared::{Compared, Estimate};
use super::decided::{Decided, Why};
use crate::browsers::{self, Watched};
use crate::measure::Refused;
use crate::script::Reason;
use crate::seen::Observation;
use crate::settings::{Required, Settings};
use crate::threshold::Aggregate;
use crate::words::{count, grouped, percent, time};

pub(super) fn refused(refused: &Refused) -> Check {
    Check::new("reached", "Service", Verdict::Inconclusive, refused.why.clone())
        .advice(refused.advice.clone())
}

pub(super) fn failures(spec: &Settings, all: &Tally, reasons: &[Reason]) -> Check {
    // Of those whose answers nobody looked into, as many are as of the others.
    let unseen = all.failed(Failure::Check) as f64 * (1.0 / spec.checked.fraction() - 1.0);
    let share = ((all.failures() as f64 + unseen) / all.requests.max(1) as f64).min(1.0);
    let most = spec.max_failures.fraction();
    let check = |verdict, message: String| {
        Check::new("failures", "Failures", verdict, message)
            .metric(Figure::new("failures", share * 100.0, "%").limit(Limit::AtMost(most * 100.0)))
            .metric(Figure::new("requests", all.requests as f64, "1"))
    };
    if all.requests == 0 {
        return check(Verdict::Inconclusive, "nothing was answered".to_owned());
    }
    let of = format!("{} of {} failed", grouped(all.failures()), count(all.requests, "request"));
    let redirected = all.statuses().range(300..400).map(|(_, count)| count).sum::<u64>();
    if share <= most && redirected * 2 > all.requests {
        let message = format!(
            "{} of {} were redirected",
            grouped(redirected),
            count(all.requests, "request")
        );
        return check(Verdict::Warn, message + ", and that is what was measured")
            .advice("give the address that they lead to, or what lets in (headers)");
    }
    if all.failures() == 0 {
        return check(Verdict::Pass, format!("none of {} failed", count(all.requests, "request")));
    }
    let kinds = match reasons.first() {
        None => kinds(all),
        Some(first) => format!("{}; {}", kinds(all), broken(spec, first, reasons.len())),
    };
    if share <= most {
        return check(Verdict::Pass, format!("{of} ({}): {kinds}", percent(share)));
    }
    let message =
        format!("{of} ({}, at most {} are allowed): {kinds}", percent(share), percent(most));
    check(Verdict::Fail, message).advice(advice(all))
}

/// What did not hold of answers, most of all.
fn broken(spec: &Settings, first: &Reason, count: usize) -> String {
    let step = spec.steps().get(first.step).map(|step| format!(" of {step}"));
    let others = match count {
        1 => String::new(),
        more => format!(" and {} other things", more - 1),
    };
    let times = grouped(first.count);
    let Reason { what, first, .. } = first;
    format!("{what}{} did not hold {times} times ({first}){others}", step.unwrap_or_default())
}

/// How requests failed, the most frequent way first.
fn kinds(all: &Tally) -> String {
    let mut kinds: Vec<(u64, String)> = Failure::ALL
        .into_iter()
        .filter(|failure| *failure != Failure::Status)
        .map(|failure| (all.failed(failure), words(failure).to_owned()))
        .collect();
    let bad = all.statuses().iter().filter(|(status, _)| **status >= 400);
    kinds.extend(bad.map(|(status, count)| (*count, format!("answered {status}"))));
    kinds.retain(|(count, _)| *count > 0);
    kinds.sort_by(|one, other| other.cmp(one));
    let told: Vec<String> =
        kinds.iter().take(4).map(|(count, kind)| format!("{} {kind}", grouped(*count))).collect();
    told.join(", ")
}

fn words(failure: Failure) -> &'static str {
    match failure {
        Failure::Status => "had a bad status",
        Failure::Connect => "found no connection",
        Failure::Tls => "did not agree upon TLS",
        Failure::Timeout => "had no whole answer in time",
        Failure::Closed => "were cut off",
        Failure::Malformed => "were answered with what is no HTTP",
        Failure::Overflow => "found no room to wait in",
        Failure::Exhausted => "found no file descriptor or port",
        Failure::Check => "were answered otherwise than expected",
    }
}

fn advice(all: &Tally) -> &'static str {
    let most = Failure::ALL.into_iter().max_by_key(|failure| all.failed(*failure));
    match most {
        Some(Failure::Status) => "read the service's log of this time for these statuses",
        Some(Failure::Timeout | Failure::Overflow) => {
            "the service does not keep up with the rate: find how much it holds with a lower one"
        }
        Some(Failure::Connect | Failure::Closed) => {
            "does something in front of it limit connections, or did it go down?"
        }
        _ => "look at the service's log of this time",
    }
}

/// What a limit is decided by, in words.
pub(super) struct Samples {
    /// One of them.
    one: &'static str,
    /// How many there were, where that is worth being told.
    many: String,
    /// What there should be more of.
    more: &'static str,
    /// What may have spoilt them, and what to do about it.
    lateness: &'static str,
    help: &'static str,
}

impl Samples {
    /// Of requests, or of pages in browsers.
    pub(super) fn of(spec: &Settings, limit: &Required, watched: Option<&Watched>) -> Samples {
        if !limit.threshold.metric.is_of_browser() {
            return Samples {
                one: "request",
                many: String::new(),
                more: "give it a longer duration or max_duration, or a higher rate",
                lateness: "without the lateness of the generator",
                help: "give the machine that sends more of a processor",
            };
        }
        let (all, missing) = browsers::samples(spec, limit, watched);
        let failed =
            if missing > 0 { format!(", {missing} without a value") } else { String::new() };
        Samples {
            one: "page load",
            many: format!(" of {}{failed}", count(all, "page load")),
            more: "give it a longer duration or max_duration, or let browsers load it more often (every)",
            lateness: "if the browser had not waited for a processor",
            help: "give this machine more processors, or let browsers run elsewhere (SELENIUM_REMOTE_URL)",
        }
    }
}

pub(super) fn threshold(
    id: String,
    required: &Required,
    decided: &Decided,
    samples: &Samples,
) -> Check {
    let threshold = &required.threshold;
    let step = required.step.as_ref().map(|step| format!(" of {step}")).unwrap_or_default();
    let name = threshold.name() + &step;
    let limit = threshold.value(threshold.limit);
    let value = decided.value.map(|value| threshold.value(value));
    let shown = value.unwrap_or_else(|| "not to be told".to_owned()) + &samples.many;
    let between = match (decided.low, decided.high) {
        (Some(low), Some(high)) => {
            format!(" (between {} and {})", threshold.value(low), threshold.value(high))
        }
        (Some(low), None) => format!(" (at least {})", threshold.value(low)),
        _ => String::new(),
    };
    let (message, advice) = match decided.why {
        Why::Nothing => ("nothing was measured that it could be held against".to_owned(), None),
        Why::Seen | Why::Bounds => {
            let word = if decided.verdict == Verdict::Pass { "keeps" } else { "does not keep" };
            (format!("{name} is {shown}{between}, which {word} {threshold}"), None)
        }
        Why::Few(missing) => {
            let message = format!(
                "{name} is {shown}{between}: too few {}s to tell whether {threshold} holds",
                samples.one
            );
            let advice = match missing {
                Some(missing) => {
                    format!("it needs about {} more: {}", count(missing, samples.one), samples.more)
                }
                None => format!(
                    "it is too near to {limit} to tell: give it more room, or much more time"
                ),
            };
            (message, Some(advice))
        }
        Why::Changed => (
            format!(
                "{name} is {shown}{between} over all, although a part of it was certain of the other side of {threshold}"
            ),
            Some(
                "the service changed while it was measured: give it a longer warm_up or duration"
                    .to_owned(),
            ),
        ),
        Why::OwnLag => (
            format!("{name} is {shown}, but would keep {threshold} {}", samples.lateness),
            Some(samples.help.to_owned()),
        ),
    };
    let verdict = match decided.verdict {
        Verdict::Fail if !required.required => Verdict::Warn,
        verdict => verdict,
    };
    let mut check = Check::new(id, required.to_string(), verdict, message);
    if let Some(value) = decided.value {
        let (value, limit, unit) = match threshold.aggregate {
            Aggregate::Rate | Aggregate::Count => (value, threshold.limit, "1"),
            _ if !threshold.metric.is_time() => (value, threshold.limit, "1"),
            _ => (value / 1e3, threshold.limit / 1e3, "ms"),
        };
        let limit = if threshold.operator.wants_less() {
            Limit::AtMost(limit)
        } else {
            Limit::AtLeast(limit)
        };
        check = check.metric(Figure::new(name, value, unit).limit(limit));
    }
    match advice {
        Some(advice) => check.advice(advice),
        None => check,
    }
}

pub(super) fn comparison(
    spec: &Settings,
    seen: &Observation,
    all: &[Compared],
    broken: Option<&Tally>,
) -> Check {
    let url = seen.versions.get(1).map_or("the other version", |version| version.url.as_str());
    let other = spec.earlier().map_or(url.to_owned(), |_| format!("an earlier run of {url}"));
    if let Some(broken) = broken {
        let message = format!(
            "{other} is nothing to compare with: {} of {} failed ({})",
            grouped(broken.failures()),
            count(broken.requests, "request"),
            kinds(broken)
        );
        return Check::new("comparison", "Comparison", Verdict::Inconclusive, message)
            .advice("compare with a version that works");
    }
    let verdict = Verdict::over(all.iter().map(|one| one.verdict));
    let told: Vec<String> = all.iter().map(compared).collect();
    let message = format!("beside {other}: {}; {}", told.join("; "), allowed(spec));
    let missing = all.iter().filter_map(|one| one.missing).max();
    let mut check = Check::new("comparison", "Comparison", verdict, message);
    for one in all {
        let figure = match one.estimate {
            Some(Estimate::Ratio { at, .. }) => {
                let figure = Figure::new(format!("{} ratio", one.metric), at, "1");
                figure.limit(Limit::AtMost(one.margin))
            }
            Some(Estimate::Difference { at, .. }) => {
                let figure = Figure::new(format!("more {}", one.metric), at * 100.0, "%");
                figure.limit(Limit::AtMost(one.margin * 100.0))
            }
            None => continue,
        };
        check = check.metric(figure);
    }
    match (verdict, missing) {
        (Verdict::Inconclusive, Some(missing)) => check.advice(format!(
            "it needs about {} more: give it a longer max_duration, or a higher rate",
            count(missing, "second")
        )),
        (Verdict::Inconclusive, None) => check.advice(
            "there are too few requests, or it is too near to the margin: give it more time",
        ),
        (Verdict::Fail, _) => check.advice(worse(all)),
        _ => check,
    }
}

/// A number beside the other one.
fn compared(one: &Compared) -> String {
    match (one.values, one.estimate) {
        (Some((own, there)), Some(Estimate::Ratio { at, low, high })) => format!(
            "{} {}, there {}: {} ({} to {})",
            one.metric,
            time(own),
            time(there),
            than(at),
            change(low),
            change(high)
        ),
        (Some((own, there)), Some(Estimate::Difference { .. })) if own.max(there) == 0.0 => {
            format!("no {}, there none", one.metric)
        }
        (Some((own, there)), Some(Estimate::Difference { at, low, high })) => format!(
            "{} {}, there {}: {} ({:+.2} to {:+.2})",
            one.metric,
            percent(own),
            percent(there),
            more(at),
            low * 100.0,
            high * 100.0
        ),
        _ => format!("{} could not be compared", one.metric),
    }
}

fn allowed(spec: &Settings) -> String {
    spec.compare.as_ref().map_or(String::new(), |compare| {
        let tolerance = time(compare.tolerance.0.as_micros() as f64);
        let points = format!("{:.2}", compare.more_failures.fraction() * 100.0);
        format!(
            "{} or {tolerance} slower and {} points more failures are allowed",
            percent(compare.margin.fraction()),
            points.trim_end_matches('0').trim_end_matches('.')
        )
    })
}

/// What to do about what is worse.
fn worse(all: &[Compared]) -> &'static str {
    let fails = |one: &&Compared| one.verdict == Verdict::Fail;
    match all.iter().find(fails).and_then(|one| one.estimate) {
        Some(Estimate::Difference { .. }) => "find what fails that did not at the other version",
        _ => "find what has become slower since the other version",
    }
}

/// A difference of shares.
fn more(difference: f64) -> String {
    match difference * 100.0 {
        at if at.abs() < 0.005 => "the same".to_owned(),
        at if at > 0.0 => format!("{at:.2} points more"),
        at => format!("{:.2} points fewer", -at),
    }
}

fn than(ratio: f64) -> String {
    match (ratio - 1.0) * 100.0 {
        at if at.abs() < 0.05 => "the same".to_owned(),
        at if at >= 100.0 => format!("{ratio:.1} times as slow"),
        at if at > 0.0 => format!("{at:.1}% slower"),
        at => format!("{:.1}% faster", -at),
    }
}

/// The same in short.
fn change(ratio: f64) -> String {
    match (ratio - 1.0) * 100.0 {
        at if at >= 100.0 => format!("{ratio:.1} times"),
        at => format!("{at:+.1}%"),
    }
}
