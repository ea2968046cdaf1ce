//! `gate demo`: the site, and the story of the gates that guard it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use gate_core::{Command, Context, Error, ExitCode, Runs};

use crate::server::{Options, serve};
use crate::{Fault, faults, story};

/// Watch the gates at work on a small marketing site.
///
/// Starts two copies of the site, decides a promotion from one to the other, then breaks one
/// thing after the other and shows which gate catches it. Ends with 1 when a fault slips through.
#[derive(Debug, Parser)]
#[command(name = "gate demo", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Where the demo's workspace is made; its runs stay there to be looked at.
    #[arg(long, value_name = "DIR", default_value = "gate-demo")]
    dir: PathBuf,
    /// Only these faults; may be given several times.
    #[arg(long = "only", value_name = "FAULT", value_parser = fault)]
    only: Vec<Fault>,
    /// Print the table as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve the site until interrupted.
    Serve {
        /// The port on 127.0.0.1; 0 takes any that is free.
        #[arg(long, value_name = "N", default_value_t = 4001)]
        port: u16,
        /// Break something; may be given several times.
        #[arg(long = "fault", value_name = "NAME", value_parser = fault)]
        faults: Vec<Fault>,
    },
    /// List what can be broken, and which check has to notice.
    Faults,
}

fn fault(name: &str) -> Result<Fault, String> {
    Fault::find(name).ok_or_else(|| {
        let names: Vec<&str> = faults().iter().map(|fault| fault.name).collect();
        format!("there are: {}", names.join(", "))
    })
}

/// The command, for the binary.
pub fn command() -> Command {
    Command {
        name: "demo",
        about: "Watch the gates at work on a small marketing site",
        help,
        run: Runs::InContext(run),
    }
}

fn help() -> String {
    gate_arguments::help::<Arguments>(&["serve"])
}

fn run(words: &[OsString], cx: &Context) -> ExitCode {
    let arguments: Arguments = match gate_arguments::parse_in(words, cx) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match obey(&arguments, cx) {
        Ok(code) => code,
        Err(error) => {
            cx.complain(&format!("gate: {error}\n"));
            if let Some(hint) = error.advice() {
                cx.complain(&format!("  hint: {hint}\n"));
            }
            ExitCode::INCONCLUSIVE
        }
    }
}

fn obey(arguments: &Arguments, cx: &Context) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match &arguments.action {
        Some(Action::Faults) => {
            let width = faults().iter().map(|fault| fault.name.len()).max().unwrap_or(0);
            for fault in faults() {
                let Fault { name, title, caught_by, .. } = fault;
                cx.print(&format!("{name:width$}  {title} (caught by {caught_by})\n"));
            }
            Ok(ExitCode::PROMOTE)
        }
        Some(Action::Serve { port, faults }) => {
            let options = Options { port: *port, faults: faults.clone(), ..Options::default() };
            runtime.block_on(async {
                let site = serve(options).await.map_err(|error| Error::new(error.to_string()))?;
                cx.print(&format!("serving {} (Ctrl-C ends it)\n", site.url()));
                until_interrupted().await?;
                site.shutdown().await;
                Ok(ExitCode::PROMOTE)
            })
        }
        None => {
            let chosen = if arguments.only.is_empty() { faults() } else { &arguments.only };
            story::tell(&arguments.dir, chosen, arguments.json, &runtime, cx)
        }
    }
}

async fn until_interrupted() -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
    Ok(())
}
