//! Whether a pixel only smooths an edge.
//!
//! "Anti-aliased Pixel and Intensity Slope Detector", V. Vyšniauskas, 2009, in the form that
//! pixelmatch 7.2.0 gives it.

use crate::around::Around;
use crate::yiq::brightness;

/// Whether the pixel in column `x` of the middle row seems to smooth an edge in `this` picture,
/// judged with the help of the `other`.
///
/// It has at most two neighbours of its own brightness, some darker and some brighter, and of the
/// darkest or of the brightest one both pictures show a flat patch.
pub(crate) fn smooths_edge(this: &Around<'_>, other: &Around<'_>, x: u32) -> bool {
    let centre = this.middle()[x as usize];
    let columns = this.columns_next_to(x);
    let rows = this.rows_next_to(0);
    let mut equal = u32::from(on_border(this, x, 0));
    for row in rows.clone() {
        let around = &this.row(row)[*columns.start() as usize..=*columns.end() as usize];
        equal += around.iter().filter(|pixel| **pixel == centre).count() as u32;
    }
    // The pixel itself has been counted, too. Most pixels are dismissed here.
    if equal > 3 {
        return false;
    }

    let position = this.position(x);
    let (mut darkest, mut brightest) = (0.0, 0.0);
    let (mut darkest_at, mut brightest_at) = ((x, 0), (x, 0));
    // Columns outside, rows inside: of two equal extremes the first one counts.
    for column in columns {
        for row in rows.clone() {
            let pixel = this.row(row)[column as usize];
            if pixel == centre {
                continue;
            }
            let delta = brightness(centre, pixel, position);
            if delta == 0.0 {
                equal += 1;
                if equal > 3 {
                    return false;
                }
            } else if delta < darkest {
                (darkest, darkest_at) = (delta, (column, row));
            } else if delta > brightest {
                (brightest, brightest_at) = (delta, (column, row));
            }
        }
    }
    if darkest == 0.0 || brightest == 0.0 {
        return false;
    }
    let flat_in_both = |(x, row)| is_flat(this, x, row) && is_flat(other, x, row);
    flat_in_both(darkest_at) || flat_in_both(brightest_at)
}

/// Whether three or more neighbours of a pixel have exactly its colour; the border counts as one.
fn is_flat(picture: &Around<'_>, x: u32, row: i32) -> bool {
    let centre = picture.row(row)[x as usize];
    let columns = picture.columns_next_to(x);
    let mut equal = u32::from(on_border(picture, x, row));
    for row in picture.rows_next_to(row) {
        let around = &picture.row(row)[*columns.start() as usize..=*columns.end() as usize];
        equal += around.iter().filter(|pixel| **pixel == centre).count() as u32;
    }
    equal > 3
}

fn on_border(picture: &Around<'_>, x: u32, row: i32) -> bool {
    let y = picture.y as i32 + row;
    x == 0 || x + 1 == picture.width || y == 0 || y + 1 == picture.height as i32
}
