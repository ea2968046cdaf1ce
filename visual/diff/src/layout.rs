//! How the samples of a row are packed, and what RGBA they stand for.
//!
//! The conversion is that of pngjs 7: 16-bit samples are rounded to the nearest of 256 steps, grey
//! of fewer bits is stretched, and a pixel of the colour that tRNS names becomes (0, 0, 0, 0). That
//! colour is held against the sample as stored, at its full depth.

use crate::chunks::Header;
use crate::error::Problem;

/// A pixel: red in the lowest byte, then green, blue, alpha.
pub(crate) type Pixel = u32;

/// How the samples of a row are packed. Two pictures with equal layouts have equal pixels where
/// they have equal bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Layout {
    /// 1, 2, 4 or 8 bits that stand for the pixel in a table: palettes and plain grey.
    Table { depth: u8, entries: u16, pixels: Box<[Pixel; 256]> },
    /// Samples of 8 bits.
    Bytes { samples: Samples, clear: Option<[u16; 3]> },
    /// Samples of 16 bits, high byte first.
    Words { samples: Samples, clear: Option<[u16; 3]> },
}

/// Which samples make a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Samples {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
}

impl Samples {
    fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

impl Layout {
    /// Plain RGBA of 8 bits, to which other formats are decoded.
    pub(crate) const RGBA: Self = Self::Bytes { samples: Samples::Rgba, clear: None };

    pub(crate) fn of_png(header: &Header) -> Self {
        let word = |at: usize| {
            let bytes = header.transparency.get(at * 2..at * 2 + 2);
            bytes.map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
        };
        let samples = match header.colour {
            0 => Samples::Grey,
            2 => Samples::Rgb,
            3 => return Self::palette(header),
            4 => Samples::GreyAlpha,
            _ => Samples::Rgba,
        };
        let clear = match samples {
            Samples::Grey => word(0).map(|grey| [grey; 3]),
            Samples::Rgb => word(0).zip(word(1)).zip(word(2)).map(|((r, g), b)| [r, g, b]),
            Samples::GreyAlpha | Samples::Rgba => None,
        };
        match (header.depth, samples) {
            (16, _) => Self::Words { samples, clear },
            (depth, Samples::Grey) => Self::grey(depth, clear.map(|grey| grey[0])),
            _ => Self::Bytes { samples, clear },
        }
    }

    fn grey(depth: u8, clear: Option<u16>) -> Self {
        let entries = 1_u16 << depth;
        let mut pixels = Box::new([0; 256]);
        for value in (0..entries).filter(|&value| Some(value) != clear) {
            let grey = (value * 255 / (entries - 1)) as u8;
            pixels[usize::from(value)] = Pixel::from_le_bytes([grey, grey, grey, 255]);
        }
        Self::Table { depth, entries, pixels }
    }

    fn palette(header: &Header) -> Self {
        let entries = (header.palette.len() / 3) as u16;
        let mut pixels = Box::new([0; 256]);
        for (at, colour) in header.palette.chunks_exact(3).enumerate() {
            let alpha = header.transparency.get(at).copied().unwrap_or(255);
            pixels[at] = Pixel::from_le_bytes([colour[0], colour[1], colour[2], alpha]);
        }
        Self::Table { depth: header.depth, entries, pixels }
    }

    /// The length of a row of so many pixels, in bytes.
    pub(crate) fn row_bytes(&self, width: u32) -> usize {
        let bits = match self {
            Self::Table { depth, .. } => usize::from(*depth),
            Self::Bytes { samples, .. } => samples.count() * 8,
            Self::Words { samples, .. } => samples.count() * 16,
        };
        (width as usize * bits).div_ceil(8)
    }

    /// Refuses samples that stand for no colour, whether or not anyone will look at them.
    pub(crate) fn check_row(&self, row: &[u8], width: u32) -> Result<(), Problem> {
        let Self::Table { depth, entries, .. } = self else { return Ok(()) };
        let most = match depth {
            _ if *entries >= 1 << depth => return Ok(()),
            8 => row.iter().copied().max(),
            depth => (0..width as usize).map(|x| packed(row, x, *depth)).max(),
        };
        if most.is_some_and(|most| u16::from(most) >= *entries) {
            return Err(Problem::Malformed("a pixel has a colour that the palette lacks".into()));
        }
        Ok(())
    }

