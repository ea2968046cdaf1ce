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
/// character, or a byte outside of ASCII, within a few letters.
fn is_text_behind(letters: &[u8]) -> bool {
    let letters = &letters[..letters.len() / 4 * 4];
    decoded(letters).is_some_and(|plain| {
        let is_printed = |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0x80..);
        let ascii = plain.iter().filter(|b| b.is_ascii()).count();
        gzip::is_gzip(&plain) || (plain.iter().all(is_printed) && ascii * 3 > plain.len() * 2)
    })
}

fn coded(plain: &[u8], like: &[u8], is_padded: bool) -> Vec<u8> {
    let engine = if is_safe(like) { &URL_SAFE } else { &STANDARD };
    let mut text = engine.encode(plain);
    if !is_padded {
        text.truncate(text.trim_end_matches('=').len());
    }
    text.into_bytes()
}
