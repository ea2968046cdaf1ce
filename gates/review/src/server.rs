//! The review as a web server on this machine.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing::{get, post};
use gate_core::{Context, Error};
use tokio::net::TcpListener;

use crate::api;
use crate::assets;
use crate::guard::{Entry, Guard};
use crate::pages;
use crate::site::Site;
use crate::thumbnail::Thumbnails;
use crate::tools::Tools;

/// How much a request may bring: the decisions on some 30,000 proposals.
const MOST_BODY: usize = 4 << 20;

/// A page may load what this server gives it, show nothing else, and be shown nowhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; \
    frame-ancestors 'self'";
/// A page that somebody else wrote runs nothing, loads nothing and has no origin.
const SANDBOX: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

/// What all requests share.
pub(crate) struct App {
    pub(crate) site: Site,
    pub(crate) guard: Guard,
    pub(crate) thumbnails: Thumbnails,
    pub(crate) tools: Tools,
    pub(crate) cx: Context,
    pub(crate) by: String,
    /// In a pipeline nothing is decided by the way.
    pub(crate) may_decide: bool,
    /// Decisions are made one after the other.
    pub(crate) deciding: tokio::sync::Mutex<()>,
}

pub(crate) type Shared = State<Arc<App>>;
pub(crate) type Answered = Response<Body>;

/// A server that listens and does not answer yet.
pub(crate) struct Bound {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Bound {
    pub(crate) async fn to(host: IpAddr, port: u16) -> Result<Bound, Error> {
        let wanted = SocketAddr::new(host, port);
        let failed = |error: std::io::Error| {
            Error::new(format!("could not listen on {wanted}: {error}"))
                .hint("another port: --port N, or --port 0 for any that is free")
        };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Bound { listener, address })
    }

    /// Answers until `stop` resolves.
    pub(crate) async fn serve(
        self,
        app: Arc<App>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        let served = axum::serve(self.listener, router(app)).with_graceful_shutdown(stop);
        served.await.map_err(|error| Error::new(format!("the server failed: {error}")))
    }
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(pages::overview))
        .route("/index.html", get(pages::overview))
        .route("/review.html", get(pages::review))
        .route("/tools.html", get(pages::tools))
        .route("/{page}", get(pages::named))
        .route("/assets/{name}", get(assets::serve))
        .route("/evidence/{name}", get(evidence))
        .route("/thumbnails/{name}", get(crate::thumbnail::serve))
        .route("/api/items", get(api::items))
        .route("/api/states", get(api::states))
        .route("/api/decisions", post(api::decide))
        .route("/api/tools/{id}", post(api::ask))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guarded))
        .with_state(app)
}

/// Lets a request in or turns it away, and says to the browser what it may do with the answer.
async fn guarded(State(app): Shared, request: Request, next: Next) -> Answered {
    let entry = app.guard.entry(request.method(), request.uri(), request.headers());
    let mut answer = match entry {
        Entry::In => next.run(request).await,
        Entry::Welcome => pages::welcome(&app.guard),
        Entry::Out(code, why) => pages::refusal(code, why),
    };
    let headers = answer.headers_mut();
    let mut say = |name, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    say(header::CONTENT_SECURITY_POLICY, POLICY);
    say(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    say(header::REFERRER_POLICY, "no-referrer");
    say(header::CACHE_CONTROL, "no-store");
    say(header::X_FRAME_OPTIONS, "SAMEORIGIN");
    say(header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    say(header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    answer
}

/// An answer with these bytes.
pub(crate) fn answer(media_type: &'static str, body: impl Into<Body>) -> Answered {
    let mut answer = Response::new(body.into());
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// That there is no such thing.
pub(crate) fn nowhere() -> Answered {
    pages::refusal(StatusCode::NOT_FOUND, "there is no such page in this review")
}

/// Something that never changes under its name.
pub(crate) fn for_ever(mut answer: Answered) -> Answered {
    let value = HeaderValue::from_static("private, max-age=31536000, immutable");
    answer.headers_mut().insert(header::CACHE_CONTROL, value);
    answer
}

/// A file of the run, by its digest and the ending that its kind has.
async fn evidence(State(app): Shared, Path(name): Path<String>) -> Answered {
    let found = name.split_once('.').and_then(|(digest, ending)| {
        let digest = digest.parse().ok()?;
        let kind = app.site.files.kind(&digest)?;
        (kind.extension() == ending).then_some((digest, kind))
    });
    let Some((digest, kind)) = found else { return nowhere() };
    let store = app.site.stored.store.clone();
    let read = tokio::task::spawn_blocking(move || store.get(&digest)).await;
    let Ok(Ok(bytes)) = read else {
        return pages::refusal(StatusCode::NOT_FOUND, "the file was removed or altered");
    };
    let mut answer = for_ever(answer(kind.media_type(), Bytes::from(bytes)));
    let headers = answer.headers_mut();
    match kind {
        crate::files::Kind::Html => {
            let policy = HeaderValue::from_static(SANDBOX);
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        crate::files::Kind::Bytes => {
            let saved = HeaderValue::from_static("attachment");
            headers.insert(header::CONTENT_DISPOSITION, saved);
        }
        _ => {}
    }
    answer
}
