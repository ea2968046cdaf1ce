//! The picture that shows the changes, written row by row.
//!
//! It has one byte a pixel, since it needs few colours: the candidate in 32 pale greys, the same
//! greys in a tint for what is masked or in one picture only, and two colours for changes. That
//! leaves a third of the bytes of RGB to compress.

use std::cell::RefCell;
use std::io::{self, Write};
use std::ops::Range;
use std::rc::Rc;

use crate::Size;
use crate::layout::Pixel;

const GREYS: u8 = 32;

/// In which tint the grey of a pixel is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tint {
    Compared = 0,
    Masked = 1,
    Added = 2,
    Removed = 3,
    Moved = 4,
}

/// What marks a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mark {
    Changed = 5 * GREYS,
    Antialiased,
    /// Neither picture has this pixel.
    Beyond,
    /// Rows of the baseline are missing above.
    Seam,
}

/// A diff image being written.
pub(crate) struct DiffImage<'a> {
    out: &'a mut dyn Write,
    encoder: png::StreamWriter<'static, Encoded>,
    fresh: Encoded,
    row: Vec<u8>,
}

/// What the encoder has produced and nobody has written yet. It stands between the two because
/// the encoder takes no writer that is only borrowed.
#[derive(Clone, Default)]
struct Encoded(Rc<RefCell<Vec<u8>>>);

impl Encoded {
    fn pass_on(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut bytes = self.0.borrow_mut();
        out.write_all(&bytes)?;
        bytes.clear();
        Ok(())
    }
}

impl Write for Encoded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> DiffImage<'a> {
    pub(crate) fn begin(out: &'a mut dyn Write, size: Size) -> io::Result<Self> {
        let fresh = Encoded::default();
        let mut encoder = png::Encoder::new(fresh.clone(), size.width, size.height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(palette());
        encoder.set_compression(png::Compression::Fast);
        encoder.set_filter(png::Filter::Up);
        let encoder = encoder.write_header()?.into_stream_writer_with_size(64 << 10)?;
        let row = vec![Mark::Beyond as u8; size.width as usize];
        Ok(Self { out, encoder, fresh, row })
    }

    /// Shows pixels in their tint, from the given column on.
    pub(crate) fn show(&mut self, column: u32, pixels: &[Pixel], tint: Tint) {
        let base = tint as u8 * GREYS;
        for (out, pixel) in self.row[column as usize..].iter_mut().zip(pixels) {
            *out = base + darkness(*pixel);
        }
    }

    pub(crate) fn mark(&mut self, columns: Range<u32>, mark: Mark) {
        self.row[columns.start as usize..columns.end as usize].fill(mark as u8);
    }

    /// Tints what [`Self::show`] has put into the columns as compared.
    pub(crate) fn tint(&mut self, columns: Range<u32>, tint: Tint) {
        for out in &mut self.row[columns.start as usize..columns.end as usize] {
            *out = *out % GREYS + tint as u8 * GREYS;
        }
    }

    /// Writes the row and begins an empty one.
    pub(crate) fn end_row(&mut self) -> io::Result<()> {
        self.encoder.write_all(&self.row)?;
        self.fresh.pass_on(self.out)?;
        self.row.fill(Mark::Beyond as u8);
        Ok(())
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        self.encoder.finish()?;
        self.fresh.pass_on(self.out)?;
        self.out.flush()
    }
}

/// The grey of a pixel on white paper: 0 is white, 31 black.
fn darkness(pixel: Pixel) -> u8 {
    let (r, g, b, alpha) = (pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255, pixel >> 24);
    let dark = 255 - ((r * 77 + g * 150 + b * 29) >> 8);
    ((dark * alpha) >> 11) as u8
}

/// Red, green and blue of all indices, in the order of [`Tint`] and [`Mark`].
fn palette() -> Vec<u8> {
    let tints = [[100, 100, 100], [78, 86, 100], [82, 100, 84], [100, 86, 80], [94, 86, 100]];
    let mut colours: Vec<u8> = tints
        .iter()
        .flat_map(|tint| (0..u32::from(GREYS)).map(move |dark| (tint, 255 - dark * 110 / 31)))
        .flat_map(|(tint, grey)| tint.map(|share| (grey * share / 100) as u8))
        .collect();
    for mark in [[0xe0, 0x00, 0x38], [0xff, 0xc4, 0x00], [0xc8, 0xc8, 0xc8], [0xe8, 0x6a, 0x1c]] {
        colours.extend_from_slice(&mark);
    }
    colours
}
