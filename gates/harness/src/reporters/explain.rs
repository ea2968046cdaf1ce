//! The long text of `gate explain NAME[/CHECK]`.

use gate_core::{Check, Evidence, GateReport, Proposal, Report, Role};

use super::terminal::approve_command;
use super::words::{self, Measured, counted, duration, symbol};
use super::{Around, Paint, clean};

/// Says what was measured for a gate or one of its checks, against which limit, on what evidence
/// it rests and what to do. None when the report has no such gate or check.
pub fn explain(
    report: &Report,
    name: &str,
    check: Option<&str>,
    around: &Around,
) -> Option<String> {
    let gate = report.gates.iter().find(|gate| gate.name == name)?;
    let checks: Vec<_> = match check {
        None => gate.checks.iter().collect(),
        Some(id) => vec![gate.checks.iter().find(|check| check.id == id)?],
    };
    let mut page = Page::new(around);
    head(&mut page, gate);
    for one in &checks {
        explain_check(&mut page, gate, one, around);
    }
    if checks.is_empty() {
        page.gap();
        page.text("  ", "The gate has no checks, so nothing is known.");
    }
    if check.is_none() && !gate.evidence.is_empty() {
        page.gap();
        gate.evidence.iter().for_each(|file| evidence(&mut page, file, around));
    }
    let wanted = |proposal: &&Proposal| check.is_none_or(|id| proposal.check == id);
    for proposal in gate.proposals.iter().filter(wanted) {
        explain_proposal(&mut page, report, proposal);
    }
    Some(page.finish())
}

fn head(page: &mut Page, gate: &GateReport) {
    let paint = page.paint;
    let name = paint.bold(&clean::line(&gate.name));
    page.raw(&format!("{name} ({})", clean::line(&gate.kind)));
    let mut verdict = paint.verdict(Some(gate.counts_as), gate.verdict.word());
    if gate.verdict != gate.counts_as {
        put!(verdict, ", counts as {} because the gate is not required", gate.counts_as);
    }
    page.raw(&format!("  {:<10} {verdict}", "verdict"));
    page.field("took", &duration(gate.duration_ms));
    page.raw(&format!("  {:<10} {}:{}", "spec", clean::line(&gate.spec.path), gate.spec.line));
    for (index, attempt) in gate.attempts.iter().enumerate() {
        page.field(&format!("attempt {}", index + 1), &words::attempt(attempt));
    }
}

fn explain_check(page: &mut Page, gate: &GateReport, check: &Check, around: &Around) {
    let verdict = check.verdict;
    let word = page
        .paint
        .verdict(Some(counted(gate, check)), &format!("{} {verdict}", symbol(Some(verdict))));
    page.gap();
    page.raw(&format!("{word}  {}", clean::line(&check.id)));
    page.field("looked at", &clean::line(&check.title));
    page.field("happened", &clean::lines(&check.message));
    for metric in &check.metrics {
        let measured = Measured::of(metric);
        let held = match (measured.limit.as_str(), measured.holds) {
            ("", _) => "no limit".to_owned(),
            (limit, true) => format!("limit {limit}"),
            (limit, false) => format!("limit {limit}: beyond it"),
        };
        let name = clean::line(&metric.name);
        page.field("measured", &format!("{name} {} ({held})", measured.value));
    }
    if let Some(at) = &check.location {
        let column = at.column.map_or(String::new(), |column| format!(":{column}"));
        page.raw(&format!("  {:<10} {}:{}{column}", "place", clean::line(&at.file), at.line));
    }
    check.evidence.iter().for_each(|file| evidence(page, file, around));
    if let Some(advice) = &check.advice {
        page.field("to do", &clean::lines(advice));
    }
}

fn evidence(page: &mut Page, file: &Evidence, around: &Around) {
    page.field("evidence", &format!("{}: {}", role(file.role), words::evidence(file)));
    page.raw(&format!("{}{}", Page::INDENT, around.path_of(&file.digest)));
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Image => "picture",
        Role::Diff => "comparison",
        Role::Table => "table",
        Role::Series => "series",
        Role::Exchange => "exchange",
        Role::Log => "log",
        Role::Page => "page",
    }
}

fn explain_proposal(page: &mut Page, report: &Report, proposal: &Proposal) {
    page.gap();
    let id = clean::line(&proposal.id);
    page.raw(&format!("proposal {id}"));
    page.field("would", &clean::line(&proposal.title));
    if !proposal.reason.is_empty() {
        page.field("because", &clean::lines(&proposal.reason));
    }
    for change in &proposal.changes {
        let what = match (&change.expected, &change.candidate) {
            (None, _) => "adds",
            (_, None) => "removes",
            _ => "replaces",
        };
        page.field(what, &clean::line(&change.path));
    }
    if let Some(accepts) = &proposal.accepts {
        let parts =
            [&accepts.page, &accepts.viewport, &accepts.browser].map(|part| clean::line(part));
        page.field("accepts", &format!("the difference of {}", parts.join(", ")));
    }
    // Not wrapped: the command is there to be copied.
    let command = approve_command(report, &clean::shell_word(&id));
    page.raw(&format!("  {:<10} {command}", "if wanted"));
}

/// Lines of `name value`, the value wrapped beside its name.
struct Page {
    out: String,
    columns: usize,
    paint: Paint,
}

impl Page {
    const INDENT: &str = "             ";

    fn new(around: &Around) -> Page {
        Page { out: String::new(), columns: around.columns(), paint: Paint { on: around.colour } }
    }

    fn raw(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn gap(&mut self) {
        self.out.push('\n');
    }

    fn text(&mut self, indent: &str, text: &str) {
        for line in clean::wrap(text, self.columns - indent.len()) {
            self.raw(&format!("{indent}{line}"));
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        let room = self.columns - Page::INDENT.len();
        let mut lines = clean::wrap(value, room).into_iter();
        let first = lines.next().unwrap_or_default();
        self.raw(&format!("  {name:<10} {first}"));
        for line in lines {
            self.raw(&format!("{}{line}", Page::INDENT));
        }
    }

    fn finish(self) -> String {
        self.out
    }
}
