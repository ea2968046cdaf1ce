//! `gate cassette import`: what other tools have recorded, as a cassette.

use std::path::{Path, PathBuf};

use clap::Args;
use gate_core::{Error, ExitCode, Output, files};
use recorder::import::{Format, Imported};
use recorder::{Cassette, Policy, Recorded, import};
use redact::Cleaner;

use super::super::engine_error;
use super::super::words::{count, plain};
use super::{complain, format_name};

/// Make a cassette of what other tools have recorded, without its secrets.
///
/// Files are put one behind the other, in the order they are given in. What looks like a secret or
/// like personal data is replaced, as it is when gate records; what the cassette's redact settings
/// say counts. What cannot be carried over is named on standard error: a cassette has no place yet
/// for stubs that answer every request of a kind, and `gate replay --cassette FILE` answers with
/// those as well, from the file itself.
///
/// A cassette that is there already is not touched unless --add or --replace says so; its
/// cassette.yaml stays. To set something before the first import, write a cassette.yaml into the
/// folder that says it.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 0, or with 2 when something cannot be read or written; then nothing is.

Examples:
  gate cassette import spec/cassettes/*.yml --out crm.cassette
  gate cassette import checkout.har --out shop.cassette --replace")]
pub(super) struct Import {
    /// Files or folders of other tools; cassettes of gate are put together, too.
    #[arg(required = true, value_name = "FILES")]
    paths: Vec<PathBuf>,
    /// The cassette.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Put it behind what the cassette holds already.
    #[arg(long, conflicts_with = "replace")]
    add: bool,
    /// Put it in the place of what the cassette holds.
    #[arg(long)]
    replace: bool,
}

pub(super) fn imported(import: &Import, output: &Output) -> Result<ExitCode, Error> {
    let there = there(import)?;
    let Some(files) = read_all(&import.paths, output) else { return Ok(ExitCode::USAGE) };
    let policy = match &there {
        Some((cassette, _)) => cassette.policy().clone(),
        None => policy_of(&files, output)?,
    };
    let cleaner = super::cleaner(&policy)?;
    let mut all: Option<Imported> = None;
    for (path, one) in files {
        tell(&path, &one, output);
        match &mut all {
            Some(all) => all.append(one),
            None => all = Some(one),
        }
    }
    let recorded = all.map(|all| all.recorded).unwrap_or_default();
    let (clean, changed) = recorder::cleaned(&recorded, &cleaner);
    let new = clean.len();
    match there {
        None => make(&import.out, policy, &clean, &cleaner)?,
        Some((cassette, old)) => {
            cassette.write(&behind(old, clean), &cleaner).map_err(engine_error)?;
        }
    }
    let of_them = match changed {
        0 => String::new(),
        n => format!("; secrets or personal data were taken out of {n} of them"),
    };
    let out = import.out.display();
    (output.out)(&format!("imported {} into {out}{of_them}\n", count(new, "interaction")));
    Ok(ExitCode::PROMOTE)
}

/// Makes a cassette. It is there as a whole or not at all.
fn make(out: &Path, policy: Policy, all: &[Recorded], cleaner: &Cleaner) -> Result<(), Error> {
    let parent = out.parent().filter(|parent| *parent != Path::new(""));
    let parent = parent.unwrap_or(Path::new("."));
    files::make_folder(parent)?;
    let making = files::Making::inside(parent)?;
    let cassette = Cassette::open_or_new(making.path(), || policy).map_err(engine_error)?;
    cassette.write(all, cleaner).map_err(|error| {
        // Nobody knows it by the name that it has until it is whole.
        let text = error.to_string();
        let text = text.replace(&making.path().display().to_string(), &out.display().to_string());
        Error::new(text).hint(error.advice().unwrap_or_default())
    })?;
    if out.is_dir() {
        std::fs::remove_dir(out)?;
    }
    making.take_place(out)
}

/// The cassette that is there already, and what it holds that stays.
fn there(import: &Import) -> Result<Option<(Cassette, Vec<Recorded>)>, Error> {
    let out = &import.out;
    if !Cassette::is_at(out) {
        let is_free = match std::fs::read_dir(out) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => !out.exists(),
        };
        if is_free {
            return Ok(None);
        }
        let text = format!("{} is there already, and is no cassette", out.display());
        return Err(Error::new(text).hint("name a folder that is empty or not there"));
    }
    let cassette = Cassette::open(out).map_err(engine_error)?;
    let old = if import.replace { Vec::new() } else { cassette.read().map_err(engine_error)? };
    if !import.add && !old.is_empty() {
        let has = count(old.len(), "interaction");
        let text = format!("{} is there already, with {has}", out.display());
        return Err(Error::new(text)
            .hint("--add puts these behind them, --replace puts these in their place"));
    }
    Ok(Some((cassette, old)))
}

/// All files, or none when one of them cannot be read: each that cannot is named.
fn read_all(paths: &[PathBuf], output: &Output) -> Option<Vec<(PathBuf, Imported)>> {
    let mut all = Vec::new();
    for path in paths {
        match import::read(path) {
            Ok(imported) => all.push((path.clone(), imported)),
            Err(error) => complain(&engine_error(error), output),
        }
    }
    if all.len() < paths.len() {
        (output.err)("nothing was written\n");
        return None;
    }
    Some(all)
}

/// What holds for a new cassette: what the first cassette of gate among the files says, and that
/// answers are given again when that is how a tool does it.
fn policy_of(files: &[(PathBuf, Imported)], output: &Output) -> Result<Policy, Error> {
    let own = files.iter().filter(|(_, imported)| imported.format == Format::Gate);
    let mut policies = Vec::new();
    for (path, _) in own {
        policies.push((path, super::policy_of(path)?));
    }
    let Some((first, policy)) = policies.first() else {
        let allow_repeats = files.iter().any(|(_, imported)| imported.repeats);
        return Ok(Policy { allow_repeats, ..Policy::default() });
    };
    for (path, other) in &policies[1..] {
        if other != policy {
            let text = format!(
                "gate: {}: its cassette.yaml is left out, that of {} holds\n",
                path.display(),
                first.display()
            );
            (output.err)(&text);
        }
    }
    Ok(policy.clone())
}

/// Says what a file was, and what of it is left out.
fn tell(path: &Path, imported: &Imported, output: &Output) {
    let mut line = format!(
        "{}: {}, {}",
        path.display(),
        format_name(imported.format),
        count(imported.recorded.len(), "interaction"),
    );
    let rules = imported.rules.len();
    if rules > 0 {
        line.push_str(&format!(", {} left out", count(rules, "rule")));
    }
    (output.out)(&format!("{line}\n"));
    super::warn(path, &imported.warnings, output);
    for rule in super::named_rules(imported) {
        let text = format!("gate: {}: {rule} is a rule: left out\n", path.display());
        (output.err)(&text);
    }
    if rules > 0 {
        let hint = format!("gate replay --cassette {} answers with them", path.display());
        (output.err)(&format!("  hint: {}\n", plain(&hint)));
    }
}

fn behind(mut old: Vec<Recorded>, new: Vec<Recorded>) -> Vec<Recorded> {
    let next = old.iter().map(|one| one.order).max().map_or(0, |last| last + 1);
    old.extend(new.into_iter().map(|one| Recorded { order: one.order + next, ..one }));
    old
}
