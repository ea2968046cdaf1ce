//! How a service differs from its recording: what would break a client, what it should know, and
//! what is only new. After the tiers of API difference checkers such as oasdiff.

mod ask;
mod compare;
mod document;
mod shape;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use ask::{Asking, Checked, check, is_held, worst};
pub use compare::{Answered, compare};

pub use crate::openapi::{Coverage, Document};

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
    /// The document of the service says nothing of it: an operation, a status, a content.
    Undocumented,
    /// A number, a length or a count is outside of what the document says.
    Limit,
    /// It is none of the forms that the document says, or several where it may be one.
    Alternative,
}

/// Which answers are not what the document of the service says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The one of today alone.
    Live,
    /// The recorded one alone.
    Recorded,
    /// Both, in the same way: the document is wrong, and the service has not drifted.
    Both,
    /// It does not depend on an answer.
    Document,
}

/// What in the document of the service a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// The id of the operation, else its method and path; empty, when there is none.
    pub operation: String,
    /// The first place in the body, as a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Where in the document it stands.
    pub rule: String,
    /// Which answers break it.
    pub side: Side,
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
    /// Of a finding that holds an answer against a document: then `before` is what the document
    /// says, and `after` what is there instead.
    pub document: Option<Box<Rule>>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { place, before, after, document, .. } = self;
        match document.as_ref().map(|rule| rule.side) {
            None => write!(f, "{place}: {before}, now {after}"),
            Some(side) => f.write_str(&in_document(side, place, before, after)),
        }
    }
}

/// A finding about a document, in words; without a `before` it could not be looked at.
pub fn in_document(side: Side, place: &str, before: &str, after: &str) -> String {
    match side {
        Side::Document => format!("{place}: {after}"),
        Side::Recorded if before.is_empty() => {
            format!("{place}: the recording cannot be held against the document: {after}")
        }
        _ if before.is_empty() => {
            format!("{place}: it cannot be held against the document: {after}")
        }
        Side::Live => format!("{place}: {before} in the document, now {after}"),
        Side::Recorded => {
            format!("{place}: {before} in the document, {after} in the recording")
        }
        Side::Both => {
            format!(
                "{place}: {before} in the document, {after} in the recording and now: the document is wrong"
            )
        }
    }
}

/// The place of a member.
pub(crate) fn at(place: &str, name: &str) -> String {
    let step = [crate::canonical::Step::Member(name.to_owned())];
    format!("{place}{}", &crate::canonical::written_place(&step)[1..])
}

#[cfg(test)]
mod tests;
