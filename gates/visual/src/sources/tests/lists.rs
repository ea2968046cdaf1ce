use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use flate2::write::GzEncoder;
use gate_core::ledger::Ledger;
use gate_core::values::Template;
use gate_core::{
    Attempting, Clock, Context, Environment, EventLog, Happening, Output, Run, Store, Timestamp,
    Workspace,
};
use redact::Redactor;

use super::server::{Route, Server};
use crate::settings::Settings;

/// What planning gave, and what was said meanwhile.
struct Planned {
    units: Result<Vec<String>, String>,
    log: Vec<String>,
    requests: Vec<String>,
}

fn environment(name: &str, url: &str) -> Environment {
    let template = |text: &str| Template::parse(text).unwrap();
    Environment {
        name: name.to_owned(),
        url: url.parse().unwrap(),
        basic_auth: Some(template("ada:${secret:PREVIEW}")),
        headers: BTreeMap::from([("x-preview".to_owned(), template("${secret:PREVIEW}"))]),
        cookies: BTreeMap::from([("stage".to_owned(), template("test"))]),
    }
}

fn context(folder: &Path, candidate: Environment, baseline: Option<Environment>) -> LogContext {
    let log = Arc::new(Mutex::new(Vec::new()));
    let said = log.clone();
    let workspace = Workspace::at(folder);
    workspace.prepare().unwrap();
    let run = Run {
        store: Store::new(folder.join("store"), folder.to_owned()),
        ledger: Arc::new(Ledger::open(&workspace, "test", folder).unwrap()),
        workspace,
        redactor: Redactor::default(),
        secrets: BTreeMap::from([("PREVIEW".to_owned(), "open sesame".to_owned())]),
        clock: Clock::fixed(Timestamp::from_millis(0)),
        seed: 1,
        events: EventLog::unkept().follow(Box::new(move |event| {
            if let Happening::Log { text, .. } = &event.event {
                said.lock().unwrap().push(text.clone());
            }
        })),
        ambient: BTreeMap::new(),
        jobs: 2,
        cancel: tokio_util::sync::CancellationToken::new(),
        output: Output::nowhere(),
    };
    let attempt = Attempting {
        gate: "shop".to_owned(),
        attempt: 1,
        spec: folder.join("specs/shop.yaml"),
        candidate: Some(candidate),
        baseline,
        ..Attempting::default()
    };
    LogContext { cx: Context::new(Arc::new(run), attempt), log }
}

struct LogContext {
    cx: Context,
    log: Arc<Mutex<Vec<String>>>,
}

/// Plans `settings` on a site with these routes, with another one before it when there is one.
fn planned(settings: &str, routes: Vec<Route>, before: Option<Vec<Route>>) -> Planned {
    planned_after(&[], settings, routes, before)
}

/// The same, after pages with these names and paths were approved.
fn planned_after(
    approved: &[(&str, &str)],
    settings: &str,
    routes: Vec<Route>,
    before: Option<Vec<Route>>,
) -> Planned {
    let settings: Settings = serde_json::from_str(settings).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let baselines = folder.path().join("specs/shop.baselines/shop");
    gate_core::files::make_folder(&baselines).unwrap();
    for (page, path) in approved {
        let file = baselines.join(format!("{page}-desktop-chromium.json"));
        let sidecar = serde_json::json!({ "schema": "x", "page": page, "path": path });
        let sidecar = sidecar.to_string();
        gate_core::files::write_atomically(&file, sidecar.as_bytes(), &baselines).unwrap();
    }
    let now = Server::serve(routes);
    let before = before.map(Server::serve);
    let baseline = before.as_ref().map(|server| environment("live", &server.url));
    let LogContext { cx, log } = context(folder.path(), environment("test", &now.url), baseline);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let units = runtime.block_on(super::super::plan(&settings, &cx));
    let units = units.map(|pages| pages.iter().map(|page| page.unit().0).collect());
    let units = units.map_err(|error| {
        let hint = error.advice().map(|advice| format!(" ({advice})")).unwrap_or_default();
        format!("{error}{hint}").replace(&now.url, "HERE")
    });
    Planned { units, log: log.lock().unwrap().clone(), requests: now.requests() }
}

