//! Fields between commas or tabs (RFC 4180), cut into parts at ends of lines so that several can
//! read.

use std::fs::File;
use std::path::Path;

use memchr::{memchr, memchr_iter, memchr2_iter};
use memmap2::Mmap;

use super::quoted::Record;
use super::{ROWS, Sink, Table, Taker, Wanted, places};
use crate::error::Error;

/// How long a part is about, in bytes.
const PART: usize = 4 << 20;

/// A file of lines.
pub(super) struct Text<'q> {
    wanted: &'q Wanted<'q>,
    bytes: Mmap,
    by: u8,
    /// How many columns there are, and which of them are wanted.
    columns: usize,
    places: Vec<usize>,
    /// Where parts begin, and where the last one ends.
    starts: Vec<usize>,
    has_quotes: bool,
}

/// Maps a file of some length. It must not be written to meanwhile.
#[expect(unsafe_code, reason = "the one way to look at a file without reading it into memory")]
pub(super) fn map(file: &Path) -> Result<Mmap, Error> {
    let open = File::open(file).map_err(|error| Error::new(error.to_string()))?;
    let length = open.metadata().map_err(|error| Error::new(error.to_string()))?.len();
    if length == 0 {
        return Err(Error::new("the file is empty").hint("was it written to its end?"));
    }
    // SAFETY: it is only read, as bytes, and any bytes will do; a file that is cut meanwhile ends
    // the process, which is what reading it would come to as well.
    unsafe { Mmap::map(&open) }.map_err(|error| Error::new(error.to_string()))
}

impl<'q> Text<'q> {
    pub(super) fn open(file: &Path, wanted: &'q Wanted<'q>, by: u8) -> Result<Text<'q>, Error> {
        let bytes = map(file)?;
        let from = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut header = Record::default();
        let end = header
            .read(&bytes, from, by)
            .map_err(|(_, what)| Error::new(what).line(1))?
            .ok_or_else(|| Error::new("there is no line with the names of columns"))?;
        let names: Vec<String> = (0..header.len())
            .map(|at| String::from_utf8_lossy(header.field(&bytes, at)).trim().to_owned())
            .collect();
        let places = places(wanted, &names).map_err(|error| error.line(1))?;
        let has_quotes = memchr(b'"', &bytes[end..]).is_some();
        let starts = starts(&bytes, end, has_quotes);
        Ok(Text { wanted, columns: names.len(), places, starts, has_quotes, by, bytes })
    }

    /// In which line something stands.
    fn line(&self, at: usize) -> u64 {
        memchr_iter(b'\n', &self.bytes[..at]).count() as u64 + 1
    }

    fn ragged(&self, at: usize, count: usize) -> Error {
        let named = |count: usize| {
            if count == 1 { "1 field".to_owned() } else { format!("{count} fields") }
        };
        Error::new(format!("there are {} where the first line has {}", named(count), self.columns))
            .line(self.line(at))
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

    /// Lines of a part without quotes: a comma is one, and a line ends where it ends.
    fn plain(
        &self,
        from: usize,
        to: usize,
        taker: &mut Taker<'q>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let part = &self.bytes[from..to];
        let mut ends: Vec<usize> = Vec::with_capacity(self.columns);
        let mut start = 0;
        let mut line = |start: usize, end: usize, ends: &mut Vec<usize>| {
            let end = if end > start && part[end - 1] == b'\r' { end - 1 } else { end };
            if end == start && ends.is_empty() {
                // An empty line is no row.
                return Ok(());
            }
            ends.push(end);
            if ends.len() != self.columns {
                return Err(self.ragged(from + start, ends.len()));
            }
            let field = |at: usize| {
                let begins = if at == 0 { start } else { ends[at - 1] + 1 };
                &part[begins..ends[at]]
            };
            self.take(taker, field).map_err(|error| error.line(self.line(from + start)))?;
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
        Ok(())
    }

    fn quoted(
        &self,
        from: usize,
        to: usize,
        taker: &mut Taker<'q>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let bytes = &self.bytes[..to];
        let (mut at, mut record) = (from, Record::default());
        loop {
            let read = record.read(bytes, at, self.by);
            let next = read.map_err(|(at, what)| Error::new(what).line(self.line(at)))?;
            let Some(next) = next else { return Ok(()) };
            if record.len() != self.columns {
                return Err(self.ragged(record.start(), record.len()));
            }
            self.take(taker, |at| record.field(bytes, at))
                .map_err(|error| error.line(self.line(record.start())))?;
            if taker.rows() == ROWS {
                taker.hand_over(sink);
            }
            at = next;
        }
    }
}

impl Table for Text<'_> {
    fn parts(&self) -> usize {
        self.starts.len() - 1
    }

    fn read(&self, part: usize, sink: &mut Sink<'_>) -> Result<Option<bool>, Error> {
        let (from, to) = (self.starts[part], self.starts[part + 1]);
        let mut taker = Taker::new(self.wanted);
        let has_quotes = self.has_quotes && memchr(b'"', &self.bytes[from..to]).is_some();
        if has_quotes {
            self.quoted(from, to, &mut taker, sink)?;
        } else {
            self.plain(from, to, &mut taker, sink)?;
        }
        taker.hand_over(sink);
        Ok(taker.clock.has_zones())
    }
}

/// Where parts begin: behind an end of a line that is not between quotes, which the number of quotes
/// before it says.
fn starts(bytes: &[u8], from: usize, has_quotes: bool) -> Vec<usize> {
    let (mut starts, mut at, mut is_quoted) = (vec![from], from, false);
    while at + PART < bytes.len() {
        let goal = at + PART;
        if has_quotes {
            is_quoted ^= memchr_iter(b'"', &bytes[at..goal]).count() % 2 == 1;
        }
        let mut end = None;
        for found in memchr2_iter(b'"', b'\n', &bytes[goal..]) {
            if bytes[goal + found] == b'"' {
                is_quoted = !is_quoted;
            } else if !is_quoted {
                end = Some(goal + found + 1);
                break;
            }
        }
        let Some(end) = end else { break };
        if end < bytes.len() {
            starts.push(end);
        }
        at = end;
    }
    starts.push(bytes.len());
    starts
}
