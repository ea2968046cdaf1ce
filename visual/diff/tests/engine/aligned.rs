//! What has shifted, and that all else is still compared to the pixel.

use proptest::prelude::*;
use visual_diff::{Aligned, Comparison, Options, RegionKind, compare};

use crate::picture::{Colour, GREEN, INK, Picture, RED, WHITE, compared, rect};

const WIDTH: u32 = 320;

/// A page from top to bottom: lines of text, boxes and blank rows.
fn page(parts: &[Picture]) -> Picture {
    let height = parts.iter().map(|part| part.height).sum();
    let pixels = parts.iter().flat_map(|part| part.pixels.clone()).collect();
    Picture { width: WIDTH, height, pixels }
}

fn blank(rows: u32) -> Picture {
    Picture::plain(WIDTH, rows, WHITE)
}

/// Lines of 12 rows, with a blank row or more on each side.
fn text(seed: u32, lines: u32) -> Picture {
    let mut picture = blank(lines * 12);
    for line in 0..lines {
        for word in 0..4 {
            let seed = seed * 1_000 + line * 10 + word;
            picture = picture.with_text(20 + word * 60, line * 12 + 2, seed, INK);
        }
    }
    picture
}

fn banner(rows: u32, colour: Colour) -> Picture {
    Picture::plain(WIDTH, rows, colour).with_text(30, rows / 2 - 4, 77, WHITE)
}

fn button(colour: Colour) -> Picture {
    blank(40).with(40, 8, 100, 24, colour).with_text(60, 16, 5, WHITE)
}

fn aligned(before: &Picture, after: &Picture) -> Comparison {
    compare(&before.png(), &after.png(), &Options::default(), None).unwrap()
}

fn shifts(found: &Comparison) -> Aligned {
    found.aligned.clone().expect("it was asked for")
}

/// The edits as one line each.
fn edits(aligned: &Aligned) -> Vec<String> {
    let line = |what: &str, s: &visual_diff::Shift| {
        format!("{what} {}x{} at {},{}", s.width, s.height, s.x, s.y)
    };
    let inserted = aligned.inserted.iter().map(|shift| line("inserted", shift));
    let deleted = aligned.deleted.iter().map(|shift| line("deleted", shift));
    let moved = aligned
        .moved
        .iter()
        .map(|m| format!("moved {}x{} from {} to {}", m.width, m.height, m.from, m.y));
    inserted.chain(deleted).chain(moved).collect()
}

#[track_caller]
fn check(before: &[Picture], after: &[Picture], expected: &[&str], regions: usize) {
    let found = aligned(&page(before), &page(after));
    let aligned = shifts(&found);
    assert_eq!(edits(&aligned), expected);
    assert_eq!(found.regions.len(), regions, "{:?}", found.regions);
    let pixels: u64 = found.regions.iter().map(|region| region.pixels).sum();
    assert_eq!(aligned.changed_pixels, pixels);
    let back = shifts(&self::aligned(&page(after), &page(before)));
    assert_eq!(back.inserted.len(), aligned.deleted.len(), "the other way round");
    assert_eq!(back.deleted.len(), aligned.inserted.len(), "the other way round");
    assert_eq!(back.changed_pixels, aligned.changed_pixels, "the other way round");
}

#[test]
fn a_banner_is_one_insertion() {
    let rest = || [text(1, 8), button(GREEN), text(2, 20)];
    let [a, b, c] = rest();
    check(&rest(), &[banner(42, RED), a, b, c], &["inserted 320x42 at 0,0"], 0);
    let [a, b, c] = rest();
    check(&rest(), &[a, banner(42, RED), b, c], &["inserted 320x42 at 0,96"], 0);
}

#[test]
fn a_button_below_a_shift_is_the_only_region() {
    let before = [text(1, 8), text(2, 4), button(GREEN), text(3, 9)];
    let after = [text(1, 8), banner(42, RED), text(2, 4), button(RED), text(3, 9)];
    check(&before, &after, &["inserted 320x42 at 0,96"], 1);
    let found = aligned(&page(&before), &page(&after));
    let region = &found.regions[0];
    assert_eq!(region.rect(), rect(40, 96 + 42 + 48 + 8, 100, 24), "where it stands now");
    assert_eq!(region.kind, RegionKind::Recoloured);
    let in_place = [text(1, 8), text(2, 4), button(RED), text(3, 9)];
    let unshifted = compared(&page(&before), &page(&in_place));
    assert_eq!(region.fingerprint, unshifted.regions[0].fingerprint, "it is the same change");
}

