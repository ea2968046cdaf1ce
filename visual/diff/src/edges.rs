//! Where colours meet, before and after: what a region's kind is guessed from.

use std::ops::{AddAssign, Range};

use crate::RegionKind;
use crate::around::Around;
use crate::layout::Pixel;

/// Two neighbours form an edge when one of their channels differs by this or more, so that a
/// gradient or the noise of a photograph counts as plain. A power of two.
const STEP: u32 = 16;

/// Edges between changed pixels and their left, right and upper neighbours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Edges {
    pub(crate) before: u64,
    pub(crate) after: u64,
    /// Those that are in both.
    kept: u64,
}

impl Edges {
    /// Counts those around the changed pixels of the middle row in the columns `run`.
    pub(crate) fn count(before: &Around<'_>, after: &Around<'_>, run: &Range<u32>) -> Self {
        let left = run.start.saturating_sub(1) as usize..run.end.min(before.width - 1) as usize;
        let right = left.start + 1..left.end + 1;
        let mut edges = Self::between(
            [&before.middle()[left.clone()], &before.middle()[right.clone()]],
            [&after.middle()[left], &after.middle()[right]],
        );
        if !before.row(-1).is_empty() && !after.row(-1).is_empty() {
            let columns = run.start as usize..run.end as usize;
            edges += Self::between(
                [&before.row(-1)[columns.clone()], &before.middle()[columns.clone()]],
                [&after.row(-1)[columns.clone()], &after.middle()[columns]],
            );
        }
        edges
    }

    /// Counts those between each pixel of one row and its counterpart in the other.
    fn between(before: [&[Pixel]; 2], after: [&[Pixel]; 2]) -> Self {
        let (mut in_before, mut in_after, mut in_both) = (0_u32, 0_u32, 0_u32);
        let befores = before[0].iter().zip(before[1]);
        let afters = after[0].iter().zip(after[1]);
        for ((a, b), (c, d)) in befores.zip(afters) {
            let (was, is) = (is_edge(*a, *b), is_edge(*c, *d));
            in_before += u32::from(was);
            in_after += u32::from(is);
            in_both += u32::from(was & is);
        }
        Self { before: in_before.into(), after: in_after.into(), kept: in_both.into() }
    }

    /// The kind that these edges suggest; [`RegionKind`] says what each rests on.
    pub(crate) fn kind(&self) -> RegionKind {
        let all = self.before + self.after - self.kept;
        if self.kept * 5 >= all * 4 {
            RegionKind::Recoloured
        } else if self.before * 10 <= self.after {
            RegionKind::Added
        } else if self.after * 10 <= self.before {
            RegionKind::Removed
        } else {
            RegionKind::Changed
        }
    }
}

impl AddAssign for Edges {
    fn add_assign(&mut self, other: Self) {
        self.before += other.before;
        self.after += other.after;
        self.kept += other.kept;
    }
}

/// Two channels at a time, each in 16 bits: `STEP` and the difference must stay within 0 and
/// `2 * STEP`, so that no higher bit may be set but the one that is there to be borrowed from.
/// (A channel that falls by just `STEP` is still no edge.)
fn is_edge(a: Pixel, b: Pixel) -> bool {
    const CHANNELS: u32 = 0x00ff_00ff;
    const BORROW: u32 = 0x0200_0200;
    const HIGHER: u32 = (0x03ff & !(2 * STEP - 1)) * 0x0001_0001;
    let far = |a: u32, b: u32| {
        let difference = (a & CHANNELS) + BORROW + STEP * 0x0001_0001 - (b & CHANNELS);
        (difference ^ BORROW) & HIGHER
    };
    far(a, b) | far(a >> 8, b >> 8) != 0
}
