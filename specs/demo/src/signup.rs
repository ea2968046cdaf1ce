//! The sign-up form's endpoint.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use crate::crm::Contact;
use crate::fault;
use crate::page;
use crate::server::Site;

/// The longest field that is taken, in characters.
const LONGEST: usize = 120;

/// `POST /api/signup`: puts the sender into the vendor's address book. A script that asks for
/// JSON gets 201 and the contact's id; a form sent without a script is led to `/thanks`.
pub(crate) async fn receive(State(site): State<Site>, headers: HeaderMap, body: Bytes) -> Response {
    let script = accepts_json(&headers);
    if site.faults.is_on(fault::SIGNUP_ERROR) {
        return refuse(
            script,
            StatusCode::INTERNAL_SERVER_ERROR,
            "Your harbour could not be set up just now. Please try again in a minute.",
        );
    }
    let contact = match read(&body) {
        Ok(contact) => contact,
        Err(text) => return refuse(script, StatusCode::UNPROCESSABLE_ENTITY, text),
    };
    match site.crm.create(&contact).await {
        Ok(made) if script => {
            (StatusCode::CREATED, Json(json!({ "contact": made.id }))).into_response()
        }
        Ok(_) => Redirect::to("/thanks").into_response(),
        Err(_) => refuse(
            script,
            StatusCode::BAD_GATEWAY,
            "Our address book does not answer. Please try again in a minute.",
        ),
    }
}

/// `GET /api/form`: what the form's script is told about it.
pub(crate) async fn form(State(site): State<Site>) -> Json<Value> {
    let mut told = json!({
        "action": "/api/signup",
        "longest": LONGEST,
        "berths": ["20", "150", "more"],
    });
    if site.faults.is_on(fault::CRM_SECRET) {
        told["debug"] = json!({ "address_book": site.crm.authorization() });
    }
    Json(told)
}

fn accepts_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}

fn refuse(script: bool, status: StatusCode, text: &str) -> Response {
    if script {
        (status, Json(json!({ "error": text }))).into_response()
    } else {
        page::notice(status, "That did not work.", text)
    }
}

fn read(body: &[u8]) -> Result<Contact, &'static str> {
    let field = |name: &str| {
        url::form_urlencoded::parse(body)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let contact = Contact {
        id: String::new(),
        email: field("email"),
        name: field("name"),
        company: field("harbour"),
        berths: field("berths"),
        stage: String::new(),
    };
    let texts = [&contact.email, &contact.name, &contact.company, &contact.berths];
    if texts.iter().any(|text| text.chars().count() > LONGEST) {
        return Err("One of your answers is too long for us.");
    }
    if contact.name.is_empty() || contact.company.is_empty() {
        return Err("Please tell us your name and the name of your harbour.");
    }
    if !contact.email.contains('@') {
        return Err("That e-mail address is not complete.");
    }
    Ok(contact)
}
