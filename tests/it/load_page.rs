//! The page that `gate load URL --out FILE` writes.

use std::ffi::OsStr;

use visual_browser::{DriverAt, Launch, Session, Shot, find};

use crate::environment::Environment;
use crate::site::{Answer, Site};

fn load(environment: &Environment, url: &str, more: &[&str], code: i32) -> (String, String) {
    let usual = ["--rate", "40/s", "--duration", "2s", "--warm-up", "0s", "--max-duration", "2s"];
    let ended = environment.gate(&[&["load", url][..], &usual, more].concat());
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
    (ended.stdout, ended.stderr)
}

fn site() -> Site {
    let page = |body: &str| Answer::Page(format!("<!doctype html><title>t</title>{body}"));
    Site::serve(&[("/", page("hello")), ("/other", page("hello"))])
}

#[test]
fn a_run_is_shown_on_one_page() {
    let (environment, site) = (Environment::new(&[]), site());
    let (url, other) = (format!("{}/", site.url), format!("{}/other", site.url));
    let usual = ["load", &url, "--rate", "40/s", "--duration", "2s", "--warm-up", "0s"];
    let more = ["--out", "pages/run.html", "--compare", &other, "--max-duration", "2s"];
    // Two seconds are too few to compare by.
    let ended = environment.gate(&[&usual[..], &more].concat());
    let stdout = ended.stdout;
    assert!([0, 3].contains(&ended.code), "{stdout}{}", ended.stderr);
    assert!(stdout.ends_with("page: pages/run.html\n"), "{stdout}");
    let page = environment.all_of("pages/run.html");
    for said in
        ["What requests took", "Over time", "distribution of latency", "this version", "send lag"]
    {
        assert!(page.contains(said), "{said} is missing");
    }
    assert_eq!(page.matches("<svg").count(), 3, "latency, requests, lateness");
    // Nothing of it runs, and it asks nobody for anything.
    for foreign in ["<script", "<link", "<img", "url(", "@import", "src="] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let more = environment.path().join(".gate/store").read_dir().into_iter().flatten().count();
    assert_eq!(more, 0, "a command keeps nothing else");
}

#[test]
fn what_fails_is_on_the_page_and_json_is_alone() {
    let (environment, site) = (Environment::new(&[]), site());
    let url = format!("{}/<b>?token=x", site.url);
    let (stdout, stderr) = load(&environment, &url, &["--out", "run.html", "--json"], 1);
    assert!(serde_json::from_str::<serde_json::Value>(&stdout).is_ok(), "{stdout}");
    assert!(stderr.ends_with("page: run.html\n"), "{stderr}");
    let page = environment.all_of("run.html");
    assert!(page.contains("answered 404") && page.contains("Single requests"), "{page}");
    assert!(!page.contains("<b>?"), "{page}");
    // It is written again, and nothing else is written over.
    load(&environment, &url, &["--out", "run.html"], 1);
    environment.write("mine.html", "<p>mine");
    let ended = environment.gate(&["load", &url, "--out", "mine.html"]);
    assert_eq!(ended.code, 2, "{}", ended.stdout);
    assert!(ended.stderr.contains("is no page of a run"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_opens_from_a_disk() {
    let (environment, site) = (Environment::new(&[]), site());
    load(&environment, &format!("{}/", site.url), &["--out", "run.html"], 0);
    let found = find(OsStr::new("/usr/local/bin:/usr/bin:/bin")).await;
    let chromium = found.chromium.expect("a Chromium").path;
    let scratch = tempfile::tempdir().unwrap();
    let launch = Launch::new(DriverAt::Chromium { chromium }, scratch.path().to_owned());
    let mut session = Session::open(&launch, &|_| {}).await.unwrap();
    let path = environment.path().join("run.html");
    let mut shot = Shot::of(format!("file://{}", path.display()));
    shot.allow_file = true;
    let seen = session.capture(&shot, &|_| {}).await.unwrap();
    session.close().await;
    assert!(seen.failed_resources.is_empty(), "{seen:?}");
    // All of its charts are drawn, one below the other.
    assert!(seen.height > 1200, "{seen:?}");
}
