//! Parquet: a part is a row group, of which only the wanted columns are read.

use std::path::Path;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::text::map;
use super::{ROWS, Sink, Table, Taker, Wanted, places};
use crate::error::Error;
use crate::time::{Stamp, since_1970};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// The day that the oldest kind of times counts from, from 1970.
const JULIAN: i64 = 2_440_588;

/// A file of row groups.
pub(super) struct Groups<'q> {
    wanted: &'q Wanted<'q>,
    reader: SerializedFileReader<Bytes>,
    columns: Vec<usize>,
    /// The first row of each group, from 1.
    first: Vec<u64>,
}

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meaning {
    Text,
    Uuid,
    Number,
    Time {
        per_second: i64,
        has_zone: bool,
    },
    Day,
    Julian,
    /// By what a whole number is to be divided.
    Decimal(f64),
}

impl<'q> Groups<'q> {
    pub(super) fn open(file: &Path, wanted: &'q Wanted<'q>) -> Result<Groups<'q>, Error> {
        let bytes = Bytes::from_owner(map(file)?);
        let reader = SerializedFileReader::new(bytes).map_err(|error| {
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
            first.push(first[first.len() - 1] + group.num_rows() as u64);
        }
        Ok(Groups { wanted, reader, columns, first })
    }
}

impl Table for Groups<'_> {
    fn parts(&self) -> usize {
        self.first.len() - 1
    }

    fn read(&self, part: usize, sink: &mut Sink<'_>) -> Result<Option<bool>, Error> {
        let group = self.reader.get_row_group(part).map_err(|error| broken(&error))?;
        let mut columns = Vec::new();
        for at in &self.columns {
            columns.push(Column::open(&*group, *at)?);
        }
        let mut taker = Taker::new(self.wanted);
        let (mut row, end) = (self.first[part], self.first[part + 1]);
        while row < end {
            let count = (end - row).min(ROWS as u64) as usize;
            let mut own = columns.iter_mut();
            let mut next = || own.next().expect("a reader for each column");
            let in_row = |(at, error): (usize, Error)| error.row(row + at as u64);
            next().units(count, &mut taker).map_err(in_row)?;
            if self.wanted.time.is_some() {
                next().times(count, &mut taker).map_err(in_row)?;
            }
            for at in 0..self.wanted.names.len() {
                next().names(count, at, &mut taker).map_err(in_row)?;
            }
            for at in 0..self.wanted.values.len() {
                next().values(count, at, &mut taker).map_err(in_row)?;
            }
            taker.hand_over(sink);
            row += count as u64;
        }
        Ok(taker.clock.has_zones())
    }
}

/// What an error of the format says, as the part of a sentence.
fn words(error: &ParquetError) -> String {
    let text = error.to_string();
    let short = text.split_once(": ").map_or(text.as_str(), |(_, rest)| rest);
    short.trim_end_matches('.').to_owned()
}

fn broken(error: &ParquetError) -> Error {
    Error::new(format!("the file is broken: {}", words(error)))
}

/// A column of a row group, as far as it is read.
struct Column {
    name: String,
    reader: ColumnReader,
    meaning: Meaning,
    is_optional: bool,
    levels: Vec<i16>,
}

/// Values of a batch, with which of its rows have one.
struct Values<'a, T> {
    all: Vec<T>,
    levels: Option<&'a [i16]>,
}

impl<T> Values<'_, T> {
    /// Does this with each row's value, or with none; with the number of the row where it fails.
    fn each(
        self,
        mut each: impl FnMut(Option<T>) -> Result<(), Error>,
    ) -> Result<(), (usize, Error)> {
        let mut all = self.all.into_iter();
        match self.levels {
            None => {
                for (row, value) in all.enumerate() {
                    each(Some(value)).map_err(|error| (row, error))?;
                }
            }
            Some(levels) => {
                for (row, level) in levels.iter().enumerate() {
                    let value = if *level > 0 { all.next() } else { None };
                    each(value).map_err(|error| (row, error))?;
                }
            }
        }
        Ok(())
    }
}

