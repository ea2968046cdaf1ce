//! Runs and packed numbers: how pages write levels, and numbers of values in a dictionary. Source: the
//! Apache Parquet format's description of encodings.

use super::pages::{short, wrong};
use crate::error::Error;

/// Small numbers, either in runs or packed without a gap between their bits.
pub(super) struct Numbers {
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
    /// Of so many bits each, from there up to the end.
    pub(super) fn new(at: usize, end: usize, width: u32) -> Numbers {
        Numbers { at, end, width, run: Run::Over }
    }

    /// Bits that are packed and nothing else, as many as these.
    pub(super) fn bits(count: usize) -> Numbers {
        Numbers { at: 0, end: count.div_ceil(8), width: 1, run: Run::Packed(0, count) }
    }

    /// Does this with the next so many numbers; of a run with all of it at once.
    #[inline]
    pub(super) fn each(
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

    /// The same with levels of one bit: which of them are set. Nothing is written down when all are.
    pub(super) fn flags(
        &mut self,
        bytes: &[u8],
        count: usize,
        into: &mut Vec<bool>,
    ) -> Result<(), Error> {
        let bytes = bytes.get(..self.end).ok_or_else(short)?;
        into.clear();
        while into.len() < count {
            let left = count - into.len();
            match &mut self.run {
                Run::Over | Run::Same(_, 0) | Run::Packed(_, 0) => self.turn(bytes)?,
                Run::Same(level, times) => {
                    let here = left.min(*times);
                    *times -= here;
                    if *level > 0 && here == count {
                        return Ok(());
                    }
                    into.extend(std::iter::repeat_n(*level > 0, here));
                }
                Run::Packed(bit, more) => {
                    let here = left.min(*more);
                    let (from, first) = (*bit / 8, *bit % 8);
                    let part = bytes.get(from..from + (first + here).div_ceil(8));
                    let part = part.ok_or_else(short)?;
                    let is_set = |at: usize| part[at / 8] >> (at % 8) & 1 == 1;
                    into.extend((first..first + here).map(is_set));
                    *more -= here;
                    *bit += here;
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
        let mut numbers = Numbers::new(0, bytes.len(), width);
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
        fn flags_are_numbers_of_one_bit(bytes in proptest::collection::vec(any::<u8>(), 0..30), cut in 1..40_usize) {
            let end = bytes.len();
            let (mut one, mut other) = (Numbers::new(0, end, 1), Numbers::new(0, end, 1));
            let mut flags = Vec::new();
            for _ in 0..4 {
                let mut all = Vec::new();
                let read = one.each(&bytes, cut, |number, times| {
                    all.extend(std::iter::repeat_n(number > 0, times));
                    Ok(())
                });
                prop_assert_eq!(other.flags(&bytes, cut, &mut flags).is_ok(), read.is_ok());
                if read.is_err() {
                    break;
                }
                if flags.is_empty() {
                    flags.resize(cut, true);
                }
                prop_assert_eq!(&flags, &all);
            }
        }

        #[test]
        fn anything_is_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..30), width in 0..=32_u32) {
            if let Some(all) = numbers(&bytes, width, 50) {
                prop_assert_eq!(all.len(), 50);
            }
        }
    }
}
