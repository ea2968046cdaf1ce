//! What can be read, and from where.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, RgbaImage};
use visual_diff::{Comparison, Error, Options, Problem, Size, Source, compare};

use crate::picture::{GREEN, INK, Picture, RED, WHITE};

fn stored(picture: &Picture, format: ImageFormat) -> Vec<u8> {
    let pixels = picture.pixels.as_flattened().to_vec();
    let image = RgbaImage::from_raw(picture.width, picture.height, pixels).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(image).to_rgb8().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn page() -> Picture {
    Picture::plain(64, 48, WHITE).with(8, 8, 24, 16, GREEN).with_text(4, 30, 5, INK)
}

fn run<'a>(before: impl Into<Source<'a>>, after: impl Into<Source<'a>>) -> Comparison {
    compare(before, after, &Options::default(), None).unwrap()
}

#[test]
fn formats_mix() {
    let changed = page().with(40, 8, 16, 16, RED);
    for format in [ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Gif] {
        let [before, after] = [&page(), &changed].map(|picture| stored(picture, format));
        let found = run(&before, &page().png());
        assert_eq!(found.candidate, Size { width: 64, height: 48 });
        assert!(found.identical || format == ImageFormat::Gif, "{format:?} loses nothing");
        assert_eq!(found.changed_pixels, Some(0), "{format:?}");
        assert_eq!(run(&page().png(), &after).changed_pixels, Some(256), "{format:?}");
        assert!(run(&before, &before).identical, "{format:?}");
    }
    let [before, after] = [&page(), &changed].map(|picture| stored(picture, ImageFormat::Jpeg));
    assert!(run(&before, &before).identical);
    assert!(run(&before, &after).changed_pixels.unwrap() >= 256);
}

#[test]
fn files_and_bytes_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = [page(), page().with(40, 8, 16, 16, RED)].map(|picture| picture.png());
    let keep = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        let mut file = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        file.persist(&path).unwrap();
        path
    };
    let [a, b] = [keep("a.png", &before), keep("b.png", &after)];
    let (a, b) = (a.as_path(), b.as_path());
    let found = run(&before, &after);
    assert_eq!(found.changed_pixels, Some(256));
    assert_eq!(run(a, b), found);
    assert_eq!(run(a, &after), found);
    assert!(run(a, &before).identical);
    // The name says nothing about the content.
    let webp = keep("c.png", &stored(&page(), ImageFormat::WebP));
    assert_eq!(run(webp.as_path(), b).changed_pixels, Some(256));
}

#[test]
fn what_is_no_file_is_refused() {
    let good = page().png();
    let folder = tempfile::tempdir().unwrap();
    let check = |path: &Path, expected: &str| {
        let failed = compare(path, &good, &Options::default(), None).unwrap_err();
        assert!(failed.to_string().starts_with(expected), "{failed}");
    };
    check(folder.path(), "baseline cannot be read: not a picture");
    check(&folder.path().join("none.png"), "baseline cannot be read: ");
}

#[test]
fn options_out_of_range_are_refused() {
    let good = page().png();
    let base = Options::default;
    for options in [
        Options { threshold: -0.1, ..base() },
        Options { threshold: 1.1, ..base() },
        Options { threshold: f64::NAN, ..base() },
        Options { merge_distance: 0, ..base() },
        Options { merge_distance: 65, ..base() },
    ] {
        let failed = compare(&good, &good, &options, None);
        assert!(matches!(failed, Err(Error::Option(_))), "{failed:?}");
    }
}

#[test]
fn equal_files_are_still_checked_for_being_whole() {
    let good = page().png();
    let cut = good[..good.len() - 5].to_vec();
    let failed = compare(&cut, &cut, &Options::default(), None).unwrap_err();
    assert!(
        matches!(failed, Error::Picture { problem: Problem::Truncated, .. }),
        "a pass would rest on half a picture: {failed}"
    );
}
