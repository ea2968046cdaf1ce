//! The words that every format uses, so that a verdict reads the same everywhere.

use std::fmt::Write as _;

use gate_core::{
    Attempt, Check, Evidence, ExitCode, Failure, GateReport, Limit, Metric, Report, Verdict,
};

use crate::clean;

/// The run's verdict in one sentence.
pub fn headline(report: &Report) -> String {
    let tally = Tally::of(report);
    let blocked = tally.blocked();
    if matches!(report.exit_code, ExitCode::INTERRUPTED | ExitCode::TERMINATED) {
        let so_far = blocked.map_or(String::new(), |what| format!(" ({what})"));
        return format!("Do not promote: the run was interrupted before it was complete{so_far}.");
    }
    let Some(verdict) = report.verdict else {
        return match shard(report) {
            Some(part) => format!("{} holds no gate, so it says nothing.", upper(&part)),
            None => "Do not promote: nothing was judged.".to_owned(),
        };
    };
    match (verdict, blocked) {
        (Verdict::Fail | Verdict::Inconclusive, Some(what)) => format!("Do not promote: {what}."),
        (Verdict::Fail, None) => "Do not promote: the run failed.".to_owned(),
        (Verdict::Inconclusive, None) => "Do not promote: the run is inconclusive.".to_owned(),
        (Verdict::Pass | Verdict::Warn, _) if report.exit_code != ExitCode::PROMOTE => {
            format!("Do not promote: the run ended with exit code {}.", report.exit_code.0)
        }
        (Verdict::Pass | Verdict::Warn, _) => tally.unblocked(report),
    }
}

/// The part of a suite that a run was: `part 2 of 4`.
pub fn shard(report: &Report) -> Option<String> {
    let shard = clean::line(report.selection.shard.as_deref()?);
    Some(match shard.split_once('/') {
        Some((part, all)) => format!("part {part} of {all}"),
        None => format!("part {shard}"),
    })
}

fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[derive(Default)]
struct Tally {
    gates: usize,
    warn: usize,
    inconclusive: usize,
    fail: usize,
}

impl Tally {
    fn of(report: &Report) -> Tally {
        let mut tally = Tally { gates: report.gates.len(), ..Tally::default() };
        for gate in &report.gates {
            match gate.counts_as {
                Verdict::Pass => {}
                Verdict::Warn => tally.warn += 1,
                Verdict::Inconclusive => tally.inconclusive += 1,
                Verdict::Fail => tally.fail += 1,
            }
        }
        tally
    }

    fn blocked(&self) -> Option<String> {
        let failed = (self.fail > 0).then(|| format!("{} failed", count(self.fail, "gate")));
        let unclear = (self.inconclusive > 0)
            .then(|| format!("{} could not be measured", count(self.inconclusive, "gate")));
        match (failed, unclear) {
            (Some(failed), Some(unclear)) => Some(format!("{failed} and {unclear}")),
            (failed, unclear) => failed.or(unclear),
        }
    }

    fn unblocked(&self, report: &Report) -> String {
        let found = match (self.gates, self.warn) {
            (1, 0) => "the gate passed".to_owned(),
            (all, 0) => format!("all {all} gates passed"),
            (1, _) => "the gate does not block, but deserves a look".to_owned(),
            (all, warn) => format!("nothing blocks, but {warn} of {all} gates deserve a look"),
        };
        match shard(report) {
            Some(part) => format!("{} has nothing against it: {found}.", upper(&part)),
            None if report.complete => format!("Promote: {found}."),
            None => format!("The run is not complete, so it promotes nothing: {found}."),
        }
    }
}

/// A mark for a verdict. It never stands without the word.
pub fn symbol(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Pass) => "✓",
        Some(Verdict::Warn) => "!",
        Some(Verdict::Inconclusive) => "?",
        Some(Verdict::Fail) => "✗",
        None => "-",
    }
}

/// What a gate came to, in one clean line.
pub fn what_happened(gate: &GateReport) -> String {
    let Some(worst) = worst_check(gate) else {
        return "no checks, so nothing is known".to_owned();
    };
    if gate.verdict == Verdict::Pass {
        return count(gate.checks.len(), "check");
    }
    let same = gate.checks.iter().filter(|check| check.verdict == worst.verdict).count();
    let mut out = String::new();
    if gate.verdict != gate.counts_as {
        out = format!("not required ({}): ", gate.verdict);
    }
    if gate.checks.len() > 1 {
        let _ = write!(out, "{same} of {}: ", gate.checks.len());
    }
    out + &clean::line(&worst.message)
}

/// The first check of the gate's worst verdict.
pub fn worst_check(gate: &GateReport) -> Option<&Check> {
    let worst = gate.checks.iter().map(|check| check.verdict).max()?;
    gate.checks.iter().find(|check| check.verdict == worst)
}

/// `NAME/CHECK` as one word for `gate explain`, or `NAME` for a gate without checks or with one
/// whose id would not do. None when the name itself cannot be typed as it is shown.
pub fn explain_target(gate: &GateReport, check: Option<&Check>) -> Option<String> {
    let typeable = |text: &str| clean::width(text) <= 80 && clean::line(text) == text;
    if !typeable(&gate.name) {
        return None;
    }
    let target = match check.filter(|check| typeable(&check.id)) {
        Some(check) => format!("{}/{}", gate.name, check.id),
        None => gate.name.clone(),
    };
    Some(clean::shell_word(&target).into_owned())
}

