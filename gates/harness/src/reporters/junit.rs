//! JUnit XML for GitLab, Jenkins and Buildkite: one suite a gate, one case a check.
//!
//! | check | becomes |
//! |---|---|
//! | pass | a passed case |
//! | warn | a passed case that says so in `<system-out>` |
//! | fail | `<failure>` |
//! | inconclusive | `<error>`: what could not be measured stays apart from what was measured and is wrong |
//! | fail or inconclusive of a gate that does not block | `<skipped>` with the text |
//!
//! All of these servers take `<error>` for red. GitLab shows a picture only beside `<failure>`, so
//! for an inconclusive check it shows the picture's path in the text instead; Jenkins takes the
//! attachment from both.
//!
//! A document has a failure or an error when the run does not end with 0, or has no gate at all
//! without being an empty shard; and it always has a case, because a reader that counts none may
//! take it for success.

use std::time::Duration;

use gate_core::{Check, Digest, Error, ExitCode, GateReport, Limit, Report, Role, Verdict};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::words::{self, Measured, headline, shard};
use super::{Around, clean};

/// GitLab refuses a file of more than 30 MB, so no single text may be endless.
const TEXT: usize = 8_000;
/// How large the whole document may become; what would go beyond is cut to [`SHORT`].
const ROOM: usize = 20_000_000;
const SHORT: usize = 200;

pub(super) fn render(report: &Report, around: &Around) -> Result<Vec<u8>, Error> {
    let mut document = quick_junit::Report::new("gate");
    let took = report.finished.millis().saturating_sub(report.started.millis());
    document.set_time(Duration::from_millis(took.max(0) as u64));
    let checks: usize = report.gates.iter().map(|gate| gate.checks.len()).sum();
    // A text may stand in the document three times: message, description and output.
    let room = (ROOM / 3 / checks.max(1)).clamp(SHORT, TEXT);
    for gate in &report.gates {
        document.add_test_suite(suite(gate, around, room));
    }
    for skipped in &report.skipped {
        let name = line(&skipped.gate);
        let reason = clean::shorten(&skipped.reason, room);
        let mut suite = TestSuite::new(&name);
        let mut status = TestCaseStatus::skipped();
        status.set_message(line(&reason));
        suite.add_test_case(case(&name, "skipped", status));
        document.add_test_suite(suite);
    }
    let red = document.failures + document.errors > 0;
    if let Some(suite) = run_itself(report, red) {
        document.add_test_suite(suite);
    }
    let text = document
        .to_string()
        .map_err(|error| Error::new(format!("the JUnit document cannot be written: {error}")))?;
    Ok(text.into_bytes())
}

/// A case for the run itself, where its gates alone would give a wrong picture.
fn run_itself(report: &Report, red: bool) -> Option<TestSuite> {
    let promoted = report.exit_code == ExitCode::PROMOTE;
    let empty_shard = promoted && report.verdict.is_none() && shard(report).is_some();
    let mut status = if empty_shard {
        TestCaseStatus::skipped()
    } else if !red && (!promoted || report.gates.is_empty()) {
        TestCaseStatus::non_success(NonSuccessKind::Error)
    } else {
        return None;
    };
    status.set_message(line(&headline(report)));
    let mut suite = TestSuite::new("gate run");
    suite.add_test_case(case("gate run", "verdict", status));
    Some(suite)
}

fn suite(gate: &GateReport, around: &Around, room: usize) -> TestSuite {
    let name = line(&gate.name);
    let mut suite = TestSuite::new(&name);
    suite.set_time(Duration::from_millis(gate.duration_ms));
    for (property, value) in [
        ("kind", line(&gate.kind)),
        ("spec", format!("{}:{}", line(&gate.spec.path), gate.spec.line)),
        ("required", gate.required.to_string()),
        ("verdict", gate.verdict.to_string()),
        ("counts_as", gate.counts_as.to_string()),
        ("attempts", gate.attempts.len().to_string()),
    ] {
        suite.add_property((property, value.as_str()));
    }
    for check in &gate.checks {
        let title = format!("{} ({})", line(&check.title), line(&check.id));
        let mut case = case(&name, &clean::shorten(&title, room), status(gate, check, room));
        properties(check).for_each(|(name, value)| {
            case.add_property((name.as_str(), value.as_str()));
        });
        if let Some(out) = system_out(check, around, room) {
            case.set_system_out(out);
        }
        suite.add_test_case(case);
    }
    if gate.checks.is_empty() {
        let status = without_checks(gate);
        suite.add_test_case(case(&name, "checks", status));
    }
    suite
}

