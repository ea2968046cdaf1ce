//! One request and the answer to it.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode, Uri, request};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use redact::placeholder;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::answering::{Answered, Answering};
use super::fault::{Instead, spoilt};
use super::goes::{Goes, Via, goes};
use super::headers::{end_to_end, to_map};
use super::reply::Reply;
use super::tee::{Exchange, Tee};
use super::upstream::Sent;
use super::{Latency, Missed, State, Watch, answer, locked, miss, tape, tunnel, upgraded};
use crate::index::Recalled;
use crate::message::{Content, Request, Timing};
use crate::play::{Queue, Why};
use crate::rules::Came;
use crate::spool::{Place, Spool};

/// The header of an answer that is none: nobody could be asked, so it says nothing of the service.
pub const UNANSWERED: &str = "x-gate-unanswered";

pub(super) fn refusal(code: u16, why: &str) -> Response<Reply> {
    let mut response = Response::new(Reply::text(format!("gate: {why}\n")));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST);
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// What a request comes to. Where nothing has to be waited for, its answer is made at once: that
/// nothing of the request is held while the connection goes on makes much of the difference.
pub(super) fn respond(
    state: &Arc<State>,
    via: &Arc<Via>,
    request: http::Request<Incoming>,
) -> Answering {
    let waits = !state.faults.is_empty()
        || state.watch.is_some()
        || state.records()
        || !request.body().is_end_stream()
        || request.headers().contains_key(header::UPGRADE);
    if waits {
        let (state, via) = (Arc::clone(state), Arc::clone(via));
        return Answering::Awaited(Box::pin(respond_in_time(state, via, request)));
    }
    state.counts.0.seen.fetch_add(1, Ordering::Relaxed);
    let (head, _) = request.into_parts();
    let (answer, delay) = from_recording(state, via, &head);
    if delay.is_zero() {
        return Answering::given(answer);
    }
    let underway = Underway::new(state, None);
    Answering::Awaited(Box::pin(async move {
        tokio::time::sleep(delay).await;
        drop(underway);
        Some(answer)
    }))
}

/// The recorded answer to a request without a body where nothing is recorded, and for how long it
/// is to be held back.
fn from_recording(state: &State, via: &Via, head: &request::Parts) -> (Response<Reply>, Duration) {
    let refused = |why: &str| (failed(state, 400, &what(state, head), why), Duration::ZERO);
    let user = user(via, head);
    let seen = state.memo.fingerprint(via, head);
    let known = state.memo.get(seen).and_then(|queue| next(state, &user, queue).ok());
    if let Some(at) = known {
        return ready(state, head, state.library.recalled(at));
    }
    let goes = match goes(state, via, head) {
        Ok(goes) => goes,
        Err(why) => return refused(why),
    };
    let asked = match plain(head, &goes, &mut Spool::new()) {
        Ok(plain) => cleaned(state, plain),
        Err(why) => return refused(&why),
    };
    let queue = state.library.queue(&asked.clean, &goes.origin);
    if let Ok(queue) = queue {
        state.memo.put(seen, queue);
    }
    replayed(state, &user, head, &goes, &asked, queue)
        .unwrap_or_else(|why| (missed(state, &asked.clean, &goes, why), Duration::ZERO))
}

/// What a fault has come to, or what there is to say; nothing when the connection is to be closed.
async fn respond_in_time(
    state: Arc<State>,
    via: Arc<Via>,
    request: http::Request<Incoming>,
) -> Answered {
    let path = request.uri().path();
    let method = request.method().as_str();
    let instead = state.faults.iter().find_map(|fault| fault.of(method, path));
    match instead {
        None => Some(answered(state, &via, request).await),
        Some(Instead::Answer(answer)) => {
            state.counts.0.seen.fetch_add(1, Ordering::Relaxed);
            Some(*answer)
        }
        Some(Instead::Close) => {
            state.counts.0.seen.fetch_add(1, Ordering::Relaxed);
            None
        }
        Some(Instead::Spoil(spoil)) => Some(spoilt(answered(state, &via, request).await, spoil)),
    }
}

