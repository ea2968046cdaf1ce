//! Visitors who stay on a site, behind a proxy.

use std::time::Duration;

use visual_browser::{Error, Session, Step, Visit};

use crate::{
    Bench,
    site::{Site, file, html},
};

const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn who_stays_keeps_what_the_browser_knows() {
    // The other variant is shown for a while before the one that is meant.
    let page = "<div id=old>old</div><button id=buy>buy</button><script>\
         document.cookie = 'who=kim; max-age=900'; document.cookie = 'visit=1';\
         document.cookie = 'had=' + (localStorage.it || 0) + (sessionStorage.it || 0) + '; max-age=900';\
         localStorage.it = sessionStorage.it = 1;\
         setTimeout(() => old.outerHTML = '<div id=new>new</div>', 400);\
         buy.onclick = () => { document.cookie = 'bought=1'; fetch('/bought'); };\
         onpagehide = () => fetch('/gone', { keepalive: true });</script>";
    // It stands for any host, as a proxy does.
    let proxy = Site::serve(&[
        ("http://shop.test/", html(page)),
        ("http://shop.test/more", html("<p id=more>more</p>")),
        ("http://shop.test/bought", file("text/plain", Vec::new())),
        ("http://shop.test/gone", file("text/plain", Vec::new())),
    ])
    .await;
    let mut bench = Bench::new().await;
    bench.launch.proxy = Some(proxy.address.trim_start_matches("http://").parse().unwrap());
    let mut session = bench.open().await;
    let mut visit = Visit::of("http://shop.test/");
    visit.sights = ["#old", "#new", "#none"].map(str::to_owned).to_vec();
    let seen = session.visit(&visit).await.unwrap();
    let [old, new, none] = seen.sights[..] else { panic!("{seen:?}") };
    assert!(!old.is_shown && new.is_shown && !none.is_shown, "{seen:?}");
    assert!(old.first.unwrap() < old.last.unwrap() && old.last.unwrap() <= new.first.unwrap());
    assert!(new.first.unwrap() >= Duration::from_millis(400), "{seen:?}");
    assert_eq!((none.first, none.last), (None, None));

    session.steps(&[Step::Click("#buy".to_owned())], PATIENCE).await.unwrap();
    let seen = session.look(&visit).await.unwrap();
    assert!(seen.sights[1].is_shown, "{seen:?}");
    assert_eq!(proxy.seen("http://shop.test/bought").len(), 1);
    let mut kept = session.cookies(&visit.url).await.unwrap();
    kept.sort_by(|one, other| one.cookie.name.cmp(&other.cookie.name));
    let names = kept.iter().map(|one| (one.cookie.name.as_str(), one.is_of_session));
    assert_eq!(
        names.collect::<Vec<_>>(),
        [("bought", true), ("had", false), ("visit", true), ("who", false)]
    );

    let more = Visit::of("http://shop.test/more");
    session.go_on(&more).await.unwrap();
    let asked = proxy.seen("http://shop.test/more").pop().unwrap();
    assert!(asked.contains("who=kim") && asked.contains("visit=1"), "{asked}");
    session.go_on(&visit).await.unwrap();
    assert_eq!(had(&session, &visit).await, "11");
    session.come_back(&visit, &["visit"]).await.unwrap();
    assert_eq!(had(&session, &visit).await, "10");
    let asked = proxy.seen("http://shop.test/").pop().unwrap();
    assert!(asked.contains("who=kim") && asked.contains("visit=1"), "{asked}");
    assert!(!asked.contains("bought"), "{asked}");
    session.go_on(&visit).await.unwrap();
    assert_eq!(had(&session, &visit).await, "11");
    session.forget_cookies().await.unwrap();
    session.go_on(&visit).await.unwrap();
    let asked = proxy.seen("http://shop.test/").pop().unwrap();
    assert!(!asked.contains("who=kim"), "{asked}");
    let before = proxy.seen("http://shop.test/gone").len();
    session.leave().await.unwrap();
    assert!(proxy.seen("http://shop.test/gone").len() > before);

    // Somebody else knows nothing of it.
    session.visit(&more).await.unwrap();
    let asked = proxy.seen("http://shop.test/more").pop().unwrap();
    assert!(!asked.contains("cookie"), "{asked}");
    visit.sights = vec!["p:".to_owned()];
    let wrong = session.visit(&visit).await.unwrap_err();
    assert!(matches!(&wrong, Error::BadSelector { selector, .. } if selector == "p:"), "{wrong}");
    session.close().await;
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_cannot_be_put_behind_a_proxy_is_not_started() {
    let mut bench = Bench::driven().await;
    bench.launch.proxy = Some("127.0.0.1:9".parse().unwrap());
    let refused = Session::open(&bench.launch, &|_| {}).await.map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("`proxy`"), "{refused}");
    bench.assert_clean();
}

/// What the page had found in its storages.
async fn had(session: &Session, visit: &Visit) -> String {
    let kept = session.cookies(&visit.url).await.unwrap();
    kept.into_iter().find(|one| one.cookie.name == "had").unwrap().cookie.value
}
