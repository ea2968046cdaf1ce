//! Evidence: files kept by their content, so that a person can open what a verdict rests on.
//!
//! A role says how to show a file. The roles that are more than bytes have a versioned schema in
//! a module of their own; whoever writes one of these can be shown by the review application
//! without it knowing the kind of gate.

mod diff;
mod exchange;
mod page;
mod series;
mod table;

pub use diff::{Area, DiffAligned, DiffEvidence, DiffRegion, DiffSchema, DiffShift};
pub use exchange::{Difference, ExchangeEvidence, ExchangeSchema, Request, Response};
pub use page::{Block, FormField, Interval, Page, PageSchema};
pub use series::{Axis, Series, SeriesEvidence, SeriesLimit, SeriesSchema};
pub use table::{Align, Column, TableEvidence, TableSchema};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// How a file is shown to a person.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A picture.
    Image,
    /// A comparison of two pictures: [`DiffEvidence`].
    Diff,
    /// Rows and columns: [`TableEvidence`].
    Table,
    /// Values over time or another axis: [`SeriesEvidence`].
    Series,
    /// A request and its response: [`ExchangeEvidence`].
    Exchange,
    /// Plain text, as a program wrote it.
    Log,
    /// Headings, text, tables and charts: [`Page`].
    Page,
}

/// A reference to a file in the evidence store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// How it is shown.
    pub role: Role,
    /// What it is, a few words.
    pub label: String,
    /// Its media type, such as `image/png`.
    pub media_type: String,
    /// Where it lies in the store.
    pub digest: Digest,
    /// How long it is.
    pub bytes: u64,
    /// Other files of the store that it speaks of. Pruning and bundles follow these and nothing
    /// else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refs: Vec<Digest>,
}

/// A structured kind of evidence: what it is shown as, and which files it rests on.
pub trait Structured: Serialize {
    /// The role of such a file.
    const ROLE: Role;

    /// The files of the store that it speaks of.
    fn refs(&self) -> Vec<Digest> {
        Vec::new()
    }
}

/// Writes the schema's name into each file of a structured role, and refuses another one.
macro_rules! schema_tag {
    ($name:ident, $text:literal) => {
        /// The name and version of this schema, the same in every such file.
        #[derive(
            Debug,
            Clone,
            Copy,
            Default,
            PartialEq,
            Eq,
            serde::Serialize,
            serde::Deserialize,
            schemars::JsonSchema,
        )]
        pub enum $name {
            /// The only version so far.
            #[default]
            #[serde(rename = $text)]
            V1,
        }
    };
}
pub(crate) use schema_tag;
