//! How a service differs from its recording: what would break a client, what it should know, and
//! what is only new. After the tiers of API difference checkers such as oasdiff.

mod ask;
mod compare;
mod shape;

use std::fmt;

pub use ask::{Asking, Checked, check, worst};
pub use compare::{Answered, compare};

/// How much a difference matters to a client that was written against the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something is new.
    Information,
    /// It works still, and may not for long.
    Warning,
    /// It could not be looked at.
    Unchecked,
    /// A client may fail.
    Breaking,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Change {
    /// The class of the status: 200 and 404, or 302 and 200.
    Status,
    /// It wants to know who asks, and did not before.
    Authentication,
    /// The media type.
    MediaType,
    /// The character set.
    Charset,
    /// There is no body where one was.
    BodyGone,
    /// What says that it is JSON is none.
    Malformed,
    /// A member is gone.
    Removed,
    /// A member that was always there is sometimes not.
    Optional,
    /// A value has another type.
    Type,
    /// A value is null, and never was.
    Null,
    /// A text looks otherwise: a date is no date any more.
    Format,
    /// A column of a table is gone.
    Column,
    /// Where a redirect leads.
    Location,
    /// A header that clients rely on is gone.
    Header,
    /// It says that it will go.
    Deprecated,
    /// A text that is one of a few is another one.
    Enumeration,
    /// It takes much longer.
    Slower,
    /// There is nothing to compare: an array is empty.
    Empty,
    /// The body is of a type that cannot be compared.
    Opaque,
    /// A member or a header is new.
    Added,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What differs.
    pub change: Change,
    /// Where: a place in JSON (`$.data[*].id`), `header NAME`, `status` or `body`.
    pub place: String,
    /// What was recorded, in words.
    pub before: String,
    /// What it is now, in words.
    pub after: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, now {}", self.place, self.before, self.after)
    }
}

/// The place of a member.
fn at(place: &str, name: &str) -> String {
    let step = [crate::canonical::Step::Member(name.to_owned())];
    format!("{place}{}", &crate::canonical::written_place(&step)[1..])
}

#[cfg(test)]
mod tests;
