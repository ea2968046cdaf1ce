//! A file of which several read pieces at once, each where it likes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// How much is read at once where nobody knows how long it is: the head of a page.
const HEAD: usize = 512;
/// How many pieces of memory are kept for the next ones.
const KEPT: usize = 16;
/// By how much Snappy can make something smaller: three bytes stand for 64 at the most.
const TIGHTEST: usize = 22;

/// An open file.
#[derive(Clone)]
pub(super) struct Positioned(Arc<Shared>);

struct Shared {
    file: File,
    length: u64,
    /// Memory of pieces that nobody looks at any more: what is used again need not be fetched from the
    /// system, page by page.
    spare: Mutex<Vec<Vec<u8>>>,
}

/// A piece, whose memory goes back.
struct Piece {
    bytes: Vec<u8>,
    length: usize,
    of: Arc<Shared>,
}

/// What stands from a place on.
pub(super) struct From {
    of: Arc<Shared>,
    at: u64,
}

impl Positioned {
    pub(super) fn new(file: File, length: u64) -> Positioned {
        Positioned(Arc::new(Shared { file, length, spare: Mutex::new(Vec::new()) }))
    }

    /// What Snappy made smaller.
    pub(super) fn unpacked(&self, packed: &[u8]) -> Result<Bytes> {
        let broken = |error: snap::Error| ParquetError::General(error.to_string());
        let length = snap::raw::decompress_len(packed).map_err(broken)?;
        if length > TIGHTEST * packed.len() {
            return Err(broken(snap::Error::Header));
        }
        let mut bytes = self.memory(length);
        let mut decoder = snap::raw::Decoder::new();
        decoder.decompress(packed, &mut bytes[..length]).map_err(broken)?;
        Ok(self.piece(bytes, length))
    }

    /// Memory of at least that length, with whatever in it.
    fn memory(&self, length: usize) -> Vec<u8> {
        let mut bytes = self.0.spare().pop().unwrap_or_default();
        if bytes.len() < length {
            // Not made longer, so that nothing is copied.
            bytes = vec![0; length];
        }
        bytes
    }

    fn piece(&self, bytes: Vec<u8>, length: usize) -> Bytes {
        Bytes::from_owner(Piece { bytes, length, of: Arc::clone(&self.0) })
    }
}

impl Length for Positioned {
    fn len(&self) -> u64 {
        self.0.length
    }
}

impl ChunkReader for Positioned {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<BufReader<From>> {
        Ok(BufReader::with_capacity(HEAD, From { of: Arc::clone(&self.0), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        // Before memory is asked for: a broken file may say anything.
        if start.checked_add(length as u64).is_none_or(|end| end > self.0.length) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut bytes = self.memory(length);
        self.0.file.read_exact_at(&mut bytes[..length], start)?;
        Ok(self.piece(bytes, length))
    }
}

impl Shared {
    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut spare = self.of.spare();
        if spare.len() < KEPT {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

impl Read for From {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.of.file.read_at(into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
