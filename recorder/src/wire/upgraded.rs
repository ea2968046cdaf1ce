//! Connections that become something else once the service has said yes, WebSockets above all. They
//! are passed through while it is recorded, and are no part of the recording.

use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use super::exchange::{failed, to_upstream};
use super::goes::Goes;
use super::headers::{end_to_end, to_map};
use super::reply::Reply;
use super::{State, locked};
use crate::spool::Spool;

/// Whether a request asks for a WebSocket. Any other upgrade is an offer, such as that of HTTP/2 in
/// the clear, which a server need not take: such a request is answered and recorded like others.
pub(super) fn is_websocket(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::UPGRADE).iter();
    values.any(|value| value.to_str().is_ok_and(|value| value.eq_ignore_ascii_case("websocket")))
}

/// How much of an answer that says no is passed on, in bytes.
const LARGEST: usize = 1 << 20;

/// Asks the service, and joins both connections when it agrees. What it answers otherwise is given
/// to the client as it is; either way it is told that nothing of it was recorded.
pub(super) async fn passed_through(
    state: &Arc<State>,
    mut request: Request<Incoming>,
    goes: &Goes,
) -> Response<Reply> {
    let what = format!("{} {}", request.method(), state.cleaner.url(&goes.url));
    let kind = request.headers().get(header::UPGRADE).cloned();
    let kind = kind.unwrap_or(HeaderValue::from_static("websocket"));
    let client = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let mut asked = match to_upstream(state, &head, goes, Spool::new()) {
        Ok(asked) => asked,
        Err(why) => return failed(state, 400, &what, &why),
    };
    let headers = asked.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, kind.clone());
    let mut answer = match state.upstream.send_in_one(asked).await {
        Ok(answer) => answer,
        Err(error) => {
            return failed(state, 502, &what, &format!("it could not be asked for: {error}"));
        }
    };
    let shown = String::from_utf8_lossy(kind.as_bytes()).into_owned();
    let note =
        format!("{what} became a connection for `{shown}`: passed through, and not recorded");
    let mut made = Response::new(Reply::Whole(None));
    *made.status_mut() = answer.status();
    *made.headers_mut() = to_map(&end_to_end(answer.headers()));
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        if let Ok(body) = body {
            *made.body_mut() = Reply::text(body.to_bytes());
        }
        state.failed(format!("{what} became no WebSocket, and its answer was not recorded"));
        return made;
    }
    locked(&state.outcome).notes.push(note);
    for name in [header::CONNECTION, header::UPGRADE] {
        if let Some(value) = answer.headers().get(&name) {
            made.headers_mut().insert(name, value.clone());
        }
    }
    let service = hyper::upgrade::on(&mut answer);
    tokio::spawn(async move {
        if let (Ok(client), Ok(service)) = tokio::join!(client, service) {
            let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
            // Whoever ends it ends it for both.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut service).await;
        }
    });
    made
}
