//! Numbers and texts in bytes, for the index. It is made on the machine that reads it; a file that
//! is damaged all the same is noticed wherever a length does not fit.

use bytes::Bytes;

use crate::message::{Content, Headers, Response, Stored, Timing};

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
pub(super) struct Reader {
    bytes: Bytes,
    at: usize,
}

impl Reader {
    pub(super) fn of(bytes: Bytes) -> Reader {
        Reader { bytes, at: 0 }
    }
    pub(super) fn take(&mut self, length: usize) -> Option<Bytes> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let taken = self.bytes.slice(self.at..end);
        self.at = end;
        Some(taken)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let end = self.at.checked_add(N)?;
        let taken = self.bytes.get(self.at..end)?.try_into().ok()?;
        self.at = end;
        Some(taken)
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
    pub(super) fn bytes(&mut self) -> Option<Bytes> {
        let length = self.u32()? as usize;
        self.take(length)
    }
    pub(super) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
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

pub(super) fn read_response(reader: &mut Reader) -> Option<Response> {
    let status = reader.u16()?;
    let headers = read_headers(reader)?;
    let trailers = read_headers(reader)?;
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
    Some(Response { status, headers, body, encoded, trailers, timing })
}

fn write_headers(writer: &mut Writer, headers: &Headers) {
    writer.u32(headers.len() as u32);
    for (name, value) in headers.iter() {
        writer.bytes(name.as_bytes());
        writer.bytes(value);
    }
}

fn read_headers(reader: &mut Reader) -> Option<Headers> {
    let count = reader.u32()?;
    let mut headers = Headers::new();
    for _ in 0..count {
        let name = reader.bytes()?;
        headers.add(std::str::from_utf8(&name).ok()?, reader.bytes()?.to_vec());
    }
    Some(headers)
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
fn read_content(reader: &mut Reader) -> Option<Option<Content>> {
    Some(match reader.u8()? {
        0 => None,
        1 => Some(Content::Bytes(reader.bytes()?)),
        _ => {
            let digest = reader.text()?;
            Some(Content::Stored(Stored { digest, size: reader.u64()? }))
        }
    })
}
