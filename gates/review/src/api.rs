//! What the scripts of the pages ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::pages::refusal;
use crate::server::{Answered, App, Shared, answer};
use crate::site::{self, Wish};
use crate::tools::Unanswered;

/// Decisions, as a page asks for them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wishes {
    decisions: Vec<Wish>,
    /// Why; it is kept with each of them.
    reason: String,
    /// Who decides; by default whoever started the server.
    by: Option<String>,
}

/// How long a reason or a name may be, in bytes.
const MOST_TEXT: usize = 4 << 10;

/// All items of the run.
pub(crate) async fn items(State(app): Shared) -> Answered {
    json(&app.site.items)
}

/// What is known of each proposal that is not simply open.
pub(crate) async fn states(State(app): Shared) -> Answered {
    blocking(&app, |app| {
        let decisions = app.site.decisions()?;
        let mut states = BTreeMap::new();
        for gate in &app.site.report.gates {
            for proposal in &gate.proposals {
                match app.site.state(proposal, decisions.get(&proposal.id)) {
                    site::State::Open => {}
                    state => {
                        states.insert(proposal.id.as_str(), state);
                    }
                }
            }
        }
        Ok(json(&states))
    })
    .await
}

/// Decides, each proposal for itself.
pub(crate) async fn decide(State(app): Shared, body: axum::body::Bytes) -> Answered {
    if !app.may_decide {
        let text = "in a pipeline (CI is set) nothing is decided: start the review with --in-ci";
        return refusal(StatusCode::FORBIDDEN, text);
    }
    let wishes: Wishes = match serde_json::from_slice(&body) {
        Ok(wishes) => wishes,
        Err(_) => return refusal(StatusCode::BAD_REQUEST, "this is no list of decisions"),
    };
    let by = wishes.by.as_deref().unwrap_or(&app.by).trim().to_owned();
    let reason = wishes.reason.trim().to_owned();
    if by.is_empty() || by.len() > MOST_TEXT || reason.is_empty() || reason.len() > MOST_TEXT {
        let text = "a decision needs a reason and a name, each of at most 4 KiB";
        return refusal(StatusCode::BAD_REQUEST, text);
    }
    let _alone = app.deciding.lock().await;
    blocking(&app, move |app| {
        let now = || app.cx.clock().now();
        Ok(json(&app.site.decide(&wishes.decisions, &by, &reason, now)?))
    })
    .await
}

/// Puts a question to a tool. The answer is a page to be shown, or what is wrong with the input.
pub(crate) async fn ask(
    State(app): Shared,
    Path(id): Path<String>,
    body: axum::body::Bytes,
) -> Answered {
    let Ok(input) = serde_json::from_slice(&body) else {
        return refusal(StatusCode::BAD_REQUEST, "the input is no JSON");
    };
    let refused = |code, error: &gate_core::Error| {
        let hint = error.advice().map(|hint| format!("; {hint}")).unwrap_or_default();
        refusal(code, &format!("{error}{hint}"))
    };
    match app.tools.ask(&id, input).await {
        Ok(page) => {
            let html = crate::pages::answer_of(&crate::pages::frame(&app), &page).into_string();
            json(&serde_json::json!({ "html": html }))
        }
        Err(Unanswered::Problems(problems)) => {
            let problem = |problem: &gate_core::Problem| {
                let gate_core::Problem { path, message, hint } = problem;
                serde_json::json!({ "field": path.first(), "message": message, "hint": hint })
            };
            let problems: Vec<_> = problems.iter().map(problem).collect();
            let mut answer = json(&serde_json::json!({ "problems": problems }));
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            answer
        }
        Err(Unanswered::Unknown(error)) => refused(StatusCode::NOT_FOUND, &error),
        Err(Unanswered::Busy(error)) => refused(StatusCode::SERVICE_UNAVAILABLE, &error),
        Err(Unanswered::TooLong(error)) => refused(StatusCode::GATEWAY_TIMEOUT, &error),
        Err(Unanswered::Failed(error)) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

async fn blocking(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<Answered, gate_core::Error> + Send + 'static,
) -> Answered {
    let app = Arc::clone(app);
    match tokio::task::spawn_blocking(move || work(&app)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => crate::pages::failure(&error),
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "the review failed on it"),
    }
}

fn json(value: &impl Serialize) -> Answered {
    match serde_json::to_vec(value) {
        Ok(bytes) => answer("application/json", bytes),
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"),
    }
}
