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

    /// The pixel `dx` columns and `dy` rows from column `x` of the middle row, if there is one.
    pub(crate) fn pixel(&self, x: u32, dx: i32, dy: i32) -> Option<Pixel> {
        self.row(dy).get(x.checked_add_signed(dx)? as usize).copied()
    }

    /// Whether the pixel in column `x`, `dy` rows down, is on the border of the picture.
    pub(crate) fn on_border(&self, x: u32, dy: i32) -> bool {
        let y = self.y.wrapping_add_signed(dy);
        x == 0 || x + 1 == self.width || y == 0 || y + 1 == self.height
    }

    /// The number of the pixel at column `x` when all rows stand one behind the other.
    pub(crate) fn position(&self, x: u32) -> u64 {
        u64::from(self.y) * u64::from(self.width) + u64::from(x)
    }
}
