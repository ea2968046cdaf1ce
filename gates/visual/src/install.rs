//! `gate browser install`: Chromium and its driver from the system's own packages.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use clap::{Parser, Subcommand};
use gate_core::process::Program;
use gate_core::{Command, Context, Error, ExitCode, Runs, files};
use visual_browser::{InstallPlan, install_plan};

use crate::doctor;

/// Install the browser that photographs pages.
#[derive(Debug, Parser)]
#[command(name = "gate browser", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Install Chromium and ChromeDriver with the system's package manager when this user may,
    /// and print the command otherwise. Does nothing when both are there.
    Install {
        /// Only print what would be run.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(crate) fn command() -> Command {
    Command {
        name: "browser",
        about: "Install the browser that photographs pages",
        help,
        run: Runs::InContext(run),
    }
}

fn help() -> String {
    gate_arguments::help::<Arguments>(&["install"])
}

fn run(arguments: &[OsString], cx: &Context) -> ExitCode {
    let parsed = gate_arguments::parse_in(arguments, cx);
    let Action::Install { dry_run } = match parsed {
        Ok(Arguments { action }) => action,
        Err(code) => return code,
    };
    match install(cx, dry_run) {
        Ok(code) => code,
        Err(error) => {
            cx.complain(&format!("gate: {error}\n"));
            ExitCode::INCONCLUSIVE
        }
    }
}

fn install(cx: &Context, dry_run: bool) -> Result<ExitCode, Error> {
    let found = doctor::found(cx).map_err(Error::new)?;
    let Some(problem) = found.problem() else {
        cx.print("Chromium and ChromeDriver are there; nothing to install\n");
        return Ok(ExitCode::PROMOTE);
    };
    let plan = plan(cx)?;
    if dry_run || !plan.may_run || plan.argv.is_empty() {
        cx.print(&format!("{problem}. To install them:\n\n    {}\n", plan.shown));
        return Ok(if dry_run { ExitCode::PROMOTE } else { ExitCode::INCONCLUSIVE });
    }
    cx.print(&format!("{problem}. Running: {}\n", plan.shown));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for argv in plan.argv {
        let shown = argv.join(" ");
        let mut env: BTreeMap<String, String> = cx.ambient_all().clone();
        env.insert("DEBIAN_FRONTEND".to_owned(), "noninteractive".to_owned());
        let folder = cx.workspace().root().to_owned();
        let program = Program { argv, folder, env, stdin: Vec::new(), keep: 16 << 10 };
        let done = runtime.block_on(cx.run_program(program))?;
        if !done.status.success() {
            cx.complain(&format!("{}{}", done.stdout.text(), done.stderr.text()));
            return Err(Error::new(format!("`{shown}` failed ({})", done.status)));
        }
    }
    match doctor::found(cx).map_err(Error::new)?.problem() {
        None => {
            cx.print("Chromium and ChromeDriver are installed\n");
            Ok(ExitCode::PROMOTE)
        }
        Some(problem) => Err(Error::new(format!("after the installation: {problem}"))),
    }
}

fn plan(cx: &Context) -> Result<InstallPlan, Error> {
    let release = files::read_if_there(Path::new("/etc/os-release"))?.unwrap_or_default();
    let path = cx.ambient("PATH").unwrap_or_default().to_owned();
    let has =
        |program: &str| path.split(':').any(|folder| Path::new(folder).join(program).is_file());
    let release = String::from_utf8_lossy(&release);
    Ok(install_plan(&release, rustix::process::geteuid().is_root(), &has))
}
