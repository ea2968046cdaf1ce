//! Whether a text looks drawn at random, and what looks so and is no secret.
//!
//! Shannon's entropy alone takes long words for secrets. What is drawn at random also changes
//! between capital letters, small letters and digits far more often than anything that somebody
//! has named.

use std::ops::{Range, RangeInclusive};

/// The shortest and the longest text that is judged, in bytes. What is longer is a file.
pub(crate) const LENGTHS: RangeInclusive<usize> = 20..=256;
/// How many digits of hexadecimal make a key; identifiers and digests in names are shorter.
const HEX_KEY: usize = 32;

/// What a text is made of.
#[derive(Debug, Default)]
struct Makeup {
    lower: usize,
    upper: usize,
    digits: usize,
    /// How often the next letter or digit is of another kind.
    changes: usize,
    /// In bits a byte.
    entropy: f64,
}

fn makeup(text: &[u8]) -> Makeup {
    let mut own = Makeup::default();
    let mut counts = [0u16; 256];
    let mut last = 0;
    for &byte in text {
        counts[usize::from(byte)] += 1;
        let kind = match byte {
            b'a'..=b'z' => 1,
            b'A'..=b'Z' => 2,
            b'0'..=b'9' => 3,
            _ => continue,
        };
        match kind {
            1 => own.lower += 1,
            2 => own.upper += 1,
            _ => own.digits += 1,
        }
        own.changes += usize::from(last != 0 && last != kind);
        last = kind;
    }
    let length = text.len() as f64;
    let bits = counts.iter().filter(|count| **count > 0).map(|count| {
        let share = f64::from(*count) / length;
        -share * share.log2()
    });
    own.entropy = bits.sum();
    own
}

/// Calls `found` with the parts of a text of base64's or hexadecimal's letters that look drawn at
/// random and like nothing that usually is without being a secret.
pub(crate) fn drawn(text: &[u8], mut found: impl FnMut(Range<usize>)) {
    if text.len() > *LENGTHS.end() || is_usual(text) {
        return;
    }
    let is_word = |part: &[u8]| {
        part.len() > 2
            && (part.iter().all(u8::is_ascii_lowercase) || part.iter().all(u8::is_ascii_digit))
    };
    let parts = || text.split(|byte| *byte == b'/');
    if !parts().any(is_word) && looks_drawn(text) {
        return found(0..text.len());
    }
    // A path is no secret, but one of its parts may be.
    let mut at = 0;
    for part in parts() {
        if LENGTHS.contains(&part.len()) && !is_usual(part) && looks_drawn(part) {
            found(at..at + part.len());
        }
        at += part.len() + 1;
    }
}

fn looks_drawn(text: &[u8]) -> bool {
    let own = makeup(text);
    let letters = own.lower + own.upper + own.digits;
    if text.iter().all(u8::is_ascii_hexdigit) && (own.lower == 0 || own.upper == 0) {
        return text.len() >= HEX_KEY && own.digits > 4 && own.entropy > 3.0;
    }
    let changes = own.changes as f64 / letters.max(2) as f64;
    let digits = own.digits as f64 / letters.max(1) as f64;
    if own.lower > 1 && own.upper > 1 {
        // 62 letters: the next one is of another kind six times in ten.
        return own.digits > 0 && changes > 0.42 && own.entropy > 3.6;
    }
    // 36 letters, or 32.
    text.len() >= 24 && digits > 0.12 && changes > 0.25 && own.entropy > 3.6
}

/// A weaker question, for what has the shape of a secret already: whether it is more than words.
pub(crate) fn is_likely(text: &[u8]) -> bool {
    let own = makeup(text);
    let letters = own.lower + own.upper + own.digits;
    let is_mixed = own.lower > 0 && own.upper > 0 || own.digits > 0;
    is_mixed && own.changes * 5 > letters && own.entropy > 2.8
}

/// Whether the value of a name such as `password` in a running text is meant, and no word of it.
pub(crate) fn is_meant(value: &[u8]) -> bool {
    let own = makeup(value);
    let others = value.len() - own.lower - own.upper - own.digits;
    value.len() >= 6 && own.digits > 0 && (own.lower + own.upper + others > 0) && own.entropy > 2.0
}

/// UUIDs, ULIDs, digests with the name of what made them, times, names with dashes, numbers.
fn is_usual(text: &[u8]) -> bool {
    is_uuid(text) || is_ulid(text) || is_named_digest(text) || is_words(text)
}

fn is_uuid(text: &[u8]) -> bool {
    // Several in a row, or with something before them, are still no more than that.
    text.len() >= 36
        && text.windows(36).any(|part| {
            part.iter().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
        })
}

fn is_ulid(text: &[u8]) -> bool {
    text.len() == 26
        && (b'0'..=b'7').contains(&text[0])
        && text.iter().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'Z'))
        && !text.iter().any(|b| matches!(b, b'I' | b'L' | b'O' | b'U'))
}

fn is_named_digest(text: &[u8]) -> bool {
    [&b"sha1-"[..], b"sha256-", b"sha384-", b"sha512-", b"md5-", b"W/"]
        .iter()
        .any(|name| text.starts_with(name))
}

/// Whether every part between dashes and the like is a word or a number.
fn is_words(text: &[u8]) -> bool {
    let parts = text.split(|byte| matches!(byte, b'-' | b'_' | b'/' | b'+' | b'.'));
    parts.into_iter().all(|part| {
        let own = makeup(part);
        part.len() < 3
            || own.digits == part.len()
            || own.digits == 0
                && (own.lower == 0 || own.upper == 0 || own.changes <= part.len() / 3)
            // `version2`, `2nd`, `T10`, and camel case with a number in it.
            || own.changes <= 1
            || part.len() < 12 && own.changes <= 3
            || (own.digits <= 2 && own.changes * 3 <= part.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_drawn(text: &[u8]) -> bool {
        let mut is_one = false;
        drawn(text, |_| is_one = true);
        is_one
    }

    #[test]
    fn what_is_drawn_is_told_from_what_is_named() {
        let drawn = [
            "q8Zt3LmV0pXw7Rk2Yd9Bn4Hs",
            "9f86d081884c7d659a2feaa0c55ad015",
            "7Hq2m-Zp9_Rt4Kv8Wn1Bc5DfX3Ls",
            "aB3+dE5/fG7hJ9kL1mN2pQ4rS6tU8vW0=",
            "k3j9x2m7q1z8w4v6n5b0c2d1f7",
        ];
        for text in drawn {
            assert!(is_drawn(text.as_bytes()), "{text}");
        }
        let named = [
            "3fa85f64-5717-4562-b3fc-2c963f66afa6",
            "01GDDKASAP8TKDDA2GRZDSVP4H",
            "the-quick-brown-fox-jumps-2024-edition",
            "getElementsByClassNameAndSomethingElse2",
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "src/components/checkout/PaymentForm2",
            "12345678901234567890123456",
            "SCREAMING_SNAKE_CASE_CONSTANT_1",
            "2026-11-21T08-30-00-000Z-report",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "application/vnd.api+json",
            "short1A",
        ];
        for text in named {
            assert!(!is_drawn(text.as_bytes()), "{text}");
        }
    }
}
