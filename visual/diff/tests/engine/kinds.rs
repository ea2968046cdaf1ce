//! What seems to have happened.

use visual_diff::RegionKind::{self, Added, Changed, Recoloured, Removed};

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
    check(&text(1), &text(2), Changed);
}

#[test]
fn a_box_moves() {
    let at = |x| page().with(x, 20, 10, 20, GREEN);
    check(&at(30), &at(36), Changed);
}
