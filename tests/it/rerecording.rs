//! Recordings that are made anew when they are old.

use std::process::Command;

use serde_json::Value;

use crate::api::{approve, message, spec, workspace};
use crate::environment::{Ended, Environment, ended};
use crate::python::Service;

const FIRST: &str = "2026-01-01T12:00:00Z";
const YOUNG: &str = "2026-01-20T12:00:00Z";
const OLD: &str = "2026-02-05T13:00:00Z";
const LATER: &str = "2026-03-05T12:00:00Z";
const NEXT: &str = "2026-02-20T12:00:00Z";

/// Runs git to its good end in a folder, at a time; what it prints.
fn git(folder: &std::path::Path, at: &str, words: &[&str]) -> String {
    let done = Command::new("git")
        .args(["-c", "user.name=Kim", "-c", "user.email=kim@example.org"])
        .args(words)
        .current_dir(folder)
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
        .envs([("GIT_AUTHOR_DATE", at), ("GIT_COMMITTER_DATE", at)])
        .output()
        .unwrap();
    assert!(done.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn committed(environment: &Environment, at: &str) {
    let folder = environment.path();
    git(folder, at, &["init", "--quiet", "--initial-branch=main"]);
    git(folder, at, &["add", "crm.cassette"]);
    git(folder, at, &["commit", "--quiet", "--message=recordings"]);
}

/// What git sees of the recording.
fn status(environment: &Environment) -> String {
    let folder = environment.path();
    git(folder, OLD, &["diff"]) + &git(folder, OLD, &["status", "--porcelain", "crm.cassette"])
}

/// Records what the client asks for, at a time.
fn record(
    environment: &Environment,
    at: &str,
    target: &str,
    more: &[&str],
    asks: &[&str],
) -> Ended {
    let words = ["record", "--cassette", "crm.cassette", "--target", target];
    let client = ["--", "python3", "client.py"];
    let words = [&words[..], more, &client[..], asks].concat();
    ended(environment.command(&words).env("GATE_CLOCK", at).output().unwrap())
}

const AFTER: &[&str] = &["--re-record-after", "30d"];

#[track_caller]
fn said(ended: &Ended, code: i32, expect: &[&str], not: &[&str]) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    for text in expect {
        assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
    }
    for text in not {
        assert!(!ended.stderr.contains(text), "{text}: {}", ended.stderr);
    }
}

#[test]
fn what_is_old_is_recorded_anew_and_nothing_else() {
    let (environment, service) = workspace();
    let url = &service.url;
    let record = |at: &str, mode: &str| {
        record(&environment, at, url, &[AFTER, &["--mode", mode]].concat(), &["/v1/me"])
    };
    said(
        &record(FIRST, "once"),
        0,
        &["recorded 1 interaction into crm.cassette"],
        &["it is recorded anew"],
    );
    committed(&environment, FIRST);
    assert_eq!(status(&environment), "");
    let young = &["answered 1 request from crm.cassette"];
    said(&record(YOUNG, "once"), 0, young, &["it is recorded anew"]);
    said(&record(YOUNG, "new_episodes"), 0, young, &["it is recorded anew"]);
    let anew = &[
        "crm.cassette was recorded 35 days ago, which is 30d or more: it is recorded anew\n",
        "recorded 1 interaction into crm.cassette, 1 of them unchanged\n",
    ];
    said(&record(OLD, "once"), 0, anew, &["answered"]);
    assert_eq!(status(&environment), "", "an unchanged service changes nothing");
    said(&record(NEXT, "new_episodes"), 0, young, &["it is recorded anew"]);
    let files = git(environment.path(), OLD, &["ls-files"]);
    assert!(!files.contains(".recorded"), "{files}");
    environment.write("changed", "");
    said(&record("2026-04-01T00:00:00Z", "new_episodes"), 0, &["0 of them unchanged"], &[]);
    let diff = status(&environment);
    let is_gone = |line: &str| line.starts_with('-') && line.contains("plan");
    assert!(diff.lines().any(is_gone), "{diff}");
}

#[test]
fn a_fresh_clone_knows_the_time_of_its_commit() {
    let (environment, service) = workspace();
    let url = &service.url;
    said(&record(&environment, FIRST, url, &[], &["/v1/me"]), 0, &["recorded 1"], &[]);
    committed(&environment, FIRST);
    let clone = || {
        let (other, _) = workspace();
        std::fs::remove_dir_all(other.path().join("crm.cassette")).ok();
        git(
            other.path(),
            FIRST,
            &["clone", "--quiet", environment.path().to_str().unwrap(), "all"],
        );
        std::fs::rename(other.path().join("all/crm.cassette"), other.path().join("crm.cassette"))
            .unwrap();
        std::fs::rename(other.path().join("all/.git"), other.path().join(".git")).unwrap();
        assert!(!other.path().join("crm.cassette/.recorded").exists());
        other
    };
    let young = clone();
    said(
        &record(&young, YOUNG, url, AFTER, &["/v1/me"]),
        0,
        &["answered 1 request"],
        &["it is recorded anew"],
    );
    let old = clone();
    let again = record(&old, OLD, url, AFTER, &["/v1/me"]);
    said(&again, 0, &["was recorded 35 days ago", "1 of them unchanged"], &[]);
    assert_eq!(status(&old), "");
    said(
        &record(&old, NEXT, url, AFTER, &["/v1/me"]),
        0,
        &["answered 1 request"],
        &["it is recorded anew"],
    );
}

#[test]
fn an_age_that_nobody_knows_counts_as_old() {
    let (environment, service) = workspace();
    let url = &service.url;
    said(&record(&environment, FIRST, url, &[], &["/v1/me"]), 0, &["recorded 1"], &[]);
    let side = environment.path().join("crm.cassette/.recorded");
    for text in [None, Some("yesterday"), Some("99999999999")] {
        match text {
            None => std::fs::remove_file(&side).unwrap(),
            Some(text) => environment.write("crm.cassette/.recorded", text),
        }
        let ended = record(&environment, YOUNG, url, AFTER, &["/v1/me"]);
        let expect = "nothing says when crm.cassette was recorded: it is recorded anew";
        said(&ended, 0, &[expect, "1 of them unchanged"], &[]);
    }
    said(
        &record(&environment, YOUNG, url, AFTER, &["/v1/me"]),
        0,
        &["answered 1"],
        &["it is recorded anew"],
    );
}

#[test]
fn there_is_never_half_a_recording() {
    let (environment, service) = workspace();
    let url = service.url.clone();
    said(&record(&environment, FIRST, &url, &[], &["/v1/me", "/list"]), 0, &["recorded 2"], &[]);
    let all = || {
        let of = |folder: &str| environment.all_of(&format!("crm.cassette/{folder}"));
        (of("endpoints"), of("bodies"), of(".recorded"))
    };
    let before = all();
    // The program fails; what it asked for by then is not kept.
    let failed = record(&environment, OLD, &url, AFTER, &["/list", "/gone", "/v1/me"]);
    let stays = "gate: not all went well: the old recording in crm.cassette stays";
    said(&failed, 1, &["it is recorded anew", stays], &["recorded 2"]);
    assert_eq!(all(), before);
    let silent =
        [&["record", "--cassette", "crm.cassette", "--target", &url][..], AFTER, &["--", "true"]];
    let silent = environment.command(&silent.concat()).env("GATE_CLOCK", OLD).output().unwrap();
    said(&ended(silent), 3, &[stays], &[]);
    drop(service);
    for mode in ["once", "new_episodes"] {
        let more = [AFTER, &["--mode", mode]].concat();
        let offline = record(&environment, OLD, &url, &more, &["/v1/me", "/list"]);
        let warned = format!("which is 30d or more, but {url} (");
        let used = ") cannot be reached: the old recording is used\n";
        said(
            &offline,
            0,
            &["gate: crm.cassette was", &warned, used, "answered 2 requests"],
            &["it is recorded anew"],
        );
    }
    let words = ["record", "--cassette", "crm.cassette", "--proxy"];
    let client = ["--", "python3", "client.py", "/v1/me"];
    let words = [&words[..], AFTER, &client].concat();
    let proxied = environment.command(&words).env("GATE_CLOCK", OLD).output().unwrap();
    said(
        &ended(proxied),
        0,
        &[&url, "the old recording is used", "answered 1"],
        &["it is recorded anew"],
    );
    assert_eq!(all(), before);
}

#[test]
fn words_that_make_no_sense_are_refused() {
    let (environment, service) = workspace();
    let check = |more: &[&str], expect: &[&str]| {
        let ended = record(&environment, FIRST, &service.url, more, &["/v1/me"]);
        said(&ended, 2, expect, &["recorded 1"]);
    };
    let goes = "--re-record-after goes with the mode once or new_episodes";
    check(&["--re-record-after", "30d", "--mode", "all"], &[goes, "each time: leave one"]);
    check(&["--re-record-after", "30d", "--mode", "none"], &[goes, "nothing is recorded"]);
    check(&["--re-record-after", "30"], &["`30` has no unit", "--re-record-after"]);
    check(&["--re-record-after", "soon"], &["`soon` is not a duration"]);
    check(&["--re-record-after", "-1d"], &["-1"]);
    assert!(!environment.path().join("crm.cassette").exists());
}

fn run(environment: &Environment, at: &str) -> (Ended, Value) {
    let ran = environment.command(&["run", "--json"]).env("GATE_CLOCK", at).output().unwrap();
    let ran = ended(ran);
    let report = ran.json();
    (ran, report)
}

fn gate(environment: &Environment, mode: &str) {
    let with = "cassette: crm.cassette\nrun: [python3, client.py, /v1/me]\nre_record_after: 30d\n";
    spec(environment, &format!("{with}mode: {mode}\n"));
}

fn set_side(environment: &Environment, at: &str) {
    let seconds = at.parse::<gate_core::Timestamp>().unwrap().millis() / 1000;
    environment.write("specs/crm.cassette/.recorded", &format!("{seconds}\n"));
}

fn recorded() -> (Environment, Service) {
    let (environment, service) = workspace();
    gate(&environment, "once");
    let (first, report) = run(&environment, FIRST);
    assert_eq!(first.code, 3, "{report:#}");
    approve(&environment);
    set_side(&environment, FIRST);
    (environment, service)
}

#[test]
fn a_gate_records_anew_what_is_old() {
    let (environment, _service) = recorded();
    let side = environment.path().join("specs/crm.cassette/.recorded");
    let before = environment.all_of("specs/crm.cassette/endpoints");
    for mode in ["once", "new_episodes"] {
        gate(&environment, mode);
        let (young, report) = run(&environment, YOUNG);
        assert_eq!(young.code, 0, "{report:#}");
        assert_eq!(message(&report, "answered"), "1 request answered from the recording");
        // Nothing differs: nothing is proposed, and it is young again.
        let (same, report) = run(&environment, OLD);
        assert_eq!(same.code, 0, "{report:#}");
        let aged = message(&report, "recording-age");
        assert!(aged.contains("was recorded 35 days ago"), "{aged}");
        assert!(aged.ends_with("it was recorded anew"), "{aged}");
        assert_eq!(environment.all_of("specs/crm.cassette/endpoints"), before);
        let (again, report) = run(&environment, NEXT);
        assert_eq!(again.code, 0, "{report:#}");
        assert!(!report.to_string().contains("recording-age"), "{report:#}");
        set_side(&environment, FIRST);
    }
    environment.write("changed", "");
    let (differs, report) = run(&environment, LATER);
    assert_eq!(differs.code, 3, "{report:#}");
    assert!(message(&report, "recorded").contains("recorded anew: GET /v1/me"), "{report:#}");
    assert_eq!(environment.all_of("specs/crm.cassette/endpoints"), before, "nothing was decided");
    assert!(!side.exists(), "what is on its way is newer");
    approve(&environment);
    let (settled, report) = run(&environment, LATER);
    assert_eq!(settled.code, 0, "{report:#}");
    let aged = message(&report, "recording-age");
    assert!(aged.starts_with("nothing says when specs/crm.cassette was recorded"), "{aged}");
    assert!(side.exists());
}

#[test]
fn a_gate_uses_what_is_old_where_nobody_can_be_asked() {
    let (environment, service) = recorded();
    let before = environment.all_of("specs/crm.cassette/endpoints");
    drop(service);
    let (offline, report) = run(&environment, OLD);
    assert_eq!(offline.code, 0, "{report:#}");
    let aged = message(&report, "recording-age");
    assert!(aged.ends_with("cannot be reached: the old recording was used"), "{aged}");
    assert!(report.to_string().contains("\"warn\""), "{report:#}");
    assert_eq!(message(&report, "answered"), "1 request answered from the recording");
    assert_eq!(environment.all_of("specs/crm.cassette/endpoints"), before);
    let judged = environment.gate(&["judge", "last", "--json"]);
    assert_eq!(judged.stdout, offline.stdout, "{}", judged.stderr);
}
