//! Bodies while they are still coming in: in memory, and beyond that in a file without a name whose
//! bytes are encrypted. Nothing that has not been redacted can be read from the disk, whatever ends
//! the process.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use bytes::Bytes;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

/// How much is kept in memory, in bytes.
const IN_MEMORY: usize = 256 << 10;
/// How much is encrypted at once, in bytes.
const BLOCK: usize = 64 << 10;
/// How much longer it gets.
const TAG: usize = 16;

/// Takes a body bit by bit.
pub struct Spool {
    /// What is in no file yet.
    memory: Vec<u8>,
    spilled: Option<Spilled>,
    length: u64,
}

struct Spilled {
    file: File,
    key: LessSafeKey,
    blocks: u64,
}

impl Default for Spool {
    fn default() -> Spool {
        Spool::new()
    }
}

impl Spool {
    /// With nothing in it.
    pub fn new() -> Spool {
        Spool { memory: Vec::new(), spilled: None, length: 0 }
    }

    /// How much was taken, in bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Takes more.
    pub fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len() as u64;
        self.memory.extend_from_slice(bytes);
        if self.spilled.is_none() && self.memory.len() > IN_MEMORY {
            self.spilled = Some(Spilled::new()?);
        }
        let Some(spilled) = &mut self.spilled else { return Ok(()) };
        let whole = self.memory.len() / BLOCK * BLOCK;
        for block in self.memory[..whole].chunks_exact(BLOCK) {
            spilled.write(block)?;
        }
        self.memory.drain(..whole);
        Ok(())
    }

    /// Reads all of it from the start.
    pub fn reader(&mut self) -> SpoolReader<'_> {
        SpoolReader { spool: self, place: Place::default(), rest: Bytes::new() }
    }

    /// The next piece of it; none at the end. The place begins as its default.
    pub fn piece(&mut self, place: &mut Place) -> io::Result<Option<Bytes>> {
        if place.is_at_end {
            return Ok(None);
        }
        if let Some(spilled) = &mut self.spilled
            && place.block < spilled.blocks
        {
            if place.block == 0 {
                spilled.file.seek(SeekFrom::Start(0))?;
            }
            let piece = spilled.read(place.block)?;
            place.block += 1;
            return Ok(Some(piece.into()));
        }
        place.is_at_end = true;
        Ok((!self.memory.is_empty()).then(|| Bytes::copy_from_slice(&self.memory)))
    }
}

/// How far somebody has read.
#[derive(Debug, Default)]
pub struct Place {
    block: u64,
    is_at_end: bool,
}

/// Reads a spool from its start.
pub struct SpoolReader<'s> {
    spool: &'s mut Spool,
    place: Place,
    rest: Bytes,
}

impl Read for SpoolReader<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            match self.spool.piece(&mut self.place)? {
                Some(piece) => self.rest = piece,
                None => return Ok(0),
            }
        }
        let length = to.len().min(self.rest.len());
        to[..length].copy_from_slice(&self.rest.split_to(length));
        Ok(length)
    }
}

fn broken<E>(_: E) -> io::Error {
    io::Error::other("a spooled body cannot be encrypted or decrypted")
}

impl Spilled {
    fn new() -> io::Result<Spilled> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).map_err(broken)?;
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(broken)?;
        Ok(Spilled { file: tempfile::tempfile()?, key: LessSafeKey::new(key), blocks: 0 })
    }

    /// The key is of this file alone, so the number of a block is never used twice with it.
    fn nonce(block: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&block.to_le_bytes());
        Nonce::assume_unique_for_key(nonce)
    }

    fn write(&mut self, block: &[u8]) -> io::Result<()> {
        let mut sealed = block.to_vec();
        let nonce = Spilled::nonce(self.blocks);
        self.key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).map_err(broken)?;
        self.blocks += 1;
        self.file.write_all(&sealed)
    }

    /// Reads the block that the file stands at, which has this number.
    fn read(&mut self, block: u64) -> io::Result<Vec<u8>> {
        let mut sealed = vec![0; BLOCK + TAG];
        self.file.read_exact(&mut sealed)?;
        let opened = self.key.open_in_place(Spilled::nonce(block), Aad::empty(), &mut sealed);
        opened.map_err(broken)?;
        sealed.truncate(BLOCK);
        Ok(sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let check = |length: usize, piece: usize| {
            let body: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
            let mut spool = Spool::new();
            for bytes in body.chunks(piece) {
                spool.take(bytes).unwrap();
            }
            assert_eq!(spool.len(), length as u64);
            for _ in 0..2 {
                let mut read = Vec::new();
                spool.reader().read_to_end(&mut read).unwrap();
                assert_eq!(read, body, "{length} bytes by {piece}");
            }
        };
        check(0, 1);
        check(IN_MEMORY, 1000);
        check(IN_MEMORY + 1, 7777);
        check(BLOCK * 9, BLOCK);
        check(3_000_001, 123_457);
    }

    #[test]
    fn a_small_body_stays_in_memory_and_a_large_one_is_unreadable_on_disk() {
        let mut small = Spool::new();
        small.take(b"small").unwrap();
        assert!(small.spilled.is_none());
        let mut large = Spool::new();
        large.take(&b"s3cret-".repeat(100_000)).unwrap();
        assert!(large.memory.len() < BLOCK);
        let file = &mut large.spilled.as_mut().unwrap().file;
        let mut raw = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut raw).unwrap();
        assert!(raw.len() > 600_000);
        assert!(memchr::memmem::find(&raw, b"s3cret").is_none());
    }
}
