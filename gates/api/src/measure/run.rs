//! The program whose requests are answered from the recording.

use gate_core::process::{Program, last_line};
use gate_core::{Context, Error, Role};

use super::Playing;
use crate::seen::Ran;
use crate::traffic;

/// How much of each output is kept, in bytes.
const KEEP: usize = 1 << 20;

pub(super) async fn run(
    argv: &[String],
    playing: &Playing,
    below: &str,
    cx: &Context,
) -> Result<Ran, Error> {
    let root = cx.workspace().root();
    let mut argv = argv.to_vec();
    if argv[0].contains('/') {
        argv[0] = root.join(&argv[0]).to_string_lossy().into_owned();
    }
    let own = cx.program_environment()?;
    let mut env = traffic::environment(&playing.proxy, &own, &cx.scratch()?)?;
    if let Some(target) = env.get_mut("GATE_TARGET").filter(|_| playing.proxy.authority().is_none())
    {
        // The paths of a recording begin with that of the service.
        target.push_str(below);
    }
    let folder = root.to_owned();
    let program = Program { argv, folder, env, stdin: Vec::new(), keep: KEEP };
    let done = cx.run_program(program).await?;
    let output = done.output().map(|text| {
        let clean = playing.cleaner.body("", "text/plain", text.as_bytes()).into_owned();
        String::from_utf8_lossy(&clean).into_owned()
    });
    let last_line = output.as_deref().and_then(last_line);
    let output = output
        .map(|text| cx.keep(Role::Log, "output", "text/plain; charset=utf-8", text.as_bytes()));
    Ok(Ran { ending: done.ending(), output: output.transpose()?, last_line, requests: 0 })
}
