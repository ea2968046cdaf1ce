//! Digests of changes that do not depend on where on the page the change is.

use crate::around::Around;
use crate::layout::Pixel;
use crate::regions::Run;
use crate::{Fingerprint, RegionKind};

const CHANGE: &str = "visual-diff 2026 fingerprint of changed pixels v1";
const PART: &str = "visual-diff 2026 fingerprint of a part in one picture only v1";

/// A digest that grows with the region, row by row.
///
/// Each step hashes the digest so far with what was added, at a place relative to the region's
/// first pixel. The order of the steps follows from the region's own pixels alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Chain([u8; 32]);

impl Chain {
    /// Adds changed pixels of the middle row; `by` is how far down and to the right of the
    /// region's first pixel the first of them lies.
    pub(crate) fn add(
        &mut self,
        by: (i64, i64),
        runs: &[Run],
        before: &Around<'_>,
        after: &Around<'_>,
        buffer: &mut Vec<u8>,
    ) {
        self.begin(*b"runs", by, buffer);
        for run in runs {
            let columns = run.columns.start as usize..run.columns.end as usize;
            let was = &before.middle()[columns.clone()];
            let is = &after.middle()[columns];
            store_numbers(&[run.columns.start - runs[0].columns.start, is.len() as u32], buffer);
            // Flat areas are stored as their colours and their length.
            let mut at = 0;
            while at < is.len() {
                let pair = (was[at], is[at]);
                let pairs = was[at..].iter().zip(&is[at..]);
                let same = pairs.take_while(|(was, is)| (**was, **is) == pair).count();
                store_numbers(&[pair.0, pair.1, same as u32], buffer);
                at += same;
            }
        }
        self.0 = *blake3::hash(buffer).as_bytes();
    }

    /// Adds another region, whose first pixel lies that far down and to the right.
    pub(crate) fn absorb(&mut self, by: (i64, i64), other: Self, buffer: &mut Vec<u8>) {
        self.begin(*b"join", by, buffer);
        buffer.extend_from_slice(&other.0);
        self.0 = *blake3::hash(buffer).as_bytes();
    }

    fn begin(&self, what: [u8; 4], by: (i64, i64), buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.extend_from_slice(&self.0);
        buffer.extend_from_slice(&what);
        buffer.extend_from_slice(&by.0.to_le_bytes());
        buffer.extend_from_slice(&by.1.to_le_bytes());
    }

    pub(crate) fn finish(self) -> Fingerprint {
        shortened(blake3::derive_key(CHANGE, &self.0))
    }
}

/// The digest of a part that only one picture has.
pub(crate) struct PartDigest {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl PartDigest {
    pub(crate) fn new(kind: RegionKind) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(PART);
        hasher.update(&[u8::from(kind == RegionKind::Removed)]);
        Self { hasher, buffer: Vec::new() }
    }

    /// Adds pixels `down` rows and `right` columns from the part's corner.
    pub(crate) fn add(&mut self, down: u32, right: u32, pixels: &[Pixel]) {
        self.buffer.clear();
        store_numbers(&[down, right, pixels.len() as u32], &mut self.buffer);
        store_numbers(pixels, &mut self.buffer);
        self.hasher.update(&self.buffer);
    }

    pub(crate) fn finish(&self) -> Fingerprint {
        shortened(*self.hasher.finalize().as_bytes())
    }
}

fn store_numbers(numbers: &[u32], buffer: &mut Vec<u8>) {
    buffer.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

fn shortened(digest: [u8; 32]) -> Fingerprint {
    Fingerprint(*digest.first_chunk().expect("32 bytes hold 16"))
}
