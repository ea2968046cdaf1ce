//! The tools that kinds bring: a list, and a page for each with its form.

use gate_core::OfferedTool;
use gate_runs::clean;
use maud::{Markup, html};

use super::Frame;
use super::evidence::drawn;
use crate::tools::Form;

/// The tool that a page's name says: `tool-sample-size.html`.
pub(crate) fn named(name: &str) -> Option<&str> {
    name.strip_prefix("tool-")?.strip_suffix(".html")
}

/// The name of such a page.
pub(crate) fn name(id: &str) -> String {
    format!("tool-{id}.html")
}

pub(crate) fn list(frame: &Frame<'_>) -> Markup {
    let offered = frame.tools().map_or(&[][..], |tools| tools.all());
    let main = html! {
        main #main {
            h1 { "Tools" }
            p.facts { "Questions to the kinds of gates, outside of any run. Nothing of them is kept." }
            ul.offered {
                @for OfferedTool { kind, tool } in offered {
                    li { a href=(name(tool.id)) { (clean::line(tool.title)) } span.note { " " (clean::line(kind)) } }
                }
            }
            @if offered.is_empty() { p { "No kind of this gate brings a tool." } }
        }
    };
    frame.page("Tools", "tools.html", &main)
}

pub(crate) fn tool(frame: &Frame<'_>, offered: &OfferedTool) -> Markup {
    let tool = &offered.tool;
    let main = html! {
        main #main {
            h1 { (clean::line(tool.title)) }
            p.facts { (clean::line(&offered.kind)) " · in a terminal: " code { "gate tool " (tool.id) } }
            (drawn(tool.id, &Form::of(&(tool.input)())))
        }
    };
    frame.page(tool.title, &name(tool.id), &main)
}
