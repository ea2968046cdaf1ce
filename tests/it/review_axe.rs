//! The pages are held to what axe-core checks.

use std::path::Path;

use serde_json::Value;

use crate::review_browser::Browser;
use crate::review_run::changed;
use crate::reviewing::Review;

#[test]
#[ignore = "needs axe-core from npm: make axe"]
fn no_page_has_a_serious_violation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/axe/node_modules/axe-core");
    let axe = std::fs::read_to_string(folder.join("axe.min.js")).expect("make axe installs it");
    let environment = changed();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    let mut found = Vec::new();
    let pages = [
        "index.html",
        "gate-1.html",
        "tools.html",
        "tool-colour-difference.html",
        "tool-colour-difference.html ASKED",
        "review.html#item=shop/long-desk-chromium&view=side&region=1",
        "review.html#item=shop/a-desk-chromium&view=swipe&filter=shop",
        "review.html#item=shop/new-desk-chromium",
        "review.html#item=shop/a-desk-chromium HELP",
        "review.html#item=shop/a-desk-chromium WHY",
        "review.html#item=shop/a-desk-chromium GROUP",
    ];
    for scheme in ["light", "dark"] {
        browser.prefers("color-scheme", scheme);
        for page in pages {
            let (path, dialog) = page.split_once(' ').unwrap_or((page, ""));
            browser.go("about:blank");
            browser.go(&review.page(path));
            if path.starts_with("review") {
                browser.settled();
            }
            match dialog {
                "HELP" => browser.keys("?"),
                "WHY" => browser.keys("a"),
                "GROUP" => browser.keys("g"),
                "ASKED" => {
                    browser.until("document.documentElement.dataset.asks");
                    browser.get("document.querySelector('.ask button').click()");
                    browser.until("document.activeElement.matches('[aria-invalid]')");
                }
                _ => {}
            }
            browser.get(&format!("(() => {{ {axe}; return true; }})()"));
            let violations = browser.wait_for("axe.run()");
            for violation in violations["violations"].as_array().unwrap() {
                let impact = violation["impact"].as_str().unwrap_or_default();
                if ["serious", "critical"].contains(&impact) {
                    let nodes: Vec<&Value> = violation["nodes"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|node| &node["html"])
                        .collect();
                    found.push(format!("{page} ({scheme}): {}: {nodes:?}", violation["help"]));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
