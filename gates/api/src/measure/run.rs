//! The program whose requests are answered from the recording.

use gate_core::process::Program;
use gate_core::{Context, Error, Evidence, Role};

use super::Playing;
use crate::seen::{Ending, Ran};
use crate::traffic;

/// How much of each output is kept, in bytes.
const KEEP: usize = 1 << 20;

pub(super) async fn run(argv: &[String], playing: &Playing, cx: &Context) -> Result<Ran, Error> {
    let root = cx.workspace().root();
    let mut argv = argv.to_vec();
    if argv[0].contains('/') {
        argv[0] = root.join(&argv[0]).to_string_lossy().into_owned();
    }
    let env = traffic::environment(&playing.proxy, &cx.program_environment()?, &cx.scratch()?)?;
    let folder = root.to_owned();
    let program = Program { argv, folder, env, stdin: Vec::new(), keep: KEEP };
    let done = cx.run_program(program).await?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&done.status);
    let ending = match done.status.code() {
        Some(code) => Ending::Code(code),
        None => Ending::Signal(signal.unwrap_or(0)),
    };
    let (stdout, stderr) = (done.stdout.text(), done.stderr.text());
    let last = |text: &str| {
        let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
        Some(line.trim().chars().take(200).collect::<String>())
    };
    let clean = |text: &str| {
        let clean = playing.cleaner.body("", "text/plain", text.as_bytes()).into_owned();
        String::from_utf8_lossy(&clean).into_owned()
    };
    let (stdout, stderr) = (clean(&stdout), clean(&stderr));
    let last_line = last(&stderr).or_else(|| last(&stdout));
    let output = output(cx, &stdout, &stderr)?;
    Ok(Ran { ending, output, last_line, requests: 0 })
}

fn output(cx: &Context, stdout: &str, stderr: &str) -> Result<Option<Evidence>, Error> {
    let text = match (stdout.is_empty(), stderr.is_empty()) {
        (true, true) => return Ok(None),
        (false, true) => stdout.to_owned(),
        (true, false) => stderr.to_owned(),
        (false, false) => format!("{stdout}\n--- standard error ---\n{stderr}"),
    };
    cx.keep(Role::Log, "output", "text/plain; charset=utf-8", text.as_bytes()).map(Some)
}
