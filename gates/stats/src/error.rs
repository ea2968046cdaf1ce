//! Why there is no number.

use std::fmt;

/// What was asked has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// An argument is outside of the domain.
    Domain {
        /// The argument.
        what: &'static str,
        /// What it has to be.
        wants: &'static str,
    },
    /// The data are too few or too much alike to say anything.
    Silent {
        /// What they do not tell.
        what: &'static str,
        /// What would be needed.
        wants: &'static str,
    },
    /// An exact answer would take longer than anybody waits.
    TooLarge {
        /// What was to be counted.
        what: &'static str,
    },
    /// An iteration did not come to an end. Nothing within the domains is known to come here.
    Unsettled {
        /// What was looked for.
        what: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Domain { what, wants } => write!(f, "{what} has to be {wants}"),
            Error::Silent { what, wants } => write!(f, "{what} is not known without {wants}"),
            Error::TooLarge { what } => write!(f, "there are too many {what} to count"),
            Error::Unsettled { what } => write!(f, "the search for {what} did not settle"),
        }
    }
}

impl std::error::Error for Error {}

/// An argument has to be so.
pub(crate) fn domain(is_good: bool, what: &'static str, wants: &'static str) -> Result<(), Error> {
    if is_good { Ok(()) } else { Err(Error::Domain { what, wants }) }
}

/// The data have to be enough for this.
pub(crate) fn told(is_told: bool, what: &'static str, wants: &'static str) -> Result<(), Error> {
    if is_told { Ok(()) } else { Err(Error::Silent { what, wants }) }
}

/// A parameter above 0.
pub(crate) fn positive(value: f64, what: &'static str) -> Result<(), Error> {
    domain(value > 0.0 && value.is_finite(), what, "a finite number above 0")
}

/// Any number but NaN and the infinities.
pub(crate) fn finite(value: f64, what: &'static str) -> Result<(), Error> {
    domain(value.is_finite(), what, "a finite number")
}

/// A probability, 0 and 1 included.
pub(crate) fn probability(value: f64, what: &'static str) -> Result<(), Error> {
    domain((0.0..=1.0).contains(&value), what, "within 0 and 1")
}

/// A probability, 0 and 1 excluded.
pub(crate) fn inner(value: f64, what: &'static str) -> Result<(), Error> {
    domain(value > 0.0 && value < 1.0, what, "between 0 and 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_fragments() {
        let check = |error: Error, text: &str| assert_eq!(error.to_string(), text);
        check(probability(2.0, "p").unwrap_err(), "p has to be within 0 and 1");
        check(
            positive(0.0, "the scale").unwrap_err(),
            "the scale has to be a finite number above 0",
        );
        check(
            told(false, "a variance", "two values").unwrap_err(),
            "a variance is not known without two values",
        );
        check(Error::TooLarge { what: "outcomes" }, "there are too many outcomes to count");
        check(Error::Unsettled { what: "a quantile" }, "the search for a quantile did not settle");
    }
}