fn urlset(urls: &[&str]) -> Vec<u8> {
    let urls: String = urls.iter().map(|url| format!("<url><loc>{url}</loc></url>")).collect();
    format!("<urlset>{urls}</urlset>").into_bytes()
}

fn sitemaps(urls: &[&str]) -> Vec<u8> {
    let urls: String =
        urls.iter().map(|url| format!("<sitemap><loc>{url}</loc></sitemap>")).collect();
    format!("<sitemapindex>{urls}</sitemapindex>").into_bytes()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[track_caller]
fn check(settings: &str, routes: Vec<Route>, expect: Result<&[&str], &str>) {
    let units = planned(settings, routes, None).units;
    match (&units, expect) {
        (Ok(units), Ok(expect)) => assert_eq!(units, expect),
        (Err(got), Err(expect)) => assert_eq!(got, expect),
        (got, expect) => panic!("{got:?} instead of {expect:?}"),
    }
}

const SITEMAP: &str = r#"{"pages": [{"sitemap": "/sitemap.xml"}]}"#;

fn blog() -> Vec<u8> {
    let urls = ["/", "/blog/a", "/blog/b", "/blog/b/draft", "/about?x=1&amp;y=2"];
    urlset(&urls.map(|path| format!("https://www.example.com{path}")).each_ref().map(|u| &**u))
}

#[test]
fn a_sitemap_becomes_pages() {
    check(
        SITEMAP,
        vec![("/sitemap.xml", 200, blog())],
        Ok(&[
            "0 home /",
            "0 about-x-1-y-2 /about?x=1&y=2",
            "0 blog-a /blog/a",
            "0 blog-b /blog/b",
            "0 blog-b-draft /blog/b/draft",
        ]),
    );
    check(
        r#"{"pages": ["/blog/a", {"sitemap": "/sitemap.xml", "include": ["/blog/**"],
            "exclude": ["/blog/*/draft"]}]}"#,
        vec![("/sitemap.xml", 200, blog())],
        Ok(&["0 blog-a /blog/a", "1 blog-b /blog/b"]),
    );
}

#[test]
fn sitemaps_of_sitemaps_packed_ones_and_redirects() {
    let routes = vec![
        ("/sitemap.xml", 302, b"/sitemaps/all".to_vec()),
        ("/sitemaps/all", 200, sitemaps(&["https://example.com/1.xml.gz", "HERE/2.xml"])),
        ("/1.xml.gz", 200, packed(&urlset(&["https://example.com/a"]))),
        ("/2.xml", 200, sitemaps(&["HERE/3.xml", "HERE/1.xml.gz"])),
        ("/3.xml", 200, urlset(&["HERE/b", "HERE/b#top"])),
    ];
    check(SITEMAP, routes, Ok(&["0 a /a", "0 b /b"]));
}

