//! Deciding in the page, as a person does: accept, reject, undo, a group, all that is shown; and
//! what others have done meanwhile.

use std::path::Path;

use gate_core::Digest;
use serde_json::Value;

use crate::environment::Environment;
use crate::review_browser::{Browser, ENTER, ESCAPE};
use crate::review_run::changed;
use crate::reviewing::Review;

const A: &str = "#item=shop/a-desk-chromium";
const LONG: &str = "#item=shop/long-desk-chromium";

fn baseline(environment: &Environment, page: &str) -> Digest {
    let path = format!("specs/shop.baselines/shop/{page}-desk-chromium.png");
    Digest::of(&std::fs::read(environment.path().join(path)).unwrap())
}

/// What was decided, line by line: the decision, its check, who and why.
fn decisions(folder: &Path) -> Vec<[String; 4]> {
    let text = std::fs::read_to_string(folder.join("specs/gate-decisions.jsonl")).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        [&line["decision"], &line["proposal"]["check"], &line["by"], &line["reason"]]
            .map(|value| value.as_str().unwrap().to_owned())
    };
    // The first decisions made the baselines.
    text.lines().map(line).filter(|[_, _, _, reason]| reason != "first").collect()
}

fn state(browser: &Browser) -> String {
    browser.text("#state")
}

/// Answers the question for the reason.
fn because(browser: &Browser, reason: &str) {
    browser.until("document.getElementById('why-dialog').open");
    browser.keys(reason);
    browser.keys(ENTER);
}

#[test]
fn accept_reject_and_undo_with_the_keys() {
    let environment = changed();
    let old = baseline(&environment, "a");
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.show(&review.page(&format!("review.html{A}")));
    assert!(state(&browser).contains("open"), "{}", state(&browser));

    // The reason is asked for once.
    browser.keys("a");
    because(&browser, "new colours");
    browser.until("document.getElementById('state').innerText.includes('accepted by Kim')");
    assert!(state(&browser).contains("“new colours”"), "{}", state(&browser));
    assert_ne!(baseline(&environment, "a"), old);

    // What was accepted has to be taken back before it is rejected.
    assert_eq!(browser.get("document.getElementById('reject').disabled"), true);
    browser.keys("u");
    browser.until("document.getElementById('state').innerText.includes('Nobody has decided')");
    assert_eq!(baseline(&environment, "a"), old);
    browser.keys("x");
    browser.until("document.getElementById('state').innerText.includes('rejected by Kim')");
    assert_eq!(baseline(&environment, "a"), old);

    let said: Vec<_> = decisions(environment.path());
    let said: Vec<_> = said.iter().map(|line| line.each_ref().map(String::as_str)).collect();
    let expected = ["approved", "undone", "rejected"]
        .map(|one| [one, "a-desk-chromium", "Kim", "new colours"]);
    assert_eq!(said, expected);
}

#[test]
fn a_group_is_decided_at_once_and_who_stands_apart_is_left() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.show(&review.page(&format!("review.html{A}")));
    let apart = browser.text("#apart");
    assert!(apart.contains("d at desk") && apart.contains("besides"), "{apart}");

    browser.keys("g");
    browser.until("document.getElementById('confirm-dialog').open");
    assert_eq!(browser.text("#confirm-accept"), "Accept 3 items");
    browser.keys(ESCAPE);
    browser.until("!document.getElementById('confirm-dialog').open");
    assert_eq!(decisions(environment.path()).len(), 0);

    browser.keys("g");
    browser.click("#confirm-accept");
    because(&browser, "new colours");
    browser.until("document.getElementById('said').innerText.includes('3 items accepted')");
    let mut checks: Vec<_> =
        decisions(environment.path()).into_iter().map(|[_, check, _, _]| check).collect();
    checks.sort();
    assert_eq!(checks, ["a-desk-chromium", "b-desk-chromium", "c-desk-chromium"]);

    // The one left out is a click away, and decided by itself.
    browser.click("#apart button");
    browser.settled();
    assert!(state(&browser).contains("open"), "{}", state(&browser));
}

#[test]
fn all_that_a_filter_shows_is_decided_at_once() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.keys("/long");
    browser.until("document.getElementById('count').innerText.startsWith('1 of 7 items')");
    browser.keys(ESCAPE);
    browser.keys("G");
    browser.until("document.getElementById('confirm-dialog').open");
    browser.click("#confirm-reject");
    because(&browser, "no banner");
    browser.until("document.getElementById('count').innerText.includes('0 open')");
    let said = decisions(environment.path());
    assert_eq!(said.len(), 1);
    assert_eq!(said[0][..2], ["rejected", "long-desk-chromium"]);
}

#[test]
fn of_two_windows_the_second_is_told_what_the_first_has_decided() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    let [first, second] = browser.second_window();
    for window in [&first, &second] {
        browser.switch_to(window);
        browser.show(&review.page(&format!("review.html{A}")));
        // From now on neither hears of the other by itself.
        browser.get(
            "window.fetchFor = window.fetch, window.fetch = (path, more) => \
            path === 'api/states' ? new Promise(() => {}) : window.fetchFor(path, more), true",
        );
    }
    browser.switch_to(&first);
    browser.keys("x");
    because(&browser, "wrong red");
    browser.until("document.getElementById('state').innerText.includes('rejected by Kim')");

    browser.switch_to(&second);
    browser.keys("a");
    because(&browser, "fine");
    browser.until("!document.getElementById('refused').hidden");
    let refused = browser.text("#refused");
    assert!(refused.contains("Kim has rejected it meanwhile"), "{refused}");
    assert!(state(&browser).contains("“wrong red”"), "{}", state(&browser));
    assert_eq!(decisions(environment.path()).len(), 1);

    // Having seen it, somebody may decide otherwise; and the first window hears of that.
    browser.keys("a");
    browser.until("document.getElementById('state').innerText.includes('accepted by Kim')");
    browser.switch_to(&first);
    browser.get("window.fetch = window.fetchFor, document.dispatchEvent(new Event('visibilitychange')), true");
    browser.until("document.getElementById('state').innerText.includes('accepted by Kim')");
}

#[test]
fn a_stale_item_is_read_only_and_says_why() {
    let environment = changed();
    environment.write("specs/shop.baselines/shop/long-desk-chromium.png", "somebody else's");
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.show(&review.page(&format!("review.html{LONG}")));
    browser.until("document.getElementById('state').innerText.includes('stale')");
    let text = state(&browser);
    assert!(text.contains("long-desk-chromium.png has changed since the run"), "{text}");
    let disabled =
        "['accept', 'reject', 'undo'].every((id) => document.getElementById(id).disabled)";
    assert_eq!(browser.get(disabled), true);
    browser.keys("a");
    browser.until("document.getElementById('said').innerText.includes('only be looked at')");
    assert_eq!(decisions(environment.path()).len(), 0);
}
