//! Values that are checked where they are written.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

/// Which recordings are meant: a method and a pattern of paths, `GET /v1/contacts/*`, or `*`.
#[derive(Debug, Clone)]
pub struct Wanted {
    text: String,
    /// None for every method.
    method: Option<String>,
    path: GlobMatcher,
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Wanted) -> bool {
        self.text == other.text
    }
}

impl Wanted {
    /// Whether a recording of this method and address is meant.
    pub(crate) fn covers(&self, method: &str, url: &str) -> bool {
        let path = recorder::Address::of(url).path;
        self.method.as_ref().is_none_or(|wanted| wanted == method) && self.path.is_match(path)
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Wanted, String> {
        let wrong =
            || format!("`{text}` means no recording: write GET /v1/contacts/*, or * for all");
        let (method, path) = match text.trim().split_once(char::is_whitespace) {
            _ if text.trim() == "*" => (None, "**"),
            Some((method, path)) if path.trim().starts_with('/') => {
                (Some(method.to_ascii_uppercase()), path.trim())
            }
            None if text.trim().starts_with('/') => (None, text.trim()),
            _ => return Err(wrong()),
        };
        let glob = GlobBuilder::new(path).literal_separator(true).build().map_err(|_| wrong())?;
        Ok(Wanted { text: text.trim().to_owned(), method, path: glob.compile_matcher() })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

gate_request::as_text!(Wanted, ["*", "GET /v1/contacts/*"]);
