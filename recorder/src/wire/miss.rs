//! What is answered when nothing was recorded.

use http::{Response, StatusCode, header};
use serde_json::json;

use super::reply::Reply;
use crate::play::{Miss, Why};

/// Says why, what comes near, and what to do, as JSON.
pub(super) fn answer(method: &str, url: &str, miss: &Miss) -> Response<Reply> {
    let (why, hint) = words(miss.why);
    let nearest: Vec<_> = miss
        .nearest
        .iter()
        .map(|near| {
            let differences: Vec<_> = near
                .differences
                .iter()
                .map(
                    |one| json!({ "part": one.part, "asked": one.asked, "recorded": one.recorded }),
                )
                .collect();
            json!({ "method": near.method, "url": near.url, "differences": differences })
        })
        .collect();
    let body = json!({
        "error": format!("gate: {method} {url} {why}"),
        "hint": hint,
        "nearest": nearest,
    });
    let mut text = serde_json::to_string_pretty(&body).unwrap_or_default();
    text.push('\n');
    let mut response = Response::new(Reply::text(text));
    // 501: the recording does not implement it. A client that retries a 502 or 503 would hide it.
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.headers_mut().insert("x-gate-miss", header::HeaderValue::from_static("1"));
    response
}

/// Why there is no answer, and what to do about it.
pub fn words(why: Why) -> (String, &'static str) {
    match why {
        Why::Unknown => (
            "was not recorded".to_owned(),
            "record it with --mode new_episodes, or say what does not count under `match` in cassette.yaml",
        ),
        Why::UsedUp(times) => (
            format!("was asked for more often than it was recorded ({times})"),
            "record it as often as it is asked for, or allow repeats with --allow-repeats",
        ),
        Why::Ambiguous => (
            "was recorded from several hosts, and the request does not say which is meant"
                .to_owned(),
            "send the host that is meant in the Host header",
        ),
    }
}
