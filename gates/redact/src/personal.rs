//! E-mail addresses and telephone numbers, found by how they are written.

use std::ops::Range;

use memchr::memchr_iter;

/// What an `@` in the name of a file is followed by: `logo@2x.png`.
const FILES: &[&str] = &[
    "avif", "css", "gif", "html", "jpeg", "jpg", "js", "json", "md", "mjs", "pdf", "png", "svg",
    "ts", "txt", "webp", "xml", "yaml", "yml",
];
/// Where nobody has a mailbox.
const NOBODY: &[u8] = b".invalid";

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'')
}

/// Calls `found` with each e-mail address: RFC 5322's dot-atom, as far as people use it.
pub(crate) fn emails(text: &[u8], mut found: impl FnMut(Range<usize>)) {
    for at in memchr_iter(b'@', text) {
        let before = text[..at].iter().rev().take(64).take_while(|b| is_local(**b)).count();
        let mut start = at - before;
        while start < at && matches!(text[start], b'.' | b'\'' | b'%' | b'+' | b'-') {
            start += 1;
        }
        let domain = text[at + 1..]
            .iter()
            .take(255)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
            .count();
        let mut end = at + 1 + domain;
        while end > at + 1 && matches!(text[end - 1], b'.' | b'-') {
            end -= 1;
        }
        if start < at && is_domain(&text[at + 1..end]) && !is_user(&text[..start]) {
            found(start..end);
        }
    }
}

/// Whether what follows is who signs in to a host: `https://kim:password@host`.
fn is_user(before: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'/' | b'"' | b'<');
    let length = before.iter().rev().take(256).take_while(|b| is_part(b)).count();
    before[..before.len() - length].ends_with(b"://")
}

fn is_domain(domain: &[u8]) -> bool {
    let Some(dot) = domain.iter().rposition(|b| *b == b'.') else { return false };
    let top = &domain[dot + 1..];
    let is_file = FILES.iter().any(|file| top.eq_ignore_ascii_case(file.as_bytes()));
    dot > 0
        && domain[0] != b'.'
        && (2..=24).contains(&top.len())
        && top.iter().all(u8::is_ascii_alphabetic)
        && !is_file
        && !domain.ends_with(NOBODY)
}

/// Whether all of it is an e-mail address.
pub(crate) fn is_email(text: &[u8]) -> bool {
    let mut is_one = false;
    emails(text, |at| is_one |= at == (0..text.len()));
    is_one
}

/// Calls `found` with each telephone number in its international form: E.164 with what is put
/// between its digits, and RFC 3966's `tel:`.
pub(crate) fn phones(text: &[u8], mut found: impl FnMut(Range<usize>)) {
    for at in memchr_iter(b'+', text) {
        let is_start = at == 0
            || !(text[at - 1].is_ascii_alphanumeric()
                || matches!(text[at - 1], b'+' | b'/' | b'='));
        if !is_start || !text.get(at + 1).is_some_and(|b| matches!(b, b'1'..=b'9')) {
            continue;
        }
        let (mut digits, mut end) = (0, at + 1);
        for (place, byte) in text.iter().enumerate().skip(at + 1).take(24) {
            match byte {
                b'0'..=b'9' => {
                    digits += 1;
                    end = place + 1;
                }
                b' ' | b'-' | b'.' | b'(' | b')' | b'/'
                    if place == end || text[place - 1] != b' ' => {}
                _ => break,
            }
        }
        let is_cut = text.get(end).is_none_or(|b| !b.is_ascii_alphanumeric());
        if (8..=15).contains(&digits) && is_cut {
            found(at..end);
        }
    }
}

/// Whether a value beside a name such as `phone` can be one, or a digest of one.
pub(crate) fn is_number(text: &[u8]) -> bool {
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    digits >= 6 && text.len() <= 32 && !text.iter().any(u8::is_ascii_alphabetic) || is_digest(text)
}

/// Whether it is a digest in hexadecimal: MD5, SHA-1, SHA-256.
pub(crate) fn is_digest(text: &[u8]) -> bool {
    matches!(text.len(), 32 | 40 | 64) && text.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers() {
        let check = |text: &str, expect: &[&str]| {
            let mut all = Vec::new();
            emails(text.as_bytes(), |at| all.push(&text[at]));
            phones(text.as_bytes(), |at| all.push(&text[at]));
            assert_eq!(all, expect, "{text}");
        };
        check("<kim.lee+x@mail.example.org>, a@b.co.", &["kim.lee+x@mail.example.org", "a@b.co"]);
        check("logo@2x.png react@18.2.0 @scope/x a@b a@localhost", &[]);
        check("https://kim:hunter2@db.example/x", &[]);
        check("redacted-email-0123456789ab@redacted.invalid", &[]);
        check("call +49 171 234-5678, or tel:+15550109999", &["+49 171 234-5678", "+15550109999"]);
        check("2026-11-21T08:30:00+00:00 1e+10000000 +5 a+12345678901", &[]);
        check("c29tZQ/+12345678901 +1234567890abc", &[]);
    }
}