    /// Writes the pixels of a row over those in `out`, whose length is the width.
    pub(crate) fn expand(&self, row: &[u8], out: &mut [Pixel]) {
        match self {
            Self::Table { depth: 8, pixels, .. } => {
                for (out, &index) in out.iter_mut().zip(row) {
                    *out = pixels[usize::from(index)];
                }
            }
            Self::Table { depth, pixels, .. } => {
                for (x, out) in out.iter_mut().enumerate() {
                    *out = pixels[usize::from(packed(row, x, *depth))];
                }
            }
            Self::Bytes { samples, clear } => expand_bytes(*samples, *clear, row, out),
            Self::Words { samples, clear } => expand_words(*samples, *clear, row, out),
        }
    }
}

/// The sample of column `x` in a row of samples of 1, 2 or 4 bits.
fn packed(row: &[u8], x: usize, depth: u8) -> u8 {
    let bit = x * usize::from(depth);
    let shift = 8 - depth - (bit % 8) as u8;
    row[bit / 8] >> shift & ((1 << depth) - 1)
}

fn expand_bytes(samples: Samples, clear: Option<[u16; 3]>, row: &[u8], out: &mut [Pixel]) {
    match samples {
        Samples::Rgba => {
            for (out, s) in out.iter_mut().zip(row.as_chunks::<4>().0) {
                *out = Pixel::from_le_bytes(*s);
            }
        }
        Samples::Rgb => {
            expand_rgb(row, out);
            if let Some(clear) = clear.and_then(as_bytes) {
                let clear = Pixel::from_le_bytes([clear[0], clear[1], clear[2], 255]);
                out.iter_mut().filter(|pixel| **pixel == clear).for_each(|pixel| *pixel = 0);
            }
        }
        Samples::GreyAlpha => {
            for (out, s) in out.iter_mut().zip(row.as_chunks::<2>().0) {
                *out = Pixel::from_le_bytes([s[0], s[0], s[0], s[1]]);
            }
        }
        Samples::Grey => unreachable!("grey of 8 bits goes through a table"),
    }
}

/// Four pixels at a time, since loads of three bytes are slow.
fn expand_rgb(row: &[u8], out: &mut [Pixel]) {
    const OPAQUE: u32 = 0xff00_0000;
    let (blocks, rest) = out.as_chunks_mut::<4>();
    let (packed, last) = row.as_chunks::<12>();
    for (out, packed) in blocks.iter_mut().zip(packed) {
        let word = |at: usize| {
            u32::from_le_bytes([packed[at], packed[at + 1], packed[at + 2], packed[at + 3]])
        };
        let (a, b, c) = (word(0), word(4), word(8));
        *out = [a, a >> 24 | b << 8, b >> 16 | c << 16, c >> 8].map(|pixel| pixel | OPAQUE);
    }
    for (out, s) in rest.iter_mut().zip(last.as_chunks::<3>().0) {
        *out = Pixel::from_le_bytes([s[0], s[1], s[2], 255]);
    }
}

/// The colour in 8 bits; none when a sample of 8 bits can never equal it.
fn as_bytes(colour: [u16; 3]) -> Option<[u8; 3]> {
    let [r, g, b] = colour.map(|sample| u8::try_from(sample).ok());
    Some([r?, g?, b?])
}

fn expand_words(samples: Samples, clear: Option<[u16; 3]>, row: &[u8], out: &mut [Pixel]) {
    let count = samples.count();
    for (out, bytes) in out.iter_mut().zip(row.chunks_exact(count * 2)) {
        let word = |at: usize| u16::from_be_bytes([bytes[at * 2], bytes[at * 2 + 1]]);
        let (colour, alpha) = match samples {
            Samples::Grey => ([word(0); 3], u16::MAX),
            Samples::GreyAlpha => ([word(0); 3], word(1)),
            Samples::Rgb => ([word(0), word(1), word(2)], u16::MAX),
            Samples::Rgba => ([word(0), word(1), word(2)], word(3)),
        };
        let [r, g, b] = colour.map(rounded);
        *out = match clear {
            Some(clear) if clear == colour => 0,
            _ => Pixel::from_le_bytes([r, g, b, rounded(alpha)]),
        };
    }
}

/// The nearest of 256 steps; 65,535 is 257 times 255, so no value lies half way.
fn rounded(sample: u16) -> u8 {
    ((u32::from(sample) + 128) / 257) as u8
}
