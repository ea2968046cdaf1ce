//! The one place that prints.
#![expect(clippy::print_stderr, reason = "printing is what this module is for")]

use std::io::Write;

use gate_core::Error;
use gate_core::spec::Diagnosis;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};

use crate::reporters::{clean_lines, is_hostile};
use crate::usage::Stop;

/// Writes to standard output, whole or not at all; a reader that went away is no error.
pub fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes bytes to standard output; here a reader that went away is an error.
pub fn out_bytes(bytes: &[u8]) -> Result<(), Error> {
    Ok(self::bytes(bytes)?)
}

/// The same, for who wants to know the error.
pub fn bytes(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush())
}

/// Writes to standard error.
pub fn err(text: &str) {
    eprint!("{text}");
}

/// Says why a command did not do what was asked.
pub fn stop(stop: &Stop, colour: bool) {
    match stop {
        Stop::Diagnoses(diagnoses) => {
            let mut diagnoses: Vec<_> = diagnoses.iter().collect();
            diagnoses.sort_by_key(|diagnosis| (&diagnosis.file, diagnosis.at));
            for diagnosis in &diagnoses {
                err(&diagnosed(diagnosis, colour));
            }
            let count = diagnoses.len();
            let s = if count == 1 { "" } else { "s" };
            err(&format!("{count} problem{s}; nothing was run\n"));
        }
        Stop::Usage(error) | Stop::Nothing(error) | Stop::Failed(error) => failed(error),
    }
}

/// An error with its hint.
pub fn failed(error: &Error) {
    err(&format!("gate: {}\n", clean_lines(error.message())));
    if let Some(hint) = error.advice() {
        err(&format!("  hint: {}\n", clean_lines(hint)));
    }
}

/// A diagnosis with its line and a caret.
pub fn diagnosed(diagnosis: &Diagnosis, colour: bool) -> String {
    let mut shown = MietteDiagnostic::new(clean_lines(&diagnosis.message).into_owned());
    if let Some(hint) = &diagnosis.hint {
        shown = shown.with_help(clean_lines(hint).into_owned());
    }
    let Some((offset, length)) = span(diagnosis) else {
        let mut text = format!("{}: {}\n", diagnosis.file, clean_lines(&diagnosis.message));
        if let Some(hint) = &diagnosis.hint {
            text.push_str(&format!("  hint: {}\n", clean_lines(hint)));
        }
        return text;
    };
    shown = shown.with_label(LabeledSpan::at(offset..offset + length, "here"));
    let source = NamedSource::new(&diagnosis.file, harmless(&diagnosis.source));
    let report = miette::Report::new(shown).with_source_code(source);
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    // Writing into a string cannot fail; what was written until then is better than nothing.
    let _ = handler.render_report(&mut text, report.as_ref());
    text
}

/// Where the mistake stands in the text, in bytes: from its first character to the end of the
/// word.
fn span(diagnosis: &Diagnosis) -> Option<(usize, usize)> {
    let at = diagnosis.at?;
    let source = harmless(&diagnosis.source);
    let start: usize = source.split_inclusive('\n').take(at.line - 1).map(str::len).sum();
    let line = source[start..].lines().next()?;
    let column = line.char_indices().nth(at.column - 1).map_or(line.len(), |(offset, _)| offset);
    let rest = &line[column..];
    let word = rest.find([' ', ',', '}', ']', ':']).unwrap_or(rest.len());
    Some((start + column, word.max(usize::from(!rest.is_empty()))))
}

/// The text of a file with everything that a terminal would obey replaced, character by
/// character, so that columns stay where they are.
fn harmless(source: &str) -> String {
    let harmless = |c: char| if c != '\n' && is_hostile(c) { '\u{fffd}' } else { c };
    source.chars().map(harmless).collect()
}
