//! What moves on a page by itself, learnt from pictures of one version.

use serde::{Deserialize, Serialize};
use visual_diff::{Comparison, Rect, Region, Size};

use crate::seen::Compared;

/// By how many pixels a change may reach beyond what was learnt.
const SLACK: u32 = 2;

/// What was learnt of one page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Noise {
    /// How many pictures it was learnt from.
    pub(crate) captures: u32,
    /// The part of the picture that moved, 0 to 1.
    pub(crate) share: f64,
    /// Where, in pixels of the approved picture.
    pub(crate) areas: Vec<NoisyArea>,
}

/// A rectangle in which something moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct NoisyArea {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    /// The largest mean distance of colours that was seen there, 0 to 1.
    distance: f64,
}

impl NoisyArea {
    fn of(region: &Region) -> Self {
        let Region { x, y, width, height, mean_distance, .. } = *region;
        Self { x, y, width, height, distance: mean_distance }
    }

    fn touches(&self, other: &Self) -> bool {
        self.x <= other.x + other.width
            && other.x <= self.x + self.width
            && self.y <= other.y + other.height
            && other.y <= self.y + self.height
    }

    fn join(&mut self, other: &Self) {
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        self.x = self.x.min(other.x);
        self.y = self.y.min(other.y);
        self.width = right - self.x;
        self.height = bottom - self.y;
        self.distance = self.distance.max(other.distance);
    }

    fn covers(&self, rect: Rect) -> bool {
        // The numbers come from a file, and may be as large as they can be.
        let within = |start: u32, length: u32, from: u32, many: u32| {
            let end = |start: u32, length: u32| u64::from(start) + u64::from(length);
            u64::from(start) + u64::from(SLACK) >= u64::from(from)
                && end(start, length) <= end(from, many) + u64::from(SLACK)
        };
        within(rect.x, rect.width, self.x, self.width)
            && within(rect.y, rect.height, self.y, self.height)
    }
}

impl Noise {
    /// The envelope of what differs between pictures of one version; each comparison is of the
    /// first picture with another one, in place.
    pub(crate) fn of(found: &[Comparison], size: Size) -> Self {
        let mut areas: Vec<NoisyArea> = Vec::new();
        for region in found.iter().flat_map(|found| &found.regions) {
            let mut area = NoisyArea::of(region);
            // What grows may touch others that it did not touch before.
            while let Some(at) = areas.iter().position(|known| known.touches(&area)) {
                area.join(&areas.swap_remove(at));
            }
            areas.push(area);
        }
        areas.sort_by_key(|area| (area.y, area.x));
        let share = share(&areas, size.pixels());
        Self { captures: found.len() as u32 + 1, share, areas }
    }

    /// What still holds of it for the picture that the approved one was compared with: nothing
    /// when that has another size or something has shifted, and else the areas that the changes
    /// do not touch. What moves where the page is another one now, nobody has seen.
    pub(crate) fn carried(&self, compared: &Compared) -> Option<Self> {
        let [one, other] = compared.sizes;
        if one != other || compared.aligned.shifts().next().is_some() {
            return None;
        }
        let changed = |area: &NoisyArea| {
            compared.regions_omitted > 0
                || compared.regions.iter().any(|region| {
                    let (x, y, width, height) = (region.x, region.y, region.width, region.height);
                    area.touches(&NoisyArea { x, y, width, height, distance: 0.0 })
                })
        };
        let areas: Vec<NoisyArea> =
            self.areas.iter().filter(|area| !changed(area)).copied().collect();
        if areas.is_empty() && !self.areas.is_empty() {
            return None;
        }
        let share = share(&areas, u64::from(other[0]) * u64::from(other[1]));
        Some(Self { captures: self.captures, share, areas })
    }

    /// Whether a change lies where the page moves by itself and is no stronger than that. `rect`
    /// is where it was in the approved picture.
    pub(crate) fn explains(&self, rect: Rect, mean_distance: f64) -> bool {
        let strongest = |area: &NoisyArea| area.distance * 1.25 + 0.01;
        self.areas.iter().any(|area| area.covers(rect) && mean_distance <= strongest(area))
    }
}

