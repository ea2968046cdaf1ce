//! What a comparison found, as plain data that a gate can store.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What [`compare`](crate::compare) found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The size of the baseline.
    pub baseline: Size,
    /// The size of the candidate.
    pub candidate: Size,
    /// The sizes agree, and outside the masks no pixel differs by even the least amount.
    pub identical: bool,
    /// Changed pixels as pixelmatch counts them; `None` when the sizes differ, for which it has
    /// no answer.
    pub changed_pixels: Option<u64>,
    /// Changed pixels in the part that both pictures have (from the top left corner).
    pub overlap_changed_pixels: u64,
    /// Pixels that differ but only smooth an edge; 0 when those count as changed.
    pub antialiased_pixels: u64,
    /// Changed pixels, with those that only one picture has, as a share of all pixels that at
    /// least one picture has: 0 to 1. Masked pixels are part of the whole.
    pub changed_ratio: f64,
    /// Where the changes are, from top to bottom, then from left to right: of the aligned
    /// comparison if there is one, so that what has merely shifted is not among them.
    pub regions: Vec<Region>,
    /// How many regions were found beyond the limit and are only counted here.
    pub regions_omitted: u64,
    /// What has shifted, and what has changed besides; `None` when it was not asked for.
    #[serde(default)]
    pub aligned: Option<Aligned>,
}

/// The comparison once every row is held against the one that it was.
///
/// When nothing has shifted the lists are empty and `changed_pixels` is the plain count in the
/// part that both pictures have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Aligned {
    /// Rows, or parts of rows, that only the candidate has; in its coordinates.
    pub inserted: Vec<Shift>,
    /// Rows, or parts of rows, that only the baseline has; in its coordinates.
    pub deleted: Vec<Shift>,
    /// Rows that are the same and stand elsewhere; in the coordinates of the candidate.
    pub moved: Vec<Move>,
    /// Changed pixels apart from what was inserted, deleted or moved.
    pub changed_pixels: u64,
}

impl Aligned {
    /// Whether nothing was inserted, deleted or moved.
    pub fn is_unshifted(&self) -> bool {
        self.inserted.is_empty() && self.deleted.is_empty() && self.moved.is_empty()
    }

    /// By how many rows the page has shifted, the sum of all that was inserted and deleted; of
    /// columns that shifted side by side the farthest counts.
    pub fn shifted_rows(&self) -> u64 {
        side_by_side(&self.inserted) + side_by_side(&self.deleted)
    }
}

/// The rows that at least one of the rectangles has.
fn side_by_side(shifts: &[Shift]) -> u64 {
    let mut rows: Vec<_> = shifts.iter().map(|shift| (shift.y, shift.y + shift.height)).collect();
    rows.sort_unstable();
    let mut next = 0;
    let mut sum = 0;
    for (start, end) in rows {
        sum += u64::from(end.saturating_sub(start.max(next)));
        next = next.max(end);
    }
    sum
}

/// Rows that only one picture has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shift {
    /// Leftmost column.
    pub x: u32,
    /// Topmost row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// What is in these rows, wherever on the page they are.
    pub fingerprint: Fingerprint,
}

/// Rows that stand elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Move {
    /// Leftmost column.
    pub x: u32,
    /// Topmost row in the candidate.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Topmost row in the baseline.
    pub from: u32,
    /// What was moved, and by how many rows.
    pub fingerprint: Fingerprint,
}

/// The size of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// Width times height.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// A rectangle of pixels; `x` and `y` are those of its top left corner, counted from that of the picture.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Rect {
    /// Leftmost column.
    pub x: u32,
    /// Topmost row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Changed pixels that lie near each other, seen as one change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Region {
    /// Leftmost column of the smallest rectangle around it.
    pub x: u32,
    /// Topmost row of that rectangle.
    pub y: u32,
    /// Columns of that rectangle.
    pub width: u32,
    /// Rows of that rectangle.
    pub height: u32,
    /// How many pixels in the rectangle changed.
    pub pixels: u64,
    /// What seems to have happened.
    pub kind: RegionKind,
    /// What was there and what is there now, wherever on the page that is.
    pub fingerprint: Fingerprint,
    /// Mean distance between the old and the new colour of its changed pixels, on the scale of
    /// the threshold: 0 to 1. A part that only one picture has counts as 1.
    pub mean_distance: f64,
}

impl Region {
    /// The smallest rectangle around the region: in the baseline when it is a part that only the
    /// baseline has, in the candidate otherwise.
    pub fn rect(&self) -> Rect {
        Rect { x: self.x, y: self.y, width: self.width, height: self.height }
    }
}

/// What seems to have happened in a region. A guess from the pixels alone.
///
/// It rests on where colours meet: two neighbouring pixels with clearly different colours form an
/// edge. Edges in and around the changed pixels are counted before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RegionKind {
    /// Something stands where it was (nearly) plain, or where the baseline has no pixels at all.
    Added,
    /// It is (nearly) plain where something stood, or where the candidate has no pixels at all.
    Removed,
    /// The shapes stayed (at least four edges in five), their colours changed.
    Recoloured,
    /// Writing on a ground of one colour was replaced by other writing.
    TextChanged,
    /// The very pixels that are gone here have appeared in another region, or the other way round.
    Moved,
    /// Anything else.
    Changed,
}

/// A digest of a change: the shape of the changed pixels with their colours before and after.
///
/// It does not depend on where on the page the change is. It is equal for the same change
/// elsewhere, and different when a pixel of it differs in place or colour. Two comparisons must
/// have used the same threshold, anti-aliasing rule and merge distance to be held against each
/// other by it. Written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub(crate) [u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A text that is no fingerprint: not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAFingerprint;

impl fmt::Display for NotAFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fingerprint has 32 lower-case hexadecimal digits")
    }
}

impl std::error::Error for NotAFingerprint {}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(NotAFingerprint),
        };
        let bytes: &[u8; 32] = text.as_bytes().try_into().map_err(|_| NotAFingerprint)?;
        let mut out = [0; 16];
        for (byte, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(out))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Fingerprint {
    fn schema_name() -> Cow<'static, str> {
        "Fingerprint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
    }
}
