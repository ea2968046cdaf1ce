//! Parquet: a part is a row group, of which only the wanted columns are read.

mod columns;
mod pages;
mod positioned;
mod runs;
mod slow;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use self::columns::{Group, Source};
use self::positioned::Positioned;
use super::cut::open;
use super::{ROWS, Reader, Sink, Table, Taker, Times, Wanted, places};
use crate::error::Error;
use crate::units::Key;

const SECOND: i64 = 1_000_000;

/// A file of row groups.
pub(super) struct Groups<'q> {
    wanted: &'q Wanted<'q>,
    file: Positioned,
    reader: SerializedFileReader<Positioned>,
    columns: Vec<usize>,
    /// The first row of each group, from 1.
    first: Vec<u64>,
    /// The group that nobody has begun with.
    next: AtomicUsize,
}

/// Who reads some of them.
struct Rows<'t, 'q> {
    groups: &'t Groups<'q>,
    taker: Taker<'q>,
}

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meaning {
    Text,
    Uuid,
    Number,
    /// Whole numbers whose highest bit is no sign.
    Unsigned,
    Time {
        per_second: i64,
        has_zone: bool,
    },
    Day,
    Julian,
    /// By what a whole number is to be divided.
    Decimal(f64),
    /// What is neither text nor a number nor a time, such as a time of some day.
    Other,
}

impl Meaning {
    /// Whether whole numbers of it count from 1970.
    fn counts(self) -> bool {
        matches!(self, Meaning::Number | Meaning::Unsigned | Meaning::Time { .. })
    }
}

impl<'q> Groups<'q> {
    pub(super) fn open(file: &Path, wanted: &'q Wanted<'q>) -> Result<Groups<'q>, Error> {
        let (file, length) = open(file)?;
        let file = Positioned::new(file, length);
        let opened = caught(|| SerializedFileReader::new(file.clone()))?;
        let reader = opened.map_err(|error| {
            Error::new(format!("this is no whole Parquet file: {}", words(&error)))
                .hint("was it written to its end?")
        })?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let names: Vec<String> =
            schema.columns().iter().map(|column| column.path().string()).collect();
        let columns = places(wanted, &names)?;
        for at in &columns {
            let column = schema.column(*at);
            if column.max_rep_level() > 0 {
                return Err(Error::new("it has several values in a row").column(&names[*at]));
            }
        }
        let mut first = vec![1];
        for group in reader.metadata().row_groups() {
            first.push(end(group, &columns, first[first.len() - 1], length).ok_or_else(unfit)?);
        }
        let rows = reader.metadata().file_metadata().num_rows();
        if u64::try_from(rows).ok() != first.last().map(|next| next - 1) {
            return Err(unfit());
        }
        Ok(Groups { wanted, file, reader, columns, first, next: AtomicUsize::new(0) })
    }
}

impl Table for Groups<'_> {
    fn reader(&self) -> Box<dyn Reader + '_> {
        Box::new(Rows { groups: self, taker: Taker::new(self.wanted) })
    }
}

impl Reader for Rows<'_, '_> {
    fn next(&mut self, sink: &mut Sink<'_>) -> (usize, Result<Option<Times>, Error>) {
        let group = self.groups.next.fetch_add(1, Ordering::Relaxed);
        if group + 1 >= self.groups.first.len() {
            self.taker.hand_over(sink);
            return (group, Ok(None));
        }
        let read = self.groups.read(group, &mut self.taker, sink);
        (group, read.map(|()| Some(self.taker.part_is_over())))
    }
}

impl Groups<'_> {
    fn read(&self, group: usize, taker: &mut Taker<'_>, sink: &mut Sink<'_>) -> Result<(), Error> {
        let (mut row, end) = (self.first[group], self.first[group + 1]);
        let rows = asked(|| self.reader.get_row_group(group))?;
        let group = Group { rows, file: &self.file };
        let mut places = self.columns.iter();
        let mut next = || places.next().copied().unwrap_or_default();
        let mut units = Source::<Key>::open(&group, next())?;
        let time = self.wanted.time.map(|_| Source::<i64>::open(&group, next()));
        let mut time = time.transpose()?;
        let names = self.wanted.names.iter().map(|_| Source::<u16>::open(&group, next()));
        let mut names = names.collect::<Result<Vec<_>, Error>>()?;
        let values = self.wanted.values.iter().map(|_| Source::<f64>::open(&group, next()));
        let mut values = values.collect::<Result<Vec<_>, Error>>()?;
        while row < end {
            let count = (end - row).min((ROWS - taker.rows()) as u64) as usize;
            let in_row = |(at, error): (usize, Error)| error.row(row + at as u64);
            units.units(count, taker).map_err(in_row)?;
            if let Some(time) = &mut time {
                time.times(count, taker).map_err(in_row)?;
            }
            for (at, names) in names.iter_mut().enumerate() {
                names.names(count, at, taker).map_err(in_row)?;
            }
            for (at, values) in values.iter_mut().enumerate() {
                values.values(count, at, taker).map_err(in_row)?;
            }
            if taker.rows() == ROWS {
                taker.hand_over(sink);
            }
            row += count as u64;
        }
        Ok(())
    }
}

