//! Bodies of any size, in bounded memory.
//!
//! A window moves over the body. What is changed in it is written up to a place that is further
//! from its end than any secret is long, and not within one; from there on it is looked at again
//! together with what follows.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::edit::{Edit, apply};
use crate::gzip;

/// How large a body may be to be looked at as one, in bytes.
pub(crate) const WHOLE: usize = 8 << 20;
/// How much of a larger one is looked at, in bytes.
pub(crate) const WINDOW: usize = 2 << 20;
/// How much of that is looked at again with what follows: more than any secret is long.
pub(crate) const OVERLAP: usize = 64 << 10;

/// Copies a body, clean; says whether it was changed.
pub(crate) fn copy(
    from: &mut dyn Read,
    to: &mut dyn Write,
    whole: impl Fn(&[u8]) -> Option<Vec<u8>>,
    part: impl Fn(&[u8]) -> Vec<Edit> + Copy,
) -> io::Result<bool> {
    let mut held = Vec::new();
    from.take(WHOLE as u64 + 1).read_to_end(&mut held)?;
    if held.len() <= WHOLE {
        let clean = whole(&held);
        to.write_all(clean.as_deref().unwrap_or(&held))?;
        return Ok(clean.is_some());
    }
    let rest = io::Cursor::new(held).chain(from);
    if !gzip::is_gzip(rest.get_ref().0.get_ref()) {
        return windows(rest, to, part);
    }
    // It is compressed anew whether anything was found or not: that is not known before its end.
    let mut coded = GzEncoder::new(to, Compression::fast());
    windows(MultiGzDecoder::new(rest), &mut coded, part)?;
    coded.finish()?;
    Ok(true)
}

fn windows(
    mut from: impl Read,
    to: &mut dyn Write,
    part: impl Fn(&[u8]) -> Vec<Edit>,
) -> io::Result<bool> {
    let mut held: Vec<u8> = Vec::with_capacity(WINDOW + OVERLAP);
    let mut is_changed = false;
    loop {
        let more = (&mut from).take(WINDOW as u64).read_to_end(&mut held)?;
        let is_end = more < WINDOW;
        let mut edits = part(&held);
        let end = if is_end { held.len() } else { seam(&held, &edits) };
        edits.retain(|edit| edit.at.end <= end);
        is_changed |= !edits.is_empty();
        to.write_all(&apply(&held[..end], &edits))?;
        if is_end {
            return Ok(is_changed);
        }
        held.drain(..end);
    }
}

/// Up to where a window is done: where something ends, and within no edit.
fn seam(held: &[u8], edits: &[Edit]) -> usize {
    let latest = held.len() - OVERLAP;
    let near = &held[latest - OVERLAP..latest];
    let is_end = |b: &u8| matches!(b, b'\n' | b',' | b'&' | b'}' | b'>');
    let mut end = near.iter().rposition(is_end).map_or(latest, |at| latest - OVERLAP + at + 1);
    for edit in edits.iter().rev() {
        if edit.at.start < end && edit.at.end > end {
            end = edit.at.start;
        }
    }
    // A coded text that is longer than all of this is written as it was understood.
    if end > 0 { end } else { edits.first().map_or(latest, |edit| edit.at.end) }
}
