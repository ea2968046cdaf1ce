//! Why a comparison could not be made.

use std::{fmt, io};

/// Which of the two pictures is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The picture that is taken as right.
    Baseline,
    /// The picture under test.
    Candidate,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        })
    }
}

/// Why a comparison could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An option is out of range.
    Option(String),
    /// A picture could not be read.
    Picture {
        /// Which one.
        side: Side,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The diff image could not be written.
    DiffImage(io::Error),
}

/// What is wrong with a picture.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// It could not be opened or read.
    Io(io::Error),
    /// It is in no format that is known here.
    NotAPicture,
    /// It exceeds one of the [`Limits`](crate::Limits).
    TooLarge {
        /// What was measured, with its unit: `pixels`, `pixels of width`, `bytes`, `bytes once decoded`.
        what: &'static str,
        /// How much of it the file has or announces.
        found: u64,
        /// How much was allowed.
        limit: u64,
    },
    /// The file ends too early.
    Truncated,
    /// The file contradicts its format or itself.
    Malformed(String),
}

impl Problem {
    pub(crate) fn at(self, side: Side) -> Error {
        Error::Picture { side, problem: self }
    }
}

impl Error {
    /// What the reader of the message could do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Picture { problem, .. } => match problem {
                Problem::NotAPicture => Some("PNG, JPEG, WebP, GIF and BMP can be read"),
                Problem::TooLarge { .. } => Some("raise the limit if the picture can be trusted"),
                Problem::Truncated => Some("capture or copy the picture again"),
                Problem::Io(_) | Problem::Malformed(_) => None,
            },
            Self::Option(_) | Self::DiffImage(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(text) => f.write_str(text),
            Self::Picture { side, problem } => write!(f, "{side} cannot be read: {problem}"),
            Self::DiffImage(error) => write!(f, "diff image cannot be written: {error}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NotAPicture => f.write_str("not a picture in a known format"),
            Self::TooLarge { what, found, limit } => {
                write!(f, "{found} {what} where {limit} are allowed")
            }
            Self::Truncated => f.write_str("the file ends too early"),
            Self::Malformed(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Picture { problem: Problem::Io(error), .. } | Self::DiffImage(error) => {
                Some(error)
            }
            _ => None,
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            // Not from the system, but from a reader that looked into the content.
            io::ErrorKind::InvalidData => Self::Malformed(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

impl From<png::DecodingError> for Problem {
    fn from(error: png::DecodingError) -> Self {
        match error {
            png::DecodingError::IoError(error) => error.into(),
            other => {
                let text = other.to_string();
                // The decoder has no value of its own for compressed data that stops too early.
                if text.contains("InsufficientInput") || text.contains("No more image data") {
                    Self::Truncated
                } else {
                    Self::Malformed(text)
                }
            }
        }
    }
}

impl From<image::ImageError> for Problem {
    fn from(error: image::ImageError) -> Self {
        match error {
            image::ImageError::IoError(error) => error.into(),
            other => Self::Malformed(other.to_string()),
        }
    }
}
