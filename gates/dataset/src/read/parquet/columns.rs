//! Columns of a row group, each read in the quicker of two ways that it can be read in.

use std::sync::Arc;

use parquet::basic::{Compression, Type};
use parquet::column::page::PageReader;
use parquet::file::reader::RowGroupReader;
use parquet::file::serialized_reader::SerializedPageReader;

use super::pages::{Pages, Take, can_read};
use super::positioned::Positioned;
use super::slow::Column;
use super::{Meaning, SECOND, asked, meaning};
use crate::error::Error;
use crate::read::Taker;
use crate::time::{Stamp, is_near, since_1970};
use crate::units::{Key, key};

/// A column whose values come to such ones.
pub(super) enum Source<T> {
    Quick(Box<Pages<T>>, Type, Meaning),
    Slow(Box<Column>),
}

impl<T: Copy> Source<T> {
    fn open_if(
        group: &Group<'_>,
        at: usize,
        fits: impl Fn(Type, Meaning) -> bool,
    ) -> Result<Source<T>, Error> {
        let metadata = group.rows.metadata();
        let (column, chunk) = (metadata.schema_descr().column(at), metadata.column(at));
        let (of, meaning) = (column.physical_type(), meaning(&column));
        let is_flat = column.max_def_level() <= 1;
        if !(is_flat && fits(of, meaning) && chunk.encodings().all(can_read)) {
            return Column::open(&*group.rows, at).map(|column| Source::Slow(Box::new(column)));
        }
        let (is_text, is_optional) = (of == Type::BYTE_ARRAY, column.max_def_level() > 0);
        let rows = metadata.num_rows() as usize;
        let (reader, packed) = if chunk.compression() == Compression::SNAPPY {
            // Unpacked here, into memory that is used again.
            let as_it_is = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED);
            let as_it_is = asked(|| as_it_is.build())?;
            let file = Arc::new(group.file.clone());
            let reader = asked(|| SerializedPageReader::new(file, &as_it_is, rows, None))?;
            (Box::new(reader) as Box<dyn PageReader>, Some(group.file.clone()))
        } else {
            (asked(|| group.rows.get_column_page_reader(at))?, None)
        };
        let pages = Pages::new(reader, packed, is_text, is_optional, rows);
        Ok(Source::Quick(Box::new(pages), of, meaning))
    }
}

/// A row group, and the file that it is in.
pub(super) struct Group<'f> {
    pub rows: Box<dyn RowGroupReader + 'f>,
    pub file: &'f Positioned,
}

/// What can be written as text without a loss.
fn is_text(of: Type, meaning: Meaning) -> bool {
    use Meaning::{Number, Text, Unsigned};
    matches!((of, meaning), (Type::BYTE_ARRAY, Text) | (Type::INT64, Number | Unsigned))
}

/// Eight bytes of a number.
#[inline]
fn eight(bytes: &[u8]) -> [u8; 8] {
    bytes.try_into().unwrap_or_default()
}

/// What came of reading some rows; a mistake with the row that it is in, counted from 0.
type Read = Result<(), (usize, Error)>;

impl Source<Key> {
    pub(super) fn open(group: &Group<'_>, at: usize) -> Result<Source<Key>, Error> {
        Source::open_if(group, at, is_text)
    }

    pub(super) fn units(&mut self, count: usize, taker: &mut Taker<'_>) -> Read {
        let (pages, meaning) = match self {
            Source::Slow(column) => return column.units(count, taker),
            Source::Quick(pages, _, meaning) => (pages, *meaning),
        };
        let mut keys = std::mem::take(&mut taker.batch.keys);
        let read = match meaning {
            Meaning::Text => pages.read(count, &mut keys, |id: Option<&[u8]>| match id {
                Some(id) => taker.key_of(id),
                None => Err(taker.nobody()),
            }),
            Meaning::Unsigned => pages.read(count, &mut keys, |id: Option<&[u8]>| match id {
                Some(id) => Ok(key(u64::from_le_bytes(eight(id)).to_string().as_bytes())),
                None => Err(taker.nobody()),
            }),
            _ => pages.read(count, &mut keys, |id: Option<&[u8]>| match id {
                Some(id) => Ok(key(i64::from_le_bytes(eight(id)).to_string().as_bytes())),
                None => Err(taker.nobody()),
            }),
        };
        taker.batch.keys = keys;
        read
    }
}

impl Source<i64> {
    pub(super) fn open(group: &Group<'_>, at: usize) -> Result<Source<i64>, Error> {
        let is_time = |meaning| matches!(meaning, Meaning::Time { .. });
        Source::open_if(group, at, |of, meaning| {
            is_text(of, meaning) || of == Type::INT64 && is_time(meaning)
        })
    }

    pub(super) fn times(&mut self, count: usize, taker: &mut Taker<'_>) -> Read {
        let (pages, meaning) = match self {
            Source::Slow(column) => return column.times(count, taker),
            Source::Quick(pages, _, meaning) => (pages, *meaning),
        };
        let mut times = std::mem::take(&mut taker.batch.times);
        let read = pages.read(count, &mut times, Instants { taker, meaning });
        taker.batch.times = times;
        read
    }
}

struct Instants<'t, 'q> {
    taker: &'t mut Taker<'q>,
    meaning: Meaning,
}

