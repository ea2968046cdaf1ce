//! Content codings: gzip, deflate, br and zstd, taken off and put on again, one or several.

use std::io::{self, Read, Write};

use flate2::Compression;

use crate::message::Headers;

/// What a `content-encoding` header names, in the order in which they were applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Codings(Vec<Coding>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Br,
    Zstd,
}

/// How far a body may expand, in bytes: what is more is no content but an attack.
pub const LARGEST: u64 = 1 << 30;

/// The content of a body with these headers, of so many bytes at the most. The error says in a
/// sentence why it cannot be had.
pub fn content(headers: &Headers, coded: &[u8], most: usize) -> Result<Vec<u8>, String> {
    // An answer to HEAD says what a body would be coded in.
    if coded.is_empty() {
        return Ok(Vec::new());
    }
    let codings = Codings::of(headers.all("content-encoding"))
        .ok_or_else(|| "the answer has a content coding that is not known".to_owned())?;
    let unreadable = |error: io::Error| format!("the answer cannot be read: {error}");
    let mut content = Vec::new();
    let decoder = codings.decoder(coded).map_err(unreadable)?;
    decoder.take(most as u64 + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() > most {
        return Err(format!("the answer expands to more than {} MiB", most >> 20));
    }
    Ok(content)
}

impl Codings {
    /// From the values of the header; none when one of them is not known.
    pub fn of<'v>(values: impl Iterator<Item = &'v [u8]>) -> Option<Codings> {
        let mut codings = Vec::new();
        for value in values {
            for name in std::str::from_utf8(value).ok()?.split(',') {
                match name.trim().to_ascii_lowercase().as_str() {
                    "" | "identity" => {}
                    "gzip" | "x-gzip" => codings.push(Coding::Gzip),
                    "deflate" => codings.push(Coding::Deflate),
                    "br" => codings.push(Coding::Br),
                    "zstd" => codings.push(Coding::Zstd),
                    _ => return None,
                }
            }
        }
        Some(Codings(codings))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A reader of the content behind the codings.
    pub fn decoder<'r>(&self, coded: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
        let mut reader: Box<dyn Read + 'r> = Box::new(coded);
        for coding in self.0.iter().rev() {
            reader = match coding {
                Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(reader)),
                Coding::Deflate => inflating(reader)?,
                Coding::Br => Box::new(brotli::Decompressor::new(reader, 16 << 10)),
                Coding::Zstd => {
                    let decoder = ruzstd::decoding::StreamingDecoder::new(reader);
                    Box::new(decoder.map_err(io::Error::other)?)
                }
            };
        }
        Ok(reader)
    }

    /// The content of a coded body.
    pub fn decoded(&self, coded: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.decoder(coded)?.take(LARGEST + 1).read_to_end(&mut content)?;
        if content.len() as u64 > LARGEST {
            return Err(io::Error::other("it expands to more than 1 GiB"));
        }
        Ok(content)
    }

    /// The content with the codings put on.
    pub fn encoded(&self, content: &[u8]) -> Vec<u8> {
        const MEMORY: &str = "memory takes every write";
        let mut bytes = content.to_vec();
        for coding in &self.0 {
            bytes = match coding {
                Coding::Gzip => {
                    let mut encoder =
                        flate2::GzBuilder::new().write(Vec::new(), Compression::fast());
                    encoder.write_all(&bytes).and_then(|()| encoder.finish()).expect(MEMORY)
                }
                Coding::Deflate => {
                    let mut encoder =
                        flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
                    encoder.write_all(&bytes).and_then(|()| encoder.finish()).expect(MEMORY)
                }
                Coding::Br => {
                    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 16 << 10, 3, 22);
                    encoder.write_all(&bytes).expect(MEMORY);
                    encoder.into_inner()
                }
                Coding::Zstd => {
                    let level = ruzstd::encoding::CompressionLevel::Fastest;
                    ruzstd::encoding::compress_to_vec(&bytes[..], level)
                }
            };
        }
        bytes
    }
}

/// What is called deflate is zlib by the standard, and bare deflate from some servers.
fn inflating<'r>(mut coded: Box<dyn Read + 'r>) -> io::Result<Box<dyn Read + 'r>> {
    let mut head = [0; 2];
    let mut length = 0;
    while length < 2 {
        match coded.read(&mut head[length..])? {
            0 => break,
            more => length += more,
        }
    }
    let whole = io::Cursor::new(head[..length].to_vec()).chain(coded);
    let is_zlib = length == 2 && head[0] & 0x0f == 8 && u16::from_be_bytes(head) % 31 == 0;
    Ok(if is_zlib {
        Box::new(flate2::read::ZlibDecoder::new(whole))
    } else {
        Box::new(flate2::read::DeflateDecoder::new(whole))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codings(header: &str) -> Option<Codings> {
        Codings::of([header.as_bytes()].into_iter())
    }

    #[test]
    fn what_is_put_on_comes_off() {
        let contents = [Vec::new(), b"hello hello hello".to_vec(), vec![7; 100_000]];
        for header in ["gzip", "deflate", "br", "zstd", "gzip, br", "identity", "x-gzip,zstd"] {
            for content in &contents {
                let codings = codings(header).unwrap();
                let coded = codings.encoded(content);
                assert_eq!(codings.decoded(&coded).unwrap(), *content, "{header}");
            }
        }
    }

    #[test]
    fn bare_deflate_is_read() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(b"bare").unwrap();
        let coded = encoder.finish().unwrap();
        assert_eq!(codings("deflate").unwrap().decoded(&coded).unwrap(), b"bare");
    }

    #[test]
    fn what_is_unknown_or_broken_is_said() {
        assert_eq!(codings("compress"), None);
        assert_eq!(codings("gzip, what"), None);
        for header in ["gzip", "br", "zstd"] {
            assert!(
                codings(header).unwrap().decoded(b"\x12\x34 no such thing").is_err(),
                "{header}"
            );
        }
        let cut = codings("gzip").unwrap().encoded(b"cut short");
        assert!(codings("gzip").unwrap().decoded(&cut[..cut.len() - 9]).is_err());
    }
}
