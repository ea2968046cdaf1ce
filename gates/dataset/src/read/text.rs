//! Fields between commas or tabs (RFC 4180), cut into parts at ends of lines so that several can
//! read.

use std::path::Path;

use memchr::{memchr, memchr_iter, memchr2_iter};

use super::cut::{Cutter, Piece};
use super::quoted::{self, Record};
use super::{ROWS, Reader, Sink, Table, Taker, Times, Wanted, places};
use crate::error::Error;

/// A file of lines.
pub(super) struct Text<'q> {
    wanted: &'q Wanted<'q>,
    file: Cutter,
    by: u8,
    /// How many columns there are, and which of them are wanted.
    columns: usize,
    places: Vec<usize>,
}

/// Who reads some of its pieces.
struct Lines<'t, 'q> {
    text: &'t Text<'q>,
    taker: Taker<'q>,
    piece: Piece,
}

impl<'q> Text<'q> {
    pub(super) fn open(file: &Path, wanted: &'q Wanted<'q>, by: u8) -> Result<Text<'q>, Error> {
        let mut file = Cutter::open(file, true)?;
        let (bytes, is_all) = file.head()?;
        let from = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut header = Record::default();
        let end = header
            .read(&bytes, from, by)
            .map_err(|(_, what)| Error::new(what).line(1))?
            .ok_or_else(|| Error::new("there is no line with the names of columns"))?;
        if end == bytes.len() && !is_all {
            return Err(Error::new("the first line does not end")
                .line(1)
                .hint("the names of the columns are to stand in it"));
        }
        let names: Vec<String> = (0..header.len())
            .map(|at| String::from_utf8_lossy(header.field(&bytes, at)).trim().to_owned())
            .collect();
        let places = places(wanted, &names).map_err(|error| error.line(1))?;
        file.begin(end as u64);
        Ok(Text { wanted, file, columns: names.len(), places, by })
    }

    fn ragged(&self, at: u64, count: usize) -> Error {
        let named = |count: usize| {
            if count == 1 { "1 field".to_owned() } else { format!("{count} fields") }
        };
        Error::new(format!("there are {} where the first line has {}", named(count), self.columns))
            .line(self.file.line(at))
    }

    fn take<'b>(
        &self,
        taker: &mut Taker<'q>,
        field: impl Fn(usize) -> &'b [u8],
    ) -> Result<(), Error> {
        let mut places = self.places.iter().map(|at| field(*at));
        let mut next = || places.next().unwrap_or_default();
        taker.unit(next())?;
        if self.wanted.time.is_some() {
            taker.time(next())?;
        }
        for at in 0..self.wanted.names.len() {
            taker.name(at, Some(next()))?;
        }
        for at in 0..self.wanted.values.len() {
            taker.value(at, next())?;
        }
        Ok(())
    }

    /// Lines of a piece without quotes: a comma is one, and a line ends where it ends.
    fn plain(
        &self,
        piece: &Piece,
        taker: &mut Taker<'q>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let read = self.lines(piece, taker, sink);
        if matches!(read, Ok(0)) {
            return Ok(());
        }
        let alone = memchr_iter(b'\r', &piece.bytes)
            .find(|at| quoted::end(&piece.bytes, *at).is_none())
            .map(|at| self.file.line(piece.at + at as u64));
        match (read, alone) {
            // What is wrong with a line before it is told first.
            (Err(error), Some(line)) if error.place.line < Some(line) => Err(error),
            (_, Some(line)) => Err(Error::new(quoted::ALONE).line(line)),
            (read, None) => read.map(|_| ()),
        }
    }

    /// Reads them; gives how many times there was a `\r` that ends no line.
    fn lines(
        &self,
        piece: &Piece,
        taker: &mut Taker<'q>,
        sink: &mut Sink<'_>,
    ) -> Result<usize, Error> {
        let part = &piece.bytes[..];
        let place = |start: usize| piece.at + start as u64;
        let mut ends: Vec<usize> = Vec::with_capacity(self.columns);
        let mut start = 0;
        // It is quicker to count all of them than to look at each.
        let mut returns = memchr_iter(b'\r', part).count();
        let mut line = |start: usize, end: usize, ends: &mut Vec<usize>| {
            let has_return = end > start && part[end - 1] == b'\r';
            returns -= usize::from(has_return);
            let end = end - usize::from(has_return);
            if end == start && ends.is_empty() {
                // An empty line is no row.
                return Ok(());
            }
            ends.push(end);
            if ends.len() != self.columns {
                return Err(self.ragged(place(start), ends.len()));
            }
            let field = |at: usize| {
                let begins = if at == 0 { start } else { ends[at - 1] + 1 };
                &part[begins..ends[at]]
            };
            self.take(taker, field).map_err(|error| error.line(self.file.line(place(start))))?;
            if taker.rows() == ROWS {
                taker.hand_over(sink);
            }
            ends.clear();
            Ok(())
        };
        for at in memchr2_iter(self.by, b'\n', part) {
            if part[at] == b'\n' {
                line(start, at, &mut ends)?;
                start = at + 1;
            } else {
                ends.push(at);
            }
        }
        if start < part.len() {
            line(start, part.len(), &mut ends)?;
        }
        Ok(returns)
    }

    fn quoted(
        &self,
        piece: &Piece,
        taker: &mut Taker<'q>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let (mut at, mut record) = (0, Record::default());
        let line = |at: usize| self.file.line(piece.at + at as u64);
        loop {
            let read = record.read(&piece.bytes, at, self.by);
            let next = read.map_err(|(at, what)| Error::new(what).line(line(at)))?;
            let Some(next) = next else { return Ok(()) };
            if record.len() != self.columns {
                return Err(self.ragged(piece.at + record.start() as u64, record.len()));
            }
            self.take(taker, |at| record.field(&piece.bytes, at))
                .map_err(|error| error.line(line(record.start())))?;
            if taker.rows() == ROWS {
                taker.hand_over(sink);
            }
            at = next;
        }
    }
}

impl Table for Text<'_> {
    fn reader(&self) -> Box<dyn Reader + '_> {
        let taker = Taker::new(self.wanted);
        Box::new(Lines { text: self, taker, piece: Piece::default() })
    }
}

impl Reader for Lines<'_, '_> {
    fn next(&mut self, sink: &mut Sink<'_>) -> (usize, Result<Option<Times>, Error>) {
        let Lines { text, taker, piece } = self;
        match text.file.next(piece) {
            Err(error) => return (piece.number + 1, Err(error)),
            Ok(false) => {
                taker.hand_over(sink);
                return (piece.number, Ok(None));
            }
            Ok(true) => {}
        }
        let has_quotes = piece.has_quotes && memchr(b'"', &piece.bytes).is_some();
        let read = if has_quotes {
            text.quoted(piece, taker, sink)
        } else {
            text.plain(piece, taker, sink)
        };
        (piece.number, read.map(|()| Some(taker.part_is_over())))
    }
}
