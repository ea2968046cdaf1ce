//! Whether the generator itself was fit to tell anything.

use gate_core::{Check, Limit, Metric, Verdict};
use load::Failure;

use super::Reading;
use crate::browsers;
use crate::measure::Lost;
use crate::seen::Observation;
use crate::settings::Settings;
use crate::words::{count, percent, time};

/// How late a single request may be sent, in microseconds.
const LATEST: u64 = 1_000_000;
/// How many of the requests may be noticed after all should have been sent.
const LATE: f64 = 0.01;

/// Nothing was measured, since not all who were to send did.
pub(crate) fn lost(lost: &Lost) -> Check {
    Check::new("generator", "Generator", Verdict::Inconclusive, lost.why.clone())
        .advice(lost.advice.clone())
}

/// Whether it was fit to tell.
pub(crate) fn check(spec: &Settings, seen: &Observation, readings: &[Reading<'_>]) -> Check {
    let tallies = || readings.iter().map(|reading| &reading.figures.all);
    let generator = &seen.generator;
    let requests: u64 = tallies().map(|tally| tally.requests).sum();
    let intended: u64 = seen.versions.iter().filter_map(|version| version.intended).sum();
    let exhausted: u64 = tallies().map(|tally| tally.failed(Failure::Exhausted)).sum();
    let lag = tallies().filter_map(|tally| tally.lag.max()).max().unwrap_or(0);
    let usual = tallies().filter_map(|tally| tally.lag.quantile(0.99)).max().unwrap_or(0);
    let late = generator.late as f64 / intended.max(1) as f64;
    let open = spec.connections.is_none();
    let trouble = if let Some(lost) = &seen.lost {
        Some((lost.why.clone(), lost.advice.clone()))
    } else if requests == 0 {
        Some((
            "nothing was counted".to_owned(),
            "was it interrupted? let it run to its end".to_owned(),
        ))
    } else if generator.is_cut_short {
        let said = format!("it was told to end after {}", count(requests, "request"));
        Some((said, "let it run to its end".to_owned()))
    } else if exhausted > 0 {
        Some((
            format!(
                "this machine ran out of file descriptors or ports for {}",
                count(exhausted, "request")
            ),
            "raise the limit (ulimit -n), or allow fewer connections (max_connections)".to_owned(),
        ))
    } else if open && lag > LATEST {
        Some((format!("a request was sent {} late{}", time(lag as f64), cause(seen)), advice(seen)))
    } else if open && late > LATE {
        let said = format!(
            "{} of the requests were sent too late to keep the rate{}",
            percent(late),
            cause(seen)
        );
        Some((said, advice(seen)))
    } else if generator.longest_gap_us > LATEST {
        let gap = time(generator.longest_gap_us as f64);
        Some((format!("the generator stood still for {gap}{}", cause(seen)), advice(seen)))
    } else {
        None
    };
    let (verdict, message, advice) = match trouble {
        Some((message, advice)) => (Verdict::Inconclusive, message, Some(advice)),
        None if open => {
            let message = format!(
                "all of {} were sent, 99% of them no later than {}",
                count(requests, "request"),
                time(usual as f64)
            );
            (Verdict::Pass, message, None)
        }
        None => (Verdict::Pass, format!("{} were sent", count(requests, "request")), None),
    };
    let cpu = generator.ran_us as f64 / requests.max(1) as f64;
    let check = Check::new("generator", "Generator", verdict, message)
        .metric(Metric::new("send lag, 99%", usual as f64 / 1e3, "ms"))
        .metric(Metric::new("send lag, largest", lag as f64 / 1e3, "ms").limit(Limit::AtMost(1e3)))
        .metric(Metric::new("waited for a processor", generator.waited_us as f64 / 1e6, "s"))
        .metric(Metric::new("processor time for a request", cpu, "us"));
    match advice {
        Some(advice) => check.advice(advice),
        None => check,
    }
}

/// What the system says of why it was late.
fn cause(seen: &Observation) -> String {
    let generator = &seen.generator;
    let measured: f64 = seen.versions.iter().map(|version| version.seconds).sum::<f64>() * 1e6;
    let throttled = generator.throttled_us.unwrap_or(0);
    if throttled as f64 > measured / 50.0 {
        format!(": its control group was held back for {}", time(throttled as f64))
    } else if generator.waited_us as f64 > measured / 50.0 {
        format!(": its threads waited {} for a processor", time(generator.waited_us as f64))
    } else if generator.longest_gap_us > LATEST / 2 {
        format!(": it stood still for {}", time(generator.longest_gap_us as f64))
    } else {
        String::new()
    }
}

fn advice(seen: &Observation) -> String {
    let generator = &seen.generator;
    let seconds = seen.versions.first().map_or(0.0, |version| version.seconds);
    if let Some(cost) = seen.browsers.as_ref().and_then(|seen| browsers::cost(seen, seconds)) {
        return cost;
    }
    if generator.throttled_us.is_some_and(|throttled| throttled > 0) {
        "give the container more of a processor, or send less".to_owned()
    } else {
        "give the machine that sends more processors (threads: 2), or a lower rate".to_owned()
    }
}
