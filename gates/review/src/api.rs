//! What the scripts of the pages ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::pages::refusal;
use crate::server::{Answered, App, Shared, answer};
use crate::site::{self, Wish};

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
