//! Compares two files and prints what was found with the time it took:
//! `diff BASELINE CANDIDATE [--aa] [--out DIFF.png]`.

#![expect(clippy::disallowed_methods, reason = "a tool to measure with writes where it is told")]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use visual_diff::{Options, compare};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [baseline, candidate, rest @ ..] = arguments.as_slice() else {
        return Err("which two files?".into());
    };
    let options = Options {
        count_antialiased: rest.iter().any(|argument| argument == "--aa"),
        ..Options::default()
    };
    let out = rest.iter().position(|argument| argument == "--out").map(|at| &rest[at + 1]);
    let mut out = out.map(File::create).transpose()?.map(BufWriter::new);
    let begun = Instant::now();
    let found = compare(
        Path::new(baseline),
        Path::new(candidate),
        &options,
        out.as_mut().map(|out| out as &mut dyn Write),
    )?;
    let took = begun.elapsed();
    writeln!(
        std::io::stdout(),
        "{:?} changed, {} anti-aliased, {} regions (+{}), share {:.4}, {:.1} ms",
        found.changed_pixels,
        found.antialiased_pixels,
        found.regions.len(),
        found.regions_omitted,
        found.changed_ratio,
        took.as_secs_f64() * 1e3,
    )?;
    Ok(())
}
