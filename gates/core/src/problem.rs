//! What can go wrong: a user's mistake is a [`Problem`], a failed measurement an [`Error`].

use std::fmt;

/// A mistake in a spec, at a path inside it.
///
/// The loader turns the path into a line and a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From the top of the document: `["with", "pages", "2"]`. Numbers count from 0.
    pub path: Vec<String>,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of the setting at `path`, given relative to `with`.
    pub fn at<P: Into<String>>(
        path: impl IntoIterator<Item = P>,
        message: impl Into<String>,
    ) -> Problem {
        let mut full = vec!["with".to_owned()];
        full.extend(path.into_iter().map(Into::into));
        Problem { path: full, message: message.into(), hint: None }
    }

    /// A problem of a tool's input, in this field of it.
    pub fn of_field(field: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { path: vec![field.into()], message: message.into(), hint: None }
    }

    /// A problem of a tool's input as a whole.
    pub fn of_input(message: impl Into<String>) -> Problem {
        Problem { path: Vec::new(), message: message.into(), hint: None }
    }

    /// Says what to write instead.
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }
}

/// Why something could not be done: a lower-case fragment that fits "failed to ...", and what to
/// do about it kept apart. From a gate, it becomes an inconclusive check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    message: String,
    hint: Option<String>,
}

impl Error {
    /// An error of this message.
    pub fn new(message: impl Into<String>) -> Error {
        Error { message: message.into(), hint: None }
    }

    /// Says what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// Says what to do about it, from a borrowed text: for folding over an optional one.
    pub fn hint_ref(self, hint: impl AsRef<str>) -> Error {
        self.hint(hint.as_ref())
    }

    /// Puts what was being done in front.
    pub fn while_doing(mut self, what: impl fmt::Display) -> Error {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        let hint = match error.kind() {
            std::io::ErrorKind::StorageFull => Some("free some space and run again".to_owned()),
            _ => None,
        };
        Error { message: error.to_string(), hint }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Error {
        Error::new(error.to_string())
    }
}

/// Adds what was being done to an error on its way up.
pub trait While<T> {
    /// Puts `what` in front of the message: `reading shop.png: no such file`.
    fn while_doing<D: fmt::Display>(self, what: impl FnOnce() -> D) -> Result<T, Error>;
}

impl<T, E: Into<Error>> While<T> for Result<T, E> {
    fn while_doing<D: fmt::Display>(self, what: impl FnOnce() -> D) -> Result<T, Error> {
        self.map_err(|error| error.into().while_doing(what()))
    }
}
