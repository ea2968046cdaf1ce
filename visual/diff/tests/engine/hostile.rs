//! Files that lie, stop early or want too much.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::{Compression, write::ZlibEncoder};
use visual_diff::{Error, Limits, Options, Problem, Side, compare};

use crate::picture::{Picture, WHITE};

/// Far more than any of these takes, and far less than decoding what they announce would.
const SOON: Duration = Duration::from_secs(5);

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut out = (data.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(&name);
    out.extend_from_slice(data);
    let sum = crc32fast::hash(&out[4..]);
    out.extend_from_slice(&sum.to_be_bytes());
    out
}

fn header(width: u32, height: u32, rest: [u8; 5]) -> Vec<u8> {
    let mut data = width.to_be_bytes().to_vec();
    data.extend_from_slice(&height.to_be_bytes());
    data.extend_from_slice(&rest);
    chunk(*b"IHDR", &data)
}

/// Depth and colour type, and the only methods there are.
const RGBA: [u8; 5] = [8, 6, 0, 0, 0];
const INDEXED: [u8; 5] = [8, 3, 0, 0, 0];

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

/// Rows of zeros, each with its filter byte.
fn data(width: usize, height: usize, pixel_bytes: usize) -> Vec<u8> {
    chunk(*b"IDAT", &zlib(&vec![0; (1 + width * pixel_bytes) * height]))
}

fn end() -> Vec<u8> {
    chunk(*b"IEND", &[])
}

/// A good picture of 8 by 8, which the parts of others are put into.
fn good_parts() -> [Vec<u8>; 3] {
    [header(8, 8, RGBA), data(8, 8, 4), end()]
}

fn good() -> Vec<u8> {
    file(&good_parts())
}

fn with_header(rest: [u8; 5]) -> Vec<u8> {
    file(&[header(8, 8, rest), data(8, 8, 4), end()])
}

fn with_extra(extra: Vec<u8>) -> Vec<u8> {
    let [header, data, end] = good_parts();
    file(&[header, extra, data, end])
}

fn with_palette(palette: &[u8], transparency: Option<&[u8]>, index: u8) -> Vec<u8> {
    let mut rows = vec![0; 9 * 8];
    *rows.last_mut().unwrap() = index;
    let mut chunks = vec![header(8, 8, INDEXED), chunk(*b"PLTE", palette)];
    chunks.extend(transparency.map(|data| chunk(*b"tRNS", data)));
    chunks.extend([chunk(*b"IDAT", &zlib(&rows)), end()]);
    file(&chunks)
}

fn damaged(mut bytes: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = bytes.len() - from_end;
    bytes[at] ^= 0x55;
    bytes
}

/// A chunk whose content is 128 MiB of zeros, which takes about a thousandth of that.
fn bomb(name: [u8; 4], start: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(start.to_vec(), Compression::fast());
    let block = vec![0; 1 << 20];
    (0..128).for_each(|_| encoder.write_all(&block).unwrap());
    chunk(name, &encoder.finish().unwrap())
}

/// What a refusal has to be.
#[derive(Debug, Clone, Copy)]
enum Refused {
    NotAPicture,
    TooLarge,
    Truncated,
    Malformed,
    /// Malformed or cut short: from the outside these look alike.
    Broken,
}

impl Refused {
    fn matches(self, problem: &Problem) -> bool {
        match self {
            Self::NotAPicture => matches!(problem, Problem::NotAPicture),
            Self::TooLarge => matches!(problem, Problem::TooLarge { .. }),
            Self::Truncated => matches!(problem, Problem::Truncated),
            Self::Malformed => matches!(problem, Problem::Malformed(_)),
            Self::Broken => matches!(problem, Problem::Malformed(_) | Problem::Truncated),
        }
    }
}

