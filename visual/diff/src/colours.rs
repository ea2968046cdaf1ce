//! Two colours by themselves: how far apart a comparison takes them to be.

use crate::layout::Pixel;
use crate::{Metric, oklab, yiq};

/// The distance of two colours without transparency, as a comparison measures it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColourDistance {
    metric: Metric,
    /// As it is held against the limit: squared with YIQ.
    measured: f64,
    /// How much of `measured` is brightness.
    brightness: f64,
}

/// Measures two colours, given as red, green and blue of sRGB.
///
/// ```
/// use visual_diff::{Metric, colour_distance};
/// let found = colour_distance([0, 0, 0], [255, 255, 255], Metric::Oklab);
/// assert!(found.counts(0.99) && (found.distance() - 1.0).abs() < 1e-6);
/// ```
pub fn colour_distance(a: [u8; 3], b: [u8; 3], metric: Metric) -> ColourDistance {
    let [a, b] = [a, b].map(|[r, g, b]| Pixel::from_le_bytes([r, g, b, 255]));
    let (measured, brightness) = match metric {
        // A comparison never measures what is equal.
        _ if a == b => (0.0, 0.0),
        Metric::Yiq => yiq::measured(a, b),
        Metric::Oklab => (oklab::distance(a, b, 0), oklab::parts(a, b, 0).0),
    };
    ColourDistance { metric, measured, brightness }
}

impl ColourDistance {
    /// Whether a pixel that had one of the colours and has the other now counts as changed at this
    /// threshold, 0 (any difference) to 1 (none), unless it only smooths an edge.
    pub fn counts(&self, threshold: f64) -> bool {
        self.measured > limit(self.metric, threshold)
    }

    /// The distance on the scale of the threshold: 0 to 1, with OKLab somewhat more. A pixel counts
    /// below this threshold and not from there on, up to a rounding in the last digit.
    pub fn distance(&self) -> f64 {
        match self.metric {
            Metric::Yiq => yiq::on_threshold_scale(self.measured),
            Metric::Oklab => self.measured,
        }
    }

    /// How much of it is brightness, 0 to 1; the rest is colour. With YIQ it is a share of the
    /// squared distance. `None` for equal colours.
    pub fn brightness_share(&self) -> Option<f64> {
        (self.measured > 0.0).then(|| self.brightness / self.measured)
    }
}

/// What a distance has to be above to count, as the metric measures it.
pub(crate) fn limit(metric: Metric, threshold: f64) -> f64 {
    match metric {
        Metric::Yiq => yiq::limit(threshold),
        Metric::Oklab => threshold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, compare};

    fn picture(pixel: [u8; 3]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(&pixel).unwrap();
        bytes
    }

    /// What is said of two colours is what a comparison does with them, at thresholds all around.
    fn check(a: [u8; 3], b: [u8; 3]) {
        for metric in [Metric::Yiq, Metric::Oklab] {
            let found = colour_distance(a, b, metric);
            assert_eq!(found, colour_distance(b, a, metric), "{a:?} {b:?}");
            let edge = found.distance().min(1.0);
            let around = [edge * 0.999, edge, (edge * 1.001).min(1.0), 0.0, 0.1, 1.0];
            for threshold in around {
                let options =
                    Options { metric, threshold, count_antialiased: true, ..Options::default() };
                let compared = compare(&picture(a), &picture(b), &options, None).unwrap();
                let counted = compared.changed_pixels == Some(1);
                assert_eq!(found.counts(threshold), counted, "{a:?} {b:?} {options:?}");
            }
            let share = found.brightness_share();
            assert_eq!(share.is_none(), a == b);
            assert!(share.is_none_or(|share| (0.0..=1.0).contains(&share)), "{share:?}");
        }
    }

    #[test]
    fn a_comparison_counts_the_same() {
        for (a, b) in [
            ([0, 0, 0], [255, 255, 255]),
            ([10, 122, 90], [194, 32, 32]),
            ([255, 0, 0], [0, 255, 0]),
            ([119, 119, 119], [120, 119, 119]),
            ([0, 0, 255], [0, 0, 255]),
        ] {
            check(a, b);
        }
    }

    #[test]
    fn greys_differ_by_brightness_alone() {
        for metric in [Metric::Yiq, Metric::Oklab] {
            let share = colour_distance([20; 3], [200; 3], metric).brightness_share().unwrap();
            assert!((share - 1.0).abs() < 1e-6, "{metric:?} {share}");
        }
    }
}
