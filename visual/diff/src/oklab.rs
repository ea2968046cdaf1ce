//! A colour distance that follows the eye more closely than YIQ does.
//!
//! HyAB, the sum of the distances in lightness and in colour ("Distance metrics for very large
//! color differences", S. Abasi, M. Amani Tehran and M. D. Fairchild, 2019), in OKLab ("A perceptual
//! color space for image processing", B. Ottosson, 2020) with the lightness estimate Lr of
//! "Okhsv and Okhsl" (B. Ottosson, 2021), which does not overrate what is nearly black. From black
//! to white it is 1. pixelmatch chose the same in July 2026, after 7.2.0.

use std::sync::LazyLock;

use crate::layout::Pixel;
use crate::yiq;

/// The distance of two colours, the first of which stands at the pixel number `position`; 0 to
/// somewhat more than 1.
pub(crate) fn distance(a: Pixel, b: Pixel, position: u64) -> f64 {
    let (lightness, colour) = parts(a, b, position);
    lightness + colour
}

/// What lightness and colour add to the distance.
pub(crate) fn parts(a: Pixel, b: Pixel, position: u64) -> (f64, f64) {
    let [[l1, a1, b1], [l2, a2, b2]] = [a, b].map(|pixel| oklab(linear(pixel, position)));
    ((l1 - l2).abs(), (a1 - a2).hypot(b1 - b2))
}

/// Red, green and blue in proportion to light, of a pixel seen on the background there.
fn linear(pixel: Pixel, position: u64) -> [f64; 3] {
    static LEVELS: LazyLock<[f64; 256]> =
        LazyLock::new(|| std::array::from_fn(|level| decoded(level as f64 / 255.0)));
    let [r, g, b, alpha] = pixel.to_le_bytes();
    if alpha == 255 {
        return [r, g, b].map(|level| LEVELS[usize::from(level)]);
    }
    let behind = yiq::background(position);
    let alpha = f64::from(alpha) / 255.0;
    let over = |level: u8, behind: f64| f64::from(level) * alpha + behind * (1.0 - alpha);
    [over(r, behind[0]), over(g, behind[1]), over(b, behind[2])].map(|level| decoded(level / 255.0))
}

/// The transfer function of sRGB (IEC 61966-2-1).
fn decoded(level: f64) -> f64 {
    if level <= 0.040_45 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) }
}

/// Lr, a and b.
fn oklab(rgb: [f64; 3]) -> [f64; 3] {
    const CONES: [[f64; 3]; 3] = [
        [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
        [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
        [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
    ];
    const OPPONENTS: [[f64; 3]; 3] = [
        [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
        [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
        [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
    ];
    let product = |row: [f64; 3], by: [f64; 3]| row[0] * by[0] + row[1] * by[1] + row[2] * by[2];
    let cones = CONES.map(|row| product(row, rgb).cbrt());
    let [lightness, green_red, blue_yellow] = OPPONENTS.map(|row| product(row, cones));
    [toe(lightness), green_red, blue_yellow]
}

/// Lr from OKLab's lightness: 0 for 0, 1 for 1.
fn toe(lightness: f64) -> f64 {
    const K1: f64 = 0.206;
    const K2: f64 = 0.03;
    const K3: f64 = (1.0 + K1) / (1.0 + K2);
    let shifted = K3 * lightness - K1;
    f64::midpoint(shifted, (shifted * shifted + 4.0 * K2 * K3 * lightness).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(r: u8, g: u8, b: u8) -> Pixel {
        Pixel::from_le_bytes([r, g, b, 255])
    }

    #[test]
    fn known_colours_have_their_known_place() {
        // From the table of reference values in Ottosson's article, and from CSS Color 4.
        for (pixel, expected) in [
            (colour(255, 255, 255), [1.0, 0.0, 0.0]),
            (colour(0, 0, 0), [0.0, 0.0, 0.0]),
            (colour(255, 0, 0), [0.627_955, 0.224_863, 0.125_846]),
            (colour(0, 255, 0), [0.866_440, -0.233_888, 0.179_498]),
            (colour(0, 0, 255), [0.452_014, -0.032_457, -0.311_528]),
        ] {
            let [lr, a, b] = oklab(linear(pixel, 0));
            let [l, expected_a, expected_b] = expected;
            for (found, expected) in [(lr, toe(l)), (a, expected_a), (b, expected_b)] {
                assert!((found - expected).abs() < 1e-5, "{pixel:08x}: {found} {expected}");
            }
        }
    }

    #[test]
    fn the_scale_is_from_black_to_white() {
        let (black, white) = (colour(0, 0, 0), colour(255, 255, 255));
        assert!((distance(black, white, 7) - 1.0).abs() < 1e-6);
        assert!(distance(black, black, 7).abs() < 1e-12);
        // Lr of 18 % grey lies in the middle, as L* does.
        let grey = distance(black, colour(119, 119, 119), 7);
        assert!((grey - 0.5).abs() < 0.01, "{grey}");
    }

    #[test]
    fn transparent_colours_are_seen_on_the_background() {
        let clear = |r, g, b| Pixel::from_le_bytes([r, g, b, 0]);
        assert!(distance(clear(255, 0, 0), clear(0, 255, 0), 12).abs() < 1e-12);
        let half = Pixel::from_le_bytes([255, 255, 255, 128]);
        let far = distance(half, colour(255, 255, 255), 0);
        assert!((0.1..0.9).contains(&far), "{far}");
    }
}
