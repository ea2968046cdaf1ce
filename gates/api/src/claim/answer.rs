use std::sync::OnceLock;

use gate_core::{Json, json};
use recorder::Headers;

/// Attributes of a cookie that can be asked for, as in `cookie "sid[Secure]"`.
const ATTRIBUTES: [&str; 8] =
    ["Value", "Expires", "Max-Age", "Domain", "Path", "Secure", "HttpOnly", "SameSite"];

/// An answer, as queries look at it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    /// Such as 200.
    pub(crate) status: u16,
    /// Such as `HTTP/1.1`.
    pub(crate) version: String,
    /// Where it came from, after redirects.
    pub(crate) url: String,
    /// In order.
    pub(crate) headers: Headers,
    /// Its content codings taken off.
    pub(crate) body: Vec<u8>,
    /// From the request to the last byte, in milliseconds.
    pub(crate) duration_ms: f64,
    /// The body as JSON, once somebody has asked for it.
    pub(crate) json: OnceLock<Result<Json, String>>,
}

impl Answer {
    /// The body as text; bytes that are no UTF-8 are replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<&Json, String> {
        let read = || {
            serde_json::from_slice(&self.body)
                .map_err(|error| format!("the body is no JSON: {error}"))
        };
        self.json.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    /// The value of a cookie that it sets, or an attribute of it: `sid[Path]`. Attributes without a
    /// value are true.
    pub(crate) fn cookie(&self, asked: &str) -> Option<Json> {
        let (name, attribute) = match asked.split_once('[') {
            Some((name, attribute)) => (name, attribute.trim_end_matches(']')),
            None => (asked, "Value"),
        };
        self.headers.all("set-cookie").find_map(|line| {
            let line = String::from_utf8_lossy(line).into_owned();
            let mut parts = line.split(';');
            let (own, value) = parts.next()?.split_once('=')?;
            if own.trim() != name {
                return None;
            }
            if attribute.eq_ignore_ascii_case("value") {
                return Some(json!(value.trim()));
            }
            parts.find_map(|part| {
                let (own, value) = part.split_once('=').unwrap_or((part, ""));
                let is_it = own.trim().eq_ignore_ascii_case(attribute);
                let value = value.trim();
                is_it.then(|| if value.is_empty() { json!(true) } else { json!(value) })
            })
        })
    }
}

/// Whether a cookie can be asked for like this.
pub(super) fn is_cookie(asked: &str) -> Result<(), String> {
    let Some((_, attribute)) = asked.split_once('[') else { return Ok(()) };
    let name = attribute.strip_suffix(']').unwrap_or_default();
    if ATTRIBUTES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    Err(format!("a cookie has no `[{attribute}`; there are: {}", ATTRIBUTES.join(", ")))
}
