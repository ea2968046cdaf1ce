//! What was in a region and what is there now, as numbers that do not depend on its place, so that
//! something that vanished here is recognised where it appears.
//!
//! Each is the value of a polynomial in two variables, one for the columns and one for the rows,
//! with the colours as coefficients. To put regions together is to add; to shift one is to multiply.

use crate::around::Around;
use crate::layout::Pixel;
use crate::regions::Run;

/// Odd numbers, so that they have an inverse.
const COLUMN: u64 = 0x9e37_79b9_7f4a_7c15;
const ROW: u64 = 0xc2b2_ae3d_27d4_eb4f;

/// The changed pixels of a region, before and after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) before: u64,
    pub(crate) after: u64,
}

impl Content {
    pub(crate) fn add(&mut self, other: Self) {
        self.before = self.before.wrapping_add(other.before);
        self.after = self.after.wrapping_add(other.after);
    }

    /// As though the pixel at this place were at the top left corner.
    pub(crate) fn seen_from(self, x: u32, y: u32) -> Self {
        let shift = power(inverse(COLUMN), x).wrapping_mul(power(inverse(ROW), y));
        Self { before: self.before.wrapping_mul(shift), after: self.after.wrapping_mul(shift) }
    }
}

/// The powers that rows and columns stand for.
#[derive(Debug, Default)]
pub(crate) struct Powers {
    columns: Vec<u64>,
    row: (u32, u64),
}

impl Powers {
    /// The content of changed pixels in the middle row.
    pub(crate) fn of(&mut self, run: &Run, before: &Around<'_>, after: &Around<'_>) -> Content {
        self.prepare(after);
        let columns = run.columns.start as usize..run.columns.end as usize;
        let sum = |row: &[Pixel]| {
            let pixels = row[columns.clone()].iter().zip(&self.columns[columns.clone()]);
            pixels.fold(0_u64, |sum, (pixel, power)| {
                sum.wrapping_add(mixed(*pixel).wrapping_mul(*power))
            })
        };
        Content {
            before: sum(before.middle()).wrapping_mul(self.row.1),
            after: sum(after.middle()).wrapping_mul(self.row.1),
        }
    }

    fn prepare(&mut self, after: &Around<'_>) {
        if self.columns.len() < after.width as usize {
            let next = |power: &u64| Some(power.wrapping_mul(COLUMN));
            self.columns =
                std::iter::successors(Some(1), next).take(after.width as usize).collect();
        }
        if self.row.0 != after.y || self.row.1 == 0 {
            self.row = (after.y, power(ROW, after.y));
        }
    }
}

fn mixed(pixel: Pixel) -> u64 {
    let spread = u64::from(pixel).wrapping_mul(0xff51_afd7_ed55_8ccd);
    spread ^ spread >> 29
}

fn power(base: u64, exponent: u32) -> u64 {
    base.wrapping_pow(exponent)
}

/// The number whose product with an odd one is 1, by Newton's method: every step doubles the bits
/// that are right, of which there are three to begin with.
const fn inverse(odd: u64) -> u64 {
    let mut found = odd;
    let mut step = 0;
    while step < 5 {
        found = found.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(found)));
        step += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_undoes() {
        for odd in [1, 3, COLUMN, ROW, u64::MAX] {
            assert_eq!(inverse(odd).wrapping_mul(odd), 1);
        }
    }

    #[test]
    fn a_content_has_no_place() {
        let rows = [vec![9; 40], vec![5; 40]];
        let content = |x: u32, y: u32| {
            let before = Around::new(y, 40, 100, |_| &rows[0]);
            let after = Around::new(y, 40, 100, |_| &rows[1]);
            let run = Run { columns: x..x + 7, distances: 0 };
            Powers::default().of(&run, &before, &after).seen_from(x, y)
        };
        for (x, y) in [(0, 0), (1, 0), (0, 1), (33, 97)] {
            assert_eq!(content(x, y), content(5, 5), "{x}, {y}");
        }
        assert_ne!(content(0, 0).before, content(0, 0).after);
    }
}
