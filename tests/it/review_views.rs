//! Looking: every view, every key, filters, and links.

use serde_json::json;

use crate::review_browser::{Browser, ESCAPE, LEFT, RIGHT};
use crate::review_run::{changed, many};
use crate::reviewing::Review;

const LONG: &str = "review.html#item=shop/long-desk-chromium";

/// Presses a key, and holds the page to what it should show then.
fn check(browser: &Browser, key: &str, holds: &str) {
    browser.keys(key);
    browser.until(holds);
}

#[test]
fn every_view_has_a_key_and_a_link() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.show(&review.page(LONG));
    let views = [
        ("1", "diff", "!location.hash.includes('view=') && one('.layer.diff img')"),
        ("2", "baseline", "one('.layer.baseline') && !one('.layer.candidate')"),
        ("3", "candidate", "one('.layer.candidate') && !one('.layer.baseline')"),
        ("4", "side", "document.querySelectorAll('.pane').length === 2"),
        ("5", "swipe", "one('.layer.candidate').style.clipPath && one('.swipe-line')"),
        ("6", "onion", "one('.layer.candidate').style.opacity === '0.5' && one('.slider')"),
        ("7", "blink", "one('.pause') && one('.layer.candidate').hidden"),
    ];
    let one = "window.one = (selector) => document.querySelector(`#panes ${selector}, #view-control ${selector}`), true";
    for (key, view, holds) in views {
        browser.get(one);
        check(&browser, key, &format!("({holds}) && one('.box')"));
        let pressed =
            browser.get("document.querySelector('[data-view][aria-pressed=true]').dataset.view");
        assert_eq!(pressed, view);
        // The same from its link, in a page that knows nothing yet.
        let link = browser.get("location.href");
        browser.go("about:blank");
        browser.show(link.as_str().unwrap());
        browser.get(one);
        browser.until(holds);
    }
    // Blinking goes on by itself, and shows the candidate again.
    browser.until("!one('.layer.candidate').hidden");
    check(&browser, LEFT, "location.hash.includes('view=baseline')");
    check(&browser, RIGHT, "location.hash.includes('view=candidate')");
    browser.get("history.back()");
    browser.until("one('.layer.baseline')");
}

#[test]
fn what_was_inserted_is_a_gap_and_the_rest_stands_side_by_side() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.show(&review.page(&format!("{LONG}&view=side")));
    let changes = browser.text("#changes");
    assert!(changes.contains("inserted") && changes.contains("div"), "{changes}");
    let sides = browser.get(
        "['.baseline', '.candidate'].map((layer) => ({ \
         gaps: document.querySelectorAll(`${layer} .gap`).length, \
         rows: [...document.querySelectorAll(`${layer} .slice, ${layer} .gap`)] \
             .reduce((sum, { style }) => sum + parseFloat(style.height), 0) }))",
    );
    assert_eq!(sides[0]["gaps"], 1, "{sides}");
    assert_eq!(sides[1]["gaps"], 0, "{sides}");
    assert_eq!(sides[0]["rows"], sides[1]["rows"], "{sides}");

    // The gap is as high as the box that says what was inserted.
    let heights = browser.get(
        "[document.querySelector('.gap'), document.querySelector('.box[data-kind=inserted]')] \
         .map(({ style }) => [style.top, style.height])",
    );
    assert_eq!(heights[0], heights[1]);
    check(&browser, "l", "!document.querySelector('.gap')");
    check(&browser, "l", "document.querySelector('.gap')");
    check(&browser, "h", "!document.querySelector('.box')");
    check(&browser, "h", "document.querySelector('.box')");
}

#[test]
fn keys_go_from_change_to_change_and_from_item_to_item() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    let ids = browser.get("gate.list.order.map(({ id }) => id)");
    assert_eq!(ids.as_array().unwrap().len(), 7);
    let current = |at: usize| format!("gate.route.item === {}", ids[at]);
    browser.until(&current(0));
    check(&browser, "j", &current(1));
    check(&browser, "jj", &current(3));
    check(&browser, "k", &current(2));
    browser.get("history.back()");
    browser.until(&current(3));

    browser.show(&review.page("review.html#item=shop/d-desk-chromium"));
    let amount = browser.get("gate.changes.all.length").as_u64().unwrap();
    assert!(amount > 1, "{}", browser.text("#changes"));
    check(&browser, "n", "document.querySelector('.change[aria-current]').dataset.at === '1'");
    check(&browser, "n", "document.querySelector('.box.current').dataset.at === '2'");
    check(&browser, "p", "location.hash.includes('region=1')");
    let last = format!("gate.route.region === {amount}");
    check(&browser, "p", &last);
    check(&browser, ESCAPE, "gate.route.region === null");

    check(&browser, "+", "gate.camera.fitted === null");
    check(&browser, " ", "gate.camera.fitted === 'width'");
    check(&browser, "--", "gate.camera.fitted === null");
    check(&browser, "?", "document.getElementById('help-dialog').open");
    let help = browser.text("#help-keys");
    for word in ["next item", "accept", "swipe", "fit the width"] {
        assert!(help.contains(word), "{help}");
    }
    check(&browser, ESCAPE, "!document.getElementById('help-dialog').open");
}

