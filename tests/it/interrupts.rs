//! Runs that are interrupted at seeded moments leave no process, no folder and no torn report.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use gate_core::ledger::processes_of;
use rustix::process::{Pid, Signal, kill_process};

use crate::environment::Environment;
use crate::site::{Site, page};

/// Where a run is hit, by the last event before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    DriverStarting,
    PageLoading,
    Evidence,
    Report,
}

const PHASES: [Phase; 4] =
    [Phase::DriverStarting, Phase::PageLoading, Phase::Evidence, Phase::Report];

fn phase(line: &str) -> Option<Phase> {
    let has = |text: &str| line.contains(text);
    match () {
        () if has("\"report_started\"") => Some(Phase::Report),
        // Once a picture is captured it is being kept, until the next page is asked for.
        () if has("stage: captured") || has("\"evidence\"") => Some(Phase::Evidence),
        () if has("stage: navigating") => Some(Phase::PageLoading),
        () if has("stage: driver-starting") || has("stage: driver-started") => {
            Some(Phase::DriverStarting)
        }
        () => None,
    }
}

/// The whole lines of the events so far.
fn events(workspace: &Path, run: &str) -> Vec<String> {
    let path = workspace.join(".gate/runs").join(run).join("events.jsonl");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

fn new_run(workspace: &Path, before: &[String]) -> Option<String> {
    let entries = std::fs::read_dir(workspace.join(".gate/runs")).ok()?;
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .find(|name| !before.contains(name))
}

fn runs(workspace: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(workspace.join(".gate/runs")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn kill(child: &Child, signal: &str) {
    let signal = match signal {
        "INT" => Signal::INT,
        "TERM" => Signal::TERM,
        _ => Signal::KILL,
    };
    // At once, without a program of its own: some phases last a few milliseconds.
    kill_process(Pid::from_child(child), signal).unwrap();
}

struct Hit {
    phase: Option<Phase>,
    driver_alive: bool,
}

/// Starts a run, hits it once it has come to `wanted` (and `extra` more events), and checks what
/// is left.
fn hit(environment: &Environment, signal: &str, wanted: Phase, extra: usize) -> Hit {
    let workspace = environment.path();
    let before = runs(workspace);
    let mut child =
        environment.command(&["run", "--promotion", "up", "--jobs", "1"]).spawn().unwrap();
    let started = Instant::now();
    let run = loop {
        if let Some(run) = new_run(workspace, &before) {
            break run;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "no run begins");
        std::thread::yield_now();
    };
    loop {
        let seen = events(workspace, &run);
        let at = seen.iter().position(|line| phase(line) == Some(wanted));
        if at.is_some_and(|at| seen.len() > at + extra) || child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::yield_now();
    }
    let scratch = environment.temporary().join(format!("gate-{run}"));
    if child.try_wait().unwrap().is_none() {
        kill(&child, signal);
    }
    // Looking takes longer than some phases last, so it comes after the signal: too low a count
    // at worst.
    let driver_alive = !processes_of(&scratch).is_empty();
    let last = events(workspace, &run).iter().rev().find_map(|line| phase(line));
    let output = child.wait_with_output().unwrap();
    if signal == "KILL" {
        // The next run cleans up.
        if output.status.signal() == Some(9) {
            assert_eq!(environment.gate(&["run", "specs/next.yaml"]).code, 0);
        }
    } else {
        let code = output.status.code();
        let expect = if signal == "INT" { 130 } else { 143 };
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(code == Some(expect) || code == Some(0), "{signal} {wanted:?}: {code:?} {said}");
    }
    nothing_is_left(environment, &scratch);
    whole(workspace, &run);
    Hit { phase: last, driver_alive }
}

fn nothing_is_left(environment: &Environment, scratch: &Path) {
    let started = Instant::now();
    while !processes_of(scratch).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(2), "processes are left");
        std::thread::yield_now();
    }
    let left: Vec<_> = std::fs::read_dir(environment.temporary())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != ".keep")
        .collect();
    assert!(left.is_empty(), "folders are left: {left:?}");
    let live = std::fs::read_dir(environment.path().join(".gate/live"));
    assert_eq!(live.map_or(0, Iterator::count), 0);
}

/// A report that is there is whole, and every event but the last one is.
fn whole(workspace: &Path, run: &str) {
    let folder = workspace.join(".gate/runs").join(run);
    for file in ["report.json", "run.json"] {
        if let Ok(bytes) = std::fs::read(folder.join(file)) {
            serde_json::from_slice::<serde_json::Value>(&bytes).expect("a whole file");
        }
    }
    for line in events(workspace, run) {
        serde_json::from_str::<gate_core::Event>(&line).expect("a whole event");
    }
}

fn environment() -> Environment {
    let site = || Site::serve(&[("/", page("#0a7", "Shop")), ("/about", page("#0a7", "About"))]);
    let config = format!(
        "environments:\n  live: {{ url: \"{}\" }}\n  test: {{ url: \"{}\" }}\n\
         promotions:\n  up: {{ candidate: test, baseline: live, tags: [up] }}\n",
        site().url,
        site().url
    );
    let spec =
        "gate: visual\nname: shop\ntags: [up]\nwith: { pages: [/, /about], against: promotion }\n";
    let next = "gate: command\nname: next\nwith: { run: [\"true\"] }\n";
    Environment::new(&[
        ("gate.yaml", &config),
        ("specs/shop.yaml", spec),
        ("specs/next.yaml", next),
    ])
}

/// The count of runs for each signal and phase: one in the suite; `GATE_INTERRUPTS` asks for more.
#[expect(clippy::disallowed_methods, reason = "the whole sample is asked for by a variable")]
fn rounds() -> usize {
    std::env::var("GATE_INTERRUPTS").ok().and_then(|count| count.parse().ok()).unwrap_or(1)
}

#[test]
fn interrupted_runs_leave_nothing() {
    let environment = environment();
    let mut hits: BTreeMap<Option<Phase>, usize> = BTreeMap::new();
    let (mut alive, mut all) = (0, 0);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..rounds() {
        for signal in ["INT", "TERM", "KILL"] {
            for wanted in PHASES {
                // A xorshift step: the moment within the phase differs from round to round.
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let extra = if round == 0 { 0 } else { (seed % 2) as usize };
                let hit = hit(&environment, signal, wanted, extra);
                *hits.entry(hit.phase).or_default() += 1;
                alive += usize::from(hit.driver_alive);
                all += 1;
            }
        }
    }
    eprintln!("{all} runs interrupted, {alive} with a driver alive; by the last event: {hits:?}");
    assert!(alive > 0);
    assert!(hits.len() >= 3, "{hits:?}");
}