/// The part of a picture that areas cover, 0 to 1.
fn share(areas: &[NoisyArea], pixels: u64) -> f64 {
    let covered: u64 =
        areas.iter().map(|area| u64::from(area.width) * u64::from(area.height)).sum();
    (covered as f64 / pixels.max(1) as f64).min(1.0)
}

#[cfg(test)]
mod tests {
    use visual_diff::{Options, compare};

    use super::*;

    const SIZE: Size = Size { width: 100, height: 100 };

    /// A grey square somewhere on a white page.
    fn page(x: u32, y: u32, side: u32, grey: u8) -> Vec<u8> {
        let mut pixels = vec![255; 100 * 100];
        for row in y..y + side {
            for column in x..x + side {
                pixels[(row * 100 + column) as usize] = grey;
            }
        }
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, 100, 100);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        png
    }

    fn learnt(others: &[Vec<u8>]) -> Noise {
        let options = Options { align: false, ..Options::default() };
        let approved = page(0, 0, 0, 0);
        let found: Vec<_> =
            others.iter().map(|other| compare(&approved, other, &options, None).unwrap()).collect();
        Noise::of(&found, SIZE)
    }

    #[test]
    fn an_envelope_covers_what_was_seen_and_no_more() {
        let noise = learnt(&[page(10, 10, 20, 128), page(25, 10, 20, 128), page(0, 0, 0, 0)]);
        assert_eq!((noise.captures, noise.areas.len()), (4, 1));
        assert!((noise.share - 0.07).abs() < 1e-9, "{noise:?}");
        let strength = noise.areas[0].distance;
        let explains =
            |x, y, width, height, strength| noise.explains(Rect { x, y, width, height }, strength);
        assert!(explains(10, 10, 35, 20, strength));
        assert!(explains(12, 14, 3, 3, strength * 0.5));
        // Stronger, larger, or elsewhere.
        assert!(!explains(12, 14, 3, 3, strength * 1.5));
        assert!(!explains(10, 10, 60, 20, strength));
        assert!(!explains(60, 60, 3, 3, strength * 0.1));
    }

    #[test]
    fn a_page_at_rest_has_no_noise() {
        let noise = learnt(&[page(0, 0, 0, 0), page(0, 0, 0, 0)]);
        assert_eq!(noise, Noise { captures: 3, share: 0.0, areas: Vec::new() });
        assert!(!noise.explains(Rect { x: 0, y: 0, width: 1, height: 1 }, 0.0));
    }

    #[test]
    fn what_still_holds_for_a_new_picture() {
        let noise = learnt(&[page(10, 10, 20, 128), page(60, 60, 20, 128)]);
        let check = |sizes, shifts: usize, regions: &[[u32; 4]], omitted, expect: Option<usize>| {
            let region = |&[x, y, width, height]: &[u32; 4]| gate_core::evidence::DiffRegion {
                x,
                y,
                width,
                height,
                pixels: 1,
                kind: "changed".to_owned(),
                fingerprint: String::new(),
                cause: None,
            };
            let shift = gate_core::evidence::DiffShift {
                x: 0,
                y: 90,
                width: 100,
                height: 2,
                from: None,
                fingerprint: String::new(),
                cause: None,
            };
            let compared = Compared {
                sizes,
                regions: regions.iter().map(region).collect(),
                regions_omitted: omitted,
                aligned: gate_core::evidence::DiffAligned {
                    inserted: vec![shift; shifts],
                    ..Default::default()
                },
                ..Compared::default()
            };
            let carried = noise.carried(&compared);
            assert_eq!(carried.as_ref().map(|noise| noise.areas.len()), expect, "{carried:?}");
            if let Some(carried) = carried {
                let expected = noise.share * carried.areas.len() as f64 / 2.0;
                assert!((carried.share - expected).abs() < 1e-9, "{carried:?}");
            }
        };
        let same = [[100, 100], [100, 100]];
        check(same, 0, &[], 0, Some(2));
        check(same, 0, &[[40, 40, 5, 5]], 0, Some(2));
        check(same, 0, &[[25, 15, 5, 5]], 0, Some(1));
        check(same, 0, &[[25, 15, 5, 5], [60, 79, 2, 2]], 0, None);
        check(same, 0, &[[40, 40, 5, 5]], 1, None);
        check(same, 1, &[], 0, None);
        check([[100, 100], [100, 101]], 0, &[], 0, None);
    }
}