fn read<'l, T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    count: usize,
    levels: &'l mut Vec<i16>,
    is_optional: bool,
) -> Result<Values<'l, T::T>, (usize, Error)> {
    let mut all = Vec::with_capacity(count);
    levels.clear();
    let mut got = 0;
    while got < count {
        let into = is_optional.then_some(&mut *levels);
        let read = reader.read_records(count - got, into, None, &mut all);
        let (records, ..) = read.map_err(|error| (got, broken(&error)))?;
        if records == 0 {
            let what = "the file is broken: a column is shorter than its row group";
            return Err((got, Error::new(what)));
        }
        got += records;
    }
    Ok(Values { all, levels: is_optional.then_some(&levels[..]) })
}

impl Column {
    fn open(group: &dyn RowGroupReader, at: usize) -> Result<Column, Error> {
        let schema = group.metadata().schema_descr();
        let column = schema.column(at);
        let reader = group.get_column_reader(at).map_err(|error| broken(&error))?;
        Ok(Column {
            name: column.path().string(),
            meaning: meaning(&column),
            is_optional: column.max_def_level() > 0,
            reader,
            levels: Vec::new(),
        })
    }

    fn unfit(&self, what: &str) -> (usize, Error) {
        (0, Error::new(format!("its values are no {what}")).column(&self.name))
    }

    fn units(&mut self, count: usize, taker: &mut Taker<'_>) -> Result<(), (usize, Error)> {
        self.texts(count, "ids", |text| match text {
            Some(text) => taker.unit(text),
            None => Err(taker.nobody()),
        })
    }

    fn names(
        &mut self,
        count: usize,
        at: usize,
        taker: &mut Taker<'_>,
    ) -> Result<(), (usize, Error)> {
        self.texts(count, "names", |text| taker.name(at, text))
    }

