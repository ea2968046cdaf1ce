//! What a run has started and where its temporary files lie, so that nothing outlives it.
//!
//! A run that ends in order cleans up after itself. One that is killed cannot: the next run in
//! the workspace finds its ledger, sees that nobody holds the lock any more, and cleans up.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::files::{make_folder, open_for_append, open_for_lock, read};
use crate::{Error, While, Workspace};

/// The name of the variable by which a process of a run can be told: the scratch folder.
pub const SCRATCH_VARIABLE: &str = "GATE_SCRATCH";

/// The ledger of a run that is under way.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    scratch: PathBuf,
    lines: Mutex<File>,
    /// Held as long as the run lives; the kernel releases it however the run ends.
    _lock: File,
    closed: AtomicBool,
}

impl Ledger {
    /// Opens the ledger of a run. Its scratch folder will lie in `temporary`, the system's
    /// folder for such files: sockets in it need a short path.
    pub fn open(workspace: &Workspace, run: &str, temporary: &Path) -> Result<Ledger, Error> {
        let folder = workspace.private().join("live").join(run);
        make_folder(&folder)?;
        let lock = open_for_lock(&folder.join("lock"))?;
        lock.lock().while_doing(|| "locking the run's ledger")?;
        let scratch = temporary.join(format!("gate-{run}"));
        let mut lines = open_for_append(&folder.join("ledger"))?;
        writeln!(lines, "scratch {}", scratch.display())
            .while_doing(|| "writing the run's ledger")?;
        let (lines, closed) = (Mutex::new(lines), AtomicBool::new(false));
        Ok(Ledger { folder, scratch, lines, _lock: lock, closed })
    }

    /// The run's scratch folder. It is made when its first part is.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Makes a part of the scratch folder, readable by nobody else.
    pub fn make_scratch(&self, part: &str) -> Result<PathBuf, Error> {
        use std::os::unix::fs::DirBuilderExt;
        let path = self.scratch.join(part);
        fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&path)
            .while_doing(|| format!("making the folder {}", path.display()))?;
        Ok(path)
    }

    /// Notes a process group that was started; its id is that of its first process.
    pub fn started(&self, group: u32) {
        self.note(&format!("group {group}"));
    }

    /// Notes that a process group is gone.
    pub fn ended(&self, group: u32) {
        self.note(&format!("ended {group}"));
    }

    fn note(&self, line: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The ledger is a second net below each owner's own cleaning: a full disk must not stop
        // the work that it watches.
        if let Err(error) = writeln!(lines, "{line}") {
            tracing::warn!("the run's ledger cannot be written: {error}");
        }
    }

    /// Ends what is still there of the run, and forgets the run.
    pub fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        clean(&self.folder);
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.close();
    }
}

/// Cleans up after runs that were killed, and says how many there were.
pub fn sweep(workspace: &Workspace) -> Result<usize, Error> {
    let Ok(entries) = fs::read_dir(workspace.private().join("live")) else { return Ok(0) };
    let mut swept = 0;
    for folder in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let Ok(lock) = File::open(folder.join("lock")) else {
            // Killed between making the folder and the lock, or being opened right now.
            continue;
        };
        match lock.try_lock() {
            Ok(()) => {
                clean(&folder);
                swept += 1;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).while_doing(|| "looking at an earlier run's lock");
            }
        }
    }
    Ok(swept)
}

