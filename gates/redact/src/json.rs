//! JSON as text: where each value stands, without giving up a byte of how it was written.
//!
//! Redaction replaces spans, and a cassette shows a body indented only when the original can be had
//! back from that. Both need the text, not the values: order, repeated keys, the digits of numbers
//! and escapes are all kept. The grammar is RFC 8259's.

use std::fmt;
use std::ops::Range;

/// How deep values may be nested.
pub const DEEPEST: usize = 256;

/// Where a text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotJson {
    /// The first byte that cannot be there.
    pub at: usize,
}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no JSON at byte {}", self.at)
    }
}

impl std::error::Error for NotJson {}

/// A piece of JSON, each with its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// `{` or `[`.
    Open(usize),
    /// `}` or `]`.
    Close(usize),
    /// A member's name, its quotes included.
    Key(Range<usize>),
    /// A string, its quotes included.
    String(Range<usize>),
    /// A number, `true`, `false` or `null`.
    Bare(Range<usize>),
}

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Value,
    ValueOrClose,
    KeyOrClose,
    Key,
    CommaOrClose,
    End,
}

/// The tokens of a text, from the first to the last. After an error there are no more.
pub struct Tokens<'t> {
    text: &'t [u8],
    at: usize,
    /// The closing brackets that are owed.
    open: Vec<u8>,
    next: Next,
}

impl<'t> Tokens<'t> {
    /// Of this text, which has to be one value.
    pub fn of(text: &'t [u8]) -> Tokens<'t> {
        Tokens { text, at: 0, open: Vec::new(), next: Next::Value }
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn step(&mut self) -> Result<Option<Token>, NotJson> {
        loop {
            self.skip_space();
            let Some(&byte) = self.text.get(self.at) else {
                return if self.next == Next::End { Ok(None) } else { Err(self.wrong()) };
            };
            match (self.next, byte) {
                (Next::CommaOrClose, b',') => {
                    self.at += 1;
                    let in_object = self.open.last() == Some(&b'}');
                    self.next = if in_object { Next::Key } else { Next::Value };
                }
                (Next::CommaOrClose | Next::ValueOrClose | Next::KeyOrClose, b'}' | b']') => {
                    return self.close(byte).map(Some);
                }
                (Next::Value | Next::ValueOrClose, _) => return self.value(byte).map(Some),
                (Next::Key | Next::KeyOrClose, b'"') => return self.key().map(Some),
                _ => return Err(self.wrong()),
            }
        }
    }

    fn wrong(&self) -> NotJson {
        NotJson { at: self.at.min(self.text.len()) }
    }

    fn close(&mut self, byte: u8) -> Result<Token, NotJson> {
        if self.open.pop() != Some(byte) {
            return Err(self.wrong());
        }
        self.at += 1;
        self.after_value();
        Ok(Token::Close(self.at - 1))
    }

    fn after_value(&mut self) {
        self.next = if self.open.is_empty() { Next::End } else { Next::CommaOrClose };
    }

    fn value(&mut self, byte: u8) -> Result<Token, NotJson> {
        match byte {
            b'{' | b'[' => {
                if self.open.len() == DEEPEST {
                    return Err(self.wrong());
                }
                let is_object = byte == b'{';
                self.open.push(if is_object { b'}' } else { b']' });
                self.next = if is_object { Next::KeyOrClose } else { Next::ValueOrClose };
                self.at += 1;
                Ok(Token::Open(self.at - 1))
            }
            b'"' => {
                let range = self.string()?;
                self.after_value();
                Ok(Token::String(range))
            }
            _ => {
                let range = self.bare()?;
                self.after_value();
                Ok(Token::Bare(range))
            }
        }
    }

    fn key(&mut self) -> Result<Token, NotJson> {
        let range = self.string()?;
        self.skip_space();
        if self.text.get(self.at) != Some(&b':') {
            return Err(self.wrong());
        }
        self.at += 1;
        self.next = Next::Value;
        Ok(Token::Key(range))
    }

    fn string(&mut self) -> Result<Range<usize>, NotJson> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                Some(b'\\') => {
                    let escaped = self.text.get(self.at + 1).copied();
                    let is_hex = |at: usize| self.text.get(at).is_some_and(u8::is_ascii_hexdigit);
                    self.at += match escaped {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u') if (self.at + 2..self.at + 6).all(is_hex) => 6,
                        _ => return Err(self.wrong()),
                    };
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.wrong()),
            }
        }
    }

    fn bare(&mut self) -> Result<Range<usize>, NotJson> {
        let start = self.at;
        let rest = &self.text[start..];
        for word in [&b"true"[..], b"false", b"null"] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(start..self.at);
            }
        }
        let digits = |from: usize| rest[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut length = usize::from(rest.first() == Some(&b'-'));
        let whole = digits(length);
        if whole == 0 || (whole > 1 && rest[length] == b'0') {
            return Err(self.wrong());
        }
        length += whole;
        if rest.get(length) == Some(&b'.') {
            let fraction = digits(length + 1);
            if fraction == 0 {
                return Err(NotJson { at: start + length });
            }
            length += 1 + fraction;
        }
        if let Some(b'e' | b'E') = rest.get(length) {
            let sign = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
            let exponent = rest.get(length + 1 + sign..).map_or(0, |_| digits(length + 1 + sign));
            if exponent == 0 {
                return Err(NotJson { at: start + length });
            }
            length += 1 + sign + exponent;
        }
        self.at += length;
        Ok(start..self.at)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Result<Token, NotJson>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.step() {
            Ok(token) => token.map(Ok),
            Err(error) => {
                self.at = self.text.len();
                self.open.clear();
                self.next = Next::End;
                Some(Err(error))
            }
        }
    }
}

