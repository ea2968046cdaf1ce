//! Requests as the bytes that are sent.

use std::fmt::Write;
use std::sync::OnceLock;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// A request, made once and sent often.
#[derive(Debug, Clone)]
pub struct Request {
    bytes: Vec<u8>,
    is_head: bool,
    /// The same in its parts, once somebody has wanted them.
    parts: OnceLock<Option<Box<Parts>>>,
}

impl PartialEq for Request {
    fn eq(&self, other: &Request) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Request {}

/// A request as HTTP/2 has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) method: Method,
    pub(crate) authority: Authority,
    pub(crate) path: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What a connection of HTTP/1.1 is told, and what there is no place for in HTTP/2 (RFC 9113, 8.2.2).
const OF_THE_CONNECTION: [&str; 7] =
    ["host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te"];

/// What cannot stand in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRequest(String);

impl std::fmt::Display for NoRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoRequest {}

impl Request {
    /// A request for a path with its query, such as `/a?b=1`, of a host, such as
    /// `shop.example:8080`. `host`, `user-agent`, `accept` and the length of the body are added
    /// where the headers do not say otherwise.
    pub fn new(
        method: &str,
        path: &str,
        host: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Request, NoRequest> {
        let is_token = |text: &str| {
            let good =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            !text.is_empty() && text.bytes().all(good)
        };
        let is_value = |text: &str| !text.contains(['\r', '\n', '\0']);
        let wrong = |text: String| Err(NoRequest(text));
        if !is_token(method) {
            return wrong(format!("`{method}` is no method"));
        }
        if !path.starts_with('/') || path.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return wrong(format!("`{path}` is no path: it begins with a slash and has no blanks"));
        }
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        let has = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let length = body.len().to_string();
        let own = [
            ("host", host),
            ("user-agent", concat!("gate/", env!("CARGO_PKG_VERSION"))),
            ("accept", "*/*"),
            ("content-length", length.as_str()),
        ];
        let needs_length = !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH");
        for (name, value) in own {
            if !has(name) && (name != "content-length" || needs_length) {
                let _ = write!(text, "{name}: {value}\r\n");
            }
        }
        for (name, value) in headers {
            if !is_token(name) || !is_value(value) {
                return wrong(format!("the header `{name}` cannot be sent"));
            }
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        Ok(Request { bytes, is_head: method == "HEAD", parts: OnceLock::new() })
    }

    /// The same with a value of a header more: behind those that it has of this name, with a
    /// semicolon, or in a line of its own.
    pub fn with_header(&self, name: &str, value: &str) -> Request {
        let head = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = head.map_or(self.bytes.len(), |at| at + 2);
        let (lines, body) = self.bytes.split_at(end);
        let start = format!("\r\n{name}: ");
        let is_there = |at: &usize| {
            lines[*at..]
                .get(..start.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(start.as_bytes()))
        };
        let mut bytes = Vec::with_capacity(self.bytes.len() + name.len() + value.len() + 4);
        match (0..lines.len()).find(is_there) {
            Some(at) => {
                let behind = at + start.len();
                let length = lines[behind..].iter().position(|byte| *byte == b'\r').unwrap_or(0);
                let (before, after) = lines.split_at(behind + length);
                bytes.extend_from_slice(before);
                bytes.extend_from_slice(b"; ");
                bytes.extend_from_slice(value.as_bytes());
                bytes.extend_from_slice(after);
            }
            None => {
                bytes.extend_from_slice(lines);
                bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
            }
        }
        bytes.extend_from_slice(body);
        Request { bytes, is_head: self.is_head, parts: OnceLock::new() }
    }

    /// Whether HTTP/2 can send it; there, paths and hosts have to be as RFC 3986 has them.
    pub fn fits_http2(&self) -> bool {
        self.parts().is_some()
    }

    pub(crate) fn parts(&self) -> Option<&Parts> {
        self.parts.get_or_init(|| self.cut().map(Box::new)).as_deref()
    }

    fn cut(&self) -> Option<Parts> {
        let mut fields = vec![httparse::EMPTY_HEADER; self.bytes.len() / 4];
        let mut parsed = httparse::Request::new(&mut fields);
        let Ok(httparse::Status::Complete(head)) = parsed.parse(&self.bytes) else { return None };
        let (mut headers, mut authority) = (HeaderMap::new(), None);
        for field in parsed.headers.iter() {
            let name = field.name.to_ascii_lowercase();
            if name == "host" {
                authority = Authority::try_from(field.value).ok();
            }
            if !OF_THE_CONNECTION.contains(&name.as_str()) {
                let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
                headers.append(name, HeaderValue::from_bytes(field.value).ok()?);
            }
        }
        Some(Parts {
            method: parsed.method?.parse().ok()?,
            authority: authority?,
            path: parsed.path?.parse().ok()?,
            headers,
            body: Bytes::copy_from_slice(&self.bytes[head..]),
        })
    }

    /// What is sent.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether no body answers it.
    pub fn is_head(&self) -> bool {
        self.is_head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
        expect: Result<&str, &str>,
    ) {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let made = Request::new(method, path, "h:1", &headers, body.as_bytes());
        let text = made.map(|made| String::from_utf8(made.bytes).unwrap());
        let agent = concat!("user-agent: gate/", env!("CARGO_PKG_VERSION"), "\r\n");
        let expect = expect.map(|text| text.replace("AGENT", agent));
        assert_eq!(text.map_err(|error| error.0), expect.map_err(str::to_owned));
    }

    #[test]
    fn requests_are_bytes() {
        check(
            "GET",
            "/a?b=1",
            &[],
            "",
            Ok("GET /a?b=1 HTTP/1.1\r\nhost: h:1\r\nAGENTaccept: */*\r\n\r\n"),
        );
        check(
            "POST",
            "/",
            &[("Host", "other"), ("Accept", "text/html"), ("User-Agent", "x")],
            "a=1",
            Ok(
                "POST / HTTP/1.1\r\ncontent-length: 3\r\nHost: other\r\nAccept: text/html\r\nUser-Agent: x\r\n\r\na=1",
            ),
        );
        let made = Request::new("GET", "/", "h", &[("Cookie".into(), "a=1".into())], b"x").unwrap();
        let both = made.with_header("cookie", "b=2").with_header("x-new", "3");
        let text = String::from_utf8(both.bytes).unwrap();
        assert!(text.ends_with("\r\nCookie: a=1; b=2\r\nx-new: 3\r\n\r\nx"), "{text}");
        check("GE T", "/", &[], "", Err("`GE T` is no method"));
        check("GET", "a", &[], "", Err("`a` is no path: it begins with a slash and has no blanks"));
        check(
            "GET",
            "/a b",
            &[],
            "",
            Err("`/a b` is no path: it begins with a slash and has no blanks"),
        );
        check("GET", "/", &[("x", "a\r\nb: c")], "", Err("the header `x` cannot be sent"));
        check("GET", "/", &[("x y", "a")], "", Err("the header `x y` cannot be sent"));
    }
}
