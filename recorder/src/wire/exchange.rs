//! One request and the answer to it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode, Uri, request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::fault::{Instead, spoilt};
use super::headers::{end_to_end, to_map};
use super::reply::Reply;
use super::tee::{Exchange, Tee};
use super::upstream::Sent;
use super::{Front, Missed, State, answer, locked, miss, tape, tunnel};
use crate::canonical::{Address, Origin};
use crate::message::{Content, Request, Timing};
use crate::play::{Answer, Miss};
use crate::spool::{Place, Spool};

/// How a request has come here.
#[derive(Debug, Default)]
pub(super) struct Via {
    /// Inside a tunnel.
    pub(super) scheme: &'static str,
    /// Where the tunnel goes; none outside of one.
    pub(super) authority: Option<String>,
    /// Who opened the tunnel.
    pub(super) user: String,
}

/// Where a request goes.
struct Goes {
    /// For the recording and for upstream: absolute, or only a path when nobody says where to.
    url: String,
    origin: Origin,
}

pub(super) fn refusal(code: u16, why: &str) -> Response<Reply> {
    let mut response = Response::new(Reply::text(format!("gate: {why}\n")));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST);
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// What a fault has come to, or what there is to say; nothing when the connection is to be closed.
pub(super) async fn respond(
    state: Arc<State>,
    via: &Via,
    request: http::Request<Incoming>,
) -> Option<Response<Reply>> {
    let path = request.uri().path();
    let method = request.method().as_str();
    let instead = state.faults.iter().find_map(|fault| fault.of(method, path));
    match instead {
        None => Some(answered(state, via, request).await),
        Some(Instead::Answer(answer)) => {
            state.seen.fetch_add(1, Ordering::Relaxed);
            Some(*answer)
        }
        Some(Instead::Close) => {
            state.seen.fetch_add(1, Ordering::Relaxed);
            None
        }
        Some(Instead::Spoil(spoil)) => Some(spoilt(answered(state, via, request).await, spoil)),
    }
}

/// Answers from the recording, or asks upstream and records, as the mode has it.
async fn answered(
    state: Arc<State>,
    via: &Via,
    request: http::Request<Incoming>,
) -> Response<Reply> {
    let (head, body) = request.into_parts();
    state.seen.fetch_add(1, Ordering::Relaxed);
    let what = format!("{} {}", head.method, state.cleaner.url(&head.uri.to_string()));
    let mut underway = Underway::new(&state, what);
    let answer = asked(&state, via, head, body).await;
    underway.is_answered = true;
    answer
}

/// A request that is not answered yet. One that is given up, by its client or at the end, is not
/// forgotten while it is recorded: nobody could say that all was seen.
struct Underway {
    state: Arc<State>,
    what: String,
    is_answered: bool,
    _token: TaskTrackerToken,
}

impl Underway {
    fn new(state: &Arc<State>, what: String) -> Underway {
        let token = state.tape.reading.token();
        Underway { state: Arc::clone(state), what, is_answered: false, _token: token }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        // Of what is only replayed a client may tire: slow answers are there to be tired of.
        if !self.is_answered && self.state.records() {
            self.state.failed(format!("{} was given up before it was answered", self.what));
        }
    }
}

/// Refuses a request, and remembers that it had no answer.
fn failed(state: &State, code: u16, what: &str, why: &str) -> Response<Reply> {
    state.failed(format!("{what}: {why}"));
    refusal(code, why)
}

async fn asked(
    state: &Arc<State>,
    via: &Via,
    head: request::Parts,
    body: Incoming,
) -> Response<Reply> {
    let what = format!("{} {}", head.method, state.cleaner.url(&head.uri.to_string()));
    let goes = match goes(state, via, &head) {
        Ok(goes) => goes,
        Err(why) => return failed(state, 400, &what, why),
    };
    let order = state.order.fetch_add(1, Ordering::Relaxed);
    if head.headers.contains_key(header::UPGRADE) {
        let why = "WebSockets and other upgrades are not recorded";
        return failed(state, 501, &what, why);
    }
    let mut spool = Spool::new();
    if let Err(error) = collect(body, &mut spool).await {
        return failed(state, 400, &what, &format!("the request is not whole: {error}"));
    }
    let asked = match cleaned(state, &head, &goes, &mut spool) {
        Ok(asked) => asked,
        Err(why) => return failed(state, 413, &what, &why),
    };
    let user = match &via.authority {
        Some(_) => via.user.clone(),
        None => tunnel::user(&head.headers),
    };
    if state.replays()
        && let Some(response) = replayed(state, &user, &head, &goes, &asked).await
    {
        return response;
    }
    recorded(state, head, goes, asked, spool, order).await
}

