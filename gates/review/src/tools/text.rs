//! A page, and a tool's questions, as text for a terminal.

use std::fmt::Write;

use gate_core::evidence::{Align, Block, Interval, Page, SeriesEvidence, TableEvidence};
use gate_core::{OfferedTool, Problem};
use gate_runs::clean;
use serde_json::Value;

use super::form::{Field, Form, shown, worded};

const COLUMNS: usize = 100;

/// All tools, a line each.
pub(super) fn list(offered: &[OfferedTool]) -> String {
    if offered.is_empty() {
        return "no kind of this binary brings a tool\n".to_owned();
    }
    let width = offered.iter().map(|offered| offered.tool.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for OfferedTool { kind, tool } in offered {
        let _ = writeln!(text, "{:width$}  {} ({kind})", tool.id, clean::line(tool.title));
    }
    text.push_str("\n`gate tool ID` says what a tool asks for.\n");
    text
}

/// What a tool asks for, and how to answer.
pub(super) fn questions(offered: &OfferedTool) -> String {
    let form = Form::of(&(offered.tool.input)());
    let mut text = format!("{}\n\n", clean::line(offered.tool.title));
    for field in &form.fields {
        let name = clean::line(&field.name);
        let needed = match (&field.value, field.is_needed) {
            (Some(value), _) => format!(" [default: {}]", clean::line(&shown(value))),
            (None, true) => " (needed)".to_owned(),
            (None, false) => String::new(),
        };
        let _ = writeln!(text, "{name}: {}{needed}", clean::line(&field.control.wanted()));
        let title = (field.label != worded(&field.name)).then_some(&field.label);
        field.about.iter().chain(title).for_each(|about| indented(&mut text, about));
    }
    let needed = form.fields.iter().filter(|field| field.is_needed || field.value.is_some());
    let answer = |field: &Field| field.value.clone().unwrap_or_else(|| field.control.example());
    let example: serde_json::Map<String, Value> =
        needed.map(|field| (field.name.clone(), answer(field))).collect();
    let example = Value::Object(example).to_string();
    let input = clean::shell_word(&example).into_owned();
    let _ = writeln!(text, "\ngate tool {} --input {input}", offered.tool.id);
    text
}

/// Problems of an input, each with its field and its hint.
pub(super) fn problems(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let at = if problem.path.is_empty() { "input".to_owned() } else { problem.path.join(".") };
        let _ = writeln!(text, "gate: {}: {}", clean::line(&at), clean::line(&problem.message));
        if let Some(hint) = &problem.hint {
            let _ = writeln!(text, "  hint: {}", clean::line(hint));
        }
    }
    text
}

/// A page, from top to bottom.
pub(super) fn page(page: &Page) -> String {
    let mut text = format!("{}\n", clean::line(&page.title));
    for block in &page.blocks {
        text.push('\n');
        self::block(&mut text, block);
    }
    text
}

fn block(text: &mut String, block: &Block) {
    match block {
        Block::Heading(heading) => {
            let _ = writeln!(text, "# {}", clean::line(heading));
        }
        Block::Text(words) => {
            for line in clean::wrap(&clean::lines(words), COLUMNS) {
                let _ = writeln!(text, "{line}");
            }
        }
        Block::List(points) => {
            for point in points {
                let _ = writeln!(text, "- {}", clean::line(point));
            }
        }
        Block::Table(rows) => table(text, rows),
        Block::Series(lines) => series(text, lines),
        Block::Intervals { unit, intervals } => {
            for one in intervals {
                interval(text, one, unit);
            }
        }
        Block::Form { tool, .. } => {
            let _ =
                writeln!(text, "Ask again: gate tool {}", clean::shell_word(&clean::line(tool)));
        }
    }
}

fn indented(text: &mut String, words: &str) {
    for line in clean::wrap(&clean::lines(words), COLUMNS - 4) {
        let _ = writeln!(text, "    {line}");
    }
}

fn table(text: &mut String, table: &TableEvidence) {
    let cell = |cell: &Value| crate::pages::cell(cell);
    let heading = |column: &gate_core::evidence::Column| match &column.unit {
        Some(unit) => clean::line(&format!("{} {unit}", column.name)).into_owned(),
        None => clean::line(&column.name).into_owned(),
    };
    let mut rows = vec![table.columns.iter().map(heading).collect::<Vec<_>>()];
    rows.extend(table.rows.iter().map(|row| row.iter().map(cell).collect()));
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| clean::width(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&table.columns).zip(&widths).map(|((cell, column), width)| {
            let gap = " ".repeat(width - clean::width(cell));
            if column.align == Align::Right {
                format!("{gap}{cell}")
            } else {
                format!("{cell}{gap}")
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if let Some(note) = &table.note {
        let _ = writeln!(text, "({})", clean::line(note));
    }
}

/// A chart says more than its ends; these are what fits a line.
fn series(text: &mut String, series: &SeriesEvidence) {
    for line in &series.series {
        let (name, unit) = (clean::line(&line.name), clean::line(&line.unit));
        let (Some([from, first]), Some([to, last])) = (line.points.first(), line.points.last())
        else {
            continue;
        };
        let x = clean::line(&series.x.name);
        let many = gate_runs::words::count(line.points.len(), "point");
        let _ = writeln!(
            text,
            "{name}: {first} {unit} at {x} {from}, {last} {unit} at {x} {to} ({many})"
        );
    }
}

fn interval(text: &mut String, one: &Interval, unit: &str) {
    let (label, unit) = (clean::line(&one.label), clean::line(unit));
    let limit = one.limit.map(|limit| format!("; held against {limit}")).unwrap_or_default();
    let _ = writeln!(
        text,
        "{label}: {} {unit}, between {} and {}{limit}",
        one.middle, one.low, one.high
    );
}