#[test]
fn a_sitemap_that_says_nothing_is_no_pass() {
    let here = |status, body: &[u8]| vec![("/sitemap.xml", status, body.to_vec())];
    check(SITEMAP, here(200, &urlset(&[])), Err("/sitemap.xml of test lists no page"));
    check(
        SITEMAP,
        vec![],
        Err("test has no /sitemap.xml (is its address right? it was looked for at /sitemap.xml)"),
    );
    let settings: Settings = serde_json::from_str(SITEMAP).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let refuses = environment("test", "http://127.0.0.1:1");
    let LogContext { cx, .. } = context(folder.path(), refuses, None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(super::super::plan(&settings, &cx)).unwrap_err();
    assert!(error.to_string().contains("cannot be read: Connection refused"), "{error}");
    assert_eq!(error.advice(), Some("is the site running, and is that its address?"));
    check(
        SITEMAP,
        here(503, b""),
        Err("/sitemap.xml of test cannot be read: the site answers with status 503"),
    );
    check(
        SITEMAP,
        here(301, b"https://elsewhere.example/sitemap.xml"),
        Err("/sitemap.xml of test cannot be read: it is sent on to https://elsewhere.example \
             (is the address of the environment the final one?)"),
    );
    check(
        SITEMAP,
        here(302, b"/sitemap.xml"),
        Err("/sitemap.xml of test is sent on more than 5 times"),
    );
    check(
        SITEMAP,
        here(200, &packed(&blog())[..40]),
        Err(
            "/sitemap.xml of test cannot be read: it cannot be unpacked: incomplete deflate stream",
        ),
    );
    check(
        SITEMAP,
        here(200, b"<!doctype html><title>Log in</title>"),
        Err(
            "the sitemap /sitemap.xml is no sitemap: it begins with neither `urlset` nor `sitemapindex`",
        ),
    );
    check(
        SITEMAP,
        here(200, &urlset(&["/relative"])),
        Err("the sitemap lists `/relative`, which is no address"),
    );
    check(
        SITEMAP,
        here(200, &sitemaps(&["HERE/gone.xml"])),
        Err("the sitemap /sitemap.xml names /gone.xml, which is not there"),
    );
    // Each names itself with another query, for ever.
    let deep: Vec<Route> = [("/sitemap.xml", "HERE/1"), ("/1", "HERE/2"), ("/2", "HERE/3")]
        .map(|(path, next)| (path, 200, sitemaps(&[next])))
        .to_vec();
    check(SITEMAP, deep, Err("the sitemap /2 lists sitemaps of sitemaps of sitemaps"));
    check(
        r#"{"pages": [{"sitemap": "/sitemap.xml", "include": ["/shop/*"]}]}"#,
        here(200, &blog()),
        Err("`include` and `exclude` leave none of 5 in /sitemap.xml of test \
             (patterns look like `/blog/**`, and `*` does not go beyond a `/`)"),
    );
    check(
        SITEMAP,
        here(200, &urlset(&["https://a.example/x", "https://b.example/y"])),
        Err("reading /sitemap.xml of test: its pages are on several hosts, a.example and \
             b.example among them (choose one: include: [\"https://a.example/**\"])"),
    );
    check(
        r#"{"pages": [{"sitemap": "/sitemap.xml", "include": ["https://a.example/**"]}]}"#,
        here(200, &urlset(&["https://a.example/x", "https://b.example/y"])),
        Ok(&["0 x /x"]),
    );
}

#[test]
fn a_long_list_needs_a_limit() {
    let many: Vec<String> = (0..250).map(|n| format!("https://example.com/{n:03}")).collect();
    let many = urlset(&many.iter().map(String::as_str).collect::<Vec<_>>());
    let routes = || vec![("/sitemap.xml", 200, many.clone())];
    check(
        SITEMAP,
        routes(),
        Err("/sitemap.xml of test lists 250 pages, and no limit was set \
             (write `limit: 250` for all of them, or choose with `include`)"),
    );
    let limited = |limit| {
        let settings =
            format!("{{\"pages\": [{{\"sitemap\": \"/sitemap.xml\", \"limit\": {limit}}}]}}");
        planned(&settings, routes(), None)
    };
    assert_eq!(limited(250).units.unwrap().len(), 250);
    let few = limited(2);
    assert_eq!(few.units.unwrap(), ["0 000 /000", "0 001 /001"]);
    assert_eq!(few.log, ["/sitemap.xml of test: 2 of 250 pages are looked at"]);
}

#[test]
fn a_page_that_only_live_lists_is_looked_at_too() {
    let settings = r#"{"pages": [{"sitemap": "/sitemap.xml"}], "against": "promotion"}"#;
    let listing = |urls: &[&str]| vec![("/sitemap.xml", 200, urlset(urls))];
    let both = planned(settings, listing(&["HERE/a"]), Some(listing(&["HERE/a", "HERE/gone"])));
    assert_eq!(both.units.unwrap(), ["0 a /a", "0 gone /gone"]);
    let first = planned(settings, listing(&["HERE/a"]), Some(vec![]));
    assert_eq!(first.units.unwrap(), ["0 a /a"]);
    assert_eq!(first.log, ["live has no /sitemap.xml to compare with"]);
}

#[test]
fn a_storybook_becomes_pages() {
    let index = br#"{"v": 5, "entries": {
        "forms-button--docs": {"id": "forms-button--docs", "title": "Forms/Button", "name": "Docs", "type": "docs"},
        "forms-button--small": {"id": "forms-button--small", "title": "Forms/Button", "name": "Small", "type": "story"},
        "nav--open": {"id": "nav--open", "title": "Nav", "name": "Open", "type": "story"}}}"#;
    let small = "0 forms-button--small /sb/iframe.html?id=forms-button--small&viewMode=story";
    let open = "0 nav--open /sb/iframe.html?id=nav--open&viewMode=story";
    let routes = || vec![("/sb/index.json", 200, index.to_vec())];
    let stories = |more: &str| format!("{{\"pages\": [{{\"storybook\": \"/sb/\"{more}}}]}}");
    check(&stories(""), routes(), Ok(&[small, open]));
    check(&stories(r#", "include": ["Forms/**"]"#), routes(), Ok(&[small]));
    check(&stories(r#", "exclude": ["forms-button--*"]"#), routes(), Ok(&[open]));
    let old = br#"{"v": 3, "stories": {"nav--open": {"id": "nav--open", "kind": "Nav", "name": "Open"}}}"#;
    check(&stories(""), vec![("/sb/stories.json", 200, old.to_vec())], Ok(&[open]));
    check(
        &stories(""),
        vec![("/sb/index.json", 200, b"{}".to_vec())],
        Err("/sb/index.json is no index of a Storybook"),
    );
}

#[test]
fn the_site_is_asked_as_a_page_would_be() {
    let settings = r#"{"pages": [{"sitemap": "/sitemap.xml", "cookies": {"user": "x"},
        "headers": {"x-own": "1"}}], "cookies": {"stage": "spec"}}"#;
    let planned = planned(settings, vec![("/sitemap.xml", 200, blog())], None);
    assert!(planned.units.is_ok());
    let request = &planned.requests[0];
    for header in [
        "authorization: Basic YWRhOm9wZW4gc2VzYW1l\r\n",
        "x-preview: open sesame\r\n",
        "x-own: 1\r\n",
        "cookie: stage=spec; user=x\r\n",
    ] {
        assert!(request.contains(header), "{request}");
    }
}

