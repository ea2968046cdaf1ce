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
    pub aligned: Option<serde_json::Value>,
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