/// What a check counts as for the run.
pub fn counted(gate: &GateReport, check: &Check) -> Verdict {
    if gate.counts_as.blocks() { check.verdict } else { check.verdict.min(Verdict::Warn) }
}

/// The gates, worst first, else in the report's order.
pub fn worst_first(report: &Report) -> Vec<&GateReport> {
    let mut gates: Vec<_> = report.gates.iter().collect();
    gates.sort_by_key(|gate| std::cmp::Reverse((gate.counts_as, gate.verdict)));
    gates
}

/// `1 gate`, `2 gates`.
pub fn count(many: usize, what: &str) -> String {
    if many == 1 { format!("1 {what}") } else { format!("{many} {what}s") }
}

/// A length of time as a person says it: `340 ms`, `12.3 s`, `2 min 5 s`, `1 h 2 min`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// How long a run took.
pub fn run_time(report: &Report) -> String {
    duration(report.finished.millis().saturating_sub(report.started.millis()).max(0) as u64)
}

/// A size in bytes: `512 B`, `1.5 kB`, `2.3 MB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// A measured value and its limit as clean text; the limit is empty when there is none.
pub struct Measured {
    /// The number with its unit.
    pub value: String,
    /// What it was held against; empty when there was none.
    pub limit: String,
    /// Whether it was within.
    pub holds: bool,
}

impl Measured {
    /// A metric in words.
    pub fn of(metric: &Metric) -> Measured {
        let unit = match clean::line(&metric.unit) {
            unit if unit.is_empty() || unit == "1" => String::new(),
            unit if unit == "%" => "%".to_owned(),
            unit => format!(" {unit}"),
        };
        let Some(limit) = metric.limit else {
            let value = format!("{}{unit}", number(metric.value));
            return Measured { value, limit: String::new(), holds: true };
        };
        let (word, bound) = match limit {
            Limit::AtMost(bound) => ("at most", bound),
            Limit::AtLeast(bound) => ("at least", bound),
        };
        let (mut value, mut shown) = (number(metric.value), number(bound));
        // Rounding must not make a value beyond its limit look like the limit.
        if value == shown && metric.value.total_cmp(&bound).is_ne() {
            (value, shown) = (metric.value.to_string(), bound.to_string());
        }
        Measured {
            value: format!("{value}{unit}"),
            limit: format!("{word} {shown}{unit}"),
            holds: limit.holds(metric.value),
        }
    }
}

/// A number to four decimals, or to four digits where it is small.
fn number(value: f64) -> String {
    let whole = value.to_string();
    if whole.split_once('.').is_none_or(|(_, decimals)| decimals.len() <= 4) && whole.len() <= 20 {
        return whole;
    }
    if value.abs() < 0.01 || value.abs() >= 1e15 {
        return format!("{value:.3e}");
    }
    let rounded = format!("{value:.4}");
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A file of the store in one clean line, without its place.
pub fn evidence(evidence: &Evidence) -> String {
    let label = clean::line(&evidence.label);
    let media_type = clean::line(&evidence.media_type);
    format!("{label} ({media_type}, {})", size(evidence.bytes))
}

/// What came of an attempt, in one clean line.
pub fn attempt(attempt: &Attempt) -> String {
    let Attempt::Failed { failed, reason, advice } = attempt else {
        return "measured".to_owned();
    };
    let what = match failed {
        Failure::Error => "could not be measured",
        Failure::Panic => "the gate itself broke",
        Failure::Timeout => "took longer than its time-out",
        Failure::Cancelled => "was interrupted",
    };
    let advice = advice.as_deref().map_or(String::new(), |advice| format!(" ({advice})"));
    format!("{what}: {}{}", clean::line(reason), clean::line(&advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_hide_a_difference() {
        for (value, expect) in [
            (0.0, "0"),
            (12_345.0, "12345"),
            (0.5, "0.5"),
            (0.1 + 0.2, "0.3"),
            (1.0 / 3.0, "0.3333"),
            (0.000_012_346, "1.235e-5"),
            (1e300, "1.000e300"),
        ] {
            assert_eq!(number(value), expect);
        }
        let metric = Metric::new("share", 5.000_001, "%").limit(Limit::AtMost(5.0));
        let measured = Measured::of(&metric);
        assert_eq!((measured.value.as_str(), measured.limit.as_str()), ("5.000001%", "at most 5%"));
        assert!(!measured.holds);
    }

    #[test]
    fn times_and_sizes() {
        for (ms, expect) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (12_340, "12.3 s"),
            (59_999, "59.9 s"),
            (125_000, "2 min 5 s"),
            (3_720_000, "1 h 2 min"),
        ] {
            assert_eq!(duration(ms), expect);
        }
        for (bytes, expect) in [(512, "512 B"), (1_536, "1.5 kB"), (2_345_678, "2.3 MB")] {
            assert_eq!(size(bytes), expect);
        }
    }
}
