//! When two requests are the same: a canonical form, and the key that is looked up.
//!
//! Keys are computed when a cassette is loaded and when a request comes in, and never stored in a
//! cassette: other rules of matching do not invalidate a recording.

mod body;
mod path;
mod query;

use std::borrow::Cow;
use std::collections::BTreeSet;

use redact::placeholder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::{Content, Headers, Request};

pub use path::{JsonPath, Step, written as written_place};
pub(crate) use query::{pairs, written_pair};

/// A part of a request.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// `GET` and the like.
    Method,
    /// Where the incoming request has one: a reverse proxy cannot tell.
    Scheme,
    /// With its port.
    Host,
    /// As it is written.
    Path,
    /// Its pairs in any order.
    Query,
    /// What it says, when it is JSON, a form or multipart; otherwise its bytes.
    Body,
}

/// What of a request counts when it is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matching {
    /// The parts that do.
    pub on: BTreeSet<Part>,
    /// Headers that do, in lower case.
    pub headers: Vec<String>,
    /// What does not count although the rest of its part does.
    pub ignored: Ignored,
}

impl Default for Matching {
    /// Method, host, path, query and body.
    fn default() -> Matching {
        use Part::{Body, Host, Method, Path, Query};
        let on = BTreeSet::from([Method, Host, Path, Query, Body]);
        Matching { on, headers: Vec::new(), ignored: Ignored::default() }
    }
}

/// Parts of requests that do not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ignored {
    /// Parameters of the query.
    pub query: Vec<String>,
    /// Fields of forms.
    pub form: Vec<String>,
    /// Places in JSON.
    pub json: Vec<JsonPath>,
}

/// 128 bits of a BLAKE3 hash.
pub type Hash = [u8; 16];

/// What a request is looked up by. The origin is apart: an incoming request may not have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Keys {
    /// Of everything that counts but the origin, with the placeholders of secrets told apart.
    pub exact: Hash,
    /// The same with all secrets of a kind alike: a test need not have the secret that was used
    /// when the cassette was recorded.
    pub loose: Hash,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Origin {
    /// `https` or `http`.
    pub scheme: Option<String>,
    /// Host and, unless it is the scheme's own, port; in lower case.
    pub host: Option<String>,
}

/// An address in its parts; nothing is unescaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'u> {
    /// As written.
    pub scheme: Option<&'u str>,
    /// Host and port as written, without user and password.
    pub authority: Option<&'u str>,
    /// Begins with `/`.
    pub path: &'u str,
    /// What stands after the `?`.
    pub query: Option<&'u str>,
}

impl<'u> Address<'u> {
    /// The parts of an absolute address, or of a path with a query.
    pub fn of(url: &'u str) -> Address<'u> {
        // A request is taken apart several times: no more than single bytes is looked for.
        let url = memchr::memchr(b'#', url.as_bytes()).map_or(url, |end| &url[..end]);
        let colon = memchr::memchr3(b':', b'/', b'?', url.as_bytes());
        let (scheme, rest) = match colon.map(|at| (&url[..at], &url[at..])) {
            Some((scheme, rest)) if rest.starts_with("://") => (Some(scheme), &rest[3..]),
            _ => (None, url),
        };
        let (authority, rest) = match scheme {
            Some(_) => {
                let end = memchr::memchr2(b'/', b'?', rest.as_bytes()).unwrap_or(rest.len());
                let authority = &rest[..end];
                let host = memchr::memrchr(b'@', authority.as_bytes()).map_or(0, |at| at + 1);
                (Some(&authority[host..]), &rest[end..])
            }
            None => (None, rest),
        };
        let (path, query) = match memchr::memchr(b'?', rest.as_bytes()) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        Address { scheme, authority, path: if path.is_empty() { "/" } else { path }, query }
    }

    /// Where it is, in one way of writing.
    pub fn origin(&self) -> Origin {
        let scheme = self.scheme.map(str::to_ascii_lowercase);
        let host = self.authority.map(|authority| {
            let host = authority.to_ascii_lowercase();
            let default = match scheme.as_deref() {
                Some("http") => ":80",
                Some("https") => ":443",
                _ => return host,
            };
            host.strip_suffix(default).map(str::to_owned).unwrap_or(host)
        });
        Origin { scheme, host }
    }
}

impl Matching {
    /// The keys of a request whose secrets have been replaced.
    pub fn keys(&self, request: &Request) -> Keys {
        let mut told_apart = Vec::with_capacity(256);
        // Only written from the first part on in which something was secret.
        let mut alike: Option<Vec<u8>> = None;
        self.counted(request, |name, value| {
            let general = placeholder::generalised(&value);
            if matches!(general, Cow::Owned(_)) && alike.is_none() {
                alike = Some(told_apart.clone());
            }
            if let Some(alike) = &mut alike {
                put(alike, &name, &general);
            }
            put(&mut told_apart, &name, &value);
        });
        let exact = short(&blake3::hash(&told_apart));
        Keys { exact, loose: alike.map_or(exact, |alike| short(&blake3::hash(&alike))) }
    }

    /// The parts that count in canonical form, each with its name; the origin is not among them.
    pub fn parts(&self, request: &Request) -> Vec<(String, Vec<u8>)> {
        let mut parts = Vec::new();
        self.counted(request, |name, value| parts.push((name.into_owned(), value.into_owned())));
        parts
    }

