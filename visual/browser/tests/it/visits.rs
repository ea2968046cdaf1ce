//! Pages as those see them who come for the first time, and what a browser measures of them.

use std::time::Duration;

use visual_browser::{BasicAuth, Cookie, Error, Session, Visit, Visited};

use crate::{
    Bench,
    site::{Answer, Site, file, html},
};

const PICTURE: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='600' height='400'>\
     <rect width='600' height='400' fill='teal'/></svg>";

fn after(time: u64, answer: Answer) -> Answer {
    Answer { after: Duration::from_millis(time), ..answer }
}

/// A picture with so few bytes for its size that it could be a background is nothing to the browser.
fn picture() -> Answer {
    let body = format!("{PICTURE}<!--{}-->", "said ".repeat(4000));
    let mut answer = file("image/svg+xml", body.into_bytes());
    answer.headers.push(("cache-control", "max-age=600".to_owned()));
    answer
}

async fn visited(session: &mut Session, visit: &Visit) -> Visited {
    session.visit(visit).await.unwrap_or_else(|error| panic!("{}: {error}", visit.url))
}

fn millis(time: Option<Duration>) -> f64 {
    time.expect("it was measured").as_secs_f64() * 1e3
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_says_when_the_largest_part_was_there() {
    let page = html("<p>soon</p><img src=/late.svg width=600 height=400>");
    let pages = [("/", after(150, page)), ("/late.svg", after(700, picture()))];
    let site = Site::serve(&pages).await;
    let bench = Bench::new().await;
    let mut session = bench.open().await;
    for round in 1..=2 {
        let seen = visited(&mut session, &Visit::of(site.at("/"))).await;
        assert_eq!((seen.status, seen.is_at_rest), (Some(200), true), "{seen:?}");
        let first = millis(seen.first_byte);
        assert!(first >= 149.0, "{seen:?}");
        let (text, largest) =
            (millis(seen.first_contentful_paint), millis(seen.largest_contentful_paint));
        assert!(first <= text && text < largest && largest >= 849.0, "{seen:?}");
        assert!(millis(seen.loaded) >= 849.0, "{seen:?}");
        // The place for the picture was kept free.
        assert!(seen.cumulative_layout_shift.abs() < 1e-9, "{seen:?}");
        if cfg!(target_os = "linux") {
            assert!(seen.processor.is_some_and(|one| one.ran > Duration::ZERO), "{seen:?}");
        }
        // Nothing is kept from one visit to the next, whatever the server allows.
        assert_eq!(site.seen("/late.svg").len(), round);
    }
    session.close().await;
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_script_waits_for_or_leads_to_belongs_to_the_page() {
    let asks = "<p>soon</p><script>fetch('/which').then((answer) => answer.text()).then((which) => {\
         const picture = new Image(600, 400); picture.src = which; document.body.append(picture); })\
         </script>";
    let site = Site::serve(&[
        ("/asks", html(asks)),
        ("/which", after(1500, file("text/plain", b"/late.svg".to_vec()))),
        ("/late.svg", picture()),
        ("/leads", after(700, html("<script>location.replace('/there')</script>"))),
        ("/there", html("<img src=/late.svg width=600 height=400>")),
    ])
    .await;
    let bench = Bench::new().await;
    let mut session = bench.open().await;
    let seen = visited(&mut session, &Visit::of(site.at("/asks"))).await;
    let (text, largest) =
        (millis(seen.first_contentful_paint), millis(seen.largest_contentful_paint));
    assert!(text < 1500.0 && largest >= 1499.0 && seen.is_at_rest, "{seen:?}");
    let seen = visited(&mut session, &Visit::of(site.at("/leads"))).await;
    assert_eq!(seen.final_url, site.at("/there"));
    assert!(millis(seen.first_byte) >= 699.0, "{seen:?}");
    assert!(millis(seen.largest_contentful_paint) >= 699.0, "{seen:?}");
    session.close().await;
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_by_itself_is_measured() {
    // What was seen of it before or after takes 400 of 720 pixels, and it has moved by 360 of 1280.
    let moves = "<style>body{margin:0} div{height:200px;background:teal}</style>\
         <p id=p style='height:0;margin:0'></p><div>text</div>\
         <script>new PerformanceObserver(() => setTimeout(() => p.style.height = '360px', 100))\
         .observe({ type: 'paint', buffered: true })</script>";
    let site = Site::serve(&[("/moves", html(moves)), ("/still", html("<div>text</div>"))]).await;
    let bench = Bench::new().await;
    let mut session = bench.open().await;
    let seen = visited(&mut session, &Visit::of(site.at("/moves"))).await;
    let shift = seen.cumulative_layout_shift;
    assert!((shift - 400.0 / 720.0 * 360.0 / 1280.0).abs() < 1e-3, "{seen:?}");
    let seen = visited(&mut session, &Visit::of(site.at("/still"))).await;
    assert!(seen.cumulative_layout_shift.abs() < 1e-9, "{seen:?}");
    session.close().await;
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_told_with_who_asked() {
    let page = html("<link rel=stylesheet href=/a.css><script src=/a.js></script><p>text</p>");
    let style = file("text/css", b"p { background: url(/b.svg) }".to_vec());
    let script = file("text/javascript", b"fetch('/c.json')".to_vec());
    let json = after(50, file("application/json", b"{}".to_vec()));
    let site = Site::serve(&[
        ("/", page),
        ("/a.css", style),
        ("/a.js", script),
        ("/b.svg", picture()),
        ("/c.json", json),
    ])
    .await;
    let bench = Bench::new().await;
    let mut session = bench.open().await;
    let seen = visited(&mut session, &Visit::of(site.at("/"))).await;
    let mut told: Vec<(String, String, Option<String>)> = seen
        .requests
        .iter()
        .filter(|one| one.status == 200)
        .map(|one| {
            assert!(one.took.is_some() && one.begun > 1.6e9, "{one:?}");
            let path = |url: &str| url.replace(&site.address, "");
            (path(&one.url), one.kind.clone(), one.initiator.as_deref().map(path))
        })
        .collect();
    told.sort();
    let expect = [
        ("/", "document", None),
        ("/a.css", "stylesheet", Some("/")),
        ("/a.js", "script", Some("/")),
        ("/b.svg", "image", Some("/a.css")),
        ("/c.json", "fetch", Some("/a.js")),
    ];
    let expect =
        expect.map(|(url, kind, by)| (url.to_owned(), kind.to_owned(), by.map(str::to_owned)));
    assert_eq!(told, expect);
    session.close().await;
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_visits_is_known_to_that_site_alone() {
    let page = Answer { auth: Some("a2ltOnBAdw=="), ..html("<p>in</p><img src=/p.svg>") };
    let own = Site::serve(&[("/", page), ("/p.svg", picture())]).await;
    let bench = Bench::new().await;
    let mut session = bench.open().await;
    let mut visit = Visit::of(own.at("/"));
    let outside = visited(&mut session, &visit).await;
    assert_eq!(outside.status, Some(401));
    visit.basic_auth = Some(BasicAuth { user: "kim".to_owned(), password: "p@w".to_owned() });
    visit.headers = vec![("x-who".to_owned(), "us".to_owned())];
    let cookie =
        Cookie { name: "seen".to_owned(), value: "yes".to_owned(), domain: None, path: None };
    visit.cookies = vec![cookie];
    let inside = visited(&mut session, &visit).await;
    assert_eq!(inside.status, Some(200), "{inside:?}");
    let last = own.seen("/").pop().unwrap();
    assert!(last.contains("x-who: us") && last.contains("cookie: seen=yes"), "{last}");
    // Once: a page that was asked for twice would be known the second time.
    assert_eq!(own.seen("/").len(), 2);
    session.close().await;
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_does_not_come_is_an_error_and_the_next_one_does() {
    let hangs = "<p>text</p><img src=/never.svg>";
    let never = after(60_000, picture());
    let pages = [("/", html("<p>well")), ("/hangs", html(hangs)), ("/never.svg", never)];
    let site = Site::serve(&pages).await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bench = Bench::new().await;
    let mut session = bench.open().await;
    let error = session.visit(&Visit::of(format!("http://{gone}/"))).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    let mut visit = Visit::of(site.at("/hangs"));
    visit.page_deadline = Duration::from_secs(1);
    let error = session.visit(&visit).await.unwrap_err();
    assert!(matches!(error, Error::NavigationTimeout { .. }), "{error}");
    let missing = visited(&mut session, &Visit::of(site.at("/missing"))).await;
    assert_eq!(missing.status, Some(404));
    let seen = visited(&mut session, &Visit::of(site.at("/"))).await;
    assert!(seen.largest_contentful_paint.is_some(), "{seen:?}");
    session.close().await;
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_visitors_share_a_browser_and_nothing_else() {
    let pages = [("/", html("<p>text</p><img src=/p.svg>")), ("/p.svg", picture())];
    let site = Site::serve(&pages).await;
    let bench = Bench::new().await;
    let (mut one, mut other) = (bench.open().await, bench.open().await);
    assert_eq!(one.driver_pid(), other.driver_pid());
    for _ in 0..2 {
        let visit = Visit::of(site.at("/"));
        let (first, second) = tokio::join!(one.visit(&visit), other.visit(&visit));
        for seen in [first.unwrap(), second.unwrap()] {
            assert!(seen.largest_contentful_paint.is_some(), "{seen:?}");
        }
    }
    assert_eq!(site.seen("/p.svg").len(), 4);
    one.close().await;
    other.close().await;
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn a_browser_that_gives_way_is_of_low_priority_and_on_its_own_processors() {
    let site = Site::serve(&[("/", html("<p>text"))]).await;
    let mut bench = Bench::new().await;
    bench.launch.niceness = 7;
    bench.launch.processors = vec![0];
    let mut session = bench.open().await;
    visited(&mut session, &Visit::of(site.at("/"))).await;
    let group = session.driver_pid().unwrap();
    let mut members = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, fields)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = fields.split(' ').collect();
        if fields[2] != group.to_string() || fields[0] == "Z" {
            continue;
        }
        members += 1;
        assert_eq!(fields[16], "7", "{stat}");
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap();
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        assert_eq!(allowed.map(str::trim), Some("0"), "{stat}");
    }
    assert!(members > 2, "a browser has several processes");
    session.close().await;
    bench.assert_clean();
}
