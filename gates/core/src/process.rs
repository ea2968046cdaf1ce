//! Programs that a run starts: each in a process group of its own, which ends with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::ledger::{Ledger, SCRATCH_VARIABLE};
use crate::{Error, Limit, Metric, Verdict, While};

/// How long a process group has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(300);

/// A program to be run. Its environment is exactly `env`.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    pub folder: PathBuf,
    /// All of its environment.
    pub env: BTreeMap<String, String>,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// How much of each of its outputs is kept, in bytes; the first and the last half.
    pub keep: usize,
}

/// A program that has ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output.
    pub stdout: Kept,
    /// What it wrote to its standard error.
    pub stderr: Kept,
}

impl Finished {
    /// How it ended, for an observation.
    pub fn ending(&self) -> Ending {
        let signal = std::os::unix::process::ExitStatusExt::signal(&self.status);
        match self.status.code() {
            Some(code) => Ending::Code(code),
            None => Ending::Signal(signal.unwrap_or(0)),
        }
    }

    /// All that is kept of what it wrote; none when it wrote nothing.
    pub fn output(&self) -> Option<String> {
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        match (stdout.is_empty(), stderr.is_empty()) {
            (true, true) => None,
            (false, true) => Some(stdout),
            (true, false) => Some(stderr),
            (false, false) => Some(format!("{stdout}\n--- standard error ---\n{stderr}")),
        }
    }
}

/// The last line of an output that says something, shortened. Its secrets have to be out of it
/// before: half of one is found by nobody.
pub fn last_line(output: &str) -> Option<String> {
    const LONGEST: usize = 200;
    let line = output.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().chars().take(LONGEST).collect())
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Ending {
    /// What it means where 0 is good, the listed codes say "not good", and any other code or a
    /// signal says that the program itself went wrong, so that nobody knows; with a sentence.
    pub fn means(
        self,
        program: &str,
        fail_codes: &[i32],
        last_line: Option<&str>,
    ) -> (Verdict, String) {
        let last = last_line.map(|line| format!(": {line}")).unwrap_or_default();
        match self {
            Ending::Code(0) => (Verdict::Pass, format!("`{program}` ended with exit code 0")),
            Ending::Code(code) if fail_codes.contains(&code) => {
                (Verdict::Fail, format!("`{program}` ended with exit code {code}{last}"))
            }
            Ending::Code(code) => (
                Verdict::Inconclusive,
                format!("`{program}` went wrong itself, with exit code {code}{last}"),
            ),
            Ending::Signal(signal) => {
                (Verdict::Inconclusive, format!("`{program}` was ended by signal {signal}{last}"))
            }
        }
    }

    /// The code as a number with its limit; none after a signal.
    pub fn metric(self) -> Option<Metric> {
        match self {
            Ending::Code(code) => {
                let metric = Metric::new("exit code", f64::from(code), "1");
                Some(metric.limit(Limit::AtMost(0.0)))
            }
            Ending::Signal(_) => None,
        }
    }
}

/// What is kept of an output.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The first part, and all of it when nothing was left out.
    pub head: Vec<u8>,
    /// The last part.
    pub tail: Vec<u8>,
    /// How many bytes between the two were left out.
    pub left_out: u64,
}

impl Kept {
    /// As text, with a note where something was left out.
    pub fn text(&self) -> String {
        let head = String::from_utf8_lossy(&self.head);
        if self.left_out == 0 {
            return head.into_owned() + &String::from_utf8_lossy(&self.tail);
        }
        let tail = String::from_utf8_lossy(&self.tail);
        format!("{head}\n... {} bytes left out ...\n{tail}", self.left_out)
    }

    fn push(&mut self, bytes: &[u8], keep: usize) {
        let room = (keep / 2).saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        self.tail.extend_from_slice(&bytes[room..]);
        if self.tail.len() > keep {
            let cut = self.tail.len() - keep / 2;
            self.left_out += cut as u64;
            self.tail.drain(..cut);
        }
    }

    fn close(mut self, keep: usize) -> Kept {
        let cut = self.tail.len().saturating_sub(keep / 2);
        self.left_out += cut as u64;
        self.tail.drain(..cut);
        self
    }
}

/// A started program with its process group. Dropping it ends the whole group.
pub struct Group {
    /// The program itself.
    pub child: Child,
    id: u32,
    ledger: Arc<Ledger>,
}

impl Group {
    /// Starts a program with its three streams as pipes.
    pub fn start(program: &Program, ledger: &Arc<Ledger>) -> Result<Group, Error> {
        Group::spawn(program, ledger, [Stdio::piped(), Stdio::piped(), Stdio::piped()])
    }

    /// Starts a program that speaks for itself: its three streams are those of this process. From
    /// a terminal it can read nothing, since it stands in the background of it.
    pub fn start_attached(program: &Program, ledger: &Arc<Ledger>) -> Result<Group, Error> {
        use std::io::IsTerminal;
        let is_terminal = std::io::stdin().is_terminal();
        let stdin = if is_terminal { Stdio::null() } else { Stdio::inherit() };
        Group::spawn(program, ledger, [stdin, Stdio::inherit(), Stdio::inherit()])
    }

