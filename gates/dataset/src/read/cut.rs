//! A file of lines, cut into pieces at ends of lines so that several can read it. Each piece is read
//! into memory that the one before it was in: how much is held does not grow with the file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use memchr::{memchr_iter, memrchr, memrchr2_iter};

use crate::error::Error;

/// How long a piece is about, in bytes.
const PIECE: usize = 1 << 20;
/// How long a single line may be.
const LONGEST: usize = 64 << 20;

/// A file of lines, some of which have been read.
pub(super) struct Cutter {
    file: File,
    length: u64,
    /// Whether an end of a line between quotes is none.
    has_quotes: bool,
    cut: Mutex<Cut>,
}

/// How far it has been cut.
struct Cut {
    number: usize,
    /// Where the next piece begins.
    at: u64,
    /// What has been read of it.
    rest: Vec<u8>,
}

/// Some lines.
#[derive(Default)]
pub(super) struct Piece {
    /// Counted from 0.
    pub number: usize,
    /// Where it stands in the file.
    pub at: u64,
    pub bytes: Vec<u8>,
    pub has_quotes: bool,
}

/// Opens a file of some length.
pub(super) fn open(file: &Path) -> Result<(File, u64), Error> {
    let open = File::open(file).map_err(|error| Error::new(error.to_string()))?;
    let length = open.metadata().map_err(|error| Error::new(error.to_string()))?.len();
    if length == 0 {
        return Err(Error::new("the file is empty").hint("was it written to its end?"));
    }
    Ok((open, length))
}

impl Cutter {
    pub(super) fn open(file: &Path, has_quotes: bool) -> Result<Cutter, Error> {
        let (file, length) = open(file)?;
        let cut = Mutex::new(Cut { number: 0, at: 0, rest: Vec::new() });
        Ok(Cutter { file, length, has_quotes, cut })
    }

    /// The start of the file, and whether that is all of it.
    pub(super) fn head(&self) -> Result<(Vec<u8>, bool), Error> {
        let mut bytes = Vec::new();
        self.more(0, &mut bytes)?;
        let is_all = bytes.len() as u64 == self.length;
        Ok((bytes, is_all))
    }

    /// The first piece begins there.
    pub(super) fn begin(&mut self, at: u64) {
        self.cut.get_mut().unwrap_or_else(PoisonError::into_inner).at = at;
    }

    /// Reads the next piece; whether there was one.
    pub(super) fn next(&self, piece: &mut Piece) -> Result<bool, Error> {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        piece.bytes.clear();
        if cut.at >= self.length {
            return Ok(false);
        }
        piece.bytes.append(&mut cut.rest);
        let (mut quotes, mut seen) = (0, 0);
        let end = loop {
            let is_last = self.more(cut.at, &mut piece.bytes)?;
            if self.has_quotes {
                quotes += memchr_iter(b'"', &piece.bytes[seen..]).count();
                seen = piece.bytes.len();
            }
            if is_last || piece.bytes.len() >= LONGEST {
                break piece.bytes.len();
            }
            if let Some(end) = last_end(&piece.bytes, quotes) {
                break end;
            }
        };
        cut.rest.extend_from_slice(&piece.bytes[end..]);
        piece.bytes.truncate(end);
        // What is left over may have some of them, and then it is looked at once more.
        piece.has_quotes = quotes > 0;
        (piece.number, piece.at) = (cut.number, cut.at);
        cut.number += 1;
        cut.at += end as u64;
        Ok(true)
    }

    /// Reads on behind what was read from there on; whether that is the end.
    fn more(&self, at: u64, bytes: &mut Vec<u8>) -> Result<bool, Error> {
        let from = at + bytes.len() as u64;
        let count = (self.length - from).min(PIECE as u64) as usize;
        let held = bytes.len();
        bytes.resize(held + count, 0);
        let read = self.file.read_exact_at(&mut bytes[held..], from);
        read.map_err(|error| {
            Error::new(format!("it cannot be read: {error}")).hint("is it still being written?")
        })?;
        Ok(from + count as u64 == self.length)
    }

    /// In which line something stands.
    pub(super) fn line(&self, at: u64) -> u64 {
        let (mut lines, mut from, mut bytes) = (1, 0, Vec::new());
        while from < at && self.more(from, &mut bytes).is_ok() && !bytes.is_empty() {
            let here = bytes.len().min((at - from) as usize);
            lines += memchr_iter(b'\n', &bytes[..here]).count() as u64;
            from += bytes.len() as u64;
            bytes.clear();
        }
        lines
    }
}

/// Behind the last end of a line that is not between quotes, of which there are so many.
fn last_end(bytes: &[u8], quotes: usize) -> Option<usize> {
    if quotes == 0 {
        return memrchr(b'\n', bytes).map(|at| at + 1);
    }
    let mut is_quoted = quotes % 2 == 1;
    for at in memrchr2_iter(b'"', b'\n', bytes) {
        if bytes[at] == b'"' {
            is_quoted = !is_quoted;
        } else if !is_quoted {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slow(bytes: &[u8]) -> Option<usize> {
        let (mut is_quoted, mut end) = (false, None);
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\n' if !is_quoted => end = Some(at + 1),
                _ => {}
            }
        }
        end
    }

    proptest! {
        #[test]
        fn lines_end_outside_of_quotes(text in "[a,\"\n]{0,40}") {
            let quotes = text.bytes().filter(|byte| *byte == b'"').count();
            prop_assert_eq!(last_end(text.as_bytes(), quotes), slow(text.as_bytes()));
        }
    }
}
