//! Columns in any encoding, by the readers of the library: a value at a time.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, DataType, Int96};
use parquet::file::reader::RowGroupReader;

use super::columns::{counted, no_time, uncounted};
use super::{Meaning, SECOND, asked, meaning};
use crate::error::Error;
use crate::read::Taker;
use crate::time::Stamp;

const DAY: i64 = 86_400 * SECOND;
/// The day that the oldest kind of times counts from, from 1970.
const JULIAN: i64 = 2_440_588;

/// A column of a row group, as far as it is read.
pub(super) struct Column {
    name: String,
    reader: ColumnReader,
    meaning: Meaning,
    /// The level of a row that has a value; rows of lower ones have none, or nothing to have one in.
    deepest: i16,
    levels: Vec<i16>,
}

/// Values of a batch, with which of its rows have one.
struct Values<'a, T> {
    all: Vec<T>,
    levels: &'a [i16],
    deepest: i16,
}

impl<T> Values<'_, T> {
    /// Does this with each row's value, or with none; with the number of the row where it fails.
    fn each(
        self,
        mut each: impl FnMut(Option<T>) -> Result<(), Error>,
    ) -> Result<(), (usize, Error)> {
        let mut all = self.all.into_iter();
        if self.deepest == 0 {
            for (row, value) in all.enumerate() {
                each(Some(value)).map_err(|error| (row, error))?;
            }
            return Ok(());
        }
        for (row, level) in self.levels.iter().enumerate() {
            let value = if *level == self.deepest { all.next() } else { None };
            each(value).map_err(|error| (row, error))?;
        }
        Ok(())
    }
}

fn read<'l, T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    count: usize,
    levels: &'l mut Vec<i16>,
    deepest: i16,
) -> Result<Values<'l, T::T>, (usize, Error)> {
    let mut all = Vec::with_capacity(count);
    levels.clear();
    let mut got = 0;
    while got < count {
        let into = (deepest > 0).then_some(&mut *levels);
        let read = asked(|| reader.read_records(count - got, into, None, &mut all));
        let (records, ..) = read.map_err(|error| (got, error))?;
        if records == 0 {
            let what = "the file is broken: a column is shorter than its row group";
            return Err((got, Error::new(what)));
        }
        got += records;
    }
    Ok(Values { all, levels, deepest })
}

impl Column {
    pub(super) fn open(group: &dyn RowGroupReader, at: usize) -> Result<Column, Error> {
        let schema = group.metadata().schema_descr();
        let column = schema.column(at);
        let reader = asked(|| group.get_column_reader(at))?;
        Ok(Column {
            name: column.path().string(),
            meaning: meaning(&column),
            deepest: column.max_def_level(),
            reader,
            levels: Vec::new(),
        })
    }

    fn unfit(&self, what: &str) -> (usize, Error) {
        (0, Error::new(format!("its values are no {what}")).column(&self.name))
    }

    pub(super) fn units(
        &mut self,
        count: usize,
        taker: &mut Taker<'_>,
    ) -> Result<(), (usize, Error)> {
        self.texts(count, "ids", |text| match text {
            Some(text) => taker.unit(text),
            None => Err(taker.nobody()),
        })
    }

