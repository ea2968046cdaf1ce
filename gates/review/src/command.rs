//! `gate review`, `gate report` and `gate apply`.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use gate_core::decision::Said;
use gate_core::process::Program;
use gate_core::{Command, Context, Error, ExitCode, OfferedTool, Runs};
use gate_runs::{Stored, clean, words};
use serde_json::json;

use crate::apply::{self, Staged};
use crate::export;
use crate::guard::Guard;
use crate::server::{App, Bound};
use crate::single;
use crate::site::Site;
use crate::thumbnail::Thumbnails;
use crate::tools::{self, Ask, Tools};

/// Look at a run in the browser, and decide on what it proposes.
///
/// Serves the pages of one run on this machine until interrupted. Only the browser that opens the
/// printed address is let in. Deciding measures nothing again: it uses the pictures of the run.
#[derive(Debug, Parser)]
#[command(name = "gate review", max_term_width = 100)]
struct Review {
    /// A run's id, `last`, a run's folder, or a bundle (a folder or a zip file).
    #[arg(default_value = "last")]
    run: String,
    /// The port; 0 takes any that is free.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// The address to listen on. Any other than 127.0.0.1 lets other machines in that know the
    /// token.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
    /// Who decides [default: git's user].
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Let people decide although this is a pipeline (CI=true).
    #[arg(long)]
    in_ci: bool,
    /// Print `{"url": ...}` on the first line of standard output, and JSON lines only.
    #[arg(long)]
    json: bool,
}

/// Write a run as pages that open from a disk.
///
/// The pages hold everything that the run rests on and ask no server: a folder of them, or a single
/// file. Whoever decides on them
/// downloads a file of decisions, which `gate apply` carries out.
#[derive(Debug, Parser)]
#[command(name = "gate report", max_term_width = 100)]
struct Report {
    /// A run's id, `last`, a run's folder, or a bundle (a folder or a zip file).
    #[arg(default_value = "last")]
    run: String,
    /// The folder: a new one, or one with such pages, which are replaced.
    #[arg(long, value_name = "DIR", required_unless_present = "single_file")]
    out: Option<PathBuf>,
    /// One HTML file instead, which holds everything, for where a single file is opened. It may
    /// take up to 512 MiB.
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    single_file: Option<PathBuf>,
}

/// Carry out decisions that were made on the pages of a report.
///
/// The pictures come from the run, which may lie in a bundle from another machine; nothing is
/// measured again. Each decision is for itself: one on a file that has changed since the run is
/// refused, and so is one that somebody else has made meanwhile. Ends with 1 when one was refused.
#[derive(Debug, Parser)]
#[command(name = "gate apply", max_term_width = 100)]
struct Apply {
    /// The file that the page has given to be downloaded.
    decisions: PathBuf,
    /// The run, or its bundle [default: the run that the file names].
    #[arg(long, value_name = "BUNDLE")]
    from: Option<String>,
    /// Print a line of JSON for each decision.
    #[arg(long)]
    json: bool,
    /// Change files although this is a pipeline (CI=true).
    #[arg(long)]
    in_ci: bool,
}

/// The commands, for the binary.
pub fn commands() -> [Command; 4] {
    [
        Command {
            name: "review",
            about: "Look at a run in the browser, and decide on what it proposes",
            help: help::<Review>,
            run: Runs::WithTools(|words, cx, offered| {
                obey(words, cx, |arguments, cx| review(arguments, cx, offered))
            }),
        },
        Command {
            name: "report",
            about: "Write a run as pages that open from a disk",
            help: help::<Report>,
            run: Runs::InContext(|words, cx| obey(words, cx, report)),
        },
        Command {
            name: "apply",
            about: "Carry out decisions that were made on the pages of a report",
            help: help::<Apply>,
            run: Runs::InContext(|words, cx| obey(words, cx, apply)),
        },
        Command {
            name: "tool",
            about: "Put a question to a kind of gates, outside of any run",
            help: help::<Ask>,
            run: Runs::WithTools(|words, cx, offered| {
                obey(words, cx, |arguments, cx| tools::ask(arguments, cx, &Tools::new(offered)))
            }),
        },
    ]
}

fn help<T: Parser>() -> String {
    gate_arguments::help::<T>(&[])
}

/// Why a command did not do what was asked, and what the process ends with.
type Stopped = (Error, ExitCode);

fn obey<T: Parser>(
    words: &[OsString],
    cx: &Context,
    command: impl FnOnce(&T, &Context) -> Result<ExitCode, Stopped>,
) -> ExitCode {
    let arguments: T = match gate_arguments::parse_in(words, cx) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    command(&arguments, cx).unwrap_or_else(|(error, code)| complain(&error, cx, code))
}

fn site(run: &str, cx: &Context) -> Result<Site, Stopped> {
    let here = Path::new("");
    let stored = Stored::find(cx.workspace(), here, run).map_err(|e| (e, ExitCode::USAGE))?;
    Site::open(cx.workspace().clone(), stored).map_err(failed)
}

fn failed(error: Error) -> Stopped {
    (error, ExitCode::INCONCLUSIVE)
}

