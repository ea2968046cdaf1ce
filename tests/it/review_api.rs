//! Recordings are looked at and decided like pictures, wherever the pages come from.

use crate::api::{RUN, approve, run, spec, workspace};
use crate::environment::Environment;
use crate::review_browser::Browser;
use crate::reviewing::Review;

const ITEM: &str = "item=crm/drift-get-v1-me";

/// A run whose service has drifted from what was recorded of it.
fn drifted() -> Environment {
    let (environment, service) = workspace();
    spec(&environment, &format!("{RUN}mode: once\n"));
    assert_eq!(run(&environment).0.code, 3);
    approve(&environment);
    spec(
        &environment,
        "cassette: crm.cassette\ndrift: {}\nheaders: { authorization: 'Bearer ${secret:CRM}' }\n",
    );
    environment.write("changed", "");
    assert_eq!(run(&environment).0.code, 1);
    drop(service);
    environment
}

/// Waits until the exchange stands where pictures would, and holds it to what it has to say.
fn check(browser: &Browser) {
    browser.until("document.querySelector('#panes .files table.differences')");
    let text = browser.text("#panes");
    for part in
        ["What differs", "$.plan", "breaking", "gone", "Expected", "Answer", "\"plan\": \"pro\""]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("top-secret-token"), "{text}");
    // The sentence stands above already.
    assert!(!text.contains("a client may break"), "{text}");
    assert_eq!(browser.get("document.querySelectorAll('#panes .files[tabindex]').length"), 1);
}

#[test]
fn a_drift_is_looked_at_and_its_new_recording_accepted() {
    let environment = drifted();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.show(&review.page(&format!("review.html#{ITEM}")));
    check(&browser);
    let before = recorded(&environment);
    assert!(before.contains("plan"), "{before}");
    browser.keys("a");
    browser.until("document.querySelector('#why-dialog').open");
    browser.get("document.querySelector('#reason').value = 'the plan is elsewhere now', true");
    browser.click("#why-form button[type=submit]");
    browser.until("document.querySelector('#state').textContent.includes('accepted')");
    let after = recorded(&environment);
    assert!(!after.contains("plan"), "{after}");
    // A check without files says so.
    browser.show(&review.page("review.html#item=crm/recording"));
    browser.until("document.querySelector('#panes').textContent.includes('Nothing was kept')");
}

#[test]
fn pages_from_a_disk_show_it_as_well() {
    let environment = drifted();
    let browser = Browser::open(&[]);
    assert_eq!(environment.gate(&["report", "--out", "pages"]).code, 0);
    let page = environment.path().join("pages/review.html");
    browser.show(&format!("file://{}#{ITEM}", page.display()));
    check(&browser);
    assert_eq!(environment.gate(&["report", "--single-file", "report.html"]).code, 0);
    let file = environment.path().join("report.html");
    browser.show(&format!("file://{}#page=review.html&{ITEM}", file.display()));
    check(&browser);
    // The way to the page of the gate, and to the check on it.
    browser.click("#facts a");
    browser.until("document.querySelector('#page #check-2')");
}

/// What the recording says.
fn recorded(environment: &Environment) -> String {
    let folder = environment.path().join("specs/crm.cassette/endpoints");
    let host = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let file = std::fs::read_dir(host).unwrap().next().unwrap().unwrap().path();
    std::fs::read_to_string(file).unwrap()
}
