//! The summary at the end of a run: one screen that says what came of it and what to do next.

use gate_core::{GateReport, Report, Verdict};

use super::words::{
    count, duration, explain_target, headline, run_time, shard, symbol, what_happened, worst_check,
    worst_first,
};
use super::{Around, Paint, clean};

/// How many lines a screen has; the prompt that follows takes one more.
const SCREEN: usize = 24;
/// How many lines the verdict's sentence and the list of notes may take each.
const FEW: usize = 2;
/// Columns of the verdict: a symbol, a space and the longest word.
const VERDICT: usize = 14;
/// Columns of a name at most.
const NAME: usize = 24;

pub(super) fn render(report: &Report, around: &Around) -> String {
    let paint = Paint { on: around.colour };
    let columns = around.columns();
    let head = clean::cut(&head(report), columns).into_owned();
    let tail = tail(report, around, paint);
    let room = SCREEN - 1 - tail.len();

    let mut out = vec![paint.dim(&head)];
    out.extend(gates(report, room, columns, paint));
    out.extend(tail);
    out.join("\n") + "\n"
}

fn head(report: &Report) -> String {
    let mut out = format!("gate {}", clean::line(&report.run));
    let selection = &report.selection;
    for (what, value) in [("env", &selection.env), ("promotion", &selection.promotion)] {
        if let Some(value) = value {
            put!(out, ", {what} {}", clean::line(value));
        }
    }
    out + &format!(", {} in {}", count(report.gates.len(), "gate"), run_time(report))
}

/// One line a gate, worst first; when they do not fit, the last line tells how to see the rest.
fn gates(report: &Report, room: usize, columns: usize, paint: Paint) -> Vec<String> {
    let gates = worst_first(report);
    let shown = if gates.len() <= room { gates.len() } else { room - 1 };
    let (shown, rest) = gates.split_at(shown);
    let widest = |text: fn(&GateReport) -> String| {
        shown.iter().map(|gate| clean::width(&text(gate))).max().unwrap_or(0)
    };
    let name = widest(|gate| clean::line(&gate.name).into_owned()).min(NAME);
    let time = widest(|gate| duration(gate.duration_ms));
    // A narrow window keeps room for what happened.
    let name = name.min(columns.saturating_sub(VERDICT + time) / 2);
    let row = |gate: &&GateReport| row(gate, [name, time, columns], paint);
    let mut out: Vec<_> = shown.iter().map(row).collect();
    if let Some(first) = rest.first() {
        let example = explain_target(first, None).unwrap_or("NAME".to_owned());
        let line = format!("and {} more: gate explain {example}", rest.len());
        out.push(clean::cut(&line, columns).into_owned());
    }
    out
}

fn row(gate: &GateReport, [name, time, columns]: [usize; 3], paint: Paint) -> String {
    let verdict = format!("{} {}", symbol(Some(gate.counts_as)), gate.counts_as);
    let verdict = paint.verdict(Some(gate.counts_as), &pad(&verdict, VERDICT));
    let title = pad(&clean::cut(&clean::line(&gate.name), name), name);
    let room = columns.saturating_sub(VERDICT + name + time + 3);
    let took = duration(gate.duration_ms);
    let what = what_happened(gate);
    format!("{verdict} {title} {took:>time$} {}", clean::cut(&what, room)).trim_end().to_owned()
}

fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(clean::width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Everything below the gates.
fn tail(report: &Report, around: &Around, paint: Paint) -> Vec<String> {
    let columns = around.columns();
    let mut out = vec![String::new()];
    let sentence = clean::wrap(&headline(report), columns);
    out.extend(few(sentence, "lines").iter().map(|line| {
        let line = clean::cut(line, columns);
        paint.bold(&paint.verdict(report.verdict, &line))
    }));
    let notes: Vec<_> = report.notes.iter().map(|note| clean::line(note).into_owned()).collect();
    let notes = few(notes, "notes in the report");
    out.extend(notes.iter().map(|note| clean::cut(&format!("note: {note}"), columns).into_owned()));
    if let Some(first) = report.skipped.first() {
        let (gate, reason) = (clean::line(&first.gate), clean::line(&first.reason));
        let more = match report.skipped.len() {
            1 => String::new(),
            all => format!(" (and {} more)", all - 1),
        };
        let line = format!("skipped{more}: {gate}: {reason}");
        out.push(clean::cut(&line, columns).into_owned());
    }
    out.push(String::new());
    out.extend(next(report, around, paint));
    if let Some(part) = shard(report).filter(|_| !report.complete) {
        out.push(format!("{part}: run gate merge"));
    }
    out
}

/// The first lines of a list, and how many are missing.
fn few(mut list: Vec<String>, what: &str) -> Vec<String> {
    let all = list.len();
    if all > FEW {
        list.truncate(FEW - 1);
        list.push(format!("and {} more {what}", all - list.len()));
    }
    list
}

/// What to do next. Commands and paths are never shortened: they are there to be copied.
fn next(report: &Report, around: &Around, paint: Paint) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |what: &str, how: &str| out.push(format!("{} {how}", paint.dim(&pad(what, 9))));
    let mut worst = worst_first(report).into_iter().filter(|gate| gate.counts_as > Verdict::Pass);
    if let Some(target) = worst.find_map(|gate| explain_target(gate, worst_check(gate))) {
        say("why", &format!("gate explain {target}"));
    }
    let proposals: Vec<_> = report.gates.iter().flat_map(|gate| &gate.proposals).collect();
    match proposals.as_slice() {
        [] => {}
        [one] => {
            let id = clean::line(&one.id);
            say("if wanted", &approve_command(report, &clean::shell_word(&id)));
        }
        many => {
            let all = approve_command(report, "--all");
            say("if wanted", &format!("{all}   ({})", count(many.len(), "proposal")));
        }
    }
    say("report", &around.report_path());
    out
}

/// `gate approve RUN WHAT --reason ...`.
pub(super) fn approve_command(report: &Report, what: &str) -> String {
    let run = clean::line(&report.run);
    format!("gate approve {} {what} --reason \"WHY\"", clean::shell_word(&run))
}
