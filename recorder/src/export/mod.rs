//! Recordings in the formats of other tools. What is written here and read again is the same, as
//! far as the format has room for it; what it has no room for stands in additions of ours, where
//! the format allows them.

mod har;
mod stubs;
mod wiremock;

use bytes::Bytes;
use serde_json::{Value, json};

pub use har::to_har;
pub use wiremock::{Mappings, to_wiremock};

use crate::message::{Content, Headers};
use crate::{Error, Result};

/// What files that were written here name as their creator.
pub(crate) const CREATOR: &str = "gate";

/// A body in memory; `import::read` puts all of them there.
fn in_memory(content: &Content) -> Result<&Bytes> {
    content.bytes().ok_or_else(|| {
        Error::new("a body lies in the folder of its cassette")
            .hint("read the cassette with import::read")
    })
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Headers as pairs in their order. A value that is no text is in base64, and says so.
fn pairs(headers: &Headers) -> Vec<Value> {
    let pair = |(name, value): (&str, &[u8])| match std::str::from_utf8(value) {
        Ok(text) => json!([name, text]),
        Err(_) => json!([name, base64(value), "base64"]),
    };
    headers.iter().map(pair).collect()
}

#[cfg(test)]
mod tests;
