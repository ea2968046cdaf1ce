//! Ending processes, all of them, and only ours.
//!
//! A driver is the leader of a process group, but a browser leaves that group for some of its
//! helpers (crash handlers start sessions of their own). So a process counts as ours when it is in
//! the group *or* when it names the session's folder: in an option on its command line, or as its
//! `TMPDIR` or `HOME`. Reading those needs `/proc`; without it the group has to do.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group};

/// How often it is looked whether a process has gone.
const POLL: Duration = Duration::from_millis(5);
/// How long a process may take to disappear once it was killed outright.
const AFTER_KILL: Duration = Duration::from_secs(2);

/// Ends what an interrupted run has left behind, and waits until it is gone: every process that
/// names a folder under `scratch`, and the recorded groups `pgids`. A recorded group whose members
/// do not name the folder is left alone, since its number may by now belong to somebody else.
///
/// Gives the number of processes that were there to end. Linux only; elsewhere it finds nothing.
pub fn sweep(scratch: &Path, pgids: &[u32]) -> usize {
    let named = naming(scratch);
    let groups: BTreeSet<u32> =
        named.iter().map(|process| process.group).filter(|group| pgids.contains(group)).collect();
    let mut found: BTreeSet<u32> = named.iter().map(|process| process.pid).collect();
    found.extend(living().filter(|process| groups.contains(&process.group)).map(|p| p.pid));
    for group in &groups {
        signal_group(*group, Signal::KILL);
    }
    let gone = || {
        let left = naming(scratch);
        for process in &left {
            signal(process.pid, Signal::KILL);
        }
        left.is_empty() && !living().any(|process| groups.contains(&process.group))
    };
    wait_until(AFTER_KILL, gone);
    found.len()
}

/// The processes, by id, that name a folder under `scratch`. Linux only; elsewhere none.
pub fn survivors(scratch: &Path) -> Vec<u32> {
    naming(scratch).into_iter().map(|process| process.pid).collect()
}

/// Ends a driver's group and all that names its folder: asks first, and kills what has not gone
/// after `grace`. Blocks for at most `grace` and two seconds. Gives whether all are gone.
/// `reap` is called again and again, to collect the exit status of the leader; it gives whether
/// there is nothing left to collect.
pub(crate) fn end(
    group: u32,
    folder: &Path,
    grace: Duration,
    mut reap: impl FnMut() -> bool,
) -> bool {
    signal_group(group, Signal::TERM);
    // Collected first: until then the leader is a process in the group.
    let mut gone = || reap() && no_member(group) && naming(folder).is_empty();
    wait_until(grace, &mut gone)
        || wait_until(AFTER_KILL, || {
            signal_group(group, Signal::KILL);
            for process in naming(folder) {
                signal(process.pid, Signal::KILL);
            }
            gone()
        })
}

fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        thread::sleep(POLL);
    }
}

fn signal_group(group: u32, signal: Signal) {
    // Group 0 would be our own, and 1 everything that there is.
    if let Some(pid) = Pid::from_raw(group as i32).filter(|_| group > 1) {
        // A group that is gone already is what we want.
        let _ = kill_process_group(pid, signal);
    }
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        let _ = kill_process(pid, signal);
    }
}

/// The processes of a group that are alive, by id.
#[cfg(target_os = "linux")]
pub(crate) fn members(group: u32) -> impl Iterator<Item = u32> {
    living().filter(move |process| process.group == group).map(|process| process.pid)
}

struct Process {
    pid: u32,
    group: u32,
}

#[cfg(target_os = "linux")]
fn no_member(group: u32) -> bool {
    // Asking with a null signal is cheaper but counts the dead that nobody has collected.
    !living().any(|process| process.group == group)
}

#[cfg(not(target_os = "linux"))]
fn no_member(group: u32) -> bool {
    Pid::from_raw(group as i32)
        .is_none_or(|pid| rustix::process::test_kill_process_group(pid).is_err())
}

/// Every process that is alive, without those that are dead and only wait to be collected.
fn living() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let stat = Stat::parse(&stat)?;
        stat.alive.then_some(Process { pid, group: stat.group })
    })
}

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, PartialEq)]
struct Stat {
    alive: bool,
    group: u32,
}

impl Stat {
    fn parse(stat: &str) -> Option<Self> {
        // The name in brackets may itself hold brackets and blanks: count from the last one.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
        let dead = matches!(*fields.first()?, "Z" | "X");
        // A leader may be dead while threads of it still run: it cannot be collected before they
        // have ended.
        let threads: u32 = fields.get(17)?.parse().ok()?;
        Some(Self { alive: !dead || threads > 1, group: fields.get(2)?.parse().ok()? })
    }
}

