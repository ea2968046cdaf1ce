//! Where a response ends, found while it comes in (RFC 9112, section 6).

use std::borrow::Cow;
use std::fmt;
use std::mem::MaybeUninit;

use crate::cached::Cached;

/// The longest head that is taken, in bytes.
const LONGEST_HEAD: usize = 64 << 10;
/// The most headers that are taken.
const MOST_HEADERS: usize = 100;
/// The longest line that may stand before a chunk, in bytes.
const LONGEST_LINE: usize = 4096;

/// Why what came in is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It does not read like HTTP.
    Head,
    /// Its head is longer than 64 KiB or has more than 100 headers.
    TooLong,
    /// Its length or its chunks make no sense.
    Framing,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Malformed::Head => "it is no HTTP",
            Malformed::TooLong => "its head is longer than 64 KiB or has more than 100 headers",
            Malformed::Framing => "its length or its chunks make no sense",
        })
    }
}

/// How far a response has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Head,
    /// So many bytes of the body are left.
    Length(u64),
    /// A line with the size of a chunk.
    Size,
    /// So many bytes of a chunk and the line end behind it are left.
    Chunk(u64),
    /// Lines after the last chunk, up to an empty one.
    Trailers,
    /// Until the connection is closed.
    Close,
    Done,
}

/// What is known of a response.
#[derive(Debug)]
pub struct Response {
    at: At,
    /// What came of a head or a line that has not come whole.
    held: Vec<u8>,
    /// Such as 200; 0 before the head is there.
    pub status: u16,
    /// Whether the connection can be used again.
    pub keeps_alive: bool,
    /// How long the body was so far, in bytes as they came, chunk sizes left out.
    pub body: u64,
    /// All bytes so far.
    pub bytes: u64,
    /// Whether it comes from a cache; none when nothing is said of that.
    pub cached: Option<bool>,
    /// Whether it answers a request with HEAD, so that no body follows.
    is_head: bool,
}

impl Response {
    /// One that has not begun; to a request with HEAD, or with any other method.
    pub fn new(is_head: bool) -> Response {
        Response {
            at: At::Head,
            held: Vec::new(),
            status: 0,
            keeps_alive: true,
            body: 0,
            bytes: 0,
            cached: None,
            is_head,
        }
    }

    /// Begins anew; see [`Response::new`].
    pub fn reset(&mut self, is_head: bool) {
        (self.is_head, self.cached) = (is_head, None);
        self.at = At::Head;
        self.held.clear();
        self.status = 0;
        self.keeps_alive = true;
        self.body = 0;
        self.bytes = 0;
    }

    /// Whether it has come whole.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// Takes what came in; `seen` gets the bytes of the body. Gives how many bytes belong to this
    /// response: fewer than there are means that it is done.
    pub fn take(&mut self, input: &[u8], seen: &mut impl FnMut(&[u8])) -> Result<usize, Malformed> {
        let mut rest = input;
        while self.at != At::Done && !rest.is_empty() {
            rest = match self.at {
                At::Head => self.head(rest)?,
                At::Length(left) => {
                    let taken = self.body(rest, left, seen);
                    let left = left - taken as u64;
                    self.at = if left == 0 { At::Done } else { At::Length(left) };
                    &rest[taken..]
                }
                At::Close => {
                    let taken = self.body(rest, u64::MAX, seen);
                    &rest[taken..]
                }
                At::Size | At::Trailers => self.line(rest)?,
                At::Chunk(left) => self.chunk(rest, left, seen)?,
                At::Done => rest,
            };
        }
        let taken = input.len() - rest.len();
        self.bytes += taken as u64;
        Ok(taken)
    }

    /// What the end of the connection means: whether it is whole now.
    pub fn closed(&mut self) -> bool {
        if self.at == At::Close {
            self.at = At::Done;
        }
        self.is_done()
    }

    fn body(&mut self, input: &[u8], most: u64, seen: &mut impl FnMut(&[u8])) -> usize {
        let taken = usize::try_from(most).unwrap_or(usize::MAX).min(input.len());
        self.body += taken as u64;
        seen(&input[..taken]);
        taken
    }

