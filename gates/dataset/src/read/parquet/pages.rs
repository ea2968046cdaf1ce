//! Pages of the encodings that nearly all files are written in, taken apart without a copy of each
//! value: plain, and by a dictionary. Source: the Apache Parquet format's description of encodings.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};

use super::positioned::Positioned;
use super::{asked, broken};
use crate::error::Error;

/// A column of a row group, as far as it is read. A value is its bytes: of a text its letters, of a
/// number eight bytes, the lowest first.
pub(super) struct Pages<T> {
    reader: Box<dyn PageReader>,
    /// Set when pages are as they are in the file, and packed.
    packed: Option<Positioned>,
    is_text: bool,
    is_optional: bool,
    page: Open,
    dictionary: Bytes,
    /// Where the values of the dictionary stand, and what they come to, when that is known.
    entries: Vec<(u32, u32, Option<T>)>,
}

/// What values come to.
pub(super) trait Take<T> {
    /// One value, or none.
    fn one(&mut self, value: Option<&[u8]>) -> Result<T, Error>;

    /// Many numbers of eight bytes, all of them at once; or none of them, and false.
    #[inline]
    fn all(&mut self, _values: &[u8], _into: &mut Vec<T>) -> bool {
        false
    }
}

impl<T, F: FnMut(Option<&[u8]>) -> Result<T, Error>> Take<T> for F {
    #[inline]
    fn one(&mut self, value: Option<&[u8]>) -> Result<T, Error> {
        self(value)
    }
}

/// A page that is being read.
#[derive(Default)]
struct Open {
    bytes: Bytes,
    /// How many rows of it have not been read.
    left: usize,
    /// For each row whether it has a value, and how many of them have been read; empty when all have.
    there: Vec<bool>,
    read: usize,
    /// Where the next plain value stands.
    at: usize,
    /// Numbers of values in the dictionary, where it has one.
    numbers: Option<Numbers>,
}

/// Whether pages in this encoding can be read here.
pub(super) fn can_read(encoding: Encoding) -> bool {
    use Encoding::{PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY};
    matches!(encoding, PLAIN | PLAIN_DICTIONARY | RLE_DICTIONARY | RLE)
}

fn wrong(what: &str) -> Error {
    Error::new(format!("the file is broken: {what}"))
}

fn short() -> Error {
    wrong("a page ends before its values do")
}

impl<T: Copy> Pages<T> {
    /// Of texts, or of numbers of eight bytes.
    pub(super) fn new(
        reader: Box<dyn PageReader>,
        packed: Option<Positioned>,
        is_text: bool,
        is_optional: bool,
    ) -> Pages<T> {
        Pages {
            reader,
            packed,
            is_text,
            is_optional,
            page: Open::default(),
            dictionary: Bytes::new(),
            entries: Vec::new(),
        }
    }

    /// Adds what the next so many rows' values come to, or says in which of them it fails.
    pub(super) fn read(
        &mut self,
        count: usize,
        into: &mut Vec<T>,
        mut take: impl Take<T>,
    ) -> Result<(), (usize, Error)> {
        let begun = into.len();
        into.reserve(count);
        while into.len() - begun < count {
            let done = into.len() - begun;
            while self.page.left == 0 {
                self.turn(&mut take).map_err(|error| (done, error))?;
            }
            let here = self.page.left.min(count - done);
            let read = self.some(here, into, &mut take);
            read.map_err(|error| (into.len() - begun, error))?;
            self.page.left -= here;
        }
        Ok(())
    }

    /// Rows of one page.
    fn some(
        &mut self,
        count: usize,
        into: &mut Vec<T>,
        take: &mut impl Take<T>,
    ) -> Result<(), Error> {
        if self.page.there.is_empty() {
            return self.values(count, into, take);
        }
        let mut at = self.page.read;
        let end = at + count;
        while at < end {
            let is_there = self.page.there[at];
            let run = self.page.there[at..end].iter().take_while(|one| **one == is_there).count();
            if is_there {
                self.values(run, into, take)?;
            } else {
                for _ in 0..run {
                    into.push(take.one(None)?);
                }
            }
            at += run;
        }
        self.page.read = end;
        Ok(())
    }

