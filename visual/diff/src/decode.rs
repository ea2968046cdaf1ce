//! An opened picture, whose rows come one after the other.

use std::io::{BufRead, Read, Seek};

use image::{ImageDecoder, ImageFormat, ImageReader};

use crate::chunks::{self, Header, PictureChunks};
use crate::error::Problem;
use crate::layout::Layout;
use crate::source::{Input, Source};
use crate::{Limits, Size};

/// A picture of which the header has been read and checked against the limits, and nothing else.
pub(crate) struct Picture<'a> {
    pub(crate) size: Size,
    pub(crate) layout: Layout,
    rows: Rows<'a>,
}

enum Rows<'a> {
    /// A PNG that is read row by row.
    Streamed(Box<png::Reader<PictureChunks<Input<'a>>>>),
    /// An interlaced PNG; becomes a frame when its first row is asked for.
    Interlaced(Box<png::Reader<PictureChunks<Input<'a>>>>),
    /// Any other format; becomes a frame when its first row is asked for.
    Stored { source: Source<'a>, format: ImageFormat, limits: Limits },
    /// All rows in memory, of which the first `used` bytes have been handed out.
    Frame { bytes: Vec<u8>, used: usize },
}

impl<'a> Picture<'a> {
    pub(crate) fn open(source: Source<'a>, limits: &Limits) -> Result<Self, Problem> {
        let mut input = source.open(limits)?;
        let mut start = Vec::with_capacity(32);
        input.by_ref().take(32).read_to_end(&mut start)?;
        input.rewind()?;
        if start.starts_with(&chunks::SIGNATURE) {
            Self::open_png(input, limits)
        } else {
            Self::open_other(source, input, &start, limits)
        }
    }

    fn open_png(mut input: Input<'a>, limits: &Limits) -> Result<Self, Problem> {
        let mut header = Header::read(&mut input, limits)?;
        let (size, layout) = (header.size, Layout::of_png(&header));
        let row_bytes = layout.row_bytes(size.width);
        let mut decoder = png::Decoder::new_with_limits(
            PictureChunks::new(&mut header, input),
            // The row and what it is unfiltered into; the width has been checked.
            png::Limits { bytes: row_bytes * 4 + (1 << 20) },
        );
        decoder.set_transformations(png::Transformations::IDENTITY);
        let reader = Box::new(decoder.read_info()?);
        let rows = if header.interlaced {
            check_frame(row_bytes as u64 * u64::from(size.height), limits)?;
            Rows::Interlaced(reader)
        } else {
            Rows::Streamed(reader)
        };
        Ok(Self { size, layout, rows })
    }

    fn open_other(
        source: Source<'a>,
        input: Input<'a>,
        start: &[u8],
        limits: &Limits,
    ) -> Result<Self, Problem> {
        let format = image::guess_format(start).map_err(|_| Problem::NotAPicture)?;
        if !format.reading_enabled() {
            return Err(Problem::NotAPicture);
        }
        let (width, height) = ImageReader::with_format(input, format).into_dimensions()?;
        let size = Size { width, height };
        if size.pixels() == 0 {
            return Err(Problem::Malformed("the header gives an impossible size".into()));
        }
        chunks::check_size(size, limits)?;
        check_frame(size.pixels() * 4, limits)?;
        let rows = Rows::Stored { source, format, limits: *limits };
        Ok(Self { size, layout: Layout::RGBA, rows })
    }

    /// Fills `out`, which has room for whole rows, with the next ones.
    pub(crate) fn read_rows(&mut self, out: &mut [u8]) -> Result<(), Problem> {
        let row_bytes = self.layout.row_bytes(self.size.width);
        self.hold_frame()?;
        match &mut self.rows {
            Rows::Streamed(reader) => {
                for row in out.chunks_exact_mut(row_bytes) {
                    if reader.read_row(row)?.is_none() {
                        return Err(Problem::Truncated);
                    }
                }
            }
            Rows::Frame { bytes, used } => {
                let rest = bytes.get(*used..*used + out.len()).ok_or(Problem::Truncated)?;
                out.copy_from_slice(rest);
                *used += out.len();
            }
            Rows::Interlaced(_) | Rows::Stored { .. } => unreachable!("a frame is held"),
        }
        out.chunks_exact(row_bytes).try_for_each(|row| self.layout.check_row(row, self.size.width))
    }

    /// Reads what comes after the last row, since a file that stops there has been cut.
    pub(crate) fn finish(&mut self) -> Result<(), Problem> {
        if let Rows::Streamed(reader) = &mut self.rows {
            reader.finish()?;
        }
        Ok(())
    }

    /// Decodes a picture as a whole that cannot be read row by row.
    fn hold_frame(&mut self) -> Result<(), Problem> {
        let bytes = match &mut self.rows {
            Rows::Streamed(_) | Rows::Frame { .. } => return Ok(()),
            Rows::Interlaced(reader) => {
                let mut bytes = vec![0; reader.output_buffer_size().ok_or(Problem::Truncated)?];
                reader.next_frame(&mut bytes)?;
                reader.finish()?;
                bytes
            }
            Rows::Stored { source, format, limits } => {
                let mut decoder = ImageReader::with_format(source.open(limits)?, *format);
                let mut caps = image::Limits::default();
                caps.max_alloc = Some(limits.frame_bytes.saturating_mul(2));
                decoder.limits(caps);
                let decoder = decoder.into_decoder()?;
                if decoder.dimensions() != (self.size.width, self.size.height) {
                    return Err(Problem::Malformed("the file changed while it was read".into()));
                }
                image::DynamicImage::from_decoder(decoder)?.into_rgba8().into_raw()
            }
        };
        self.rows = Rows::Frame { bytes, used: 0 };
        Ok(())
    }
}

fn check_frame(bytes: u64, limits: &Limits) -> Result<(), Problem> {
    if bytes <= limits.frame_bytes {
        return Ok(());
    }
    Err(Problem::TooLarge { what: "bytes once decoded", found: bytes, limit: limits.frame_bytes })
}

/// The size of two equal files, when their content is equal to the last byte and they are whole
/// PNGs; then there is nothing to decode.
pub(crate) fn equal_files(
    baseline: Source<'_>,
    candidate: Source<'_>,
    limits: &Limits,
) -> Result<Option<Size>, Problem> {
    let mut first = baseline.open(limits)?;
    let Ok(mut second) = candidate.open(limits) else {
        // Its own opening will say what is wrong with it.
        return Ok(None);
    };
    if !first.fill_buf()?.starts_with(&chunks::SIGNATURE) || !first.same_rest(&mut second)? {
        return Ok(None);
    }
    first.rewind()?;
    chunks::check_whole(&mut first, limits).map(Some)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Record {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        baseline: Recorded,
        candidate: Recorded,
    }

    #[derive(Deserialize)]
    struct Recorded {
        file: String,
        crc32: u32,
    }

    /// The sum over the pixels of a picture, as pngjs lays them out.
    fn sum_of_pixels(bytes: &[u8]) -> u32 {
        let mut picture = Picture::open(Source::Bytes(bytes), &Limits::default()).unwrap();
        let mut row = vec![0; picture.layout.row_bytes(picture.size.width)];
        let mut pixels = vec![0; picture.size.width as usize];
        let mut sum = crc32fast::Hasher::new();
        for _ in 0..picture.size.height {
            picture.read_rows(&mut row).unwrap();
            picture.layout.expand(&row, &mut pixels);
            for pixel in &pixels {
                sum.update(&pixel.to_le_bytes());
            }
        }
        picture.finish().unwrap();
        sum.finalize()
    }

    #[test]
    fn pixels_are_those_of_pngjs() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle");
        let record = fs::read_to_string(folder.join("cases.json")).unwrap();
        let record: Record = serde_json::from_str(&record).unwrap();
        let pictures = record.cases.into_iter().flat_map(|case| [case.baseline, case.candidate]);
        for Recorded { file, crc32 } in pictures {
            let bytes = fs::read(folder.join("pictures").join(&file)).unwrap();
            assert_eq!(sum_of_pixels(&bytes), crc32, "{file} is decoded in another way");
        }
    }
}
