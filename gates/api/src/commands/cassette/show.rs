//! `gate cassette show`: what a recording holds, as lines of JSON.

use std::path::PathBuf;

use clap::Args;
use gate_core::{Error, ExitCode, Output};
use recorder::{Cassette, import};

use super::super::engine_error;
use super::PIECE;

/// Print what a recording holds: a line of JSON for each interaction.
///
/// They come in the order of recording. Names of headers are in small letters; bodies are base64 of
/// the bytes without their content codings, or null where there are none; the url is the recorded
/// one as it stands. A rule, which answers every request of a kind, stands at its place, its pattern
/// written where a request has its address.
///
/// It prints what is there, secrets included: `gate cassette check` tells of those. Warnings go to
/// standard error. Of a cassette of gate, the text of its endpoints' files is in memory once and one
/// body at a time; a file of another tool is read as a whole, and takes several times its length.
#[derive(Debug, Args)]
#[command(after_help = "\
A line, here on several:
  {\"method\": \"POST\", \"url\": \"https://api.example.com/contacts\",
   \"request\": {\"headers\": {\"accept\": [\"*/*\"]}, \"body\": \"e30=\"},
   \"response\": {\"status\": 204, \"headers\": {}, \"body\": null}}

Ends with 0, or with 2 when the recording cannot be read.

Examples:
  gate cassette show crm.cassette | jq -r '.method + \" \" + .url'
  gate cassette show spec/cassettes/crm.yml | head -1 | jq -r .response.body | base64 -d")]
pub(super) struct Show {
    /// A cassette, or a file or folder of another tool.
    path: PathBuf,
    /// Lines of JSON, which is what is printed without it as well.
    #[arg(long)]
    json: bool,
}

pub(super) fn shown(show: &Show, output: &Output) -> Result<ExitCode, Error> {
    if Cassette::is_at(&show.path) {
        let cassette = Cassette::open(&show.path).map_err(engine_error)?;
        let lines = recorder::shown_cassette(&cassette).map_err(engine_error)?;
        return written(lines.map(|line| line.map_err(engine_error)), output);
    }
    let imported = import::read(&show.path).map_err(engine_error)?;
    super::warn(&show.path, &imported.warnings, output);
    written(recorder::shown(&imported).map(Ok), output)
}

/// Writes lines as they are made. A reader that has seen enough ends it, and is no mistake.
fn written(
    lines: impl Iterator<Item = Result<String, Error>>,
    output: &Output,
) -> Result<ExitCode, Error> {
    let mut piece = String::with_capacity(PIECE);
    let mut is_read = true;
    for line in lines {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                write(&piece, output)?;
                return Err(error);
            }
        };
        piece.push_str(&line);
        piece.push('\n');
        if piece.len() >= PIECE {
            is_read = write(&piece, output)?;
            piece.clear();
        }
        if !is_read {
            return Ok(ExitCode::PROMOTE);
        }
    }
    write(&piece, output)?;
    Ok(ExitCode::PROMOTE)
}

/// Whether somebody reads it.
fn write(text: &str, output: &Output) -> Result<bool, Error> {
    match (output.bytes)(text.as_bytes()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::new(format!("writing to standard output: {error}"))),
    }
}