fn clean(folder: &Path) {
    let text = read(&folder.join("ledger")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let scratch = text.lines().find_map(|line| line.strip_prefix("scratch ")).map(PathBuf::from);
    let mut groups: Vec<i32> = Vec::new();
    for line in text.lines() {
        if let Some(group) = line.strip_prefix("group ").and_then(|id| id.parse().ok()) {
            groups.push(group);
        } else if let Some(group) = line.strip_prefix("ended ") {
            groups.retain(|id| id.to_string() != group);
        }
    }
    if let Some(scratch) = &scratch {
        end_processes(scratch, &groups);
        remove_folder(scratch);
    }
    remove_folder(folder);
}

/// A process may still write into a folder that is being removed, so this tries a few times.
fn remove_folder(folder: &Path) {
    for _ in 0..20 {
        match fs::remove_dir_all(folder) {
            Ok(()) => return,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    }
    tracing::warn!("the folder {} cannot be removed", folder.display());
}

/// Kills every process that belongs to the scratch folder, again until there is none left.
fn end_processes(scratch: &Path, groups: &[i32]) {
    for _ in 0..50 {
        // In this order: one that has started by the time that it is asked about is found next.
        let is_any_starting = is_starting(groups);
        let found = processes_of(scratch);
        if found.is_empty() && !is_any_starting {
            return;
        }
        for process in &found {
            // A recorded number may belong to somebody else by now: a group is only killed when
            // one of its own is in it.
            if groups.contains(&process.group)
                && let Some(group) = Pid::from_raw(process.group)
            {
                let _ = kill_process_group(group, Signal::KILL);
            }
            if let Some(pid) = Pid::from_raw(process.pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Whether a process of these groups is being replaced by its program this very moment: the system
/// has started it and cannot say yet what it was called with, so that it names nothing.
fn is_starting(groups: &[i32]) -> bool {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((status(&entry.path())?, entry.path()))).any(|(found, path)| {
        let says_nothing = || fs::read(path.join("cmdline")).is_ok_and(|text| text.is_empty());
        found.is_alive && groups.contains(&found.group) && says_nothing()
    })
}

/// What `/proc/PID/stat` says of a process.
struct Status {
    is_alive: bool,
    group: i32,
}

fn status(entry: &Path) -> Option<Status> {
    // `pid (name) state parent group ...`; the name may hold anything but comes first.
    let stat = fs::read_to_string(entry.join("stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let is_alive = fields.next()? != "Z";
    Some(Status { is_alive, group: fields.nth(1)?.parse().ok()? })
}

/// A process that names a scratch folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belonging {
    /// Its id.
    pub pid: i32,
    /// Its process group.
    pub group: i32,
}

/// The living processes that name the folder in their command line or their environment, the
/// asking one left out. Empty where the system does not tell (`/proc` is Linux's).
pub fn processes_of(scratch: &Path) -> Vec<Belonging> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let needle = scratch.as_os_str().as_encoded_bytes();
    let own = std::process::id().cast_signed();
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let names = |file: &str| {
                fs::read(entry.path().join(file)).is_ok_and(|text| contains(&text, needle))
            };
            if pid == own || !(names("cmdline") || names("environ")) {
                return None;
            }
            let found = status(&entry.path())?;
            found.is_alive.then_some(Belonging { pid, group: found.group })
        })
        .collect()
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn sleeper(scratch: &Path) -> std::process::Child {
        use std::os::unix::process::CommandExt;
        Command::new("sleep")
            .arg("600")
            .env(SCRATCH_VARIABLE, scratch)
            .process_group(0)
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn a_run_that_closes_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let ledger = Ledger::open(&workspace, "r1", folder.path()).unwrap();
        let part = ledger.make_scratch("browser").unwrap();
        let mut child = sleeper(&part);
        ledger.started(child.id());
        ledger.close();
        assert!(!child.wait().unwrap().success());
        assert!(!ledger.scratch().exists());
        assert!(!workspace.private().join("live/r1").exists());
    }

    #[test]
    fn a_killed_run_is_swept_and_a_living_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let living = Ledger::open(&workspace, "living", folder.path()).unwrap();
        living.make_scratch("x").unwrap();

        // What a killed run leaves: everything but the lock.
        let dead = Ledger::open(&workspace, "dead", folder.path()).unwrap();
        let scratch = dead.make_scratch("x").unwrap();
        let mut child = sleeper(&scratch);
        dead.started(child.id());
        dead.closed.store(true, Ordering::Release);
        drop(dead);

        // A process that another test is just starting may hold the lock until it has begun.
        let start = std::time::Instant::now();
        while sweep(&workspace).unwrap() == 0 {
            assert!(start.elapsed().as_secs() < 2, "the dead run is not swept");
        }
        assert!(!child.wait().unwrap().success());
        assert!(!scratch.exists());
        assert!(living.scratch().exists());
        assert_eq!(sweep(&workspace).unwrap(), 0);
    }
}
