//! An object in each line.

use std::path::Path;

use memchr::memchr;
use serde_json::{Map, Value};

use super::cut::{Cutter, Piece};
use super::{ROWS, Reader, Sink, Table, Taker, Times, Wanted};
use crate::error::Error;

/// A file of JSON Lines.
pub(super) struct Lines<'q> {
    wanted: &'q Wanted<'q>,
    file: Cutter,
}

/// Who reads some of its pieces.
struct Rows<'t, 'q> {
    lines: &'t Lines<'q>,
    taker: Taker<'q>,
    piece: Piece,
}

impl<'q> Lines<'q> {
    pub(super) fn open(file: &Path, wanted: &'q Wanted<'q>) -> Result<Lines<'q>, Error> {
        Ok(Lines { wanted, file: Cutter::open(file, false)? })
    }

    fn take(&self, taker: &mut Taker<'q>, line: &[u8]) -> Result<(), Error> {
        let row: Map<String, Value> = serde_json::from_slice(line)
            .map_err(|error| Error::new(format!("this is no JSON object: {error}")))?;
        let field = |column: &str| row.get(column).filter(|value| !value.is_null());
        let wanted = self.wanted;
        match field(wanted.unit) {
            None => return Err(taker.nobody()),
            Some(unit) => taker.unit(text(unit, wanted.unit)?.as_bytes())?,
        }
        if let Some(column) = wanted.time {
            let time =
                field(column).ok_or_else(|| Error::new("there is no time").column(column))?;
            taker.time(text(time, column)?.as_bytes())?;
        }
        for (at, named) in wanted.names.iter().enumerate() {
            let name = field(named.column).map(|one| text(one, named.column)).transpose()?;
            taker.name(at, name.as_ref().map(String::as_bytes))?;
        }
        for (at, column) in wanted.values.iter().enumerate() {
            match field(column) {
                None => taker.number(at, 0.0)?,
                Some(Value::Bool(is)) => taker.number(at, f64::from(u8::from(*is)))?,
                Some(value) => taker.value(at, text(value, column)?.as_bytes())?,
            }
        }
        Ok(())
    }
}

/// A text, a number or whether something is so, as text.
fn text(value: &Value, column: &str) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(is) => Ok(is.to_string()),
        _ => Err(Error::new("this is neither text nor a number").column(column)),
    }
}

impl Table for Lines<'_> {
    fn reader(&self) -> Box<dyn Reader + '_> {
        let taker = Taker::new(self.wanted);
        Box::new(Rows { lines: self, taker, piece: Piece::default() })
    }
}

impl Rows<'_, '_> {
    fn read(&mut self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let Rows { lines, taker, piece } = self;
        let mut at = 0;
        while at < piece.bytes.len() {
            let rest = &piece.bytes[at..];
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest[..end].trim_ascii();
            if !line.is_empty() {
                let place = piece.at + at as u64;
                lines.take(taker, line).map_err(|error| error.line(lines.file.line(place)))?;
            }
            if taker.rows() == ROWS {
                taker.hand_over(sink);
            }
            at += end + 1;
        }
        Ok(())
    }
}

impl Reader for Rows<'_, '_> {
    fn next(&mut self, sink: &mut Sink<'_>) -> (usize, Result<Option<Times>, Error>) {
        match self.lines.file.next(&mut self.piece) {
            Err(error) => (self.piece.number + 1, Err(error)),
            Ok(false) => {
                self.taker.hand_over(sink);
                (self.piece.number, Ok(None))
            }
            Ok(true) => {
                let read = self.read(sink);
                (self.piece.number, read.map(|()| Some(self.taker.part_is_over())))
            }
        }
    }
}
