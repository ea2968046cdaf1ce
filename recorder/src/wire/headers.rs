//! Headers between HTTP's own types and a recording's.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::message::Headers;

/// What concerns one connection and not the message (RFC 9110, 7.6.1).
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The headers of a message without those of the connection it came over.
pub(crate) fn end_to_end(map: &HeaderMap) -> Headers {
    let named: Vec<String> = map
        .get_all(http::header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let stays =
        |name: &str| !HOP_BY_HOP.contains(&name) && !named.iter().any(|other| other == name);
    map.iter()
        .filter(|(name, _)| stays(name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_bytes().to_vec()))
        .collect()
}

/// Headers as HTTP's own type; what HTTP cannot send is left out, since other formats hold anything.
pub(crate) fn to_map(headers: &Headers) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter() {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    map
}
