//! A row of pixels with the two rows above and below it.

use crate::layout::Pixel;

/// The row being compared and its neighbours, in one picture, cropped to what both pictures have.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// Rows `y - 2` to `y + 2`; those beyond the picture are empty.
    rows: [&'a [Pixel]; 5],
    /// The row's number, which is also what a checkerboard behind it is counted from.
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl<'a> Around<'a> {
    /// `row` gives the pixels of a row by its number; each has at least `width` of them.
    pub(crate) fn new(y: u32, width: u32, height: u32, row: impl Fn(u32) -> &'a [Pixel]) -> Self {
        let rows = std::array::from_fn(|at| match (y + at as u32).checked_sub(2) {
            Some(y) if y < height => &row(y)[..width as usize],
            _ => [].as_slice(),
        });
        Self { rows, y, width, height }
    }

    /// The row that is compared.
    pub(crate) fn middle(&self) -> &'a [Pixel] {
        self.rows[2]
    }

    /// The row `by` rows further down, -2 to 2; empty beyond the picture.
    pub(crate) fn row(&self, by: i32) -> &'a [Pixel] {
        self.rows[(by + 2) as usize]
    }

    /// The rows next to row `y + by`, itself included, that exist.
    pub(crate) fn rows_next_to(&self, by: i32) -> std::ops::RangeInclusive<i32> {
        let y = self.y as i32 + by;
        (if y == 0 { by } else { by - 1 })..=(if y + 1 == self.height as i32 { by } else { by + 1 })
    }

    /// The columns next to column `x`, itself included, that exist.
    pub(crate) fn columns_next_to(&self, x: u32) -> std::ops::RangeInclusive<u32> {
        x.saturating_sub(1)..=(x + 1).min(self.width - 1)
    }

    /// The number of the pixel at column `x` when all rows stand one behind the other.
    pub(crate) fn position(&self, x: u32) -> u64 {
        u64::from(self.y) * u64::from(self.width) + u64::from(x)
    }
}
