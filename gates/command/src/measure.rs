use std::fs;
use std::path::Path;

use gate_core::process::{Ending, Program, last_line};
use gate_core::{Context, Digest, Error, Evidence, Level, Role, files};
use serde::{Deserialize, Serialize};

use crate::junit;
use crate::settings::Settings;

/// How much of each output is kept, in bytes.
const KEEP: usize = 1 << 20;
/// The largest JUnit file that is read, in bytes.
const LARGEST_JUNIT: u64 = 30 << 20;

/// What one run of the program showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// How it ended.
    pub ending: Ending,
    /// What it wrote, when it wrote anything.
    pub output: Option<Evidence>,
    /// The last line that it wrote, preferably to standard error.
    pub last_line: Option<String>,
    /// What its JUnit file said, when the spec names one.
    pub tests: Option<Result<Tests, String>>,
    /// The JUnit file.
    pub junit: Option<Evidence>,
}

/// What a JUnit file said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tests {
    /// How many tests there were.
    pub tests: u64,
    /// How many of them failed or broke.
    pub failures: u64,
    /// How many of them were left out.
    pub skipped: u64,
    /// The names of the first few that failed.
    pub failed: Vec<String>,
}

/// A file before the program ran: what it must not still be afterwards.
#[derive(PartialEq, Eq)]
struct Before(Option<(Digest, std::time::SystemTime)>);

impl Before {
    fn of(path: &Path) -> Before {
        let modified = fs::metadata(path).and_then(|found| found.modified());
        Before(
            modified
                .ok()
                .and_then(|modified| Some((Digest::of(&files::read(path).ok()?), modified))),
        )
    }
}

pub(crate) async fn measure(spec: &Settings, cx: &Context) -> Result<Observation, Error> {
    let root = cx.workspace().root();
    let junit = spec.junit.as_ref().map(|path| root.join(path));
    let before = junit.as_deref().map(Before::of);
    cx.log(Level::Debug, format!("stage: running {}", spec.run[0]));
    let done = cx.run_program(program(spec, cx)?).await?;
    let ending = done.ending();
    let text = done.output().map(|text| cx.redactor().text(&text).into_owned());
    let last_line = text.as_deref().and_then(last_line);
    let output =
        text.map(|text| cx.keep(Role::Log, "output", "text/plain; charset=utf-8", text.as_bytes()));
    let output = output.transpose()?;
    let mut observation = Observation { ending, output, last_line, tests: None, junit: None };
    if let (Some(path), Some(before)) = (junit, before) {
        observation.tests = Some(match read_junit(&path, &before) {
            Ok((bytes, tests)) => {
                let label = "JUnit file";
                observation.junit = Some(cx.keep(Role::Log, label, "application/xml", &bytes)?);
                Ok(tests)
            }
            Err(why) => Err(why),
        });
    }
    Ok(observation)
}

fn program(spec: &Settings, cx: &Context) -> Result<Program, Error> {
    let root = cx.workspace().root();
    let mut argv = spec.run.clone();
    if argv[0].contains('/') {
        argv[0] = root.join(&argv[0]).to_string_lossy().into_owned();
    }
    let env = cx.program_environment()?;
    Ok(Program { argv, folder: root.to_owned(), env, stdin: Vec::new(), keep: KEEP })
}

fn read_junit(path: &Path, before: &Before) -> Result<(Vec<u8>, Tests), String> {
    let shown = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    let found = fs::metadata(path).map_err(|_| format!("{shown} was not written"))?;
    if found.len() > LARGEST_JUNIT {
        return Err(format!("{shown} is larger than 30 MiB"));
    }
    if before.0.is_some() && Before::of(path) == *before {
        return Err(format!("{shown} is from before: the program did not write it anew"));
    }
    let bytes = files::read(path).map_err(|error| error.message().to_owned())?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(format!("{shown} is empty"));
    }
    let tests = junit::read(&bytes).map_err(|why| format!("{shown} cannot be read: {why}"))?;
    Ok((bytes, tests))
}
