//! Pages in files, and decisions that come back from them.

use std::path::Path;

use serde_json::{Value, json};

use crate::environment::Environment;
use crate::review_browser::{Browser, ENTER};
use crate::reviewing::two_new_pages;

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Another clone of the repository, with nothing but what is in it.
fn clone_of(environment: &Environment) -> Environment {
    let text = |path: &str| std::fs::read_to_string(environment.path().join(path)).unwrap();
    Environment::new(&[
        ("gate.yaml", &text("gate.yaml")),
        ("specs/shop.yaml", &text("specs/shop.yaml")),
    ])
}

/// What a page of the report would give to be downloaded.
fn decisions(bundle: &Path, said: &str, change: impl Fn(&mut Value)) -> Value {
    let report = json_of(&bundle.join("report.json"));
    let proposals = report["gates"][0]["proposals"].as_array().unwrap();
    let lines: Vec<Value> = proposals
        .iter()
        .map(|proposal| {
            json!({
                "schema": "gate-decision/v1",
                "proposal": proposal,
                "decision": said,
                "by": "Kim",
                "at": "2026-11-21T09:00:00.000Z",
                "reason": "launch",
                "run": report["run"],
            })
        })
        .collect();
    let mut file =
        json!({ "schema": "gate-decisions/v1", "run": report["run"], "decisions": lines });
    change(&mut file);
    file
}

#[test]
fn the_pages_stand_by_themselves() {
    let (environment, _site) = two_new_pages();
    let written = environment.gate(&["report", "--out", "pages"]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    assert!(written.stdout.starts_with("pages/index.html ("), "{}", written.stdout);
    let out = environment.path().join("pages");
    for name in ["index.html", "review.html", "gate-1.html"] {
        let page = std::fs::read_to_string(out.join(name)).unwrap();
        assert!(page.contains("canary-shop") || name == "review.html", "{name}");
        // Everything that it names is there, and nothing of it lies elsewhere.
        for part in page.split(['"']).filter(|part| {
            ["assets/", "data/", "evidence/"].iter().any(|folder| part.starts_with(folder))
        }) {
            assert!(out.join(part).is_file(), "{name} names {part}");
        }
        assert!(!page.contains("http://") && !page.contains("https://"), "{name} asks somebody");
    }
    // Written anew over itself, and never over something else.
    assert_eq!(environment.gate(&["report", "--out", "pages"]).code, 0);
    let refused = environment.gate(&["report", "--out", "specs"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("holds no report"), "{}", refused.stderr);
}

#[test]
fn decisions_are_carried_out_in_another_clone() {
    let (environment, _site) = two_new_pages();
    assert_eq!(environment.gate(&["run", "--report", "bundle=bundle"]).code, 3);
    let bundle = environment.path().join("bundle");
    let clone = clone_of(&environment);
    let from = bundle.to_str().unwrap().to_owned();
    let apply = |file: &Value, arguments: &[&str]| {
        clone.write("decisions.json", &file.to_string());
        clone.gate(&[&["apply", "decisions.json"], arguments].concat())
    };
    let from = ["--from", &from];
    let check = |file: &Value, arguments: &[&str], code: i32, says: &str| {
        let ended = apply(file, arguments);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, code, "{said}");
        assert!(said.contains(says), "{said}");
    };
    let approved = decisions(&bundle, "approved", |_| {});
    // The run is not here, and nothing is guessed.
    check(&approved, &[], 2, "there is no run");
    let other_run = decisions(&bundle, "approved", |file| file["run"] = json!("else"));
    check(&other_run, &from, 2, "the decisions are on run else");
    check(&json!({ "schema": "gate-decisions/v2" }), &from, 2, "no file of decisions");
    // What the file says of a proposal is not believed.
    let altered = decisions(&bundle, "approved", |file| {
        file["decisions"][0]["proposal"]["changes"][0]["path"] = json!("gate.yaml");
        file["decisions"].as_array_mut().unwrap().truncate(1);
    });
    check(&altered, &from, 1, "the run has no such proposal");
    assert!(!clone.path().join("specs/shop.baselines").exists());
    check(&approved, &from, 0, "approved");
    let picture = "specs/shop.baselines/canary-shop/team-desktop-chromium.png";
    assert!(clone.path().join(picture).is_file(), "{picture}");
    // A second time there is nothing left to do, and that is said.
    check(&approved, &from, 1, "Kim has approved it already");
    let lines = std::fs::read_to_string(clone.path().join("specs/gate-decisions.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 2);
    // With what was applied, the clone passes.
    let ended = clone.gate(&["run"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn nothing_is_applied_over_what_has_changed() {
    let (environment, _site) = two_new_pages();
    assert_eq!(environment.gate(&["run", "--report", "bundle=bundle"]).code, 3);
    let bundle = environment.path().join("bundle");
    let clone = clone_of(&environment);
    let picture = "specs/shop.baselines/canary-shop/team-desktop-chromium.png";
    clone.write(picture, "somebody else's");
    clone.write("decisions.json", &decisions(&bundle, "approved", |_| {}).to_string());
    let from = bundle.to_str().unwrap();
    let ended = clone.gate(&["apply", "decisions.json", "--from", from, "--json"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let done: Vec<_> = lines.iter().map(|line| line["done"].as_bool().unwrap()).collect();
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{lines:?}");
    let refused = lines.iter().find(|line| line["done"] == false).unwrap();
    assert!(refused["reason"].as_str().unwrap().contains("has changed since the run"), "{refused}");
    assert_eq!(std::fs::read_to_string(clone.path().join(picture)).unwrap(), "somebody else's");
    let in_ci =
        clone.command(&["apply", "decisions.json", "--from", from]).env("CI", "true").output();
    assert_eq!(in_ci.unwrap().status.code(), Some(2));
}

#[test]
fn what_is_decided_on_a_page_from_disk_is_carried_out_elsewhere() {
    let (environment, _site) = two_new_pages();
    assert_eq!(environment.gate(&["run", "--report", "bundle=bundle"]).code, 3);
    assert_eq!(environment.gate(&["report", "bundle", "--out", "pages"]).code, 0);
    let pages = environment.path().join("pages");
    let browser = Browser::open(&[]);
    browser.show(&format!("file://{}/review.html", pages.display()));
    browser.keys("a");
    browser.until("document.getElementById('why-dialog').open");
    browser.get("document.getElementById('reason').value = 'launch'");
    browser.get("document.getElementById('by').value = 'Kim'");
    browser.keys(ENTER);
    browser.until("Object.keys(gate.data.staged).length === 1");
    browser.click("#download");
    let file = browser.downloaded("decisions.json");
    let clone = clone_of(&environment);
    clone.write("decisions.json", &file);
    let bundle = environment.path().join("bundle");
    let ended = clone.gate(&["apply", "decisions.json", "--from", bundle.to_str().unwrap()]);
    assert_eq!(ended.code, 0, "{}\n{file}", ended.stderr);
    assert!(ended.stdout.starts_with("approved "), "{}", ended.stdout);
    let lines = std::fs::read_to_string(clone.path().join("specs/gate-decisions.jsonl")).unwrap();
    let line: Value = serde_json::from_str(lines.trim()).unwrap();
    let said = [&line["by"], &line["reason"], &line["decision"]].map(|text| text.as_str().unwrap());
    assert_eq!(said, ["Kim", "launch", "approved"]);
}
