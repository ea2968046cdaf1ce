//! What the command line has for recordings.

pub(crate) mod cassette;
pub(crate) mod drift;
pub(crate) mod record;
pub(crate) mod replay;
mod run;
mod words;

use gate_core::{Context, Error, ExitCode};

/// An error of the engine as one of the workspace.
pub(crate) fn engine_error(error: recorder::Error) -> Error {
    let text = Error::new(error.to_string());
    match error.advice() {
        Some(hint) => text.hint(hint.to_owned()),
        None => text,
    }
}

pub(crate) use record::{cleaner, keep};

fn complain(error: &Error, cx: &Context) -> ExitCode {
    cx.complain(&format!("gate: {}\n", words::plain(&error.to_string())));
    if let Some(hint) = error.advice() {
        cx.complain(&format!("  hint: {}\n", words::plain(hint)));
    }
    ExitCode::USAGE
}
