//! `gate baseline`: looking after approved pictures.

mod learn;
mod leftovers;
mod prune;

use std::ffi::OsString;

use clap::{Parser, Subcommand};
use gate_core::{Command, Context, ExitCode, Runs, Specs};

/// Look after approved pictures.
#[derive(Debug, Parser)]
#[command(name = "gate baseline", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Photograph the approved pages several times and keep what moves on them by itself.
    ///
    /// What differs from one of these pictures to the next stands in the file beside the approved
    /// one. A later change in the same place that is no stronger is not a change. What differs
    /// from the approved picture every time is a change as ever, and is not learnt.
    Learn(learn::Learn),
    /// Remove the approved pictures that no spec names any more.
    ///
    /// A picture goes, with the file beside it, when no page, viewport and browser of its gate
    /// has its name, or when its gate or spec is gone. Lists such as sitemaps are fetched for
    /// that; of a gate whose list cannot be had nothing is removed (exit code 3). What `gate` did
    /// not write stays.
    Prune(prune::Prune),
}

pub(crate) fn command() -> Command {
    Command {
        name: "baseline",
        about: "Learn what moves on approved pages by itself; remove pictures that nothing names",
        help,
        run: Runs::OnSpecs(run),
    }
}

fn help() -> String {
    gate_arguments::help::<Arguments>(&["learn", "prune"])
}

fn run(arguments: &[OsString], cx: &Context, specs: &dyn Specs) -> ExitCode {
    let parsed = gate_arguments::parse_in(arguments, cx);
    let action = match parsed {
        Ok(Arguments { action }) => action,
        Err(code) => return code,
    };
    let (changes, in_ci) = match &action {
        Action::Learn(learn) => (true, learn.in_ci),
        Action::Prune(prune) => (!prune.dry_run, prune.in_ci),
    };
    if changes && cx.ambient("CI").is_some_and(|ci| ci == "true") && !in_ci {
        cx.complain("gate: files of the workspace are not changed in a pipeline\n  --in-ci does it all the same\n");
        return ExitCode::USAGE;
    }
    let done = match &action {
        Action::Learn(learn) => learn::learnt(learn, cx),
        Action::Prune(prune) => prune::pruned(prune, cx, specs),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            let advice = error.advice().map(|advice| format!("  {advice}\n")).unwrap_or_default();
            cx.complain(&format!("gate: {error}\n{advice}"));
            ExitCode::INCONCLUSIVE
        }
    }
}
