//! Where changes are, and that a fingerprint tells changes apart but not places.

use visual_diff::{Comparison, Fingerprint, Options};

use crate::picture::{GREEN, INK, Picture, RED, WHITE, compared, compared_with, in_place, rect};

const PAGE: (u32, u32) = (160, 120);

fn page() -> Picture {
    Picture::plain(PAGE.0, PAGE.1, WHITE)
}

/// A change with holes, tails that meet further down, and several colours.
fn stamp(mut picture: Picture, x: u32, y: u32) -> Picture {
    let drawing = [
        "#.......#...........#",
        "#.......#...........#",
        "##.....##..........##",
        ".#.....#............#",
        ".#######............#",
        "....................#",
        "...o................#",
        "oooooooooooooooooo..#",
        "........#........####",
    ];
    for (row, line) in drawing.iter().enumerate() {
        for (column, mark) in line.bytes().enumerate() {
            match mark {
                b'#' => picture.set(x + column as u32, y + row as u32, INK),
                b'o' => picture.set(x + column as u32, y + row as u32, RED),
                _ => {}
            }
        }
    }
    picture
}

type Edit<'a> = &'a dyn Fn(&mut Picture, &mut Picture);

/// The only region's fingerprint; all changes count and only touching pixels are one region, unless
/// they are in reach.
fn fingerprint(before: &Picture, after: &Picture, merge_distance: u32) -> Fingerprint {
    let options = Options { count_antialiased: true, merge_distance, ..in_place() };
    let found = compared_with(before, after, &options);
    assert_eq!(found.regions.len(), 1, "{:?}", found.regions);
    found.regions[0].fingerprint
}

#[test]
fn a_fingerprint_does_not_depend_on_the_place() {
    let first = fingerprint(&page(), &stamp(page(), 0, 0), 4);
    for (x, y) in [(1, 0), (0, 1), (7, 5), (100, 60), (PAGE.0 - 21, PAGE.1 - 9)] {
        assert_eq!(fingerprint(&page(), &stamp(page(), x, y), 4), first, "at {x}, {y}");
    }
    let other_page = || Picture::plain(90, 300, WHITE).with(0, 0, 90, 20, GREEN);
    let elsewhere = fingerprint(&other_page(), &stamp(other_page(), 33, 200), 4);
    assert_eq!(elsewhere, first, "on another page");
}

#[test]
fn a_fingerprint_depends_on_every_pixel() {
    let change = |edit: Edit| {
        let (mut before, mut after) = (page(), stamp(page(), 40, 40));
        edit(&mut before, &mut after);
        fingerprint(&before, &after, 4)
    };
    let known = change(&|_, _| {});
    let edits: [(&str, Edit); 6] = [
        ("one colour after, by one step", &|_, after| after.set(40, 40, [21, 20, 30, 255])),
        ("its opacity", &|_, after| after.set(43, 46, [200, 30, 30, 254])),
        ("one colour before", &|before, _| before.set(45, 47, [254, 255, 255, 255])),
        ("one pixel more", &|_, after| after.set(42, 42, INK)),
        ("one pixel less", &|_, after| after.set(41, 43, WHITE)),
        ("a pixel moved", &|_, after| {
            after.set(43, 46, WHITE);
            after.set(44, 46, RED);
        }),
    ];
    let mut seen = vec![("nothing", known)];
    for (what, edit) in edits {
        let print = change(edit);
        for (other, known) in &seen {
            assert_ne!(print, *known, "{what} and {other}");
        }
        seen.push((what, print));
    }
    let back = fingerprint(&stamp(page(), 40, 40), &page(), 4);
    assert_ne!(back, known, "the way back is another change");
}

#[test]
fn a_long_change_has_a_fingerprint_of_all_its_rows() {
    // Far more than is collected before it is hashed.
    let noise = |at: u32| [(at * 31 % 251) as u8, (at * 17 % 241) as u8, 0, 255];
    let tall = |y: u32, last: u32| {
        let mut picture = Picture::plain(100, 400, WHITE);
        for at in 0..90 * 300 {
            let colour = if at == 90 * 300 - 1 { last } else { at };
            picture.set(at % 90, y + at / 90, noise(colour));
        }
        picture
    };
    let blank = Picture::plain(100, 400, WHITE);
    let first = fingerprint(&blank, &tall(0, 1), 8);
    assert_eq!(first, fingerprint(&blank, &tall(77, 1), 8));
    assert_ne!(first, fingerprint(&blank, &tall(0, 2), 8));
}

