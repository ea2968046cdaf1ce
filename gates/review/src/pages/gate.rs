//! A gate with its checks, its numbers and its files.

use gate_core::{Check, Metric, Role};
use gate_pages::{metrics, prose, verdict};
use gate_runs::clean;
use gate_runs::words::{self, duration};
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use super::Frame;
use super::evidence::evidence;
use super::trend;
use crate::site::Site;

/// How many checks stand on one page.
const A_PAGE: usize = 100;

/// The gate's place and the part, both from 0, that a page's name says: `gate-3.html`,
/// `gate-3-2.html`.
pub(crate) fn named(name: &str) -> Option<(usize, usize)> {
    let numbers = name.strip_prefix("gate-")?.strip_suffix(".html")?;
    let (gate, part) = numbers.split_once('-').unwrap_or((numbers, "1"));
    let number = |text: &str| {
        let number: usize = text.parse().ok()?;
        // One address for each page.
        (number > 0 && number.to_string() == text).then(|| number - 1)
    };
    let found = (number(gate)?, number(part)?);
    (found.1 == 0 && !numbers.contains('-') || found.1 > 0).then_some(found)
}

/// The name of such a page.
pub(crate) fn name(gate: usize, part: usize) -> String {
    match part {
        0 => format!("gate-{}.html", gate + 1),
        part => format!("gate-{}-{}.html", gate + 1, part + 1),
    }
}

/// The order in which the checks of a gate stand: what blocks first.
fn order(checks: &[Check]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..checks.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(checks[*at].verdict));
    order
}

/// Where each check of a gate stands: its page, and its place there behind a `#`.
pub(crate) fn places(gate: usize, checks: &[Check]) -> Vec<String> {
    let mut places = vec![String::new(); checks.len()];
    for (rank, at) in order(checks).into_iter().enumerate() {
        places[at] = format!("{}#{}", name(gate, rank / A_PAGE), section(at));
    }
    places
}

fn section(at: usize) -> String {
    format!("check-{}", at + 1)
}

/// One page of a gate; none when there is no such page.
pub(crate) fn gate(frame: &Frame<'_>, site: &Site, gate: usize, part: usize) -> Option<Markup> {
    let number = gate;
    let gate = frame.report.gates.get(number)?;
    let parts = gate.checks.len().div_ceil(A_PAGE).max(1);
    if part >= parts {
        return None;
    }
    let shown = order(&gate.checks).into_iter().skip(part * A_PAGE).take(A_PAGE);
    let name = clean::line(&gate.name);
    let main = html! {
        main #main {
            h1 { (verdict(Some(gate.verdict))) " " (name) }
            p.facts {
                (clean::line(&gate.kind)) " · " (clean::line(&gate.spec.path)) ":" (gate.spec.line)
                " · took " (duration(gate.duration_ms))
                @if !gate.required { " · not required: it never blocks" }
            }
            @if gate.attempts.len() > 1 {
                h2 { "Attempts" }
                ol { @for attempt in &gate.attempts { li { (prose(&words::attempt(attempt))) } } }
            }
            @for at in shown { (check(frame, site, &gate.name, at, &gate.checks[at])) }
            @for evidence_file in gate.evidence.iter().filter(|_| part == 0) { (evidence(frame, evidence_file, &site.files, &site.stored.store)) }
            @if parts > 1 {
                nav.parts aria-label="Parts" {
                    @for other in 0..parts {
                        a href=(frame.link(&self::name(number, other))) aria-current=[(other == part).then_some("page")] { (other + 1) }
                    }
                }
            }
        }
    };
    Some(frame.page(&name, &self::name(number, part), &main))
}

fn check(frame: &Frame<'_>, site: &Site, gate: &str, at: usize, check: &Check) -> Markup {
    let item = in_hash(&format!("{gate}/{}", check.id)).to_string();
    let earlier =
        |metric: &Metric| trend::sparkline(site.history.values(gate, &check.id, &metric.name));
    let is_compared = check.evidence.iter().any(|file| file.role == Role::Diff);
    html! {
        section.check id=(section(at)) {
            (gate_pages::check(check))
            (metrics(check, Some(&earlier)))
            @if is_compared {
                p { a href=(frame.link(&format!("review.html#item={item}"))) { "Look at it" } }
            }
            @for evidence_file in &check.evidence { (evidence(frame, evidence_file, &site.files, &site.stored.store)) }
        }
    }
}

/// A text as it stands in the part of an address after the `#`.
fn in_hash(text: &str) -> PercentEncode<'_> {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/');
    utf8_percent_encode(text, KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pages() {
        let check = |name: &str, expect| assert_eq!(named(name), expect, "{name}");
        check("gate-1.html", Some((0, 0)));
        check("gate-12-3.html", Some((11, 2)));
        for wrong in [
            "gate-0.html",
            "gate-01.html",
            "gate-1-1.html",
            "gate-1-0.html",
            "gate-.html",
            "gate-1-2-3.html",
            "gate--1.html",
            "gate-+1.html",
            "x",
            "gate-1",
            "gate-99999999999999999999.html",
        ] {
            check(wrong, None);
        }
    }
}
