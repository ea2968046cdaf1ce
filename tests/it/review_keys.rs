//! The keyboard: what each key does, that everything can be reached, and what a page says when its
//! server has gone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::review_browser::{Browser, DOWN, ENTER, ESCAPE, LEFT, RIGHT, TAB, UP};
use crate::review_run::changed;
use crate::reviewing::{Review, two_new_pages};

/// A key, as the help shows it; what is pressed; and what the page is like then.
const KEYS: &[(&str, &str, &str)] = &[
    ("j", "j", "gate.list.current().place === 1"),
    ("k", "k", "gate.list.current().place === 0"),
    ("1", "1", "shown('.layer.diff')"),
    ("2", "2", "shown('.layer.baseline') && !shown('.layer.candidate')"),
    ("3", "3", "shown('.layer.candidate') && !shown('.layer.baseline')"),
    ("←", LEFT, "shown('.layer.baseline') && !shown('.layer.candidate')"),
    ("→", RIGHT, "shown('.layer.candidate') && !shown('.layer.baseline')"),
    ("4", "4", "document.querySelectorAll('.pane').length === 2"),
    ("5", "5", "shown('.swipe-line')"),
    ("6", "6", "document.querySelector('.layer.candidate').style.opacity === '0.5'"),
    ("7", "7", "document.querySelector('.pause')"),
    ("h", "3h", "shown('.layer.candidate') && !document.querySelector('.box')"),
    ("n", "n", "gate.route.region === 1 && shown('.box.current')"),
    ("p", "np", "gate.route.region === 1"),
    ("Esc", ESCAPE, "gate.route.region === null"),
    ("l", "l", "!gate.viewer.scene.isAligned"),
    ("m", "m", "document.getElementById('masks').disabled && gate.route.masks === false"),
    ("+", "++++", "gate.camera.fitted === null && before.zoom * 2 < gate.camera.zoom"),
    ("-", "-", "gate.camera.zoom < before.zoom"),
    ("=", "=", "gate.camera.zoom > before.zoom"),
    ("↓", DOWN, "gate.camera.y < before.y"),
    ("↑", UP, "gate.camera.y > before.y"),
    ("space", " ", "gate.camera.fitted === 'width'"),
    ("?", "?", "document.getElementById('help-dialog').open"),
];

/// The ones that decide are pressed where the decisions are looked at.
const DECIDING: &[&str] = &["a", "x", "u", "g", "G", "/"];

#[test]
fn every_key_of_the_help_does_what_it_says() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.get(
        "window.shown = (selector) => { const found = document.querySelector(`#panes ${selector}`); \
         return Boolean(found) && found.getBoundingClientRect().width > 0; }, true",
    );
    // The order of the list, so that the aligned item comes after one that is not.
    let first =
        browser.get("gate.list.order.findIndex(({ id }) => id === 'shop/long-desk-chromium')");
    for (name, pressed, holds) in KEYS {
        if *name == "1" {
            let long = format!("gate.go({{ item: gate.list.order[{first}].id }}), true");
            browser.get(&long);
            browser.settled();
        }
        browser.get("window.before = { ...gate.camera }, true");
        browser.keys(pressed);
        browser.until(holds);
    }
    // Whatever else the help shows is pressed elsewhere, and is in that list.
    let shown =
        browser.get("[...document.querySelectorAll('#help-keys kbd')].map((key) => key.innerText)");
    let shown: BTreeSet<&str> =
        shown.as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    let known: BTreeSet<&str> =
        KEYS.iter().map(|(name, ..)| *name).chain(DECIDING.iter().copied()).collect();
    assert_eq!(shown, known);
    browser.keys(ESCAPE);
    browser.until("!document.getElementById('help-dialog').open");
    browser.keys("/");
    browser.until("document.activeElement.id === 'filter'");
    // What is typed into a field is no key.
    browser.keys("jx2?");
    browser.until("document.getElementById('filter').value === 'jx2?'");
    assert_eq!(browser.get("document.querySelector('dialog[open]')"), Value::Null);
}

