//! What people see while a load test runs, and at its end.

use std::time::Duration;

use gate_core::Verdict;
use load::{Histogram, Tally};

use crate::capacity;
use crate::judge::Judged;
use crate::measure::Glance;
use crate::seen::Observation;
use crate::words::{grouped, percent, time};

/// How often a plain line is told, in seconds.
const EVERY: u64 = 5;

/// The state of a view: one line that is written over on a terminal, now and then a line elsewhere.
pub(crate) struct View {
    shows: Shows,
    told: Option<u64>,
    is_line_open: bool,
}

/// What somebody gets to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    Nothing,
    /// A line that is written over at each second.
    Line,
    /// A line now and then.
    Lines,
    /// A line for each step of a search.
    Steps,
}

impl View {
    pub(crate) fn new(is_json: bool, is_terminal: bool, is_search: bool) -> View {
        let shows = match (is_terminal, is_json, is_search) {
            (true, _, _) => Shows::Line,
            (false, true, _) => Shows::Nothing,
            (false, false, true) => Shows::Steps,
            (false, false, false) => Shows::Lines,
        };
        View { shows, told: None, is_line_open: false }
    }

    /// A step of a search.
    pub(crate) fn step(&mut self, told: &str) -> Option<String> {
        let ended = self.end().unwrap_or_default();
        (self.shows != Shows::Nothing).then_some(format!("{ended}{told}\n"))
    }

    /// What is to be written for a second.
    pub(crate) fn second(&mut self, glance: &Glance) -> Option<String> {
        if self.shows == Shows::Nothing || glance.version != 0 {
            return None;
        }
        if self.shows == Shows::Line {
            self.is_line_open = true;
            return Some(format!("\r\x1b[K{}", line(glance)));
        }
        let turn = glance.done as u64 / EVERY;
        if glance.is_warm_up || self.shows == Shows::Steps || self.told == Some(turn) {
            return None;
        }
        self.told = Some(turn);
        Some(format!("{}\n", line(glance)))
    }

    pub(crate) fn goes_on(&mut self, more: Duration) -> Option<String> {
        let ended = self.end().unwrap_or_default();
        let text = format!("not decided yet: {} more\n", time(more.as_micros() as f64));
        (self.shows != Shows::Nothing).then_some(ended + &text)
    }

    /// Ends the line that is written over.
    pub(crate) fn end(&mut self) -> Option<String> {
        std::mem::take(&mut self.is_line_open).then(|| "\r\x1b[K".to_owned())
    }
}

/// A second in one line.
pub(crate) fn line(glance: &Glance) -> String {
    if glance.is_warm_up {
        return "warming up".to_owned();
    }
    let at = |value: Option<u64>| value.map_or("-".to_owned(), |value| time(value as f64));
    let left = time(((glance.of - glance.done).max(0.0) * 1e6).round());
    format!(
        "{}/s  p50 {}  p95 {}  p99 {}  {} failed  sent {} late  {left} left",
        grouped(glance.requests),
        at(glance.p50),
        at(glance.p95),
        at(glance.p99),
        grouped(glance.failures),
        at(glance.lag),
    )
}

/// The result for people.
pub(crate) fn told(seen: &Observation, judged: &Judged, verdict: Verdict) -> String {
    let mut text = seen.capacity.as_ref().map_or(String::new(), capacity::told);
    for (version, figures) in seen.versions.iter().zip(&judged.figures) {
        let all = &figures.all;
        // What all rates of a search have in common is nothing.
        if all.requests == 0 || seen.capacity.is_some() {
            continue;
        }
        let rate = all.requests as f64 / version.seconds.max(1e-9);
        text.push_str(&format!("{}\n", version.url));
        text.push_str(&format!(
            "  {} requests in {} ({rate:.1}/s), {} failed, {} bytes\n",
            grouped(all.requests),
            time(version.seconds * 1e6),
            failed(all),
            grouped(all.bytes),
        ));
        text.push_str(&format!("  {:<11}", ""));
        for name in COLUMNS {
            text.push_str(&format!("{name:>9}"));
        }
        text.push('\n');
        for (name, histogram) in rows(all) {
            text.push_str(&row(name, histogram));
        }
        text.push('\n');
    }
    text.push_str(&slowest(seen));
    for check in &judged.checks {
        text.push_str(&format!(
            "{:<12}  {}: {}\n",
            word(check.verdict),
            check.title,
            check.message
        ));
        if let Some(advice) = check.advice.as_ref().filter(|_| check.verdict != Verdict::Pass) {
            text.push_str(&format!("{:<12}  {advice}\n", ""));
        }
    }
    text.push_str(&format!("\n{}\n", word(verdict)));
    text
}

/// The slowest exchanges: where their time went.
fn slowest(seen: &Observation) -> String {
    let all = &seen.exchanges.slowest;
    let mut text = if all.is_empty() { String::new() } else { "  slowest\n".to_owned() };
    for one in all.iter().take(3) {
        let first = one.first_byte.map_or("nothing came".to_owned(), |first| {
            format!("first byte {} after it was sent", time(first as f64))
        });
        text.push_str(&format!(
            "  {:>9}  at {:.1} s, sent {} late, waited {} for a connection, {first}: {} {}\n",
            time(one.latency as f64),
            one.at,
            time(one.lag as f64),
            time(one.wait as f64),
            one.failure.clone().unwrap_or_else(|| one.status.to_string()),
            one.line,
        ));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn failed(all: &Tally) -> String {
    let share = all.failures() as f64 / all.requests as f64;
    match all.failures() {
        0 => "0".to_owned(),
        count => format!("{} ({})", grouped(count), percent(share)),
    }
}

/// What is told of durations.
pub(crate) const COLUMNS: [&str; 7] = ["p50", "p90", "p95", "p99", "p99.9", "max", "mean"];

/// The same of one of them, in microseconds.
pub(crate) fn values(histogram: &Histogram) -> [Option<f64>; 7] {
    let at = |q: f64| histogram.quantile(q).map(|value| value as f64);
    let max = histogram.max().map(|value| value as f64);
    [at(0.5), at(0.9), at(0.95), at(0.99), at(0.999), max, histogram.mean()]
}

/// The durations that there are.
pub(crate) fn rows(all: &Tally) -> Vec<(&'static str, &Histogram)> {
    let rows = [
        ("latency", &all.latency),
        ("service", &all.service),
        ("first byte", &all.first_byte),
        ("connect", &all.connect),
        ("send lag", &all.lag),
    ];
    rows.into_iter().filter(|(_, one)| one.count() > 0).collect()
}

fn row(name: &str, histogram: &Histogram) -> String {
    let mut text = format!("  {name:<11}");
    for value in values(histogram) {
        text.push_str(&format!("{:>9}", value.map_or("-".to_owned(), time)));
    }
    text + "\n"
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive => "inconclusive",
    }
}
