//! Changes to a text as spans, and texts that were decoded with the way back to where they stood.

use std::borrow::Cow;
use std::ops::Range;

/// A span of a text and what stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) at: Range<usize>,
    pub(crate) with: Vec<u8>,
    /// What was found, such as `github-token`.
    pub(crate) rule: &'static str,
    /// Of two edits that overlap the one with the higher rank says what is written.
    pub(crate) rank: u8,
}

/// Found by its shape alone.
pub(crate) const BY_SHAPE: u8 = 0;
/// Found in a decoded form.
pub(crate) const DECODED: u8 = 1;
/// Found by its name, which says where it begins and ends.
pub(crate) const BY_NAME: u8 = 2;

/// The edits of a text while they are gathered.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    list: Vec<Edit>,
    /// What was looked at in a decoded form: what the raw form looks like there says nothing.
    seen: Vec<Range<usize>>,
}

impl Edits {
    pub(crate) fn add(&mut self, edit: Edit) {
        self.list.push(edit);
    }

    pub(crate) fn extend(&mut self, edits: impl IntoIterator<Item = Edit>) {
        self.list.extend(edits);
    }

    /// Takes over what was found in a part that was decoded.
    pub(crate) fn decoded(&mut self, part: Range<usize>, edits: Vec<Edit>) {
        self.list.extend(edits);
        self.seen.push(part);
    }

    /// Whether a range meets what was looked at in a decoded form, as far as that is merged.
    pub(crate) fn is_seen(&self, at: &Range<usize>) -> bool {
        let after = self.seen.partition_point(|part| part.end <= at.start);
        self.seen.get(after).is_some_and(|part| part.start < at.end)
    }

    /// Puts what was looked at in order, so that it can be asked for.
    pub(crate) fn merge_seen(&mut self) {
        self.seen.sort_unstable_by_key(|part| part.start);
        self.seen.dedup_by(|next, last| {
            let is_met = next.start <= last.end;
            if is_met {
                last.end = last.end.max(next.end);
            }
            is_met
        });
    }

    /// In order and without overlaps. Where two overlap, all of both goes.
    pub(crate) fn settled(mut self) -> Vec<Edit> {
        if self.list.is_empty() {
            return self.list;
        }
        self.merge_seen();
        let mut list = std::mem::take(&mut self.list);
        list.retain(|edit| edit.rank != BY_SHAPE || !self.is_seen(&edit.at));
        self.list = list;
        self.list.sort_by_key(|edit| (edit.at.start, std::cmp::Reverse(edit.rank)));
        let mut settled: Vec<Edit> = Vec::with_capacity(self.list.len());
        for edit in self.list {
            match settled.last_mut().filter(|last| edit.at.start < last.at.end) {
                Some(last) => {
                    let at = last.at.start..last.at.end.max(edit.at.end);
                    let is_better = edit.rank > last.rank
                        || (edit.rank == last.rank && edit.at.len() > last.at.len());
                    if is_better {
                        *last = edit;
                    }
                    last.at = at;
                }
                None => settled.push(edit),
            }
        }
        settled
    }
}

/// The text with its edits made.
pub(crate) fn apply<'t>(text: &'t [u8], edits: &[Edit]) -> Cow<'t, [u8]> {
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for edit in edits {
        out.extend_from_slice(&text[from..edit.at.start]);
        out.extend_from_slice(&edit.with);
        from = edit.at.end;
    }
    out.extend_from_slice(&text[from..]);
    Cow::Owned(out)
}

/// How a text is written into the one around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// `%20`.
    Percent,
    /// `%20` or `+`.
    Form,
    /// `\n`, `\u000a`.
    Json,
}

/// A text without its escapes.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) text: Vec<u8>,
    /// Where each byte, and the end, stood.
    from: Vec<u32>,
    escapes: Escapes,
}

impl Plain {
    /// Takes the escapes off; what is no right escape stays as it is.
    pub(crate) fn of(coded: &[u8], escapes: Escapes) -> Plain {
        let mut plain = Plain {
            text: Vec::with_capacity(coded.len()),
            from: Vec::with_capacity(coded.len() + 1),
            escapes,
        };
        let mut at = 0;
        while at < coded.len() {
            let start = plain.text.len();
            let length = match (escapes, coded[at]) {
                (Escapes::Json, b'\\') => json_escape(&coded[at..], &mut plain.text),
                (Escapes::Form, b'+') => {
                    plain.text.push(b' ');
                    1
                }
                (Escapes::Form | Escapes::Percent, b'%') => {
                    percent_escape(&coded[at..], &mut plain.text)
                }
                (_, byte) => {
                    plain.text.push(byte);
                    1
                }
            };
            plain.from.extend((start..plain.text.len()).map(|_| at as u32));
            at += length;
        }
        plain.from.push(at as u32);
        plain
    }

