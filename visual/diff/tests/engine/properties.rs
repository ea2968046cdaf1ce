//! What must hold for any two pictures.

use std::io::Write;
use std::num::NonZeroU32;

use proptest::collection::vec;
use proptest::prelude::*;
use visual_diff::{Options, Rect, compare};

use crate::picture::{Colour, Picture, compared_with, in_place};
use crate::reference;

/// Few colours, so that neighbours are often equal, as on a page.
fn colour() -> impl Strategy<Value = Colour> {
    prop_oneof![
        6 => Just([255, 255, 255, 255]),
        3 => Just([30, 30, 40, 255]),
        2 => (0..4_u8).prop_map(|grey| [grey * 80, grey * 80, grey * 80, 255]),
        1 => any::<[u8; 3]>().prop_map(|[r, g, b]| [r, g, b, 255]),
        1 => any::<Colour>(),
        1 => Just([0, 0, 0, 0]),
    ]
}

/// Two pictures of one size; the second is the first with some pixels changed.
fn pair() -> impl Strategy<Value = (Picture, Picture)> {
    (1..40_u32, 1..30_u32).prop_flat_map(|(width, height)| {
        let pixels = (width * height) as usize;
        let changes = vec(prop_oneof![3 => Just(None), 1 => colour().prop_map(Some)], pixels);
        (vec(colour(), pixels), changes, any::<prop::sample::Index>()).prop_map(
            move |(pixels, changes, keep)| {
                let before = Picture { width, height, pixels };
                let mut after = before.clone();
                // A stretch without any change, so that not all is one region.
                let kept = keep.index(after.pixels.len());
                let spared = kept..kept + after.pixels.len() / 2;
                for (at, change) in changes.into_iter().enumerate() {
                    after.pixels[at] =
                        change.filter(|_| !spared.contains(&at)).unwrap_or(after.pixels[at]);
                }
                (before, after)
            },
        )
    })
}

fn options() -> impl Strategy<Value = Options> {
    let mask = (0..40_u32, 0..30_u32, 0..20_u32, 0..20_u32);
    (
        prop_oneof![Just(0.0), Just(0.1), 0.0..1.0],
        any::<bool>(),
        vec(mask.prop_map(|(x, y, width, height)| Rect { x, y, width, height }), 0..4),
        1..=10_u32,
    )
        .prop_map(|(threshold, count_antialiased, masks, merge_distance)| Options {
            threshold,
            count_antialiased,
            masks,
            merge_distance,
            max_regions: usize::MAX,
            ..in_place()
        })
}

fn with_bands(options: &Options, rows: u32) -> Options {
    Options { band_rows: NonZeroU32::new(rows), ..options.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_reference((before, after) in pair(), options in options()) {
        let found = compared_with(&before, &after, &options);
        let expected = reference::look(&before, &after, &options);
        prop_assert_eq!(found.changed_pixels, Some(expected.changed));
        prop_assert_eq!(found.antialiased_pixels, expected.antialiased);
        prop_assert_eq!(found.identical, expected.identical);
        let mut regions: Vec<_> = found.regions.iter().map(|r| (r.rect(), r.pixels)).collect();
        regions.sort_by_key(|(r, pixels)| (r.y, r.x, r.height, r.width, *pixels));
        prop_assert_eq!(regions, expected.regions);
    }

    #[test]
    fn bands_make_no_difference((before, after) in pair(), options in options(), rows in 1..9_u32) {
        let (before, after) = (before.png(), after.png());
        let run = |options: &Options| {
            let mut diff = Vec::new();
            let found = compare(&before, &after, options, Some(&mut diff as &mut dyn Write));
            (found.unwrap(), diff)
        };
        prop_assert_eq!(run(&with_bands(&options, rows)), run(&with_bands(&options, 1_000)));
    }

    #[test]
    fn the_order_makes_no_difference_to_counts((before, after) in pair(), options in options()) {
        let there = compared_with(&before, &after, &options);
        let back = compared_with(&after, &before, &options);
        prop_assert_eq!(there.changed_pixels, back.changed_pixels);
        prop_assert_eq!(there.antialiased_pixels, back.antialiased_pixels);
        let places = |found: &visual_diff::Comparison| -> Vec<_> {
            let regions = found.regions.iter();
            regions.map(|r| (r.rect(), r.pixels, r.mean_distance.to_bits())).collect()
        };
        prop_assert_eq!(places(&there), places(&back));
    }

    #[test]
    fn a_picture_equals_itself((picture, _) in pair(), options in options()) {
        let stored = [png::Filter::NoFilter, png::Filter::Adaptive].map(|f| picture.png_with(f));
        let found = compare(&stored[0], &stored[1], &options, None).unwrap();
        prop_assert!(found.identical && found.regions.is_empty());
        prop_assert_eq!((found.changed_pixels, found.antialiased_pixels), (Some(0), 0));
        prop_assert_eq!(compare(&stored[0], &stored[0], &options, None).unwrap(), found);
    }

    #[test]
    fn nothing_counts_under_masks((before, after) in pair(), options in options(), cut in 0..40_u32) {
        let below = Rect { x: 0, y: cut, width: u32::MAX, height: u32::MAX };
        let above = Rect { x: 0, y: 0, width: 40, height: cut };
        let options = Options { masks: vec![below, above], ..options };
        let found = compared_with(&before, &after, &options);
        prop_assert!(found.identical && found.regions.is_empty());
        prop_assert_eq!((found.changed_pixels, found.antialiased_pixels), (Some(0), 0));
    }
}
