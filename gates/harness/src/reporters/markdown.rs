//! A page for a job summary or a pull request: the verdict, a table of the gates, and whatever
//! blocks in full.

use gate_core::{Check, GateReport, Proposal, Report, Verdict};

use super::markdown_text::{command, fenced, inline};
use super::terminal::approve_command;
use super::words::{
    self, Measured, count, duration, explain_target, headline, run_time, shard, symbol,
    what_happened, worst_first,
};
use super::{Around, clean};

/// GitHub drops a whole job summary of more than 1,024 KB, those of other steps included.
const MOST: usize = 900_000;
/// What the table may take, so that there is room for the details.
const TABLE: usize = 300_000;
/// What is left for the note about what is missing.
const NOTE: usize = 20_000;

const NAME: usize = 120;
const CELL: usize = 300;
const TEXT: usize = 4_000;
/// Of how many numbers, files or paths one detail tells.
const ITEMS: usize = 50;

pub(super) fn render(report: &Report, around: &Around) -> String {
    let mut page = Page { out: head(report), missing: Vec::new() };
    let gates = worst_first(report);
    if !gates.is_empty() {
        page.out += "| | Gate | Verdict | Checks | Time | What happened |\n";
        page.out += "|---|---|---|---:|---:|---|\n";
        page.list("gate", TABLE, gates.iter().map(|gate| row(gate)));
    }
    page.list(
        "skipped gate",
        TABLE,
        report.skipped.iter().map(|skipped| {
            let (gate, reason) = (inline(&skipped.gate, NAME), inline(&skipped.reason, CELL));
            format!("\nSkipped: **{gate}**: {reason}\n")
        }),
    );
    let proposals: Vec<_> = report.gates.iter().flat_map(|gate| &gate.proposals).collect();
    // Proposals come after the details but are short: some room is kept for them.
    let room = MOST - NOTE - if proposals.is_empty() { 0 } else { TABLE };
    let blocking = |gate: &GateReport| gate.counts_as.blocks();
    page.section(
        "What blocks",
        "check that blocks",
        room,
        details(&gates, |gate, check| blocking(gate) && check.verdict.blocks()),
    );
    page.section(
        "What deserves a look",
        "warning",
        room,
        details(&gates, |gate, check| {
            check.verdict > Verdict::Pass && !(blocking(gate) && check.verdict.blocks())
        }),
    );
    page.section(
        "Proposals",
        "proposal",
        MOST - NOTE,
        proposals.iter().map(|proposal| propose(report, proposal)),
    );
    page.finish(report, around)
}

fn head(report: &Report) -> String {
    let mark = symbol(report.verdict);
    let mut out = format!("## {mark} {}\n\n", inline(&headline(report), CELL));
    put!(out, "run {}", inline(&report.run, NAME));
    let selection = &report.selection;
    for (what, value) in [
        ("environment", &selection.env),
        ("promotion", &selection.promotion),
        ("address", &selection.url),
    ] {
        if let Some(value) = value {
            put!(out, " · {what} {}", inline(value, NAME));
        }
    }
    put!(out, " · {} · gate {}\n\n", run_time(report), inline(&report.gate_version, NAME));
    if let Some(part) = shard(report).filter(|_| !report.complete) {
        put!(out, "This is {}: run `gate merge` for the verdict.\n\n", inline(&part, NAME));
    }
    for note in report.notes.iter().take(ITEMS) {
        put!(out, "Note: {}\n\n", inline(note, CELL));
    }
    out
}

fn row(gate: &GateReport) -> String {
    let verdict = gate.counts_as;
    format!(
        "| {} | {} | {verdict} | {} | {} | {} |\n",
        symbol(Some(verdict)),
        inline(&gate.name, NAME),
        gate.checks.len(),
        duration(gate.duration_ms),
        inline(&what_happened(gate), CELL),
    )
}

/// The details of the checks that are wanted, gate by gate.
fn details<'a>(
    gates: &'a [&'a GateReport],
    wanted: impl Fn(&GateReport, &Check) -> bool + Copy + 'a,
) -> impl Iterator<Item = String> + 'a {
    gates.iter().flat_map(move |gate| {
        let checks = gate.checks.iter().filter(move |check| wanted(gate, check));
        checks.map(|check| detail(gate, check))
    })
}