    /// Rows that have a value.
    fn values(
        &mut self,
        count: usize,
        into: &mut Vec<T>,
        take: &mut impl Take<T>,
    ) -> Result<(), Error> {
        let Open { bytes, at, numbers, .. } = &mut self.page;
        if let Some(numbers) = numbers {
            return numbers.each(bytes, count, |number, times| {
                let entry = self.entries.get(number as usize);
                let (from, to, known) = *entry.ok_or_else(|| wrong("a value has no number"))?;
                let value = match known {
                    Some(value) => value,
                    // What was wrong with it is said where it is used.
                    None => take.one(Some(&self.dictionary[from as usize..to as usize]))?,
                };
                into.extend(std::iter::repeat_n(value, times));
                Ok(())
            });
        }
        if self.is_text {
            for _ in 0..count {
                let (from, to) = text(bytes, *at).ok_or_else(short)?;
                into.push(take.one(Some(&bytes[from..to]))?);
                *at = to;
            }
            return Ok(());
        }
        let all = bytes.get(*at..*at + 8 * count).ok_or_else(short)?;
        *at += 8 * count;
        if take.all(all, into) {
            return Ok(());
        }
        for value in all.chunks_exact(8) {
            into.push(take.one(Some(value))?);
        }
        Ok(())
    }

    /// Turns to the next page.
    fn turn(&mut self, take: &mut impl Take<T>) -> Result<(), Error> {
        let page = asked(|| self.reader.get_next_page())?;
        let page = page.ok_or_else(|| wrong("a column is shorter than its row group"))?;
        let (rows, encoding) = (page.num_values() as usize, page.encoding());
        let bytes = match &page {
            Page::DataPage { buf, .. } => self.unpacked(buf)?,
            _ => page.buffer().clone(),
        };
        let (levels, from) = match &page {
            Page::DictionaryPage { buf, .. } => return self.learn(self.unpacked(buf)?, rows, take),
            Page::DataPage { .. } if self.is_optional => {
                let length =
                    bytes.get(..4).and_then(|four| four.try_into().ok()).ok_or_else(short)?;
                let end = (u32::from_le_bytes(length) as usize).saturating_add(4);
                (4..end, end)
            }
            Page::DataPage { .. } => (0..0, 0),
            Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
                let from = *rep_levels_byte_len as usize;
                let end = from.saturating_add(*def_levels_byte_len as usize);
                (from..end, end)
            }
        };
        if from > bytes.len() {
            return Err(short());
        }
        let mut there = Vec::new();
        if self.is_optional {
            let mut levels =
                Numbers { at: levels.start, end: levels.end, width: 1, run: Run::Over };
            levels.each(&bytes, rows, |level, times| {
                // As long as all have a value, nothing need be written down.
                if level == 0 || !there.is_empty() || times < rows {
                    there.extend(std::iter::repeat_n(level > 0, times));
                }
                Ok(())
            })?;
        }
        // Of the newer kind of pages only the values are packed, and not always.
        let (bytes, from) = match &page {
            Page::DataPageV2 { is_compressed: true, .. } => {
                (self.unpacked(&bytes.slice(from..))?, 0)
            }
            _ => (bytes, from),
        };
        let numbers = match encoding {
            Encoding::PLAIN => None,
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY => {
                let end = bytes.len();
                // A page without any value may have no width.
                let width = bytes.get(from).copied().unwrap_or(0);
                if width > 32 {
                    return Err(wrong("numbers have more than 32 bits"));
                }
                Some(Numbers { at: from + 1, end, width: width.into(), run: Run::Over })
            }
            _ => return Err(wrong("a page is in another encoding than its column says")),
        };
        self.page = Open { bytes, left: rows, there, read: 0, at: from, numbers };
        Ok(())
    }

    fn unpacked(&self, bytes: &Bytes) -> Result<Bytes, Error> {
        match &self.packed {
            // Nothing at all is the only thing that is not packed.
            Some(by) if !bytes.is_empty() => by.unpacked(bytes).map_err(|error| broken(&error)),
            _ => Ok(bytes.clone()),
        }
    }

    /// Reads a dictionary, and what its values come to.
    fn learn(&mut self, bytes: Bytes, count: usize, take: &mut impl Take<T>) -> Result<(), Error> {
        let mut at = 0;
        self.entries.clear();
        for _ in 0..count {
            let fixed = || (at + 8 <= bytes.len()).then_some((at, at + 8));
            let place = if self.is_text { text(&bytes, at) } else { fixed() };
            let (from, to) = place.ok_or_else(short)?;
            self.entries.push((from as u32, to as u32, take.one(Some(&bytes[from..to])).ok()));
            at = to;
        }
        self.dictionary = bytes;
        Ok(())
    }
}

/// Where the text stands whose length stands there.
#[inline]
fn text(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let length = bytes.get(at..at + 4)?.try_into().ok()?;
    let (from, length) = (at + 4, u32::from_le_bytes(length) as usize);
    (length <= bytes.len() - from).then(|| (from, from + length))
}

/// Small numbers, either in runs or packed without a gap between their bits.
struct Numbers {
    at: usize,
    end: usize,
    /// In bits.
    width: u32,
    run: Run,
}