    fn head<'i>(&mut self, input: &'i [u8]) -> Result<&'i [u8], Malformed> {
        if self.held.is_empty() {
            // Nearly always all of it is there, and nothing is copied.
            if let Some(length) = self.parsed(input)? {
                return Ok(&input[length..]);
            }
            self.held.extend_from_slice(input);
            return self.not_too_long().map(|()| &input[input.len()..]);
        }
        let before = self.held.len();
        self.held.extend_from_slice(input);
        let held = std::mem::take(&mut self.held);
        match self.parsed(&held)? {
            Some(length) => Ok(&input[length.saturating_sub(before)..]),
            None => {
                self.held = held;
                self.not_too_long().map(|()| &input[input.len()..])
            }
        }
    }

    fn not_too_long(&self) -> Result<(), Malformed> {
        if self.held.len() > LONGEST_HEAD { Err(Malformed::TooLong) } else { Ok(()) }
    }

    /// Reads a whole head: how long it is. None when it is not whole.
    fn parsed(&mut self, input: &[u8]) -> Result<Option<usize>, Malformed> {
        // Not filled before it is written to: that would cost as much as the parsing.
        let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parser = httparse::ParserConfig::default();
        let parsed = parser.parse_response_with_uninit_headers(&mut response, input, &mut headers);
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(Malformed::TooLong),
            Err(_) => return Err(Malformed::Head),
        };
        let status = response.code.unwrap_or(0);
        let is_old = response.version == Some(0);
        let mut framing = Framing { keeps_alive: !is_old, ..Framing::default() };
        let mut cached = Cached::default();
        for header in response.headers.iter() {
            framing.take(header.name, header.value)?;
            cached.take(header.name, header.value);
        }
        if (100..200).contains(&status) && status != 101 {
            // Another head follows this one.
            return Ok(Some(length));
        }
        self.status = status;
        self.keeps_alive = framing.keeps_alive;
        self.cached = cached.is_hit();
        self.at = match framing {
            _ if self.is_head || matches!(status, 101 | 204 | 304) => At::Done,
            Framing { is_chunked: true, .. } => At::Size,
            Framing { is_coded: true, .. } => At::Close,
            Framing { length: Some(0), .. } => At::Done,
            Framing { length: Some(length), .. } => At::Length(length),
            _ => At::Close,
        };
        if self.at == At::Close {
            self.keeps_alive = false;
        }
        Ok(Some(length))
    }

    /// A line that says how long a chunk is, or one after the last.
    fn line<'i>(&mut self, input: &'i [u8]) -> Result<&'i [u8], Malformed> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let part = &input[..end.unwrap_or(input.len())];
        if self.held.len() + part.len() > LONGEST_LINE {
            return Err(Malformed::Framing);
        }
        let Some(end) = end else {
            self.held.extend_from_slice(part);
            return Ok(&input[input.len()..]);
        };
        let rest = &input[end + 1..];
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(part);
        let line = held.strip_suffix(b"\r").unwrap_or(&held);
        self.at = match self.at {
            At::Trailers if line.is_empty() => At::Done,
            At::Trailers => At::Trailers,
            _ => match size(line)? {
                0 => At::Trailers,
                size => At::Chunk(size.checked_add(2).ok_or(Malformed::Framing)?),
            },
        };
        held.clear();
        self.held = held;
        Ok(rest)
    }

    fn chunk<'i>(
        &mut self,
        input: &'i [u8],
        left: u64,
        seen: &mut impl FnMut(&[u8]),
    ) -> Result<&'i [u8], Malformed> {
        let taken = if left > 2 { self.body(input, left - 2, seen) } else { 0 };
        let mut left = left - taken as u64;
        let mut rest = &input[taken..];
        while left <= 2 && left > 0 {
            let Some((byte, behind)) = rest.split_first() else { break };
            if *byte != [b'\n', b'\r'][left as usize - 1] {
                return Err(Malformed::Framing);
            }
            rest = behind;
            left -= 1;
        }
        self.at = if left == 0 { At::Size } else { At::Chunk(left) };
        Ok(rest)
    }
}

/// The headers of a head, in order, their names in lower case; none when it is no whole head.
pub fn fields(head: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut fields);
    let head = readable(head);
    let is_whole = parsed.parse(&head).is_ok_and(|status| status.is_complete());
    let all = parsed.headers.iter().filter(|_| is_whole);
    all.map(|one| (one.name.to_ascii_lowercase(), one.value.to_vec())).collect()
}

/// A head that was written for HTTP/2, as HTTP/1.1 has it: their fields are the same.
pub(crate) fn readable(head: &[u8]) -> Cow<'_, [u8]> {
    match head.strip_prefix(b"HTTP/2 ") {
        Some(rest) => Cow::Owned([b"HTTP/1.1 ", rest].concat()),
        None => Cow::Borrowed(head),
    }
}

/// What stands behind heads that do not count (RFC 9110, 15.2).
pub(crate) fn behind_interim(mut bytes: &[u8]) -> &[u8] {
    while bytes.starts_with(b"HTTP/1.1 1") {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { break };
        bytes = &bytes[end + 4..];
    }
    bytes
}

/// The length in a line before a chunk, without its extensions.
fn size(line: &[u8]) -> Result<u64, Malformed> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let text = std::str::from_utf8(digits).map_err(|_| Malformed::Framing)?;
    if text.is_empty() || text.starts_with('+') {
        return Err(Malformed::Framing);
    }
    u64::from_str_radix(text, 16).map_err(|_| Malformed::Framing)
}

/// What headers say of where a body ends.
#[derive(Debug, Default)]
struct Framing {
    keeps_alive: bool,
    is_chunked: bool,
    /// In a transfer coding that is not chunked at last.
    is_coded: bool,
    length: Option<u64>,
}

