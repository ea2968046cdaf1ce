//! What a cleaner goes by, and what it has learnt on the way.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use regex::bytes::RegexSet;

use crate::SHORTEST_SECRET;
use crate::learnt::Learnt;
use crate::placeholder::{self, Key};
use crate::profiles::Profile;

/// What a cleaner goes by.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) key: Key,
    /// Further names of secrets, in lower case, with letters and digits alone.
    pub(crate) names: Vec<Vec<u8>>,
    /// Platforms whose names hold for every host.
    pub(crate) profiles: Vec<&'static Profile>,
    pub(crate) allow: Option<RegexSet>,
    pub(crate) keep_personal: bool,
    /// Whether values were known from the start.
    pub(crate) knows_some: bool,
    pub(crate) learnt: RwLock<Learnt>,
    /// How many values were learnt.
    pub(crate) generation: AtomicU64,
}

impl Rules {
    /// Whether a value stays: it is allowed, or a placeholder already.
    pub(crate) fn is_kept(&self, value: &[u8]) -> bool {
        value.is_empty()
            || placeholder::is_one(value)
            || value.starts_with(b"${secret:")
            || self.allow.as_ref().is_some_and(|allow| allow.is_match(value))
    }

    /// Keeps a secret in mind.
    pub(crate) fn learn(&self, value: &[u8], with: &[u8]) {
        let wants = self.learnt.read().unwrap_or_else(PoisonError::into_inner).wants(value);
        if wants {
            self.learnt.write().unwrap_or_else(PoisonError::into_inner).add(value, with, false);
            self.generation.fetch_add(1, Ordering::Release);
        }
    }

    /// Calls `found` with every place of a value that is known, and what stands for it.
    pub(crate) fn known(&self, text: &[u8], found: impl FnMut(Range<usize>, &[u8])) {
        // A lock is shared by all who look, even for reading.
        if text.len() < SHORTEST_SECRET || (!self.knows_some && self.generation() == 0) {
            return;
        }
        self.learnt.read().unwrap_or_else(PoisonError::into_inner).find(text, found);
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}