    fn counted<'r>(
        &self,
        request: &'r Request,
        mut add: impl FnMut(Cow<'static, str>, Cow<'r, [u8]>),
    ) {
        let address = Address::of(&request.url);
        if self.on.contains(&Part::Method) {
            let method = request.method.as_bytes();
            let is_upper = !method.iter().any(u8::is_ascii_lowercase);
            let upper = || Cow::Owned(method.to_ascii_uppercase());
            add("method".into(), if is_upper { method.into() } else { upper() });
        }
        if self.on.contains(&Part::Path) {
            add("path".into(), address.path.as_bytes().into());
        }
        if self.on.contains(&Part::Query) {
            let query = query::canonical(address.query.unwrap_or_default(), &self.ignored.query);
            let bytes = match query {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            };
            add("query".into(), bytes);
        }
        for name in &self.headers {
            let values: Vec<_> = request.headers.all(name).collect();
            add(format!("header {name}").into(), values.join(&b", "[..]).into());
        }
        if self.on.contains(&Part::Body) {
            add("body".into(), self.body(&request.headers, &request.body));
        }
    }

    fn body<'r>(&self, headers: &Headers, body: &'r Content) -> Cow<'r, [u8]> {
        match body {
            Content::Bytes(bytes) if bytes.is_empty() => Cow::Borrowed(&[]),
            Content::Bytes(bytes) => {
                let media_type = headers.text("content-type").unwrap_or_default();
                body::canonical(media_type, bytes, &self.ignored).into()
            }
            // Too large to be taken apart: the content itself counts.
            Content::Stored(stored) => stored.digest.as_bytes().into(),
        }
    }

    /// Whether a request that goes there may be answered with what was recorded at `recorded`.
    /// What either does not say does not count.
    pub fn is_same_origin(&self, asked: &Origin, recorded: &Origin) -> bool {
        let same = |part: Part, one: &Option<String>, other: &Option<String>| {
            !self.on.contains(&part) || one.is_none() || other.is_none() || one == other
        };
        same(Part::Scheme, &asked.scheme, &recorded.scheme)
            && same(Part::Host, &asked.host, &recorded.host)
    }
}

/// Adds a part to what is hashed, so that no two lists of parts look the same.
fn put(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    to.extend_from_slice(name.as_bytes());
    to.push(0);
    to.extend_from_slice(&(value.len() as u64).to_le_bytes());
    to.extend_from_slice(value);
}

fn short(hash: &blake3::Hash) -> Hash {
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str, body: &str) -> Request {
        let headers = [("content-type", "application/json")].into_iter().collect();
        Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers,
            body: body.as_bytes().to_vec().into(),
        }
    }

    #[test]
    fn the_same_requests_have_the_same_key() {
        let check = |one: (&str, &str, &str), other: (&str, &str, &str), is_same: bool| {
            let keys = |(method, url, body)| Matching::default().keys(&request(method, url, body));
            assert_eq!(keys(one) == keys(other), is_same, "{one:?} {other:?}");
        };
        let get = |url| ("GET", url, "");
        check(get("https://a.example/x?b=1&a=2"), get("http://b.example/x?a=2&b=1"), true);
        check(get("/x"), ("get", "https://a.example/x", ""), true);
        check(get("https://a.example"), get("https://a.example/"), true);
        check(get("/x"), get("/y"), false);
        check(get("/x?a"), get("/x?b"), false);
        check(("POST", "/x", r#"{"a":1,"b":2}"#), ("POST", "/x", r#"{"b":2, "a":1}"#), true);
        check(("POST", "/x", "{}"), ("PUT", "/x", "{}"), false);
    }

    #[test]
    fn another_secret_of_a_kind_has_the_same_loose_key() {
        let keys = |url: &str| Matching::default().keys(&request("GET", url, ""));
        let one = keys("/x?key=redacted-key-0123456789ab");
        let other = keys("/x?key=redacted-key-ba9876543210");
        assert_ne!(one.exact, other.exact);
        assert_eq!(one.loose, other.loose);
        assert_ne!(one.loose, keys("/x?key=redacted-token-0123456789ab").loose);
    }

    #[test]
    fn headers_count_when_they_are_named() {
        let matching = Matching { headers: vec!["revision".to_owned()], ..Matching::default() };
        let mut one = request("GET", "/x", "");
        one.headers.add("Revision", "2026-01-15");
        let mut other = one.clone();
        other.headers.add("user-agent", "x");
        assert_eq!(matching.keys(&one), matching.keys(&other));
        other.headers.remove("revision");
        assert_ne!(matching.keys(&one), matching.keys(&other));
    }

    #[test]
    fn addresses_in_parts() {
        let check = |url: &str, scheme, host, path: &str, query| {
            let address = Address::of(url);
            let origin = address.origin();
            assert_eq!((origin.scheme.as_deref(), origin.host.as_deref()), (scheme, host), "{url}");
            assert_eq!((address.path, address.query), (path, query), "{url}");
        };
        check(
            "https://A.example:443/x?y=http://z#f",
            Some("https"),
            Some("a.example"),
            "/x",
            Some("y=http://z"),
        );
        check("http://u:p@[::1]:8080", Some("http"), Some("[::1]:8080"), "/", None);
        check("http://a.example?x", Some("http"), Some("a.example"), "/", Some("x"));
        check("/x?to=http://b", None, None, "/x", Some("to=http://b"));
        check("", None, None, "/", None);
    }
}
