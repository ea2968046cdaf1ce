//! A run as JSON: `gate-load/v1`.

use std::collections::BTreeMap;

use gate_core::{Json, Verdict};
use load::{Failure, Histogram, Tally};
use serde_json::json;

use crate::browsers;
use crate::capacity;
use crate::exchanges::SeenExchange;
use crate::judge::{Compared, Decided, Estimate, Judged};
use crate::seen::Observation;
use crate::settings::{Required, Settings};

/// The whole document.
pub(crate) fn document(
    spec: &Settings,
    seen: &Observation,
    judged: &Judged,
    verdict: Verdict,
    exit_code: u8,
) -> Json {
    let reasons: Vec<String> = judged
        .checks
        .iter()
        .filter(|check| check.verdict != Verdict::Pass)
        .map(|check| format!("{}: {}", check.title, check.message))
        .collect();
    let thresholds: Vec<Json> = judged
        .thresholds
        .iter()
        .map(|(threshold, decided)| threshold_of(threshold, decided))
        .collect();
    let mut document = version(seen, judged, 0);
    let more = json!({
        "schema": "gate-load/v1",
        "url": seen.versions.first().map(|version| version.url.clone()),
        "thresholds": thresholds,
        "verdict": verdict,
        "exit_code": exit_code,
        "reasons": reasons,
    });
    merge(&mut document, more);
    let told = |list: &[SeenExchange]| list.iter().map(exchange).collect::<Vec<_>>();
    let exchanges = json!({
        "slowest": told(&seen.exchanges.slowest),
        "failed": told(&seen.exchanges.failed),
    });
    merge(&mut document, json!({ "exchanges": exchanges }));
    let names = spec.steps();
    if !names.is_empty() {
        let all = judged.figures.first().map(|figures| steps(&names, &figures.all));
        merge(&mut document, json!({ "steps": all }));
    }
    if let Some(watched) = &seen.browsers {
        merge(&mut document, json!({ "browsers": browsers::document(watched, 0) }));
    }
    if let Some(limit) = &seen.aborted {
        merge(&mut document, json!({ "aborted": limit }));
    }
    if let (Some(capacity), Some(found)) = (&spec.capacity, &seen.capacity) {
        merge(&mut document, json!({ "capacity": capacity::document(capacity, found) }));
    }
    if seen.versions.len() > 1 {
        let comparison: Vec<Json> = judged.comparison.iter().map(compared).collect();
        let mut baseline = version(seen, judged, 1);
        merge(&mut baseline, json!({ "url": seen.versions[1].url }));
        if let Some(watched) = seen.browsers.as_ref().filter(|seen| seen.pages.len() > 1) {
            merge(&mut baseline, json!({ "browsers": browsers::document(watched, 1) }));
        }
        merge(&mut document, json!({ "baseline": baseline, "comparison": comparison }));
    }
    document
}

