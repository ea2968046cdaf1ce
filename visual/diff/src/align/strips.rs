//! A picture's rows as hashes of short strips: what is left of the pixels for aligning.

use crate::Size;
use crate::layout::Pixel;

/// How many pixels a strip has at the least.
const PIXELS: usize = 8;

/// How many strips a row, and a picture, has at the most; a large one gets wider strips, so that
/// its hashes take no more than 64 MiB.
const MOST_A_ROW: usize = 256;
const MOST: usize = 16 << 20;

/// How many rows a picture has at the most that is aligned: far more than a browser can photograph.
pub(crate) const MOST_ROWS: u32 = 1 << 18;

/// Random numbers (the first digits of pi after the point, in hexadecimal).
const KEYS: [u32; PIXELS] = [
    0x243f_6a88,
    0x85a3_08d3,
    0x1319_8a2e,
    0x0370_7344,
    0xa409_3822,
    0x299f_31d0,
    0x082e_fa98,
    0xec4e_6c89,
];

/// Odd, with its bits well mixed (2⁶⁴ divided by the golden ratio).
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// The strips of the rows of one picture, top to bottom and left to right.
#[derive(Debug)]
pub(crate) struct Strips {
    /// Pixels of a strip; the last one of a row may have fewer.
    pub(crate) pixels: usize,
    /// Strips of a row.
    pub(crate) a_row: usize,
    hashes: Vec<u32>,
}

impl Strips {
    /// Makes room for rows of the given width; `larger` has the width of both pictures and the
    /// height of the taller one, so that both have the same strips.
    pub(crate) fn new(larger: Size) -> Self {
        let (width, height) = (larger.width as usize, larger.height as usize);
        let mut pixels = PIXELS;
        let too_many = |a_row: usize| a_row > MOST_A_ROW || a_row.saturating_mul(height) > MOST;
        while width > pixels && too_many(width.div_ceil(pixels)) {
            pixels *= 2;
        }
        Self { pixels, a_row: width.div_ceil(pixels), hashes: Vec::new() }
    }

    /// Strips of eight pixels with these hashes.
    #[cfg(test)]
    pub(super) fn of_hashes(a_row: usize, hashes: Vec<u32>) -> Self {
        Self { pixels: PIXELS, a_row, hashes }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.hashes.len() / self.a_row
    }

    /// The hashes of row `y`.
    pub(crate) fn row(&self, y: u32) -> &[u32] {
        let start = y as usize * self.a_row;
        &self.hashes[start..start + self.a_row]
    }

    /// Adds the next row, from its pixels.
    pub(crate) fn add(&mut self, row: &[Pixel]) {
        self.hashes.extend(row.chunks(self.pixels).map(hash));
    }

    /// Adds the row that `other` got last.
    pub(crate) fn add_last_of(&mut self, other: &Self) {
        let start = other.hashes.len() - other.a_row;
        self.hashes.extend_from_slice(&other.hashes[start..]);
    }
}

/// Whether all pixels of a strip have one colour.
pub(crate) fn is_plain(hash: u32) -> bool {
    hash & 1 == 1
}

/// Whether the strips, at least one, are all of one colour.
pub(crate) fn is_blank(row: &[u32]) -> bool {
    is_plain(row[0]) && row.iter().all(|strip| *strip == row[0])
}

/// Hashes up to a strip's pixels; the lowest bit tells whether they are all of one colour.
///
/// The sum of products is NH, of which two different strips have the same value with a chance of
/// 2⁻³² ("UMAC: Fast and Secure Message Authentication", J. Black et al., 1999).
fn hash(pixels: &[Pixel]) -> u32 {
    let first = pixels[0];
    if pixels.iter().fold(0, |all, pixel| all | pixel ^ first) == 0 {
        // The last strip of a row may have fewer pixels and is to equal the others.
        return mixed(first.into()) | 1;
    }
    let (blocks, rest) = pixels.as_chunks::<PIXELS>();
    let mut last = [0; PIXELS];
    last[..rest.len()].copy_from_slice(rest);
    let rest = if rest.is_empty() { &[] } else { std::slice::from_ref(&last) };
    let mut sum = 0_u64;
    for block in blocks.iter().chain(rest) {
        let mut products = 0_u64;
        for at in 0..PIXELS / 2 {
            let left = block[at].wrapping_add(KEYS[at]);
            let right = block[at + PIXELS / 2].wrapping_add(KEYS[at + PIXELS / 2]);
            products = products.wrapping_add(u64::from(left) * u64::from(right));
        }
        sum = sum.wrapping_mul(MIX).wrapping_add(products);
    }
    mixed(sum) & !1
}

fn mixed(sum: u64) -> u32 {
    ((sum ^ sum >> 32).wrapping_mul(MIX) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_pixels_have_equal_hashes_and_others_have_not() {
        let row: Vec<Pixel> = (0..29).map(|x| x * 0x0101_0101).collect();
        let mut strips = Strips::new(Size { width: 29, height: 3 });
        strips.add(&row);
        strips.add(&row);
        assert_eq!((strips.a_row, strips.rows()), (4, 2));
        assert_eq!(strips.row(0), strips.row(1));
        for x in 0..29 {
            for bit in 0..32 {
                let mut other = row.clone();
                other[x] ^= 1 << bit;
                let mut strips = Strips::new(Size { width: 29, height: 3 });
                strips.add(&row);
                strips.add(&other);
                let differing = (0..4).filter(|&at| strips.row(0)[at] != strips.row(1)[at]);
                assert_eq!(differing.collect::<Vec<_>>(), [x / 8], "pixel {x}, bit {bit}");
            }
        }
    }

    #[test]
    fn one_colour_is_told_from_several() {
        for (pixels, expected) in [
            (vec![7; 8], true),
            (vec![7; 3], true),
            (vec![0; 8], true),
            (vec![7, 7, 7, 7, 7, 7, 7, 8], false),
        ] {
            assert_eq!(is_plain(hash(&pixels)), expected, "{pixels:?}");
        }
        assert_eq!(hash(&[7; 3]), hash(&[7; 8]), "a row that ends within a strip");
    }

    #[test]
    fn a_large_picture_gets_wider_strips() {
        for (width, height, expected) in
            [(100, 100, 8), (2_048, 65_536, 8), (2_049, 10, 16), (1_024, 200_000, 16)]
        {
            let strips = Strips::new(Size { width, height });
            assert_eq!(strips.pixels, expected, "{width} x {height}");
        }
    }
}