/// Every process but ourselves that names `folder`.
fn naming(folder: &Path) -> Vec<Process> {
    let ourselves = getpid().as_raw_nonzero().get() as u32;
    living()
        .filter(|process| process.pid != ourselves)
        .filter(|process| {
            let read = |file| fs::read(format!("/proc/{}/{file}", process.pid)).unwrap_or_default();
            names(&read("cmdline"), &read("environ"), folder)
        })
        .collect()
}

/// Whether a command line or environment, as the kernel gives them, names a path in `folder`.
/// Only options count, and only the two variables that we set: somebody who reads a file in the
/// folder, or whose shell stands in it, is none of ours.
fn names(cmdline: &[u8], environ: &[u8], folder: &Path) -> bool {
    let folder = folder.as_os_str().as_encoded_bytes();
    if folder.len() < 2 {
        return false;
    }
    let starts = |value: &[u8]| {
        value.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    };
    let option = |argument: &[u8]| {
        argument.starts_with(b"--")
            && argument
                .iter()
                .position(|&b| b == b'=')
                .is_some_and(|at| starts(&argument[at + 1..]))
    };
    let variable = |entry: &[u8]| {
        [&b"TMPDIR="[..], b"HOME="].iter().any(|name| entry.strip_prefix(*name).is_some_and(starts))
    };
    // A browser's helpers rewrite their command line as one piece, with blanks in between.
    let blank_or_end = |b: &u8| matches!(b, 0 | b' ');
    let mut pieces = cmdline.split(|b| *b == 0).chain(cmdline.split(blank_or_end));
    pieces.any(option) || environ.split(|b| *b == 0).any(variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cmdline: &str, environ: &str, folder: &str, expect: bool) {
        let bytes = |text: &str| text.replace('|', "\0").into_bytes();
        let got = names(&bytes(cmdline), &bytes(environ), Path::new(folder));
        assert_eq!(got, expect, "{cmdline:?} {environ:?} {folder:?}");
    }

    #[test]
    fn who_is_alive() {
        let check = |state: &str, threads: u32, alive: bool| {
            let stat =
                format!("12 (a) (b) {state} 1 77 77 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 9\n");
            assert_eq!(Stat::parse(&stat), Some(Stat { alive, group: 77 }), "{stat}");
        };
        check("S", 1, true);
        check("R", 9, true);
        check("Z", 1, false);
        check("X", 0, false);
        check("Z", 3, true);
        assert_eq!(Stat::parse("12 (cut"), None);
        assert_eq!(Stat::parse("12 (cut) S 1 77"), None);
    }

    /// Its first thread ends while another runs on: the kernel then calls it dead and does not let
    /// it be collected.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_leader_whose_threads_outlive_it_is_collected() {
        use std::{
            io::Read,
            os::unix::process::CommandExt,
            process::{Command, Stdio},
        };

        let folder = tempfile::tempdir().unwrap();
        let program = "import ctypes, threading, time\n\
            threading.Thread(target=time.sleep, args=(30,)).start()\n\
            print('ready', flush=True)\n\
            ctypes.CDLL(None).pthread_exit(0)";
        let mut child = Command::new("python3")
            .args(["-c", program])
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut ready = [0; 6];
        child.stdout.take().unwrap().read_exact(&mut ready).unwrap();
        let pid = child.id();
        let stat = || fs::read_to_string(format!("/proc/{pid}/stat"));
        assert!(wait_until(Duration::from_secs(20), || stat().unwrap().contains(" Z ")));
        assert!(!no_member(pid), "it has a thread");
        assert!(end(pid, folder.path(), Duration::from_secs(20), || {
            child.try_wait().is_ok_and(|status| status.is_some())
        }));
        assert!(stat().is_err(), "it was not collected");
    }

    #[test]
    fn who_names_the_folder() {
        check("chromium|--user-data-dir=/w/s1/profile|x", "", "/w/s1", true);
        check("chromium --type=renderer --user-data-dir=/w/s1/profile --x", "", "/w/s1", true);
        check("chromium|--user-data-dir=/w/my run/s1/profile", "", "/w/my run/s1", true);
        check("handler|--database=/w/s1", "", "/w/s1", true);
        check("chromedriver|--port=0", "PATH=/bin|TMPDIR=/w/s1", "/w/s1", true);
        check("sh", "HOME=/w/s1/home|", "/w/s1", true);
        // Another session whose name only begins alike.
        check("chromium|--user-data-dir=/w/s10/profile", "TMPDIR=/w/s10", "/w/s1", false);
        // People at work in the folder.
        check("less|/w/s1/log", "PWD=/w/s1|OLDPWD=/w/s1", "/w/s1", false);
        check("", "", "/w/s1", false);
        check("x|--a=/", "TMPDIR=/", "/", false);
        check("x|--a=", "TMPDIR=", "", false);
    }
}