/// Answers from the recording, or asks upstream and records, as the mode has it.
async fn answered(
    state: Arc<State>,
    via: &Via,
    request: http::Request<Incoming>,
) -> Response<Reply> {
    let (head, body) = request.into_parts();
    state.counts.0.seen.fetch_add(1, Ordering::Relaxed);
    // Of what is only replayed a client may tire: slow answers are there to be tired of.
    let what = state.records().then(|| what(&state, &head));
    let mut underway = Underway::new(&state, what);
    let answer = asked(&state, via, head, body).await;
    underway.what = None;
    answer
}

/// A request in the words of a report.
fn what(state: &State, head: &request::Parts) -> String {
    format!("{} {}", head.method, state.cleaner.url(&head.uri.to_string()))
}

/// A request that is not answered yet. One that is given up, by its client or at the end, is not
/// forgotten while it is recorded: nobody could say that all was seen.
struct Underway {
    state: Arc<State>,
    /// What would be missing without an answer.
    what: Option<String>,
    _token: TaskTrackerToken,
}

impl Underway {
    fn new(state: &Arc<State>, what: Option<String>) -> Underway {
        let token = state.tape.reading.token();
        Underway { state: Arc::clone(state), what, _token: token }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if let Some(what) = &self.what {
            self.state.failed(format!("{what} was given up before it was answered"));
        }
    }
}

/// Refuses a request, and remembers that it had no answer.
pub(super) fn failed(state: &State, code: u16, what: &str, why: &str) -> Response<Reply> {
    state.failed(format!("{what}: {why}"));
    let mut response = refusal(code, why);
    response.headers_mut().insert(UNANSWERED, HeaderValue::from_static("1"));
    response
}

async fn asked(
    state: &Arc<State>,
    via: &Via,
    head: request::Parts,
    body: Incoming,
) -> Response<Reply> {
    let refused = |code, why: &str| failed(state, code, &what(state, &head), why);
    let goes = match goes(state, via, &head) {
        Ok(goes) => goes,
        Err(why) => return refused(400, why),
    };
    let order = state.order.fetch_add(1, Ordering::Relaxed);
    if upgraded::is_websocket(&head.headers) {
        if state.records() {
            let request = http::Request::from_parts(head, body);
            return upgraded::passed_through(state, request, &goes).await;
        }
        return refused(501, "WebSockets are not recorded, so nothing answers");
    }
    let mut spool = Spool::new();
    if let Err(error) = collect(body, &mut spool).await {
        return refused(400, &format!("the request is not whole: {error}"));
    }
    let asked = match plain(&head, &goes, &mut spool) {
        Ok(asked) => asked,
        Err(why) => return refused(413, &why),
    };
    if let Some(watch) = &state.watch {
        let mut awaited = Awaited { watch: Arc::clone(watch), order, is_answered: false };
        if let Some((response, delay)) = watch.asked(order, &asked) {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            awaited.with(response.status);
            let client = (&head.method, &head.headers);
            let made = answer::recalled(&response);
            let made = answer::answer(made, client, Latency::None, &state.bodies, None);
            return made.unwrap_or_else(|error| refused(500, &error.to_string()));
        }
        let answer = passed(state, via, head, goes, asked, spool, order).await;
        awaited.with(answer.status().as_u16());
        return answer;
    }
    passed(state, via, head, goes, asked, spool, order).await
}

/// Tells who looks on what became of a request, also where its client does not wait for the answer: then
/// all that is done for it is dropped.
struct Awaited {
    watch: Arc<dyn Watch>,
    order: u64,
    is_answered: bool,
}

impl Awaited {
    fn with(&mut self, status: u16) {
        self.is_answered = true;
        self.watch.answered(self.order, status);
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if !self.is_answered {
            self.watch.given_up(self.order);
        }
    }
}

