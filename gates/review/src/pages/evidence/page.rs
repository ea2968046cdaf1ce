//! A page of blocks, as a gate or a tool wrote it.

use gate_core::evidence::{Block, Page};
use gate_runs::clean;
use maud::{Markup, html};

use super::{chart, table};

pub(super) fn page(page: &Page) -> Markup {
    html! {
        article.page {
            h3 { (clean::line(&page.title)) }
            @for block in &page.blocks { (self::block(block)) }
        }
    }
}

fn block(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Heading(text) => h4 { (clean::line(text)) },
            Block::Text(text) => p { (clean::lines(text)) },
            Block::List(points) => ul { @for point in points { li { (clean::line(point)) } } },
            Block::Table(rows) => (table::table(rows)),
            Block::Series(series) => (chart::chart(series)),
            Block::Intervals { unit, intervals } => (chart::intervals(unit, intervals)),
            Block::Form { tool, .. } => p.note { "Ask again with the tool “" (clean::line(tool)) "”." },
        }
    }
}