    fn spawn(
        program: &Program,
        ledger: &Arc<Ledger>,
        [stdin, stdout, stderr]: [Stdio; 3],
    ) -> Result<Group, Error> {
        let (name, arguments) =
            program.argv.split_first().ok_or_else(|| Error::new("there is no program to run"))?;
        let child = Command::new(name)
            .args(arguments)
            .current_dir(&program.folder)
            .env_clear()
            .envs(&program.env)
            .env(SCRATCH_VARIABLE, ledger.scratch())
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| not_started(name, &error))?;
        let id = child.id().ok_or_else(|| Error::new(format!("`{name}` ended at once")))?;
        ledger.started(id);
        Ok(Group { child, id, ledger: ledger.clone() })
    }

    /// The id of the process group.
    pub fn id(&self) -> u32 {
        self.id
    }
}

fn not_started(name: &str, error: &std::io::Error) -> Error {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => "is it installed, and is the path right?",
        std::io::ErrorKind::PermissionDenied => "is it executable? try `chmod +x`",
        _ => "try to run it by hand",
    };
    Error::new(format!("`{name}` cannot be started: {error}")).hint(hint)
}

impl Drop for Group {
    fn drop(&mut self) {
        let running = self.child.try_wait().is_ok_and(|status| status.is_none());
        end_group(self.id, running);
        let _ = self.child.try_wait();
        self.ledger.ended(self.id);
    }
}

/// Ends a process group: politely first when its leader still runs, and then for good.
fn end_group(id: u32, politely: bool) {
    let Some(group) = i32::try_from(id).ok().and_then(Pid::from_raw) else { return };
    if politely && kill_process_group(group, Signal::TERM).is_ok() {
        let start = Instant::now();
        while start.elapsed() < GRACE && test_kill_process_group(group).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let _ = kill_process_group(group, Signal::KILL);
}

/// Runs a program to its end. Dropping the future ends the program and all that it started.
pub async fn run(program: Program, ledger: &Arc<Ledger>) -> Result<Finished, Error> {
    let mut group = Group::start(&program, ledger)?;
    let mut stdin = group.child.stdin.take().expect("stdin is a pipe");
    let stdout = group.child.stdout.take().expect("stdout is a pipe");
    let stderr = group.child.stderr.take().expect("stderr is a pipe");
    let feed = async {
        // A program that does not read its input is no mistake.
        let _ = stdin.write_all(&program.stdin).await;
        drop(stdin);
    };
    let ended = async {
        let status = group.child.wait().await;
        // What the program left running must not keep its pipes, and the run, open.
        end_group(group.id, false);
        status
    };
    let (status, stdout, stderr, ()) =
        tokio::join!(ended, keep(stdout, program.keep), keep(stderr, program.keep), feed);
    let status = status.while_doing(|| format!("waiting for `{}`", program.argv[0]))?;
    Ok(Finished { status, stdout: stdout?, stderr: stderr? })
}

async fn keep(mut pipe: impl AsyncRead + Unpin, keep: usize) -> Result<Kept, Error> {
    let mut kept = Kept::default();
    let mut buffer = vec![0; 16 << 10];
    loop {
        match pipe.read(&mut buffer).await.while_doing(|| "reading a program's output")? {
            0 => return Ok(kept.close(keep)),
            count => kept.push(&buffer[..count], keep),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Workspace;
    use std::path::Path;

    fn shell(script: &str, folder: &Path) -> Program {
        Program {
            argv: vec!["/bin/sh".into(), "-c".into(), script.into()],
            folder: folder.into(),
            env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
            stdin: b"hello\n".to_vec(),
            keep: 16,
        }
    }

    fn ledger(folder: &Path) -> Arc<Ledger> {
        Arc::new(Ledger::open(&Workspace::at(folder), "r", folder).unwrap())
    }

    #[tokio::test]
    async fn output_is_kept_within_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let script = "cat; seq 1000 | tr -d '\\n'; echo bad >&2; exit 7";
        let done = run(shell(script, folder.path()), &ledger(folder.path())).await.unwrap();
        assert_eq!(done.status.code(), Some(7));
        assert_eq!(done.stderr.text(), "bad\n");
        let text = done.stdout.text();
        assert!(text.starts_with("hello\n12"), "{text}");
        assert!(text.ends_with("98999 1000".replace(' ', "").as_str().get(1..).unwrap()), "{text}");
        assert!(text.contains("bytes left out"), "{text}");
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        let script = "sleep 600 & sleep 600 & echo started";
        let done = run(shell(script, folder.path()), &ledger).await.unwrap();
        assert_eq!(done.stdout.text(), "started\n");
        let left = || crate::ledger::processes_of(ledger.scratch());
        let start = Instant::now();
        while !left().is_empty() && start.elapsed() < Duration::from_secs(2) {
            tokio::task::yield_now().await;
        }
        assert_eq!(left(), []);
    }

    #[tokio::test]
    async fn a_dropped_run_ends_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        let running = run(shell("trap '' TERM; sleep 600 & wait; wait", folder.path()), &ledger);
        assert!(tokio::time::timeout(Duration::from_millis(100), running).await.is_err());
        let start = Instant::now();
        while !crate::ledger::processes_of(ledger.scratch()).is_empty() {
            assert!(start.elapsed() < Duration::from_secs(2), "processes are left");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_missing_program_is_explained() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = shell("", folder.path());
        program.argv = vec!["/no/such/program".into()];
        let error = run(program, &ledger(folder.path())).await.unwrap_err();
        assert!(error.message().starts_with("`/no/such/program` cannot be started"), "{error}");
        assert_eq!(error.advice(), Some("is it installed, and is the path right?"));
    }
}