/// Answers a request that is whole.
async fn passed(
    state: &Arc<State>,
    via: &Via,
    head: request::Parts,
    goes: Goes,
    plain: Request,
    spool: Spool,
    order: u64,
) -> Response<Reply> {
    let asked = cleaned(state, plain);
    if state.replays() {
        let queue = state.library.queue(&asked.clean, &goes.origin);
        match replayed(state, &user(via, &head), &head, &goes, &asked, queue) {
            Ok((response, delay)) => {
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
                return response;
            }
            Err(why) if !state.records() => return missed(state, &asked.clean, &goes, why),
            Err(_) => {}
        }
    }
    recorded(state, head, goes, asked.clean, spool, order).await
}

/// Whose session it is.
fn user(via: &Via, head: &request::Parts) -> String {
    match &via.authority {
        Some(_) => via.user.clone(),
        None => tunnel::user(&head.headers),
    }
}

/// The place of the next recording of a queue. The session is locked for no longer than it takes to
/// move its cursor.
fn next(state: &State, user: &str, queue: Queue) -> Result<u32, Why> {
    state.in_session(user, |session| session.next(queue))
}

/// The recorded answer and for how long it is to be held back, or why there is none.
fn replayed(
    state: &State,
    user: &str,
    head: &request::Parts,
    goes: &Goes,
    asked: &Asked,
    queue: Result<Queue, Why>,
) -> Result<(Response<Reply>, Duration), Why> {
    let recalled = match queue.and_then(|queue| next(state, user, queue)) {
        Ok(at) => state.library.recalled(at),
        Err(why) => {
            let Asked { clean, plain } = asked;
            let came = Came { plain: plain.as_ref().unwrap_or(clean), clean };
            let response = state.library.by_rule(came, &goes.origin).ok_or(why)?;
            Ok(answer::recalled(response))
        }
    };
    Ok(ready(state, head, recalled))
}

/// A recorded answer to this request, and for how long it is to be held back.
fn ready(
    state: &State,
    head: &request::Parts,
    recalled: crate::Result<Recalled<HeaderMap>>,
) -> (Response<Reply>, Duration) {
    let made = recalled.and_then(|recalled| {
        let delay = answer::delay(&recalled, state.latency);
        let client = (&head.method, &head.headers);
        let folder = state.library.folder();
        let made = answer::answer(recalled, client, state.latency, &state.bodies, folder)?;
        Ok((made, delay))
    });
    match made {
        Ok(made) => {
            state.counts.0.replayed.fetch_add(1, Ordering::Relaxed);
            made
        }
        Err(error) => {
            state.failed(format!("{}: {error}", what(state, head)));
            (refusal(500, &error.to_string()), Duration::ZERO)
        }
    }
}

fn missed(state: &State, asked: &Request, goes: &Goes, why: Why) -> Response<Reply> {
    let miss = state.library.miss(asked, &goes.origin, why);
    let response = miss::answer(&asked.method, &asked.url, &miss);
    let missed = Missed { method: asked.method.clone(), url: asked.url.clone(), miss };
    locked(&state.outcome).missed.push(missed);
    response
}

/// Why a request that was not recorded cannot be recorded now.
const RECALLED: &str = "it sends what stands in the recording in the place of a secret, which the \
                        service does not know; record all of it anew, with the mode `all`";

/// Whether a request holds a placeholder: a client that was answered from the recording got it there.
fn is_recalled(head: &request::Parts, goes: &Goes, spool: &mut Spool) -> bool {
    let holds = |bytes: &[u8]| matches!(placeholder::generalised(bytes), Cow::Owned(_));
    let headers = end_to_end(&head.headers);
    holds(goes.url.as_bytes())
        || headers.iter().any(|(_, value)| holds(value))
        || tape::decoded(spool, &headers).is_ok_and(|(content, _)| holds(&content))
}