    /// Edits of the plain text as edits of the coded one, which begins at `offset` of another.
    pub(crate) fn back(&self, edits: Vec<Edit>, offset: usize) -> Vec<Edit> {
        let place = |edit: Edit| {
            let start = self.from[edit.at.start] as usize;
            // The end of the character that the span ends in.
            let last = self.from[edit.at.end.max(edit.at.start + 1) - 1];
            let end = self.from[edit.at.end..].iter().find(|from| **from > last);
            let end = end.or(self.from.last()).map_or(start, |end| *end as usize);
            Edit {
                at: offset + start..offset + end,
                with: self.written(&edit.with),
                rank: edit.rank.max(DECODED),
                rule: edit.rule,
            }
        };
        edits.into_iter().map(place).collect()
    }

    fn written(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        for &byte in text {
            match (self.escapes, byte) {
                (Escapes::Json, b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
                (Escapes::Json, 0..0x20) => {
                    out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                }
                (Escapes::Json, _) | (_, b'-' | b'.' | b'_' | b'~') => out.push(byte),
                (_, byte) if byte.is_ascii_alphanumeric() => out.push(byte),
                (_, byte) => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            }
        }
        out
    }
}

fn percent_escape(coded: &[u8], to: &mut Vec<u8>) -> usize {
    let digit = |at: usize| coded.get(at).and_then(|b| char::from(*b).to_digit(16));
    match (digit(1), digit(2)) {
        (Some(high), Some(low)) => {
            to.push((high * 16 + low) as u8);
            3
        }
        _ => {
            to.push(b'%');
            1
        }
    }
}

fn json_escape(coded: &[u8], to: &mut Vec<u8>) -> usize {
    let plain = match coded.get(1) {
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
        Some(b'u') if coded.get(2..6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) => {
            let (character, length) = crate::json::escaped_character(coded);
            to.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return length;
        }
        _ => {
            to.push(b'\\');
            return 1;
        }
    };
    to.push(plain);
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(at: Range<usize>, with: &str, rank: u8) -> Edit {
        Edit { at, with: with.as_bytes().to_vec(), rule: "r", rank }
    }

    #[test]
    fn overlaps_are_settled_so_that_nothing_is_left() {
        let check = |edits: Vec<Edit>, seen: Option<Range<usize>>, expect: &str| {
            let settled = Edits { list: edits, seen: seen.into_iter().collect() }.settled();
            assert_eq!(String::from_utf8_lossy(&apply(b"0123456789", &settled)), expect);
        };
        check(vec![edit(2..4, "X", 0), edit(6..7, "Y", 0)], None, "01X45Y789");
        check(vec![edit(2..6, "X", 0), edit(4..8, "Y", 2)], None, "01Y89");
        check(vec![edit(2..6, "X", 2), edit(2..8, "Y", 0)], None, "01X89");
        check(vec![edit(2..3, "X", 0), edit(1..8, "Y", 0)], None, "0Y89");
        check(vec![edit(2..3, "X", 0), edit(5..6, "Y", 1)], Some(0..7), "01234Y6789");
        check(vec![], Some(0..3), "0123456789");
    }

    #[test]
    fn a_plain_text_knows_where_it_stood() {
        let check = |escapes, coded: &str, plain: &str, find: &str, expect: &str| {
            let text = Plain::of(coded.as_bytes(), escapes);
            assert_eq!(String::from_utf8_lossy(&text.text), plain);
            let start = plain.find(find).unwrap();
            let edits = text.back(vec![edit(start..start + find.len(), "<é\"", 0)], 0);
            assert_eq!(String::from_utf8_lossy(&apply(coded.as_bytes(), &edits)), expect);
        };
        check(Escapes::Json, r"a\n\u0062c\/d", "a\nbc/d", "bc/", r#"a\n<é\"d"#);
        check(Escapes::Json, r"\ud83d\ude00x", "😀x", "😀", r#"<é\"x"#);
        check(Escapes::Json, r"\q\u12", r"\q\u12", "q", r#"\<é\"\u12"#);
        check(Escapes::Percent, "a%20b%zz+", "a b%zz+", " b", "a%3C%C3%A9%22%zz+");
        check(Escapes::Form, "a+b%C3%A9c", "a béc", "é", "a+b%3C%C3%A9%22c");
    }
}