/// A clean line that attaches nothing: with `[[ATTACHMENT|PATH]]` somebody could have any file of
/// the build machine published.
fn line(text: &str) -> String {
    clean::line(text).replace("[[", r"[\u{5b}")
}

/// As [`line`], with line ends kept.
fn lines(text: &str) -> String {
    clean::lines(text).replace("[[", r"[\u{5b}")
}

fn case(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn without_checks(gate: &GateReport) -> TestCaseStatus {
    let mut status = if gate.counts_as.blocks() {
        TestCaseStatus::non_success(NonSuccessKind::Error)
    } else {
        TestCaseStatus::skipped()
    };
    status.set_type("inconclusive").set_message("the gate has no checks, so nothing is known");
    status
}

fn status(gate: &GateReport, check: &Check, room: usize) -> TestCaseStatus {
    let mut status = match check.verdict {
        Verdict::Pass | Verdict::Warn => return TestCaseStatus::success(),
        _ if !gate.counts_as.blocks() => TestCaseStatus::skipped(),
        Verdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    status
        .set_type(check.verdict.word())
        .set_message(line(&clean::shorten(&check.message, SHORT)))
        .set_description(description(gate, check, room));
    status
}

fn description(gate: &GateReport, check: &Check, room: usize) -> String {
    let mut out = lines(&clean::shorten(&check.message, room));
    if !gate.counts_as.blocks() {
        out += "\nThe gate is not required, so this does not block.";
    }
    for metric in &check.metrics {
        let measured = Measured::of(metric);
        put!(out, "\n{}: {}", line(&metric.name), line(&measured.value));
        if !measured.limit.is_empty() {
            put!(out, " (limit: {})", line(&measured.limit));
        }
    }
    if let Some(advice) = &check.advice {
        put!(out, "\nTo do: {}", lines(&clean::shorten(advice, room)));
    }
    out
}

/// Numbers as plain decimals, so that a program can read them.
fn properties(check: &Check) -> impl Iterator<Item = (String, String)> {
    check.metrics.iter().flat_map(|metric| {
        let name = line(&metric.name);
        let unit = line(&metric.unit);
        let limit = metric.limit.map(|limit| match limit {
            Limit::AtMost(bound) => (format!("{name} at most"), bound.to_string()),
            Limit::AtLeast(bound) => (format!("{name} at least"), bound.to_string()),
        });
        [(format!("{name} [{unit}]"), metric.value.to_string())].into_iter().chain(limit)
    })
}

/// Jenkins keeps 1,000 characters of a passed case's output and takes an attachment only from a
/// line of its own; GitLab takes the first attachment only.
fn system_out(check: &Check, around: &Around, room: usize) -> Option<String> {
    let mut out = Vec::new();
    if check.verdict == Verdict::Warn {
        out.push(format!("warn: {}", lines(&clean::shorten(&check.message, room))));
    }
    if check.verdict != Verdict::Pass
        && let Some(picture) = picture(check)
    {
        out.push(format!("[[ATTACHMENT|{}]]", around.path_of(&picture)));
    }
    for file in check.evidence.iter().filter(|_| check.verdict != Verdict::Pass) {
        out.push(format!("{}: {}", line(&words::evidence(file)), around.path_of(&file.digest)));
    }
    (!out.is_empty()).then(|| format!("\n{}\n", out.join("\n")))
}

/// The picture that shows a check best: the one that a comparison made of both sides, else the
/// first picture. [`gate_core::evidence::DiffEvidence`] names its picture last.
fn picture(check: &Check) -> Option<Digest> {
    let compared = check.evidence.iter().find(|file| file.role == Role::Diff);
    let alone = check.evidence.iter().find(|file| file.role == Role::Image);
    compared.and_then(|file| file.refs.last()).or(alone.map(|file| &file.digest)).copied()
}
