//! Annotations for GitHub Actions. A step may have ten; the server drops more without a word, so
//! the rest is counted in one notice.

use gate_core::{Check, ExitCode, GateReport, Report, Verdict};

use super::clean;
use super::words::{counted, headline, shard};

const MOST: usize = 10;
/// An annotation is shown beside a line of code; what is longer belongs in the summary.
const MESSAGE: usize = 1_000;
const TITLE: usize = 120;

pub(super) fn render(report: &Report) -> String {
    let mut found: Vec<_> = report.gates.iter().flat_map(annotations).collect();
    // Stable: within a verdict the report's order stays.
    found.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    let red = found.first().is_some_and(|(verdict, _)| verdict.blocks());
    if report.exit_code != ExitCode::PROMOTE && !red {
        let line = command("error", "title=gate", &headline(report));
        found.insert(0, (Verdict::Inconclusive, line));
    } else if found.is_empty() && report.verdict.is_none() && shard(report).is_some() {
        found.push((Verdict::Pass, command("notice", "title=gate", &headline(report))));
    }
    let mut out: String = found.iter().take(MOST).map(|(_, line)| line.as_str()).collect();
    if let Some(more) = found.len().checked_sub(MOST).filter(|more| *more > 0) {
        put!(out, "::notice::{more} more in the report\n");
    }
    out
}

fn annotations(gate: &GateReport) -> Vec<(Verdict, String)> {
    if gate.checks.is_empty() {
        let verdict = gate.counts_as;
        let line = annotation(gate, None, verdict, "the gate has no checks, so nothing is known");
        return vec![(verdict, line)];
    }
    let worth = gate.checks.iter().filter(|check| check.verdict > Verdict::Pass);
    worth
        .map(|check| {
            let verdict = counted(gate, check);
            let message = match &check.advice {
                Some(advice) => format!("{}\n{advice}", clean::shorten(&check.message, MESSAGE)),
                None => check.message.clone(),
            };
            (verdict, annotation(gate, Some(check), verdict, &message))
        })
        .collect()
}

fn annotation(gate: &GateReport, check: Option<&Check>, verdict: Verdict, message: &str) -> String {
    let level = if verdict.blocks() { "error" } else { "warning" };
    let place = check.and_then(|check| check.location.as_ref());
    let (file, line) =
        place.map_or((&gate.spec.path, gate.spec.line), |place| (&place.file, place.line));
    let column = place.and_then(|place| place.column);
    let column = column.map_or(String::new(), |column| format!(",col={column}"));
    let title = match check {
        Some(check) => format!("{}: {}", clean::line(&gate.name), clean::line(&check.title)),
        None => clean::line(&gate.name).into_owned(),
    };
    let title = property(&clean::cut(&title, TITLE));
    let properties = format!("file={},line={line}{column},title={title}", property(file));
    let what = match check.map(|check| check.verdict) {
        Some(Verdict::Inconclusive) | None => "could not be measured: ",
        _ => "",
    };
    command(level, &properties, &format!("{what}{message}"))
}

/// One command on a line of its own. The message cannot start another one: its line ends are
/// escaped, and no line of it starts with `::`.
fn command(level: &str, properties: &str, message: &str) -> String {
    let message = clean::shorten(message, 2 * MESSAGE);
    format!("::{level} {properties}::{}\n", data(&clean::lines(&message)))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&clean::line(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_message_or_a_property() {
        assert_eq!(
            command("error", "title=x", "100%\r\n::error::forged\n  ::stop-commands::x"),
            "::error title=x::100%25%0A\\u{3a}:error::forged%0A  \\u{3a}:stop-commands::x\n",
        );
        assert_eq!(property("a,b::c=d\n"), "a%2Cb%3A%3Ac=d");
    }
}