    /// Whatever can be written as text without a loss.
    fn texts(
        &mut self,
        count: usize,
        what: &str,
        mut each: impl FnMut(Option<&[u8]>) -> Result<(), Error>,
    ) -> Result<(), (usize, Error)> {
        let unfit = self.unfit(what);
        let Column { reader, meaning, is_optional, levels, .. } = self;
        let (levels, is_optional) = (levels, *is_optional);
        let written = |value: Option<String>| value.map(String::into_bytes);
        match (reader, *meaning) {
            (ColumnReader::ByteArrayColumnReader(reader), Meaning::Text) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|value| each(value.as_ref().map(AsBytes::as_bytes)))
            }
            (ColumnReader::FixedLenByteArrayColumnReader(reader), Meaning::Text) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|value| each(value.as_ref().map(AsBytes::as_bytes)))
            }
            (ColumnReader::FixedLenByteArrayColumnReader(reader), Meaning::Uuid) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|value| {
                    each(value.as_ref().map(|value| uuid(value.as_bytes())).as_deref())
                })
            }
            (ColumnReader::Int32ColumnReader(reader), Meaning::Number) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|value| each(written(value.map(|one| one.to_string())).as_deref()))
            }
            (ColumnReader::Int64ColumnReader(reader), Meaning::Number) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|value| each(written(value.map(|one| one.to_string())).as_deref()))
            }
            (ColumnReader::BoolColumnReader(reader), _) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|value| each(written(value.map(|one| one.to_string())).as_deref()))
            }
            _ => Err(unfit),
        }
    }

    fn times(&mut self, count: usize, taker: &mut Taker<'_>) -> Result<(), (usize, Error)> {
        let unfit = self.unfit("times");
        let none = Error::new("there is no time").column(&self.name);
        let Column { reader, meaning, is_optional, levels, .. } = self;
        let (levels, is_optional) = (levels, *is_optional);
        let mut stamp = |stamp: Option<Stamp>| match stamp {
            Some(stamp) => taker.stamp(stamp),
            None => Err(none.clone()),
        };
        match (reader, *meaning) {
            (ColumnReader::Int64ColumnReader(reader), Meaning::Time { per_second, has_zone }) => {
                let values = read(reader, count, levels, is_optional)?;
                let micros = |value: i64| match per_second {
                    SECOND => value,
                    1000 => value * 1000,
                    _ => value.div_euclid(1000),
                };
                values.each(|value| {
                    let at = value.map(micros);
                    stamp(at.map(if has_zone { Stamp::Instant } else { Stamp::Wall }))
                })
            }
            (ColumnReader::Int64ColumnReader(reader), Meaning::Number) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|value| stamp(value.map(since_1970)))
            }
            (ColumnReader::Int32ColumnReader(reader), Meaning::Day) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|value| stamp(value.map(|day| Stamp::Wall(i64::from(day) * DAY))))
            }
            (ColumnReader::Int96ColumnReader(reader), _) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|value| {
                    stamp(value.map(|value| {
                        let [low, high, day] = [0, 1, 2].map(|at| value.data()[at]);
                        let nanos = (u64::from(high) << 32 | u64::from(low)) as i64;
                        Stamp::Wall((i64::from(day) - JULIAN) * DAY + nanos / 1000)
                    }))
                })
            }
            (ColumnReader::ByteArrayColumnReader(reader), Meaning::Text) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|value| match value {
                    Some(value) => taker.time(value.as_bytes()),
                    None => Err(none.clone()),
                })
            }
            _ => Err(unfit),
        }
    }

    fn values(
        &mut self,
        count: usize,
        at: usize,
        taker: &mut Taker<'_>,
    ) -> Result<(), (usize, Error)> {
        let unfit = self.unfit("numbers");
        let Column { reader, meaning, is_optional, levels, .. } = self;
        let (levels, is_optional) = (levels, *is_optional);
        let mut number = |value: Option<f64>| taker.number(at, value.unwrap_or(0.0));
        match (reader, *meaning) {
            (ColumnReader::DoubleColumnReader(reader), _) => {
                read(reader, count, levels, is_optional)?.each(number)
            }
            (ColumnReader::FloatColumnReader(reader), _) => {
                read(reader, count, levels, is_optional)?.each(|one| number(one.map(f64::from)))
            }
            (ColumnReader::BoolColumnReader(reader), _) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|one| number(one.map(|is| f64::from(u8::from(is)))))
            }
            (ColumnReader::Int32ColumnReader(reader), Meaning::Number) => {
                read(reader, count, levels, is_optional)?.each(|one| number(one.map(f64::from)))
            }
            (ColumnReader::Int64ColumnReader(reader), Meaning::Number) => {
                read(reader, count, levels, is_optional)?
                    .each(|one| number(one.map(|one| one as f64)))
            }
            (ColumnReader::Int32ColumnReader(reader), Meaning::Decimal(by)) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|one| number(one.map(|one| f64::from(one) / by)))
            }
            (ColumnReader::Int64ColumnReader(reader), Meaning::Decimal(by)) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|one| number(one.map(|one| one as f64 / by)))
            }
            (ColumnReader::FixedLenByteArrayColumnReader(reader), Meaning::Decimal(by)) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|one| number(one.map(|one| whole(one.as_bytes()) / by)))
            }
            (ColumnReader::ByteArrayColumnReader(reader), Meaning::Decimal(by)) => {
                let values = read(reader, count, levels, is_optional)?;
                values.each(|one| number(one.map(|one| whole(one.as_bytes()) / by)))
            }
            _ => Err(unfit),
        }
    }
}

/// A whole number in two's complement, the highest byte first.
fn whole(bytes: &[u8]) -> f64 {
    let sign: i128 = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |all, byte| all << 8 | i128::from(*byte)) as f64
}

fn uuid(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push(b'-');
        }
        text.extend_from_slice(format!("{byte:02x}").as_bytes());
    }
    text
}

fn meaning(column: &ColumnDescriptor) -> Meaning {
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
        (_, ConvertedType::TIMESTAMP_MILLIS, _) => {
            Meaning::Time { per_second: 1000, has_zone: true }
        }
        (_, ConvertedType::TIMESTAMP_MICROS, _) => {
            Meaning::Time { per_second: SECOND, has_zone: true }
        }
        (Some(LogicalType::Date), ..) | (_, ConvertedType::DATE, _) => Meaning::Day,
        (Some(LogicalType::Uuid), ..) => Meaning::Uuid,
        (Some(LogicalType::Decimal(_)), ..) | (_, ConvertedType::DECIMAL, _) => {
            Meaning::Decimal(10_f64.powi(column.type_scale()))
        }
        (.., Type::INT96) => Meaning::Julian,
        (.., Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY) => Meaning::Text,
        _ => Meaning::Number,
    }
}
