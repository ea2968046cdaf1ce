//! Values that were recognised once are recognised again, wherever they stand and however they are
//! written.
//!
//! The first eight bytes of every form are put down in a small table of bits, so that a text costs
//! one look a byte, and a value can be added at any time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use crate::{SHORTEST_SECRET, forms};

/// How many values are kept; then the oldest go.
const MOST: usize = 1024;
/// The longest value that is kept, in bytes.
const LONGEST: usize = 4096;
/// Bits of the table, as a power of two: 64 KiB.
const BITS: u32 = 19;

#[derive(Debug)]
struct Value {
    placeholder: Vec<u8>,
    forms: Vec<Vec<u8>>,
    hash: [u8; 32],
    /// Known from the start, and never forgotten.
    is_pinned: bool,
}

/// What was learnt so far.
#[derive(Default)]
pub(crate) struct Learnt {
    values: VecDeque<Value>,
    /// Which value, counted from the first one ever, by the first eight bytes of a form.
    by_start: HashMap<u64, Vec<u64>>,
    bits: Vec<u64>,
    /// How many were forgotten.
    gone: u64,
    by_value: HashSet<[u8; 32]>,
}

impl std::fmt::Debug for Learnt {
    /// Says how many there are, and none of them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Learnt({} values)", self.values.len())
    }
}

fn start_of(text: &[u8]) -> Option<u64> {
    text.first_chunk().map(|start| u64::from_le_bytes(*start))
}

fn bit(start: u64) -> (usize, u64) {
    let slot = start.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS);
    ((slot >> 6) as usize, 1 << (slot & 63))
}

/// Whether a value can be told from ordinary words.
fn is_worth(value: &[u8]) -> bool {
    let is_word = value.iter().all(u8::is_ascii_lowercase) || value.iter().all(u8::is_ascii_digit);
    (SHORTEST_SECRET..=LONGEST).contains(&value.len())
        && (!is_word || value.len() >= 16)
        // A sentence beside a name such as `signature`.
        && (value.len() >= 64 || !value.contains(&b' '))
        && value.iter().any(|b| *b != value[0])
}

impl Learnt {
    pub(crate) fn knows(&self, value: &[u8]) -> bool {
        self.by_value.contains(blake3::hash(value).as_bytes())
    }

    /// Whether it is worth to be kept and new.
    pub(crate) fn wants(&self, value: &[u8]) -> bool {
        is_worth(value) && !self.knows(value)
    }

    /// Keeps a value.
    pub(crate) fn add(&mut self, value: &[u8], placeholder: &[u8], is_pinned: bool) {
        let Ok(text) = std::str::from_utf8(value) else { return };
        let hash = *blake3::hash(value).as_bytes();
        if (!is_pinned && !is_worth(value)) || !self.by_value.insert(hash) {
            return;
        }
        let (forms, placeholder) = (forms::of(text), placeholder.to_owned());
        self.values.push_back(Value { placeholder, forms, hash, is_pinned });
        self.put_down(self.values.len() - 1);
        if self.values.len() > MOST {
            self.forget();
        }
    }

    fn put_down(&mut self, at: usize) {
        self.bits.resize(1 << (BITS - 6), 0);
        let number = self.gone + at as u64;
        for start in self.values[at].forms.iter().filter_map(|form| start_of(form)) {
            let (slot, mask) = bit(start);
            self.bits[slot] |= mask;
            let numbers = self.by_start.entry(start).or_default();
            if numbers.last() != Some(&number) {
                numbers.push(number);
            }
        }
    }

    /// Forgets the older half of what was not known from the start.
    fn forget(&mut self) {
        self.gone += self.values.len() as u64;
        let all = std::mem::take(&mut self.values);
        let free = all.iter().filter(|value| !value.is_pinned).count();
        let mut left = free / 2;
        self.values = all
            .into_iter()
            .filter(|value| {
                let goes = !value.is_pinned && left > 0;
                left -= usize::from(goes);
                !goes
            })
            .collect();
        self.by_start.clear();
        self.bits.fill(0);
        self.by_value = self.values.iter().map(|value| value.hash).collect();
        for at in 0..self.values.len() {
            self.put_down(at);
        }
    }

    /// Calls `found` with every place of a value and what stands for it.
    pub(crate) fn find(&self, text: &[u8], mut found: impl FnMut(Range<usize>, &[u8])) {
        if self.values.is_empty() {
            return;
        }
        let mut at = 0;
        while let Some(start) = text.get(at..).and_then(start_of) {
            let (slot, mask) = bit(start);
            if self.bits[slot] & mask != 0
                && let Some((length, placeholder)) = self.at_start(start, &text[at..])
            {
                found(at..at + length, placeholder);
                at += length;
            } else {
                at += 1;
            }
        }
    }

    fn at_start(&self, start: u64, text: &[u8]) -> Option<(usize, &[u8])> {
        let numbers = self.by_start.get(&start)?.iter();
        numbers
            .filter_map(|number| self.values.get((number - self.gone) as usize))
            .flat_map(|value| value.forms.iter().map(move |form| (form, value)))
            .filter(|(form, _)| form.len() >= SHORTEST_SECRET && text.starts_with(form))
            .map(|(form, value)| (form.len(), value.placeholder.as_slice()))
            .max_by_key(|(length, _)| *length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(learnt: &Learnt, text: &str) -> Vec<String> {
        let mut all = Vec::new();
        learnt.find(text.as_bytes(), |at, _| all.push(text[at].to_owned()));
        all
    }

    #[test]
    fn a_value_is_found_in_all_its_forms() {
        let mut learnt = Learnt::default();
        learnt.add(b"tok/9f8e7d6c", b"p", false);
        for text in
            ["x tok/9f8e7d6c y", "a=tok%2F9f8e7d6c", r"tok\/9f8e7d6c", "746f6b2f39663865376436633"]
        {
            assert_eq!(found(&learnt, text).len(), 1, "{text}");
        }
        assert_eq!(found(&learnt, "tok/9f8e7d6"), [] as [&str; 0]);
        learnt.add(b"ordinary", b"p", false);
        learnt.add(b"12345678", b"p", false);
        learnt.add(b"s3cret", b"p", false);
        assert_eq!(found(&learnt, "ordinary 12345678 s3cret"), [] as [&str; 0]);
    }

    #[test]
    fn memory_is_bounded_and_what_was_known_stays() {
        let mut learnt = Learnt::default();
        learnt.add(b"known-value-1", b"p", true);
        for number in 0..5 * MOST {
            learnt.add(format!("value-number-{number:06}").as_bytes(), b"p", false);
        }
        assert!(learnt.values.len() <= MOST);
        assert_eq!(found(&learnt, "known-value-1").len(), 1);
        assert_eq!(found(&learnt, "value-number-000000").len(), 0);
        assert_eq!(found(&learnt, &format!("value-number-{:06}", 5 * MOST - 1)).len(), 1);
    }
}
