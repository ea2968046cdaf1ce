//! A page opened in our own browser, as the trace that developer tools would have saved of it.

use std::time::Duration;

use gate_core::{Context, Error, Json};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use visual_browser::{Requested, Session, Visit, Visited};

use crate::browsers::{Page, visit};
use crate::target;

/// How long the page may go on loading after its load event.
const REST: Duration = Duration::from_secs(10);

/// Opens the page at this address; gives an HTTP Archive (HAR 1.2) of it.
pub(super) fn fetch(address: &str, cx: &Context) -> Result<Vec<u8>, Error> {
    let url = target::parse(address)?;
    if gate_browsers::remote(cx).is_some() {
        return Err(Error::new("a browser elsewhere does not tell what it loads")
            .hint("unset SELENIUM_REMOTE_URL for this"));
    }
    let launch = gate_browsers::launch(gate_browsers::chromium(cx)?, cx)?;
    let mut visit = visit(&Page { url, headers: Vec::new() }, false)?;
    visit.rest_deadline = REST;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let visited = runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let interrupted = || Err(Error::new("it was interrupted"));
        // The browser ends with the visit, however that ends.
        tokio::select! {
            visited = opened(&launch, &visit) => visited,
            _ = tokio::signal::ctrl_c() => interrupted(),
            _ = terminated.recv() => interrupted(),
        }
    })?;
    if let Some(status) = visited.status.filter(|status| *status >= 400) {
        return Err(Error::new(format!("the page was answered {status}"))
            .hint("is the address right, and does it need somebody to be let in?"));
    }
    Ok(archive(&visited.requests).to_string().into_bytes())
}

/// What a new browser takes longer for the first time is not the page's doing: the second visit
/// counts, which has nothing of the first.
async fn opened(launch: &visual_browser::Launch, visit: &Visit) -> Result<Visited, Error> {
    let told = |error: visual_browser::Error| {
        let made = Error::new(error.to_string());
        match error.hint() {
            Some(hint) => made.hint(hint.to_owned()),
            None => made,
        }
    };
    let mut session = Session::open(launch, &|_| {}).await.map_err(told)?;
    let first = session.visit(visit).await;
    let visited = match first {
        Ok(_) => session.visit(visit).await,
        failed => failed,
    };
    session.close().await;
    visited.map_err(told)
}

/// The archive, as far as an import looks at it.
fn archive(requests: &[Requested]) -> Json {
    let entry = |one: &Requested| {
        let begun = jiff::Timestamp::from_microsecond((one.begun * 1e6) as i64);
        // Who begins outside of all time has no time.
        let begun = begun.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        json!({
            "pageref": "page_1",
            "startedDateTime": begun.to_string(),
            "time": one.took.unwrap_or(0.0) * 1e3,
            "request": { "method": one.method, "url": one.url },
            "response": {
                // What never came to its end was no answer.
                "status": one.took.map_or(0, |_| one.status),
                "content": { "mimeType": one.media_type },
            },
            "_resourceType": one.kind,
            "_initiator": { "url": one.initiator },
        })
    };
    let entries: Vec<Json> = requests.iter().map(entry).collect();
    json!({ "log": { "version": "1.2", "entries": entries } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(
        url: &str,
        kind: &str,
        by: Option<&str>,
        begun: f64,
        took: Option<f64>,
    ) -> Requested {
        let mut one = Requested::default();
        one.method = "GET".to_owned();
        one.url = format!("https://shop.test{url}");
        one.kind = kind.to_owned();
        one.initiator = by.map(|by| format!("https://shop.test{by}"));
        one.status = 200;
        one.begun = 1.8e9 + begun;
        one.took = took;
        one
    }

    #[test]
    fn what_a_browser_loaded_becomes_a_visit() {
        let requests = [
            requested("/spring", "document", None, 0.0, Some(0.1)),
            requested("/app.css", "stylesheet", Some("/spring"), 0.05, Some(0.1)),
            requested("/font.woff2", "font", Some("/app.css"), 0.2, Some(0.05)),
            requested("/late.js", "script", Some("/spring"), 0.4, Some(0.05)),
            requested("/never.png", "image", Some("/spring"), 0.1, None),
        ];
        let bytes = archive(&requests).to_string().into_bytes();
        assert!(super::super::har::recognises(&bytes));
        let imported = super::super::har::import(&bytes).unwrap();
        let expect = "      assets:\n      - get: /app.css\n      - get: /font.woff2\n        after: \
                      /app.css\n        wait: 50ms\n      - get: /late.js\n        wait: 300ms\n";
        assert!(imported.spec.contains("request: GET /spring"), "{}", imported.spec);
        assert!(imported.spec.contains(expect), "{}", imported.spec);
        assert_eq!(imported.left_out, ["GET /never.png, which was answered 0"]);
    }
}
