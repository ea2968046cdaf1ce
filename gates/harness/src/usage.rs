//! What ends a command before anything ran.

use gate_core::spec::Diagnosis;
use gate_core::{Error, ExitCode};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Stop {
    /// Mistakes in files of the user's, all at once.
    Diagnoses(Vec<Diagnosis>),
    /// A mistake on the command line.
    Usage(Error),
    /// Nothing was selected.
    Nothing(Error),
    /// It could not be done.
    Failed(Error),
}

impl Stop {
    /// A mistake on the command line.
    pub fn usage(message: impl Into<String>) -> Stop {
        Stop::Usage(Error::new(message))
    }

    /// A mistake on the command line, and what to write instead.
    pub fn usage_hint(message: impl Into<String>, hint: impl Into<String>) -> Stop {
        Stop::Usage(Error::new(message).hint(hint))
    }

    /// What the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Stop::Diagnoses(_) | Stop::Usage(_) => ExitCode::USAGE,
            Stop::Nothing(_) => ExitCode::NOTHING_SELECTED,
            Stop::Failed(_) => ExitCode::INCONCLUSIVE,
        }
    }
}

impl From<Diagnosis> for Stop {
    fn from(diagnosis: Diagnosis) -> Stop {
        Stop::Diagnoses(vec![diagnosis])
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}
