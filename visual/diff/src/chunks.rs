//! The chunks of a PNG, of which the decoder is shown only those that hold the picture.
//!
//! Text, colour profiles and the like are compressed with no bound of their own; here their bytes
//! are passed over and no code ever looks into them. An animated PNG is its default image, as
//! pngjs has it. Colours come back as stored: gamma and profile have no influence.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

use crate::error::Problem;
use crate::{Limits, Size};

pub(crate) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

const PALETTE_BYTES: usize = 256 * 3;
const TRANSPARENCY_BYTES: usize = 256;

/// What the chunks before the first picture data say.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) size: Size,
    pub(crate) depth: u8,
    /// The colour type's number in the format: 0, 2, 3, 4 or 6.
    pub(crate) colour: u8,
    pub(crate) interlaced: bool,
    /// Red, green, blue of each entry.
    pub(crate) palette: Vec<u8>,
    /// The content of tRNS; empty when there is none.
    pub(crate) transparency: Vec<u8>,
    /// Signature, header and palette as they were stored, for the decoder.
    kept: Vec<u8>,
}

impl Header {
    /// Reads up to the first picture data, of which it leaves eight bytes consumed, and checks
    /// all that the format says about the chunks on the way.
    pub(crate) fn read(input: &mut impl BufRead, limits: &Limits) -> Result<Self, Problem> {
        let mut signature = [0; 8];
        input.read_exact(&mut signature)?;
        if signature != SIGNATURE {
            return Err(Problem::NotAPicture);
        }
        let first = Prefix::read(input)?;
        if first.name != *b"IHDR" || first.length != 13 {
            return Err(malformed("the file does not begin with a header"));
        }
        let data = first.content(input, 13)?;
        let mut header = Self::parse(&data, limits)?;
        header.kept.extend_from_slice(&SIGNATURE);
        first.store(&data, &mut header.kept);
        loop {
            let chunk = Prefix::read(input)?;
            match &chunk.name {
                b"IDAT" => {
                    if header.colour == 3 && header.palette.is_empty() {
                        return Err(malformed("a palette is needed and missing"));
                    }
                    chunk.store_prefix(&mut header.kept);
                    return Ok(header);
                }
                b"PLTE" => {
                    let data = chunk.content(input, PALETTE_BYTES)?;
                    if data.is_empty() || data.len() % 3 != 0 || !header.palette.is_empty() {
                        return Err(malformed("the palette is not whole, or not the only one"));
                    }
                    // With other colour types it is a suggestion that no one needs.
                    if header.colour == 3 {
                        chunk.store(&data, &mut header.kept);
                    }
                    header.palette = data;
                }
                b"tRNS" => {
                    let data = chunk.content(input, TRANSPARENCY_BYTES)?;
                    header.take_transparency(data)?;
                }
                b"IHDR" => return Err(malformed("the file has a second header")),
                b"IEND" => return Err(malformed("the file ends without a picture")),
                _ => chunk.pass(input)?,
            }
        }
    }

    fn parse(data: &[u8], limits: &Limits) -> Result<Self, Problem> {
        let number =
            |at: usize| u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
        let size = Size { width: number(0), height: number(4) };
        let (depth, colour) = (data[8], data[9]);
        if size.width == 0 || size.height == 0 || size.width.max(size.height) > i32::MAX as u32 {
            return Err(malformed("the header gives an impossible size"));
        }
        let allowed: &[u8] = match colour {
            0 => &[1, 2, 4, 8, 16],
            3 => &[1, 2, 4, 8],
            2 | 4 | 6 => &[8, 16],
            _ => &[],
        };
        if !allowed.contains(&depth) || data[10] != 0 || data[11] != 0 || data[12] > 1 {
            return Err(malformed("the header gives an unknown colour type, depth or method"));
        }
        check_size(size, limits)?;
        Ok(Self {
            size,
            depth,
            colour,
            interlaced: data[12] == 1,
            palette: Vec::new(),
            transparency: Vec::new(),
            kept: Vec::with_capacity(1 << 10),
        })
    }

    /// Keeps what tRNS says for the colour types that it has a meaning for.
    fn take_transparency(&mut self, data: Vec<u8>) -> Result<(), Problem> {
        let fits = match self.colour {
            0 => data.len() >= 2,
            2 => data.len() >= 6,
            3 => data.len() * 3 <= self.palette.len(),
            _ => return Ok(()),
        };
        if !fits {
            return Err(malformed("the transparency does not fit the colours"));
        }
        self.transparency = data;
        Ok(())
    }
}

/// Refuses a picture that is too large before anything is allocated for it.
pub(crate) fn check_size(size: Size, limits: &Limits) -> Result<(), Problem> {
    let check = |what, found, limit| {
        if found > limit { Err(Problem::TooLarge { what, found, limit }) } else { Ok(()) }
    };
    check("pixels of width", u64::from(size.width), u64::from(limits.width))?;
    check("pixels", size.pixels(), limits.pixels)
}

/// Whether the chunks are whole and end as they must. Nothing is decompressed.
pub(crate) fn check_whole(input: &mut impl BufRead, limits: &Limits) -> Result<Size, Problem> {
    let header = Header::read(input, limits)?;
    // Its length and name were consumed and are the last of what was kept.
    let prefix = header.kept.last_chunk::<8>().expect("a chunk's length and name have 8 bytes");
    let mut chunk = Prefix::parse(*prefix)?;
    loop {
        chunk.pass(input)?;
        if chunk.name == *b"IEND" {
            return Ok(header.size);
        }
        chunk = Prefix::read(input)?;
    }
}

fn malformed(text: &str) -> Problem {
    Problem::Malformed(text.to_owned())
}

