//! What two versions were seen to do, in blocks of time.

/// More blocks than this are too many to speak of.
const MOST_MISSING: f64 = 1e5;

/// Blocks of two versions.
#[derive(Debug, Clone, Copy)]
pub enum Blocks<'a, T> {
    /// Both were asked in the same blocks of time, and had the same troubles.
    Together(&'a [(T, T)]),
    /// They were asked at other times.
    Apart(&'a [T], &'a [T]),
}

impl<'a, T: Copy> Blocks<'a, T> {
    /// Those of the first version.
    pub fn own(self) -> impl Iterator<Item = T> + 'a {
        let (both, own) = match self {
            Blocks::Together(both) => (both, &[][..]),
            Blocks::Apart(own, _) => (&[][..], own),
        };
        both.iter().map(|(own, _)| *own).chain(own.iter().copied())
    }

    /// Those of the second version.
    pub fn other(self) -> impl Iterator<Item = T> + 'a {
        let (both, other) = match self {
            Blocks::Together(both) => (both, &[][..]),
            Blocks::Apart(_, other) => (&[][..], other),
        };
        both.iter().map(|(_, other)| *other).chain(other.iter().copied())
    }

    /// How many there are of the version that has fewer.
    pub fn fewest(self) -> usize {
        match self {
            Blocks::Together(both) => both.len(),
            Blocks::Apart(own, other) => own.len().min(other.len()),
        }
    }

    /// How many more blocks there would have to be so that there are so many times as many; none
    /// when that is too many, or more of one version alone would not do.
    pub(crate) fn missing(self, times: f64) -> Option<u64> {
        let Blocks::Together(both) = self else { return None };
        let more = (times.max(1.1) - 1.0) * both.len() as f64;
        (more < MOST_MISSING).then_some(more.ceil() as u64)
    }
}