#[test]
fn panes_are_kept_in_step() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.show(&review.page(&format!("{LONG}&view=side")));
    let worlds = "[...document.querySelectorAll('.world')].map(({ style }) => style.transform)";
    let before = browser.get(worlds);
    browser.keys("+++");
    browser.get(
        "document.querySelectorAll('.pane-view')[1].dispatchEvent( \
         new WheelEvent('wheel', { deltaX: 20, deltaY: 30, cancelable: true }))",
    );
    let after = browser.get(worlds);
    assert_ne!(before, after);
    assert_eq!(after[0], after[1]);
}

#[test]
fn filters_narrow_the_list_and_stand_in_the_link() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    let count = |link: &str, expect: &str| {
        browser.go("about:blank");
        browser.show(&review.page(&format!("review.html#{link}")));
        let text = browser.text("#count");
        assert!(text.starts_with(expect), "{link}: {text}");
    };
    count("verdict=fail", "5 of 7 items");
    count("verdict=fail,pass", "6 of 7 items");
    count("verdict=inconclusive", "1 of 7 items");
    count("filter=long", "1 of 7 items");
    count("filter=shop%20inserted%20LONG", "1 of 7 items");
    count("filter=nowhere", "0 of 7 items");
    count("state=open", "6 of 7 items");
    count("state=decided", "0 of 7 items");

    browser.go("about:blank");
    browser.show(&review.page("review.html"));
    browser.click("[data-verdict=inconclusive]");
    browser.until("document.getElementById('count').innerText.startsWith('1 of 7')");
    assert_eq!(browser.get("location.hash.includes('verdict=inconclusive')"), true);
    browser.click("#clear");
    browser.until("document.getElementById('count').innerText.startsWith('7 items')");

    // A group can be folded up; its items are out of the way then.
    let rows = "document.querySelectorAll('#rows .row').length";
    assert_eq!(browser.get(rows), json!(7));
    browser.click(".group-name");
    browser.until(&format!("{rows} === 4"));
}

#[test]
fn a_page_that_has_no_baseline_is_shown_as_it_is() {
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    browser.show(&review.page("review.html#item=shop/new-desk-chromium"));
    assert_eq!(browser.get("document.querySelectorAll('#panes img').length"), json!(1));
    assert_eq!(browser.get("document.querySelector('#panes img').naturalWidth"), json!(900));
    assert_eq!(browser.get("document.querySelector('[data-view=swipe]').disabled"), true);
}

#[test]
fn ten_thousand_items_are_a_list_of_a_few_rows() {
    let environment = many(10_000);
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    assert!(browser.text("#count").starts_with("10,000 items"), "{}", browser.text("#count"));
    let rows = "document.querySelectorAll('#rows .row').length";
    let few = |rows: &serde_json::Value| (5..60).contains(&rows.as_u64().unwrap());
    assert!(few(&browser.get(rows)), "{}", browser.get(rows));
    // The last one is as near as the first, and its neighbours with it.
    browser.get("(document.getElementById('rows').scrollTop = 1e9)");
    browser.until("document.querySelector('[data-item=\"a/c9999\"]')");
    assert!(few(&browser.get(rows)), "{}", browser.get(rows));

    for (link, count) in [
        ("facet.viewport=phone", "5000 of 10,000 items"),
        ("facet.page=/page-7", "2 of 10,000 items"),
        ("facet.page=/page-7&facet.viewport=phone", "1 of 10,000 items"),
        ("verdict=fail&facet.viewport=phone", "1000 of 10,000 items"),
    ] {
        browser.go("about:blank");
        browser.show(&review.page(&format!("review.html#{link}")));
        let text = browser.text("#count");
        assert!(text.starts_with(count), "{link}: {text}");
    }
    let chosen = "[...document.querySelectorAll('.choice')].map((choice) => \
                  `${choice.innerText.split('\\n')[0]}=${choice.querySelector('select').value}`).join()";
    assert_eq!(browser.get(chosen), "Decision=,Page=,Viewport=phone");
}