impl Framing {
    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Malformed> {
        match name.len() {
            14 if name.eq_ignore_ascii_case("content-length") => {
                let text = std::str::from_utf8(value.trim_ascii()).unwrap_or_default();
                let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let length: u64 =
                    text.parse().ok().filter(|_| is_number).ok_or(Malformed::Framing)?;
                if self.length.is_some_and(|other| other != length) {
                    return Err(Malformed::Framing);
                }
                self.length = Some(length);
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
                self.is_chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
                self.is_coded = !self.is_chunked;
            }
            10 if name.eq_ignore_ascii_case("connection") => {
                for word in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                    if word.eq_ignore_ascii_case(b"close") {
                        self.keeps_alive = false;
                    } else if word.eq_ignore_ascii_case(b"keep-alive") {
                        self.keeps_alive = true;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Status, body, whether the connection stays, and whether it is done; `closed` says that the
    /// connection ends.
    type Read = Result<(u16, String, bool, bool), Malformed>;

    fn read(input: &[u8], pieces: usize, closed: bool) -> Read {
        let mut response = Response::new(false);
        let mut body = Vec::new();
        for piece in input.chunks(pieces) {
            let mut rest = piece;
            while !rest.is_empty() && !response.is_done() {
                let taken = response.take(rest, &mut |part| body.extend_from_slice(part))?;
                rest = &rest[taken..];
            }
        }
        if closed {
            response.closed();
        }
        assert_eq!(response.body, body.len() as u64);
        let text = String::from_utf8(body).unwrap();
        Ok((response.status, text, response.keeps_alive, response.is_done()))
    }

    fn check(input: &str, closed: bool, expect: Result<(u16, &str, bool, bool), Malformed>) {
        let expect =
            expect.map(|(status, body, keeps, done)| (status, body.to_owned(), keeps, done));
        for pieces in [1, 2, 3, 7, 10_000] {
            assert_eq!(read(input.as_bytes(), pieces, closed), expect, "{input:?} by {pieces}");
        }
    }

    #[test]
    fn a_response_ends_where_it_says() {
        check(
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            false,
            Ok((200, "hello", true, true)),
        );
        check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false, Ok((200, "", true, true)));
        check(
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel",
            true,
            Ok((200, "hel", true, false)),
        );
        check("HTTP/1.1 204 No\r\ncontent-length: 5\r\n\r\n", false, Ok((204, "", true, true)));
        check("HTTP/1.1 304 No\r\n\r\n", false, Ok((304, "", true, true)));
        check("HTTP/1.0 200 OK\r\n\r\nall", true, Ok((200, "all", false, true)));
        check("HTTP/1.0 200 OK\r\n\r\nall", false, Ok((200, "all", false, false)));
        check(
            "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx",
            false,
            Ok((200, "x", true, true)),
        );
        check(
            "HTTP/1.1 500 No\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx",
            false,
            Ok((500, "x", false, true)),
        );
        check(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0a\r\n0123456789\r\n0\r\nt: 1\r\n\r\n",
            false,
            Ok((200, "abc0123456789", true, true)),
        );
        check(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
            false,
            Ok((200, "x", true, true)),
        );
        // Chunks count more than a length; another coding ends with the connection.
        check(
            "HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            false,
            Ok((200, "", true, true)),
        );
        check(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nx",
            true,
            Ok((200, "x", false, true)),
        );
    }

    #[test]
    fn what_is_no_response_is_refused() {
        use Malformed::{Framing, Head};
        check("hello there, this is no HTTP\r\n\r\n", false, Err(Head));
        check("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", false, Err(Framing));
        check("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", false, Err(Framing));
        check(
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            false,
            Err(Framing),
        );
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", false, Err(Framing));
        check(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
            false,
            Err(Framing),
        );
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(70_000));
        for pieces in [1000, 100_000] {
            assert_eq!(read(long.as_bytes(), pieces, false), Err(Malformed::TooLong));
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(101));
        assert_eq!(read(many.as_bytes(), 10_000, false), Err(Malformed::TooLong));
        let line =
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", "0".repeat(5000));
        assert_eq!(read(line.as_bytes(), 100, false), Err(Framing));
    }

    #[test]
    fn nothing_of_what_follows_is_taken() {
        let mut response = Response::new(false);
        let two = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxHTTP/1.1 200 OK";
        assert_eq!(response.take(two, &mut |_| {}), Ok(39));
        assert_eq!((response.is_done(), response.bytes), (true, 39));
        let mut head = Response::new(true);
        assert_eq!(head.take(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", &mut |_| {}), Ok(38));
        assert!(head.is_done());
        head.reset(true);
        assert_eq!((head.is_done(), head.status, head.bytes), (false, 0, 0));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            pieces in 1..40_usize,
            chunked in any::<bool>(),
        ) {
            let head: &[u8] = if chunked { b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" } else { b"" };
            let mut response = Response::new(false);
            for piece in [head, &bytes].concat().chunks(pieces) {
                match response.take(piece, &mut |_| {}) {
                    Ok(taken) => prop_assert!(taken <= piece.len()),
                    Err(_) => break,
                }
                if response.is_done() {
                    break;
                }
            }
        }
    }
}
