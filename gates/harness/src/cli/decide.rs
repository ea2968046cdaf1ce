//! `gate approve`, `gate reject` and `gate undo`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use gate_core::decision::{self, DECISIONS_FILE, Decision, DecisionSchema, Refused, Said};
use gate_core::{ExitCode, GateReport, Proposal, is_run_id};
use gate_runs::Stored;
use globset::Glob;

use super::args::{Decide, Undo};
use super::{Session, judging, print};
use crate::discover::{self, Project};
use crate::reporters::clean_line;
use crate::usage::Stop;

pub(super) fn decide(session: &Session, args: &Decide, said: Said) -> Result<ExitCode, Stop> {
    not_in_ci(session, args.in_ci)?;
    let project = session.project()?;
    let (run, ids) = words(session, &args.words);
    if ids.is_empty() && !args.all {
        return Err(Stop::usage_hint(
            "which proposals?",
            "name their ids (`gate explain NAME` shows them), or --all",
        ));
    }
    let stored = judging::find(session, &project, run)?;
    let report = stored.report()?;
    let gate = args.gate.as_deref().map(Glob::new).transpose();
    let gate = gate.map_err(|error| Stop::usage(format!("--gate: {error}")))?;
    let gate = gate.map(|gate| gate.compile_matcher());
    let chosen: Vec<(&GateReport, &Proposal)> = report
        .gates
        .iter()
        .filter(|report| gate.as_ref().is_none_or(|glob| glob.is_match(&report.name)))
        .flat_map(|gate| gate.proposals.iter().map(move |proposal| (gate, proposal)))
        .filter(|(_, proposal)| args.all || ids.contains(&proposal.id.as_str()))
        .collect();
    if let Some(missing) = ids.iter().find(|id| chosen.iter().all(|(_, p)| p.id != **id)) {
        return Err(Stop::usage_hint(
            format!("the run {} has no proposal `{missing}`", report.run),
            "`gate explain NAME` shows the proposals of a gate",
        ));
    }
    if chosen.is_empty() {
        return Err(Stop::usage(format!("the run {} proposes nothing", report.run)));
    }
    let by = who(session, args.by.as_deref())?;
    let mut refused = false;
    for (gate, proposal) in chosen {
        let decision = Decision {
            schema: DecisionSchema::V1,
            proposal: proposal.clone(),
            decision: said,
            by: by.clone(),
            at: session.ambient.clock().map_err(Stop::usage)?.now(),
            reason: args.reason.clone(),
            run: report.run.clone(),
        };
        refused |= !carried_out(&project, &stored, gate, decision)?;
    }
    Ok(if refused { ExitCode::FAILED } else { ExitCode::PROMOTE })
}

fn carried_out(
    project: &Project,
    stored: &Stored,
    gate: &GateReport,
    decision: Decision,
) -> Result<bool, Stop> {
    let word = match decision.decision {
        Said::Approved => "approved",
        Said::Rejected => "rejected",
        Said::Undone => "undone",
    };
    let title = format!("{}: {}", gate.name, decision.proposal.title);
    let title = clean_line(&title);
    let id = decision.proposal.id.clone();
    match gate_runs::carry_out(&project.workspace, stored, gate, decision) {
        Ok(()) => {
            print::out(&format!("{word} {id}  {title}\n"));
            Ok(true)
        }
        Err(refused @ Refused::Stale { .. }) => {
            print::err(&format!("gate: not {word}: {id}  {title}\n  hint: {refused}\n"));
            Ok(false)
        }
        Err(Refused::Failed(error)) => Err(Stop::Failed(error)),
    }
}

pub(super) fn undo(session: &Session, args: &Undo) -> Result<ExitCode, Stop> {
    not_in_ci(session, args.in_ci)?;
    let project = session.project()?;
    let mut found = None;
    for file in decision_files(session, &project)? {
        let decisions = decision::load(&file)?;
        if let Some(decision) = decision::latest(&decisions).get(args.id.as_str()) {
            found = Some((file, (*decision).clone()));
        }
    }
    let Some((file, last)) = found else {
        return Err(Stop::usage_hint(
            format!("nobody has decided on `{}`", args.id),
            "ids stand in gate-decisions.jsonl beside the specs",
        ));
    };
    if last.decision == Said::Undone {
        return Err(Stop::usage(format!("`{}` was undone already by {}", args.id, last.by)));
    }
    let title = format!("{}: {}", last.proposal.gate, last.proposal.title);
    let title = clean_line(&title);
    let by = who(session, args.by.as_deref())?;
    let at = session.ambient.clock().map_err(Stop::usage)?.now();
    match gate_runs::take_back(&project.workspace, &file, last, by, at, args.reason.clone()) {
        Ok(()) => {
            print::out(&format!("undone {}  {title}\n", args.id));
            Ok(ExitCode::PROMOTE)
        }
        Err(Refused::Stale { path }) => {
            print::err(&format!("gate: not undone: {path} has changed since the decision\n"));
            Ok(ExitCode::FAILED)
        }
        Err(Refused::Failed(error)) => Err(Stop::Failed(
            error.hint("what was there before may only be in git: take the file from there"),
        )),
    }
}

fn decision_files(session: &Session, project: &Project) -> Result<BTreeSet<PathBuf>, Stop> {
    let (files, _) = discover::spec_files(project, &session.ambient.folder, &[])?;
    let mut found: BTreeSet<PathBuf> =
        files.iter().map(|file| file.path.with_file_name(DECISIONS_FILE)).collect();
    found.insert(project.workspace.root().join(DECISIONS_FILE));
    // Specs that are run by their path lie where no glob finds them.
    for id in gate_runs::ids(&project.workspace) {
        if let Ok(stored) = Stored::find(&project.workspace, project.workspace.root(), &id) {
            let specs = stored.record.gates.iter().map(|gate| &gate.spec.path);
            let beside = |path| project.workspace.root().join(path).with_file_name(DECISIONS_FILE);
            found.extend(specs.map(beside));
        }
    }
    Ok(found)
}

fn not_in_ci(session: &Session, allowed: bool) -> Result<(), Stop> {
    if session.ambient.is_ci() && !allowed {
        return Err(Stop::usage_hint(
            "in a pipeline (CI is set) nothing is decided by the way",
            "decide on your own machine, or say --in-ci",
        ));
    }
    Ok(())
}

/// The run, if the first word is one, and the ids.
fn words<'a>(session: &Session, words: &'a [String]) -> (&'a str, Vec<&'a str>) {
    let is_run = |word: &String| {
        word == "last" || is_run_id(word) || session.ambient.folder.join(word).exists()
    };
    let (run, ids) = match words.split_first() {
        Some((first, rest)) if is_run(first) => (first.as_str(), rest),
        _ => ("last", words),
    };
    (run, ids.iter().map(String::as_str).collect())
}

fn who(session: &Session, by: Option<&str>) -> Result<String, Stop> {
    if let Some(by) = by.filter(|by| !by.trim().is_empty()) {
        return Ok(by.to_owned());
    }
    let asked = std::process::Command::new("git")
        .args(["config", "user.name"])
        .current_dir(&session.ambient.folder)
        .output();
    let name = asked.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    match name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) {
        Some(name) => Ok(name),
        None => Err(Stop::usage_hint("who decides?", "say --by NAME, or set git's user.name")),
    }
}
