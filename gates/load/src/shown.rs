//! Charts and tables for people: kept as evidence of a run, or drawn on a page.

use gate_core::evidence::{ExchangeEvidence, SeriesEvidence, TableEvidence};
use gate_core::{Context, Error, Evidence};
use maud::{Markup, html};

/// What people look at, with a label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) label: String,
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    Series(SeriesEvidence),
    Table(TableEvidence),
    Exchange(Box<ExchangeEvidence>),
}

impl Shown {
    pub(crate) fn series(label: &str, series: SeriesEvidence) -> Shown {
        Shown { label: label.to_owned(), what: What::Series(series) }
    }

    pub(crate) fn table(label: &str, table: TableEvidence) -> Shown {
        Shown { label: label.to_owned(), what: What::Table(table) }
    }

    /// Keeps it.
    pub(crate) fn keep(&self, cx: &Context) -> Result<Evidence, Error> {
        match &self.what {
            What::Series(series) => cx.keep_structured(&self.label, series),
            What::Table(table) => cx.keep_structured(&self.label, table),
            What::Exchange(exchange) => cx.keep_structured(&self.label, &**exchange),
        }
    }

    /// Draws it as the pages of a run do.
    pub(crate) fn drawn(&self) -> Markup {
        let (kind, drawn) = match &self.what {
            What::Series(series) => ("series", gate_pages::chart(series)),
            What::Table(table) => ("table", gate_pages::table(table)),
            What::Exchange(exchange) => ("exchange", gate_pages::exchange(exchange)),
        };
        html! {
            figure class={ "evidence " (kind) } {
                figcaption { (self.label) }
                (drawn)
            }
        }
    }
}

/// Keeps all of them.
pub(crate) fn keep(all: &[Shown], cx: &Context) -> Result<Vec<Evidence>, Error> {
    all.iter().map(|one| one.keep(cx)).collect()
}
