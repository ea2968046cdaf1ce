//! What can go wrong, in words.

use std::fmt;
use std::path::Path;

/// A fragment that fits "failed to ...", and what to do about it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    text: String,
    hint: Option<String>,
}

/// Of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Says what went wrong.
    pub fn new(text: impl Into<String>) -> Error {
        Error { text: text.into(), hint: None }
    }

    /// Says what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// An operation on a file that failed.
    pub(crate) fn file(doing: &str, path: &Path, error: impl fmt::Display) -> Error {
        Error::new(format!("{doing} {}: {error}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
