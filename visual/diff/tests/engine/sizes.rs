//! Pictures of different sizes.

use visual_diff::RegionKind::{self, Added, Removed};
use visual_diff::{Options, Rect};

use crate::picture::{GREEN, Picture, RED, WHITE, compared, compared_with, in_place, rect};

type Found = (Rect, u64, RegionKind);

fn found(before: &Picture, after: &Picture, options: &Options) -> Vec<Found> {
    let found = compared_with(before, after, options);
    assert_eq!(found.changed_pixels, None);
    assert!(!found.identical);
    let all: u64 = found.regions.iter().map(|region| region.pixels).sum();
    let overlap =
        u64::from(before.width.min(after.width)) * u64::from(before.height.min(after.height));
    let whole = found.baseline.pixels() + found.candidate.pixels() - overlap;
    assert!((found.changed_ratio - all as f64 / whole as f64).abs() < 1e-12);
    found.regions.iter().map(|r| (r.rect(), r.pixels, r.kind)).collect()
}

fn plain(width: u32, height: u32) -> Picture {
    Picture::plain(width, height, WHITE)
}

#[test]
fn what_only_one_has_is_a_region() {
    let check = |before: (u32, u32), after: (u32, u32), expected: &[Found]| {
        let (before, after) = (plain(before.0, before.1), plain(after.0, after.1));
        assert_eq!(found(&before, &after, &in_place()), expected);
    };
    check((50, 40), (50, 41), &[(rect(0, 40, 50, 1), 50, Added)]);
    check((50, 41), (50, 40), &[(rect(0, 40, 50, 1), 50, Removed)]);
    check((50, 40), (57, 40), &[(rect(50, 0, 7, 40), 280, Added)]);
    check((50, 40), (47, 40), &[(rect(47, 0, 3, 40), 120, Removed)]);
    check(
        (50, 40),
        (60, 45),
        &[(rect(50, 0, 10, 40), 400, Added), (rect(0, 40, 60, 5), 300, Added)],
    );
    check(
        (50, 40),
        (60, 35),
        &[(rect(50, 0, 10, 35), 350, Added), (rect(0, 35, 50, 5), 250, Removed)],
    );
    check(
        (1, 300),
        (300, 1),
        &[(rect(1, 0, 299, 1), 299, Added), (rect(0, 1, 1, 299), 299, Removed)],
    );
}

#[test]
fn the_overlap_is_compared_as_though_cropped() {
    let (before, after) = (plain(80, 60), plain(90, 70).with(10, 10, 5, 4, RED));
    let whole = compared(&before, &after);
    let cropped = compared(&before, &plain(80, 60).with(10, 10, 5, 4, RED));
    assert_eq!(whole.overlap_changed_pixels, 20);
    assert_eq!(Some(whole.overlap_changed_pixels), cropped.changed_pixels);
    let inside: Vec<_> = whole.regions.iter().filter(|region| region.y == 10).collect();
    assert_eq!(inside, cropped.regions.iter().collect::<Vec<_>>());
}

#[test]
fn masks_reach_into_the_parts() {
    let options = Options { masks: vec![rect(0, 42, 20, 100)], ..in_place() };
    let expected = [(rect(0, 40, 50, 10), 500 - 160, Added)];
    assert_eq!(found(&plain(50, 40), &plain(50, 50), &options), expected);
    let options = Options { masks: vec![rect(0, 40, 50, 100)], ..in_place() };
    assert_eq!(found(&plain(50, 40), &plain(50, 50), &options), []);
}

#[test]
fn a_part_has_a_fingerprint_of_its_content() {
    let print = |before: &Picture, after: &Picture| {
        compared(before, after).regions.last().expect("a part is left").fingerprint
    };
    let banner = |top: u32, colour| plain(50, top + 10).with(5, top + 2, 9, 3, colour);
    let known = print(&plain(50, 40), &banner(40, RED));
    assert_eq!(print(&plain(50, 77), &banner(77, RED)), known, "on a longer page");
    assert_ne!(print(&plain(50, 40), &banner(40, GREEN)), known, "another colour");
    assert_ne!(print(&banner(40, RED), &plain(50, 40)), known, "the way back");
}
