//! The colour distance of pixelmatch 7.2.0, to the last bit.
//!
//! "Measuring perceived color difference using YIQ NTSC transmission color space in mobile
//! applications", Y. Kotsarenko and F. Ramos, 2010. Transparent pixels are laid over a pattern
//! that depends on the position, as pixelmatch 7 does. All sums are made in its order and in its
//! double precision, since a count must not depend on a rounding.

use crate::layout::Pixel;

/// The largest squared distance that two colours can have, as pixelmatch has it.
const LARGEST: f64 = 35215.0;

/// The squared distance from which on two colours differ, for a threshold of 0 to 1.
pub(crate) fn limit(threshold: f64) -> f64 {
    LARGEST * threshold * threshold
}

/// A squared distance on the scale of the threshold: 0 to 1.
pub(crate) fn on_threshold_scale(squared: f64) -> f64 {
    (squared / LARGEST).sqrt().min(1.0)
}

/// How many pixels are looked at together.
pub(crate) const BLOCK: usize = 16;

/// The squared distances of up to [`BLOCK`] pairs of colours, of which the first stands at the
/// pixel number `position`; 0 for equal colours and beyond the last one.
pub(crate) fn distances(a: &[Pixel], b: &[Pixel], position: u64) -> [f64; BLOCK] {
    if let (Ok(a), Ok(b)) = (<&[Pixel; BLOCK]>::try_from(a), <&[Pixel; BLOCK]>::try_from(b)) {
        let opaque = a.iter().chain(b).fold(Pixel::MAX, |all, pixel| all & pixel) >= OPAQUE;
        if opaque {
            return std::array::from_fn(|at| distance(difference(a[at], b[at])));
        }
    }
    let mut squared = [0.0; BLOCK];
    for (at, (out, (&a, &b))) in squared.iter_mut().zip(a.iter().zip(b)).enumerate() {
        *out = distance(channels(a, b, position + at as u64));
    }
    squared
}

fn distance(channels: [f64; 3]) -> f64 {
    let [luma, in_phase, quadrature] = parts(channels);
    luma + in_phase + quadrature
}

/// What brightness and the two directions of colour add to a squared distance.
fn parts([dr, dg, db]: [f64; 3]) -> [f64; 3] {
    let luma = luma(dr, dg, db);
    let in_phase = dr * 0.595_977_99 - dg * 0.274_176_10 - db * 0.321_801_89;
    let quadrature = dr * 0.211_470_17 - dg * 0.522_617_11 + db * 0.311_146_94;
    [0.5053 * luma * luma, 0.299 * in_phase * in_phase, 0.1957 * quadrature * quadrature]
}

/// The squared distance of two colours without transparency, and how much of it is brightness.
pub(crate) fn measured(a: Pixel, b: Pixel) -> (f64, f64) {
    let channels = difference(a, b);
    (distance(channels), parts(channels)[0])
}

/// How much brighter `a` is than `b`, both seen on the background of the pixel `position`.
pub(crate) fn brightness(a: Pixel, b: Pixel, position: u64) -> f64 {
    let [dr, dg, db] = channels(a, b, position);
    luma(dr, dg, db)
}

fn luma(dr: f64, dg: f64, db: f64) -> f64 {
    dr * 0.298_895_31 + dg * 0.586_622_47 + db * 0.114_482_23
}

/// The least pixel without transparency.
const OPAQUE: Pixel = 0xff00_0000;

/// Red, green and blue of `a` less those of `b`, seen at the pixel number `position`.
fn channels(a: Pixel, b: Pixel, position: u64) -> [f64; 3] {
    if a & b >= OPAQUE {
        difference(a, b)
    } else {
        blended(a.to_le_bytes(), b.to_le_bytes(), position)
    }
}

/// Red, green and blue of `a` less those of `b`, both without transparency.
fn difference(a: Pixel, b: Pixel) -> [f64; 3] {
    [0, 8, 16].map(|shift| {
        let channel = |pixel: Pixel| (pixel >> shift & 255) as i32;
        f64::from(channel(a) - channel(b))
    })
}

#[cold]
fn blended(a: [u8; 4], b: [u8; 4], position: u64) -> [f64; 3] {
    let behind = background(position);
    let (alpha_a, alpha_b) = (f64::from(a[3]), f64::from(b[3]));
    [0, 1, 2].map(|at| {
        let over = f64::from(a[at]) * alpha_a - f64::from(b[at]) * alpha_b;
        (over - behind[at] * (alpha_a - alpha_b)) / 255.0
    })
}

/// What shines through a transparent pixel.
///
/// pixelmatch derives it from the byte offset, which is a multiple of four, so that red is always
/// the darker value. Offsets beyond 2³¹ wrap as JavaScript's `| 0` does.
pub(crate) fn background(position: u64) -> [f64; 3] {
    let offset = (position * 4) as f64;
    let step = |ratio: f64| f64::from(((offset / ratio) as i64 as i32) % 2);
    [48.0, 48.0 + 159.0 * step(1.618_033_988_749_895), 48.0 + 159.0 * step(2.618_033_988_749_895)]
}