impl Take<i64> for Instants<'_, '_> {
    #[inline]
    fn one(&mut self, value: Option<&[u8]>) -> Result<i64, Error> {
        let column = self.taker.wanted.time.unwrap_or_default();
        let value = value.ok_or_else(|| no_time(column))?;
        if self.meaning == Meaning::Text {
            let stamp = self.taker.parsed(value)?;
            return self.taker.instant_of(stamp);
        }
        let value = i64::from_le_bytes(eight(value));
        let stamp = counted(value, self.meaning);
        self.taker.instant_of(stamp.ok_or_else(|| uncounted(value, self.meaning, self.taker))?)
    }

    #[inline]
    fn all(&mut self, values: &[u8], into: &mut Vec<i64>) -> bool {
        let Meaning::Time { per_second: SECOND, has_zone } = self.meaning else { return false };
        if !self.taker.clock.takes_as_it_is(has_zone) {
            return false;
        }
        let begun = into.len();
        into.extend(values.chunks_exact(8).map(|value| i64::from_le_bytes(eight(value))));
        let are_near = into[begun..].iter().fold(true, |all, one| all & is_near(*one));
        if !are_near {
            into.truncate(begun);
        }
        are_near
    }
}

impl Source<u16> {
    pub(super) fn open(group: &Group<'_>, at: usize) -> Result<Source<u16>, Error> {
        Source::open_if(group, at, |of, meaning| (of, meaning) == (Type::BYTE_ARRAY, Meaning::Text))
    }

    pub(super) fn names(&mut self, count: usize, at: usize, taker: &mut Taker<'_>) -> Read {
        let pages = match self {
            Source::Slow(column) => return column.names(count, at, taker),
            Source::Quick(pages, ..) => pages,
        };
        let mut names = std::mem::take(&mut taker.batch.names[at]);
        let read = pages.read(count, &mut names, |name: Option<&[u8]>| taker.name_of(at, name));
        taker.batch.names[at] = names;
        read
    }
}

impl Source<f64> {
    pub(super) fn open(group: &Group<'_>, at: usize) -> Result<Source<f64>, Error> {
        Source::open_if(group, at, |of, meaning| {
            let is_number = matches!(meaning, Meaning::Number | Meaning::Unsigned);
            matches!(of, Type::DOUBLE | Type::INT64) && is_number
        })
    }

    pub(super) fn values(&mut self, count: usize, at: usize, taker: &mut Taker<'_>) -> Read {
        let (pages, of, meaning) = match self {
            Source::Slow(column) => return column.values(count, at, taker),
            Source::Quick(pages, of, meaning) => (pages, *of, *meaning),
        };
        let mut values = std::mem::take(&mut taker.batch.values[at]);
        let read = match (of, meaning) {
            (Type::DOUBLE, _) => pages.read(count, &mut values, Amounts { taker, at }),
            (_, Meaning::Unsigned) => pages.read(count, &mut values, |value: Option<&[u8]>| {
                Ok(value.map_or(0.0, |value| u64::from_le_bytes(eight(value)) as f64))
            }),
            _ => pages.read(count, &mut values, |value: Option<&[u8]>| {
                Ok(value.map_or(0.0, |value| i64::from_le_bytes(eight(value)) as f64))
            }),
        };
        taker.batch.values[at] = values;
        read
    }
}

struct Amounts<'t, 'q> {
    taker: &'t Taker<'q>,
    at: usize,
}

impl Take<f64> for Amounts<'_, '_> {
    #[inline]
    fn one(&mut self, value: Option<&[u8]>) -> Result<f64, Error> {
        let value = value.map_or(0.0, |value| f64::from_le_bytes(eight(value)));
        self.taker.finite(self.at, value)
    }

    #[inline]
    fn all(&mut self, values: &[u8], into: &mut Vec<f64>) -> bool {
        let begun = into.len();
        into.extend(values.chunks_exact(8).map(|value| f64::from_le_bytes(eight(value))));
        // What is not finite leaves something else than 0.
        let is_finite = into[begun..].iter().fold(0.0, |all, value| all + value * 0.0) == 0.0;
        if !is_finite {
            into.truncate(begun);
        }
        is_finite
    }
}

pub(super) fn no_time(column: &str) -> Error {
    Error::new("there is no time").column(column)
}

/// A time that counts from 1970, in the unit that its column has or its digits tell; none when there
/// is no such time. The least and the largest number stand for none in any unit.
#[inline]
pub(super) fn counted(value: i64, meaning: Meaning) -> Option<Stamp> {
    let (micros, has_zone) = match meaning {
        _ if matches!(value, i64::MIN | i64::MAX) => return None,
        Meaning::Time { per_second: SECOND, has_zone } => (value, has_zone),
        Meaning::Time { per_second: 1000, has_zone } => (value.checked_mul(1000)?, has_zone),
        Meaning::Time { has_zone, .. } => (value.div_euclid(1000), has_zone),
        _ => return since_1970(value),
    };
    Some(if has_zone { Stamp::Instant(micros) } else { Stamp::Wall(micros) })
}

/// What is wrong with a number that counts to no time.
#[cold]
pub(super) fn uncounted(value: i64, meaning: Meaning, taker: &Taker<'_>) -> Error {
    match meaning {
        Meaning::Number => taker.no_time(&value.to_string()),
        Meaning::Unsigned => taker.no_time(&value.cast_unsigned().to_string()),
        _ => taker.beyond(),
    }
}
