//! A service held against its recording.

use std::path::Path;

use http::{HeaderValue, StatusCode};
use std::sync::Arc;

use recorder::Cassette;
use recorder::drift::{Asking, Change, Checked, Document, Severity, Side, check, is_held, worst};

use crate::service::{self, Service, whole};
use crate::{get, kept, recording};

/// What is recorded of the service.
const PATHS: &[&str] = &[
    "/json",
    "/gzip",
    "/br",
    "/zstd",
    "/binary",
    "/repeats",
    "/sse",
    "/trailers",
    "/none",
    "/moved",
    "/count",
    "/missing",
];

async fn recorded(folder: &Path) {
    let service = Service::start().await;
    let proxy = recording(folder, &service).await;
    for path in PATHS {
        get(&proxy, path).await;
    }
    assert_eq!(kept(proxy, folder).await.failed, [] as [&str; 0]);
}

async fn checked(folder: &Path, service: &Service) -> Vec<Checked> {
    let cassette = Cassette::open(folder).unwrap();
    check(&cassette, &Asking::of(&service.url("")), |_, _, _| ()).await.unwrap()
}

/// What the service says of itself, but for a few of its paths.
const DOCUMENT: &str = r##"
openapi: 3.1.0
paths:
  /json: { get: { operationId: json, responses: { "200": { content: { application/json: { schema: { $ref: "#/components/schemas/Thing" } } } } } } }
  /gzip: { get: { responses: { "2XX": { content: { application/json: { schema: { required: [packed] } } } } } } }
  /none: { get: { responses: { "204": {} } } }
  /moved: { get: { responses: { "302": { headers: { location: { required: true } } } } } }
  /posted: { post: { responses: { "200": {} } } }
components:
  schemas:
    Thing: { type: object, required: [id, tags], properties: { id: { type: integer }, tags: { type: array, items: { type: string } }, price: { type: number } } }
"##;

fn document(text: &str) -> Arc<Document> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.yaml");
    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    std::fs::write(&path, text).unwrap();
    Arc::new(Document::open(&path).unwrap())
}

async fn checked_by(folder: &Path, service: &Service, document: &Arc<Document>) -> Vec<Checked> {
    let cassette = Cassette::open(folder).unwrap();
    let mut asking = Asking::of(&service.url(""));
    asking.document = Some(Arc::clone(document));
    check(&cassette, &asking, |_, _, _| ()).await.unwrap()
}

/// What was found of a path.
fn of<'c>(all: &'c [Checked], path: &str) -> &'c Checked {
    all.iter().find(|one| one.url.ends_with(path)).unwrap()
}

#[tokio::test]
async fn a_service_does_not_differ_from_itself() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path()).await;
    let service = Service::start().await;
    for _ in 0..100 {
        for one in checked(folder.path(), &service).await {
            // How long a machine that has other work takes is no difference of the service's.
            let is_of_service = |change: &Change| *change != Change::Slower;
            let found = one.found.map(|all| {
                all.into_iter().filter(|found| is_of_service(&found.change)).collect::<Vec<_>>()
            });
            assert_eq!(found, Ok(Vec::new()), "{}", one.url);
        }
    }
}

