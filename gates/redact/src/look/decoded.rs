//! Texts inside texts: strings of JSON, escapes of addresses, base64.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memchr;

use super::{At, Look, is_binary};
use crate::edit::{DECODED, Edit, Edits, Escapes, Plain, apply};
use crate::names::Class;
use crate::{gzip, spans};

/// Takes what others write: with padding or without, and with bits too many.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
/// How much of a run is decoded to see whether a text is behind it, in letters.
const TRIED: usize = 24;

impl Look<'_> {
    fn class_at(&self, text: &[u8], value: usize, at: At) -> Class {
        match spans::name_of(text, value) {
            Some(name) => self.class(&text[name.at]),
            None => at.class,
        }
    }

    /// Strings with backslashes in them.
    pub(super) fn strings(&self, text: &[u8], at: At, edits: &mut Edits) {
        let mut from = 0;
        while let Some(found) = memchr(b'\\', &text[from..]) {
            let string = spans::string_around(text, from, from + found);
            from = string.end.max(from + found + 1).min(text.len());
            let plain = Plain::of(&text[string.clone()], Escapes::Json);
            // Nothing came off: looking again would find the same.
            if plain.text.len() == string.len() {
                continue;
            }
            let class = self.class_at(text, string.start, at);
            let found = self.text(&plain.text, at.deeper(class));
            edits.decoded(string.clone(), plain.back(found, string.start));
        }
    }

    /// Words with `%XX` in them.
    pub(super) fn percent(&self, text: &[u8], at: At, edits: &mut Edits) {
        let is_end = |b: &u8| {
            b.is_ascii_whitespace()
                || matches!(
                    b,
                    b'"' | b'\'' | b'<' | b'>' | b'&' | b'=' | b'?' | b'#' | b'\\' | b';'
                )
        };
        let mut from = 0;
        while let Some(found) = memchr(b'%', &text[from..]) {
            let sign = from + found;
            let is_escape = text
                .get(sign + 1..sign + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
            if !is_escape {
                from = sign + 1;
                continue;
            }
            let start = text[from..sign].iter().rposition(is_end).map_or(from, |at| from + at + 1);
            let end = text[sign..].iter().position(is_end).map_or(text.len(), |at| sign + at);
            from = end;
            let plain = Plain::of(&text[start..end], Escapes::Percent);
            let class = self.class_at(text, start, at);
            let found = self.text(&plain.text, at.deeper(class));
            edits.decoded(start..end, plain.back(found, start));
        }
    }

    /// Whether a text is behind a run of base64; what is to go of it is written in base64 again.
    pub(super) fn base64(
        &self,
        text: &[u8],
        run: Range<usize>,
        padded: usize,
        at: At,
        edits: &mut Edits,
    ) -> bool {
        let word = &text[run.clone()];
        // A path before it shifts the groups of four.
        let starts = std::iter::once(0).chain(
            word.iter()
                .enumerate()
                .filter(|(_, b)| matches!(b, b'/' | b'-' | b'_'))
                .map(|at| at.0 + 1),
        );
        for start in starts.take(8) {
            let part = &word[start..];
            if part.len() < TRIED.min(16) || !is_text_behind(&part[..part.len().min(TRIED)]) {
                continue;
            }
            let Some(plain) = decoded(part) else { continue };
            if !gzip::is_gzip(&plain) && (is_binary(&plain) || std::str::from_utf8(&plain).is_err())
            {
                continue;
            }
            let found = self.text(&plain, at.deeper(Class::Plain));
            let Some(first) = found.first() else {
                edits.decoded(run.start + start..padded, Vec::new());
                return true;
            };
            let is_padded = padded > run.end || part.len().is_multiple_of(4);
            let with = coded(&apply(&plain, &found), part, is_padded);
            let at = run.start + start..padded;
            let edit = Edit { at: at.clone(), with, rule: first.rule, rank: DECODED };
            edits.decoded(at, vec![edit]);
            return true;
        }
        false
    }
}

