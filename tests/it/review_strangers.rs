//! What other sites come to that a person's browser has open beside the review.

use serde_json::json;

use crate::guard::CANARY;
use crate::review_browser::Browser;
use crate::reviewing::{Review, two_new_pages};
use crate::site::{Answer, Site};

/// A browser for which `evil.test` is this machine, as after DNS rebinding.
async fn rebound(scratch: &std::path::Path) -> visual_browser::Session {
    use visual_browser::{DriverAt, Launch, Session, find};
    let found = find(std::ffi::OsStr::new("/usr/local/bin:/usr/bin:/bin")).await;
    let chromium = found.chromium.expect("Chromium is installed").path;
    let mut launch = Launch::new(DriverAt::Chromium { chromium }, scratch.to_owned());
    launch.arguments.push("--host-resolver-rules=MAP evil.test 127.0.0.1".to_owned());
    Session::open(&launch, &|_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_points_here_reads_nothing() {
    use visual_browser::Shot;
    let (environment, _site) = two_new_pages();
    let review = Review::of(&environment);
    let scratch = tempfile::tempdir().unwrap();
    let mut session = rebound(scratch.path()).await;
    let token = &review.token;
    for path in ["/", "/api/items", &format!("/?token={token}")] {
        let url = format!("http://evil.test:{}{path}", review.port());
        let capture = session.capture(&Shot::of(url), &|_| {}).await.unwrap();
        assert_eq!(capture.status, Some(403), "{path}");
    }
    // The very same browser is let in at the address that was printed, and goes on from there.
    let url = format!("http://{}/?token={token}", review.host);
    let capture = session.capture(&Shot::of(url), &|_| {}).await.unwrap();
    let home = format!("http://{}/", review.host);
    assert_eq!((capture.status, &*capture.final_url), (Some(200), &*home));
    session.close().await;
}

/// What another site tries, by name. `ROOT` is the review.
const TRIES: &[(&str, &str)] = &[
    ("a picture", "load('img', 'src', 'ROOT/EVIDENCE')"),
    ("an icon", "load('img', 'src', 'ROOT/assets/icon.svg')"),
    ("data as a script", "load('script', 'src', 'ROOT/api/items')"),
    ("a script of the pages", "load('script', 'src', 'ROOT/assets/page.js')"),
    ("a style", "load('link', 'href', 'ROOT/assets/page.css')"),
    ("reading", "fetch('ROOT/api/items', { credentials: 'include' })"),
    ("reading blindly", "fetch('ROOT/api/items', { credentials: 'include', mode: 'no-cors' })"),
    (
        "writing",
        "fetch('ROOT/api/decisions', { method: 'POST', credentials: 'include', \
      headers: { 'content-type': 'application/json' }, body: BODY })",
    ),
    (
        "writing blindly",
        "fetch('ROOT/api/decisions', { method: 'POST', credentials: 'include', \
      mode: 'no-cors', body: BODY })",
    ),
    (
        "keeping alive",
        "fetch('ROOT/api/decisions', { method: 'POST', credentials: 'include', \
      mode: 'no-cors', keepalive: true, headers: { 'content-type': 'text/plain' }, body: BODY })",
    ),
];

/// A page whose elements are asked for from elsewhere.
const ELSEWHERE: &str = "window.load = (tag, name, url) => new Promise((resolve, reject) => {
  const one = document.createElement(tag);
  one.rel = 'stylesheet';
  [one.onload, one.onerror] = [resolve, reject];
  one[name] = url;
  document.body.append(one);
}), true";

#[test]
fn another_site_in_the_same_browser_gets_nothing() {
    let (environment, _site) = two_new_pages();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    let item = browser.get("gate.data.items.find((item) => item.proposal)");
    let picture = format!("evidence/{}.png", item["thumbnail"].as_str().unwrap());
    let wish = json!({ "proposal": item["proposal"], "said": "approved", "seen": null });
    let body = json!({ "decisions": [wish], "reason": "why", "by": "Kim" }).to_string();
    let come_to = |what: &str, root: &str| {
        let what = what.replace("BODY", &json!(body).to_string());
        let what = what.replace("EVIDENCE", &picture).replace("ROOT", root);
        browser.wait_for(&format!("({what}).then(() => 'in', () => 'refused')"))
    };
    // A page of the review may do all of the reading, so the tries are no idle ones.
    browser.get(ELSEWHERE);
    for (name, what) in &TRIES[..6] {
        let expect = if name.starts_with("data as") { "refused" } else { "in" };
        assert_eq!(come_to(what, ""), expect, "{name} from a page of the review");
    }
    // Another port of this machine is the same site to a browser, which sends the cookie along.
    let elsewhere = Site::serve(&[("/", Answer::Page("<body>elsewhere".to_owned()))]);
    browser.go(&elsewhere.url);
    browser.get(ELSEWHERE);
    let root = format!("http://{}", review.host);
    for (name, what) in TRIES {
        assert_eq!(come_to(what, &root), "refused", "{name}");
    }
    // A form needs nobody's leave to be sent, and a frame shows what came of it.
    browser.wait_for(&format!(
        "new Promise((resolve) => {{ document.body.innerHTML = `<iframe name=frame></iframe> \
         <form method=post enctype=text/plain target=frame action='{root}/api/decisions'> \
         <input name='{{\"x\":\"' value='\"}}'></form>`; \
         document.querySelector('iframe').onload = resolve; document.forms[0].submit(); }})"
    ));
    browser.get(&format!("document.body.innerHTML = '<iframe src=\"{root}/\"></iframe>'"));
    browser.enter_frame("iframe");
    browser.until("document.readyState === 'complete' && location.href !== 'about:blank'");
    assert!(!browser.text("html").contains(CANARY), "{}", browser.text("html"));
    assert!(!environment.path().join("specs/shop.baselines").exists());
    assert!(!environment.path().join("specs/gate-decisions.jsonl").exists());
}
