//! Files as their roles say: what a report can hold, whichever kind of gate wrote it.

mod form;
mod page;

use gate_core::evidence::{ExchangeEvidence, Page, SeriesEvidence, TableEvidence};
use gate_core::{Error, Evidence, Role, Store};
use gate_runs::{clean, words};
use maud::{Markup, html};
use serde::de::DeserializeOwned;

use super::Frame;
use crate::files::Files;

pub(crate) use form::drawn;
pub(crate) use gate_pages::cell;

/// How much of a text is shown in the page, in bytes; all of it is a link away.
const MOST_TEXT: usize = 64 << 10;

/// What a tool has answered.
pub(crate) fn answer(frame: &Frame<'_>, page: &Page) -> Markup {
    page::page(frame, page)
}

/// A file with what it is.
pub(crate) fn evidence(
    frame: &Frame<'_>,
    evidence: &Evidence,
    files: &Files,
    store: &Store,
) -> Markup {
    let Some(kind) = files.kind(&evidence.digest) else { return html! {} };
    let href = frame.file(&evidence.digest, kind);
    // Where the file is part of the page, a script finds it by its digest.
    let part = href.is_none().then(|| evidence.digest.to_string());
    let name = part.as_ref().map(|digest| format!("{}.{}", &digest[..12], kind.extension()));
    let link = |within: &Markup| {
        let href = href.as_deref().unwrap_or("#");
        html! { a href=(href) data-file=[&part] download=[&name] { (within) } }
    };
    let label = clean::line(&evidence.label);
    let shown = match evidence.role {
        Role::Image if kind.is_picture() => html! {
            (link(&html! { img src=[&href] data-file=[&part] alt=(label) loading="lazy"; }))
        },
        // Pictures are compared on a page of their own.
        Role::Image | Role::Diff => html! {},
        Role::Table => read(evidence, store, |table: TableEvidence| gate_pages::table(&table)),
        Role::Series => read(evidence, store, |series: SeriesEvidence| gate_pages::chart(&series)),
        Role::Exchange => {
            read(evidence, store, |exchange: ExchangeEvidence| gate_pages::exchange(&exchange))
        }
        Role::Page if kind == crate::files::Kind::Json => {
            read(evidence, store, |page: Page| page::page(frame, &page))
        }
        Role::Page => html! {
            iframe src=[&href] data-file=[&part] title=(label) sandbox="" loading="lazy" {}
        },
        Role::Log => log(evidence, store),
    };
    html! {
        figure class={ "evidence " (word(evidence.role)) } {
            figcaption { (link(&html! { (label) })) " " span.size { (words::size(evidence.bytes)) } }
            (shown)
        }
    }
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Image => "image",
        Role::Diff => "diff",
        Role::Table => "table",
        Role::Series => "series",
        Role::Exchange => "exchange",
        Role::Log => "log",
        Role::Page => "page",
    }
}

fn read<T: DeserializeOwned>(
    evidence: &Evidence,
    store: &Store,
    show: impl FnOnce(T) -> Markup,
) -> Markup {
    let read = store.get(&evidence.digest).and_then(|bytes| {
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::new(format!("the file cannot be read: {error}")))
    });
    match read {
        Ok(value) => show(value),
        Err(error) => html! { p.broken { (clean::line(&error.to_string())) } },
    }
}

fn log(evidence: &Evidence, store: &Store) -> Markup {
    let bytes = match store.get(&evidence.digest) {
        Ok(bytes) => bytes,
        Err(error) => return html! { p.broken { (clean::line(&error.to_string())) } },
    };
    let text = |bytes: &[u8]| clean::lines(&String::from_utf8_lossy(bytes)).into_owned();
    // How something ended says more than how it began.
    let (first, last) = if bytes.len() > MOST_TEXT {
        (MOST_TEXT / 4, bytes.len() - MOST_TEXT * 3 / 4)
    } else {
        (bytes.len(), bytes.len())
    };
    let (head, tail) = (&bytes[..first], &bytes[last..]);
    let left_out = bytes.len() - head.len() - tail.len();
    html! {
        // It scrolls, so whoever has no mouse has to be able to come to it.
        pre.log tabindex="0" aria-label=(clean::line(&evidence.label)) {
            (text(head))
            @if left_out > 0 { "\n… " (words::size(left_out as u64)) " left out …\n" (text(tail)) }
        }
    }
}
