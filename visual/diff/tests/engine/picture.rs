//! Pictures that tests draw.

use visual_diff::{Comparison, Options, Rect, compare};

pub(crate) type Colour = [u8; 4];

pub(crate) const WHITE: Colour = [255; 4];
pub(crate) const INK: Colour = [20, 20, 30, 255];
pub(crate) const RED: Colour = [200, 30, 30, 255];
pub(crate) const GREEN: Colour = [0, 120, 60, 255];

/// RGBA pixels, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixels: Vec<Colour>,
}

impl Picture {
    pub(crate) fn plain(width: u32, height: u32, colour: Colour) -> Self {
        Self { width, height, pixels: vec![colour; (width * height) as usize] }
    }

    pub(crate) fn at(&self, x: u32, y: u32) -> Colour {
        self.pixels[(y * self.width + x) as usize]
    }

    pub(crate) fn set(&mut self, x: u32, y: u32, colour: Colour) {
        self.pixels[(y * self.width + x) as usize] = colour;
    }

    /// The same with a box in one colour.
    pub(crate) fn with(mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) -> Self {
        for row in y..y + height {
            for column in x..x + width {
                self.set(column, row, colour);
            }
        }
        self
    }

    /// The same with a row of made-up letters that depend on `seed`.
    pub(crate) fn with_text(mut self, x: u32, y: u32, seed: u32, colour: Colour) -> Self {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        for letter in 0..6 {
            for at in 0..35 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if state >> 30 == 0 {
                    self.set(x + letter * 7 + at % 5, y + at / 5, colour);
                }
            }
        }
        self
    }

    pub(crate) fn png(&self) -> Vec<u8> {
        self.png_with(png::Filter::Paeth)
    }

    /// The same pixels in other bytes, depending on the filter.
    pub(crate) fn png_with(&self, filter: png::Filter) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_filter(filter);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(self.pixels.as_flattened()).unwrap();
        writer.finish().unwrap();
        bytes
    }
}

/// The default options, without aligning.
pub(crate) fn in_place() -> Options {
    Options { align: false, ..Options::default() }
}

/// Compares in place, otherwise with the default options.
pub(crate) fn compared(before: &Picture, after: &Picture) -> Comparison {
    compared_with(before, after, &in_place())
}

pub(crate) fn compared_with(before: &Picture, after: &Picture, options: &Options) -> Comparison {
    compare(&before.png(), &after.png(), options, None).unwrap()
}

pub(crate) fn rect(x: u32, y: u32, width: u32, height: u32) -> Rect {
    Rect { x, y, width, height }
}
