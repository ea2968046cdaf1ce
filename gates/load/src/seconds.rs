//! What was counted in each second, as lines of a file: written when a second is over, so that
//! memory does not grow with the length of a run.

use std::io::{self, BufRead, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use gate_core::Error;
use load::Tally;
use serde::{Deserialize, Serialize};

/// A line. What a person would look for stands beside what is read.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// Since the start of what is counted.
    second: u64,
    requests: u64,
    failures: u64,
    /// The whole [`Tally`], encoded.
    tally: String,
}

/// Appends a second.
pub(crate) fn write(to: &mut dyn Write, second: u64, tally: &Tally) -> io::Result<()> {
    let mut bytes = Vec::new();
    tally.encode(&mut bytes);
    let line = Line {
        second,
        requests: tally.requests,
        failures: tally.failures(),
        tally: STANDARD_NO_PAD.encode(bytes),
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")
}

/// Reads the seconds, one after the other.
pub(crate) fn read(from: impl BufRead) -> impl Iterator<Item = Result<Tally, Error>> {
    from.lines().enumerate().map(|(number, line)| {
        let wrong = || Error::new(format!("line {} of the seconds is damaged", number + 1));
        let line: Line = serde_json::from_str(&line?).map_err(|_| wrong())?;
        let bytes = STANDARD_NO_PAD.decode(line.tally).map_err(|_| wrong())?;
        Tally::decode(&bytes).ok_or_else(wrong)
    })
}
