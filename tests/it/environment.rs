//! A workspace in a folder of its own, and the binary run in it with nothing ambient.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The binary under test.
pub(crate) const GATE: &str = env!("CARGO_BIN_EXE_gate");

/// A workspace that goes with the test.
pub(crate) struct Environment {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// How a run of the binary ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

impl Environment {
    /// A workspace with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Environment {
        let folder = tempfile::tempdir().unwrap();
        let made = Environment { folder, variables: Vec::new() };
        made.write("tmp/.keep", "");
        for (path, text) in files {
            made.write(path, text);
        }
        made
    }

    /// Sets a variable for every run.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Environment {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder for temporary files of the binary.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }

    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The command with a clean environment.
    #[expect(clippy::disallowed_methods, reason = "the tools of the machine are found by the PATH")]
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(GATE);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", self.path())
            .env("TMPDIR", self.temporary())
            .env("GATE_SEED", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn gate(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).output().unwrap())
    }

    /// All that lies in a file or a folder, as one text.
    pub(crate) fn all_of(&self, path: &str) -> String {
        let (mut text, mut left) = (String::new(), vec![self.path().join(path)]);
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                text.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
            }
        }
        text
    }

    /// The id of the last run.
    pub(crate) fn last_run(&self) -> String {
        let mut runs: Vec<_> = std::fs::read_dir(self.path().join(".gate/runs"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.metadata().unwrap().modified().unwrap(), entry.file_name()))
            .collect();
        runs.sort();
        runs.pop().unwrap().1.into_string().unwrap()
    }
}

pub(crate) fn ended(output: Output) -> Ended {
    use std::os::unix::process::ExitStatusExt;
    let signal = output.status.signal().map(|signal| -signal);
    Ended {
        code: output.status.code().or(signal).unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
