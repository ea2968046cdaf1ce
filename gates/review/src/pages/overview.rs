//! What the run came to, what blocks, and what to do next.

use gate_core::{GateReport, Report};
use gate_pages::{moment, prose, verdict};
use gate_runs::clean;
use gate_runs::words::{
    count, duration, headline, run_time, what_happened, worst_check, worst_first,
};
use maud::{Markup, html};

use super::Frame;
use super::trend;
use crate::history::History;

pub(crate) fn overview(frame: &Frame<'_>, history: &History) -> Markup {
    let report = frame.report;
    let gates = worst_first(report);
    let proposals: usize = report.gates.iter().map(|gate| gate.proposals.len()).sum();
    let main = html! {
        main #main {
            h1 { (verdict(report.verdict)) " " (headline(report)) }
            p.facts { (facts(report)) " · ended " (moment(report.finished)) }
            @if proposals > 0 {
                p { a.button href=(frame.link("review.html")) { "Look and decide" } " " (count(proposals, "proposal")) " to decide on." }
            }
            @if !report.notes.is_empty() {
                ul.notes { @for note in &report.notes { li { (prose(note)) } } }
            }
            (table(frame, &gates, history))
            (past(history))
            @if !report.skipped.is_empty() {
                h2 { "Skipped" }
                ul { @for one in &report.skipped { li { (clean::line(&one.gate)) ": " (clean::line(&one.reason)) } } }
            }
        }
    };
    frame.page("Overview", "index.html", &main)
}

fn facts(report: &Report) -> String {
    let selection = &report.selection;
    let mut facts = vec![count(report.gates.len(), "gate"), format!("took {}", run_time(report))];
    for (what, value) in [
        ("environment", &selection.env),
        ("promotion", &selection.promotion),
        ("address", &selection.url),
        ("part", &selection.shard),
    ] {
        if let Some(value) = value {
            facts.push(format!("{what} {}", clean::line(value)));
        }
    }
    facts.join(" · ")
}

fn table(frame: &Frame<'_>, gates: &[&GateReport], history: &History) -> Markup {
    html! {
        table.gates {
            caption { "Gates, what blocks first" }
            thead {
                tr {
                    th scope="col" { "Verdict" }
                    th scope="col" { "Gate" }
                    th scope="col" { "What happened" }
                    th scope="col" { "What to do" }
                    th scope="col" { "Earlier runs" }
                    th scope="col" { "Took" }
                }
            }
            tbody {
                @for gate in gates {
                    tr {
                        td { (verdict(Some(gate.counts_as))) }
                        th scope="row" { a href=(frame.link(&address(frame.report, gate))) { (clean::line(&gate.name)) } }
                        td { (prose(&what_happened(gate))) }
                        td { (prose(advice(gate))) }
                        td { (earlier(&gate.name, history)) }
                        td.number { (duration(gate.duration_ms)) }
                    }
                }
            }
        }
    }
}

/// What became of a gate before, and whether it is to be relied on.
fn earlier(gate: &str, history: &History) -> Markup {
    let flaky = history.flaky(gate);
    html! {
        (trend::verdicts(history.verdicts(gate)))
        @if flaky > 0 {
            span.flaky title="an attempt was repeated and came to something else" {
                " flaky in " (flaky) " of " (count(history.verdicts(gate).len(), "run"))
            }
        }
    }
}

/// The runs before this one that asked for the same, the last ones first.
fn past(history: &History) -> Markup {
    html! {
        @if history.runs.len() > 1 {
            h2 { "Runs" }
            table.runs {
                thead { tr { th scope="col" { "Verdict" } th scope="col" { "Run" } th scope="col" { "Started" } } }
                tbody {
                    @for past in history.runs.iter().rev() {
                        tr {
                            td { (verdict(past.verdict)) @if !past.complete { " (not complete)" } }
                            th scope="row" { (clean::line(&past.run)) }
                            td { (moment(past.started)) }
                        }
                    }
                }
            }
        }
    }
}

/// The page of a gate.
fn address(report: &Report, gate: &GateReport) -> String {
    let at = report.gates.iter().position(|other| std::ptr::eq(other, gate)).unwrap_or(0);
    super::gate::name(at, 0)
}

fn advice(gate: &GateReport) -> &str {
    worst_check(gate)
        .filter(|check| check.verdict.blocks())
        .and_then(|check| check.advice.as_deref())
        .unwrap_or_default()
}
