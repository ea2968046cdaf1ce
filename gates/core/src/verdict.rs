//! The four verdicts, and how several become one.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a check, a gate or a whole run came to, from best to worst.
///
/// The order is the rule of aggregation: several verdicts together are their maximum. A gate
/// never assigns its own verdict; it is the maximum over its checks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Measured, and within every limit.
    Pass,
    /// Measured, and something deserves a look; it does not block.
    Warn,
    /// Could not be measured. It blocks, because a pass has to be positive evidence.
    Inconclusive,
    /// Measured, and beyond a limit.
    Fail,
}

impl Verdict {
    /// The verdict over several: their maximum, and [`Verdict::Inconclusive`] when there are none,
    /// because nothing measured is not a pass.
    pub fn over(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        verdicts.into_iter().max().unwrap_or(Verdict::Inconclusive)
    }

    /// Whether this verdict keeps a version from being promoted.
    pub fn blocks(self) -> bool {
        self >= Verdict::Inconclusive
    }

    /// What the verdict counts as for the run: a gate that is not required never blocks.
    pub fn counted(self, required: bool) -> Verdict {
        if required { self } else { self.min(Verdict::Warn) }
    }

    /// The word used in JSON and on the terminal.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Fail => "fail",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, Fail, Inconclusive, Pass, Warn};

    fn check(input: &[Verdict], expect: Verdict) {
        assert_eq!(Verdict::over(input.iter().copied()), expect, "{input:?}");
    }

    #[test]
    fn the_worst_one_counts() {
        check(&[], Inconclusive);
        check(&[Pass], Pass);
        check(&[Pass, Warn], Warn);
        check(&[Warn, Inconclusive, Pass], Inconclusive);
        check(&[Fail, Inconclusive], Fail);
    }

    #[test]
    fn a_gate_that_is_not_required_never_blocks() {
        for verdict in [Pass, Warn, Inconclusive, Fail] {
            assert_eq!(verdict.counted(true), verdict);
            assert!(!verdict.counted(false).blocks());
        }
    }
}