#[test]
fn a_page_that_was_approved_and_is_listed_no_longer_is_looked_at_too() {
    let approved = [
        ("home", "/"),
        ("blog-a", "/blog/a"),
        ("blog-b-draft", "/blog/b/draft"),
        ("shop", "/shop"),
        ("nav--open", "/sb/iframe.html?id=nav--open&viewMode=story"),
        ("mail-old", "mail/old.html"),
    ];
    let check = |list: &str, expect: &[&str]| {
        let settings = format!("{{\"pages\": [{list}]}}");
        let index = br#"{"v": 5, "entries": {
            "nav--shut": {"id": "nav--shut", "title": "Nav", "name": "Shut", "type": "story"}}}"#;
        let routes = vec![
            ("/sitemap.xml", 200, urlset(&["HERE/", "HERE/blog/b"])),
            ("/sb/index.json", 200, index.to_vec()),
        ];
        let found = planned_after(&approved, &settings, routes, None);
        assert_eq!(found.units.unwrap(), expect, "{list}");
    };
    check(
        r#"{"sitemap": "/sitemap.xml", "exclude": ["/blog/*/draft"]}"#,
        &["0 home /", "0 blog-b /blog/b", "0 blog-a /blog/a", "0 shop /shop"],
    );
    check(
        r#"{"sitemap": "/sitemap.xml", "include": ["/blog/*"]}"#,
        &["0 blog-b /blog/b", "0 blog-a /blog/a"],
    );
    let shut = "0 nav--shut /sb/iframe.html?id=nav--shut&viewMode=story";
    let open = "0 nav--open /sb/iframe.html?id=nav--open&viewMode=story";
    check(r#"{"storybook": "/sb/", "include": ["Nav/*"]}"#, &[shut, open]);
    check(r#"{"storybook": "/sb/", "exclude": ["nav--open"]}"#, &[shut]);
    // A limit leaves pages out on purpose, and so does a list of single pages.
    check(r#"{"sitemap": "/sitemap.xml", "limit": 1}"#, &["0 home /"]);
    check(r#""/""#, &["0 home /"]);
}
