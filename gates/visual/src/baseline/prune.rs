//! `gate baseline prune`: approved pictures that no spec names any more.

use std::collections::BTreeSet;
use std::path::PathBuf;

use gate_core::{Context, Error, ExitCode, SpecChoice, SpecGate, Specs, SpecsRead, decision};
use serde::Serialize;

use super::leftovers::{self, Kept, Leftover, Leftovers, Named};
use crate::seen;
use crate::settings::{Against, PageSpec, Settings, Source};
use crate::sources::{self, Page};
use crate::words;

#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// Specs, or folders with specs, as for `gate run`. Without any, the whole workspace is
    /// looked through, and baselines whose spec is gone go, too.
    paths: Vec<PathBuf>,
    /// Where lists such as sitemaps are fetched from.
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Only say what would be removed.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print one JSON document on standard output, and nothing else there.
    #[arg(long)]
    json: bool,
    /// Do it in a pipeline, too: files of the workspace are removed.
    #[arg(long)]
    pub(super) in_ci: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    dry_run: bool,
    removed: &'a [Leftover],
    /// Of what was removed.
    bytes: u64,
    folders: Vec<String>,
    /// What stays because `gate` did not write it.
    left: &'a [Kept],
    /// What could not be looked at, so that nothing was removed there.
    unknown: &'a [Kept],
}

pub(super) fn pruned(prune: &Prune, cx: &Context, specs: &dyn Specs) -> Result<ExitCode, Error> {
    let choice = SpecChoice { paths: prune.paths.clone(), env: prune.env.clone() };
    let read = match specs.read("visual", &choice) {
        Ok(read) => read,
        Err(code) => return Ok(code),
    };
    let (named, unlisted) = named(&read.gates, &choice, specs)?;
    let mut found = looked(&read, &named, cx)?;
    let something = !(found.gone.is_empty() && found.folders.is_empty());
    if something && !prune.dry_run {
        // Somebody may have approved something while the lists were fetched.
        let _held = decision::hold(cx.workspace())?;
        found = looked(&read, &named, cx)?;
        remove(&found)?;
    }
    found.unknown.extend(unlisted);
    say(prune, &found, cx)?;
    Ok(if found.unknown.is_empty() { ExitCode::PROMOTE } else { ExitCode::INCONCLUSIVE })
}

/// The views of every gate, and the gates of which they cannot be found out.
fn named(
    gates: &[SpecGate],
    choice: &SpecChoice,
    specs: &dyn Specs,
) -> Result<(Named, Vec<Kept>), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut named, mut unlisted) = (Named::new(), Vec::new());
    for gate in gates {
        let settings: &Settings = gate.settings.get();
        let pages = match settings.against {
            Against::Baselines => runtime.block_on(pages(gate, settings, choice, specs)),
            // It is held against another site, and has no use for pictures.
            Against::Promotion | Against::Environment(_) => Ok(Vec::new()),
        };
        let views = match pages {
            Ok(pages) => Some(pages.iter().flat_map(|page| views(settings, page)).collect()),
            Err(error) => {
                let advice = error.advice().map(|advice| format!(" ({advice})"));
                let reason = format!(
                    "its pages are not known: {error}{}; nothing of it is removed",
                    advice.unwrap_or_default()
                );
                unlisted.push(Kept { path: gate.name.clone(), reason });
                None
            }
        };
        named.insert(gate.spec.with_extension("baselines").join(&gate.name), views);
    }
    Ok((named, unlisted))
}

/// The pages of a gate. A site is asked only for lists that it has.
async fn pages(
    gate: &SpecGate,
    settings: &Settings,
    choice: &SpecChoice,
    specs: &dyn Specs,
) -> Result<Vec<Page>, Error> {
    let fetched =
        |page: &PageSpec| matches!(page.source, Source::Sitemap(_) | Source::Storybook(_));
    let site = settings.pages.iter().any(fetched).then_some(choice);
    let cx = specs.context(gate, site)?;
    sources::listed(settings, &cx).await
}

fn views(settings: &Settings, page: &Page) -> Vec<String> {
    let look = settings.look_of(page.entry);
    let windows = look.windows();
    let of_browser = |browser: &'static str| {
        windows.iter().map(move |window| seen::id_of(&page.name, &window.name, browser))
    };
    look.browsers().into_iter().flat_map(|browser| of_browser(browser.name())).collect()
}

fn looked(read: &SpecsRead, named: &Named, cx: &Context) -> Result<Leftovers, Error> {
    let mut folders: BTreeSet<PathBuf> =
        read.files.iter().map(|file| file.with_extension("baselines")).collect();
    for folder in &read.folders {
        leftovers::below(folder, &mut folders)?;
    }
    let mut found = Leftovers::default();
    for folder in folders {
        if let Some(owner) = leftovers::unread_owner(&folder, &read.files)? {
            let reason = format!(
                "it may belong to {}, which was not read; name that to look there, too",
                cx.workspace().shown(&owner)
            );
            found.strange.push(Kept { path: cx.workspace().shown(&folder), reason });
            continue;
        }
        let there = read.files.iter().any(|file| file.with_extension("baselines") == folder);
        found.look(&folder, named, there, cx)?;
    }
    Ok(found)
}

/// The picture first: a sidecar that is left alone can be told for what it is.
fn remove(found: &Leftovers) -> Result<(), Error> {
    let failed = |path: &PathBuf| {
        let path = path.display().to_string();
        move |error: std::io::Error| Error::new(format!("{path} cannot be removed: {error}"))
    };
    for file in found.gone.iter().flat_map(|leftover| &leftover.files) {
        std::fs::remove_file(file).map_err(failed(file))?;
    }
    for folder in &found.folders {
        std::fs::remove_dir(folder).map_err(failed(folder))?;
    }
    Ok(())
}

fn say(prune: &Prune, found: &Leftovers, cx: &Context) -> Result<(), Error> {
    let bytes = found.gone.iter().map(|leftover| leftover.bytes).sum();
    let folders = found.folders.iter().map(|folder| cx.workspace().shown(folder));
    let Leftovers { gone: removed, strange: left, unknown, .. } = found;
    if prune.json {
        let document = Document {
            schema: "gate-baseline-prune/v1",
            dry_run: prune.dry_run,
            removed,
            bytes,
            folders: folders.collect(),
            left,
            unknown,
        };
        cx.print(&format!("{}\n", serde_json::to_string_pretty(&document)?));
        return Ok(());
    }
    for Leftover { name, bytes, reason, .. } in removed {
        cx.print(&format!("{name}  {}  {reason}\n", words::bytes(*bytes)));
    }
    for Kept { path, reason } in left {
        cx.print(&format!("left: {path}: {reason}\n"));
    }
    for Kept { path, reason } in unknown {
        cx.complain(&format!("gate: {path}: {reason}\n"));
    }
    let count = removed.len() as u64;
    let went = if prune.dry_run { "would go" } else { "went" };
    cx.print(&match count {
        0 => "nothing to remove\n".to_owned(),
        _ => {
            let s = if count == 1 { "" } else { "s" };
            format!("{} picture{s} {went}, {}\n", words::thousands(count), words::bytes(bytes))
        }
    });
    Ok(())
}
