//! `gate review`.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use clap::{CommandFactory, Parser};
use gate_core::process::Program;
use gate_core::{Command, Context, Error, ExitCode, Runs};
use gate_runs::Stored;
use serde_json::json;

use crate::guard::Guard;
use crate::server::{App, Bound};
use crate::site::Site;
use crate::thumbnail::Thumbnails;

/// Look at a run in the browser, and decide on what it proposes.
///
/// Serves the pages of one run on this machine until interrupted. Only the browser that opens the
/// printed address is let in. Deciding measures nothing again: it uses the pictures of the run.
#[derive(Debug, Parser)]
#[command(name = "gate review", max_term_width = 100)]
struct Arguments {
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
    /// Print `{"url": ...}` on the first line of standard output, and JSON lines only.
    #[arg(long)]
    json: bool,
}

/// The command, for the binary.
pub fn review() -> Command {
    Command {
        name: "review",
        about: "Look at a run in the browser, and decide on what it proposes",
        help: || Arguments::command().render_long_help().to_string(),
        run: Runs::InContext(run),
    }
}

fn run(arguments: &[OsString], cx: &Context) -> ExitCode {
    let words = std::iter::once(OsString::from("gate review")).chain(arguments.iter().cloned());
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) => {
            let text = error.render().to_string();
            if error.use_stderr() {
                cx.complain(&text);
                return ExitCode::USAGE;
            }
            cx.print(&text);
            return ExitCode::PROMOTE;
        }
    };
    let stored = match Stored::find(cx.workspace(), Path::new(""), &arguments.run) {
        Ok(stored) => stored,
        Err(error) => return complain(&error, cx, ExitCode::USAGE),
    };
    match serve(&arguments, stored, cx) {
        Ok(()) => ExitCode::PROMOTE,
        Err(error) => complain(&error, cx, ExitCode::INCONCLUSIVE),
    }
}

fn complain(error: &Error, cx: &Context, code: ExitCode) -> ExitCode {
    cx.complain(&format!("gate: {error}\n"));
    if let Some(hint) = error.advice() {
        cx.complain(&format!("  hint: {hint}\n"));
    }
    code
}

fn serve(arguments: &Arguments, stored: Stored, cx: &Context) -> Result<(), Error> {
    let site = Site::open(cx.workspace().clone(), stored)?;
    let thumbnails = Thumbnails::of(cx.workspace())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let by = match &arguments.by {
            Some(by) => by.clone(),
            None => git_user(cx).await,
        };
        let bound = Bound::to(arguments.host, arguments.port).await?;
        let [token, csrf] = [secret()?, secret()?];
        let guard = Guard::new(bound.address.to_string(), token, csrf);
        let url = guard.url();
        if !arguments.host.is_loopback() {
            cx.complain("gate: other machines are let in, too, if they know the address\n");
        }
        if arguments.json {
            cx.print(&format!("{}\n", json!({ "url": url })));
        } else {
            cx.print(&format!("{url}\n(Ctrl-C ends it)\n"));
        }
        if !arguments.no_open && !arguments.json {
            open(&url, cx);
        }
        let deciding = tokio::sync::Mutex::new(());
        let app = App { site, guard, thumbnails, cx: cx.clone(), by, deciding };
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
