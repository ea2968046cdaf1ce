//! Why answers were not as expected, told by all threads.

use std::collections::BTreeMap;
use std::sync::Mutex;

use gate_core::Context;
use serde::{Deserialize, Serialize};

/// How many different ones are told apart.
const MOST: usize = 100;

/// What did not hold of answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reason {
    /// Which step, from 0.
    pub(crate) step: usize,
    /// What did not hold.
    pub(crate) what: String,
    /// How often.
    pub(crate) count: u64,
    /// What was there the first time.
    pub(crate) first: String,
}

impl Reason {
    /// The same without secrets: what was there may be one.
    pub(crate) fn clean(&self, cx: &Context) -> Reason {
        let text = |text: &str| cx.redactor().text(text).into_owned();
        Reason { what: text(&self.what), first: text(&self.first), ..self.clone() }
    }
}

/// How often, and what was there the first time.
type Counted = (u64, String);

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Reasons(Mutex<BTreeMap<(usize, String), Counted>>);

impl Reasons {
    /// Counts one. What does not fit any more is only counted as a failure.
    pub(super) fn add(&self, step: usize, what: &str, why: String) {
        let Ok(mut all) = self.0.lock() else { return };
        let key = (step, what.to_owned());
        if all.len() < MOST || all.contains_key(&key) {
            all.entry(key).or_insert((0, why)).0 += 1;
        }
    }

    /// The most frequent ones first.
    pub(crate) fn told(&self) -> Vec<Reason> {
        let Ok(all) = self.0.lock() else { return Vec::new() };
        let reason = |((step, what), (count, first)): (&(usize, String), &Counted)| Reason {
            step: *step,
            what: what.clone(),
            count: *count,
            first: first.clone(),
        };
        let mut told: Vec<Reason> = all.iter().map(reason).collect();
        told.sort_by_key(|one| std::cmp::Reverse(one.count));
        told
    }
}
