//! What two versions have done, second by second.

use stats::blocks::Blocks;

/// The seconds of both versions.
pub(super) struct Both<T> {
    pub(super) own: Vec<T>,
    pub(super) other: Vec<T>,
    /// Whether the other one was asked at another time: then all of it is known from the start.
    pub(super) is_apart: bool,
}

/// Those of them in which something was seen, up to a look.
pub(super) enum Until<T> {
    Together(Vec<(T, T)>),
    Apart(Vec<T>, Vec<T>),
}

impl<T: Copy> Both<T> {
    /// Up to so many seconds.
    pub(super) fn until(&self, seconds: u64, is_full: impl Fn(&T) -> bool) -> Until<T> {
        let end = self.own.len().min(usize::try_from(seconds).unwrap_or(usize::MAX));
        let own = self.own[..end].iter().copied();
        if self.is_apart {
            let full = |one: &T| is_full(one);
            let other = self.other.iter().copied().filter(full).collect();
            return Until::Apart(own.filter(full).collect(), other);
        }
        let pairs = own.zip(self.other.iter().copied());
        Until::Together(pairs.filter(|(own, other)| is_full(own) || is_full(other)).collect())
    }

    /// All of them.
    pub(super) fn all(&self, is_full: impl Fn(&T) -> bool) -> Until<T> {
        self.until(u64::MAX, is_full)
    }
}

impl<T: Copy> Until<T> {
    pub(super) fn blocks(&self) -> Blocks<'_, T> {
        match self {
            Until::Together(both) => Blocks::Together(both),
            Until::Apart(own, other) => Blocks::Apart(own, other),
        }
    }
}
