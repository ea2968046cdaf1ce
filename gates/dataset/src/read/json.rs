//! An object in each line.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use memchr::memchr;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::cut::{Cutter, Piece};
use super::{ROWS, Reader, Sink, Table, Taker, Times, Wanted, shown};
use crate::error::Error;

/// A file of JSON Lines.
pub(super) struct Lines<'q> {
    wanted: &'q Wanted<'q>,
    file: Cutter,
    /// The fields that are wanted, each once, and which of them each wanted column is.
    fields: Vec<&'q str>,
    places: Vec<usize>,
}

/// Who reads some of its pieces.
struct Rows<'t, 'q> {
    lines: &'t Lines<'q>,
    taker: Taker<'q>,
    piece: Piece,
}

impl<'q> Lines<'q> {
    pub(super) fn open(file: &Path, wanted: &'q Wanted<'q>) -> Result<Lines<'q>, Error> {
        let mut file = Cutter::open(file, false)?;
        if file.head()?.0.starts_with(b"\xef\xbb\xbf") {
            file.begin(3);
        }
        let (mut fields, mut places) = (Vec::new(), Vec::new());
        for column in wanted.columns() {
            places.push(fields.iter().position(|one| *one == column).unwrap_or(fields.len()));
            if places.last() == Some(&fields.len()) {
                fields.push(column);
            }
        }
        Ok(Lines { wanted, file, fields, places })
    }

    fn take(&self, taker: &mut Taker<'q>, line: &[u8]) -> Result<(), Error> {
        let found = self.found(line)?;
        let mut places = self.places.iter();
        let mut next = || -> Result<Written<'_>, Error> {
            let at = places.next().copied().unwrap_or_default();
            found[at].map_or(Ok(Written::Nothing), |raw| written(raw.get(), self.fields[at]))
        };
        let wanted = self.wanted;
        match next()?.name(wanted.unit)? {
            None => return Err(taker.nobody()),
            Some(unit) => taker.unit(unit.as_bytes())?,
        }
        if let Some(column) = wanted.time {
            match next()? {
                Written::Text(time) => taker.time(time.as_bytes())?,
                Written::Number(time) => taker.time(time.as_bytes())?,
                Written::Truth(is) => taker.time(is.to_string().as_bytes())?,
                Written::Nothing => return Err(Error::new("there is no time").column(column)),
            }
        }
        for (at, named) in wanted.names.iter().enumerate() {
            let name = next()?.name(named.column)?;
            taker.name(at, name.as_deref().map(str::as_bytes))?;
        }
        for at in 0..wanted.values.len() {
            match next()? {
                Written::Nothing => taker.number(at, 0.0)?,
                Written::Truth(is) => taker.number(at, f64::from(u8::from(is)))?,
                Written::Text(value) => taker.value(at, value.as_bytes())?,
                Written::Number(value) => taker.value(at, value.as_bytes())?,
            }
        }
        Ok(())
    }

    /// The fields of a line, as they are written.
    fn found<'l>(&self, line: &'l [u8]) -> Result<Vec<Option<&'l RawValue>>, Error> {
        let mut found =
            Fields { names: &self.fields, raw: vec![None; self.fields.len()], twice: None };
        let mut json = serde_json::Deserializer::from_slice(line);
        let read = json.deserialize_map(&mut found).and_then(|()| json.end());
        match (read, found.twice) {
            (Ok(()), _) => Ok(found.raw),
            (Err(_), Some(twice)) => Err(Error::new("it is there twice").column(twice)),
            (Err(error), None) => Err(Error::new(format!("this is no JSON object: {error}"))),
        }
    }
}

/// Fields of an object, of which each may stand there once. Others are passed over.
struct Fields<'q, 'l> {
    names: &'q [&'q str],
    raw: Vec<Option<&'l RawValue>>,
    twice: Option<&'q str>,
}

impl<'l> Visitor<'l> for &mut Fields<'_, 'l> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'l>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Place(self.names))? {
            let Some(at) = place else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if self.raw[at].is_some() {
                self.twice = Some(self.names[at]);
                return Err(A::Error::custom("twice"));
            }
            self.raw[at] = Some(map.next_value()?);
        }
        Ok(())
    }
}

/// Which of these names a key is.
struct Place<'q>(&'q [&'q str]);

impl<'l> DeserializeSeed<'l> for Place<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'l>>(self, key: D) -> Result<Option<usize>, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}

/// A value as it is written: no digit is lost.
enum Written<'l> {
    Nothing,
    Text(Cow<'l, str>),
    Number(&'l str),
    Truth(bool),
}

impl<'l> Written<'l> {
    /// As a name. How a number with an exponent is written is up to who writes it.
    fn name(self, column: &str) -> Result<Option<Cow<'l, str>>, Error> {
        match self {
            Written::Nothing => Ok(None),
            Written::Text(text) => Ok(Some(text)),
            Written::Truth(is) => Ok(Some(if is { "true" } else { "false" }.into())),
            Written::Number(digits) if digits.contains(['e', 'E']) => {
                let digits = shown(digits.as_bytes());
                Err(Error::new(format!("`{digits}` is a number with an exponent, and no name"))
                    .column(column)
                    .hint("write ids between quotes"))
            }
            Written::Number(digits) => Ok(Some(digits.into())),
        }
    }
}

/// A value of JSON that is known to be one.
fn written<'l>(raw: &'l str, column: &str) -> Result<Written<'l>, Error> {
    Ok(match raw.as_bytes() {
        [b'n', ..] => Written::Nothing,
        [b't', ..] => Written::Truth(true),
        [b'f', ..] => Written::Truth(false),
        [b'"', text @ .., b'"'] if memchr(b'\\', text).is_none() => {
            Written::Text(raw[1..raw.len() - 1].into())
        }
        [b'"', ..] => Written::Text(
            serde_json::from_str(raw)
                .map_err(|error| Error::new(format!("this is no text: {error}")).column(column))?,
        ),
        [b'{' | b'[', ..] => {
            return Err(Error::new("this is neither text nor a number").column(column));
        }
        _ => Written::Number(raw),
    })
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