/// The text without the space between its tokens.
pub fn compact(text: &[u8]) -> Result<Vec<u8>, NotJson> {
    written(text, None)
}

/// The text indented by two spaces, from `depth` levels on: the first line is not indented, since
/// it stands after something.
pub fn pretty(text: &[u8], depth: usize) -> Result<Vec<u8>, NotJson> {
    written(text, Some(depth))
}

fn written(text: &[u8], depth: Option<usize>) -> Result<Vec<u8>, NotJson> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    let mut level = depth.unwrap_or(0);
    // What was written last: nothing to part from after an opening bracket or a name.
    let (mut is_fresh, mut is_named) = (true, false);
    let line = |out: &mut Vec<u8>, level: usize| {
        if depth.is_some() {
            out.push(b'\n');
            out.resize(out.len() + 2 * level, b' ');
        }
    };
    for token in Tokens::of(text) {
        let token = token?;
        if let Token::Close(at) = token {
            level -= 1;
            if !is_fresh {
                line(&mut out, level);
            }
            out.push(text[at]);
            is_fresh = false;
            continue;
        }
        if !is_named && !out.is_empty() {
            if !is_fresh {
                out.push(b',');
            }
            line(&mut out, level);
        }
        (is_fresh, is_named) = (false, false);
        match token {
            Token::Open(at) => {
                out.push(text[at]);
                level += 1;
                is_fresh = true;
            }
            Token::Key(range) => {
                out.extend_from_slice(&text[range]);
                out.extend_from_slice(if depth.is_some() { b": " } else { b":" });
                is_named = true;
            }
            Token::String(range) | Token::Bare(range) => out.extend_from_slice(&text[range]),
            Token::Close(_) => unreachable!("handled above"),
        }
    }
    Ok(out)
}

/// What a string (with its quotes, as a token has it) says. A lone surrogate becomes U+FFFD.
pub fn unescaped(quoted: &[u8]) -> String {
    let inner = &quoted[1..quoted.len() - 1];
    if !inner.contains(&b'\\') {
        return String::from_utf8_lossy(inner).into_owned();
    }
    let mut out: Vec<u8> = Vec::with_capacity(inner.len());
    let mut at = 0;
    while at < inner.len() {
        if inner[at] != b'\\' {
            out.push(inner[at]);
            at += 1;
            continue;
        }
        let plain = match inner[at + 1] {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, length) = escaped_character(&inner[at..]);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at += length;
                continue;
            }
            other => other,
        };
        out.push(plain);
        at += 2;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The character of `\uXXXX`, or of two of them that make a pair, and how long that is.