#[test]
fn what_is_near_is_one_region() {
    let check = |gap: u32, merge_distance: u32, expected: usize| {
        let across = page().with(10, 10, 5, 5, RED).with(14 + gap, 10, 5, 5, RED);
        let down = page().with(10, 10, 5, 5, RED).with(12, 14 + gap, 5, 5, RED);
        let options = Options { merge_distance, ..in_place() };
        for after in [across, down] {
            let found = compared_with(&page(), &after, &options);
            assert_eq!(found.regions.len(), expected, "gap {gap}, distance {merge_distance}");
            assert_eq!(found.regions.iter().map(|r| r.pixels).sum::<u64>(), 50);
        }
    };
    check(2, 1, 2);
    check(2, 2, 1);
    check(8, 8, 1);
    check(9, 8, 2);
    check(64, 64, 1);
    check(65, 64, 2);
}

#[test]
fn regions_come_in_reading_order_with_their_numbers() {
    let after = page().with(100, 8, 10, 10, RED).with(20, 8, 10, 5, RED).with(0, 60, 30, 2, INK);
    let found = compared(&page(), &after);
    let places: Vec<_> = found.regions.iter().map(|r| (r.rect(), r.pixels)).collect();
    let expected =
        [(rect(20, 8, 10, 5), 50), (rect(100, 8, 10, 10), 100), (rect(0, 60, 30, 2), 60)];
    assert_eq!(places, expected);
    assert_eq!(found.changed_pixels, Some(210));
    assert!((found.changed_ratio - 210.0 / 19_200.0).abs() < 1e-12);
}

#[test]
fn a_distance_is_on_the_scale_of_the_threshold() {
    let black = Picture::plain(PAGE.0, PAGE.1, [0, 0, 0, 255]);
    let found = compared(&black, &black.clone().with(10, 10, 20, 20, WHITE));
    let far = found.regions[0].mean_distance;
    // Black and white differ in luma alone: sqrt(0.5053 * 255^2 / 35215).
    assert!((far - 0.965_94).abs() < 1e-4, "{far}");
    let near = page().with(10, 10, 20, 20, [215, 215, 215, 255]);
    let near = compared(&page(), &near).regions[0].mean_distance;
    assert!((0.1..0.2).contains(&near), "{near}");
}

#[test]
fn the_largest_regions_are_kept() {
    let mut after = page();
    for at in 0..8 {
        after = after.with(at * 20, 30, at + 1, 2, INK);
    }
    let options = Options { max_regions: 3, ..in_place() };
    let found = compared_with(&page(), &after, &options);
    let pixels: Vec<_> = found.regions.iter().map(|region| region.pixels).collect();
    assert_eq!((pixels, found.regions_omitted), (vec![12, 14, 16], 5));
    assert_eq!(found.changed_pixels, Some(72));
}

#[test]
fn masks_cut_regions() {
    let after = page().with(20, 20, 60, 10, RED);
    let options = Options { masks: vec![rect(40, 0, 20, 120)], ..in_place() };
    let found = compared_with(&page(), &after, &options);
    let places: Vec<_> = found.regions.iter().map(|r| (r.rect(), r.pixels)).collect();
    assert_eq!(places, [(rect(20, 20, 20, 10), 200), (rect(60, 20, 20, 10), 200)]);
    assert!(!found.identical);
}

#[test]
fn a_comparison_survives_storage() {
    let found = compared(&page(), &stamp(page(), 30, 30).with(100, 100, 9, 9, GREEN));
    assert!(!found.regions.is_empty());
    let text = serde_json::to_string(&found).unwrap();
    assert!(text.contains("\"kind\":\"added\""), "{text}");
    assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), found);
    let print = found.regions[0].fingerprint;
    assert_eq!(print.to_string().parse(), Ok(print));
    for wrong in ["", "0123", "G123456789abcdef0123456789abcdef", "é123456789abcdef0123456789abcde"]
    {
        assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
    }
}
