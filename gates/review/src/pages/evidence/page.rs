//! A page of blocks, as a gate or a tool wrote it.

use gate_core::evidence::{Block, Page};
use gate_runs::clean;
use maud::{Markup, html};

use super::form;
use crate::pages::Frame;

pub(super) fn page(frame: &Frame<'_>, page: &Page) -> Markup {
    html! {
        article.page {
            h3 { (clean::line(&page.title)) }
            @for block in &page.blocks { (self::block(frame, block)) }
        }
    }
}

fn block(frame: &Frame<'_>, block: &Block) -> Markup {
    html! {
        @match block {
            Block::Heading(text) => h4 { (clean::line(text)) },
            Block::Text(text) => p { (clean::lines(text)) },
            Block::List(points) => ul { @for point in points { li { (clean::line(point)) } } },
            Block::Table(rows) => (gate_pages::table(rows)),
            Block::Series(series) => (gate_pages::chart(series)),
            Block::Intervals { unit, intervals } => (gate_pages::intervals(unit, intervals)),
            Block::Form { tool, fields } => (form::asked(frame, tool, fields)),
        }
    }
}