enum Run {
    Over,
    /// A number, and how often it still comes.
    Same(u32, usize),
    /// From which bit on, and how many.
    Packed(usize, usize),
}

impl Numbers {
    /// Does this with the next so many numbers; of a run with all of it at once.
    #[inline]
    fn each(
        &mut self,
        bytes: &[u8],
        count: usize,
        mut each: impl FnMut(u32, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let bytes = bytes.get(..self.end).ok_or_else(short)?;
        let mut left = count;
        while left > 0 {
            match &mut self.run {
                Run::Over | Run::Same(_, 0) | Run::Packed(_, 0) => self.turn(bytes)?,
                Run::Same(number, times) => {
                    let here = left.min(*times);
                    each(*number, here)?;
                    *times -= here;
                    left -= here;
                }
                Run::Packed(bit, more) => {
                    let here = left.min(*more);
                    for _ in 0..here {
                        each(packed(bytes, *bit, self.width).ok_or_else(short)?, 1)?;
                        *bit += self.width as usize;
                    }
                    *more -= here;
                    left -= here;
                }
            }
        }
        Ok(())
    }

    /// Turns to the next run.
    fn turn(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let (mut head, mut shift) = (0_u64, 0);
        loop {
            let byte = *bytes.get(self.at).ok_or_else(short)?;
            self.at += 1;
            head |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
            if shift > 35 {
                return Err(wrong("a run is longer than any can be"));
            }
        }
        let count = (head >> 1) as usize;
        if head & 1 == 1 {
            self.run = Run::Packed(8 * self.at, 8 * count);
            self.at = self.at.saturating_add(count * self.width as usize);
        } else {
            let width = self.width.div_ceil(8) as usize;
            let all = bytes.get(self.at..self.at + width).ok_or_else(short)?;
            let number = all.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
            self.run = Run::Same(number, count);
            self.at += width;
        }
        Ok(())
    }
}

/// The number that begins with that bit.
#[inline]
fn packed(bytes: &[u8], bit: usize, width: u32) -> Option<u32> {
    let (at, shift) = (bit / 8, bit % 8);
    let word = match bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()) {
        Some(eight) => u64::from_le_bytes(eight),
        None => {
            let rest = bytes.get(at..).unwrap_or_default();
            if 8 * rest.len() < shift + width as usize {
                return None;
            }
            rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
        }
    };
    Some((word >> shift) as u32 & (((1_u64 << width) - 1) as u32))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(bytes: &[u8], width: u32, count: usize) -> Option<Vec<u32>> {
        let mut numbers = Numbers { at: 0, end: bytes.len(), width, run: Run::Over };
        let mut all = Vec::new();
        let read = numbers.each(bytes, count, |number, times| {
            all.extend(std::iter::repeat_n(number, times));
            Ok(())
        });
        read.ok().map(|()| all)
    }

    /// The example of the format's description: 0 to 7 in three bits each.
    #[test]
    fn runs_and_packed_numbers() {
        let packed = [0b0000_0011, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        assert_eq!(numbers(&packed, 3, 8), Some((0..8).collect()));
        assert_eq!(numbers(&[10, 1, 3, 0b10], 1, 9), Some(vec![1, 1, 1, 1, 1, 0, 1, 0, 0]));
        assert_eq!(numbers(&[6, 0x34, 0x12], 13, 3), Some(vec![0x1234; 3]));
        assert_eq!(numbers(&[200, 1], 0, 100), Some(vec![0; 100]));
        assert_eq!(numbers(&packed[..3], 3, 8), None);
        assert_eq!(numbers(&[0xff; 9], 3, 8), None);
    }

    proptest! {
        #[test]
        fn packed_numbers_are_taken_out(all in proptest::collection::vec(any::<u32>(), 1..40), width in 1..=32_u32) {
            let all: Vec<u32> = all.iter().map(|one| one >> (32 - width)).collect();
            let groups = all.len().div_ceil(8);
            let mut bytes = vec![0_u8; groups * width as usize];
            for (at, number) in all.iter().enumerate() {
                for bit in 0..width as usize {
                    let place = at * width as usize + bit;
                    bytes[place / 8] |= ((number >> bit & 1) as u8) << (place % 8);
                }
            }
            bytes.insert(0, (groups << 1 | 1) as u8);
            prop_assert_eq!(numbers(&bytes, width, all.len()), Some(all));
        }

        #[test]
        fn anything_is_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..30), width in 0..=32_u32) {
            if let Some(all) = numbers(&bytes, width, 50) {
                prop_assert_eq!(all.len(), 50);
            }
        }
    }
}
