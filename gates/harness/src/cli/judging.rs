//! `gate judge` and `gate merge`: verdicts from what was stored.

use std::collections::BTreeSet;

use gate_core::{Error, ExitCode, RunFolder, RunRecord};

use super::args::{Judge, Merge};
use super::{Session, print, running};
use crate::discover::Project;
use crate::judge::{self, Judging, Mode};
use crate::merge;
use crate::reporters::{self, Format};
use crate::suite::{self, Wanted};
use crate::usage::Stop;
use gate_runs::Stored;

pub(super) fn judge(session: &mut Session, args: &Judge) -> Result<ExitCode, Stop> {
    let project = session.project()?;
    let stored = find(session, &project, &args.run)?;
    add_kinds(session, &project, &stored.record)?;
    let other = match &args.spec {
        Some(path) => {
            let wanted = Wanted { paths: vec![path.clone()], ..Wanted::default() };
            let (documents, diagnoses) = suite::documents(
                &project,
                &session.ambient.folder,
                &wanted,
                &session.ambient.variables,
            )?;
            if !diagnoses.is_empty() {
                return Err(Stop::Diagnoses(diagnoses));
            }
            Some(documents)
        }
        None => None,
    };
    let judging = Judging {
        store: stored.store.clone(),
        mode: Mode::Again,
        context: session.context(&project)?,
    };
    let judged = session.runtime.block_on(judge::again(
        &stored.record,
        &session.registry,
        &judging,
        other.as_deref(),
    ));
    // What another spec may not ask about is a mistake of the command line, and nothing ran.
    let report = judged.map_err(|error| match other {
        Some(_) => Stop::Usage(error),
        None => Stop::Failed(error),
    })?;
    if args.json {
        print::out_bytes(&reporters::document(&report)?)?;
    } else if !session.talk.quiet {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        let around = running::around(session, &project.workspace, &stored.folder, terminal);
        print::out_bytes(&reporters::render(Format::Terminal, &report, &around)?)?;
    }
    Ok(report.exit_code)
}

/// A run by its name; one that is not there is a mistake on the command line.
pub(super) fn find(session: &Session, project: &Project, name: &str) -> Result<Stored, Stop> {
    Stored::find(&project.workspace, &session.ambient.folder, name).map_err(Stop::Usage)
}

fn add_kinds(session: &mut Session, project: &Project, record: &RunRecord) -> Result<(), Stop> {
    let kinds: BTreeSet<String> = record.gates.iter().map(|gate| gate.kind.clone()).collect();
    session.add_plugins(project, Some(&kinds))
}

pub(super) fn merge(session: &mut Session, args: &Merge) -> Result<ExitCode, Stop> {
    let project = session.project()?;
    let workspace = project.workspace.clone();
    workspace.prepare()?;
    let parts = args
        .runs
        .iter()
        .map(|name| find(session, &project, name))
        .collect::<Result<Vec<_>, _>>()?;
    add_kinds(session, &project, &parts[0].record)?;
    let store = workspace.store();
    for part in &parts {
        part.copy_evidence(&store)?;
    }
    let started = session.ambient.clock().map_err(Stop::usage)?.now().compact();
    let id = format!("{started}-{:06x}", crate::ambient::random() & 0xff_ffff);
    let record = merge::join(&parts, &session.registry, &store, id.clone())?;
    let judging = Judging {
        store,
        // Plug-ins that judge while they measure have not been judged as a whole yet.
        mode: Mode::Live,
        context: session.context(&project)?,
    };
    let report =
        session.runtime.block_on(judge::again(&record, &session.registry, &judging, None))?;
    let folder = write(&workspace, &record, &report)?;
    Ok(running::publish(session, &workspace, &report, &folder, &args.sinks))
}

fn write(
    workspace: &gate_core::Workspace,
    record: &RunRecord,
    report: &gate_core::Report,
) -> Result<RunFolder, Error> {
    let temporary = workspace.private().join("tmp");
    let folder = RunFolder::create(workspace, &record.run)?;
    gate_core::files::write_atomically(&folder.events(), b"", &temporary)?;
    folder.save(record, &temporary)?;
    gate_core::files::write_atomically(
        &folder.report(),
        &reporters::document(report)?,
        &temporary,
    )?;
    Ok(folder)
}
