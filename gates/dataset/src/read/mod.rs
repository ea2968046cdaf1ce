//! Rows of files, a batch of columns at a time.

mod cut;
mod json;
mod numbers;
mod parquet;
mod quoted;
mod text;

use std::path::Path;

use crate::Zone;
use crate::error::Error;
use crate::names::{Known, Names};
use crate::time::{Clock, Stamp, Unfit, parse};
use crate::units::{Key, NOTHING, key};

/// How many rows a batch has at the most.
pub(crate) const ROWS: usize = 16 << 10;

/// What is wanted of a table.
pub(crate) struct Wanted<'q> {
    pub(crate) unit: &'q str,
    pub(crate) time: Option<&'q str>,
    pub(crate) names: Vec<Named<'q>>,
    pub(crate) values: Vec<&'q str>,
    pub(crate) zone: &'q Zone,
}

/// A column whose values are names.
pub(crate) struct Named<'q> {
    pub(crate) column: &'q str,
    pub(crate) names: &'q Names,
    pub(crate) which: Which,
}

/// Which names there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those that are known, and no others.
    Known,
    /// Others are passed over.
    Chosen,
    /// Any, and none.
    Any,
}

impl Wanted<'_> {
    /// All columns, in the order of [`Batch`].
    fn columns(&self) -> Vec<&str> {
        let names = self.names.iter().map(|one| one.column);
        [self.unit].into_iter().chain(self.time).chain(names).chain(self.values.clone()).collect()
    }
}

/// Rows, column by column.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) keys: Vec<Key>,
    /// All 0 without a column for them.
    pub(crate) times: Vec<i64>,
    pub(crate) names: Vec<Vec<u16>>,
    pub(crate) values: Vec<Vec<f64>>,
}

impl Batch {
    fn of(wanted: &Wanted<'_>) -> Batch {
        Batch {
            names: vec![Vec::new(); wanted.names.len()],
            values: vec![Vec::new(); wanted.values.len()],
            ..Batch::default()
        }
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.times.clear();
        self.names.iter_mut().for_each(Vec::clear);
        self.values.iter_mut().for_each(Vec::clear);
    }
}

/// Takes one batch after the other.
pub(crate) type Sink<'s> = dyn FnMut(&Batch) + 's;

/// Whether times say where they are meant, where there were any.
pub(crate) type Times = Option<bool>;

/// A file that can be read in parts, by several at once.
pub(crate) trait Table: Sync {
    /// Somebody who reads some of its parts.
    fn reader(&self) -> Box<dyn Reader + '_>;
}

/// Somebody who reads some parts of a file.
pub(crate) trait Reader {
    /// Reads the next part that nobody has read; gives its number, and what its times say. None when
    /// all parts have been read, and then all rows have been handed over.
    fn next(&mut self, sink: &mut Sink<'_>) -> (usize, Result<Option<Times>, Error>);
}

/// Opens a file of the format that its name says.
pub(crate) fn open<'q>(
    file: &'q Path,
    wanted: &'q Wanted<'q>,
) -> Result<Box<dyn Table + 'q>, Error> {
    let name = file.extension().and_then(|end| end.to_str()).unwrap_or_default();
    let opened: Result<Box<dyn Table + 'q>, Error> = match name.to_ascii_lowercase().as_str() {
        "csv" => text::Text::open(file, wanted, b',').map(|one| Box::new(one) as _),
        "tsv" => text::Text::open(file, wanted, b'\t').map(|one| Box::new(one) as _),
        "jsonl" | "ndjson" => json::Lines::open(file, wanted).map(|one| Box::new(one) as _),
        "parquet" => parquet::Groups::open(file, wanted).map(|one| Box::new(one) as _),
        other => Err(Error::new(format!("`.{other}` is no format of data"))
            .hint("csv, tsv, jsonl, ndjson and parquet are read")),
    };
    opened.map_err(|error| error.file(file))
}

/// Makes keys, instants, numbers of names and values of what was read.
struct Taker<'q> {
    wanted: &'q Wanted<'q>,
    clock: Clock<'q>,
    known: Vec<Known<'q>>,
    batch: Batch,
}

