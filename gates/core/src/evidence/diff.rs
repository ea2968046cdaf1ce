use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Role, Structured, schema_tag};
use crate::Digest;

schema_tag!(DiffSchema, "gate-evidence-diff/v1");

/// A comparison of two pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiffEvidence {
    /// Always `gate-evidence-diff/v1`.
    #[serde(default)]
    pub schema: DiffSchema,
    /// The picture held against.
    pub baseline: Digest,
    /// The picture that was taken.
    pub candidate: Digest,
    /// Both in one, with the changes in colour.
    pub picture: Digest,
    /// Width of the candidate in pixels.
    pub width: u32,
    /// Height of the candidate in pixels.
    pub height: u32,
    /// What changed, from top to bottom.
    pub regions: Vec<DiffRegion>,
    /// What was inserted, deleted or moved, when the pictures were aligned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aligned: Option<DiffAligned>,
    /// Areas that were left out, in pixels of the candidate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<Area>,
}

impl Structured for DiffEvidence {
    const ROLE: Role = Role::Diff;

    fn refs(&self) -> Vec<Digest> {
        vec![self.baseline, self.candidate, self.picture]
    }
}

/// One area that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiffRegion {
    /// Left edge in pixels.
    pub x: u32,
    /// Upper edge in pixels.
    pub y: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// How many pixels in it changed.
    pub pixels: u64,
    /// `added`, `removed`, `recoloured`, ...
    pub kind: String,
    /// The same for the same change elsewhere.
    pub fingerprint: String,
    /// The element and property that caused it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// What has shifted between two pictures, and what changed besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffAligned {
    /// Rows that only the candidate has, in its pixels.
    pub inserted: Vec<DiffShift>,
    /// Rows that only the baseline has, in its pixels.
    pub deleted: Vec<DiffShift>,
    /// Rows that stand elsewhere, in pixels of the candidate.
    pub moved: Vec<DiffShift>,
    /// By how many rows the page has shifted in all.
    pub shifted_rows: u64,
    /// Changed pixels apart from what has shifted.
    pub changed_pixels: u64,
}

impl DiffAligned {
    /// All of it: inserted, deleted, moved.
    pub fn shifts(&self) -> impl Iterator<Item = &DiffShift> {
        self.inserted.iter().chain(&self.deleted).chain(&self.moved)
    }
}

/// Rows that have no counterpart, or have it elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffShift {
    /// Left edge in pixels.
    pub x: u32,
    /// Upper edge in pixels.
    pub y: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Of what has moved, its upper edge in the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
    /// The same for the same shift elsewhere.
    pub fingerprint: String,
    /// The element that caused it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}