#[test]
fn each_key_that_decides_is_carried_out() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.show(&review.page("review.html#item=shop/a-desk-chromium"));
    let state = |word: &str| format!("document.querySelector('#state .state.{word}')");
    let because = || {
        browser.until("document.getElementById('why-dialog').open");
        browser.keys("fine");
        browser.keys(ENTER);
    };
    browser.keys("x");
    because();
    browser.until(&state("rejected"));
    browser.keys("u");
    browser.until(&state("open"));
    browser.keys("a");
    browser.until(&state("approved"));
    browser.keys("u");
    browser.until(&state("open"));
    for (key, title) in [("g", "The whole group"), ("G", "All that the filters show")] {
        browser.keys(key);
        browser.until("document.getElementById('confirm-dialog').open");
        assert_eq!(browser.text("#confirm-title"), title);
        browser.keys(ESCAPE);
        browser.until("!document.getElementById('confirm-dialog').open");
    }
}

/// What has the focus, and how it is marked.
const FOCUS: &str = "(() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  window.seen = window.seen || new Set();
  const isNew = !seen.has(one);
  seen.add(one);
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const { width, height } = one.getBoundingClientRect();
  return { isNew, what: one.outerHTML.slice(0, 120), size: [width, height],
           outline: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth) };
})()";

/// What people can do something with, and never came to.
const MISSED: &str = "[...document.querySelectorAll(
  'a[href], button:not(:disabled), input, select, iframe, [tabindex=\"0\"]')]
  .filter((one) => one.checkVisibility() && one.tabIndex >= 0 && !seen.has(one))
  .map((one) => one.outerHTML.slice(0, 120))";

#[test]
fn everything_is_reached_with_tab_and_shows_it() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    for (page, at_least) in [
        ("index.html", 5),
        ("gate-1.html", 8),
        ("review.html#item=shop/long-desk-chromium&view=swipe&region=1", 30),
    ] {
        browser.go("about:blank");
        browser.go(&review.page(page));
        if page.starts_with("review") {
            browser.settled();
        } else {
            browser.until("document.readyState === 'complete'");
        }
        let mut stops = 0;
        loop {
            browser.keys(TAB);
            let focus = browser.get(FOCUS);
            if focus.is_null() || focus["isNew"] == false {
                break;
            }
            stops += 1;
            assert!(focus["outline"].as_f64().unwrap() >= 2.0, "{page} hides the focus: {focus}");
            assert!(focus["size"][0].as_f64().unwrap() > 0.0, "{page}: {focus}");
            assert!(stops < 200, "{page} never ends");
        }
        assert!(stops >= at_least, "{page}: {stops}");
        assert_eq!(browser.get(MISSED), json!([]), "{page}");
    }
    // A list is one stop; within it the arrows go on, and the focus with them.
    browser.get("document.querySelector('.row[tabindex=\"0\"]').focus(), true");
    let before = browser.get("gate.list.current().place").as_u64().unwrap();
    browser.keys(DOWN);
    browser.until(&format!("gate.list.current().place === {}", before + 1));
    browser.until("document.activeElement.dataset.item === gate.route.item");
}

#[test]
fn a_page_says_that_its_server_has_gone() {
    let (environment, _site) = two_new_pages();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    assert_eq!(browser.get("document.getElementById('lost').hidden"), true);
    drop(review);
    // It asks by itself every few seconds; or when somebody comes back to it.
    browser.get("document.dispatchEvent(new Event('visibilitychange'))");
    browser.until("!document.getElementById('lost').hidden");
    let lost = browser.text("#lost");
    assert!(lost.contains("does not answer") && lost.contains("gate review"), "{lost}");
    // Nothing pretends to have been decided.
    browser.keys("a");
    browser.until("document.getElementById('why-dialog').open");
    browser.keys("fine");
    browser.keys(ENTER);
    browser.until("!document.getElementById('refused').hidden");
    assert!(
        browser.text("#refused").contains("nothing was decided"),
        "{}",
        browser.text("#refused")
    );
    assert!(browser.text("#state").contains("open"), "{}", browser.text("#state"));
    assert!(!environment.path().join("specs/gate-decisions.jsonl").exists());
}
