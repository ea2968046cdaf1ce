//! Which path gives what.

use std::sync::PoisonError;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::experiment::{self, Arm, EXPERIMENT};
use crate::fault;
use crate::page::{self, PAGES, Page};
use crate::server::Site;
use crate::{crm, signup};

/// The largest body that is read, in bytes.
const LARGEST_BODY: usize = 64 * 1024;

/// How much longer a page takes that is slow to make.
const SLOW: Duration = Duration::from_millis(80);

/// The site's routes.
pub(crate) fn router(site: Site) -> Router {
    let vendor = crm::vendor(site.faults.clone());
    let mut router = Router::new();
    for page in PAGES {
        let handler = move |State(site): State<Site>, uri: Uri, headers: HeaderMap| async move {
            if page.path == "/pricing" && site.faults.is_on(fault::SLOW_RENDER) {
                tokio::time::sleep(SLOW).await;
            }
            show(page, &site, &uri, &headers)
        };
        router = router.route(page.path, get(handler));
    }
    router
        .route("/assets/{name}", get(asset))
        .route("/email/welcome", get(email))
        .route("/api/form", get(signup::form))
        .route("/api/signup", post(signup::receive))
        .route("/collect", get(collected).post(collect))
        .route("/healthz", get(health))
        .route("/robots.txt", get(robots))
        .route("/sitemap.xml", get(sitemap))
        .fallback(missing)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(site.clone(), label))
        .with_state(site)
        .nest("/crm", vendor)
}

/// Says which environment answered, in a header only: the pages of two environments are the same
/// to the byte. Nothing may be cached, because a fault can be switched between two requests.
async fn label(State(site): State<Site>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-environment"), site.label.clone());
    response
}

fn show(page: &Page, site: &Site, uri: &Uri, headers: &HeaderMap) -> Response {
    let deal = |id: &str| site.deal(id);
    let visitor = experiment::identify(headers, uri, || site.new_visitor(), deal);
    let is_new = visitor.as_ref().is_some_and(|visitor| visitor.arm == Arm::NewHero);
    if page.path == "/" && is_new && site.faults.is_on(fault::REDIRECT_LOSS) {
        return Redirect::to("/hero").into_response();
    }
    let make = || page::render(page, visitor.as_ref(), &site.faults);
    let mut response = if page.path == "/" && site.faults.is_on(fault::CACHE_POISON) {
        cached(site, uri, make)
    } else {
        Html(make()).into_response()
    };
    if let Some(cookie) = visitor.and_then(|visitor| visitor.cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// What a cache in front of the site would answer, that does not know that visitors differ.
fn cached(site: &Site, uri: &Uri, make: impl FnOnce() -> String) -> Response {
    let key = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut cache = site.cache.lock().unwrap_or_else(PoisonError::into_inner);
    let told = if cache.contains_key(&key) { "HIT" } else { "MISS" };
    let html = cache.entry(key).or_insert_with(make).clone();
    let told = (HeaderName::from_static("x-cache"), HeaderValue::from_static(told));
    ([told], Html(html)).into_response()
}

async fn asset(State(site): State<Site>, Path(name): Path<String>) -> Response {
    page::asset(&name, &site.faults).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

async fn email(uri: Uri) -> Html<String> {
    Html(page::email(experiment::query(&uri, "name").as_deref()))
}

async fn collect(State(site): State<Site>, body: Bytes) -> Response {
    match site.collector.take(&body) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(_) => {
            (StatusCode::BAD_REQUEST, "a beacon is a JSON object with an event\n").into_response()
        }
    }
}

async fn collected(State(site): State<Site>) -> Response {
    Json(site.collector.list()).into_response()
}

async fn health(State(site): State<Site>) -> Json<Value> {
    let environment = site.label.to_str().unwrap_or_default();
    Json(json!({
        "status": "ok",
        "environment": environment,
        "experiment": EXPERIMENT,
        "faults": site.faults.names(),
    }))
}

async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /api/\nDisallow: /collect\nDisallow: /crm/\nSitemap: /sitemap.xml\n"
}

/// The sitemap, with the address by which the site was asked.
async fn sitemap(headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
    if !plain {
        return StatusCode::BAD_REQUEST.into_response();
    }
    // The page after the form is no place to start from, and the hero's own is nobody's yet.
    let urls: String = PAGES
        .iter()
        .filter(|page| !["/thanks", "/hero"].contains(&page.path))
        .map(|page| format!("<url><loc>http://{host}{}</loc></url>\n", page.path))
        .collect();
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{urls}</urlset>\n"
    );
    ([(header::CONTENT_TYPE, "application/xml")], xml).into_response()
}

async fn missing() -> Response {
    page::notice(
        StatusCode::NOT_FOUND,
        "There is no water here.",
        "The page you asked for does not exist, or has moved to another berth.",
    )
}
