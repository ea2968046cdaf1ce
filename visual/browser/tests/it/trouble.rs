//! Sites that do not answer, drivers that do not start, browsers that die.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{net::TcpListener, sync::Notify};
use visual_browser::{DriverAt, Error, Launch, Session, Shot, Stage, find, processes};

use crate::{
    Bench, script,
    site::{Answer, Site, file, html},
    until,
};

async fn hanging_site() -> Site {
    let never = Answer { after: Duration::from_mins(10), ..html("") };
    let half = html("<p>nearly there<img src=/>");
    Site::serve(&[("/", never), ("/half", half), ("/fine", html("<p>fine"))]).await
}

/// Asserts which error a page gives within ten seconds, and that the session can go on.
async fn check_page(url: &str, within: Duration, expect: &str) {
    let bench = Bench::new().await;
    let site = hanging_site().await;
    let url = url.replace("SITE", &site.address);
    let mut session = bench.open().await;
    let shot = Shot { page_deadline: within, ..Shot::of(&url) };
    let started = Instant::now();
    let error = session.capture(&shot, &|_| {}).await.expect_err(&url);
    assert!(started.elapsed() < Duration::from_secs(10), "{url} took {:?}", started.elapsed());
    let kind = format!("{error:?}");
    assert!(kind.starts_with(expect), "{url}: {kind}");
    assert!(!error.ends_session(), "{error}");
    let fine = session.capture(&Shot::of(site.at("/fine")), &|_| {}).await;
    assert_eq!(fine.unwrap_or_else(|e| panic!("{e}")).status, Some(200));
    session.close().await;
    bench.assert_clean();
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    check_page(&format!("http://{free}/"), LONG, "Refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_resolve() {
    check_page("http://shop.invalid/", LONG, "NameNotResolved { host: \"shop.invalid\" }").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_browsers_avoid() {
    check_page("http://127.0.0.1:1/", LONG, "Navigation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls() {
    let site = hanging_site().await;
    check_page(&site.at("/fine").replace("http:", "https:"), LONG, "Tls").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs() {
    check_page("SITE/", SHORT, "NavigationTimeout").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_picture_hangs() {
    check_page("SITE/half", SHORT, "NavigationTimeout").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_no_page() {
    let bench = Bench::new().await;
    let nothing = Answer { status: 204, ..file("text/html", Vec::new()) };
    let mut archive = file("application/zip", b"PK".to_vec());
    archive.headers.push(("content-disposition", "attachment".to_owned()));
    let endless = html("<body style='margin:0'><div style='height:60000px'>");
    let site =
        Site::serve(&[("/nothing", nothing), ("/archive", archive), ("/tall", endless)]).await;
    let bad = Shot { hide: vec!["p:nth(".to_owned()], ..Shot::of(site.at("/tall")) };
    let shots = [
        Shot::of(site.at("/nothing")),
        Shot::of(site.at("/archive")),
        Shot::of(site.at("/tall")),
        bad,
        Shot::of(site.at("/nothing")),
    ];
    let expect =
        ["Navigation", "Navigation", "TooTall { height: 60000", "BadSelector", "Navigation"];
    for (result, expect) in bench.capture_all(&shots).await.iter().zip(expect) {
        let kind = format!("{:?}", result.as_ref().expect_err(expect));
        assert!(kind.starts_with(expect), "{kind} instead of {expect}");
    }
}

/// Asserts how a driver that is a shell script fails, in which time, and that nothing is left.
async fn check_driver(body: &str, expect: &str, hint: &str) {
    let tools = tempfile::tempdir().unwrap();
    let chromedriver = script(tools.path(), "chromedriver", body);
    check_driver_at(chromedriver, expect, hint).await;
}

async fn check_driver_at(chromedriver: PathBuf, expect: &str, hint: &str) {
    let mut bench = Bench::with(DriverAt::Local { chromedriver, chromium: None });
    bench.launch.start_deadline = SHORT;
    let started = Instant::now();
    let error = Session::open(&bench.launch, &|_| {}).await.err().expect("it cannot start");
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    assert!(matches!(error, Error::DriverStart { .. }), "{error:?}");
    assert!(error.to_string().contains(expect), "{error}");
    assert!(error.hint().is_some_and(|text| text.contains(hint)), "{:?}", error.hint());
    bench.assert_clean();
}

const STARTED: &str = "echo 'ChromeDriver was started successfully on port 9.'";

#[tokio::test(flavor = "multi_thread")]
async fn drivers_that_do_not_start() {
    let missing = PathBuf::from("/nowhere/chromedriver");
    check_driver_at(missing, "/nowhere/chromedriver: No such file", "install ChromeDriver").await;
    check_driver("exit 3", "it ended at once (exit status: 3)", "have the same version").await;
    let library = "echo 'error while loading shared libraries: libnss3.so' >&2; exit 127";
    check_driver(library, "libnss3.so", "system library is missing").await;
    let silent = "it named no port within 2s";
    check_driver("exec sleep 600", silent, "").await;
    check_driver("trap '' TERM; while :; do sleep 1; done", silent, "").await;
    check_driver("exec yes garbage", silent, "").await;
    check_driver("exec cat /dev/zero", silent, "").await;
    check_driver("exec >&- 2>&-; sleep 600", "closed its output without naming a port", "").await;
    check_driver(&format!("{STARTED}; exec sleep 600"), "Connection refused", "").await;
    check_driver(&format!("{STARTED}; exit 0"), "it ended", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_not_one() {
    let tools = tempfile::tempdir().unwrap();
    for (body, name) in [("exit 1", "ends"), ("exec sleep 600", "hangs")] {
        let mut bench = Bench::driven().await;
        let DriverAt::Local { chromium, .. } = &mut bench.launch.driver else { unreachable!() };
        *chromium = Some(script(tools.path(), name, body));
        bench.launch.start_deadline = SHORT;
        let error = Session::open(&bench.launch, &|_| {}).await.err().expect(name);
        assert!(matches!(error, Error::DriverStart { .. }), "{error:?}");
        bench.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_driver_that_is_not_there() {
    let site = hanging_site().await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (url, expect) in [
        (format!("http://me:sesame@{free}/wd/hub"), "Connection refused"),
        (format!("https://me:sesame@{}/wd", site.address.replace("http://", "")), "Connect"),
        (site.at("/fine").replace("http://", "http://me:sesame@"), "not one of a WebDriver"),
        ("ftp://me:sesame@grid/".to_owned(), "only http and https"),
    ] {
        let bench = Bench::with(DriverAt::Remote { url });
        let error = Session::open(&bench.launch, &|_| {}).await.err().expect(expect);
        assert!(matches!(error, Error::Remote { .. }), "{error:?}");
        assert!(error.to_string().contains(expect), "{error}");
        let all = format!("{error} {error:?} {:?} {:?}", error.hint(), bench.launch);
        assert!(!all.contains("sesame") && !all.contains("me:"), "{all}");
    }
}

/// A driver of our own stands in for a remote one, which is what it is to the second session.
#[tokio::test(flavor = "multi_thread")]
async fn a_remote_driver() {
    let host = Bench::driven().await;
    let DriverAt::Local { chromedriver, .. } = &host.launch.driver else { unreachable!() };
    let profile = host.scratch.path().join("remote");
    std::fs::create_dir(&profile).unwrap();
    let mut driver = tokio::process::Command::new(chromedriver)
        .args(["--port=0", "--url-base=/wd/hub"])
        .env("TMPDIR", &profile)
        .env("HOME", &profile)
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .process_group(0)
        .spawn()
        .unwrap();
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(driver.stdout.take().unwrap()));
    let port = loop {
        let line = lines.next_line().await.unwrap().expect("the driver names its port");
        if let Some((_, port)) = line.split_once("successfully on port ") {
            break port.trim_end_matches('.').to_owned();
        }
    };
    let mut bench =
        Bench::with(DriverAt::Remote { url: format!("http://me:sesame@127.0.0.1:{port}/wd/hub") });
    // A remote browser's own machine decides on these; here it is this one.
    bench.launch.arguments = vec!["--no-sandbox".to_owned()];
    let site = hanging_site().await;
    let browsers = || {
        let all = processes::survivors(&host.scratch.path().canonicalize().unwrap());
        all.into_iter().filter(|pid| Some(*pid) != driver.id()).count()
    };
    let mut session = bench.open().await;
    assert!(browsers() > 0);
    assert_eq!(session.driver_pid(), None);
    let capture = session.capture(&Shot::of(site.at("/fine")), &|_| {}).await.unwrap();
    assert_eq!((capture.status, capture.width), (Some(200), 1280));
    session.close().await;
    until("the end of the closed browser", || browsers() == 0).await;
    drop(bench.open().await);
    until("the end of the dropped browser", || browsers() == 0).await;
    bench.assert_clean();
    driver.kill().await.unwrap();
    processes::sweep(&host.scratch.path().canonicalize().unwrap(), &[]);
}

/// Captures a page, during which `kill` ends the process it is given the driver's id of.
async fn check_killed(stage: Stage, path: &str) {
    let bench = Bench::new().await;
    let site = hanging_site().await;
    let mut session = bench.open().await;
    let pid = Pid::from_raw(session.driver_pid().unwrap().cast_signed()).unwrap();
    let kill = |now: Stage| {
        if now == stage {
            kill_process(pid, Signal::KILL).unwrap();
        }
    };
    let shot = Shot::of(site.at(path));
    let error = session.capture(&shot, &kill).await.expect_err("the driver is dead");
    assert!(matches!(error, Error::SessionLost { .. }), "{error:?}");
    // The next capture starts a new browser by itself.
    let again = session.capture(&Shot::of(site.at("/fine")), &|_| {}).await;
    assert_eq!(again.unwrap_or_else(|e| panic!("{e}")).status, Some(200));
    session.close().await;
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_is_killed() {
    for stage in [Stage::Navigating, Stage::Settling, Stage::Capturing] {
        check_killed(stage, "/fine").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_killed() {
    let bench = Bench::new().await;
    let site = hanging_site().await;
    let mut session = bench.open().await;
    let driver = session.driver_pid().unwrap();
    let scratch = bench.scratch.path().canonicalize().unwrap();
    let kill = |stage: Stage| {
        if stage == Stage::Settling {
            for pid in processes::survivors(&scratch) {
                if pid != driver {
                    // Some go by themselves when their parent does.
                    let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
                }
            }
        }
    };
    let started = Instant::now();
    let error = session.capture(&Shot::of(site.at("/fine")), &kill).await.expect_err("dead");
    assert!(matches!(error, Error::SessionLost { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    drop(session);
    bench.assert_clean();
}

/// Abandons a session once `stage` has come, and asserts that nothing is left at once.
async fn check_abandoned(stage: Stage, path: &str) {
    let bench = Bench::new().await;
    let site = hanging_site().await;
    let reached = Notify::new();
    let note = |now: Stage| {
        if std::mem::discriminant(&now) == std::mem::discriminant(&stage) {
            reached.notify_one();
        }
    };
    let work = async {
        let mut session = Session::open(&bench.launch, &note).await.unwrap();
        let shot = Shot::of(site.at(path));
        let _ = session.capture(&shot, &note).await;
        // Whoever gets here was too late to be abandoned where it was meant to be.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = work => unreachable!(),
        () = reached.notified() => {}
    }
    // The future is gone, and with it the session.
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn abandoned_at_every_stage() {
    for stage in [
        Stage::DriverStarting,
        Stage::DriverStarted { pid: 0 },
        Stage::SessionOpen,
        Stage::Navigating,
        Stage::Settling,
        Stage::Capturing,
        Stage::Captured,
    ] {
        check_abandoned(stage, "/fine").await;
    }
    // Also when the page hangs.
    check_abandoned(Stage::Navigating, "/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_leaves_is_swept() {
    let bench = Bench::new().await;
    let group = Arc::new(AtomicU32::new(0));
    let spawned = Arc::clone(&group);
    let mut launch: Launch = bench.launch.clone();
    launch.on_spawn = Arc::new(move |pid| spawned.store(pid, Ordering::SeqCst));
    launch.on_reaped = Arc::new(|_| {});
    let session = Session::open(&launch, &|_| {}).await.unwrap();
    // Somebody else's process: not in the list, and the folder only named in passing.
    let mut bystander = std::process::Command::new("sleep")
        .arg("600")
        .env("PWD", bench.scratch.path())
        .spawn()
        .unwrap();
    // What SIGKILL would do to this process: nothing is cleaned up by it.
    std::mem::forget(session);
    let scratch = bench.scratch.path().canonicalize().unwrap();
    let group = group.load(Ordering::SeqCst);
    assert!(processes::survivors(&scratch).contains(&group));
    // A group that does not name the folder is left alone, even when it is on the list.
    let swept = processes::sweep(&scratch, &[group, bystander.id()]);
    assert!(swept >= 5, "only {swept} processes were found");
    assert_eq!(processes::survivors(&scratch), Vec::<u32>::new());
    assert_eq!(bystander.try_wait().unwrap(), None, "a bystander was hit");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    assert_eq!(processes::sweep(&scratch, &[group]), 0);
    let left = std::fs::read_dir(&scratch).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_dir_all(left).unwrap();
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_on_the_path() {
    let tools = tempfile::tempdir().unwrap();
    let broken = script(tools.path(), "chromium", "exit 1");
    script(tools.path(), "google-chrome", "echo Google Chrome 99.0.1.2");
    script(tools.path(), "chromedriver", "echo 'ChromeDriver 98.5.1 (abc)'");
    let found = find(tools.path().as_os_str()).await;
    assert_eq!(found.chromium.as_ref().unwrap().version, "99.0.1.2");
    assert_eq!(found.unusable.iter().map(|(path, _)| path).collect::<Vec<_>>(), [&broken]);
    let misfit = "ChromeDriver 98.5.1 does not fit Chromium 99.0.1.2";
    assert_eq!(found.problem().as_deref(), Some(misfit));
    let nothing = find(std::ffi::OsStr::new("relative:/nowhere")).await;
    assert_eq!(nothing.problem().as_deref(), Some("Chromium and ChromeDriver are missing"));
}