#[tokio::test]
async fn what_has_changed_is_told_by_its_weight() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path()).await;
    let service = Service::changed(|path, _, response| match path {
        "/json" => {
            *response.body_mut() = whole(r#"{"id":"1","tags":["a","b"],"price":1.50,"new":1}"#);
        }
        "/none" => *response.status_mut() = StatusCode::FORBIDDEN,
        "/gzip" => {
            let packed = service::gzip(br#"{"packed":[]}"#, 1);
            *response.body_mut() = whole(packed);
        }
        "/repeats" => {
            response.headers_mut().insert("deprecation", HeaderValue::from_static("@1795000000"));
        }
        _ => {}
    })
    .await;
    let all = checked(folder.path(), &service).await;
    let first = |path: &str| {
        let found = of(&all, path).found.as_ref().unwrap();
        found.first().map(|one| (one.severity, one.change, one.place.clone()))
    };
    assert_eq!(first("/json"), Some((Severity::Breaking, Change::Type, "$.id".to_owned())));
    let json = of(&all, "/json").found.as_ref().unwrap();
    assert_eq!(json[1].change, Change::Added);
    assert_eq!(first("/none").unwrap().1, Change::Authentication);
    assert_eq!(first("/gzip").unwrap().1, Change::Empty);
    assert_eq!(first("/repeats").unwrap().1, Change::Deprecated);
    assert_eq!(first("/br"), None);
    assert_eq!(worst(&all), Severity::Breaking);
}

#[tokio::test]
async fn what_comes_and_goes_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path()).await;
    // Every second answer lacks something, and patience is asked for now and then.
    let service = Service::changed(|path, count, response| {
        if path == "/json" && count % 2 == 0 {
            *response.body_mut() = whole(r#"{"id":1,"tags":["a","b"]}"#);
        }
        if path == "/count" && count % 2 == 0 {
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert("retry-after", HeaderValue::from_static("0"));
        }
    })
    .await;
    let mut told = 0;
    for _ in 0..4 {
        let all = checked(folder.path(), &service).await;
        let json = of(&all, "/json").found.as_ref().unwrap();
        let found: Vec<_> = json.iter().map(|one| (one.severity, one.change)).collect();
        // Whether the first answer is the one that lacks something depends on what came before.
        assert!(found.is_empty() || found == [(Severity::Warning, Change::Removed)], "{json:?}");
        told += found.len();
        assert_eq!(of(&all, "/count").found, Ok(Vec::new()));
    }
    assert!(told > 0, "it was never told");
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start().await;
    let proxy = recording(folder.path(), &service).await;
    let url = format!("http://{}/whoami", proxy.address());
    crate::asked("GET", &url, &[("authorization", "Bearer tok-4f9a8b7c6d5e")], "").await;
    get(&proxy, "/json?api_key=abcdefgh").await;
    kept(proxy, folder.path()).await;
    let strict = Service::changed(|path, _, response| {
        if path == "/whoami" {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
    })
    .await;
    let all = checked(folder.path(), &strict).await;
    let why = |path: &str| {
        let one = all.iter().find(|one| one.url.contains(path)).unwrap();
        one.found.clone().unwrap_err()
    };
    assert!(why("/whoami").contains("give them with --header"));
    assert!(why("/json").contains("its address holds a secret"));
    assert_eq!(worst(&all), Severity::Unchecked);
    assert_eq!(worst(&[]), Severity::Unchecked);
    let nowhere = Service { address: "127.0.0.1:1".parse().unwrap(), ..service };
    let unreachable = checked(folder.path(), &nowhere).await;
    assert!(unreachable.iter().all(|one| one.found.is_err()));
}

#[tokio::test]
async fn a_service_that_follows_its_document_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path()).await;
    let document = document(DOCUMENT);
    let service = Service::start().await;
    let paths = ["/json", "/gzip", "/none", "/moved"];
    for _ in 0..100 {
        let all = checked_by(folder.path(), &service, &document).await;
        for path in paths {
            assert_eq!(of(&all, path).found, Ok(Vec::new()), "{path}");
        }
        assert_eq!(of(&all, "/json").operation.as_deref(), Some("json"));
        assert!(is_held(&all));
    }
    let coverage = document.coverage(&Cassette::open(folder.path()).unwrap()).unwrap();
    assert_eq!((coverage.operations, &*coverage.uncovered), (5, &["POST /posted".to_owned()][..]));
}

#[tokio::test]
async fn what_breaks_the_document_is_told_apart_from_what_drifted() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path()).await;
    let service = Service::changed(|path, _, response| {
        if path == "/json" {
            *response.body_mut() = whole(r#"{"id":1,"tags":[],"price":1.50}"#);
        }
    })
    .await;
    // By comparison an empty list says nothing; by the document it is too short.
    let strict = document(&DOCUMENT.replace("{ type: array,", "{ type: array, minItems: 1,"));
    let all = checked_by(folder.path(), &service, &strict).await;
    let json = of(&all, "/json").found.as_ref().unwrap();
    let first = (json[0].severity, json[0].change, json[0].place.as_str());
    assert_eq!(first, (Severity::Breaking, Change::Limit, "$.tags"));
    assert_eq!(json[1].severity, Severity::Unchecked);
    assert!(of(&all, "/json").differs.is_some());

    // The recording breaks it as well: nobody is kept from anything, and nothing is proposed.
    let service = Service::start().await;
    let wrong = document(&DOCUMENT.replace("{ type: integer }", "{ type: string }"));
    let all = checked_by(folder.path(), &service, &wrong).await;
    let json = of(&all, "/json").found.as_ref().unwrap();
    assert_eq!(json.len(), 1, "{json:?}");
    assert_eq!(json[0].severity, Severity::Warning);
    assert_eq!(json[0].document.as_ref().unwrap().side, Side::Both);
    assert!(of(&all, "/json").differs.is_none());
    assert_eq!(worst(&all), Severity::Warning);

    let elsewhere = document(&DOCUMENT.replace("paths:", "servers: [{ url: /v7 }]\npaths:"));
    let all = checked_by(folder.path(), &service, &elsewhere).await;
    assert!(!is_held(&all));
    assert!(all.iter().all(|one| one.operation.is_none()));
}
