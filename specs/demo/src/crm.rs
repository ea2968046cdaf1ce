//! The third party: a client of its API, and a stand-in for the vendor that serves it.
//!
//! The stand-in listens below `/crm/v1` of the same port, so that the demo needs no other host;
//! the client reaches it over HTTP like any other, so that a recorder can be put in between.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fault::{self, Faults};

/// The token that the stand-in accepts. It opens nothing else.
pub const DEMO_TOKEN: &str = "demo-crm-token-for-the-stand-in";

/// How many contacts the stand-in keeps; the next one is answered with 507.
const MOST: usize = 10_000;

/// How to reach the vendor.
#[derive(Clone)]
pub struct CrmAccess {
    /// An `http:` address to which `/v1/contacts` is added, such as `http://127.0.0.1:9000/crm`.
    pub base_url: String,
    /// The bearer token.
    pub token: String,
}

/// Shows the address and keeps the token to itself.
impl fmt::Debug for CrmAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrmAccess").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Somebody in the vendor's address book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The vendor's number for them, such as `con_000001`.
    #[serde(default)]
    pub id: String,
    /// Where to write to; unique.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their harbour.
    pub company: String,
    /// How large it is: `20`, `150` or `more`.
    #[serde(default)]
    pub berths: String,
    /// How far they are: the stand-in says `lead`.
    #[serde(default)]
    pub stage: String,
}

/// Talks to the vendor.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    access: CrmAccess,
}

impl Client {
    /// A client for plain HTTP.
    pub(crate) fn new(access: CrmAccess) -> Result<Client, reqwest::Error> {
        // The demo speaks plain HTTP on loopback. A TLS set-up without roots keeps the client from
        // looking for a provider and for the machine's certificates, which may both be missing.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the default versions of TLS")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()?;
        Ok(Client { http, access })
    }

    /// What it says who it is with.
    pub(crate) fn authorization(&self) -> String {
        format!("Bearer {}", self.access.token)
    }

    /// Puts somebody into the address book and gives what the vendor made of them.
    pub(crate) async fn create(&self, contact: &Contact) -> Result<Contact, reqwest::Error> {
        let url = format!("{}/v1/contacts", self.access.base_url.trim_end_matches('/'));
        let request = self.http.post(url).bearer_auth(&self.access.token).json(contact);
        request.send().await?.error_for_status()?.json().await
    }
}

/// The stand-in's address book.
#[derive(Debug)]
struct Vendor {
    contacts: Mutex<Vec<Contact>>,
    faults: Faults,
}

impl Vendor {
    /// With somebody in it, so that there is something to ask for.
    fn new(faults: Faults) -> Vendor {
        let first = Contact {
            id: "con_000001".to_owned(),
            email: "harbour-office@tideboard.example".to_owned(),
            name: "Harbour Office".to_owned(),
            company: "Tideboard".to_owned(),
            berths: "20".to_owned(),
            stage: "customer".to_owned(),
        };
        Vendor { contacts: Mutex::new(vec![first]), faults }
    }

    /// A contact as this version of the API tells it.
    fn told(&self, contact: &Contact) -> Value {
        let mut told = json!(contact);
        if self.faults.is_on(fault::CRM_DRIFT)
            && let Some(fields) = told.as_object_mut()
        {
            fields.remove("stage");
            fields.insert("lifecycle".to_owned(), json!({ "stage": contact.stage }));
        }
        told
    }

    fn contacts(&self) -> MutexGuard<'_, Vec<Contact>> {
        self.contacts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stand-in, to be nested below `/crm`.
pub(crate) fn vendor(faults: Faults) -> Router {
    Router::new()
        .route("/v1/contacts", get(list).post(create))
        .route("/v1/contacts/{id}", get(one))
        .layer(middleware::from_fn(authorised))
        .with_state(Arc::new(Vendor::new(faults)))
}

async fn authorised(request: Request, next: Next) -> Response {
    if bearer(request.headers()) == Some(DEMO_TOKEN) {
        return next.run(request).await;
    }
    let mut response =
        refusal(StatusCode::UNAUTHORIZED, "unauthorized", "a bearer token is needed");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"crm\""));
    response
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

async fn list(State(vendor): State<Arc<Vendor>>) -> Json<Value> {
    let contacts: Vec<Value> =
        vendor.contacts().iter().map(|contact| vendor.told(contact)).collect();
    Json(json!({ "results": contacts, "total": contacts.len() }))
}

async fn one(State(vendor): State<Arc<Vendor>>, Path(id): Path<String>) -> Response {
    match vendor.contacts().iter().find(|contact| contact.id == id) {
        Some(contact) => Json(vendor.told(contact)).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "not_found", "there is no such contact"),
    }
}

/// Creates a contact, or gives the one that has the address already.
async fn create(State(vendor): State<Arc<Vendor>>, body: axum::body::Bytes) -> Response {
    let Ok(mut contact) = serde_json::from_slice::<Contact>(&body) else {
        return refusal(StatusCode::BAD_REQUEST, "bad_request", "the body is not a contact");
    };
    if !contact.email.contains('@') {
        return refusal(StatusCode::UNPROCESSABLE_ENTITY, "invalid_email", "no such address");
    }
    let mut contacts = vendor.contacts();
    if let Some(known) = contacts.iter().find(|known| known.email == contact.email) {
        return Json(vendor.told(known)).into_response();
    }
    if contacts.len() == MOST {
        return refusal(StatusCode::INSUFFICIENT_STORAGE, "full", "the address book is full");
    }
    contact.id = format!("con_{:06}", contacts.len() + 1);
    "lead".clone_into(&mut contact.stage);
    contacts.push(contact.clone());
    (StatusCode::CREATED, Json(vendor.told(&contact))).into_response()
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response()
}