fn detail(gate: &GateReport, check: &Check) -> String {
    let verdict = check.verdict;
    let (name, title) = (inline(&gate.name, NAME), inline(&check.title, NAME));
    let symbol = symbol(Some(verdict));
    let aside = if gate.counts_as < verdict { " (not required)" } else { "" };
    let mut out = format!("#### {symbol} {verdict}{aside}: {name}: {title}\n\n");
    out += &fenced(&check.message, TEXT);
    if !check.metrics.is_empty() {
        out += "\n| Measured | Value | Limit | |\n|---|---:|---:|---|\n";
    }
    for metric in check.metrics.iter().take(ITEMS) {
        let measured = Measured::of(metric);
        put!(
            out,
            "| {} | {} | {} | {} |\n",
            inline(&metric.name, NAME),
            inline(&measured.value, NAME),
            inline(&measured.limit, NAME),
            if measured.holds { "" } else { "beyond the limit" },
        );
    }
    if let Some(advice) = &check.advice {
        put!(out, "\nWhat to do:\n\n{}", fenced(advice, TEXT));
    }
    let evidence: Vec<_> = check.evidence.iter().take(ITEMS).collect();
    if !evidence.is_empty() {
        out += "\nEvidence:\n\n";
    }
    for file in evidence {
        let digest = file.digest.short();
        put!(out, "- {}, `{digest}`\n", inline(&words::evidence(file), CELL));
    }
    match explain_target(gate, Some(check)) {
        Some(target) => out + "\n" + &command(&format!("gate explain {target}")) + "\n",
        None => out + "\n",
    }
}

fn propose(report: &Report, proposal: &Proposal) -> String {
    let mut out = format!("- **{}**", inline(&proposal.title, NAME));
    put!(out, " (gate {})", inline(&proposal.gate, NAME));
    if !proposal.reason.is_empty() {
        put!(out, ", because {}", inline(&proposal.reason, CELL));
    }
    out.push('\n');
    for change in proposal.changes.iter().take(ITEMS) {
        put!(out, "  - changes {}\n", inline(&change.path, CELL));
    }
    if proposal.changes.len() > ITEMS {
        put!(out, "  - and {} more files\n", proposal.changes.len() - ITEMS);
    }
    let id = clean::line(&proposal.id);
    let approve = command(&approve_command(report, &clean::shell_word(&id)));
    out.push('\n');
    for line in approve.lines() {
        put!(out, "  {line}\n");
    }
    out + "\n"
}

/// A page that stays under [`MOST`] bytes and says what it leaves out.
struct Page {
    out: String,
    missing: Vec<String>,
}

impl Page {
    /// Adds the items that fit below `room` bytes; the rest is counted.
    fn list(&mut self, what: &str, room: usize, items: impl Iterator<Item = String>) {
        let mut left_out = 0;
        for item in items {
            // Once one is left out, so are all behind it: the most important come first.
            if left_out > 0 || self.out.len() + item.len() > room {
                left_out += 1;
            } else {
                self.out += &item;
            }
        }
        if left_out > 0 {
            self.missing.push(count(left_out, what));
        }
    }

    fn section(
        &mut self,
        title: &str,
        what: &str,
        room: usize,
        items: impl Iterator<Item = String>,
    ) {
        let mut items = items.peekable();
        if items.peek().is_none() {
            return;
        }
        put!(self.out, "\n### {title}\n\n");
        self.list(what, room, items);
    }

    fn finish(mut self, report: &Report, around: &Around) -> String {
        if !self.missing.is_empty() {
            let missing = self.missing.join(", ");
            put!(self.out, "\n_Left out here for want of room: {missing}._\n");
        }
        let at_all = report.gates.iter().flat_map(|gate| &gate.proposals).nth(1).is_some();
        if at_all {
            let all = approve_command(report, "--all");
            put!(self.out, "\nTo approve all of them:\n\n{}", command(&all));
        }
        self.out += "\nThe whole report:\n\n";
        self.out += &command(&clean::shorten(&around.report_path(), TEXT));
        self.out
    }
}
