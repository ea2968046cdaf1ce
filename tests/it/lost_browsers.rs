//! A browser that is killed in the middle of a run costs time, and neither a page nor a verdict.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use gate_core::ledger::processes_of;
use rustix::process::{Pid, Signal, kill_process};

use crate::environment::{Environment, ended};
use crate::site::{Site, page};

/// Where the only run of the workspace keeps its files, once it has begun.
fn run_folder(environment: &Environment) -> Option<PathBuf> {
    let mut entries = std::fs::read_dir(environment.path().join(".gate/runs")).ok()?;
    Some(entries.next()?.ok()?.path())
}

#[test]
fn what_a_lost_browser_was_at_is_done_again() {
    let paths = ["/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"];
    let site = Site::serve(&paths.map(|path| (path, page("#0a7", path))));
    let config = format!(
        "environments:\n  test: {{ url: \"{0}\" }}\n  live: {{ url: \"{0}\" }}\n",
        site.url
    );
    let spec = format!(
        "gate: visual\nname: all\nwith: {{ pages: [{}], against: live }}\n",
        paths.join(", ")
    );
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/a.yaml", &spec)]);
    let run = ["run", "--env", "test", "--jobs", "1", "--json"];
    let child = environment.command(&run).spawn().unwrap();
    let started = Instant::now();
    let folder = loop {
        assert!(started.elapsed() < Duration::from_mins(1), "no page is photographed");
        std::thread::yield_now();
        let Some(folder) = run_folder(&environment) else { continue };
        let events = std::fs::read_to_string(folder.join("events.jsonl")).unwrap_or_default();
        // The third page has been asked for: two are done, and most have not begun.
        if events.matches("stage: navigating").count() >= 5 {
            break folder;
        }
    };
    let id = folder.file_name().unwrap().to_string_lossy().into_owned();
    let browser = processes_of(&environment.temporary().join(format!("gate-{id}")));
    assert!(!browser.is_empty(), "there is a browser at work");
    for process in browser {
        // Those that are gone by now were children of another one.
        let _ = kill_process(Pid::from_raw(process.pid).unwrap(), Signal::KILL);
    }
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}{}", ended.stderr, ended.stdout);
    let report = ended.json();
    let checks = report["gates"][0]["checks"].as_array().unwrap();
    assert_eq!(checks.len(), paths.len());
    assert!(checks.iter().all(|check| check["verdict"] == "pass"), "{}", ended.stdout);
    let events = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    assert!(events.contains("browser session was lost"), "{events}");
}
