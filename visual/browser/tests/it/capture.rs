//! What a picture shows, and at which size.

use std::{sync::Mutex, time::Duration};

use visual_browser::{BasicAuth, Cookie, FailedResource, Mask, Rect, Shot, Stage, Viewport};

use crate::{
    Bench, Pixels,
    site::{Answer, Site, file, html},
};

const TEXT: &str = "<style>body{margin:0;font:16px sans-serif}p{margin:20px}</style>";

fn page_of(paragraphs: usize) -> Answer {
    let words = "<p>The quick brown fox jumps over the <b>lazy</b> dog.</p>".repeat(paragraphs);
    html(&format!("{TEXT}{words}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_page_gives_the_same_bytes() {
    let bench = Bench::new().await;
    let site = Site::serve(&[("/", page_of(80)), ("/other", page_of(3))]).await;
    let page = Shot::of(site.at("/"));
    let shots = [page.clone(), Shot::of(site.at("/other")), page.clone(), page.clone()];
    let first = bench.capture_all(&shots).await;
    let second = bench.capture_all(&[page]).await;
    let pictures: Vec<_> = [&first[0], &first[2], &first[3], &second[0]]
        .map(|result| &result.as_ref().unwrap().png)
        .to_vec();
    assert!(pictures.windows(2).all(|pair| pair[0] == pair[1]), "pictures differ");
    assert_ne!(&first[1].as_ref().unwrap().png, pictures[0]);
    // Nothing happened, so one picture is enough.
    assert_eq!(first[0].as_ref().unwrap().timings.frame_count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_have_the_exact_size() {
    let bench = Bench::new().await;
    let blocks = html(
        "<style>body{margin:0}#a{height:100vh;background:#f00}#b{height:2000px;background:#00f}\
         #c{position:fixed;bottom:0;height:20px;width:100%;background:#0f0}</style>\
         <div id=a></div><div id=b></div><div id=c></div>",
    );
    let wide = html("<style>body{margin:0}div{width:3000px;height:50px}</style><div></div>");
    let site = Site::serve(&[("/blocks", blocks), ("/short", page_of(1)), ("/wide", wide)]).await;
    let cases = [
        ("/blocks", 320, 600, 1.0, (320, 2600)),
        ("/blocks", 320, 600, 2.0, (640, 5200)),
        ("/blocks", 1280, 720, 1.0, (1280, 2720)),
        ("/blocks", 375, 667, 1.5, (563, 4001)),
        ("/short", 800, 600, 1.0, (800, 600)),
        ("/wide", 320, 400, 1.0, (320, 400)),
    ];
    let shots = cases.map(|(path, width, height, scale, _)| Shot {
        viewport: Viewport { width, height, scale, ..Viewport::default() },
        ..Shot::of(site.at(path))
    });
    for (result, (path, .., expect)) in bench.capture_all(&shots).await.iter().zip(cases) {
        let capture = result.as_ref().unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!((capture.width, capture.height), expect, "{path}");
        let pixels = Pixels::of(&capture.png);
        assert_eq!((pixels.width, pixels.height), expect, "{path}");
        if expect == (320, 2600) {
            // The first block is as high as the window, not as high as the picture.
            assert_eq!(pixels.at(10, 5), [255, 0, 0]);
            assert_eq!(pixels.at(10, 579), [255, 0, 0]);
            assert_eq!(pixels.at(10, 1500), [0, 0, 255]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn masks_and_hidden_elements() {
    let bench = Bench::new().await;
    // The masked clock changes ten times a second, and would keep the page from settling.
    let page = html(
        "<style>html{margin-top:7px}body{margin:0;background:#fff}div{width:100px;height:40px}\
         #clock{background:#f00}#gone{background:#0f0}#kept{background:#00f}</style>\
         <div id=clock></div><div id=gone></div><div id=kept></div>\
         <script>let n=0;setInterval(()=>{clock.style.background=`rgb(${n=(n+13)%256},9,9)`},100)\
         </script>",
    );
    let site = Site::serve(&[("/", page)]).await;
    let area = Rect { x: 200, y: 300, width: 10, height: 10 };
    let mut shot = Shot::of(site.at("/"));
    shot.viewport.scale = 2.0;
    shot.mask = vec![
        Mask::Area(area),
        Mask::Selector("#clock".to_owned()),
        Mask::Selector(".nowhere".to_owned()),
    ];
    shot.hide = vec!["#gone".to_owned(), "#not-here".to_owned()];
    let capture = bench.capture_all(&[shot]).await.remove(0).unwrap_or_else(|e| panic!("{e}"));
    let clock = Rect { x: 0, y: 14, width: 200, height: 80 };
    assert_eq!(capture.masks, [clock, Rect { x: 400, y: 600, width: 20, height: 20 }]);
    assert_eq!(capture.unmatched, [".nowhere", "#not-here"]);
    let pixels = Pixels::of(&capture.png);
    for (x, y, colour) in [
        (0, 13, [255; 3]),
        (0, 14, [128; 3]),
        (199, 93, [128; 3]),
        (200, 93, [255; 3]),
        (10, 100, [255; 3]),
        (10, 180, [0, 0, 255]),
        (410, 610, [128; 3]),
    ] {
        assert_eq!(pixels.at(x, y), colour, "at {x},{y}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_what_failed() {
    let bench = Bench::new().await;
    // The port that is never listened on.
    let nobody = "http://127.0.0.1:1/font.css";
    let broken = format!(
        "<img src=/no.png><link rel=stylesheet href=/no.css><link rel=stylesheet href={nobody}>hello"
    );
    let broken = html(&broken);
    let empty = Answer { status: 500, ..file("text/html", Vec::new()) };
    let moved = Answer { status: 302, headers: vec![("location", "/new".to_owned())], ..html("") };
    let site = Site::serve(&[
        ("/broken", broken),
        ("/empty", empty),
        ("/moved", moved),
        ("/new", page_of(1)),
    ])
    .await;
    let paths = ["/broken", "/missing", "/empty", "/moved"];
    let results = bench.capture_all(&paths.map(|path| Shot::of(site.at(path)))).await;
    let expect = [(200, "/broken"), (404, "/missing"), (500, "/empty"), (200, "/new")];
    for (result, (status, path)) in results.iter().zip(expect) {
        let capture = result.as_ref().unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(capture.status, Some(status), "{path}");
        assert_eq!(capture.final_url, site.at(path));
    }
    let mut failed = results[0].as_ref().unwrap().failed_resources.clone();
    failed.sort();
    let missing = |path| FailedResource { url: site.at(path), status: Some(404) };
    let nobody = FailedResource { url: nobody.to_owned(), status: None };
    assert_eq!(failed, [nobody, missing("/no.css"), missing("/no.png")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_from_one_page_to_the_next() {
    let bench = Bench::new().await;
    // The page is red when it finds anything that an earlier view of it has left.
    let page = html(
        "<body><script>\
         const known = document.cookie.includes('left') || localStorage.left || sessionStorage.left;\
         document.body.style.background = known ? '#f00' : '#0f0';\
         document.cookie = 'left=1;max-age=9999'; localStorage.left = 1; sessionStorage.left = 1;\
         addEventListener('pagehide', () => localStorage.left = 2);\
         </script>",
    );
    let cached = Answer {
        headers: vec![
            ("content-type", "text/css".to_owned()),
            ("cache-control", "max-age=9999".to_owned()),
        ],
        ..file("", b"p{color:#123}".to_vec())
    };
    let styled = html("<link rel=stylesheet href=/cached.css><p>x");
    let site = Site::serve(&[("/", page), ("/styled", styled), ("/cached.css", cached)]).await;
    let urls =
        [site.at("/"), site.at("/#again"), site.at("/"), site.at("/styled"), site.at("/styled")];
    for (result, url) in bench.capture_all(&urls.clone().map(Shot::of)).await.iter().zip(urls) {
        let capture = result.as_ref().unwrap_or_else(|e| panic!("{url}: {e}"));
        if !url.ends_with("styled") {
            assert_eq!(Pixels::of(&capture.png).at(9, 9), [0, 255, 0], "{url}");
        }
    }
    assert_eq!(site.seen("/cached.css").len(), 2, "the cache was used");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_along() {
    let bench = Bench::new().await;
    let script = || file("text/javascript", Vec::new());
    let other = Site::serve(&[("/third.js", script()), ("/hop.js", script())]).await;
    // Cookies and credentials go by host, and cookies do not look at the port.
    let third = other.at("/third.js").replace("127.0.0.1", "localhost");
    let page = Answer {
        auth: Some("bWU6c2VzYW1l"),
        ..html(&format!(
            "<script src={third}></script><script src=/hop></script><body><script>\
             fetch('/data').then(r=>r.text()).then(t=>document.body.style.background=t)</script>"
        ))
    };
    let data = Answer { auth: Some("bWU6c2VzYW1l"), ..file("text/plain", b"#0f0".to_vec()) };
    let away = vec![("location", third.replace("third", "hop"))];
    let hop = Answer { status: 302, headers: away, ..html("") };
    let pages = [("/", page), ("/data", data), ("/open", page_of(1)), ("/hop", hop)];
    let site = Site::serve(&pages).await;
    let auth = BasicAuth { user: "me".to_owned(), password: "sesame".to_owned() };
    let with = Shot {
        headers: vec![("x-preview".to_owned(), "yes".to_owned())],
        cookies: vec![Cookie {
            name: "consent".to_owned(),
            value: "given".to_owned(),
            domain: None,
            path: None,
        }],
        basic_auth: Some(auth),
        ..Shot::of(site.at("/"))
    };
    let without = Shot::of(site.at("/"));
    let results = bench.capture_all(&[with.clone(), with, without]).await;
    for result in &results[..2] {
        let capture = result.as_ref().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((capture.status, capture.final_url.as_str()), (Some(200), &*site.at("/")));
        // The page's own request was answered too, so it carried the credentials.
        assert_eq!(Pixels::of(&capture.png).at(9, 9), [0, 255, 0]);
    }
    assert_eq!(results[2].as_ref().unwrap().status, Some(401), "credentials were remembered");
    let asked = site.seen("/");
    let first = &asked[0];
    assert!(
        first.contains("x-preview: yes") && first.contains("cookie: consent=given"),
        "{asked:?}"
    );
    let last = asked.last().unwrap();
    assert!(!last.contains("x-preview") && !last.contains("consent"), "{last}");
    for (path, count) in [("/", 2), ("/data", 2), ("/hop", 2)] {
        let heads = site.seen(path);
        let given = heads.iter().filter(|head| head.contains("x-preview: yes")).count();
        assert!(given >= count, "{path}: {heads:?}");
    }
    // Neither what another origin is asked for, nor what it is asked for by a redirect.
    for path in ["/third.js", "/hop.js"] {
        let foreign = other.seen(path);
        assert!(!foreign.is_empty(), "{path}");
        for head in foreign {
            let own = ["authorization", "consent", "x-preview"];
            assert!(!own.iter().any(|own| head.contains(own)), "{head}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn local_files_only_when_allowed() {
    let bench = Bench::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = crate::script(folder.path(), "mail.html", "<p>hello");
    let refused = Shot::of(format!("file://{}", path.display()));
    let allowed = Shot { allow_file: true, ..refused.clone() };
    let results = bench.capture_all(&[refused, allowed]).await;
    let error = results[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("allowed explicitly"), "{error}");
    let capture = results[1].as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((capture.status, capture.width), (None, 1280));
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_come_in_order() {
    let bench = Bench::new().await;
    let site = Site::serve(&[("/", page_of(1))]).await;
    let seen = Mutex::new(Vec::new());
    let note = |stage: Stage| seen.lock().unwrap().push(stage);
    let mut session = visual_browser::Session::open(&bench.launch, &note).await.unwrap();
    let pid = session.driver_pid().unwrap();
    session.capture(&Shot::of(site.at("/")), &note).await.unwrap();
    session.close().await;
    let expect = [
        Stage::DriverStarting,
        Stage::DriverStarted { pid },
        Stage::SessionOpen,
        Stage::Navigating,
        Stage::Settling,
        Stage::Capturing,
        Stage::Captured,
    ];
    assert_eq!(*seen.lock().unwrap(), expect);
    let entry = std::path::PathBuf::from(format!("/proc/{pid}"));
    assert!(!entry.exists(), "the driver was not collected");
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_scratch_folder_will_do() {
    // A browser's socket in its temporary folder may have a path of 108 bytes only.
    let mut bench = Bench::new().await;
    let deep = bench.scratch.path().join("d".repeat(100)).join("runs");
    std::fs::create_dir_all(&deep).unwrap();
    bench.launch.scratch.clone_from(&deep);
    bench.launch.start_deadline = Duration::from_secs(20);
    let site = Site::serve(&[("/", page_of(1))]).await;
    let mut session = bench.open().await;
    session.capture(&Shot::of(site.at("/")), &|_| {}).await.unwrap();
    session.close().await;
    std::fs::remove_dir(&deep).expect("the folder is empty again");
    std::fs::remove_dir(deep.parent().unwrap()).unwrap();
    bench.assert_clean();
}
