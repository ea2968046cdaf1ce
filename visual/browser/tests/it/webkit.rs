//! `WebKitGTK`, where it and Xvfb are installed.

use std::{path::PathBuf, time::Duration};

use visual_browser::{
    ColorScheme, Cookie, DriverAt, Error, Mask, Rect, Shot, Step, StoredItem, Until, minibrowser,
};

use crate::{
    Bench, Pixels,
    site::{Site, html},
};

const GREEN: [u8; 3] = [0, 255, 0];

/// `None`, said on the way, where it cannot be tried.
#[expect(clippy::print_stdout, reason = "a test that did not run has to say so")]
fn bench(test: &str) -> Option<Bench> {
    let xvfb = Some(PathBuf::from("/usr/bin/Xvfb")).filter(|file| file.is_file());
    let (Some(minibrowser), Some(xvfb)) = (minibrowser(), xvfb) else {
        println!("{test} was not tried: WebKitGTK or Xvfb is not installed");
        return None;
    };
    Some(Bench::with(DriverAt::WebKit { minibrowser, xvfb }))
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_width() {
    let Some(bench) = bench("webkit::pages_of_any_width") else { return };
    let page = html(
        "<style>body{margin:0}#a{height:100vh;background:#0f0}#b{height:2000px;background:#00f}\
         @keyframes k{to{background:#f00}}#c{height:90px;background:#0f0;animation:k 1s infinite}\
         </style><div id=a></div><div id=b></div><div id=c></div><div id=d></div>\
         <script>setInterval(()=>d.textContent=Math.random(),3000);d.textContent=Date.now()</script>",
    );
    let site = Site::serve(&[("/", page)]).await;
    let cases = [(320, 600, 2690), (390, 844, 2934), (1280, 720, 2810)];
    let mut shots = Vec::new();
    for (width, height, _) in cases {
        let mut shot = Shot::of(site.at("/"));
        (shot.viewport.width, shot.viewport.height) = (width, height);
        shot.mask = vec![Mask::Area(Rect { x: 0, y: 0, width: 10, height: 10 })];
        shots.extend([shot.clone(), shot]);
    }
    let clipped = Shot { clip: Some("#c".to_owned()), ..Shot::of(site.at("/")) };
    shots.push(clipped);
    let mut results = bench.capture_all(&shots).await;
    let clipped = results.pop().unwrap().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((clipped.width, clipped.height), (1280, 90));
    for (pair, (width, height, high)) in results.chunks(2).zip(cases) {
        let [first, second] = [0, 1].map(|at| pair[at].as_ref().unwrap_or_else(|e| panic!("{e}")));
        assert!(first.png == second.png, "{width}: pictures differ");
        assert_eq!(first.width, width);
        // The line of text below is as high as the font makes it.
        assert!((high..high + 40).contains(&first.height), "{width}x{height}: {}", first.height);
        let pixels = Pixels::of(&first.png);
        assert_eq!((pixels.at(2, 2), pixels.at(60, 60)), ([128; 3], GREEN), "{width}");
        assert_eq!((first.status, first.layout.is_empty()), (Some(200), true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_is_given() {
    let Some(bench) = bench("webkit::what_a_page_is_given") else { return };
    let page = html(
        "<body style='background:#f00'><p id=p></p><script>const first=localStorage.k;\
         const dark=matchMedia('(prefers-color-scheme: dark)').matches;\
         const still=matchMedia('(prefers-reduced-motion: reduce)').matches;\
         setTimeout(()=>p.textContent='done',5000);\
         setInterval(()=>document.body.style.background=p.textContent&&window.scripted&&\
         first==='v'&&document.cookie==='c=d'&&navigator.userAgent==='Us/1'&&dark&&still&&\
         Date.now()===1577880000000&&Intl.DateTimeFormat().resolvedOptions().timeZone==='UTC'\
         ?'#0f0':'#f00',50)</script>",
    );
    let site = Site::serve(&[("/", page)]).await;
    let cookie = Cookie { name: "c".to_owned(), value: "d".to_owned(), domain: None, path: None };
    let told = Shot {
        cookies: vec![cookie],
        storage: vec![StoredItem { key: "k".to_owned(), value: "v".to_owned(), session: false }],
        headers: vec![("x-preview".to_owned(), "yes".to_owned())],
        user_agent: Some("Us/1".to_owned()),
        color_scheme: Some(ColorScheme::Dark),
        steps: vec![Step::Script("window.scripted = true".to_owned())],
        waits: vec![Until::Text("done".to_owned())],
        ..Shot::of(site.at("/"))
    };
    let clean = Shot {
        waits: vec![
            Until::Expression("!first && !document.cookie && !dark && !window.opener".to_owned()),
            Until::Expression("navigator.userAgent.includes('AppleWebKit')".to_owned()),
        ],
        ..Shot::of(site.at("/"))
    };
    let zone = Shot { time_zone: "Asia/Tokyo".to_owned(), ..clean.clone() };
    let results = bench.capture_all(&[told, clean, zone]).await;
    let picture = results[0].as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(Pixels::of(&picture.png).at(600, 600), GREEN);
    assert!(site.seen("/")[0].contains("x-preview: yes"), "{:?}", site.seen("/"));
    results[1].as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert!(matches!(results[2], Err(Error::Unsupported { setting: "time_zone", .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_do_not_come_or_rest() {
    let Some(bench) = bench("webkit::pages_that_do_not_come_or_rest") else { return };
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let moving = html("<p id=n><script>let i=0;setInterval(()=>n.textContent=++i,400)</script>");
    let asking = html("<p>x<script>alert('still there?')</script>");
    let going = html("<script>addEventListener('load',()=>location='/asking')</script>");
    let site = Site::serve(&[("/moving", moving), ("/asking", asking), ("/going", going)]).await;
    let mut moving = Shot::of(site.at("/moving"));
    moving.settle.deadline = Duration::from_secs(2);
    let shots = [
        Shot::of(format!("http://{free}/")),
        Shot::of("http://shop.invalid/"),
        Shot::of(site.at("/moving").replace("http:", "https:")),
        moving,
        Shot::of(site.at("/nothing")),
        Shot::of(site.at("/going")),
    ];
    let results = bench.capture_all(&shots).await;
    for (result, kind) in results.iter().zip(["Refused", "NameNotResolved", "Tls", "NeverSettled"])
    {
        let error = format!("{:?}", result.as_ref().expect_err(kind));
        assert!(error.starts_with(kind), "{error} instead of {kind}");
    }
    let missing = results[4].as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(missing.status, Some(404));
    let arrived = results[5].as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert!(arrived.final_url.ends_with("/asking"), "{}", arrived.final_url);
}
