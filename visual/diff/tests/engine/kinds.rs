//! What seems to have happened.

use visual_diff::RegionKind::{self, Added, Changed, Moved, Recoloured, Removed, TextChanged};

use crate::picture::{GREEN, INK, Picture, RED, WHITE, compared};

fn page() -> Picture {
    Picture::plain(120, 80, WHITE)
}

/// A page whose ground runs slowly from one colour to another.
fn sloping() -> Picture {
    let mut picture = page();
    for y in 0..80 {
        for x in 0..120 {
            picture.set(x, y, [(x * 2) as u8, 100 + y as u8, 160, 255]);
        }
    }
    picture
}

#[track_caller]
fn check(before: &Picture, after: &Picture, expected: RegionKind) {
    let kinds = |a, b| compared(a, b).regions.iter().map(|r| r.kind).collect::<Vec<_>>();
    assert_eq!(kinds(before, after), [expected]);
    let back = match expected {
        Added => Removed,
        Removed => Added,
        other => other,
    };
    assert_eq!(kinds(after, before), [back], "the other way round");
}

#[test]
fn a_box_appears() {
    check(&page(), &page().with(30, 20, 40, 20, GREEN), Added);
    check(&sloping(), &sloping().with(30, 20, 40, 20, WHITE), Added);
    // In the corner, and as wide as the page: fewer neighbours to hold against.
    check(&page(), &page().with(0, 0, 40, 20, GREEN), Added);
    check(&page(), &page().with(0, 40, 120, 6, GREEN), Added);
}

#[test]
fn a_line_of_text_appears() {
    check(&page(), &page().with_text(20, 20, 1, INK), Added);
}

#[test]
fn a_button_changes_its_colour() {
    let button = |colour| page().with(30, 20, 40, 20, colour).with_text(32, 26, 3, WHITE);
    check(&button(GREEN), &button(RED), Recoloured);
}

#[test]
fn text_changes_its_colour() {
    let text = |colour| page().with_text(20, 20, 1, colour);
    check(&text(INK), &text(RED), Recoloured);
}

#[test]
fn the_whole_page_changes_its_colour() {
    check(&page(), &Picture::plain(120, 80, GREEN), Recoloured);
}

#[test]
fn text_is_replaced() {
    let text = |seed| page().with_text(20, 20, seed, INK);
    check(&text(1), &text(2), TextChanged);
    let small = |seed| page().with(0, 0, 120, 80, GREEN).with_text(20, 20, seed, WHITE);
    check(&small(7), &small(8), TextChanged);
}

#[test]
fn a_picture_is_replaced() {
    let mosaic = |seed: u32, size: u32| {
        let mut picture = page();
        let mut state = seed;
        for at in 0..100 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [r, g, b, _] = state.to_be_bytes();
            picture = picture.with(at % 10 * size, at / 10 * size, size, size, [r, g, b, 255]);
        }
        picture
    };
    check(&mosaic(1, 6), &mosaic(2, 7), Changed);
}

#[test]
fn a_box_grows() {
    let wide = |width| page().with(30, 20, width, 20, GREEN);
    check(&wide(16), &wide(20), Changed);
}

#[test]
fn what_is_gone_here_and_new_there_has_moved() {
    let at = |x, y| page().with(x, y, 12, 10, GREEN).with(x + 3, y + 2, 4, 4, INK);
    let kinds = |before: &Picture, after: &Picture| {
        compared(before, after).regions.iter().map(|r| r.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&at(10, 10), &at(70, 50)), [Moved, Moved]);
    assert_eq!(kinds(&at(10, 10), &at(70, 10)), [Moved, Moved]);
    // Not when a pixel of it has changed on the way.
    let mut other = at(70, 50);
    other.set(75, 53, RED);
    assert_eq!(kinds(&at(10, 10), &other), [Removed, Added]);
    // Nor when there is no counterpart.
    assert_eq!(kinds(&page(), &at(70, 50)), [Added]);
}

#[test]
fn a_box_that_overlaps_its_old_place_has_changed() {
    let at = |x| page().with(x, 20, 10, 20, GREEN);
    check(&at(30), &at(36), Changed);
}