#[test]
fn the_plain_count_does_not_depend_on_aligning() {
    let before = page(&[text(1, 8), text(2, 9), blank(42)]);
    let after = page(&[text(1, 8), banner(42, RED), text(2, 9)]);
    let found = aligned(&before, &after);
    let plain = compared(&before, &after);
    assert_eq!(found.changed_pixels, plain.changed_pixels);
    assert_eq!(found.overlap_changed_pixels, plain.overlap_changed_pixels);
    assert_eq!(found.antialiased_pixels, plain.antialiased_pixels);
    assert_eq!(found.changed_ratio.to_bits(), plain.changed_ratio.to_bits());
    assert!(plain.aligned.is_none() && plain.changed_pixels > Some(1_000));
    assert_eq!(shifts(&found).changed_pixels, 0);
    assert_eq!(edits(&shifts(&found)), ["inserted 320x42 at 0,96", "deleted 320x42 at 0,201"]);
    // That the foot is lower in a window of the same height is not worth a word.
    let options = Options { window_rows: Some(before.height), ..Options::default() };
    let found = compare(&before.png(), &after.png(), &options, None).unwrap();
    assert_eq!(edits(&shifts(&found)), ["inserted 320x42 at 0,96"]);
}

#[test]
fn nothing_has_shifted() {
    for (before, after) in [
        (page(&[text(1, 8)]), page(&[text(1, 8)])),
        (page(&[text(1, 8), button(GREEN)]), page(&[text(1, 8), button(RED)])),
        (page(&[text(1, 8), text(2, 3), text(3, 8)]), page(&[text(1, 8), text(9, 3), text(3, 8)])),
    ] {
        let found = aligned(&before, &after);
        assert!(shifts(&found).is_unshifted(), "{:?}", found.aligned);
        assert_eq!(Some(shifts(&found).changed_pixels), found.changed_pixels);
        let plain = compared(&before, &after);
        assert_eq!(Comparison { aligned: None, ..found }, plain);
    }
}

#[test]
fn a_single_row_does_not_pass_unseen() {
    let before = [text(1, 8), blank(20), text(2, 20)];
    let after = [text(1, 8), blank(21), text(2, 20)];
    let found = aligned(&page(&before), &page(&after));
    let aligned = shifts(&found);
    assert_eq!((aligned.inserted.len(), aligned.shifted_rows()), (1, 1), "{aligned:?}");
    assert_eq!(aligned.changed_pixels, 0);
}

#[test]
fn rows_side_by_side_are_counted_once() {
    let shift = |x, y, height| visual_diff::Shift {
        x,
        y,
        width: 10,
        height,
        fingerprint: "0123456789abcdef0123456789abcdef".parse().unwrap(),
    };
    let mut aligned = Aligned::default();
    assert_eq!(aligned.shifted_rows(), 0);
    aligned.inserted = vec![shift(0, 10, 40), shift(10, 20, 10), shift(20, 45, 10)];
    aligned.deleted = vec![shift(0, 0, 1)];
    assert_eq!(aligned.shifted_rows(), 46);
}

#[test]
fn a_fingerprint_of_a_shift_does_not_depend_on_the_place() {
    let print = |at: u32, new: Picture| {
        let before = page(&[text(1, 8), text(2, at), text(3, 8)]);
        let after = page(&[text(1, 8), text(2, at), new, text(3, 8)]);
        let aligned = shifts(&aligned(&before, &after));
        assert_eq!(aligned.inserted.len(), 1);
        aligned.inserted[0].fingerprint
    };
    let known = print(1, banner(42, RED));
    assert_eq!(print(7, banner(42, RED)), known);
    assert_ne!(print(7, banner(42, GREEN)), known);
    assert_ne!(print(7, banner(43, RED)), known);
}

