//! Tools of kinds: on their pages, in a page that a gate wrote, over HTTP, and in a terminal.

use serde_json::{Value, json};

use crate::environment::Environment;
use crate::review_browser::{Browser, ENTER, TAB};
use crate::reviewing::{Answered, Review};

/// A plug-in that keeps the file `page.json` as a page, and names it by its digest.
const ASKS: &str = r#"#!/usr/bin/env python3
import json, os, shutil, sys
say = lambda line: print(json.dumps(line), flush=True)
request = json.loads(sys.stdin.readline())
requests = ["describe", "measure"]
say({"hello": {"protocol": 1, "kind": "asks", "version": "1.0", "requests": requests}})
page = {"role": "page", "label": "Colours", "media_type": "application/json"}
if request["request"] == "describe":
    say({"result": {"about": "asks", "schema": {"type": "object"}}})
else:
    shutil.copy("page.json", request["evidence_dir"])
    say({"event": {"evidence": {**page, "file": "page.json"}}})
    check = {"id": "c", "title": "a check", "verdict": "pass", "message": "looked at",
             "metrics": [], "evidence": [{**page, "digest": "DIGEST", "bytes": 1}]}
    say({"result": {"observation": {}, "outcome": {"checks": [check]}}})
"#;

/// A workspace whose last run holds a page with a form that is filled in already.
fn asking() -> Environment {
    let fields = json!([
        { "name": "candidate", "label": "The <b>new</b> colour", "value": "#c22020" },
        { "name": "weight", "label": "Weight", "value": 7 },
        { "name": "threshold", "label": "Limit", "value": 0.25 },
    ]);
    let page = json!({ "schema": "gate-evidence-page/v1", "title": "Colours", "blocks": [
        { "form": { "tool": "colour-difference", "fields": fields } },
        { "form": { "tool": "no-such-tool", "fields": [] } },
    ] });
    let page = page.to_string();
    let digest = gate_core::Digest::of(page.as_bytes()).to_string();
    let environment = Environment::new(&[
        ("gate.yaml", "plugins:\n  - { kind: asks, command: [./asks] }\n"),
        ("specs/a.yaml", "gate: asks\nname: a\n"),
        ("asks", &ASKS.replace("DIGEST", &digest)),
        ("page.json", &page),
    ]);
    crate::exit_codes::make_executable(&environment.path().join("asks"));
    let ended = environment.gate(&["run"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    environment
}

/// A request to a tool, with these headers besides the address; `{cookie}` and the like stand for
/// the right ones.
fn ask(review: &Review, line: &str, headers: &[&str], body: &str) -> Answered {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let headers = headers
        .replace("{cookie}", &review.cookie())
        .replace("{csrf}", &review.csrf())
        .replace("{host}", &review.host);
    review.ask(&format!(
        "{line} HTTP/1.1\r\nhost: {}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        review.host,
        body.len()
    ))
}

const COOKIE: &str = "cookie: {cookie}";
const ORIGIN: &str = "origin: http://{host}";
const JSON: &str = "content-type: application/json";
const CSRF: &str = "x-gate-csrf: {csrf}";
const RIGHT: [&str; 4] = [COOKIE, ORIGIN, JSON, CSRF];
const TOOL: &str = "POST /api/tools/colour-difference";

#[test]
fn a_tool_is_guarded_as_decisions_are() {
    let environment = asking();
    let review = Review::of(&environment);
    let body = json!({ "baseline": "#0a7a5a", "candidate": "#c22020" }).to_string();
    let form = "content-type: application/x-www-form-urlencoded";
    for (name, line, headers, status) in [
        ("no cookie", TOOL, &[ORIGIN, JSON, CSRF][..], 401),
        ("no cookie, nowhere", "POST /api/tools/x", &[ORIGIN, JSON, CSRF], 401),
        ("no second secret", TOOL, &[COOKIE, ORIGIN, JSON], 403),
        ("no origin", TOOL, &[COOKIE, JSON, CSRF], 403),
        ("another origin", TOOL, &[COOKIE, JSON, CSRF, "origin: http://evil.test"], 403),
        ("a form", TOOL, &[COOKIE, ORIGIN, form, CSRF], 415),
        ("no type", TOOL, &[COOKIE, ORIGIN, CSRF], 415),
        ("by reading", "GET /api/tools/colour-difference", &[COOKIE], 405),
        ("no cookie, the page", "GET /tool-colour-difference.html", &[], 401),
        ("no cookie, the list", "GET /tools.html", &[], 401),
        ("another tool", "POST /api/tools/colours", &RIGHT, 404),
        ("another page", "GET /tool-colours.html", &[COOKIE], 404),
    ] {
        let answer = ask(&review, line, headers, &body);
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert!(!answer.body.contains("yiq"), "{name} was answered: {answer:?}");
    }
    let wrong = ask(&review, TOOL, &RIGHT, r#"{"baseline": "<i>", "threshold": 2, "x": 1}"#);
    assert_eq!(wrong.status, 422, "{wrong:?}");
    let problems: Value = serde_json::from_str(&wrong.body).unwrap();
    let fields: Vec<_> =
        problems["problems"].as_array().unwrap().iter().map(|one| &one["field"]).collect();
    assert_eq!(fields, ["candidate", "threshold", "x"]);
    assert_eq!(ask(&review, TOOL, &RIGHT, "no JSON").status, 400);
    assert_eq!(ask(&review, TOOL, &RIGHT, &" ".repeat(5 << 20)).status, 413);

    let answer = ask(&review, TOOL, &RIGHT, &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let html: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(html["html"].as_str().unwrap().contains("With yiq it counts as changed"), "{html}");
    // Every page leads there, and none has a script of its own.
    for page in ["/", "/tools.html", "/tool-colour-difference.html", "/gate-1.html"] {
        let page = ask(&review, &format!("GET {page}"), &[COOKIE], "").body;
        assert!(page.contains("href=\"tools.html\""), "{page}");
        let inline = page.matches("<script").count();
        let named = page.matches("<script src=\"assets/").count();
        assert_eq!(inline, named + 1, "the settings are no script: {page}");
    }
}

#[test]
fn a_form_is_filled_in_and_answered_by_keyboard() {
    let environment = asking();
    let review = Review::of(&environment);
    let browser = Browser::open(&[]);
    browser.go(&review.url());
    browser.until("location.search === '' && document.querySelector('nav a[href=\"tools.html\"]')");
    browser.click("nav a[href=\"tools.html\"]");
    browser.until("document.querySelector('.offered a')");
    browser.click(".offered a[href*=colour-difference]");
    browser.until("document.documentElement.dataset.asks");
    let wrong = |name: &str| browser.text(&format!("[data-name={name}] .wrong"));
    let focused = "document.activeElement.closest('.field')?.dataset.name";

    // From the heading on, everything is a step of the tabulator away.
    browser.get("document.querySelector('[data-name=baseline] input').focus(), true");
    browser.keys(&format!("green{TAB}{TAB}x{ENTER}"));
    browser.until(&format!("{focused} === 'candidate'"));
    assert_eq!(wrong("candidate"), "it is missing; give a text");
    assert_eq!(wrong("threshold"), "x is not what is asked for; give a number from 0 to 1");
    assert_eq!(wrong("baseline"), "");
    // The kind itself knows what a colour is.
    browser.get("document.querySelector('[data-name=threshold] input').value = '0.1'");
    browser.keys(&format!("#c22020{ENTER}"));
    browser.until(&format!("{focused} === 'baseline'"));
    let said = wrong("baseline");
    assert!(said.contains("green is no colour") && said.contains("#fff"), "{said}");
    let tied = "['aria-invalid', 'aria-describedby'].map((name) => \
                document.activeElement.getAttribute(name))";
    let tied = browser.get(tied);
    assert_eq!(tied[0], "true");
    let told = tied[1].as_str().unwrap().split(' ').any(|id| {
        browser.get(&format!("document.getElementById('{id}').innerText")) == said.as_str()
    });
    assert!(told, "{tied}");
    browser.get("document.activeElement.select(), true");
    browser.keys(&format!("#0a7a5a{ENTER}"));
    browser.until("document.activeElement.matches('.answer')");
    let answer = browser.text(".answer");
    assert!(answer.contains("With yiq it counts as changed at the threshold 0.1"), "{answer}");
    assert!(answer.contains("oklab, closer to the eye"), "{answer}");
    assert_eq!(wrong("baseline"), "");
}

#[test]
fn a_form_in_a_page_of_a_gate_is_filled_in_already() {
    let environment = asking();
    let review = Review::of(&environment);
    let browser = Browser::open(&[]);
    browser.go(&review.url());
    browser.until("location.search === ''");
    browser.go(&review.page("gate-1.html"));
    browser.until("document.documentElement.dataset.asks");
    let fields = browser.get(
        "[...document.querySelectorAll('.ask .field')].map((field) => \
         [field.dataset.name, field.querySelector('input').value])",
    );
    let expect = json!([["candidate", "#c22020"], ["threshold", "0.25"], ["baseline", ""]]);
    assert_eq!(fields, expect);
    let page = browser.text("main");
    assert!(page.contains("The <b>new</b> colour"), "{page}");
    assert!(page.contains("does not ask for weight any more"), "{page}");
    assert!(page.contains("“no-such-tool”, which this gate does not have"), "{page}");
    browser.get("document.querySelector('[data-name=baseline] input').focus(), true");
    browser.keys(&format!("#c32020{ENTER}"));
    browser.until("document.activeElement.matches('.answer')");
    let answer = browser.text(".answer");
    assert!(answer.contains("does not count at the threshold 0.25"), "{answer}");

    // In a file nothing answers; what to start stands there instead.
    assert_eq!(environment.gate(&["report", "--out", "pages"]).code, 0);
    let page = std::fs::read_to_string(environment.path().join("pages/gate-1.html")).unwrap();
    assert!(!page.contains("<form"), "{page}");
    let run = environment.last_run();
    assert!(page.contains(&format!("gate review {run}")), "{page}");
    assert!(page.contains("gate tool colour-difference --input '{&quot;candidate&quot;"), "{page}");
}

#[test]
fn tools_answer_in_a_terminal() {
    let environment = Environment::new(&[("gate.yaml", "{}\n")]);
    let check = |arguments: &[&str], code: i32, says: &[&str]| {
        let ended = environment.gate(&[&["tool"], arguments].concat());
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, code, "{said}");
        for text in says {
            assert!(said.contains(text), "{text}\n{said}");
        }
    };
    let right = r##"{"baseline": "#0a7a5a", "candidate": "#c22020"}"##;
    let wrong = r##"{"baseline": "red", "candidate": "#c22020"}"##;
    check(&[], 0, &["colour-difference  Would a pixel", "(visual)"]);
    check(&["--json"], 0, &["\"kind\": \"visual\""]);
    check(&["colour-difference"], 0, &["threshold: a number from 0 to 1 [default: 0.1]"]);
    check(&["colour-difference", "--json"], 0, &["\"required\"", "\"baseline\""]);
    check(&["colour-difference", "--input", right], 0, &["With yiq it counts", "0.2941"]);
    check(&["colour-difference", "--input", right, "--json"], 0, &["gate-evidence-page/v1"]);
    check(&["colour-difference", "--input", wrong], 2, &["baseline: `red` is no", "hint: write"]);
    check(&["colour-difference", "--input", "{}"], 2, &["baseline: it is missing"]);
    check(&["colour-difference", "--input", "x"], 2, &["the input is no JSON"]);
    check(&["colour-diff"], 2, &["there is no tool `colour-diff`", "colour-difference"]);
    check(&["--input", right], 2, &["required"]);
    let mut child = environment
        .command(&["tool", "colour-difference", "--input", "-"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), right.as_bytes()).unwrap();
    let ended = crate::environment::ended(child.wait_with_output().unwrap());
    assert!(ended.code == 0 && ended.stdout.contains("With oklab it counts"), "{}", ended.stderr);
}
