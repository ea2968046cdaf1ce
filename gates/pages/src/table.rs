//! Rows and columns.

use gate_core::evidence::{Align, TableEvidence};
use gate_runs::clean;
use maud::{Markup, html};
use serde_json::Value;

/// How many rows are shown.
const MOST_ROWS: usize = 1000;

/// A table; of a long one the first rows.
pub fn table(table: &TableEvidence) -> Markup {
    let left_out = table.rows.len().saturating_sub(MOST_ROWS);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table" {
            table {
                thead {
                    tr {
                        @for column in &table.columns {
                            th scope="col" class=[side(column.align)] {
                                (clean::line(&column.name))
                                @if let Some(unit) = &column.unit { span.unit { " " (clean::line(unit)) } }
                            }
                        }
                    }
                }
                tbody {
                    @for row in table.rows.iter().take(MOST_ROWS) {
                        tr {
                            @for (column, cell) in table.columns.iter().zip(row) {
                                td class=[side(column.align)] { (text(cell)) }
                            }
                        }
                    }
                }
            }
        }
        @if left_out > 0 { p.note { (left_out) " more rows are in the file" } }
        @if let Some(note) = &table.note { p.note { (clean::line(note)) } }
    }
}

fn side(align: Align) -> Option<&'static str> {
    (align == Align::Right).then_some("number")
}

/// A cell in words.
pub fn text(cell: &Value) -> String {
    match cell {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => clean::line(text).into_owned(),
        other => clean::line(&other.to_string()).into_owned(),
    }
}
