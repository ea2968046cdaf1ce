//! Whether a pixel only smooths an edge.
//!
//! "Anti-aliased Pixel and Intensity Slope Detector", V. Vyšniauskas, 2009, in the form that
//! pixelmatch 7.2.0 gives it.

use crate::around::Around;
use crate::layout::Pixel;
use crate::yiq::brightness;

/// The eight neighbours of a pixel, as columns and rows to go; columns outside, rows inside.
/// The order counts: of two equal extremes the first one is meant.
const NEIGHBOURS: [(i32, i32); 8] =
    [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)];

/// Whether the pixel in column `x` of the middle row seems to smooth an edge in `this` picture,
/// judged with the help of the `other`.
///
/// It has at most two neighbours of its own brightness, some darker and some brighter, and of the
/// darkest or of the brightest one both pictures show a flat patch. Beyond the border lies one
/// neighbour of its own brightness.
pub(crate) fn smooths_edge(this: &Around<'_>, other: &Around<'_>, x: u32) -> bool {
    let centre = this.middle()[x as usize];
    let deltas = match block(this, x, 0) {
        Some(block) => {
            if equal_in(&block, centre) > 2 {
                return false;
            }
            let position = this.position(x);
            block.map(|pixel| brightness(centre, pixel, position))
        }
        // A neighbour that does not exist is neither darker nor brighter, and is not counted.
        None => NEIGHBOURS.map(|(dx, dy)| match this.pixel(x, dx, dy) {
            Some(pixel) => brightness(centre, pixel, this.position(x)),
            None => f64::NAN,
        }),
    };
    let border = u32::from(this.on_border(x, 0));
    let equal: u32 = deltas.iter().map(|delta| u32::from(*delta == 0.0)).sum();
    if equal + border > 2 {
        return false;
    }
    let (mut darkest, mut brightest) = (0.0, 0.0);
    let (mut darkest_at, mut brightest_at) = (0, 0);
    for (at, &delta) in deltas.iter().enumerate() {
        if delta < darkest {
            (darkest, darkest_at) = (delta, at);
        }
        if delta > brightest {
            (brightest, brightest_at) = (delta, at);
        }
    }
    if darkest == 0.0 || brightest == 0.0 {
        return false;
    }
    let flat_in_both = |at: usize| {
        let (dx, row) = NEIGHBOURS[at];
        let x = x.wrapping_add_signed(dx);
        is_flat(this, x, row) && is_flat(other, x, row)
    };
    flat_in_both(darkest_at) || flat_in_both(brightest_at)
}

/// Whether three or more neighbours of a pixel have exactly its colour; the border counts as one.
fn is_flat(picture: &Around<'_>, x: u32, row: i32) -> bool {
    // Held against a row further down or up, one picture may have ended where the other goes on.
    let Some(&centre) = picture.row(row).get(x as usize) else { return false };
    if let Some(block) = block(picture, x, row) {
        return equal_in(&block, centre) > 2;
    }
    let equal = NEIGHBOURS
        .iter()
        .filter(|(dx, dy)| picture.pixel(x, *dx, row + dy) == Some(centre))
        .count();
    equal + usize::from(picture.on_border(x, row)) > 2
}

fn equal_in(block: &[Pixel; 8], centre: Pixel) -> u32 {
    block.iter().map(|pixel| u32::from(*pixel == centre)).sum()
}

/// The neighbours of a pixel in the order of [`NEIGHBOURS`], if it has all eight.
fn block(picture: &Around<'_>, x: u32, row: i32) -> Option<[Pixel; 8]> {
    if picture.on_border(x, row) {
        return None;
    }
    let left = x as usize - 1;
    let three = |row: i32| picture.row(row).get(left..)?.first_chunk::<3>();
    let (above, beside, below) = (three(row - 1)?, three(row)?, three(row + 1)?);
    Some([above[0], beside[0], below[0], above[1], below[1], above[2], beside[2], below[2]])
}
