//! Where names and values stand in a text of any kind: JSON, forms, addresses, settings, markup.
//!
//! Nothing is parsed from the start. Every sign that parts a name from a value is looked at by
//! itself, so that a text may be cut off, be wrong, or hold one kind inside another.

use std::ops::Range;

use memchr::{memchr, memchr2, memrchr2};

use crate::names;

/// A value as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) at: Range<usize>,
    /// Between quotes, which are not part of it.
    pub(crate) is_quoted: bool,
}

/// Whether the byte at this place has an odd number of backslashes before it.
pub(crate) fn is_escaped(text: &[u8], at: usize) -> bool {
    text[..at].iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

fn spaces_before(text: &[u8], at: usize) -> usize {
    text[..at].iter().rev().take(2).take_while(|b| matches!(b, b' ' | b'\t')).count()
}

fn spaces_after(text: &[u8], at: usize) -> usize {
    text[at..].iter().take(4).take_while(|b| matches!(b, b' ' | b'\t')).count()
}

/// The name before a sign, and whether it is quoted.
pub(crate) fn name_before(text: &[u8], sign: usize) -> Option<Written> {
    let end = sign - spaces_before(text, sign);
    let last = *text.get(end.checked_sub(1)?)?;
    if is_quote(last) {
        if is_escaped(text, end - 1) {
            return None;
        }
        let from = (end - 1).saturating_sub(names::LONGEST);
        let start = text[from..end - 1].iter().rposition(|b| *b == last)? + from + 1;
        return Some(Written { at: start..end - 1, is_quoted: true });
    }
    let is_name = |b: &u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'[' | b']' | b'$' | b'%')
    };
    let length =
        text[..end].iter().rev().take(names::LONGEST + 1).take_while(|b| is_name(b)).count();
    (1..=names::LONGEST)
        .contains(&length)
        .then(|| Written { at: end - length..end, is_quoted: false })
}

/// The name of the value that begins here; its quote, if any, is before.
pub(crate) fn name_of(text: &[u8], value: usize) -> Option<Written> {
    let quoted = value.checked_sub(1).filter(|at| is_quote(text[*at])).unwrap_or(value);
    let end = quoted - spaces_before(text, quoted);
    let sign = end.checked_sub(1).filter(|at| matches!(text[*at], b':' | b'='))?;
    name_before(text, sign)
}

/// The values after a sign; several when they are a list.
pub(crate) fn values_after(text: &[u8], sign: usize) -> Vec<Written> {
    let mut at = sign + 1;
    if text.get(at) == Some(&b'>') {
        at += 1;
    }
    at += spaces_after(text, at.min(text.len()));
    match text.get(at) {
        None | Some(b'\\' | b'=' | b'{') => Vec::new(),
        Some(quote) if is_quote(*quote) => quoted(text, at).into_iter().collect(),
        Some(b'[') => list(text, at + 1),
        Some(_) => {
            let is_end = |b: &u8| {
                b.is_ascii_whitespace()
                    || matches!(
                        b,
                        b'"' | b'\''
                            | b'`'
                            | b'<'
                            | b'>'
                            | b'&'
                            | b';'
                            | b','
                            | b')'
                            | b'}'
                            | b']'
                            | b'#'
                            | b'\\'
                            | b'|'
                    )
            };
            let length = text[at..].iter().position(is_end).unwrap_or(text.len() - at);
            let bare = Written { at: at..at + length, is_quoted: false };
            (length > 0).then_some(bare).into_iter().collect()
        }
    }
}

/// The string whose opening quote stands here.
pub(crate) fn quoted(text: &[u8], open: usize) -> Option<Written> {
    let end = string_end(text, open + 1, text[open])?;
    Some(Written { at: open + 1..end, is_quoted: true })
}

fn string_end(text: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr2(quote, b'\n', text.get(at..)?)?;
        match text[at] {
            b'\n' => return None,
            _ if is_escaped(text, at) => at += 1,
            _ => return Some(at),
        }
    }
}

/// The strings of a list of nothing else.
fn list(text: &[u8], from: usize) -> Vec<Written> {
    let mut values = Vec::new();
    let mut at = from;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let Some(value) = quoted(text, at) else { break };
                at = value.at.end + 1;
                values.push(value);
            }
            b',' | b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            _ => break,
        }
    }
    values
}

/// The string, or else the line, that a place is in, but nothing before `from`.
pub(crate) fn string_around(text: &[u8], from: usize, at: usize) -> Range<usize> {
    let mut start = at;
    while let Some(quote) = memrchr2(b'"', b'\n', &text[from..start]) {
        start = from + quote;
        if text[start] == b'\n' || !is_escaped(text, start) {
            return start + 1..string_end_or_line(text, at);
        }
    }
    from..string_end_or_line(text, at)
}

