//! The picture that shows the changes.

use std::io::{self, Write};

use visual_diff::{Error, Options, compare};

use crate::picture::{Colour, INK, Picture, RED, WHITE, in_place, rect};

const CHANGED: [u8; 3] = [0xe0, 0x00, 0x38];

fn diff(before: &Picture, after: &Picture, options: &Options) -> Picture {
    let mut out = Vec::new();
    compare(&before.png(), &after.png(), options, Some(&mut out)).unwrap();
    let mut decoder = png::Decoder::new(io::Cursor::new(&out));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let pixels = bytes.as_chunks::<4>().0.to_vec();
    Picture { width: info.width, height: info.height, pixels }
}

fn is_grey([r, g, b, _]: Colour) -> bool {
    r == g && g == b
}

#[test]
fn it_shows_the_candidate_pale_and_changes_in_colour() {
    let before = Picture::plain(60, 40, WHITE).with(5, 30, 20, 5, INK);
    let after = before.clone().with(10, 10, 7, 6, RED);
    let shown = diff(&before, &after, &in_place());
    assert_eq!((shown.width, shown.height), (60, 40));
    for y in 0..40 {
        for x in 0..60 {
            let changed = (10..17).contains(&x) && (10..16).contains(&y);
            let [r, g, b, _] = shown.at(x, y);
            assert_eq!([r, g, b] == CHANGED, changed, "at {x}, {y}");
            assert!(changed || is_grey([r, g, b, 255]), "at {x}, {y}");
        }
    }
    assert_eq!(shown.at(0, 0), WHITE);
    assert!((120..200).contains(&shown.at(6, 31)[0]), "dark is pale: {:?}", shown.at(6, 31));
}

#[test]
fn masks_are_tinted_and_changes_in_them_are_not_shown() {
    let before = Picture::plain(60, 40, WHITE);
    let options = Options { masks: vec![rect(20, 10, 10, 10)], ..in_place() };
    let shown = diff(&before, &before.clone().with(22, 12, 4, 4, RED), &options);
    assert!(!is_grey(shown.at(20, 10)) && !is_grey(shown.at(29, 19)));
    assert!(is_grey(shown.at(19, 10)) && is_grey(shown.at(30, 19)) && is_grey(shown.at(20, 20)));
    assert!(shown.pixels.iter().all(|[r, g, b, _]| [*r, *g, *b] != CHANGED));
}

#[test]
fn it_has_room_for_both_pictures() {
    let (before, after) = (Picture::plain(60, 40, WHITE), Picture::plain(50, 70, WHITE));
    let shown = diff(&before, &after, &in_place());
    assert_eq!((shown.width, shown.height), (60, 70));
    let [removed, added, neither] = [shown.at(55, 5), shown.at(5, 60), shown.at(55, 60)];
    assert!(removed[0] > removed[2] && added[1] > added[0], "{removed:?} {added:?}");
    assert!(is_grey(neither) && neither != WHITE);
}

#[test]
fn it_is_drawn_for_equal_files_too() {
    let picture = Picture::plain(30, 30, WHITE).with(3, 3, 9, 9, INK);
    let shown = diff(&picture, &picture, &in_place());
    assert_eq!(shown.at(0, 0), WHITE);
    assert!(shown.pixels.iter().all(|pixel| is_grey(*pixel)));
}

#[test]
fn a_full_disk_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let picture = Picture::plain(30, 30, WHITE).png();
    let failed = compare(&picture, &picture, &in_place(), Some(&mut Full));
    assert!(matches!(failed, Err(Error::DiffImage(_))), "{failed:?}");
}
