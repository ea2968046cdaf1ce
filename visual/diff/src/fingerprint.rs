//! Digests of changes that do not depend on where on the page the change is.

use crate::Fingerprint;
use crate::around::Around;
use crate::layout::Pixel;
use crate::regions::Run;

const CHANGE: &str = "visual-diff 2026 fingerprint of changed pixels v1";
const PART: &str = "visual-diff 2026 fingerprint of a part in one picture only v1";

/// How much is collected before it is hashed: enough for the hash to work on several blocks at
/// once, little enough for many regions to collect at the same time.
const PENDING_BYTES: usize = 8 << 10;

/// A digest that grows with the region, row by row.
///
/// What is added is placed relative to the region's first pixel, and the order follows from the
/// region's own pixels alone. Once enough has been collected, its hash takes its place.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    pending: Vec<u8>,
}

impl Chain {
    /// Adds changed pixels of the middle row; `by` is how far down and to the right of the
    /// region's first pixel the first of them lies.
    pub(crate) fn add(
        &mut self,
        by: (i64, i64),
        runs: &[Run],
        before: &Around<'_>,
        after: &Around<'_>,
    ) {
        self.begin(*b"runs", by);
        self.pending.extend_from_slice(&(runs.len() as u32).to_le_bytes());
        for run in runs {
            let columns = run.columns.start as usize..run.columns.end as usize;
            let (was, is) = (&before.middle()[columns.clone()], &after.middle()[columns]);
            let flat = is_flat(was) && is_flat(is);
            let offset = run.columns.start - runs[0].columns.start;
            store(&[offset, is.len() as u32, flat.into()], &mut self.pending);
            // A flat run is stored as its two colours.
            let stored = if flat { 1 } else { is.len() };
            store(&was[..stored], &mut self.pending);
            store(&is[..stored], &mut self.pending);
        }
    }

    /// Adds another region, whose first pixel lies that far down and to the right.
    pub(crate) fn absorb(&mut self, by: (i64, i64), other: &Self) {
        self.begin(*b"join", by);
        self.pending.extend_from_slice(blake3::hash(&other.pending).as_bytes());
    }

    fn begin(&mut self, what: [u8; 4], by: (i64, i64)) {
        if self.pending.len() >= PENDING_BYTES {
            let digest = blake3::hash(&self.pending);
            self.pending.clear();
            self.pending.extend_from_slice(b"hash");
            self.pending.extend_from_slice(digest.as_bytes());
        }
        self.pending.extend_from_slice(&what);
        self.pending.extend_from_slice(&by.0.to_le_bytes());
        self.pending.extend_from_slice(&by.1.to_le_bytes());
    }

    pub(crate) fn finish(self) -> Fingerprint {
        shortened(blake3::derive_key(CHANGE, &self.pending))
    }
}

fn is_flat(pixels: &[Pixel]) -> bool {
    pixels.iter().all(|pixel| *pixel == pixels[0])
}

/// What is not compared with a counterpart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OneSided {
    Added,
    Removed,
    /// So many rows down.
    Moved {
        by: i64,
    },
}

/// The digest of a part that only one picture has, or that was moved as it is.
pub(crate) struct PartDigest {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl PartDigest {
    pub(crate) fn new(what: OneSided) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(PART);
        match what {
            OneSided::Added => hasher.update(&[0]),
            OneSided::Removed => hasher.update(&[1]),
            OneSided::Moved { by } => hasher.update(&[2]).update(&by.to_le_bytes()),
        };
        Self { hasher, buffer: Vec::new() }
    }

    /// Adds pixels `down` rows and `right` columns from the part's corner.
    pub(crate) fn add(&mut self, down: u32, right: u32, pixels: &[Pixel]) {
        self.buffer.clear();
        store(&[down, right, pixels.len() as u32], &mut self.buffer);
        store(pixels, &mut self.buffer);
        self.hasher.update(&self.buffer);
    }

    pub(crate) fn finish(&self) -> Fingerprint {
        shortened(*self.hasher.finalize().as_bytes())
    }
}

fn store(numbers: &[u32], buffer: &mut Vec<u8>) {
    let start = buffer.len();
    buffer.resize(start + numbers.len() * 4, 0);
    for (out, number) in buffer[start..].as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
        *out = number.to_le_bytes();
    }
}

fn shortened(digest: [u8; 32]) -> Fingerprint {
    Fingerprint(*digest.first_chunk().expect("32 bytes hold 16"))
}
