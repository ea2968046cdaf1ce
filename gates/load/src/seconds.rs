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

/// Which part of what was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    /// One step.
    pub(crate) step: Option<usize>,
    /// The seconds from one up to another one, of each round.
    pub(crate) within: Option<(u64, u64)>,
    /// How many seconds a round has.
    pub(crate) round: u64,
}

impl Slice {
    /// Whether a second is in it.
    pub(crate) fn has(&self, second: u64) -> bool {
        let at = second % self.round.max(1);
        self.within.is_none_or(|(from, to)| (from..to).contains(&at))
    }

    /// How many of the first so many seconds are in it.
    pub(crate) fn count(&self, seconds: u64) -> u64 {
        (0..seconds).filter(|second| self.has(*second)).count() as u64
    }

    /// Reads it, one second after the other.
    pub(crate) fn read(self, from: impl BufRead) -> impl Iterator<Item = Result<Tally, Error>> {
        let seconds = read(from).enumerate().filter(move |(at, _)| self.has(*at as u64));
        seconds.map(move |(_, tally)| match self.step {
            None => tally,
            Some(step) => {
                let mut all = tally?.steps;
                Ok(if step < all.len() { all.swap_remove(step) } else { Tally::new() })
            }
        })
    }
}
