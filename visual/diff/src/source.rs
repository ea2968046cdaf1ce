//! Where the bytes of a picture come from.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use crate::Limits;
use crate::error::Problem;

/// A picture as it is stored: PNG, JPEG, WebP, GIF or BMP. The content tells which, not the name.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// A whole file in memory.
    Bytes(&'a [u8]),
    /// A file that is read in small pieces.
    File(&'a Path),
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Source<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Path> for Source<'a> {
    fn from(path: &'a Path) -> Self {
        Self::File(path)
    }
}

const BUFFER_BYTES: usize = 64 << 10;

impl<'a> Source<'a> {
    /// Opens it at its first byte, having checked how long it is.
    pub(crate) fn open(self, limits: &Limits) -> Result<Input<'a>, Problem> {
        let (bytes, input) = match self {
            Self::Bytes(bytes) => (bytes.len() as u64, Input::Bytes(Cursor::new(bytes))),
            Self::File(path) => {
                // Asked before opening: to open a pipe would wait for someone to write into it.
                if !std::fs::metadata(path)?.is_file() {
                    return Err(Problem::NotAPicture);
                }
                let file = File::open(path)?;
                let bytes = file.metadata()?.len();
                (bytes, Input::File(BufReader::with_capacity(BUFFER_BYTES, file)))
            }
        };
        if bytes > limits.file_bytes {
            return Err(Problem::TooLarge {
                what: "bytes",
                found: bytes,
                limit: limits.file_bytes,
            });
        }
        Ok(input)
    }
}

/// An opened source.
pub(crate) enum Input<'a> {
    Bytes(Cursor<&'a [u8]>),
    File(BufReader<File>),
}

impl Input<'_> {
    /// Whether the rest of both is equal, byte by byte; it stops reading at the first difference.
    pub(crate) fn same_rest(&mut self, other: &mut Self) -> io::Result<bool> {
        loop {
            let (ours, theirs) = (self.fill_buf()?, other.fill_buf()?);
            let both = ours.len().min(theirs.len());
            if both == 0 {
                return Ok(ours.len() == theirs.len());
            }
            if ours[..both] != theirs[..both] {
                return Ok(false);
            }
            self.consume(both);
            other.consume(both);
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Bytes(bytes) => bytes.read(buffer),
            Self::File(file) => file.read(buffer),
        }
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Bytes(bytes) => bytes.fill_buf(),
            Self::File(file) => file.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::Bytes(bytes) => bytes.consume(amount),
            Self::File(file) => file.consume(amount),
        }
    }
}

impl Seek for Input<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Bytes(bytes) => bytes.seek(to),
            Self::File(file) => file.seek(to),
        }
    }
}
