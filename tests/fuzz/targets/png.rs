//! Any bytes as a picture: an error or a result, in bounded memory, and never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use visual_diff::{Limits, Options, compare};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { pixels: 1 << 20, width: 1 << 14, frame_bytes: 4 << 20, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    // A picture with a diff image is decoded even when it equals itself.
    let mut out = Vec::new();
    if let Ok(found) = compare(bytes, bytes, &options, Some(&mut out)) {
        assert!(found.identical && found.changed_pixels == Some(0), "a picture equals itself");
        assert!(found.regions.is_empty());
    }
});