pub(crate) fn escaped_character(text: &[u8]) -> (char, usize) {
    let unit = |at: usize| -> Option<u32> {
        let hex = text.get(at..at + 6).filter(|hex| hex.starts_with(b"\\u"))?;
        u32::from_str_radix(std::str::from_utf8(&hex[2..]).ok()?, 16).ok()
    };
    let first = unit(0).unwrap_or(0xfffd);
    if (0xd800..0xdc00).contains(&first)
        && let Some(second) = unit(6).filter(|second| (0xdc00..0xe000).contains(second))
    {
        let both = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(both).unwrap_or('\u{fffd}'), 12);
    }
    (char::from_u32(first).unwrap_or('\u{fffd}'), 6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bytes: Result<Vec<u8>, NotJson>) -> String {
        bytes.map_or_else(|error| error.to_string(), |bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn compact_and_pretty() {
        let check = |input: &str, expect: &str, expect_pretty: &str| {
            assert_eq!(text(compact(input.as_bytes())), expect, "{input}");
            assert_eq!(text(pretty(input.as_bytes(), 0)), expect_pretty, "{input}");
        };
        check(" 1 ", "1", "1");
        check("[ ]", "[]", "[]");
        check("{ }", "{}", "{}");
        check(r#"{"a" : [1 , 2]}"#, r#"{"a":[1,2]}"#, "{\n  \"a\": [\n    1,\n    2\n  ]\n}");
        check(
            r#"{"b":1,"a":1.50,"a":{}}"#,
            r#"{"b":1,"a":1.50,"a":{}}"#,
            "{\n  \"b\": 1,\n  \"a\": 1.50,\n  \"a\": {}\n}",
        );
        check(
            r#"["\u00e9 \/",null,true,-0.0e+10]"#,
            r#"["\u00e9 \/",null,true,-0.0e+10]"#,
            "[\n  \"\\u00e9 \\/\",\n  null,\n  true,\n  -0.0e+10\n]",
        );
    }

    #[test]
    fn what_is_no_json_is_said_with_its_place() {
        let check = |input: &str, at: usize| {
            assert_eq!(compact(input.as_bytes()), Err(NotJson { at }), "{input}");
        };
        check("", 0);
        check("{", 1);
        check("[1,]", 3);
        check("{\"a\":1,}", 7);
        check("{\"a\" 1}", 5);
        check("[1}", 2);
        check("01", 0);
        check("1.", 1);
        check("1e", 1);
        check("-", 0);
        check("\"\\x\"", 1);
        check("\"a\nb\"", 2);
        check("1 2", 2);
        check("nul", 0);
        check(&"[".repeat(DEEPEST + 1), DEEPEST);
    }

    #[test]
    fn strings_say_what_they_mean() {
        let check = |quoted: &str, expect: &str| assert_eq!(unescaped(quoted.as_bytes()), expect);
        check(r#""plain é""#, "plain é");
        check(r#""a\"\\\/\n\u0041""#, "a\"\\/\nA");
        check(r#""\ud83d\ude00!""#, "😀!");
        check(r#""\ud83d!""#, "\u{fffd}!");
    }

    proptest! {
        #[test]
        fn pretty_gives_the_compact_text_back(value in any_json()) {
            let plain = value.as_bytes();
            prop_assert_eq!(compact(&pretty(plain, 3).unwrap()).unwrap(), plain);
        }

        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = pretty(&bytes, 0);
        }
    }

    fn any_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
            "[a-z\\u00e9 ]{0,8}".prop_map(|text| format!("\"{text}\"")),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5)
                    .prop_map(|values| format!("[{}]", values.join(","))),
                proptest::collection::vec(("[a-z]{0,4}", inner), 0..5).prop_map(|members| {
                    let members: Vec<_> =
                        members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }
}