fn merge(into: &mut Json, from: Json) {
    if let (Some(into), Json::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}

fn version(seen: &Observation, judged: &Judged, at: usize) -> Json {
    let (Some(version), Some(figures)) = (seen.versions.get(at), judged.figures.get(at)) else {
        return json!({});
    };
    let all = &figures.all;
    // How many a second were sent, and not how long the last answer took.
    let seconds = version.seconds;
    let measured = seen.looks.last().map_or(0, |_| all.requests);
    let refused = seen.refused.as_ref().filter(|refused| refused.version == at);
    let unanswered = refused.and_then(|refused| refused.failure.clone());
    let mut errors: BTreeMap<String, u64> = Failure::ALL
        .into_iter()
        .filter(|failure| all.failed(*failure) > 0)
        .map(|failure| (failure.name().to_owned(), all.failed(failure)))
        .collect();
    let first = u64::from(unanswered.is_some());
    if let Some(failure) = unanswered {
        *errors.entry(failure).or_default() += 1;
    }
    let statuses: BTreeMap<String, u64> =
        all.statuses().iter().map(|(status, count)| (status.to_string(), *count)).collect();
    let rate = |count: u64| if seconds > 0.0 { round(count as f64 / seconds, 3) } else { json!(0) };
    let cpu = seen.generator.ran_us as f64
        / judged.figures.iter().map(|figures| figures.all.requests).sum::<u64>().max(1) as f64;
    json!({
        "requests": measured + first,
        "failures": all.failures() + first,
        "bytes": all.bytes,
        "seconds": round(seconds, 3),
        "intended": version.intended,
        "intended_rate": version.intended.map(&rate),
        "achieved_rate": rate(all.requests),
        "latency_ms": times(&all.latency),
        "service_ms": times(&all.service),
        "send_lag_us": lag(all),
        "cpu_us_per_request": round(cpu, 2),
        "status": statuses,
        "errors": errors,
        "cache": (all.cache_told > 0).then(|| json!({
            "told": all.cache_told,
            "hits": all.cache_hits,
        })),
    })
}

/// What was counted of each step.
fn steps(names: &[String], all: &Tally) -> Vec<Json> {
    let each = names.iter().zip(&all.steps);
    each.map(|(name, step)| {
        json!({
            "name": name,
            "requests": step.requests,
            "failures": step.failures(),
            "bytes": step.bytes,
            "latency_ms": times(&step.latency),
        })
    })
    .collect()
}

fn exchange(one: &SeenExchange) -> Json {
    let ms = |us: u64| round(us as f64 / 1e3, 3);
    json!({
        "at_s": round(one.at, 3),
        "request": one.line,
        "status": one.status,
        "failure": one.failure,
        "latency_ms": ms(one.latency),
        "lag_ms": ms(one.lag),
        "wait_ms": ms(one.wait),
        "first_byte_ms": one.first_byte.map(ms),
    })
}

fn times(histogram: &Histogram) -> Json {
    let at = |q| histogram.quantile(q).map(|value| round(value as f64 / 1e3, 3));
    json!({
        "p50": at(0.5),
        "p90": at(0.9),
        "p95": at(0.95),
        "p99": at(0.99),
        "p99.9": at(0.999),
        "max": histogram.max().map(|value| round(value as f64 / 1e3, 3)),
        "mean": histogram.mean().map(|value| round(value / 1e3, 3)),
    })
}

fn lag(all: &Tally) -> Json {
    let at = |q| all.lag.quantile(q);
    json!({ "p50": at(0.5), "p99": at(0.99), "max": all.lag.max() })
}

fn threshold_of(required: &Required, decided: &Decided) -> Json {
    let threshold = &required.threshold;
    let unit = |value: Option<f64>| value.map(|value| round(threshold.in_its_unit(value), 6));
    let mut told = json!({
        "expression": threshold.to_string(),
        "value": unit(decided.value),
        "low": unit(decided.low),
        "high": unit(decided.high),
        "verdict": decided.verdict,
    });
    if let Some(step) = &required.step {
        merge(&mut told, json!({ "step": step }));
    }
    for (name, time) in [("from", required.from), ("to", required.to)] {
        if let Some(time) = time {
            merge(&mut told, json!({ name: time }));
        }
    }
    told
}

fn compared(one: &Compared) -> Json {
    let (name, bounds) = match one.estimate {
        Some(Estimate::Ratio { at, low, high }) => ("ratio", Some((at, low, high))),
        Some(Estimate::Difference { at, low, high }) => ("difference", Some((at, low, high))),
        None => ("ratio", None),
    };
    let digits = if name == "ratio" { 4 } else { 6 };
    let number = |at: fn((f64, f64, f64)) -> f64| bounds.map(|all| round(at(all), digits));
    let mut row = json!({
        "metric": one.metric,
        "ratio": null,
        "low": number(|(_, low, _)| low),
        "high": number(|(_, _, high)| high),
        "margin": round(one.margin, 6),
        "verdict": one.verdict,
    });
    row[name] = json!(number(|(at, _, _)| at));
    row
}

/// A number with so many digits behind the point.
fn round(value: f64, digits: i32) -> Json {
    let factor = 10_f64.powi(digits);
    json!((value * factor).round() / factor)
}
