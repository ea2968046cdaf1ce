//! The program whose requests are answered from the recording.

use gate_core::process::Program;
use gate_core::{Context, Error, Role};

use super::Playing;
use crate::seen::Ran;
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
    let clean = |text: String| {
        let clean = playing.cleaner.body("", "text/plain", text.as_bytes()).into_owned();
        String::from_utf8_lossy(&clean).into_owned()
    };
    // The output may teach what is secret in its last line.
    let output = done
        .output()
        .map(clean)
        .map(|text| cx.keep(Role::Log, "output", "text/plain; charset=utf-8", text.as_bytes()));
    let last_line = done.last_line().map(clean);
    Ok(Ran { ending: done.ending(), output: output.transpose()?, last_line, requests: 0 })
}