fn is_safe(letters: &[u8]) -> bool {
    letters.iter().any(|b| matches!(b, b'-' | b'_'))
}

fn decoded(letters: &[u8]) -> Option<Vec<u8>> {
    let letters = if letters.len() % 4 == 1 { &letters[..letters.len() - 1] } else { letters };
    let engine = if is_safe(letters) { &URL_SAFE } else { &STANDARD };
    engine.decode(letters).ok()
}

/// Whether base64 that begins so is a text or gzip. What is drawn at random has a control
/// character, or a byte outside of ASCII, within a few letters: most of it is told apart by its
/// first four, so this is worth its own decoding.
fn is_text_behind(letters: &[u8]) -> bool {
    let mut groups = letters.chunks_exact(4);
    let is_safe = letters[..letters.len() / 4 * 4].iter().any(|b| matches!(b, b'-' | b'_'));
    let bits = if is_safe { &URL_SAFE_BITS } else { &STANDARD_BITS };
    let group = |four: &[u8]| {
        let value = four.iter().fold(0, |all: u32, b| all << 6 | u32::from(bits[usize::from(*b)]));
        let is_known = four.iter().all(|b| bits[usize::from(*b)] < 64);
        let [_, plain @ ..] = value.to_be_bytes();
        is_known.then_some(plain)
    };
    let is_gzip = letters.first_chunk::<4>().and_then(|four| group(four));
    if is_gzip.is_some_and(|plain| gzip::is_gzip(&plain)) {
        return groups.all(|four| group(four).is_some());
    }
    let (mut ascii, mut all) = (0, 0);
    let is_text = groups.all(|four| {
        group(four).is_some_and(|plain| {
            ascii += plain.iter().filter(|b| b.is_ascii()).count();
            all += plain.len();
            plain.iter().all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0x80..))
        })
    });
    is_text && ascii * 3 > all * 2
}

/// What each letter of an alphabet stands for; 64 for what is none.
const fn bits(alphabet: &[u8; 64]) -> [u8; 256] {
    let mut bits = [64; 256];
    let mut at = 0;
    while at < 64 {
        bits[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    bits
}
static STANDARD_BITS: [u8; 256] =
    bits(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
static URL_SAFE_BITS: [u8; 256] =
    bits(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

fn coded(plain: &[u8], like: &[u8], is_padded: bool) -> Vec<u8> {
    let engine = if is_safe(like) { &URL_SAFE } else { &STANDARD };
    let mut text = engine.encode(plain);
    if !is_padded {
        text.truncate(text.trim_end_matches('=').len());
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by decoding all of it.
    fn by_decoding(letters: &[u8]) -> bool {
        let letters = &letters[..letters.len() / 4 * 4];
        decoded(letters).is_some_and(|plain| {
            let is_printed = |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0x80..);
            let ascii = plain.iter().filter(|b| b.is_ascii()).count();
            gzip::is_gzip(&plain) || (plain.iter().all(is_printed) && ascii * 3 > plain.len() * 2)
        })
    }

    proptest! {
        #[test]
        fn a_text_is_seen_without_decoding_all(
            letters in prop_oneof!["[A-Za-z0-9+/_-]{0,24}", "[A-Za-z0-9/]{0,24}", "H4sI[a-z_+]{0,9}"],
            plain in proptest::collection::vec(any::<u8>(), 0..18),
            text in "[ -~é]{0,9}",
        ) {
            let of_bytes = base64::engine::general_purpose::STANDARD.encode(plain);
            let of_text = base64::engine::general_purpose::URL_SAFE.encode(text);
            for letters in [letters, of_bytes, of_text] {
                let letters = letters.trim_end_matches('=').as_bytes();
                prop_assert_eq!(is_text_behind(letters), by_decoding(letters));
            }
        }
    }
}
