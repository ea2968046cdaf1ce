//! Takes the secrets out of HTTP messages, span by span: what is not secret stays as it was, byte
//! for byte.

use std::borrow::Cow;

use crate::Redactor;
use crate::json::{Token, Tokens, unescaped};
use crate::placeholder::{self, Key};

/// Headers whose values are secret, in lower case.
const HEADERS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-csrf-token",
];
/// Parameters, fields of forms and members of JSON whose values are secret, in lower case and
/// without `_` and `-`.
const NAMES: &[&str] = &[
    "accesstoken",
    "apikey",
    "apisecret",
    "authtoken",
    "clientsecret",
    "hapikey",
    "idtoken",
    "password",
    "privatekey",
    "refreshtoken",
    "secret",
    "sessionid",
    "signature",
    "token",
];

/// Takes secrets out of messages.
#[derive(Debug, Clone)]
pub struct Cleaner {
    known: Redactor,
    key: Key,
    names: Vec<String>,
}

impl Cleaner {
    /// With the secrets that are known by value, further names whose values are secret, and the
    /// key of the placeholders.
    pub fn new(known: Redactor, names: &[String], key: Key) -> Cleaner {
        let names = names.iter().map(|name| plain(name)).collect();
        Cleaner { known, key, names }
    }

    fn is_secret(&self, name: &str) -> bool {
        let name = plain(name);
        NAMES.contains(&name.as_str()) || self.names.contains(&name)
    }

    fn placeholder(&self, value: &[u8]) -> Vec<u8> {
        if value.is_empty() || placeholder::is_one(value) {
            return value.to_vec();
        }
        placeholder::of("secret", &self.key, value).into_bytes()
    }

    /// An address without its secrets.
    pub fn url<'u>(&self, url: &'u str) -> Cow<'u, str> {
        let url = self.known.text(url);
        let Some((before, query)) = url.split_once('?') else { return url };
        let clean = self.pairs(query.as_bytes());
        if clean == query.as_bytes() {
            return url;
        }
        Cow::Owned(format!("{before}?{}", String::from_utf8_lossy(&clean)))
    }

    /// The value of a header (its name in lower case) of a message to or from this host.
    pub fn header<'v>(&self, _host: &str, name: &str, value: &'v [u8]) -> Cow<'v, [u8]> {
        if !HEADERS.contains(&name) && !self.is_secret(name) {
            return self.known.bytes(value);
        }
        let at = match name {
            "set-cookie" => return Cow::Owned(self.cookie(value, true)),
            "cookie" => return Cow::Owned(self.cookie(value, false)),
            // The scheme stays: `Bearer`, `Basic`.
            _ => value.iter().position(|b| *b == b' ').map_or(0, |at| at + 1),
        };
        Cow::Owned([&value[..at], &self.placeholder(&value[at..])].concat())
    }

    fn cookie(&self, value: &[u8], is_set: bool) -> Vec<u8> {
        let parts = value.split(|b| *b == b';').enumerate().map(|(at, part)| {
            match part.iter().position(|b| *b == b'=') {
                Some(cut) if at == 0 || !is_set => {
                    [&part[..=cut], &self.placeholder(&part[cut + 1..])].concat()
                }
                _ => part.to_vec(),
            }
        });
        parts.collect::<Vec<_>>().join(&b';')
    }

    fn pairs(&self, text: &[u8]) -> Vec<u8> {
        let pairs = text.split(|b| *b == b'&').map(|pair| {
            let cut = pair.iter().position(|b| *b == b'=');
            let name = |cut| String::from_utf8_lossy(&pair[..cut]).into_owned();
            match cut.filter(|cut| self.is_secret(&name(*cut))) {
                Some(cut) => [&pair[..=cut], &self.placeholder(&pair[cut + 1..])].concat(),
                None => pair.to_vec(),
            }
        });
        pairs.collect::<Vec<_>>().join(&b'&')
    }

    /// A body of this media type, its content codings taken off, of a message to or from this host.
    pub fn body<'b>(&self, _host: &str, media_type: &str, body: &'b [u8]) -> Cow<'b, [u8]> {
        let body = self.known.bytes(body);
        if media_type.starts_with("application/x-www-form-urlencoded") {
            return Cow::Owned(self.pairs(&body));
        }
        match self.json(&body) {
            Some(clean) => Cow::Owned(clean),
            None => body,
        }
    }

    /// JSON without the values of secret members; none when there are none.
    fn json(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let (mut from, mut is_next) = (0, false);
        for token in Tokens::of(text) {
            match token.ok()? {
                Token::Key(range) => is_next = self.is_secret(&unescaped(&text[range])),
                Token::String(range) if is_next => {
                    out.extend_from_slice(&text[from..=range.start]);
                    let value = unescaped(&text[range.clone()]);
                    out.extend_from_slice(&self.placeholder(value.as_bytes()));
                    from = range.end - 1;
                    is_next = false;
                }
                _ => is_next = false,
            }
        }
        if from == 0 {
            return None;
        }
        out.extend_from_slice(&text[from..]);
        Some(out)
    }
}

/// A name in lower case without what parts its words.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaner() -> Cleaner {
        let known = Redactor::new([("CRM", "known-secret-value")]).unwrap();
        Cleaner::new(known, &["pin".to_owned()], Key([1; 32]))
    }

    fn is(text: &[u8], parts: [&str; 2]) {
        let text = String::from_utf8_lossy(text);
        let middle = text.strip_prefix(parts[0]).and_then(|rest| rest.strip_suffix(parts[1]));
        assert!(middle.is_some_and(|middle| placeholder::is_one(middle.as_bytes())), "{text}");
    }

    #[test]
    fn only_the_secret_changes() {
        let cleaner = cleaner();
        is(
            cleaner.url("https://a/x?b=1&api_key=k&c=2").as_bytes(),
            ["https://a/x?b=1&api_key=", "&c=2"],
        );
        is(&cleaner.header("a", "authorization", b"Bearer abc"), ["Bearer ", ""]);
        is(&cleaner.header("a", "x-api-key", b"abc"), ["", ""]);
        is(&cleaner.header("a", "set-cookie", b"sid=abc; Path=/"), ["sid=", "; Path=/"]);
        is(
            &cleaner.body("a", "application/json", br#"{"a": 1, "access_token" : "x\ny", "b":2}"#),
            [r#"{"a": 1, "access_token" : ""#, r#"", "b":2}"#],
        );
        is(
            &cleaner.body("a", "application/x-www-form-urlencoded", b"a=1&pin=1234"),
            ["a=1&pin=", ""],
        );
        assert_eq!(cleaner.url("https://a/known-secret-value"), "https://a/${secret:CRM}");
        assert_eq!(&*cleaner.header("a", "accept", b"*/*"), b"*/*");
        assert_eq!(&*cleaner.body("a", "application/json", b"{\"token\":5}"), b"{\"token\":5}");
    }

    #[test]
    fn a_token_is_the_same_wherever_it_stands() {
        let cleaner = cleaner();
        let given =
            cleaner.body("a", "application/json", br#"{"access_token":"abc"}"#).into_owned();
        let sent = cleaner.header("a", "authorization", b"Bearer abc").into_owned();
        let token = String::from_utf8_lossy(&sent[7..]).into_owned();
        assert!(String::from_utf8_lossy(&given).contains(&token));
        let again = cleaner.header("a", "authorization", &sent).into_owned();
        assert_eq!(again, sent, "a placeholder stays what it is");
    }
}