/// The recorded answer, or that there is none; nothing when it is to be recorded instead.
async fn replayed(
    state: &State,
    user: &str,
    head: &request::Parts,
    goes: &Goes,
    asked: &Request,
) -> Option<Response<Reply>> {
    let session = state.session(user);
    let found = locked(&session).answer(asked, &goes.origin);
    match found {
        Ok(Answer::Recorded(response)) => {
            let client = (&head.method, &head.headers);
            let folder = state.library.folder();
            let made =
                answer::answer(*response, client, state.latency, &state.bodies, folder).await;
            Some(made.map_or_else(
                |error| {
                    state.failed(format!("{} {}: {error}", asked.method, asked.url));
                    refusal(500, &error.to_string())
                },
                |response| {
                    state.replayed.fetch_add(1, Ordering::Relaxed);
                    response
                },
            ))
        }
        Ok(Answer::Missed(_)) if state.records() => None,
        Ok(Answer::Missed(miss)) => Some(missed(state, asked, miss)),
        Err(error) => {
            state.failed(format!("{} {}: {error}", asked.method, asked.url));
            Some(refusal(500, &error.to_string()))
        }
    }
}

fn missed(state: &State, asked: &Request, miss: Miss) -> Response<Reply> {
    let response = miss::answer(&asked.method, &asked.url, &miss);
    let missed = Missed { method: asked.method.clone(), url: asked.url.clone(), miss };
    locked(&state.outcome).missed.push(missed);
    response
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

fn to_upstream(
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

/// Where a request goes, from its address, the tunnel it came through or the service that this
/// stands for.
fn goes(state: &State, via: &Via, head: &request::Parts) -> Result<Goes, &'static str> {
    let path = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let absolute = |scheme: &str, host: &str| {
        let url = format!("{scheme}://{host}{path}");
        let origin = Address::of(&url).origin();
        Goes { url, origin }
    };
    if let Some(authority) = &via.authority {
        // The Host that is asked for inside a tunnel may differ from where the tunnel goes.
        let default = if via.scheme == "https" { ":443" } else { ":80" };
        let host = authority.strip_suffix(default).unwrap_or(authority);
        return Ok(absolute(via.scheme, host));
    }
    let named = head.uri.authority().map(http::uri::Authority::as_str);
    let host = head.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    match &state.front {
        Front::Forward => match (head.uri.scheme_str(), named) {
            (Some(scheme), Some(host)) => Ok(absolute(scheme, host)),
            _ => Err("this is a proxy: set it as http_proxy, and ask for whole addresses"),
        },
        Front::Reverse { target: Some(target) } => {
            let target = target.trim_end_matches('/');
            let url = format!("{target}{path}");
            let origin = Address::of(&url).origin();
            Ok(Goes { url, origin })
        }
        Front::Reverse { target: None } => match named.or(host) {
            Some(host) if !is_own(state, host) => {
                let mut goes = absolute("http", host);
                // A reverse proxy cannot tell what scheme is meant.
                goes.origin.scheme = None;
                goes.origin.host = Some(host.to_ascii_lowercase());
                Ok(goes)
            }
            _ => Ok(Goes { url: path.to_owned(), origin: Origin::default() }),
        },
    }
}

/// Whether a host is the listener itself.
fn is_own(state: &State, host: &str) -> bool {
    let port = state.address.port().to_string();
    let (name, other) = host.rsplit_once(':').unwrap_or((host, "80"));
    other == port
        && (name == "localhost"
            || name.trim_matches(['[', ']']).parse() == Ok(state.address.ip())
            || state.address.ip().is_unspecified())
}

/// The request as it is looked up and recorded, without secrets.
fn cleaned(
    state: &State,
    head: &request::Parts,
    goes: &Goes,
    spool: &mut Spool,
) -> Result<Request, String> {
    let mut headers = end_to_end(&head.headers);
    // It says no more than the address does.
    headers.remove("host");
    let body = if spool.len() == 0 {
        Content::default()
    } else {
        let (content, _) = tape::decoded(spool, &headers).map_err(|error| error.to_string())?;
        Content::from(content)
    };
    let request =
        Request { method: head.method.as_str().to_owned(), url: goes.url.clone(), headers, body };
    Ok(tape::cleaned(&state.cleaner, &request))
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
