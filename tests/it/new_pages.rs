//! A page that only the candidate has is looked at by somebody once, and compared from then on.

use crate::environment::Environment;
use crate::site::{Answer, Site, page};

fn listing(paths: &[&str]) -> Answer {
    let urls: String = paths
        .iter()
        .map(|path| format!("<url><loc>https://www.shop.example{path}</loc></url>"))
        .collect();
    Answer::Page(format!("<urlset>{urls}</urlset>"))
}

/// Runs, and holds the page `/new` to what is expected of it: the code of the run, the verdict,
/// a part of the message, and how many proposals there are.
fn check(environment: &Environment, expect: (i32, &str, &str, usize)) {
    let ended = environment.gate(&["run", "--env", "test", "--json"]);
    let report = ended.json();
    let gate = &report["gates"][0];
    let checks = gate["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["id"] == "new-desktop-chromium").unwrap();
    let message = found["message"].as_str().unwrap();
    assert!(message.contains(expect.2), "{message}");
    assert_eq!(found["verdict"], expect.1, "{message}");
    let proposals = gate["proposals"].as_array().map_or(0, Vec::len);
    assert_eq!((ended.code, proposals), (expect.0, expect.3), "{}{message}", ended.stderr);
}

#[test]
fn a_new_page_waits_for_somebody_and_passes_as_it_was_accepted() {
    let both = ("/", page("#0a7", "Shop"));
    let live = Site::serve(&[("/sitemap.xml", listing(&["/"])), both.clone()]);
    let new = ("/new", page("#0a7", "New"));
    let test = Site::serve(&[("/sitemap.xml", listing(&["/", "/new"])), both, new]);
    let config = format!(
        "environments:\n  test: {{ url: \"{}\" }}\n  live: {{ url: \"{}\" }}\n",
        test.url, live.url
    );
    let spec =
        "gate: visual\nname: all\nwith: { against: live, pages: [{ sitemap: /sitemap.xml }] }\n";
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/a.yaml", spec)]);
    let approve = || {
        let ended = environment.gate(&["approve", "--all", "--reason", "launch", "--by", "Kim"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stdout.contains("which is not on live"), "{}", ended.stdout);
    };
    let waits = (3, "inconclusive", "no /new on live to compare with, which answers with 404", 1);
    check(&environment, waits);
    approve();
    check(&environment, (0, "pass", "accepted as it is by Kim", 0));
    // The next change of it is judged again.
    test.set("/new", page("#c22", "New"));
    check(&environment, waits);
    approve();
    check(&environment, (0, "pass", "accepted as it is by Kim", 0));
    // A site that is in trouble is not one without the page.
    live.set("/new", Answer::Status(503, "later".to_owned()));
    check(&environment, (3, "inconclusive", "answers with status 503 on live", 0));
    // Once live has it, the two are compared.
    live.set("/new", page("#c22", "New"));
    check(&environment, (0, "pass", "looks the same as live", 0));
    live.set("/new", page("#0a7", "New"));
    check(&environment, (1, "fail", "recoloured", 1));
}
