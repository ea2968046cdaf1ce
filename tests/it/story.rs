//! The demo, as `make demo` tells it, and what it leaves behind.

use std::fs;

use crate::environment::Environment;

#[test]
fn every_fault_is_caught_and_every_run_can_be_judged_again() {
    let environment = Environment::new(&[]);
    let ended = environment.gate(&["demo", "--json"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stderr, ended.stdout);
    let rows = ended.json();
    assert_eq!(rows.as_array().unwrap().len(), demo_site::faults().len());
    assert!(rows.as_array().unwrap().iter().all(|row| row["caught"] == true), "{rows}");

    let workspace = environment.path().join("gate-demo/demo");
    let runs = workspace.join(".gate/runs");
    let mut judged = 0;
    for entry in fs::read_dir(&runs).unwrap() {
        let folder = entry.unwrap().path();
        let stored = fs::read_to_string(folder.join("report.json")).unwrap();
        fs::remove_file(folder.join("report.json")).unwrap();
        let id = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut command = environment.command(&["judge", &id, "--json"]);
        let again = crate::environment::ended(command.current_dir(&workspace).output().unwrap());
        assert_eq!(again.stdout, stored, "{}", again.stderr);
        judged += 1;
    }
    // Each of the two decisions without any fault, before them and after them.
    assert_eq!(judged, demo_site::faults().len() + 4);
}
