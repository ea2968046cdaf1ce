//! What is wrong with data, and where.

use std::fmt;
use std::path::PathBuf;

/// Where something stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// In which file.
    pub file: PathBuf,
    /// In which table of a warehouse, as it is written in the question.
    pub table: Option<String>,
    /// In which line of a text file, from 1.
    pub line: Option<u64>,
    /// In which row of a table, from 1, where there are no lines.
    pub row: Option<u64>,
    /// In which column.
    pub column: Option<String>,
}

/// What is wrong with data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where.
    pub place: Box<Place>,
    /// What, as a lowercase fragment.
    pub what: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Error {
    pub(crate) fn new(what: impl Into<String>) -> Error {
        Error { place: Box::default(), what: what.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn column(mut self, column: &str) -> Error {
        self.place.column = Some(column.to_owned());
        self
    }

    pub(crate) fn row(mut self, row: u64) -> Error {
        self.place.row = Some(row);
        self
    }

    pub(crate) fn line(mut self, line: u64) -> Error {
        self.place.line = Some(line);
        self
    }

    pub(crate) fn table(mut self, table: impl Into<String>) -> Error {
        self.place.table = Some(table.into());
        self
    }

    pub(crate) fn file(mut self, file: &std::path::Path) -> Error {
        file.clone_into(&mut self.place.file);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.file.as_os_str().is_empty() {
            write!(f, "{}: ", self.place.file.display())?;
        }
        if let Some(table) = &self.place.table {
            write!(f, "table `{table}`: ")?;
        }
        match (self.place.line, self.place.row) {
            (Some(line), _) => write!(f, "line {line}: ")?,
            (None, Some(row)) => write!(f, "row {row}: ")?,
            (None, None) => {}
        }
        if let Some(column) = &self.place.column {
            write!(f, "column `{column}`: ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}