/// What an error of the format says, as the part of a sentence.
fn words(error: &ParquetError) -> String {
    let text = error.to_string();
    let short = text.split_once(": ").map_or(text.as_str(), |(_, rest)| rest);
    short.trim_end_matches('.').to_owned()
}

/// Asks the library something of a file that may be broken.
fn asked<T>(ask: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Error> {
    caught(ask)?.map_err(|error| broken(&error))
}

/// The library checks less than it relies on, and panics then.
fn caught<T>(ask: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(ask)).map_err(|_| unfit())
}

fn unfit() -> Error {
    Error::new("the file is broken: what it says of itself does not fit")
}

/// The row after a group that begins with this one, when what is said of the group can be: that its
/// columns lie within the file, which the library takes for granted, and that these have a value or
/// none for each row. Rows that are there and not counted would go missing.
fn end(group: &RowGroupMetaData, columns: &[usize], first: u64, length: u64) -> Option<u64> {
    for column in group.columns() {
        let pages = [column.dictionary_page_offset(), Some(column.data_page_offset())];
        let begins = u64::try_from(pages.into_iter().flatten().min()?).ok()?;
        let size = u64::try_from(column.compressed_size()).ok()?;
        begins.checked_add(size).filter(|end| *end <= length)?;
    }
    let rows = group.num_rows();
    if columns.iter().any(|at| group.column(*at).num_values() != rows) {
        return None;
    }
    first.checked_add(u64::try_from(rows).ok()?)
}

fn broken(error: &ParquetError) -> Error {
    Error::new(format!("the file is broken: {}", words(error)))
}

fn meaning(column: &ColumnDescriptor) -> Meaning {
    use ConvertedType::{
        BSON, DATE, DECIMAL, INTERVAL, TIME_MICROS, TIME_MILLIS, TIMESTAMP_MICROS,
        TIMESTAMP_MILLIS, UINT_8, UINT_16, UINT_32, UINT_64,
    };
    let per_second = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1000,
        TimeUnit::MICROS => SECOND,
        TimeUnit::NANOS => 1000 * SECOND,
    };
    match (column.logical_type_ref(), column.converted_type(), column.physical_type()) {
        (Some(LogicalType::Timestamp(time)), ..) => Meaning::Time {
            per_second: per_second(&time.unit),
            has_zone: time.is_adjusted_to_u_t_c,
        },
        (_, TIMESTAMP_MILLIS, _) => Meaning::Time { per_second: 1000, has_zone: true },
        (_, TIMESTAMP_MICROS, _) => Meaning::Time { per_second: SECOND, has_zone: true },
        (Some(LogicalType::Date), ..) | (_, DATE, _) => Meaning::Day,
        (Some(LogicalType::Uuid), ..) => Meaning::Uuid,
        (Some(LogicalType::Decimal(_)), ..) | (_, DECIMAL, _) => {
            Meaning::Decimal(10_f64.powi(column.type_scale()))
        }
        (Some(LogicalType::Integer(whole)), ..) if !whole.is_signed => Meaning::Unsigned,
        (_, UINT_8 | UINT_16 | UINT_32 | UINT_64, _) => Meaning::Unsigned,
        (Some(LogicalType::Time(_) | LogicalType::Float16 | LogicalType::Bson), ..)
        | (_, TIME_MILLIS | TIME_MICROS | INTERVAL | BSON, _) => Meaning::Other,
        (.., Type::INT96) => Meaning::Julian,
        (.., Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY) => Meaning::Text,
        _ => Meaning::Number,
    }
}
