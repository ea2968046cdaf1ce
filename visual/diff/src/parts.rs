//! What only one of two pictures of different sizes has.
//!
//! Each side may have one to the right of the overlap, as high as the overlap, and one below it,
//! as wide as its picture.

use std::ops::Range;

use crate::engine::Sizes;
use crate::error::Side;
use crate::fingerprint::{OneSided, PartDigest};
use crate::layout::Pixel;
use crate::{Rect, Region, RegionKind};

/// The parts of both pictures that have no counterpart.
pub(crate) struct Parts(Vec<Part>);

struct Part {
    side: Side,
    rect: Rect,
    kind: RegionKind,
    pixels: u64,
    digest: PartDigest,
}

impl Parts {
    pub(crate) fn new(sizes: Sizes) -> Self {
        Self::beyond(sizes, sizes.overlap().height, sizes.overlap().height)
    }

    /// Only those to the right, as high as their pictures: below, all rows are accounted for.
    pub(crate) fn beside(sizes: Sizes) -> Self {
        Self::beyond(sizes, sizes.baseline.height, sizes.candidate.height)
    }

    fn beyond(sizes: Sizes, baseline_height: u32, candidate_height: u32) -> Self {
        let width = sizes.overlap().width;
        let mut parts = Vec::new();
        for (side, size, height, kind) in [
            (Side::Baseline, sizes.baseline, baseline_height, RegionKind::Removed),
            (Side::Candidate, sizes.candidate, candidate_height, RegionKind::Added),
        ] {
            let right = Rect { x: width, y: 0, width: size.width - width, height };
            let below = Rect { x: 0, y: height, width: size.width, height: size.height - height };
            for rect in [right, below].into_iter().filter(|r| r.width > 0 && r.height > 0) {
                let digest = PartDigest::new(match side {
                    Side::Baseline => OneSided::Removed,
                    Side::Candidate => OneSided::Added,
                });
                parts.push(Part { side, rect, kind, pixels: 0, digest });
            }
        }
        Self(parts)
    }

    /// Which columns of row `y` only that side has.
    pub(crate) fn columns(&self, side: Side, y: u32) -> Option<Range<u32>> {
        let rect = self.0.iter().find(|part| part.has(side, y))?.rect;
        Some(rect.x..rect.x + rect.width)
    }

    /// Takes row `y` of that side, of which only the columns in `open` count.
    pub(crate) fn take(&mut self, side: Side, y: u32, row: &[Pixel], open: &[Range<u32>]) {
        let Some(part) = self.0.iter_mut().find(|part| part.has(side, y)) else { return };
        for open in open {
            let start = open.start.max(part.rect.x);
            if start < open.end {
                let pixels = &row[start as usize..open.end as usize];
                part.digest.add(y - part.rect.y, start - part.rect.x, pixels);
                part.pixels += pixels.len() as u64;
            }
        }
    }

    /// A region for each part that is not masked altogether.
    pub(crate) fn finish(self) -> Vec<Region> {
        let seen = self.0.into_iter().filter(|part| part.pixels > 0);
        seen.map(|part| Region {
            x: part.rect.x,
            y: part.rect.y,
            width: part.rect.width,
            height: part.rect.height,
            pixels: part.pixels,
            kind: part.kind,
            fingerprint: part.digest.finish(),
            mean_distance: 1.0,
        })
        .collect()
    }
}

impl Part {
    fn has(&self, side: Side, y: u32) -> bool {
        self.side == side && (self.rect.y..self.rect.y + self.rect.height).contains(&y)
    }
}
