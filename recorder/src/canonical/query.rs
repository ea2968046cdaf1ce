//! Queries and forms: pairs in one order and with one way of escaping.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What needs no escape.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'[').remove(b']');

/// The pairs of a query or a form, unescaped, in their order.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescaped(name), unescaped(value))
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// The pairs sorted by name, those of one name in their order, without the ignored names.
pub(crate) fn canonical<'q>(text: &'q str, ignored: &[String]) -> Cow<'q, str> {
    if ignored.is_empty() && is_canonical(text) {
        return Cow::Borrowed(text);
    }
    let mut pairs = pairs(text);
    pairs.retain(|(name, _)| !ignored.iter().any(|other| other == name));
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| written_pair(name, value)).collect();
    pairs.join("&").into()
}

/// A pair as it stands in a query.
pub(crate) fn written_pair(name: &str, value: &str) -> String {
    let escape = |text| utf8_percent_encode(text, ESCAPED);
    format!("{}={}", escape(name), escape(value))
}

/// Whether it needs nothing done: whole pairs without escapes, in their order. Most queries are so.
fn is_canonical(text: &str) -> bool {
    let is_plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'[' | b']');
    let mut last = "";
    text.is_empty()
        || text.split('&').all(|pair| {
            let Some((name, value)) = pair.split_once('=') else { return false };
            let is_next = last <= name;
            last = name;
            is_next && name.bytes().chain(value.bytes()).all(is_plain)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_in_one_form() {
        let check = |text: &str, expect: &str| {
            assert_eq!(canonical(text, &["ts".to_owned()]), expect, "{text}");
            let is_short = text.split('&').all(|pair| !pair.starts_with("ts="));
            assert!(!is_short || canonical(text, &[]) == expect, "{text}");
        };
        check("", "");
        check("b=2&a=1", "a=1&b=2");
        check("a=2&a=1", "a=2&a=1");
        check("a=%7e&b=%C3%A9", "a=~&b=%C3%A9");
        check("a=x+y&b=x%20y", "a=x%20y&b=x%20y");
        check("flag&&x=", "flag=&x=");
        check("ts=1&filter[a]=1", "filter[a]=1");
        check("a=1&b[]=x.y~z&b[]=&c_d=-", "a=1&b[]=x.y~z&b[]=&c_d=-");
        check("a=1&", "a=1");
        check("a=b=c", "a=b%3Dc");
    }
}
