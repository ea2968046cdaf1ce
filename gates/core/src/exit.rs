//! The exit codes of the `gate` binary: the one documented place.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | promote: every required gate passed (warnings included) |
//! | 1 | a required gate failed |
//! | 2 | usage or spec problem; nothing ran |
//! | 3 | inconclusive: something could not be measured, so nobody can say |
//! | 4 | nothing was selected |
//! | 130 | interrupted by SIGINT |
//! | 143 | interrupted by SIGTERM |
//!
//! With `--shard`, 0 means "this part has nothing against it", never "promote". `gate diff` has a
//! row of its own: 0 same, 1 different, 2 unreadable; and so has `gate cassette check`: 0 nothing
//! found, 1 something found, 2 unreadable.

use serde::{Deserialize, Serialize};

use crate::Verdict;

/// An exit code of the binary. See the table of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExitCode(pub u8);

impl ExitCode {
    /// Promote (or: the command did what was asked).
    pub const PROMOTE: ExitCode = ExitCode(0);
    /// A required gate failed.
    pub const FAILED: ExitCode = ExitCode(1);
    /// The command line or a spec is wrong; nothing ran.
    pub const USAGE: ExitCode = ExitCode(2);
    /// Something that is required could not be measured.
    pub const INCONCLUSIVE: ExitCode = ExitCode(3);
    /// The filters or the configured globs match nothing.
    pub const NOTHING_SELECTED: ExitCode = ExitCode(4);
    /// Ended by SIGINT (128 + 2).
    pub const INTERRUPTED: ExitCode = ExitCode(130);
    /// Ended by SIGTERM (128 + 15).
    pub const TERMINATED: ExitCode = ExitCode(143);

    /// The exit code that a run of this verdict ends with.
    pub fn of(verdict: Verdict) -> ExitCode {
        match verdict {
            Verdict::Pass | Verdict::Warn => ExitCode::PROMOTE,
            Verdict::Inconclusive => ExitCode::INCONCLUSIVE,
            Verdict::Fail => ExitCode::FAILED,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code.0)
    }
}