/// The file is refused on either side, with its side named, and soon.
fn check(name: &str, bytes: &[u8], expected: Refused) {
    let good = Picture::plain(8, 8, WHITE).png();
    let begun = Instant::now();
    for (baseline, candidate, side) in [
        (bytes, good.as_slice(), Side::Baseline),
        (good.as_slice(), bytes, Side::Candidate),
        (bytes, bytes, Side::Baseline),
    ] {
        // With a diff image, since two equal files are not decoded otherwise.
        let mut out = Vec::new();
        let failed = compare(baseline, candidate, &Options::default(), Some(&mut out));
        match failed {
            Err(Error::Picture { side: found, problem }) => {
                assert_eq!(found, side, "{name}");
                assert!(expected.matches(&problem), "{name}: {problem:?} is not {expected:?}");
                assert!(!problem.to_string().is_empty());
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(begun.elapsed() < SOON, "{name} took {:?}", begun.elapsed());
}

#[test]
fn no_picture_at_all() {
    check("nothing", b"", Refused::NotAPicture);
    check("text", b"<!doctype html><title>502 Bad Gateway</title>", Refused::NotAPicture);
    check("half a signature", b"\x89PNG", Refused::NotAPicture);
    check("zeros", &[0; 4096], Refused::NotAPicture);
    check("a format that is not read", b"II*\0\x08\0\0\0\0\0\0\0\0\0\0\0", Refused::NotAPicture);
}

#[test]
fn headers_that_lie() {
    check("signature only", b"\x89PNG\r\n\x1a\n", Refused::Truncated);
    check("a header cut", &good()[..20], Refused::Truncated);
    check("a short header", &file(&[chunk(*b"IHDR", &[0; 12])]), Refused::Malformed);
    check("data first", &file(&[data(8, 8, 4), end()]), Refused::Malformed);
    for (name, width, height) in
        [("no width", 0, 8), ("no height", 8, 0), ("width with the sign bit", 1 << 31, 1)]
    {
        let bytes = file(&[header(width, height, RGBA), data(8, 8, 4), end()]);
        check(name, &bytes, Refused::Malformed);
    }
    for (name, rest) in [
        ("rgb of 4 bits", [4, 2, 0, 0, 0]),
        ("palette of 16 bits", [16, 3, 0, 0, 0]),
        ("3 bits", [3, 0, 0, 0, 0]),
        ("colour type 5", [8, 5, 0, 0, 0]),
        ("colour type 255", [8, 255, 0, 0, 0]),
        ("another compression", [8, 6, 1, 0, 0]),
        ("another filter method", [8, 6, 0, 1, 0]),
        ("another interlacing", [8, 6, 0, 0, 2]),
    ] {
        check(name, &with_header(rest), Refused::Malformed);
    }
    let [_, data, end] = good_parts();
    let wrong_sum = damaged(header(8, 8, RGBA), 1);
    check("a header with a wrong sum", &file(&[wrong_sum, data, end]), Refused::Malformed);
    check("a second header", &with_extra(header(9, 9, RGBA)), Refused::Malformed);
}

#[test]
fn more_than_is_allowed() {
    for (name, width, height, rest) in [
        ("the largest header", i32::MAX as u32, i32::MAX as u32, RGBA),
        ("one row of two gigapixels", i32::MAX as u32, 1, RGBA),
        ("one column of two gigapixels", 1, i32::MAX as u32, RGBA),
        ("one pixel of width too many", 65_536, 1, RGBA),
        ("more than 200 million pixels", 20_000, 10_001, RGBA),
        ("an interlaced frame", 12_000, 12_000, [8, 6, 0, 0, 1]),
        ("a deep interlaced frame", 6_000, 6_000, [16, 6, 0, 0, 1]),
    ] {
        let bytes = file(&[header(width, height, rest), data(8, 8, 4), end()]);
        check(name, &bytes, Refused::TooLarge);
    }
    let mut bmp = [b"BM".as_slice(), &[0; 12], &40_u32.to_le_bytes()].concat();
    bmp.extend_from_slice(&60_000_u32.to_le_bytes());
    bmp.extend_from_slice(&60_000_u32.to_le_bytes());
    bmp.extend_from_slice(&[1, 0, 24, 0]);
    bmp.resize(64, 0);
    check("a bitmap of 3.6 gigapixels", &bmp, Refused::TooLarge);
    let gif = [b"GIF89a".as_slice(), &[0xff; 4], &[0, 0, 0, b',', 0, 0, 0, 0], &[0xff; 4]];
    let gif = [gif.concat(), vec![0, 2, 1, 0x4c, 0, b';']].concat();
    check("a gif of four gigapixels", &gif, Refused::TooLarge);
}

#[test]
fn limits_are_those_of_the_caller() {
    let picture = Picture::plain(40, 30, WHITE).png();
    let interlaced = file(&[header(40, 30, [8, 6, 0, 0, 1]), data(40, 30, 4), end()]);
    let run = |bytes: &[u8], limits: Limits| {
        compare(bytes, bytes, &Options { limits, ..Options::default() }, None)
    };
    let base = Limits::default;
    let refused = [
        run(&picture, Limits { pixels: 1_199, ..base() }),
        run(&picture, Limits { width: 39, ..base() }),
        run(&picture, Limits { file_bytes: picture.len() as u64 - 1, ..base() }),
    ];
    for found in refused {
        let too_large =
            matches!(&found, Err(Error::Picture { problem: Problem::TooLarge { .. }, .. }));
        assert!(too_large, "{found:?}");
    }
    let exact =
        Limits { pixels: 1_200, width: 40, file_bytes: picture.len() as u64, frame_bytes: 0 };
    assert!(run(&picture, exact).is_ok());
    let other = Picture::plain(40, 30, WHITE).png_with(png::Filter::Up);
    let options = Options { limits: Limits { frame_bytes: 4_799, ..base() }, ..Options::default() };
    let found = compare(&interlaced, &other, &options, None);
    assert!(found.unwrap_err().to_string().contains("4800 bytes once decoded where 4799"));
}

#[test]
fn data_that_does_not_come() {
    let bytes = good();
    for length in 21..bytes.len() {
        check(&format!("{length} bytes of it"), &bytes[..length], Refused::Broken);
    }
    let [header_8, data_8, _] = good_parts();
    check("no end", &file(&[header_8.clone(), data_8.clone()]), Refused::Truncated);
    check("no data", &file(&[header_8.clone(), end()]), Refused::Malformed);
    check("empty data", &file(&[header_8.clone(), chunk(*b"IDAT", &[]), end()]), Refused::Broken);
    let tall = file(&[header(8, 20_000_000, RGBA), data_8, end()]);
    check("rows that are announced only", &tall, Refused::Broken);
    let wide = file(&[header(60_000, 3_000, RGBA), data(8, 8, 4), end()]);
    check("a large picture that is announced only", &wide, Refused::Broken);
    let noise: Vec<_> = (0..200_u32).map(|at| (at * 97 % 251) as u8).collect();
    let noise = file(&[header_8, chunk(*b"IDAT", &noise), end()]);
    check("data that is not compressed", &noise, Refused::Malformed);
}

#[test]
fn data_that_is_wrong() {
    let [header_8, data_8, end_8] = good_parts();
    let wrong_sum = file(&[header_8.clone(), damaged(data_8.clone(), 1), end_8.clone()]);
    check("data with a wrong sum", &wrong_sum, Refused::Malformed);
    let filter = chunk(*b"IDAT", &zlib(&[vec![0; 33 * 7], vec![9; 33]].concat()));
    check(
        "an unknown filter",
        &file(&[header_8.clone(), filter, end_8.clone()]),
        Refused::Malformed,
    );
    check("an unknown chunk that is needed", &with_extra(chunk(*b"ABCD", &[])), Refused::Malformed);
    check("a chunk without a name", &with_extra(chunk([0, 1, 2, 3], &[])), Refused::Malformed);
    let long = [&[0xff; 4][..], b"teXt", &[0; 40]].concat();
    check("a chunk of four gigabytes", &with_extra(long), Refused::Malformed);
    let cut = [&[0x7f, 0xff, 0xff, 0xff][..], b"teXt", &[0; 40]].concat();
    check("a chunk of two gigabytes", &with_extra(cut), Refused::Truncated);
    let again = file(&[header_8.clone(), data_8.clone(), header_8, end_8]);
    check("a header after the data", &again, Refused::Malformed);
}

#[test]
fn palettes_that_lie() {
    check("no palette", &file(&[header(8, 8, INDEXED), data(8, 8, 1), end()]), Refused::Malformed);
    check("a palette of nothing", &with_palette(&[], None, 0), Refused::Malformed);
    check("two thirds of a colour", &with_palette(&[0; 5], None, 0), Refused::Malformed);
    check("257 colours", &with_palette(&[0; 771], None, 0), Refused::Malformed);
    check("a colour that the palette lacks", &with_palette(&[0; 9], None, 3), Refused::Malformed);
    check("more alphas than colours", &with_palette(&[0; 9], Some(&[0; 4]), 0), Refused::Malformed);
    let early = [header(8, 8, INDEXED), chunk(*b"tRNS", &[0]), chunk(*b"PLTE", &[0; 3])];
    let early = file(&[early.concat(), data(8, 8, 1), end()]);
    check("alphas before the palette", &early, Refused::Malformed);
    let twice = [header(8, 8, INDEXED), chunk(*b"PLTE", &[0; 3]), chunk(*b"PLTE", &[0; 3])];
    check("two palettes", &file(&[twice.concat(), data(8, 8, 1), end()]), Refused::Malformed);
    let short =
        file(&[header(8, 8, [8, 2, 0, 0, 0]), chunk(*b"tRNS", &[0; 5]), data(8, 8, 3), end()]);
    check("half a transparent colour", &short, Refused::Malformed);
}

#[test]
fn other_formats_that_stop() {
    let whole = Picture::plain(64, 64, WHITE);
    let image = image::RgbaImage::from_raw(64, 64, whole.pixels.as_flattened().to_vec()).unwrap();
    let image = image::DynamicImage::from(image).to_rgb8();
    for format in [image::ImageFormat::WebP, image::ImageFormat::Gif, image::ImageFormat::Bmp] {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        let bytes = bytes.into_inner();
        for part in [2, 3] {
            check(&format!("{format:?} / {part}"), &bytes[..bytes.len() / part], Refused::Broken);
        }
    }
    let jpeg = [&[0xff, 0xd8, 0xff, 0xe0, 0, 16][..], b"JFIF\0", &[0; 20]].concat();
    check("the start of a jpeg", &jpeg, Refused::Broken);
    let webp = [&b"RIFF\xff\xff\xff\x7fWEBPVP8L"[..], &[0xff; 40]].concat();
    check("a webp of noise", &webp, Refused::Broken);
}

/// What has no part in the picture is passed over, whatever it holds.
#[test]
fn what_is_beside_the_picture_has_no_influence() {
    let reference = Picture::plain(8, 8, [0; 4]).png();
    let many: Vec<u8> = (0..100_000).flat_map(|_| chunk(*b"IDAT", &[])).collect();
    let mut wrong_text = chunk(*b"tEXt", b"Comment\0hello");
    *wrong_text.last_mut().unwrap() ^= 1;
    let frame = [[0; 4], [0, 0, 0, 2], [0, 0, 0, 2]].concat();
    let frame = chunk(*b"fcTL", &[frame, vec![0; 14]].concat());
    let [header_8, data_8, end_8] = good_parts();
    let trailing = [vec![0; (1 + 32) * 8], vec![7; 100_000]].concat();
    for (name, bytes) in [
        ("a text of 128 MiB", with_extra(bomb(*b"zTXt", b"Comment\0\0"))),
        ("an international text of 128 MiB", with_extra(bomb(*b"iTXt", b"Comment\0\x01\0\0\0"))),
        ("a profile of 128 MiB", with_extra(bomb(*b"iCCP", b"icc\0\0"))),
        ("a text with a wrong sum", with_extra(wrong_text)),
        ("a gamma", with_extra(chunk(*b"gAMA", &[0, 0, 0, 1]))),
        ("an animation with a smaller frame", with_extra(frame)),
        ("a palette that is only a suggestion", with_extra(chunk(*b"PLTE", &[0; 6]))),
        ("a transparent colour beside alpha", with_extra(chunk(*b"tRNS", &[0; 6]))),
        ("many pieces of nothing", with_extra(many)),
        ("data after the end", [good(), vec![1; 1000]].concat()),
        (
            "more rows than announced",
            file(&[header_8.clone(), chunk(*b"IDAT", &zlib(&trailing)), end_8.clone()]),
        ),
        ("a text after the data", file(&[header_8, data_8, chunk(*b"tEXt", b"a\0b"), end_8])),
    ] {
        let begun = Instant::now();
        let found = compare(&bytes, &reference, &Options::default(), None);
        let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(found.identical, "{name}");
        assert!(begun.elapsed() < SOON, "{name} took {:?}", begun.elapsed());
    }
}
