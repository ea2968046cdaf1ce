//! What the caller may choose, and the ranges within which it may.

use std::num::NonZeroU32;

use crate::error::Side;
use crate::mask::Masks;
use crate::{Error, Rect};

/// How [`compare`](crate::compare) looks at the two pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How the difference between two colours is measured.
    pub metric: Metric,
    /// From which distance on two colours differ, 0 (any difference) to 1 (none). Default 0.1.
    pub threshold: f64,
    /// Whether pixels that only smooth an edge count as changed. Default `false`.
    pub count_antialiased: bool,
    /// Rectangles whose pixels never count, in either picture. They may overlap and may reach
    /// beyond the picture.
    pub masks: Vec<Rect>,
    /// More of them that cover something in the baseline; it may stand elsewhere in the candidate.
    pub baseline_masks: Vec<Rect>,
    /// More of them that cover something in the candidate.
    pub candidate_masks: Vec<Rect>,
    /// Whether rows that were inserted, deleted or moved are recognised, so that the rest is
    /// compared where it stands now. Default `true`; it keeps up to 128 MiB of hashes and reads the
    /// files once more when something has shifted. Pictures of more than 262,144 rows are compared
    /// in place.
    pub align: bool,
    /// How high the window was that the pages were photographed in. A picture that is no higher
    /// shows a page that did not fill it; the blank rows by which this makes up for a shift
    /// further up are no shift of their own then.
    pub window_rows: Option<u32>,
    /// Changed pixels belong to one region when neither their rows nor their columns lie further
    /// apart than this, 1 (they touch) to 64. Default 8.
    pub merge_distance: u32,
    /// How many regions are described; of more than that the largest are kept and the rest is
    /// only counted. Default 1,000.
    pub max_regions: usize,
    /// What an input may cost.
    pub limits: Limits,
    /// How many rows are decoded and handed over at once; `None` lets the width decide. It has
    /// no influence on the result.
    pub band_rows: Option<NonZeroU32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            metric: Metric::Yiq,
            threshold: 0.1,
            count_antialiased: false,
            masks: Vec::new(),
            baseline_masks: Vec::new(),
            candidate_masks: Vec::new(),
            align: true,
            window_rows: None,
            merge_distance: 8,
            max_regions: 1_000,
            limits: Limits::default(),
            band_rows: None,
        }
    }
}

impl Options {
    /// The masks of one side.
    pub(crate) fn masks_of(&self, side: Side) -> Masks {
        let own = match side {
            Side::Baseline => &self.baseline_masks,
            Side::Candidate => &self.candidate_masks,
        };
        Masks::new(self.masks.iter().chain(own))
    }

    /// The masks of both sides together, for comparing pixels in the same place.
    pub(crate) fn all_masks(&self) -> Masks {
        Masks::new(self.masks.iter().chain(&self.baseline_masks).chain(&self.candidate_masks))
    }

    /// Refuses what has no meaning, before any file is opened.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&self.threshold) {
            return Err(Error::Option(format!(
                "threshold {} is not within 0 to 1",
                self.threshold
            )));
        }
        if !(1..=64).contains(&self.merge_distance) {
            return Err(Error::Option(format!(
                "merge distance {} is not within 1 to 64",
                self.merge_distance
            )));
        }
        Ok(())
    }
}

/// How the difference between two colours is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Metric {
    /// The YIQ distance of Kotsarenko and Ramos (2010), with the very counts of pixelmatch 7.2.0.
    #[default]
    Yiq,
    /// HyAB in OKLab, which rates hues at the same brightness as the eye does. Whether a pixel
    /// smooths an edge is decided by its luma as with YIQ.
    Oklab,
}

/// Caps that are checked from the header, before anything is allocated for the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Width times height. Default 200,000,000.
    pub pixels: u64,
    /// Width in pixels, since a few rows are always in memory. Default 65,535.
    pub width: u32,
    /// The size of a file as it lies on disk, in bytes. Default 512 MiB.
    pub file_bytes: u64,
    /// What a decoded picture may take that cannot be read row by row (an interlaced PNG, a JPEG
    /// and so on), in bytes. Default 256 MiB, which is 67 million pixels.
    pub frame_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pixels: 200_000_000, width: 65_535, file_bytes: 512 << 20, frame_bytes: 256 << 20 }
    }
}
