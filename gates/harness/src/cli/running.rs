//! `gate run`.

use std::collections::BTreeSet;

use gate_core::{Error, ExitCode, Listener, Report, RunFolder, Workspace, files};

use super::args::{Run, Sink, Sinks};
use super::{Session, print, signals};
use crate::reporters::{self, Around, Format};
use crate::runner::{self, Interrupt, Options};
use crate::suite;
use crate::usage::Stop;
use gate_runs::Stored;

pub(super) fn run(mut session: Session, args: Run) -> Result<ExitCode, Stop> {
    check_sinks(&args.sinks)?;
    let project = session.project()?;
    let wanted = args.choice.wanted(args.shard);
    let (documents, diagnoses) =
        suite::documents(&project, &session.ambient.folder, &wanted, &session.ambient.variables)?;
    let kinds: BTreeSet<String> = documents
        .iter()
        .map(|document| document.header.gate.clone())
        .chain(wanted.kinds.clone())
        .collect();
    session.add_plugins(&project, Some(&kinds))?;
    let suite = suite::prepare(
        project,
        (documents, diagnoses),
        &session.registry,
        &wanted,
        &session.ambient.variables,
    )?;
    let workspace = suite.project.workspace.clone();
    let options = Options {
        jobs: args.jobs.map_or_else(processors, usize::from),
        fail_fast: args.fail_fast,
        retries: args.retries,
        shard: args.shard,
        clock: session.ambient.clock().map_err(Stop::usage)?,
        seed: session.ambient.seed().map_err(Stop::usage)?,
        ambient: session.ambient.variables.clone(),
        temporary: session.ambient.temporary.clone(),
        listeners: followers(&session),
        notes: Vec::new(),
    };
    let interrupt = Interrupt::default();
    let done = session.runtime.block_on(async {
        signals::watch(interrupt.clone(), interrupt.ledger())?;
        runner::run(suite, options, interrupt).await
    })?;
    let code = publish(&session, &workspace, &done.report, &done.folder, &args.sinks);
    if let Err(error) = gate_runs::prune(&workspace) {
        tracing::warn!("old runs are not pruned: {error}");
    }
    Ok(code)
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn check_sinks(sinks: &Sinks) -> Result<(), Stop> {
    let to_stdout = sinks.reports.iter().filter(|sink| sink.path.as_os_str() == "-").count();
    if to_stdout + usize::from(sinks.json) > 1 {
        return Err(Stop::usage_hint(
            "two reports cannot share standard output",
            "write one of them to a file",
        ));
    }
    Ok(())
}

fn followers(session: &Session) -> Vec<Listener> {
    if session.talk.quiet {
        return Vec::new();
    }
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        let bars = crate::live::Bars::new(session.colour);
        return vec![Box::new(move |event| bars.follow(event))];
    }
    let plain = crate::live::Plain::new(Box::new(|line: &str| print::err(&format!("{line}\n"))));
    vec![Box::new(move |event| plain.follow(event))]
}

/// Writes a report to wherever it was asked for, and returns what the process ends with.
pub(super) fn publish(
    session: &Session,
    workspace: &Workspace,
    report: &Report,
    folder: &RunFolder,
    sinks: &Sinks,
) -> ExitCode {
    let mut failures = Vec::new();
    let mut stdout_taken = sinks.json;
    if sinks.json {
        let printed = reporters::document(report).and_then(|bytes| print::out_bytes(&bytes));
        failures.extend(printed.err());
    }
    for sink in &sinks.reports {
        stdout_taken |= sink.path.as_os_str() == "-";
        if let Err(error) = write_sink(session, workspace, report, folder, sink) {
            failures.push(error.while_doing(format!("the report {}", sink.path.display())));
        }
    }
    if !session.talk.quiet && !stdout_taken {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        let around = around(session, workspace, folder, terminal);
        match reporters::render(Format::Terminal, report, &around) {
            Ok(bytes) => failures.extend(print::out_bytes(&bytes).err()),
            Err(error) => failures.push(error),
        }
    }
    for failure in &failures {
        print::failed(failure);
    }
    // A report that somebody waits for and that is not there must not look like a pass.
    let lost = !failures.is_empty() && report.exit_code == ExitCode::PROMOTE;
    if lost { ExitCode::INCONCLUSIVE } else { report.exit_code }
}

/// What a reporter may know besides the report.
pub(super) fn around(
    session: &Session,
    workspace: &Workspace,
    folder: &RunFolder,
    terminal: bool,
) -> Around {
    let columns = session.ambient.get("COLUMNS").and_then(|columns| columns.parse().ok());
    Around {
        store: workspace.store(),
        width: columns.unwrap_or(100),
        colour: reporters::colour_choice(
            session.ambient.get("NO_COLOR"),
            session.ambient.get("CLICOLOR"),
            session.ambient.get("CLICOLOR_FORCE"),
            terminal,
        ),
        run_dir: folder.path().to_owned(),
    }
}

fn write_sink(
    session: &Session,
    workspace: &Workspace,
    report: &Report,
    folder: &RunFolder,
    sink: &Sink,
) -> Result<(), Error> {
    let to = session.ambient.folder.join(&sink.path);
    if sink.format == Format::Bundle {
        let id = folder.path().to_string_lossy().into_owned();
        return gate_runs::bundle(&Stored::find(workspace, workspace.root(), &id)?, &to);
    }
    let bytes = reporters::render(sink.format, report, &around(session, workspace, folder, false))?;
    if sink.path.as_os_str() == "-" {
        return print::out_bytes(&bytes);
    }
    let parent = to.parent().unwrap_or(&session.ambient.folder);
    files::make_folder(parent)?;
    files::write_atomically(&to, &bytes, parent)
}
