//! A report in one file, opened from disk.

use std::path::Path;

use gate_core::Digest;
use serde_json::Value;

use crate::environment::Environment;
use crate::review_browser::{Browser, ENTER};
use crate::review_run::changed;
use crate::reviewing::two_new_pages;

/// Every address that the page names.
const ADDRESSES: &str = "[...document.querySelectorAll('*')].flatMap((one) => \
    ['src', 'href', 'action', 'srcset', 'poster'].map((name) => one.getAttribute(name))) \
    .concat([...document.querySelectorAll('template')].flatMap(({ content }) => \
    [...content.querySelectorAll('[src], [href]')].map((one) => \
    one.getAttribute('src') || one.getAttribute('href')))) \
    .filter((address) => address && !/^(#|data:)/.test(address))";

#[test]
fn one_file_shows_everything_and_its_decisions_are_carried_out() {
    let environment = changed();
    let written = environment.gate(&["report", "--single-file", "out/report.html"]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    assert!(written.stdout.starts_with("out/report.html (1 file, "), "{}", written.stdout);
    let file = environment.path().join("out/report.html");
    let entries = std::fs::read_dir(environment.path().join("out")).unwrap().count();
    assert_eq!(entries, 1, "nothing else is needed");

    let browser = Browser::open(&[]);
    let downloads = environment.path().join("downloads");
    std::fs::create_dir(&downloads).unwrap();
    browser.downloads_to(&downloads);
    browser.go(&format!("file://{}", file.display()));
    let overview = browser.text("#page main");
    assert!(overview.contains("fail") && overview.contains("shop"), "{overview}");
    assert_eq!(browser.get(ADDRESSES), serde_json::json!([]));

    // From page to page by links, and a page has its pictures.
    browser.click(".gates a");
    browser.until("location.hash === '#page=gate-1.html' && document.querySelector('.check')");
    let focus = "document.activeElement === document.querySelector('#page main')";
    assert_eq!(browser.get(focus), true);
    browser.get("document.querySelector('#page img').scrollIntoView(), true");
    browser.until("document.querySelector('#page img').naturalWidth > 0");
    browser.click(".check a[href*='a-desk-chromium']");
    browser.settled();
    let link = browser.get("location.hash");
    assert!(link.as_str().unwrap().starts_with("#page=review.html&item=shop/"), "{link}");
    browser.until("[...document.querySelectorAll('.layer img')].some((one) => one.naturalWidth)");
    assert!(browser.text("#changes").contains("recoloured"), "{}", browser.text("#changes"));

    browser.keys("a");
    browser.until("document.getElementById('why-dialog').open");
    browser.get("document.getElementById('by').value = 'Kim'");
    browser.keys(&format!("new colours{ENTER}"));
    browser.until("document.getElementById('state').innerText.includes('accepted by Kim')");

    // On another page the keys of the review do nothing; on the way back it is as it was.
    let title = browser.text("#title");
    browser.click(".top nav a[href='#page=index.html']");
    browser.until("document.querySelector('#page main h1')");
    browser.keys("u");
    browser.get("history.back()");
    browser.until("!document.getElementById('review').hidden");
    assert_eq!(browser.text("#title"), title);
    browser.click(".top nav a[href='#page=index.html']");
    browser.click(".top nav a[href='#page=review.html']");
    assert_eq!(browser.get("location.hash"), link);
    assert!(browser.text("#state").contains("accepted by Kim"), "{}", browser.text("#state"));

    browser.click("#download");
    let decisions = downloads.join("decisions.json");
    assert!(!appears(&browser, &decisions).is_empty());
    let asked = "performance.getEntriesByType('resource').filter(({ name }) => \
                 !/^(data|blob):/.test(name)).map(({ name }) => name)";
    assert_eq!(browser.get(asked), serde_json::json!([]));

    let picture = environment.path().join("specs/shop.baselines/shop/a-desk-chromium.png");
    let digest = || Digest::of(&std::fs::read(&picture).unwrap());
    let old = digest();
    let applied = environment.gate(&["apply", decisions.to_str().unwrap()]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    assert_ne!(digest(), old);
}

#[test]
fn a_link_leads_into_one_file() {
    let environment = changed();
    assert_eq!(environment.gate(&["report", "--single-file", "report.html"]).code, 0);
    // Another report may take its place, and nothing else may be lost to it.
    assert_eq!(environment.gate(&["report", "--single-file", "report.html"]).code, 0);
    let refused = environment.gate(&["report", "--single-file", "gate.yaml"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("is no report"), "{}", refused.stderr);
    let usage = environment.gate(&["report"]);
    assert_eq!(usage.code, 2, "{}", usage.stderr);

    let browser = Browser::open(&[]);
    let file = environment.path().join("report.html");
    let page = |hash: &str| format!("file://{}{hash}", file.display());
    browser.show(&page("#page=review.html&item=shop/long-desk-chromium&view=side"));
    browser.until("document.querySelectorAll('.pane').length === 2");
    assert!(browser.text("#title").contains("long"), "{}", browser.text("#title"));
    // What leads nowhere leads to the overview.
    browser.go("about:blank");
    browser.go(&page("#page=gate-99.html"));
    browser.until("document.querySelector('#page .gates')");
}

/// A plug-in that keeps a page of HTML and a log.
const WRITES: &str = r#"#!/usr/bin/env python3
import json, os, shutil, sys
say = lambda line: print(json.dumps(line), flush=True)
request = json.loads(sys.stdin.readline())
requests = ["describe", "measure"]
say({"hello": {"protocol": 1, "kind": "writes", "version": "1.0", "requests": requests}})
if request["request"] == "describe":
    say({"result": {"about": "writes", "schema": {"type": "object"}}})
else:
    kept = []
    for name, role, kind, digest in FILES:
        shutil.copy(name, request["evidence_dir"])
        file = {"role": role, "label": name, "media_type": kind}
        say({"event": {"evidence": {**file, "file": name}}})
        kept.append({**file, "digest": digest, "bytes": 1})
    check = {"id": "c", "title": "a check", "verdict": "pass", "message": "looked at",
             "metrics": [], "evidence": kept}
    say({"result": {"observation": {}, "outcome": {"checks": [check]}}})
"#;

#[test]
fn a_page_of_somebody_else_runs_nothing_and_files_are_given_out() {
    let html = "<!doctype html><h1>Théirs</h1></template></script>\
                <script>parent.owned = true; top.document.title = 'owned'</script>\
                <img src=x onerror='parent.owned = true'>";
    let log = "line one\n</script><script>window.owned = true</script>\n";
    let digest = |text: &str| Digest::of(text.as_bytes()).to_string();
    let files = serde_json::json!([
        ["page.html", "page", "text/html", digest(html)],
        ["build.log", "log", "text/plain", digest(log)],
    ]);
    let environment = Environment::new(&[
        ("gate.yaml", "plugins:\n  - { kind: writes, command: [./writes] }\n"),
        ("specs/a.yaml", "gate: writes\nname: a\n"),
        ("writes", &WRITES.replace("FILES", &files.to_string())),
        ("page.html", html),
        ("build.log", log),
    ]);
    crate::exit_codes::make_executable(&environment.path().join("writes"));
    assert_eq!(environment.gate(&["run"]).code, 0);
    assert_eq!(environment.gate(&["report", "--single-file", "report.html"]).code, 0);
    let browser = Browser::open(&[]);
    let downloads = environment.path().join("downloads");
    std::fs::create_dir(&downloads).unwrap();
    browser.downloads_to(&downloads);
    let file = environment.path().join("report.html");
    browser.go(&format!("file://{}#page=gate-1.html", file.display()));
    browser.until("document.querySelector('iframe')?.srcdoc.includes('Théirs')");
    // Loaded once more, so that it is known to have been.
    let loaded = "new Promise((done) => { const frame = document.querySelector('iframe'); \
                  frame.onload = () => done(true); frame.srcdoc += ' '; })";
    assert_eq!(browser.wait_for(loaded), true);
    assert_eq!(
        browser.get("[window.owned ?? null, document.title.includes('owned')]"),
        serde_json::json!([null, false])
    );
    assert_eq!(browser.get("document.querySelector('iframe').getAttribute('sandbox')"), "");
    let asks = "fetch('data:text/plain,x').then(() => 'let through', () => 'refused')";
    assert_eq!(browser.wait_for(asks), "refused", "the file asks nobody for anything");
    assert!(browser.text("pre.log").contains("<script>"), "{}", browser.text("pre.log"));
    browser.click("figure.log a");
    let name = format!("{}.txt", &digest(log)[..12]);
    let saved = appears(&browser, &downloads.join(name));
    assert_eq!(saved, log.as_bytes());
}

/// The bytes of a file that a page gives to be downloaded.
fn appears(browser: &Browser, file: &Path) -> Vec<u8> {
    let came = (0..1000).any(|_| {
        browser.wait_for("new Promise((done) => setTimeout(done, 10, true))");
        file.is_file()
    });
    assert!(came, "{} was not downloaded", file.display());
    std::fs::read(file).unwrap()
}

#[test]
fn what_no_browser_opens_is_not_written() {
    let (environment, _site) = two_new_pages();
    let run = environment.path().join(".gate/runs").join(environment.last_run());
    let report: Value =
        serde_json::from_slice(&std::fs::read(run.join("report.json")).unwrap()).unwrap();
    let checks = report["gates"][0]["checks"].as_array().unwrap();
    let mut files = checks.iter().flat_map(|check| check["evidence"].as_array().unwrap());
    let digest = files.find(|file| file["role"] == "image").unwrap()["digest"].as_str().unwrap();
    let picture = environment.path().join(".gate/store").join(digest);
    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    let picture = std::fs::File::options().write(true).open(picture).unwrap();
    // It takes no place on the disk.
    picture.set_len(500 << 20).unwrap();
    let refused = environment.gate(&["report", "--single-file", "report.html"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("in one file") && refused.stderr.contains("--out DIR"));
    assert!(!environment.path().join("report.html").exists());
}
