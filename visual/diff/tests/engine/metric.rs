//! What another metric calls a change.

use visual_diff::{Metric, Options};

use crate::picture::{Colour, Picture, compared_with, in_place};

/// Whether a square that changes from one colour to the other has changed.
fn differs(before: Colour, after: Colour, metric: Metric, threshold: f64) -> bool {
    let page = |colour| Picture::plain(30, 30, [255; 4]).with(10, 10, 10, 10, colour);
    let options = Options { metric, threshold, ..in_place() };
    let found = compared_with(&page(before), &page(after), &options);
    assert!([Some(0), Some(100)].contains(&found.changed_pixels), "{found:?}");
    found.changed_pixels == Some(100)
}

#[test]
fn oklab_has_its_own_distances() {
    let (black, white, grey) = ([0, 0, 0, 255], [255; 4], [119, 119, 119, 255]);
    let check = |before, after, distance: f64| {
        for (threshold, expected) in [(distance - 0.01, true), (distance + 0.01, false)] {
            let found = differs(before, after, Metric::Oklab, threshold.min(1.0));
            assert_eq!(found, expected, "{before:?} to {after:?} at {threshold}");
        }
    };
    // From black to white it is 1, and 18 % grey is half way.
    assert!(differs(black, white, Metric::Oklab, 0.99));
    check(black, grey, 0.5);
    check(grey, white, 0.5);
}

#[test]
fn oklab_sees_hues_that_yiq_does_not() {
    // 0.120 in OKLab, 0.080 in YIQ.
    let (teal, violet) = ([60, 130, 140, 255], [90, 110, 190, 255]);
    assert!(!differs(teal, violet, Metric::Yiq, 0.1));
    assert!(differs(teal, violet, Metric::Oklab, 0.1));
    assert!(!differs(teal, violet, Metric::Oklab, 0.13));
}
