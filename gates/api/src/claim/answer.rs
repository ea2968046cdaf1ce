use gate_core::Json;
use recorder::Headers;

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
}

impl Answer {
    /// The body as text; bytes that are no UTF-8 are replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Json, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("the body is no JSON: {error}"))
    }

    /// The value of a cookie that it sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.headers.all("set-cookie").find_map(|line| {
            let line = String::from_utf8_lossy(line).into_owned();
            let (pair, _) = line.split_once(';').unwrap_or((&line, ""));
            let (own, value) = pair.split_once('=')?;
            (own.trim() == name).then(|| value.trim().to_owned())
        })
    }
}
