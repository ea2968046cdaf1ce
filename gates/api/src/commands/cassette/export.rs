//! `gate cassette export`: a recording for other tools.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use gate_core::{Error, ExitCode, Output, files};
use recorder::import::{self, Format, Imported};
use recorder::rules::cleaned_rules;
use redact::{Cleaner, Scanner};

use super::super::engine_error;
use super::super::words::count;

/// Write a recording in the format of another tool.
///
/// HAR is one file, WireMock a folder with mappings and __files. Rules, which answer every request of
/// a kind, become mappings behind the others; HAR has no place for them. What a format has no room for, such
/// as when each part of an answer came, stands in additions that other tools pass over; read again,
/// the recording is the same. Of a file that another tool has written, secrets and personal data are
/// taken out on the way; a cassette has none. Whatever is about to be written is looked over once
/// more, and not written when a secret is in it.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 0, or with 2 when something cannot be read or written.

Examples:
  gate cassette export crm.cassette --format har --out crm.har
  gate cassette export crm.cassette --format wiremock --out wiremock/")]
pub(super) struct Export {
    /// A cassette, or a file or folder of another tool.
    path: PathBuf,
    /// What it becomes.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: To,
    /// The file (HAR) or the folder (WireMock).
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Write over what is there.
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum To {
    /// HTTP Archive 1.2, one file.
    Har,
    /// A folder with `mappings/gate.json` and, for large bodies, `__files`.
    Wiremock,
}

pub(super) fn exported(export: &Export, output: &Output) -> Result<ExitCode, Error> {
    let target = match export.format {
        To::Har => export.out.clone(),
        To::Wiremock => export.out.join("mappings").join("gate.json"),
    };
    if target.exists() && !export.replace {
        let text = format!("{} is there already", target.display());
        return Err(Error::new(text).hint("--replace writes over it"));
    }
    let mut imported = import::read(&export.path).map_err(engine_error)?;
    super::warn(&export.path, &imported.warnings, output);
    let cleaner = super::cleaner(&super::policy_of(&export.path)?)?;
    let changed = clean(&mut imported, &cleaner)?;
    let left_out = match export.format {
        To::Har => har(&imported, &export.out, &cleaner)?,
        To::Wiremock => mappings(&imported, &export.out, &cleaner)?,
    };
    let path = export.path.display();
    let has_no_words = match export.format {
        To::Har => "is a rule, which HAR has no place for: left out",
        To::Wiremock => "asks for what WireMock has no word for: left out",
    };
    for (place, rule) in imported.rules.iter().enumerate() {
        let what = if left_out.contains(&place) {
            has_no_words
        } else if rule.is_redacted() {
            "asks for a secret that was taken out: nobody else sends that"
        } else {
            continue;
        };
        (output.err)(&format!("gate: {path}: {} {what}\n", super::named_rule(rule)));
    }
    let mut exported = count(imported.recorded.len(), "interaction");
    let rules = imported.rules.len() - left_out.len();
    if rules > 0 {
        exported.push_str(&format!(" and {}", count(rules, "rule")));
    }
    let of_them = match changed {
        0 => String::new(),
        n => format!("; secrets or personal data were taken out of {n} of them"),
    };
    (output.out)(&format!("exported {exported} to {}{of_them}\n", target.display()));
    Ok(ExitCode::PROMOTE)
}

/// Takes the secrets out of what was not recorded here; says of how many.
fn clean(imported: &mut Imported, cleaner: &Cleaner) -> Result<usize, Error> {
    if imported.format == Format::Gate {
        return Ok(0);
    }
    let (clean, changed) = recorder::cleaned(&imported.recorded, cleaner);
    let (rules, changed_rules) = cleaned_rules(&imported.rules, cleaner).map_err(engine_error)?;
    (imported.recorded, imported.rules) = (clean, rules);
    Ok(changed + changed_rules)
}

/// Writes it, and says which rules it has no place for.
fn har(imported: &Imported, out: &Path, cleaner: &Cleaner) -> Result<HashSet<usize>, Error> {
    let text = recorder::to_har(&imported.recorded).map_err(engine_error)?;
    looked_over(&text, out, cleaner)?;
    let folder = out.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    files::make_folder(folder)?;
    files::write_atomically(out, &text, folder)?;
    Ok((0..imported.rules.len()).collect())
}

fn mappings(imported: &Imported, out: &Path, cleaner: &Cleaner) -> Result<HashSet<usize>, Error> {
    let made = recorder::to_wiremock(&imported.recorded, &imported.rules).map_err(engine_error)?;
    looked_over(&made.mappings, out, cleaner)?;
    for (name, bytes) in &made.files {
        looked_over(bytes, &out.join("__files").join(name), cleaner)?;
    }
    made.write(out).map_err(engine_error)?;
    Ok(made.left_out.into_iter().collect())
}

/// The last look over what is about to be written.
fn looked_over(bytes: &[u8], path: &Path, cleaner: &Cleaner) -> Result<(), Error> {
    let mut scanner = Scanner::new(cleaner, std::io::sink());
    std::io::Write::write_all(&mut scanner, bytes)?;
    let (_, found) = scanner.finish();
    let Some(first) = found.first() else { return Ok(()) };
    let text = format!("{} was not written: it would hold a secret, {first}", path.display());
    Err(Error::new(text).hint(
        "import it into a cassette, allow the value under redact.allow of its cassette.yaml when \
         it is none, and export that",
    ))
}
