//! The pages, as HTML.

mod evidence;
mod frame;
mod gate;
mod overview;
mod review;
mod tools;
mod trend;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use gate_core::Error;
use maud::{DOCTYPE, Markup, html};

use crate::guard::Guard;
use crate::server::{Answered, App, Shared, answer, nowhere};
use crate::site::Site;

pub(crate) use self::gate::places;
#[cfg(test)]
pub(crate) use evidence::drawn;
pub(crate) use evidence::{answer as answer_of, cell};
pub(crate) use frame::{Frame, Shape, data};
pub(crate) use tools::name as tool_page;

const HTML: &str = "text/html; charset=utf-8";

/// All pages of a run as files: their names, and what makes each of them.
pub(crate) fn all<'a>(
    frame: &'a Frame<'a>,
    site: &'a Site,
) -> impl Iterator<Item = (String, String)> + 'a {
    let fixed = [
        ("index.html".to_owned(), overview::overview(frame, &site.history).into_string()),
        ("review.html".to_owned(), review::review(frame).into_string()),
    ];
    let gates = (0..frame.report.gates.len()).flat_map(move |gate| {
        let parts = (0..).map_while(move |part| gate::gate(frame, site, gate, part));
        parts.zip(0..).map(move |(page, part)| (gate::name(gate, part), page.into_string()))
    });
    fixed.into_iter().chain(gates)
}

/// Whether a page of a run could have this name.
pub(crate) fn is_file(name: &str) -> bool {
    matches!(name, "index.html" | "review.html") || gate::named(name).is_some()
}

fn page(markup: Markup) -> Answered {
    answer(HTML, markup.into_string())
}

pub(crate) fn frame(app: &App) -> Frame<'_> {
    let shape = Shape::Served { csrf: app.guard.csrf(), by: &app.by, tools: &app.tools };
    Frame { report: &app.site.report, shape }
}

pub(crate) async fn overview(State(app): Shared) -> Answered {
    page(overview::overview(&frame(&app), &app.site.history))
}

pub(crate) async fn review(State(app): Shared) -> Answered {
    page(review::review(&frame(&app)))
}

pub(crate) async fn tools(State(app): Shared) -> Answered {
    page(tools::list(&frame(&app)))
}

/// `gate-3.html`: the gate at that place of the report, counted from 1; `gate-3-2.html` its second
/// page. `tool-ID.html`: a tool.
pub(crate) async fn named(State(app): Shared, Path(name): Path<String>) -> Answered {
    if let Some(tool) = tools::named(&name).and_then(|id| app.tools.get(id)) {
        return page(tools::tool(&frame(&app), tool));
    }
    let Some((gate, part)) = gate::named(&name) else { return nowhere() };
    let shared: Arc<App> = Arc::clone(&app);
    let made = tokio::task::spawn_blocking(move || {
        gate::gate(&frame(&shared), &shared.site, gate, part).map(Markup::into_string)
    });
    match made.await {
        Ok(Some(text)) => answer(HTML, text),
        _ => nowhere(),
    }
}

/// Sets the cookie and goes on: a page of our own, since the cookie is not sent along when another
/// site has led here.
pub(crate) fn welcome(guard: &Guard) -> Answered {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content="0; url=/";
                title { "gate review" }
            }
            body { a href="/" { "Go on to the review" } }
        }
    };
    let mut answer = page(markup);
    if let Ok(cookie) = HeaderValue::from_str(&guard.set_cookie()) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}

/// That something is not done, in a sentence.
pub(crate) fn refusal(code: StatusCode, why: &str) -> Answered {
    let mut answer = answer("text/plain; charset=utf-8", format!("{why}\n"));
    *answer.status_mut() = code;
    answer
}

/// That something failed, and what to do about it.
pub(crate) fn failure(error: &Error) -> Answered {
    let hint = error.advice().map(|advice| format!("\n{advice}")).unwrap_or_default();
    refusal(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}{hint}"))
}
