//! Bodies that mean the same in one form: members of objects in order, fields of forms in order,
//! no boundary between the parts of a multipart body.

use std::collections::BTreeMap;
use std::ops::Range;

use redact::json::{Token, Tokens, unescaped};

use super::path::{JsonPath, Step};
use super::{Ignored, query};

/// The canonical form of a body with this media type. What cannot be read as its type says is
/// taken as it is.
pub(crate) fn canonical(media_type: &str, body: &[u8], ignored: &Ignored) -> Vec<u8> {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = if essence == "application/json" || essence.ends_with("+json") {
        json(body, &ignored.json)
    } else if essence == "application/x-www-form-urlencoded" {
        let form = std::str::from_utf8(body).ok();
        form.map(|form| query::canonical(form, &ignored.form).into_owned().into_bytes())
    } else if essence.starts_with("multipart/") {
        multipart(media_type, body, ignored)
    } else if essence.is_empty() {
        json(body, &ignored.json)
    } else {
        None
    };
    known.unwrap_or_else(|| body.to_vec())
}

/// JSON in canonical form, without what stands at the ignored places.
pub(crate) fn json(text: &[u8], ignored: &[JsonPath]) -> Option<Vec<u8>> {
    let mut tokens = Vec::new();
    for token in Tokens::of(text) {
        tokens.push(token.ok()?);
    }
    let mut writer = Writer { text, tokens: tokens.into_iter(), ignored, place: Vec::new() };
    let first = writer.tokens.next()?;
    Some(writer.value(first))
}

struct Writer<'t> {
    text: &'t [u8],
    tokens: std::vec::IntoIter<Token>,
    ignored: &'t [JsonPath],
    place: Vec<Step>,
}

impl Writer<'_> {
    fn value(&mut self, token: Token) -> Vec<u8> {
        match token {
            Token::Open(at) if self.text[at] == b'{' => self.object(),
            Token::Open(_) => self.array(),
            Token::String(range) => quoted(&unescaped(&self.text[range])),
            Token::Bare(range) => number(self.text, range),
            Token::Close(_) | Token::Key(_) => unreachable!("the tokens alternate"),
        }
    }

    fn object(&mut self) -> Vec<u8> {
        // Of a repeated name the last value counts, as in most readers.
        let mut members = BTreeMap::new();
        while let Some(Token::Key(range)) = self.tokens.next() {
            let name = unescaped(&self.text[range]);
            self.place.push(Step::Member(name.clone()));
            let first = self.tokens.next().expect("a name has a value");
            let value = self.value(first);
            if !self.is_ignored() {
                members.insert(name, value);
            }
            self.place.pop();
        }
        let mut out = vec![b'{'];
        for (name, value) in members {
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(&quoted(&name));
            out.push(b':');
            out.extend_from_slice(&value);
        }
        out.push(b'}');
        out
    }

    fn array(&mut self) -> Vec<u8> {
        let mut out = vec![b'['];
        let mut index = 0;
        while let Some(token) = self.tokens.next() {
            if matches!(token, Token::Close(_)) {
                break;
            }
            self.place.push(Step::Element(index));
            let value = self.value(token);
            if !self.is_ignored() {
                if out.len() > 1 {
                    out.push(b',');
                }
                out.extend_from_slice(&value);
            }
            self.place.pop();
            index += 1;
        }
        out.push(b']');
        out
    }

    fn is_ignored(&self) -> bool {
        self.ignored.iter().any(|path| path.matches(&self.place))
    }
}

/// A string in the one way that serde_json would write it.
fn quoted(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).expect("a string can be written")
}

/// A number in one way, so that `1.0` and `1` are the same. What no double holds stays as it is.
fn number(text: &[u8], range: Range<usize>) -> Vec<u8> {
    let digits = &text[range];
    let is_plain = digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'-'));
    if is_plain || !digits[0].is_ascii_digit() && digits[0] != b'-' {
        return digits.to_vec();
    }
    let value: Option<f64> = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
    match value.filter(|value| value.is_finite()) {
        Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
            format!("{}", value as i64).into_bytes()
        }
        Some(value) => format!("{value:e}").into_bytes(),
        None => digits.to_vec(),
    }
}