fn string_end_or_line(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = memchr2(b'"', b'\n', &text[at..]) {
        at += found;
        if text[at] == b'\n' || !is_escaped(text, at) {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// What stands beside `value` in `{"name": "password", "value": ...}`, in either order, or in
/// `<input name="token" value=...>`: the name that says what the value is.
pub(crate) fn named_beside(text: &[u8], name: &Written, value: &Written) -> Option<Range<usize>> {
    if name.is_quoted { member_beside(text, name, value) } else { attribute_beside(text, name) }
}

const NAMING: &[&[u8]] = &[b"name", b"key", b"property", b"field", b"id", b"header"];

fn member_beside(text: &[u8], name: &Written, value: &Written) -> Option<Range<usize>> {
    let blank = |b: &u8| b.is_ascii_whitespace();
    // Before: `"name": "password", "value"`.
    let before = &text[..name.at.start.checked_sub(1)?];
    let comma = before.iter().rposition(|b| !blank(b))?;
    if before[comma] == b',' {
        let close = before[..comma].iter().rposition(|b| !blank(b))?;
        if before[close] == b'"' {
            let open = before[..close].iter().rposition(|b| *b == b'"')?;
            let sign = before[..open].iter().rposition(|b| !blank(b))?;
            let is_naming = before[sign] == b':'
                && name_before(text, sign).is_some_and(|name| NAMING.contains(&&text[name.at]));
            if is_naming {
                return Some(open + 1..close);
            }
        }
    }
    // After: `"value": "x", "name": "password"`.
    let after = value.at.end + 1;
    let comma = after + text.get(after..)?.iter().position(|b| !blank(b))?;
    let open = comma + 1 + text.get(comma + 1..)?.iter().position(|b| !blank(b))?;
    if text[comma] != b',' || text[open] != b'"' {
        return None;
    }
    let key = quoted(text, open)?;
    let sign = key.at.end + 1 + text.get(key.at.end + 1..)?.iter().position(|b| !blank(b))?;
    let is_naming = text[sign] == b':' && NAMING.contains(&&text[key.at]);
    let named = values_after(text, sign).into_iter().next().filter(|value| value.is_quoted);
    named.filter(|_| is_naming).map(|named| named.at)
}

fn attribute_beside(text: &[u8], name: &Written) -> Option<Range<usize>> {
    const TAG: usize = 512;
    let from = name.at.start.saturating_sub(TAG);
    let open = from + text[from..name.at.start].iter().rposition(|b| matches!(b, b'<' | b'>'))?;
    if text[open] == b'>' {
        return None;
    }
    let end = text.len().min(open + 2 * TAG);
    let tag = &text[open..open + memchr(b'>', &text[open..end]).unwrap_or(end - open)];
    let at = memchr::memmem::find_iter(tag, b"name=")
        .find(|at| tag[at.saturating_sub(1)].is_ascii_whitespace())?;
    let named = values_after(tag, at + 4).into_iter().next()?.at;
    Some(open + named.start..open + named.end)
}

/// Calls `found` with the name and the text of each element that has nothing but text in it.
pub(crate) fn elements(text: &[u8], mut found: impl FnMut(&[u8], Range<usize>)) {
    // Looking for one byte costs less than getting ready to look for two.
    let Some(first) = memchr(b'<', text) else { return };
    for close in memchr::memmem::find_iter(&text[first..], b"</").map(|at| first + at) {
        let name = &text[close + 2..];
        let length =
            name.iter().take(names::LONGEST).position(|b| matches!(b, b'>' | b' ')).unwrap_or(0);
        let local = name[..length].rsplit(|b| *b == b':').next().unwrap_or_default();
        if local.is_empty() {
            continue;
        }
        if let Some(open) = text[..close].iter().rposition(|b| matches!(b, b'<' | b'>'))
            && text[open] == b'>'
            && open + 1 < close
        {
            found(local, open + 1..close);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_stand_where_they_stand() {
        let check = |text: &str, name: &str, values: &[&str]| {
            let bytes = text.as_bytes();
            let sign = text.find(['=', ':']).unwrap();
            let found = name_before(bytes, sign).map(|name| &text[name.at]);
            assert_eq!(found.unwrap_or_default(), name, "{text}");
            let found: Vec<_> =
                values_after(bytes, sign).into_iter().map(|value| &text[value.at]).collect();
            assert_eq!(found, values, "{text}");
        };
        check(r#"{"a b" : "x\"y", "c":1}"#, "a b", &[r#"x\"y"#]);
        check(r#"{"em":["a", "b"]}"#, "em", &["a", "b"]);
        check("a=1&token", "a", &["1"]);
        check("api-key: x y", "api-key", &["x"]);
        check("user[name] = 'it'", "user[name]", &["it"]);
        check("a => \"b\"", "a", &["b"]);
        check("a == b", "a", &[]);
        check(r#"\"a\":\"b\""#, "", &[]);
        check("\"a\": {\"b\":1}", "a", &[]);
        check("\"cut\":\"of", "cut", &[]);
        check("=x", "", &["x"]);
    }

    #[test]
    fn a_value_may_be_named_beside_it() {
        let check = |text: &str, expect: Option<&str>| {
            let sign = text.find("value").unwrap() + 5;
            let sign = sign + text[sign..].find([':', '=']).unwrap();
            let name = name_before(text.as_bytes(), sign).unwrap();
            let value = values_after(text.as_bytes(), sign).remove(0);
            let beside = named_beside(text.as_bytes(), &name, &value);
            assert_eq!(beside.map(|at| &text[at]), expect, "{text}");
        };
        check(r#"{"name": "pin", "value": "1"}"#, Some("pin"));
        check(r#"{"value":"1", "name" : "pin"}"#, Some("pin"));
        check(r#"{"title":"pin","value":"1"}"#, None);
        check(r#"<input type="hidden" name="csrf" value="1">"#, Some("csrf"));
        check(r#"<input value="1" name="csrf">"#, Some("csrf"));
        check(r#"<p> value="1""#, None);
    }

    #[test]
    fn strings_and_elements_are_found_from_within() {
        let text = r#"{"a":"x\ny","b":1}"#;
        let at = text.find('\\').unwrap();
        assert_eq!(&text[string_around(text.as_bytes(), 0, at)], r"x\ny");
        assert_eq!(string_around(b"a\\nb\nc", 0, 1), 0..4);
        let xml = "<a><ns:token x='1'>abc</ns:token><b/></a>";
        let mut all = Vec::new();
        elements(xml.as_bytes(), |name, at| {
            all.push((String::from_utf8_lossy(name).into_owned(), &xml[at]));
        });
        assert_eq!(all, [("token".to_owned(), "abc")]);
    }
}