/// The eight bytes before the content of a chunk.
struct Prefix {
    length: u32,
    name: [u8; 4],
}

impl Prefix {
    fn read(input: &mut impl Read) -> Result<Self, Problem> {
        let mut bytes = [0; 8];
        input.read_exact(&mut bytes)?;
        Self::parse(bytes)
    }

    fn parse(bytes: [u8; 8]) -> Result<Self, Problem> {
        let [a, b, c, d, name @ ..] = bytes;
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > i32::MAX as u32 || !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(malformed("a chunk has an impossible length or name"));
        }
        let critical = name[0].is_ascii_uppercase();
        if critical && ![*b"IHDR", *b"PLTE", *b"IDAT", *b"IEND"].contains(&name) {
            return Err(Problem::Malformed(format!(
                "chunk {} is needed and not known",
                String::from_utf8_lossy(&name)
            )));
        }
        Ok(Self { length, name })
    }

    /// The content of a small chunk, with its sum checked.
    fn content(&self, input: &mut impl Read, most: usize) -> Result<Vec<u8>, Problem> {
        if self.length as usize > most {
            return Err(malformed("a chunk is longer than its kind can be"));
        }
        let mut data = vec![0; self.length as usize];
        input.read_exact(&mut data)?;
        let mut sum = crc32fast::Hasher::new();
        sum.update(&self.name);
        sum.update(&data);
        check_sum(input, sum)?;
        Ok(data)
    }

    /// Passes over content and sum; only a chunk that the picture needs has its sum checked.
    fn pass(&self, input: &mut impl BufRead) -> Result<(), Problem> {
        let critical = self.name[0].is_ascii_uppercase();
        let mut sum = crc32fast::Hasher::new();
        sum.update(&self.name);
        let mut left = self.length as usize;
        while left > 0 {
            let buffer = input.fill_buf()?;
            if buffer.is_empty() {
                return Err(Problem::Truncated);
            }
            let taken = buffer.len().min(left);
            if critical {
                sum.update(&buffer[..taken]);
            }
            input.consume(taken);
            left -= taken;
        }
        if critical { check_sum(input, sum) } else { Ok(input.read_exact(&mut [0; 4])?) }
    }

    fn store_prefix(&self, kept: &mut Vec<u8>) {
        kept.extend_from_slice(&self.length.to_be_bytes());
        kept.extend_from_slice(&self.name);
    }

    fn store(&self, data: &[u8], kept: &mut Vec<u8>) {
        self.store_prefix(kept);
        kept.extend_from_slice(data);
        let mut sum = crc32fast::Hasher::new();
        sum.update(&self.name);
        sum.update(data);
        kept.extend_from_slice(&sum.finalize().to_be_bytes());
    }
}

fn check_sum(input: &mut impl Read, sum: crc32fast::Hasher) -> Result<(), Problem> {
    let mut stored = [0; 4];
    input.read_exact(&mut stored)?;
    if u32::from_be_bytes(stored) == sum.finalize() {
        Ok(())
    } else {
        Err(malformed("a chunk does not have the sum that it states"))
    }
}

/// A PNG as the decoder gets to see it: header, palette, picture data, end.
pub(crate) struct PictureChunks<R> {
    head: Cursor<Vec<u8>>,
    rest: R,
    /// Bytes of the current chunk, its sum included, that the decoder has not taken yet.
    left: u64,
}

impl<R: BufRead> PictureChunks<R> {
    /// `rest` is where [`Header::read`] stopped.
    pub(crate) fn new(header: &mut Header, rest: R) -> Self {
        let kept = std::mem::take(&mut header.kept);
        let length = kept.len() - 8;
        let length = u32::from_be_bytes(kept[length..length + 4].try_into().expect("4 bytes"));
        Self { head: Cursor::new(kept), rest, left: u64::from(length) + 4 }
    }

    /// Goes on to the next chunk that the decoder is to see.
    fn next_chunk(&mut self) -> Result<(), Problem> {
        loop {
            let chunk = Prefix::read(&mut self.rest)?;
            if matches!(&chunk.name, b"IDAT" | b"IEND") {
                let bytes = self.head.get_mut();
                bytes.clear();
                chunk.store_prefix(bytes);
                self.head.set_position(0);
                self.left = u64::from(chunk.length) + 4;
                return Ok(());
            }
            if matches!(&chunk.name, b"IHDR" | b"PLTE") {
                return Err(malformed("a header or palette comes after picture data"));
            }
            chunk.pass(&mut self.rest)?;
        }
    }

    fn in_head(&self) -> bool {
        self.head.position() < self.head.get_ref().len() as u64
    }
}

impl<R: BufRead> BufRead for PictureChunks<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.in_head() && self.left == 0 {
            self.next_chunk().map_err(|problem| match problem {
                Problem::Io(error) => error,
                Problem::Truncated => io::ErrorKind::UnexpectedEof.into(),
                other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
            })?;
        }
        if self.in_head() {
            return self.head.fill_buf();
        }
        let buffer = self.rest.fill_buf()?;
        let shown = (buffer.len() as u64).min(self.left) as usize;
        Ok(&buffer[..shown])
    }

    fn consume(&mut self, amount: usize) {
        if self.in_head() {
            self.head.consume(amount);
        } else {
            self.left -= amount as u64;
            self.rest.consume(amount);
        }
    }
}

impl<R: BufRead> Read for PictureChunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let taken = self.fill_buf()?.read(buffer)?;
        self.consume(taken);
        Ok(taken)
    }
}

/// The decoder asks for it in its bounds and never seeks.
impl<R> Seek for PictureChunks<R> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
