//! Any bytes as the file beside an approved picture: refused, or used without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    gate_visual::fuzzing::sidecar(bytes);
});
