//! Looking into gzip, in bounded memory.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// How far a stream may expand, in bytes.
pub(crate) const CAP: u64 = 64 << 20;

pub(crate) enum Expanded {
    Whole(Vec<u8>),
    TooLarge,
    /// What can be read of it.
    Broken(Vec<u8>),
}

pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

pub(crate) fn expand(bytes: &[u8]) -> Expanded {
    let mut plain = Vec::new();
    match MultiGzDecoder::new(bytes).take(CAP + 1).read_to_end(&mut plain) {
        Ok(_) if plain.len() as u64 > CAP => Expanded::TooLarge,
        Ok(_) => Expanded::Whole(plain),
        Err(_) => Expanded::Broken(plain),
    }
}

pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes every write")
}
