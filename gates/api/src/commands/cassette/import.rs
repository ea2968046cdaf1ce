//! `gate cassette import`: what other tools have recorded, as a cassette.

use std::path::{Path, PathBuf};

use clap::Args;
use gate_core::{Error, ExitCode, Output, files};
use recorder::import::{Format, Imported};
use recorder::rules::{Fit, Rule, cleaned_rules, fit};
use recorder::{Cassette, Policy, Recorded, import};
use redact::Cleaner;

use super::super::engine_error;
use super::super::words::count;
use super::{complain, format_name};

/// Make a cassette of what other tools have recorded, without its secrets.
///
/// Files are put one behind the other, in the order they are given in. What looks like a secret or
/// like personal data is replaced, as it is when gate records; what the cassette's redact settings
/// say counts. What cannot be carried over is named on standard error.
///
/// Stubs that answer every request of a kind are kept in rules.json, in their order. Where such a
/// stub asks for a secret, the cassette has something else in its place, and any secret of that kind
/// fits: that is said of each.
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
    let (recorded, rules) = all.map(|all| (all.recorded, all.rules)).unwrap_or_default();
    let (clean, changed) = recorder::cleaned(&recorded, &cleaner);
    let (clean_rules, changed_rules) = cleaned_rules(&rules, &cleaner).map_err(engine_error)?;
    tell_fits(&rules, &clean_rules, &policy, output)?;
    let new = held(clean.len(), clean_rules.len());
    let clean = Content { recorded: clean, rules: clean_rules };
    match there {
        None => make(&import.out, policy, &clean, &cleaner)?,
        Some((cassette, old)) => behind(old, clean).write(&cassette, &cleaner)?,
    }
    let of_them = match changed + changed_rules {
        0 => String::new(),
        n => format!("; secrets or personal data were taken out of {n} of them"),
    };
    let out = import.out.display();
    (output.out)(&format!("imported {new} into {out}{of_them}\n"));
    Ok(ExitCode::PROMOTE)
}

/// What a cassette holds.
#[derive(Default)]
struct Content {
    recorded: Vec<Recorded>,
    rules: Vec<Rule>,
}

impl Content {
    fn is_empty(&self) -> bool {
        self.recorded.is_empty() && self.rules.is_empty()
    }

    fn write(&self, cassette: &Cassette, cleaner: &Cleaner) -> Result<(), Error> {
        cassette.write_rules(&self.rules, cleaner).map_err(engine_error)?;
        cassette.write(&self.recorded, cleaner).map_err(engine_error)?;
        // It is no recording of that time any more.
        cassette.forget_recorded();
        Ok(())
    }
}

/// Makes a cassette. It is there as a whole or not at all.
fn make(out: &Path, policy: Policy, all: &Content, cleaner: &Cleaner) -> Result<(), Error> {
    let parent = out.parent().filter(|parent| *parent != Path::new(""));
    let parent = parent.unwrap_or(Path::new("."));
    files::make_folder(parent)?;
    let making = files::Making::inside(parent)?;
    let cassette = Cassette::open_or_new(making.path(), || policy).map_err(engine_error)?;
    all.write(&cassette, cleaner).map_err(|error| {
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
fn there(import: &Import) -> Result<Option<(Cassette, Content)>, Error> {
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
    let old = if import.replace {
        Content::default()
    } else {
        let recorded = cassette.read().map_err(engine_error)?;
        Content { recorded, rules: cassette.rules().map_err(engine_error)? }
    };
    if !import.add && !old.is_empty() {
        let has = held(old.recorded.len(), old.rules.len());
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
    let held = held(imported.recorded.len(), imported.rules.len());
    let line = format!("{}: {}, {held}\n", path.display(), format_name(imported.format));
    (output.out)(&line);
    super::warn(path, &imported.warnings, output);
}

/// `3 interactions`, `3 interactions and 1 rule`.
fn held(interactions: usize, rules: usize) -> String {
    let interactions = count(interactions, "interaction");
    if rules == 0 { interactions } else { format!("{interactions} and {}", count(rules, "rule")) }
}

/// Says of each rule that asked for a secret what fits it now.
fn tell_fits(
    before: &[Rule],
    after: &[Rule],
    policy: &Policy,
    output: &Output,
) -> Result<(), Error> {
    for (before, after) in before.iter().zip(after).filter(|(_, after)| after.is_redacted()) {
        let what = match fit(before, after, &super::cleaner(policy)?).map_err(engine_error)? {
            Fit::Same => continue,
            Fit::AnyOfKind => "asks for a secret or personal data: any of that kind fits",
            Fit::Perhaps => {
                "asks for what only another part of the recording tells to be a secret: it may \
                 never answer. If it is none, allow it under redact.allow of cassette.yaml"
            }
        };
        (output.err)(&format!("gate: {} {what}\n", super::named_rule(after)));
    }
    Ok(())
}

fn behind(mut old: Content, new: Content) -> Content {
    let orders = old.recorded.iter().map(|one| one.order);
    let orders = orders.chain(old.rules.iter().map(|rule| rule.order));
    let next = orders.max().map_or(0, |last| last.saturating_add(1));
    let moved = |order: u64| order.saturating_add(next);
    let recorded = new.recorded.into_iter();
    old.recorded.extend(recorded.map(|one| Recorded { order: moved(one.order), ..one }));
    let rules = new.rules.into_iter();
    old.rules.extend(rules.map(|rule| Rule { order: moved(rule.order), ..rule }));
    old
}