#[test]
fn masks_move_with_what_they_cover() {
    // A clock that shows another time, further down than before.
    let clock = |seed| text(seed, 2);
    let before = page(&[text(1, 8), clock(50), text(2, 8)]);
    let after = page(&[text(1, 8), banner(42, RED), clock(51), text(2, 8)]);
    let options = Options {
        baseline_masks: vec![rect(0, 96, WIDTH, 24)],
        candidate_masks: vec![rect(0, 96 + 42, WIDTH, 24)],
        ..Options::default()
    };
    let found = compare(&before.png(), &after.png(), &options, None).unwrap();
    assert_eq!(edits(&shifts(&found)), ["inserted 320x42 at 0,96"]);
    assert_eq!(shifts(&found).changed_pixels, 0, "{:?}", found.regions);
    // Its place in the baseline says nothing about the candidate.
    let sneaky = page(&[text(1, 8), banner(42, GREEN), clock(51), text(2, 8)]);
    let found = compare(&after.png(), &sneaky.png(), &options, None).unwrap();
    assert!(found.regions.iter().any(|region| region.y < 96 + 42), "{:?}", found.regions);
}

#[test]
fn a_masked_insertion_is_none() {
    let before = page(&[text(1, 8), text(2, 8)]);
    let after = page(&[text(1, 8), banner(42, RED), text(2, 8)]);
    let options = Options { candidate_masks: vec![rect(0, 96, WIDTH, 42)], ..Options::default() };
    let found = compare(&before.png(), &after.png(), &options, None).unwrap();
    assert!(shifts(&found).is_unshifted(), "{:?}", found.aligned);
}

#[test]
fn a_wider_page_is_aligned_where_it_can_be() {
    let narrow = page(&[text(1, 8), text(2, 8)]);
    let wide = page(&[text(1, 8), banner(42, RED), text(2, 8)]);
    let mut after = Picture::plain(WIDTH + 30, wide.height, WHITE);
    for y in 0..wide.height {
        for x in 0..WIDTH {
            after.set(x, y, wide.at(x, y));
        }
    }
    let found = aligned(&narrow, &after);
    assert_eq!(edits(&shifts(&found)), ["inserted 320x42 at 0,96"]);
    let parts: Vec<_> = found.regions.iter().map(|r| (r.rect(), r.kind)).collect();
    assert_eq!(parts, [(rect(WIDTH, 0, 30, wide.height), RegionKind::Added)]);
    assert_eq!(shifts(&found).changed_pixels, 0);
}

#[test]
fn the_diff_image_shows_the_candidate_with_its_shifts() {
    let before = page(&[text(1, 8), text(2, 4), button(GREEN), text(3, 9), text(4, 3)]);
    let after = page(&[text(1, 8), banner(42, RED), text(2, 4), button(RED), text(4, 3)]);
    let mut image = Vec::new();
    let found =
        compare(&before.png(), &after.png(), &Options::default(), Some(&mut image)).unwrap();
    assert_eq!(edits(&shifts(&found)).len(), 2);
    let mut reader = png::Decoder::new(std::io::Cursor::new(image)).read_info().unwrap();
    let info = reader.info();
    assert_eq!((info.width, info.height), (after.width, after.height));
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    let at = |x: u32, y: u32| pixels[(y * after.width + x) as usize];
    assert_eq!(at(300, 100) / 32, 2, "inserted");
    assert_eq!(at(41, 96 + 42 + 48 + 10), 160, "changed");
    let gone = 96 + 42 + 48 + 40;
    assert!((gone - 12..gone + 12).any(|y| at(5, y) == 163), "a seam where rows are gone");
    assert_eq!(at(5, 96 + 42 + 20) / 32, 0, "compared");
}

#[test]
fn far_below_equal_rows() {
    let before = [text(1, 40), text(2, 8), blank(5)];
    let after = [text(1, 40), banner(42, RED), text(2, 8), blank(5)];
    check(&before, &after, &["inserted 320x42 at 0,480"], 0);
    // A card like the one above it, which begins far above the first difference.
    let card = || Picture::plain(WIDTH, 200, GREEN).with_text(30, 40, 3, WHITE);
    let before = [text(1, 40), blank(9), card(), blank(9), text(2, 8)];
    let after = [text(1, 40), blank(9), card(), blank(9), card(), blank(9), text(2, 8)];
    check(&before, &after, &["inserted 320x209 at 0,489"], 0);
    let more = [text(1, 40), text(2, 8)];
    check(&more[..1], &more, &["inserted 320x96 at 0,480"], 0);
}

