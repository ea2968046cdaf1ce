//! The hash functions themselves, and how a text becomes the units that they run over.

use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

/// What an SDK takes for the letters of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Bytes of UTF-8: Go, Rust, Java and most others.
    #[default]
    Utf8,
    /// 16-bit units of UTF-16, each hashed as one: JavaScript's `charCodeAt`.
    Utf16,
    /// Code points, each hashed as one: Python's `ord`.
    CodePoints,
    /// The low byte of each unit of UTF-16: JavaScript that writes `charCodeAt(i) & 0xff`.
    LowBytes,
    /// Units of UTF-16 one byte apart, so that they overlap: JavaScript's imurmurhash.
    Overlapping,
    /// Bytes of UTF-8 for each unit of UTF-16 by itself, three for each half of a pair (CESU-8).
    Cesu8,
}

/// A text in CESU-8.
pub fn cesu8(text: &str) -> Vec<u8> {
    let bytes = |unit: u16| match unit {
        0..0x80 => vec![unit as u8],
        0x80..0x800 => vec![0xc0 | (unit >> 6) as u8, 0x80 | (unit & 0x3f) as u8],
        _ => {
            let middle = 0x80 | (unit >> 6 & 0x3f) as u8;
            vec![0xe0 | (unit >> 12) as u8, middle, 0x80 | (unit & 0x3f) as u8]
        }
    };
    text.encode_utf16().flat_map(bytes).collect()
}

impl Encoding {
    /// Each with the name that settings use.
    pub const NAMES: [(&'static str, Encoding); 6] = [
        ("utf-8", Encoding::Utf8),
        ("utf-16", Encoding::Utf16),
        ("code-points", Encoding::CodePoints),
        ("low-bytes", Encoding::LowBytes),
        ("overlapping", Encoding::Overlapping),
        ("cesu-8", Encoding::Cesu8),
    ];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        Encoding::NAMES.iter().find(|(_, encoding)| *encoding == self).map_or("", |(name, _)| name)
    }
}

/// FNV-1a with 32 bits, over units that may be wider than a byte.
/// Source: Fowler, Noll, Vo; RFC 9923.
#[derive(Debug, Clone, Copy)]
pub struct Fnv1a(u32);

impl Default for Fnv1a {
    fn default() -> Fnv1a {
        Fnv1a(0x811c_9dc5)
    }
}

impl Fnv1a {
    /// After one unit more.
    #[inline]
    pub fn unit(self, unit: u32) -> Fnv1a {
        Fnv1a((self.0 ^ unit).wrapping_mul(0x0100_0193))
    }

    /// After these bytes more.
    #[inline]
    pub fn bytes(self, bytes: &[u8]) -> Fnv1a {
        bytes.iter().fold(self, |hash, byte| hash.unit(u32::from(*byte)))
    }

    /// After this text more, in this encoding.
    #[inline]
    pub fn text(self, text: &str, encoding: Encoding) -> Fnv1a {
        // All encodings agree on ASCII.
        if encoding == Encoding::Utf8 || text.is_ascii() {
            return self.bytes(text.as_bytes());
        }
        self.wide(text, encoding)
    }

    #[cold]
    fn wide(self, text: &str, encoding: Encoding) -> Fnv1a {
        match encoding {
            Encoding::Cesu8 => self.bytes(&cesu8(text)),
            Encoding::Utf16 => text.encode_utf16().fold(self, |hash, unit| hash.unit(unit.into())),
            Encoding::LowBytes | Encoding::Overlapping => {
                text.encode_utf16().fold(self, |hash, unit| hash.unit(u32::from(unit & 0xff)))
            }
            Encoding::CodePoints | Encoding::Utf8 => {
                text.chars().fold(self, |hash, letter| hash.unit(letter.into()))
            }
        }
    }

    /// The hash.
    #[inline]
    pub fn finish(self) -> u32 {
        self.0
    }
}

