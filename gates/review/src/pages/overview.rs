//! What the run came to, what blocks, and what to do next.

use gate_core::{GateReport, Report};
use gate_runs::clean;
use gate_runs::words::{
    count, duration, headline, run_time, what_happened, worst_check, worst_first,
};
use maud::{Markup, html};

use super::Frame;
use super::frame::verdict;

pub(crate) fn overview(frame: &Frame<'_>) -> Markup {
    let report = frame.report;
    let gates = worst_first(report);
    let proposals: usize = report.gates.iter().map(|gate| gate.proposals.len()).sum();
    let main = html! {
        main #main {
            h1 { (verdict(report.verdict)) " " (headline(report)) }
            p.facts { (facts(report)) }
            @if proposals > 0 {
                p { a.button href="review.html" { "Look and decide" } " " (count(proposals, "proposal")) " to decide on." }
            }
            @if !report.notes.is_empty() {
                ul.notes { @for note in &report.notes { li { (clean::line(note)) } } }
            }
            (table(report, &gates))
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
    facts.push(format!("ended {}", report.finished));
    facts.join(" · ")
}

fn table(report: &Report, gates: &[&GateReport]) -> Markup {
    html! {
        table.gates {
            caption { "Gates, what blocks first" }
            thead {
                tr {
                    th scope="col" { "Verdict" }
                    th scope="col" { "Gate" }
                    th scope="col" { "What happened" }
                    th scope="col" { "What to do" }
                    th scope="col" { "Took" }
                }
            }
            tbody {
                @for gate in gates {
                    tr {
                        td { (verdict(Some(gate.counts_as))) }
                        th scope="row" { a href=(address(report, gate)) { (clean::line(&gate.name)) } }
                        td { (what_happened(gate)) }
                        td { (advice(gate)) }
                        td.number { (duration(gate.duration_ms)) }
                    }
                }
            }
        }
    }
}

/// The page of a gate.
fn address(report: &Report, gate: &GateReport) -> String {
    let at = report.gates.iter().position(|other| std::ptr::eq(other, gate)).unwrap_or(0);
    format!("gate-{}.html", at + 1)
}

fn advice(gate: &GateReport) -> String {
    let advice = worst_check(gate)
        .filter(|check| check.verdict.blocks())
        .and_then(|check| check.advice.as_deref());
    advice.map(|advice| clean::line(advice).into_owned()).unwrap_or_default()
}
