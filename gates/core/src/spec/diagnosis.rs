use std::fmt;
use std::sync::Arc;

use super::yaml::Position;

/// A mistake in a file of the user's, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Relative to the workspace.
    pub file: String,
    /// Where in the file; absent when the file as a whole is meant.
    pub at: Option<Position>,
    /// The text of the file, to show the line from; empty when it cannot be shown.
    pub source: Arc<str>,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// What to write or do instead.
    pub hint: Option<String>,
}

impl Diagnosis {
    /// A mistake of a file as a whole.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Diagnosis {
        Diagnosis {
            file: file.into(),
            at: None,
            source: Arc::from(""),
            message: message.into(),
            hint: None,
        }
    }

    /// Says what to write or do instead.
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnosis {
        self.hint = Some(hint.into());
        self
    }

    /// The line that the mistake stands on.
    pub fn line(&self) -> Option<&str> {
        self.source.lines().nth(self.at?.line.checked_sub(1)?)
    }
}

impl fmt::Display for Diagnosis {
    /// `file:line:column: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(Position { line, column }) = self.at {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)
    }
}