    pub(super) fn names(
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
        let Column { reader, meaning, deepest, levels, .. } = self;
        let (levels, deepest) = (levels, *deepest);
        let written = |value: Option<String>| value.map(String::into_bytes);
        match (reader, *meaning) {
            (ColumnReader::ByteArrayColumnReader(reader), Meaning::Text) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|value| each(value.as_ref().map(AsBytes::as_bytes)))
            }
            (ColumnReader::FixedLenByteArrayColumnReader(reader), Meaning::Text) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|value| each(value.as_ref().map(AsBytes::as_bytes)))
            }
            (ColumnReader::FixedLenByteArrayColumnReader(reader), Meaning::Uuid) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|value| {
                    each(value.as_ref().map(|value| uuid(value.as_bytes())).as_deref())
                })
            }
            (ColumnReader::Int32ColumnReader(reader), Meaning::Number) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|value| each(written(value.map(|one| one.to_string())).as_deref()))
            }
            (ColumnReader::Int64ColumnReader(reader), Meaning::Number) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|value| each(written(value.map(|one| one.to_string())).as_deref()))
            }
            (ColumnReader::Int32ColumnReader(reader), Meaning::Unsigned) => {
                let values = read(reader, count, levels, deepest)?;
                let text = |one: i32| one.cast_unsigned().to_string();
                values.each(|value| each(written(value.map(text)).as_deref()))
            }
            (ColumnReader::Int64ColumnReader(reader), Meaning::Unsigned) => {
                let values = read(reader, count, levels, deepest)?;
                let text = |one: i64| one.cast_unsigned().to_string();
                values.each(|value| each(written(value.map(text)).as_deref()))
            }
            (ColumnReader::BoolColumnReader(reader), _) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|value| each(written(value.map(|one| one.to_string())).as_deref()))
            }
            _ => Err(unfit),
        }
    }

    pub(super) fn times(
        &mut self,
        count: usize,
        taker: &mut Taker<'_>,
    ) -> Result<(), (usize, Error)> {
        let unfit = self.unfit("times");
        let none = no_time(&self.name);
        let Column { reader, meaning, deepest, levels, .. } = self;
        let (levels, deepest) = (levels, *deepest);
        let take = |taker: &mut Taker<'_>, stamp: Option<Option<Stamp>>| match stamp {
            Some(Some(stamp)) => taker.stamp(stamp),
            // There is a value, and it is no time.
            Some(None) => Err(taker.beyond()),
            None => Err(none.clone()),
        };
        match (reader, *meaning) {
            (ColumnReader::Int64ColumnReader(reader), meaning) if meaning.counts() => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|value| match value {
                    Some(value) => match counted(value, meaning) {
                        Some(stamp) => taker.stamp(stamp),
                        None => Err(uncounted(value, meaning, taker)),
                    },
                    None => Err(none.clone()),
                })
            }
            (ColumnReader::Int32ColumnReader(reader), Meaning::Day) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|day| take(taker, day.map(midnight)))
            }
            (ColumnReader::Int96ColumnReader(reader), _) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|value| take(taker, value.map(julian)))
            }
            (ColumnReader::ByteArrayColumnReader(reader), Meaning::Text) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|value| match value {
                    Some(value) => taker.time(value.as_bytes()),
                    None => Err(none.clone()),
                })
            }
            _ => Err(unfit),
        }
    }

    pub(super) fn values(
        &mut self,
        count: usize,
        at: usize,
        taker: &mut Taker<'_>,
    ) -> Result<(), (usize, Error)> {
        let unfit = self.unfit("numbers");
        let Column { reader, meaning, deepest, levels, .. } = self;
        let (levels, deepest) = (levels, *deepest);
        let mut number = |value: Option<f64>| taker.number(at, value.unwrap_or(0.0));
        match (reader, *meaning) {
            (ColumnReader::DoubleColumnReader(reader), _) => {
                read(reader, count, levels, deepest)?.each(number)
            }
            (ColumnReader::FloatColumnReader(reader), _) => {
                read(reader, count, levels, deepest)?.each(|one| number(one.map(f64::from)))
            }
            (ColumnReader::BoolColumnReader(reader), _) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|one| number(one.map(|is| f64::from(u8::from(is)))))
            }
            (ColumnReader::Int32ColumnReader(reader), Meaning::Number) => {
                read(reader, count, levels, deepest)?.each(|one| number(one.map(f64::from)))
            }
            (ColumnReader::Int64ColumnReader(reader), Meaning::Number) => {
                read(reader, count, levels, deepest)?.each(|one| number(one.map(|one| one as f64)))
            }
            (ColumnReader::Int32ColumnReader(reader), Meaning::Unsigned) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|one| number(one.map(|one| f64::from(one.cast_unsigned()))))
            }
            (ColumnReader::Int64ColumnReader(reader), Meaning::Unsigned) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|one| number(one.map(|one| one.cast_unsigned() as f64)))
            }
            (ColumnReader::Int32ColumnReader(reader), Meaning::Decimal(by)) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|one| number(one.map(|one| f64::from(one) / by)))
            }
            (ColumnReader::Int64ColumnReader(reader), Meaning::Decimal(by)) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|one| number(one.map(|one| one as f64 / by)))
            }
            (ColumnReader::FixedLenByteArrayColumnReader(reader), Meaning::Decimal(by)) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|one| number(one.map(|one| whole(one.as_bytes()) / by)))
            }
            (ColumnReader::ByteArrayColumnReader(reader), Meaning::Decimal(by)) => {
                let values = read(reader, count, levels, deepest)?;
                values.each(|one| number(one.map(|one| whole(one.as_bytes()) / by)))
            }
            _ => Err(unfit),
        }
    }
}

/// What a clock on the wall shows when a day begins that counts from 1970.
fn midnight(day: i32) -> Option<Stamp> {
    i64::from(day).checked_mul(DAY).map(Stamp::Wall)
}

/// Nanoseconds of a day that counts from long ago: an instant, since those who write them (Spark, Hive,
/// Impala) put them into UTC first, and others read them so.
fn julian(value: Int96) -> Option<Stamp> {
    let [low, high, day] = [0, 1, 2].map(|at| value.data()[at]);
    let nanos = (u64::from(high) << 32 | u64::from(low)).cast_signed();
    let midnight = (i64::from(day) - JULIAN).checked_mul(DAY)?;
    midnight.checked_add(nanos / 1000).map(Stamp::Instant)
}

/// A whole number in two's complement, the highest byte first, to its nearest double.
fn whole(bytes: &[u8]) -> f64 {
    let sign: i128 = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    // Bytes in front that say no more than the sign; one is left, since its highest bit says it, too.
    let lead = bytes.iter().take_while(|byte| **byte == sign as u8).count().saturating_sub(1);
    let (high, low) = bytes[lead..].split_at(bytes[lead..].len().min(16));
    // What does not fit lies 60 bits and more below the last one of a double.
    let high = high.iter().fold(sign, |all, byte| all << 8 | i128::from(*byte));
    high as f64 * 256_f64.powi(low.len() as i32)
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