fn review(arguments: &Review, cx: &Context, offered: &[OfferedTool]) -> Result<ExitCode, Stopped> {
    // A browser names the address that it was given, and only that one is let in.
    if arguments.host.to_canonical().is_unspecified() {
        let error = Error::new(format!("{} is no address that a browser can name", arguments.host));
        return Err((
            error.hint("--host with the address that others reach you at"),
            ExitCode::USAGE,
        ));
    }
    let site = site(&arguments.run, cx)?;
    serve(arguments, site, Tools::new(offered), cx).map_err(failed)?;
    Ok(ExitCode::PROMOTE)
}

fn report(arguments: &Report, cx: &Context) -> Result<ExitCode, Stopped> {
    let site = site(&arguments.run, cx)?;
    let (first, written) = if let Some(file) = &arguments.single_file {
        (file.clone(), single::write(&site, file))
    } else {
        let out = arguments.out.as_ref().expect("the command line asks for one of them");
        (out.join("index.html"), export::export(&site, out))
    };
    let written = written.map_err(failed)?;
    let (many, size) = (words::count(written.files, "file"), words::size(written.bytes));
    cx.print(&format!("{} ({many}, {size})\n", first.display()));
    Ok(ExitCode::PROMOTE)
}

fn apply(arguments: &Apply, cx: &Context) -> Result<ExitCode, Stopped> {
    if is_ci(cx) && !arguments.in_ci {
        let error = Error::new("files of the workspace are not changed in a pipeline");
        return Err((error.hint("--in-ci does it all the same"), ExitCode::USAGE));
    }
    let usage = |error: Error| (error, ExitCode::USAGE);
    let bytes = gate_core::files::read(&arguments.decisions).map_err(usage)?;
    let decisions = Staged::read(&bytes).map_err(usage)?;
    let run = arguments.from.as_deref().unwrap_or(&decisions.run);
    let site = site(run, cx)?;
    let applied = apply::apply(&site, decisions).map_err(usage)?;
    let mut code = ExitCode::PROMOTE;
    for one in &applied {
        let title = clean::line(&one.title);
        match &one.answer.refused {
            _ if arguments.json => cx.print(&one.line()),
            None => cx.print(&format!("{} {}  {title}\n", word(one.said), one.answer.proposal)),
            Some(why) => {
                cx.complain(&format!("gate: not {}: {title}\n  hint: {why}\n", word(one.said)));
            }
        }
        if one.answer.refused.is_some() {
            code = ExitCode::FAILED;
        }
    }
    Ok(code)
}

fn is_ci(cx: &Context) -> bool {
    cx.ambient("CI").is_some_and(|ci| ci == "true")
}

fn word(said: Said) -> &'static str {
    match said {
        Said::Approved => "approved",
        Said::Rejected => "rejected",
        Said::Undone => "undone",
    }
}

fn complain(error: &Error, cx: &Context, code: ExitCode) -> ExitCode {
    cx.complain(&format!("gate: {error}\n"));
    if let Some(hint) = error.advice() {
        cx.complain(&format!("  hint: {hint}\n"));
    }
    code
}

fn serve(arguments: &Review, site: Site, tools: Tools, cx: &Context) -> Result<(), Error> {
    let thumbnails = Thumbnails::of(cx.workspace())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let by = match &arguments.by {
            Some(by) => by.clone(),
            None => git_user(cx).await,
        };
        if !arguments.host.is_loopback() {
            cx.complain("gate: other machines are let in, too, if they know the address\n");
        }
        let bound = Bound::to(arguments.host, arguments.port).await?;
        let [token, csrf] = [secret()?, secret()?];
        let guard = Guard::new(bound.address.to_string(), token, csrf);
        let url = guard.url();
        if arguments.json {
            cx.print(&format!("{}\n", json!({ "url": url })));
        } else {
            cx.print(&format!("{url}\n(Ctrl-C ends it)\n"));
        }
        if !arguments.no_open && !arguments.json {
            open(&url, cx);
        }
        let deciding = tokio::sync::Mutex::new(());
        let may_decide = !is_ci(cx) || arguments.in_ci;
        let app = App { site, guard, thumbnails, tools, cx: cx.clone(), by, may_decide, deciding };
        bound.serve(Arc::new(app), until_interrupted()?).await
    })
}

/// 32 bytes from the machine's source of randomness, in hexadecimal.
fn secret() -> Result<String, Error> {
    use std::io::Read;
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn git_user(cx: &Context) -> String {
    let program = Program {
        argv: ["git", "config", "user.name"].map(str::to_owned).to_vec(),
        folder: cx.workspace().root().to_owned(),
        env: cx.ambient_all().clone(),
        stdin: Vec::new(),
        keep: 4 << 10,
    };
    let asked = cx.run_program(program).await;
    asked.map(|ended| ended.stdout.text().trim().to_owned()).unwrap_or_default()
}

/// Opens the person's browser, if there is a screen to show it on. It is theirs: it is not ended
/// with the server, and who has none reads the address.
fn open(url: &str, cx: &Context) {
    use std::os::unix::process::CommandExt;
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| cx.ambient(name).is_some());
    let opener =
        if cfg!(target_os = "macos") { Some("open") } else { has_screen.then_some("xdg-open") };
    let Some(opener) = opener else { return };
    let mut command = std::process::Command::new(opener);
    let silent = std::process::Stdio::null;
    command.arg(url).process_group(0).stdin(silent()).stdout(silent()).stderr(silent());
    if let Ok(mut opener) = command.spawn() {
        std::thread::spawn(move || opener.wait());
    }
}

fn until_interrupted() -> Result<impl Future<Output = ()>, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
    })
}
