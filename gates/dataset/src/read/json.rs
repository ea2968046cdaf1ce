//! An object in each line.

use std::path::Path;

use memchr::{memchr, memchr_iter};
use memmap2::Mmap;
use serde_json::{Map, Value};

use super::text::map;
use super::{ROWS, Sink, Table, Taker, Wanted};
use crate::error::Error;

/// How long a part is about, in bytes.
const PART: usize = 4 << 20;

/// A file of JSON Lines.
pub(super) struct Lines<'q> {
    wanted: &'q Wanted<'q>,
    bytes: Mmap,
    starts: Vec<usize>,
}

impl<'q> Lines<'q> {
    pub(super) fn open(file: &Path, wanted: &'q Wanted<'q>) -> Result<Lines<'q>, Error> {
        let bytes = map(file)?;
        let (mut starts, mut at) = (vec![0], 0);
        while at + PART < bytes.len() {
            let Some(end) = memchr(b'\n', &bytes[at + PART..]) else { break };
            at += PART + end + 1;
            starts.push(at);
        }
        starts.push(bytes.len());
        Ok(Lines { wanted, bytes, starts })
    }

    fn line(&self, at: usize) -> u64 {
        memchr_iter(b'\n', &self.bytes[..at]).count() as u64 + 1
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
    fn parts(&self) -> usize {
        self.starts.len() - 1
    }

    fn read(&self, part: usize, sink: &mut Sink<'_>) -> Result<Option<bool>, Error> {
        let mut taker = Taker::new(self.wanted);
        let mut at = self.starts[part];
        while at < self.starts[part + 1] {
            let rest = &self.bytes[at..self.starts[part + 1]];
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest[..end].trim_ascii();
            if !line.is_empty() {
                self.take(&mut taker, line).map_err(|error| error.line(self.line(at)))?;
            }
            if taker.rows() == ROWS {
                taker.hand_over(sink);
            }
            at += end + 1;
        }
        taker.hand_over(sink);
        Ok(taker.clock.has_zones())
    }
}
