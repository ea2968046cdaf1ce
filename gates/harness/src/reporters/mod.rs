//! Reporters: pure functions of one [`Report`].
//!
//! Texts in a report come from pages, servers and programs that nobody vouches for. Each format
//! has one way in for them: [`clean_line`] and [`clean_lines`] make every control character,
//! bidirectional override and workflow command visible and harmless, and the format's own module
//! escapes its markup.

/// Appends a formatted text to a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($text:tt)+) => {{
        use std::fmt::Write as _;
        let _ = write!($out, $($text)+);
    }};
}

mod colour;
mod explain;
#[cfg(test)]
pub(crate) mod fixture;
mod github;
mod json;
mod junit;
mod markdown;
mod markdown_text;
mod terminal;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use gate_core::{Digest, Error, Report, Store};
use gate_runs::{clean, words};

pub use gate_runs::clean::{line as clean_line, lines as clean_lines};

pub use colour::colour_choice;
pub use explain::explain;

pub(crate) use colour::Paint;
pub(crate) use gate_runs::clean::{cut, is_hostile};
pub(crate) use gate_runs::words::{count, duration, symbol};

/// A form that a report can be written in; its name on the command line is in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A summary of one screen, for a person at a terminal or in a build log.
    Terminal,
    /// The report itself, `gate-report/v1`.
    Json,
    /// JUnit XML, as GitLab, Jenkins and Buildkite read it.
    Junit,
    /// A page for a job summary or a pull request.
    Markdown,
    /// Annotations, as GitHub Actions reads them from standard output.
    Github,
    /// A folder with the run and all that it rests on. It is not a text: [`render`] refuses it.
    Bundle,
}

impl Format {
    /// Every format, in the order in which help lists them.
    pub const ALL: [Format; 6] = [
        Format::Terminal,
        Format::Json,
        Format::Junit,
        Format::Markdown,
        Format::Github,
        Format::Bundle,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Terminal => "terminal",
            Format::Json => "json",
            Format::Junit => "junit",
            Format::Markdown => "markdown",
            Format::Github => "github",
            Format::Bundle => "bundle",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Format, Error> {
        Format::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Format::ALL.map(Format::name).join(", ");
            Error::new(format!("there is no format `{}`; there are {names}", clean::line(text)))
        })
    }
}

/// What a reporter has to know besides the report.
#[derive(Debug, Clone)]
pub struct Around {
    /// Where the evidence lies; its folder should be absolute, because build servers look for
    /// attachments from a folder of their own.
    pub store: Store,
    /// How many columns a line may have. Fewer than 40 count as 40.
    pub width: usize,
    /// Whether colours are wanted; see [`colour_choice`].
    pub colour: bool,
    /// The folder of the run, where `report.json` lies.
    pub run_dir: PathBuf,
}

impl Around {
    fn columns(&self) -> usize {
        self.width.max(40)
    }

    fn report_path(&self) -> String {
        clean::line(&self.run_dir.join("report.json").to_string_lossy()).into_owned()
    }

    fn path_of(&self, digest: &Digest) -> String {
        clean::line(&self.store.path(digest).to_string_lossy()).into_owned()
    }
}

/// The report as the one JSON document that `--json` prints and `report.json` holds.
pub(crate) fn document(report: &Report) -> Result<Vec<u8>, Error> {
    json::render(report)
}

/// Writes a report in one of the textual formats; each ends with a newline unless it is empty.
///
/// # Errors
///
/// For [`Format::Bundle`], which is a folder.
pub fn render(format: Format, report: &Report, around: &Around) -> Result<Vec<u8>, Error> {
    match format {
        Format::Terminal => Ok(terminal::render(report, around).into_bytes()),
        Format::Json => json::render(report),
        Format::Junit => junit::render(report, around),
        Format::Markdown => Ok(markdown::render(report, around).into_bytes()),
        Format::Github => Ok(github::render(report).into_bytes()),
        Format::Bundle => Err(Error::new("a bundle is a folder and cannot be written as text")
            .hint("write --report bundle=FOLDER")),
    }
}
