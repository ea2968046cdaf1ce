use std::sync::OnceLock;

use gate_core::{Json, json};

/// Attributes of a cookie that can be asked for, as in `cookie "sid[Secure]"`.
const ATTRIBUTES: [&str; 8] =
    ["Value", "Expires", "Max-Age", "Domain", "Path", "Secure", "HttpOnly", "SameSite"];

/// An answer, as queries look at it.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// Such as `HTTP/1.1`.
    pub version: String,
    /// Where it came from, after redirects.
    pub url: String,
    /// In order, their names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its content codings taken off.
    pub body: Vec<u8>,
    /// From the request to the last byte, in milliseconds.
    pub duration_ms: f64,
    /// The body as JSON, once somebody has asked for it.
    pub json: OnceLock<Result<Json, String>>,
}

impl Answer {
    /// All values of a header, whose name is in lower case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let own = self.headers.iter().filter(move |(other, _)| other == name);
        own.map(|(_, value)| value.as_slice())
    }

    /// Whether it has a header, whose name is in lower case.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<&Json, String> {
        let read = || {
            serde_json::from_slice(&self.body)
                .map_err(|error| format!("the body is no JSON: {error}"))
        };
        self.json.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    /// The value of a cookie that it sets, or an attribute of it: `sid[Path]`. Attributes without a
    /// value are true.
    pub fn cookie(&self, asked: &str) -> Option<Json> {
        let (name, attribute) = match asked.split_once('[') {
            Some((name, attribute)) => (name, attribute.trim_end_matches(']')),
            None => (asked, "Value"),
        };
        self.all("set-cookie").find_map(|line| {
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
pub(crate) fn is_cookie(asked: &str) -> Result<(), String> {
    let Some((_, attribute)) = asked.split_once('[') else { return Ok(()) };
    let name = attribute.strip_suffix(']').unwrap_or_default();
    if ATTRIBUTES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    Err(format!("a cookie has no `[{attribute}`; there are: {}", ATTRIBUTES.join(", ")))
}