/// Asks upstream, and copies the answer on its way.
async fn recorded(
    state: &Arc<State>,
    head: request::Parts,
    goes: Goes,
    asked: Request,
    spool: Spool,
    order: u64,
) -> Response<Reply> {
    let what = format!("{} {}", asked.method, asked.url);
    let mut spool = spool;
    if is_recalled(&head, &goes, &mut spool) {
        return failed(state, 501, &what, RECALLED);
    }
    let request = match to_upstream(state, &head, &goes, spool) {
        Ok(request) => request,
        Err(why) => return failed(state, 400, &what, &why),
    };
    let started = Instant::now();
    let response = match state.upstream.send(request).await {
        Ok(response) => response,
        Err(error) => {
            return failed(state, 502, &what, &format!("it could not be asked for: {error}"));
        }
    };
    let (parts, body) = response.into_parts();
    let headers = end_to_end(&parts.headers);
    let head_ms = started.elapsed().as_millis() as u64;
    let copy = Exchange {
        order,
        request: asked,
        status: parts.status.as_u16(),
        headers: headers.clone(),
        body: Spool::new(),
        trailers: HeaderMap::new(),
        timing: Timing { head_ms, chunks: Vec::new() },
        cut_short: None,
    };
    let tee = Tee::new(body, copy, state.tape.clone());
    let mut made = Response::new(Reply::Tee(Box::new(tee)));
    *made.status_mut() = parts.status;
    *made.headers_mut() = to_map(&headers);
    made
}

pub(super) fn to_upstream(
    state: &State,
    head: &request::Parts,
    goes: &Goes,
    spool: Spool,
) -> Result<http::Request<Sent>, String> {
    let uri: Uri = goes.url.parse().map_err(|_| format!("`{}` is no address", goes.url))?;
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| {
            ip == state.address.ip() || (state.address.ip().is_unspecified() && ip.is_loopback())
        });
    if is_here && port == state.address.port() {
        return Err("this request would come back to this proxy".to_owned());
    }
    let mut headers = to_map(&end_to_end(&head.headers));
    if let Some(authority) = uri.authority() {
        // HTTP/2 has no Host; upstream may speak HTTP/1.
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        if let Ok(host) = HeaderValue::from_str(host) {
            headers.insert(header::HOST, host);
        }
    }
    if head.headers.get(header::TE).is_some_and(|value| value == "trailers") {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    headers.remove(header::EXPECT);
    let mut request = http::Request::new(Sent::of(spool));
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// The request as it came.
fn plain(head: &request::Parts, goes: &Goes, spool: &mut Spool) -> Result<Request, String> {
    let mut headers = end_to_end(&head.headers);
    // It says no more than the address does.
    headers.remove("host");
    let body = if spool.len() == 0 {
        Content::default()
    } else {
        let (content, _) = tape::decoded(spool, &headers).map_err(|error| error.to_string())?;
        Content::from(content)
    };
    Ok(Request { method: head.method.as_str().to_owned(), url: goes.url.clone(), headers, body })
}

/// The request as it is looked up and recorded, without secrets.
fn cleaned(state: &State, request: Request) -> Asked {
    let plain = (!state.library.rules().is_empty()).then(|| request.clone());
    Asked { clean: tape::cleaned(&state.cleaner, request), plain }
}

/// A request without its secrets, and as it came in where rules are to be held against that.
struct Asked {
    clean: Request,
    plain: Option<Request>,
}

async fn collect(mut body: Incoming, spool: &mut Spool) -> Result<(), String> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| error.to_string())?;
        if let Some(bytes) = frame.data_ref() {
            spool.take(bytes).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

impl Sent {
    pub(crate) fn of(spool: Spool) -> Sent {
        Sent { left: spool.len(), spool, place: Place::default() }
    }

    pub(super) fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        let piece = self.spool.piece(&mut self.place)?;
        self.left -= piece.as_ref().map_or(0, Bytes::len) as u64;
        Ok(piece)
    }
}

impl Exchange {
    /// Says that no other will come.
    pub(super) fn last() -> Exchange {
        Exchange {
            order: u64::MAX,
            request: Request::default(),
            status: 0,
            headers: crate::message::Headers::new(),
            body: Spool::new(),
            trailers: HeaderMap::new(),
            timing: Timing::default(),
            cut_short: None,
        }
    }

    pub(super) fn is_last(&self) -> bool {
        self.order == u64::MAX
    }
}
