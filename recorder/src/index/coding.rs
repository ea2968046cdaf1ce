//! Numbers and texts in bytes, for the index. It is made on the machine that reads it; a file that
//! is damaged all the same is noticed wherever a length does not fit.

use std::ops::Range;

use bytes::Bytes;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::message::{Content, Headers, Response, Stored, Timing};

/// A response whose fields are of this kind.
pub(crate) struct Recalled<H> {
    pub(crate) status: u16,
    pub(crate) headers: H,
    pub(crate) trailers: H,
    pub(crate) body: Content,
    pub(crate) encoded: Option<Content>,
    pub(crate) timing: Option<Timing>,
}

/// Where fields are read into.
pub(crate) trait Fields {
    fn for_many(count: usize) -> Self;
    /// None when it is damaged.
    fn put(&mut self, name: &[u8], value: &[u8]) -> Option<()>;
}

impl Fields for Headers {
    fn for_many(_: usize) -> Headers {
        Headers::new()
    }
    fn put(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        self.add(std::str::from_utf8(name).ok()?, value);
        Some(())
    }
}

/// What HTTP cannot send is left out: other formats hold anything.
impl Fields for HeaderMap {
    fn for_many(count: usize) -> HeaderMap {
        HeaderMap::with_capacity(count)
    }
    fn put(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        let (name, value) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            self.append(name, value);
        }
        Some(())
    }
}

#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.u32(value.len() as u32);
        self.0.extend_from_slice(value);
    }
}

/// Reads what a writer wrote; none where it ends too soon.
pub(super) struct Reader<'b> {
    bytes: &'b Bytes,
    left: Range<usize>,
}

impl<'b> Reader<'b> {
    pub(super) fn of(bytes: &'b Bytes) -> Reader<'b> {
        Reader { bytes, left: 0..bytes.len() }
    }
    /// Reads a part of it; none when there is not so much.
    pub(super) fn within(bytes: &'b Bytes, part: Range<usize>) -> Option<Reader<'b>> {
        bytes.get(part.clone()).map(|_| Reader { bytes, left: part })
    }
    fn span(&mut self, length: usize) -> Option<Range<usize>> {
        let start = self.left.start;
        let end = start.checked_add(length).filter(|end| *end <= self.left.end)?;
        self.left.start = end;
        Some(start..end)
    }
    pub(super) fn skip(&mut self, length: usize) -> Option<()> {
        self.span(length).map(|_| ())
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let span = self.span(N)?;
        self.bytes[span].try_into().ok()
    }
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
    pub(super) fn digest(&mut self) -> Option<[u8; 16]> {
        self.array()
    }
    /// A share in the whole.
    pub(super) fn bytes(&mut self) -> Option<Bytes> {
        let length = self.u32()? as usize;
        self.span(length).map(|span| self.bytes.slice(span))
    }
    /// The same as a mere look at it.
    pub(super) fn slice(&mut self) -> Option<&'b [u8]> {
        let length = self.u32()? as usize;
        self.span(length).map(|span| &self.bytes[span])
    }
    pub(super) fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.slice()?).ok().map(str::to_owned)
    }
}

pub(super) fn write_response(writer: &mut Writer, response: &Response) {
    writer.u16(response.status);
    write_headers(writer, &response.headers);
    write_headers(writer, &response.trailers);
    write_content(writer, Some(&response.body));
    write_content(writer, response.encoded.as_ref());
    match &response.timing {
        None => writer.u8(0),
        Some(timing) => {
            writer.u8(1);
            writer.u64(timing.head_ms);
            writer.u32(timing.chunks.len() as u32);
            for (at, length) in &timing.chunks {
                writer.u64(*at);
                writer.u64(*length);
            }
        }
    }
}

impl From<Recalled<Headers>> for Response {
    fn from(recalled: Recalled<Headers>) -> Response {
        let Recalled { status, headers, trailers, body, encoded, timing } = recalled;
        Response { status, headers, body, encoded, trailers, timing }
    }
}

pub(super) fn read_response<H: Fields>(reader: &mut Reader<'_>) -> Option<Recalled<H>> {
    let status = reader.u16()?;
    let headers = read_fields(reader)?;
    let trailers = read_fields(reader)?;
    let body = read_content(reader)?.unwrap_or_default();
    let encoded = read_content(reader)?;
    let timing = match reader.u8()? {
        0 => None,
        _ => {
            let head_ms = reader.u64()?;
            let count = reader.u32()?;
            let chunks = (0..count).map(|_| Some((reader.u64()?, reader.u64()?)));
            Some(Timing { head_ms, chunks: chunks.collect::<Option<_>>()? })
        }
    };
    Some(Recalled { status, headers, trailers, body, encoded, timing })
}

fn write_headers(writer: &mut Writer, headers: &Headers) {
    writer.u32(headers.len() as u32);
    for (name, value) in headers.iter() {
        writer.bytes(name.as_bytes());
        writer.bytes(value);
    }
}

fn read_fields<H: Fields>(reader: &mut Reader<'_>) -> Option<H> {
    let count = reader.u32()?;
    // Each is eight bytes long at least: a damaged count reserves no more than there can be.
    let mut fields = H::for_many((reader.left.len() / 8).min(count as usize));
    for _ in 0..count {
        fields.put(reader.slice()?, reader.slice()?)?;
    }
    Some(fields)
}

fn write_content(writer: &mut Writer, content: Option<&Content>) {
    match content {
        None => writer.u8(0),
        Some(Content::Bytes(bytes)) => {
            writer.u8(1);
            writer.bytes(bytes);
        }
        Some(Content::Stored(stored)) => {
            writer.u8(2);
            writer.bytes(stored.digest.as_bytes());
            writer.u64(stored.size);
        }
    }
}

// The outer option is damage, the inner one that there is nothing.
#[expect(clippy::option_option, reason = "both are told apart where it is read")]
fn read_content(reader: &mut Reader<'_>) -> Option<Option<Content>> {
    Some(match reader.u8()? {
        0 => None,
        1 => Some(Content::Bytes(reader.bytes()?)),
        _ => {
            let digest = reader.text()?;
            Some(Content::Stored(Stored { digest, size: reader.u64()? }))
        }
    })
}