impl<'q> Taker<'q> {
    fn new(wanted: &'q Wanted<'q>) -> Taker<'q> {
        let known =
            wanted.names.iter().map(|one| Known::new(one.names, one.which == Which::Any)).collect();
        Taker { wanted, clock: Clock::new(wanted.zone), known, batch: Batch::of(wanted) }
    }

    #[inline]
    fn unit(&mut self, id: &[u8]) -> Result<(), Error> {
        let key = self.key_of(id)?;
        self.batch.keys.push(key);
        Ok(())
    }

    #[inline]
    fn key_of(&self, id: &[u8]) -> Result<Key, Error> {
        if id.is_empty() { Err(self.nobody()) } else { Ok(key(id)) }
    }

    fn nobody(&self) -> Error {
        Error::new("nobody is named")
            .column(self.wanted.unit)
            .hint("leave rows out that belong to nobody")
    }

    #[inline]
    fn time(&mut self, text: &[u8]) -> Result<(), Error> {
        let stamp = self.parsed(text)?;
        self.stamp(stamp)
    }

    #[inline]
    fn parsed(&self, text: &[u8]) -> Result<Stamp, Error> {
        parse(text).ok_or_else(|| self.no_time(&shown(text)))
    }

    fn no_time(&self, shown: &str) -> Error {
        let hint = "times look like 2026-11-22T09:30:00Z, or count from 1970 in 10 digits (seconds), \
                    13, 16 or 19";
        Error::new(format!("`{shown}` is no time"))
            .column(self.wanted.time.unwrap_or_default())
            .hint(hint)
    }

    #[inline]
    fn stamp(&mut self, stamp: Stamp) -> Result<(), Error> {
        let instant = self.instant_of(stamp)?;
        self.batch.times.push(instant);
        Ok(())
    }

    #[inline]
    fn instant_of(&mut self, stamp: Stamp) -> Result<i64, Error> {
        self.clock.instant(stamp).map_err(|unfit| match unfit {
            Unfit::Mixed => mixed().column(self.wanted.time.unwrap_or_default()),
            Unfit::Beyond => self.beyond(),
        })
    }

    fn beyond(&self) -> Error {
        Error::new("this is no time: it lies outside of the years 1 to 9999")
            .column(self.wanted.time.unwrap_or_default())
            .hint("leave rows out that never happened, and look at the unit of the times")
    }

    #[inline]
    fn name(&mut self, at: usize, text: Option<&[u8]>) -> Result<(), Error> {
        let number = self.name_of(at, text)?;
        self.batch.names[at].push(number);
        Ok(())
    }

    #[inline]
    fn name_of(&mut self, at: usize, text: Option<&[u8]>) -> Result<u16, Error> {
        let which = self.wanted.names[at].which;
        let number = match text {
            Some(text) if !(text.is_empty() && which == Which::Any) => self.known[at].number(text),
            _ if which == Which::Any => Some(NOTHING),
            _ => None,
        };
        match (number, which) {
            (Some(number), _) => Ok(number),
            (None, Which::Chosen) => Ok(NOTHING),
            (None, _) => Err(self.unknown(at, text)),
        }
    }

    fn unknown(&self, at: usize, text: Option<&[u8]>) -> Error {
        let Named { column, names, which } = &self.wanted.names[at];
        match (which, text) {
            (Which::Any, Some(text)) if std::str::from_utf8(text).is_err() => {
                Error::new(format!("`{}` is not UTF-8", shown(text)))
                    .column(column)
                    .hint("write the file as UTF-8")
            }
            (Which::Any, _) => Error::new("there are over a thousand different values in it")
                .column(column)
                .hint("a segment has few values: group them first"),
            (_, None | Some([])) => Error::new("no arm is named").column(column),
            (_, Some(text)) => Error::new(format!("there is no arm `{}`", shown(text)))
                .column(column)
                .hint(format!("the arms are {}", names.all().join(", "))),
        }
    }

    #[inline]
    fn value(&mut self, at: usize, text: &[u8]) -> Result<(), Error> {
        if text.is_empty() {
            self.batch.values[at].push(0.0);
            return Ok(());
        }
        let number = numbers::parse(text).ok_or_else(|| {
            Error::new(format!("`{}` is no number", shown(text))).column(self.wanted.values[at])
        })?;
        self.number(at, number)
    }

    #[inline]
    fn number(&mut self, at: usize, number: f64) -> Result<(), Error> {
        let number = self.finite(at, number)?;
        self.batch.values[at].push(number);
        Ok(())
    }

    #[inline]
    fn finite(&self, at: usize, number: f64) -> Result<f64, Error> {
        if number.is_finite() {
            return Ok(number);
        }
        Err(Error::new(format!("{number} cannot be added up"))
            .column(self.wanted.values[at])
            .hint("leave it empty where nothing was measured"))
    }

    /// What the times of a part said, of which there are no more.
    fn part_is_over(&mut self) -> Times {
        self.clock.forget_zones()
    }

    /// How many rows there are by now.
    fn rows(&self) -> usize {
        self.batch.keys.len()
    }

    /// Hands over what there is.
    fn hand_over(&mut self, sink: &mut Sink<'_>) {
        if self.wanted.time.is_none() {
            self.batch.times.resize(self.batch.keys.len(), 0);
        }
        if !self.batch.keys.is_empty() {
            sink(&self.batch);
        }
        self.batch.clear();
    }
}

/// Times that say where they are meant, and others that do not.
pub(crate) fn mixed() -> Error {
    Error::new("some times have a zone and others have none")
        .hint("write all of them with one, such as 2026-11-22T09:30:00Z")
}

/// The start of a text, for people.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

/// Where the wanted columns stand among those that there are.
fn places(wanted: &Wanted<'_>, there: &[String]) -> Result<Vec<usize>, Error> {
    let find = |column: &str| {
        let mut all = (0..there.len()).filter(|at| there[*at] == column);
        match (all.next(), all.next()) {
            (Some(at), None) => Ok(at),
            (Some(_), Some(_)) => Err(Error::new(format!("there are two columns `{column}`"))),
            (None, _) => Err(Error::new(format!("there is no column `{column}`"))
                .hint(format!("there are {}", there.join(", ")))),
        }
    };
    wanted.columns().into_iter().map(find).collect()
}
