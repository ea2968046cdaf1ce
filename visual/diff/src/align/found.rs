//! Whether a row that differs is there elsewhere, which is quickly asked before anything is aligned.

use super::anchors::combined;
use super::strips::is_blank;
use super::view::View;

/// Whether a row of several colours that differs from the one at its place in the other list is
/// found elsewhere in that list. Where none is, no shift explains a difference. Two rows that are
/// not equal may be taken for equal, which costs time and nothing else.
pub(super) fn any_elsewhere(view: &View<'_>, before: &[u32], after: &[u32]) -> bool {
    let pairs = || before.iter().zip(after).map(|(&old, &new)| (view.before(old), view.after(new)));
    if pairs().all(|(old, new)| old == new) {
        return false;
    }
    let mut rows = [Places::default(), Places::default()];
    for (old, new) in pairs() {
        rows[0].add(old);
        rows[1].add(new);
    }
    let is_in = |row: &[u32], places: &Places| !is_blank(row) && places.has(row);
    let mut different = pairs().filter(|(old, new)| old != new);
    different.any(|(old, new)| is_in(old, &rows[1]) || is_in(new, &rows[0]))
}

/// A set of rows that forgets which they were: a bit for a part of each one's hash.
struct Places(Box<[u64; 1024]>);

impl Default for Places {
    fn default() -> Self {
        Self(Box::new([0; 1024]))
    }
}

impl Places {
    fn at(row: &[u32]) -> (usize, u64) {
        let hash = combined(row) >> 48;
        ((hash >> 6) as usize, 1 << (hash & 63))
    }

    fn add(&mut self, row: &[u32]) {
        let (at, bit) = Self::at(row);
        self.0[at] |= bit;
    }

    fn has(&self, row: &[u32]) -> bool {
        let (at, bit) = Self::at(row);
        self.0[at] & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::strips::Strips;
    use super::*;

    /// Each letter is a row; a blank is a row of one colour.
    fn check(before: &str, after: &str, expect: bool) {
        let strips = |text: &str| {
            let hash = |letter: u8| if letter == b' ' { 1 } else { u32::from(letter) << 8 };
            Strips::of_hashes(1, text.bytes().map(hash).collect())
        };
        let (old, new) = (strips(before), strips(after));
        let view = View { before: &old, after: &new, columns: 0..1 };
        let rows = |text: &str| (0..text.len() as u32).collect::<Vec<_>>();
        let found = any_elsewhere(&view, &rows(before), &rows(after));
        assert_eq!(found, expect, "{before:?} {after:?}");
    }

    #[test]
    fn what_is_found_elsewhere() {
        check("abcdef", "abcdef", false);
        check("abcdef", "abXdef", false);
        check("abc ef", "abXdef", false);
        check("abcdef", "abdefX", true);
        check("abcdef", "Xabcde", true);
        check("abcde ", "abYZe ", false);
        check("ab  c ", "ab   c", true);
        check("a  b  ", "aX b  ", false);
        check("", "", false);
    }
}
