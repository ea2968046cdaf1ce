//! Sessions that share a browser.

use std::{sync::Arc, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use visual_browser::{Capture, Cookie, Session, Shot, StoredItem, processes};

use crate::{
    Bench, Pixels,
    site::{Answer, Site, html},
};

/// What the page finds, as colours: red when a cookie or storage of another session is there.
fn finder() -> Answer {
    let page = html(
        "<body><script>const own=new URLSearchParams(location.search).get('own');\
         const found=document.cookie+';'+Object.values(localStorage).join(';');\
         const others=found.split(';').map(s=>s.trim()).filter(s=>s&&!s.endsWith(own));\
         document.body.style.background=others.length||!found.includes(own)?'#f00':'#0f0'\
         </script>",
    );
    // Long enough for all sessions to be at it at the same time.
    Answer { after: Duration::from_millis(150), ..page }
}

async fn capture(session: &mut Session, shot: &Shot) -> Capture {
    session.capture(shot, &|_| {}).await.unwrap_or_else(|e| panic!("{e}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_do_not_see_each_other() {
    let bench = Bench::new().await;
    let site = Arc::new(Site::serve(&[("/", finder())]).await);
    let mut workers = Vec::new();
    for number in 0..3 {
        let (launch, site) = (bench.launch.clone(), Arc::clone(&site));
        workers.push(tokio::spawn(async move {
            let mut session = Session::open(&launch, &|_| {}).await.unwrap();
            let own = format!("session-{number}");
            let shot = Shot {
                cookies: vec![Cookie {
                    name: format!("c{number}"),
                    value: own.clone(),
                    domain: None,
                    path: None,
                }],
                storage: vec![StoredItem {
                    key: format!("k{number}"),
                    value: own.clone(),
                    session: false,
                }],
                ..Shot::of(site.at(&format!("/?own={own}")))
            };
            for _ in 0..3 {
                let picture = capture(&mut session, &shot).await;
                assert_eq!(Pixels::of(&picture.png).at(9, 9), [0, 255, 0], "{own}");
            }
            let pid = session.driver_pid();
            session.close().await;
            pid
        }));
    }
    let mut pids = Vec::new();
    for worker in workers {
        pids.push(worker.await.unwrap());
    }
    assert!(pids.iter().all(|pid| pid.is_some() && *pid == pids[0]), "{pids:?}");
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_ends_with_its_last_session() {
    let bench = Bench::new().await;
    let site = Site::serve(&[("/", html("<p>x"))]).await;
    let shot = Shot::of(site.at("/"));
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(bench.open().await);
    }
    // Four share one browser, the fifth has another.
    let pids: Vec<_> = sessions.iter().map(|session| session.driver_pid().unwrap()).collect();
    assert!(pids[..4].iter().all(|pid| *pid == pids[0]) && pids[4] != pids[0], "{pids:?}");
    drop(sessions.remove(0));
    sessions.remove(0).close().await;
    let first = capture(&mut sessions[0], &shot).await;
    let other = capture(&mut sessions[2], &shot).await;
    assert_eq!(first.png, other.png);
    // All that share one go down with it, and each comes back by itself.
    kill_process(Pid::from_raw(pids[0].cast_signed()).unwrap(), Signal::KILL).unwrap();
    for session in &mut sessions {
        let again = session.capture_again(&shot, 1, &|_| {}).await.unwrap();
        assert_eq!(again.png, first.png);
    }
    let scratch = bench.scratch.path().canonicalize().unwrap();
    for session in sessions {
        assert!(!processes::survivors(&scratch).is_empty());
        session.close().await;
    }
    bench.assert_clean();
}