/// The parts of a multipart body, each as its headers and its own canonical form. The boundary,
/// which clients draw anew each time, is not a part of it.
fn multipart(media_type: &str, body: &[u8], ignored: &Ignored) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for part in parts(body, boundary(media_type)?)? {
        let cut = memchr::memmem::find(part, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&part[..cut]);
        let mut headers: Vec<String> = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| format!("{}: {}", name.to_ascii_lowercase(), value.trim()))
            .collect();
        headers.sort_unstable();
        let own = headers.iter().find_map(|line| line.strip_prefix("content-type: "));
        let content = canonical(own.unwrap_or("text/plain"), &part[cut + 4..], ignored);
        out.extend_from_slice(headers.join("\n").as_bytes());
        out.extend_from_slice(format!("\n{}\n", content.len()).as_bytes());
        out.extend_from_slice(&content);
        out.push(b'\n');
    }
    Some(out)
}

/// The boundary that a media type names.
pub(crate) fn boundary(media_type: &str) -> Option<&str> {
    let parameter = media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    Some(parameter.trim_matches('"'))
}

/// What stands between the boundaries; none when the body is not whole.
pub(crate) fn parts<'b>(body: &'b [u8], boundary: &str) -> Option<Vec<&'b [u8]>> {
    let first = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(first.as_bytes())?;
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let after = rest.strip_prefix(b"\r\n")?;
        let end = memchr::memmem::find(after, between.as_bytes())?;
        parts.push(&after[..end]);
        rest = &after[end + between.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(media_type: &str, ignored: &Ignored, bodies: &[&str], is_same: bool) {
        let forms: Vec<_> =
            bodies.iter().map(|body| canonical(media_type, body.as_bytes(), ignored)).collect();
        let all_same = forms.windows(2).all(|pair| pair[0] == pair[1]);
        let shown: Vec<_> = forms.iter().map(|form| String::from_utf8_lossy(form)).collect();
        assert_eq!(all_same, is_same, "{shown:?}");
    }

    #[test]
    fn json_is_the_same_in_any_order() {
        let none = Ignored::default();
        let json = "application/json; charset=utf-8";
        check(json, &none, &[r#"{"a":1,"b":[1,2]}"#, r#"{ "b": [1.0, 2], "a": 1e0 }"#], true);
        check("application/vnd.api+json", &none, &[r#""\u0041""#, r#""A""#], true);
        check(json, &none, &["[1,2]", "[2,1]"], false);
        check(json, &none, &["12345678901234567890123", "12345678901234567890124"], false);
        check(json, &none, &["1.5", "1.50"], true);
        check(json, &none, &["null", "0"], false);
        check(json, &none, &["not json", "not  json"], false);
        check("", &none, &[r#"{"a":1}"#, r#"{"a": 1}"#], true);
        check("text/plain", &none, &[r#"{"a":1}"#, r#"{"a": 1}"#], false);
    }

    #[test]
    fn what_is_ignored_does_not_count() {
        let json = ["$.at", "$..nonce", "$.list[*].n"].map(|path| path.parse().unwrap()).to_vec();
        let ignored = Ignored { json, form: vec!["ts".to_owned()], ..Ignored::default() };
        let one = r#"{"at":1,"list":[{"n":1,"m":2}],"deep":{"nonce":"x"}}"#;
        let other = r#"{"list":[{"n":7,"m":2}],"deep":{}}"#;
        check("application/json", &ignored, &[one, other], true);
        let form = "application/x-www-form-urlencoded";
        check(form, &ignored, &["a=1&ts=5&b=2", "b=2&a=1"], true);
        check(form, &ignored, &["a=1&b=2", "a=2&b=2"], false);
    }

    #[test]
    fn a_boundary_is_no_content() {
        let body = |boundary: &str, value: &str| {
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{value}\r\n\
                 --{boundary}\r\ncontent-type: application/json\r\n\
                 Content-Disposition: form-data; name=\"b\"\r\n\r\n{{\"x\": 1}}\r\n--{boundary}--\r\n"
            )
        };
        let of = |boundary: &str, value: &str| {
            let media_type = format!("multipart/form-data; boundary=\"{boundary}\"");
            canonical(&media_type, body(boundary, value).as_bytes(), &Ignored::default())
        };
        assert_eq!(of("one", "v"), of("other-7", "v"));
        assert_ne!(of("one", "v"), of("one", "w"));
        let broken =
            canonical("multipart/form-data; boundary=x", b"--x\r\nno end", &Ignored::default());
        assert_eq!(broken, b"--x\r\nno end");
    }
}
