//! Pages of the encodings that nearly all files are written in, taken apart without a copy of each
//! value: plain, and by a dictionary. Source: the Apache Parquet format's description of encodings.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};

use super::positioned::Positioned;
use super::runs::Numbers;
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
    /// How many rows of the group are on pages that have not been turned to.
    left: usize,
    page: Open,
    /// Which of the rows that are read have a value; empty when all have.
    there: Vec<bool>,
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
    /// Levels that say which rows have a value, and the bytes that they stand in; none when all have.
    levels: Option<(Bytes, Numbers)>,
    /// Where the next plain value stands.
    at: usize,
    /// Numbers of values in the dictionary, where it has one.
    numbers: Option<Numbers>,
}

/// Whether pages in this encoding can be read here.
#[expect(deprecated, reason = "Spark and Hive name it for levels that there are none of")]
pub(super) fn can_read(encoding: Encoding) -> bool {
    use Encoding::{BIT_PACKED, PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY};
    matches!(encoding, PLAIN | PLAIN_DICTIONARY | RLE_DICTIONARY | RLE | BIT_PACKED)
}

pub(super) fn wrong(what: &str) -> Error {
    Error::new(format!("the file is broken: {what}"))
}

pub(super) fn short() -> Error {
    wrong("a page ends before its values do")
}

impl<T: Copy> Pages<T> {
    /// Of texts, or of numbers of eight bytes; so many rows.
    pub(super) fn new(
        reader: Box<dyn PageReader>,
        packed: Option<Positioned>,
        is_text: bool,
        is_optional: bool,
        rows: usize,
    ) -> Pages<T> {
        Pages {
            reader,
            packed,
            is_text,
            is_optional,
            left: rows,
            page: Open::default(),
            there: Vec::new(),
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
        match &mut self.page.levels {
            Some((bytes, levels)) => levels.flags(bytes, count, &mut self.there)?,
            None => self.there.clear(),
        }
        if self.there.is_empty() {
            return self.values(count, into, take);
        }
        let mut at = 0;
        while at < count {
            let is_there = self.there[at];
            let run = self.there[at..].iter().take_while(|one| **one == is_there).count();
            if is_there {
                self.values(run, into, take)?;
            } else {
                for _ in 0..run {
                    into.push(take.one(None)?);
                }
            }
            at += run;
        }
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
            Page::DataPage { def_level_encoding, .. } if self.is_optional => {
                older(&bytes, rows, *def_level_encoding)?
            }
            Page::DataPage { .. } => (None, 0),
            Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
                let from = *rep_levels_byte_len as usize;
                let end = from.saturating_add(*def_levels_byte_len as usize);
                let levels = Numbers::new(from, end, 1);
                (self.is_optional.then(|| (bytes.clone(), levels)), end)
            }
        };
        if from > bytes.len() {
            return Err(short());
        }
        self.left = self
            .left
            .checked_sub(rows)
            .ok_or_else(|| wrong("a page has more rows than its row group"))?;
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
                Some(Numbers::new(from + 1, end, width.into()))
            }
            _ => return Err(wrong("a page is in another encoding than its column says")),
        };
        self.page = Open { bytes, left: rows, levels, at: from, numbers };
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

/// Levels in front of the values of the older kind of pages, and where these begin.
#[expect(deprecated, reason = "old files have levels that are packed and nothing else")]
fn older(
    bytes: &Bytes,
    rows: usize,
    encoding: Encoding,
) -> Result<(Option<(Bytes, Numbers)>, usize), Error> {
    match encoding {
        Encoding::RLE => {
            let length = bytes.get(..4).and_then(|four| four.try_into().ok()).ok_or_else(short)?;
            let end = (u32::from_le_bytes(length) as usize).saturating_add(4);
            Ok((Some((bytes.clone(), Numbers::new(4, end, 1))), end))
        }
        Encoding::BIT_PACKED => {
            let end = rows.div_ceil(8);
            let bits = bytes.get(..end).ok_or_else(short)?;
            // The first is the highest one of its byte; elsewhere it is the lowest.
            let turned: Vec<u8> = bits.iter().map(|byte| byte.reverse_bits()).collect();
            Ok((Some((turned.into(), Numbers::bits(rows))), end))
        }
        _ => Err(wrong("levels are in an encoding that there is none of")),
    }
}

/// Where the text stands whose length stands there.
#[inline]
fn text(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let length = bytes.get(at..at + 4)?.try_into().ok()?;
    let (from, length) = (at + 4, u32::from_le_bytes(length) as usize);
    (length <= bytes.len() - from).then(|| (from, from + length))
}