/// MurmurHash3, x86, 32 bits. It can be stopped after what is common to all subjects, and taken up
/// from there for each. Source: Appleby, MurmurHash3_x86_32.
#[derive(Debug, Clone, Copy)]
pub struct Murmur3 {
    hash: u32,
    /// Bytes that do not fill a block yet, the first lowest.
    pending: u32,
    length: u32,
}

#[inline]
fn scramble(block: u32) -> u32 {
    block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

impl Murmur3 {
    /// Before the first byte.
    pub fn new(seed: u32) -> Murmur3 {
        Murmur3 { hash: seed, pending: 0, length: 0 }
    }

    #[inline]
    fn block(hash: u32, block: u32) -> u32 {
        (hash ^ scramble(block)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
    }

    /// After these bytes more.
    #[inline]
    pub fn bytes(mut self, bytes: &[u8]) -> Murmur3 {
        let shift = (self.length & 3) * 8;
        self.length = self.length.wrapping_add(bytes.len() as u32);
        let mut blocks = bytes.chunks_exact(4);
        for four in &mut blocks {
            let four = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            self.hash = Self::block(self.hash, self.pending | (four << shift));
            // In two steps, as a shift by 32 is none.
            self.pending = (four >> 1) >> (31 - shift);
        }
        let mut shift = shift;
        for byte in blocks.remainder() {
            self.pending |= u32::from(*byte) << shift;
            shift += 8;
            if shift == 32 {
                self.hash = Self::block(self.hash, self.pending);
                self.pending = 0;
                shift = 0;
            }
        }
        self
    }

    /// After this text more, in this encoding; code points are their low bytes, too.
    #[inline]
    pub fn text(self, text: &str, encoding: Encoding) -> Murmur3 {
        if encoding == Encoding::Utf8 || text.is_ascii() {
            return self.bytes(text.as_bytes());
        }
        self.wide(text, encoding)
    }

    #[cold]
    fn wide(self, text: &str, encoding: Encoding) -> Murmur3 {
        match encoding {
            Encoding::Cesu8 => self.bytes(&cesu8(text)),
            Encoding::CodePoints => text.chars().fold(self, |hash, c| hash.bytes(&[c as u8])),
            _ => text.encode_utf16().fold(self, |hash, unit| hash.bytes(&[unit as u8])),
        }
    }

    /// The hash.
    #[inline]
    pub fn finish(self) -> u32 {
        let mut hash = self.hash;
        if self.length & 3 != 0 {
            hash ^= scramble(self.pending);
        }
        Murmur3 { hash, ..self }.mixed()
    }

    /// The hash, when nothing is pending any more.
    #[inline]
    fn mixed(self) -> u32 {
        let mut hash = self.hash ^ self.length;
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^ (hash >> 16)
    }
}

/// MurmurHash3 as JavaScript's imurmurhash 0.1.4 has it: over units of UTF-16 that overlap by a
/// byte, the rest left out when its highest bit is set. For ASCII it is MurmurHash3.
pub fn overlapping_murmur3(text: &str) -> u32 {
    let units: Vec<u32> = text.encode_utf16().map(u32::from).collect();
    let mut blocks = units.chunks_exact(4);
    let hash = blocks.by_ref().fold(0, |hash, four| {
        let top = ((four[3] & 0xff) << 24) ^ ((four[3] & 0xff00) >> 8);
        Murmur3::block(hash, four[0] ^ (four[1] << 8) ^ (four[2] << 16) ^ top)
    });
    let rest = blocks.remainder().iter().rev().fold(0_u32, |rest, unit| (rest << 8) ^ unit);
    let pending = if rest as i32 > 0 { rest } else { 0 };
    Murmur3 { hash: hash ^ scramble(pending), pending: 0, length: units.len() as u32 }.mixed()
}

/// MurmurHash3 of these bytes.
pub fn murmur3(bytes: &[u8], seed: u32) -> u32 {
    Murmur3::new(seed).bytes(bytes).finish()
}

/// FNV-1a of these bytes.
#[cfg(test)]
pub fn fnv1a(bytes: &[u8]) -> u32 {
    Fnv1a::default().bytes(bytes).finish()
}

/// MD5 of these parts, one after the other.
pub fn md5(parts: &[&str]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// MD5 of these bytes.
pub fn md5_of(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// SHA-1 of these parts, one after the other.
pub fn sha1(parts: &[&str]) -> [u8; 20] {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// SHA-256 of these parts, one after the other.
pub fn sha256(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// The first eight bytes as a number, the first highest.
pub fn first_u64(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// The first 15 hexadecimal digits as a share of the largest such number, as doubles divide.
pub fn first_60_bits(digest: &[u8; 20]) -> f64 {
    (first_u64(digest) >> 4) as f64 / 0x0fff_ffff_ffff_ffff_u64 as f64
}

/// A digest as a number, modulo another one of less than 2^56.
pub fn modulo(digest: &[u8], of: u64) -> u64 {
    digest.iter().fold(0, |rest, byte| ((rest << 8) | u64::from(*byte)) % of)
}

/// Lowercase hexadecimal digits.
#[cfg(test)]
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values that the authors of the functions publish, or that follow from their definition.
    #[test]
    fn known_values() {
        assert_eq!(fnv1a(b""), 0x811c_9dc5);
        assert_eq!(fnv1a(b"a"), 0xe40c_292c);
        assert_eq!(fnv1a(b"foobar"), 0xbf9c_f968);
        assert_eq!(murmur3(b"", 0), 0);
        assert_eq!(murmur3(b"", 1), 0x514e_28b7);
        assert_eq!(murmur3(b"", 0xffff_ffff), 0x81f1_6f39);
        assert_eq!(murmur3(&[0xff; 4], 0), 0x7629_3b50);
        assert_eq!(murmur3(&[0x21, 0x43, 0x65], 0), 0x7e4a_8634);
        assert_eq!(hex(&md5(&["a", "bc"])), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(&sha1(&["ab", "c"])), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(&hex(&sha256(&["abc"]))[..16], "ba7816bf8f01cfea");
        assert_eq!(modulo(&[1, 0, 5], 1000), 65541 % 1000);
    }

    #[test]
    fn encodings_agree_on_ascii_and_on_nothing_else() {
        let of = |text: &str, encoding| Fnv1a::default().text(text, encoding).finish();
        for (_, encoding) in Encoding::NAMES {
            assert_eq!(of("jose1", encoding), fnv1a(b"jose1"));
        }
        assert_eq!(of("josé", Encoding::Utf16), of("josé", Encoding::CodePoints));
        assert_ne!(of("josé", Encoding::Utf16), of("josé", Encoding::Utf8));
        assert_ne!(of("😀", Encoding::Utf16), of("😀", Encoding::CodePoints));
        assert_ne!(of("用", Encoding::Utf16), of("用", Encoding::LowBytes));
        assert_eq!(of("用é", Encoding::Cesu8), of("用é", Encoding::Utf8));
        assert_ne!(of("😀", Encoding::Cesu8), of("😀", Encoding::Utf8));
        assert_eq!(overlapping_murmur3("plain text"), murmur3(b"plain text", 0));
    }

    proptest! {
        #[test]
        fn hashes_can_be_taken_up_anywhere(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            first in 0..40_usize,
            second in 0..40_usize,
            seed: u32,
        ) {
            let (first, second) = (first.min(bytes.len()), second.min(bytes.len()));
            let (first, second) = (first.min(second), first.max(second));
            let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            let whole = murmur3(&bytes, seed);
            let in_parts = parts.iter().fold(Murmur3::new(seed), |hash, part| hash.bytes(part));
            prop_assert_eq!(in_parts.finish(), whole);
            let in_parts = parts.iter().fold(Fnv1a::default(), |hash, part| hash.bytes(part));
            prop_assert_eq!(in_parts.finish(), fnv1a(&bytes));
        }
    }
}