/// A page cut into blocks, and the same page with blocks replaced, put in and taken out.
fn edited_pages() -> impl Strategy<Value = (Picture, Picture, Option<u32>)> {
    let edit = prop_oneof![Just(0_u8), Just(1), Just(2), Just(3)];
    let blocks = proptest::collection::vec((1_u32..400, 3_u32..6, edit), 2..7);
    (blocks, proptest::option::of(1_u32..40)).prop_map(|(blocks, band)| {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (at, (seed, lines, edit)) in blocks.into_iter().enumerate() {
            let block = text(seed + at as u32 * 1_000, lines);
            match edit {
                0 => after.push(block.clone()),
                1 => {}
                2 => after.extend([banner(20 + seed % 30, GREEN), block.clone()]),
                _ => after.push(text(seed + 500_000, lines)),
            }
            before.push(block);
        }
        before.push(text(900_000, 2));
        after.push(text(900_000, 2));
        (page(&before), page(&after), band)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Every pixel of the candidate is either in an insertion, or moved, or compared: if what was
    /// found is undone, nothing but the changed regions is left.
    #[test]
    fn undoing_what_was_found_gives_the_baseline((before, after, band) in edited_pages()) {
        let options = Options {
            threshold: 0.0,
            count_antialiased: true,
            band_rows: band.and_then(std::num::NonZeroU32::new),
            ..Options::default()
        };
        let found = compare(&before.png(), &after.png(), &options, None).unwrap();
        let aligned = shifts(&found);
        let has = |rows: &[visual_diff::Shift], y: u32| {
            rows.iter().any(|shift| shift.width == WIDTH && (shift.y..shift.y + shift.height).contains(&y))
        };
        let moved_to = |y: u32| aligned.moved.iter().any(|m| (m.y..m.y + m.height).contains(&y));
        let moved_from =
            |y: u32| aligned.moved.iter().any(|m| (m.from..m.from + m.height).contains(&y));
        let full_width = aligned.inserted.iter().chain(&aligned.deleted).all(|s| s.width == WIDTH);
        prop_assume!(full_width);
        for m in &aligned.moved {
            for by in 0..m.height {
                for x in 0..WIDTH {
                    prop_assert_eq!(before.at(x, m.from + by), after.at(x, m.y + by));
                }
            }
        }
        let left: Vec<u32> =
            (0..before.height).filter(|y| !has(&aligned.deleted, *y) && !moved_from(*y)).collect();
        let right: Vec<u32> =
            (0..after.height).filter(|y| !has(&aligned.inserted, *y) && !moved_to(*y)).collect();
        prop_assert_eq!(left.len(), right.len());
        let mut differing = 0;
        for (a, b) in left.iter().zip(&right) {
            for x in 0..WIDTH {
                if before.at(x, *a) != after.at(x, *b) {
                    differing += 1;
                    let inside = found.regions.iter().any(|r| {
                        (r.x..r.x + r.width).contains(&x) && (r.y..r.y + r.height).contains(b)
                    });
                    prop_assert!(inside, "pixel {x}, {b} has changed unseen");
                }
            }
        }
        prop_assert_eq!(aligned.changed_pixels, differing);
    }
}

#[test]
fn a_shift_at_the_border_has_no_neighbours_beyond_it() {
    // Found by fuzzing: above a pixel that smooths an edge, one picture goes on and the other ends.
    let block = |grey: u8| {
        let mut block = Picture::plain(WIDTH, 12, INK);
        block.set(100, 0, [grey, grey, grey, 255]);
        block
    };
    let before = page(&[text(1, 4), block(160), text(2, 20)]);
    let after = page(&[block(90), text(2, 20)]);
    let found = aligned(&before, &after);
    assert_eq!(edits(&shifts(&found)), ["deleted 320x48 at 0,0"]);
    assert_eq!(shifts(&found).changed_pixels, 0, "it smooths the edge to the dark: {found:?}");
}
