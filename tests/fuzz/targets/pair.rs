//! Two pictures of a few colours, drawn from the fuzzer's bytes: the aligned comparison holds what
//! it promises, whatever is compared with whatever.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use visual_diff::{Options, compare};

#[derive(Debug, Arbitrary)]
struct Pair {
    width: u8,
    before: Vec<u8>,
    after: Vec<u8>,
    window: Option<u8>,
}

/// A grey BMP of 24 bits, which needs no compression: one byte is a run of up to 16 pixels in one
/// of 16 greys.
fn bmp(width: u32, runs: &[u8]) -> Option<Vec<u8>> {
    let greys: Vec<u8> = runs
        .iter()
        .flat_map(|run| std::iter::repeat_n((run & 15) * 17, 1 + usize::from(run >> 4)))
        .collect();
    let height = greys.len() as u32 / width;
    if height == 0 {
        return None;
    }
    let stride = (width as usize * 3).next_multiple_of(4);
    let mut out = Vec::with_capacity(54 + stride * height as usize);
    out.extend_from_slice(b"BM");
    let size = 54 + (stride * height as usize) as u32;
    for number in [size, 0, 54, 40, width, (-(height as i32)) as u32] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&[1, 0, 24, 0]);
    out.extend_from_slice(&[0; 24]);
    for row in greys.chunks_exact(width as usize).take(height as usize) {
        let start = out.len();
        out.extend(row.iter().flat_map(|grey| [*grey; 3]));
        out.resize(start + stride, 0);
    }
    Some(out)
}

fuzz_target!(|pair: Pair| {
    let width = u32::from(pair.width).max(1);
    let (Some(before), Some(after)) = (bmp(width, &pair.before), bmp(width, &pair.after)) else {
        return;
    };
    let options = Options {
        window_rows: pair.window.map(u32::from),
        ..Options::default()
    };
    let plain = Options { align: false, ..options.clone() };
    let mut image = Vec::new();
    let found = compare(&before, &after, &options, Some(&mut image)).expect("both are pictures");
    let in_place = compare(&before, &after, &plain, None).expect("both are pictures");
    assert_eq!(found.changed_pixels, in_place.changed_pixels);
    assert_eq!(found.overlap_changed_pixels, in_place.overlap_changed_pixels);
    let aligned = found.aligned.expect("it was asked for");
    // What has changed is either in place, or in something that was inserted, deleted or moved.
    let resized = found.baseline != found.candidate;
    if aligned.is_unshifted() {
        assert!(!resized || found.baseline.width != found.candidate.width);
        assert_eq!(aligned.changed_pixels, found.overlap_changed_pixels);
    }
    for shift in aligned.inserted.iter() {
        assert!(shift.y + shift.height <= found.candidate.height);
    }
    for shift in aligned.deleted.iter() {
        assert!(shift.y + shift.height <= found.baseline.height);
    }
});
