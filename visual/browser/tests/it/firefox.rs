//! Firefox, where it and geckodriver are installed.

use std::{path::PathBuf, time::Duration};

use visual_browser::{
    ColorScheme, Cookie, DriverAt, Error, Mask, Rect, Shot, Step, StoredItem, Until,
};

use crate::{
    Bench, Pixels,
    site::{Site, html},
};

const GREEN: [u8; 3] = [0, 255, 0];

/// `None`, said on the way, where it cannot be tried.
#[expect(clippy::print_stdout, reason = "a test that did not run has to say so")]
fn bench(test: &str) -> Option<Bench> {
    let on_path = |name: &str| {
        let folders = ["/usr/local/bin", "/usr/bin", "/opt/geckodriver/bin", "/snap/bin"];
        folders.iter().map(|folder| PathBuf::from(folder).join(name)).find(|file| file.is_file())
    };
    let firefox = on_path("firefox").or_else(|| on_path("firefox-esr"));
    let (Some(geckodriver), Some(_)) = (on_path("geckodriver"), &firefox) else {
        println!("{test} was not tried: Firefox or geckodriver is not installed");
        return None;
    };
    let mut bench = Bench::with(DriverAt::Firefox { geckodriver, firefox });
    bench.launch.start_deadline = Duration::from_mins(1);
    Some(bench)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_width() {
    let Some(bench) = bench("pages_of_any_width") else { return };
    let page = html(
        "<style>body{margin:0}#a{height:100vh;background:#0f0}#b{height:2000px;background:#00f}\
         @keyframes k{to{background:#f00}}#c{height:90px;background:#0f0;animation:k 1s infinite}\
         </style><div id=a></div><div id=b></div><div id=c></div><div id=d></div>\
         <script>setInterval(()=>d.textContent=Math.random(),3000);d.textContent=Date.now()</script>",
    );
    let site = Site::serve(&[("/", page)]).await;
    let cases = [
        (320, 600, 1.0, (320, 2690)),
        (390, 844, 2.0, (780, 5868)),
        (1280, 720, 1.0, (1280, 2810)),
    ];
    let mut shots = Vec::new();
    for (width, height, scale, _) in cases {
        let mut shot = Shot::of(site.at("/"));
        (shot.viewport.width, shot.viewport.height, shot.viewport.scale) = (width, height, scale);
        shot.mask = vec![Mask::Area(Rect { x: 0, y: 0, width: 10, height: 10 })];
        shots.extend([shot.clone(), shot]);
    }
    let results = bench.capture_all(&shots).await;
    for (pair, (width, height, _, (wide, high))) in results.chunks(2).zip(cases) {
        let [first, second] = [0, 1].map(|at| pair[at].as_ref().unwrap_or_else(|e| panic!("{e}")));
        assert!(first.png == second.png, "{width}: pictures differ");
        assert_eq!(first.width, wide);
        // The line of text below is as high as the font makes it.
        assert!((high..high + 80).contains(&first.height), "{width}x{height}: {}", first.height);
        let pixels = Pixels::of(&first.png);
        assert_eq!((pixels.at(2, 2), pixels.at(60, 60)), ([128; 3], GREEN), "{width}");
        assert_eq!((first.status, first.layout.is_empty()), (Some(200), true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_is_given_and_what_is_done_on_it() {
    let Some(bench) = bench("what_a_page_is_given_and_what_is_done_on_it") else { return };
    let page = html(
        "<body style='background:#f00'><input id=i><button id=b>go</button><p id=p></p>\
         <script>const first=localStorage.k;b.onclick=e=>{if(e.isTrusted&&i.value==='Zoé')\
         setTimeout(()=>p.textContent='done',5000)};\
         setInterval(()=>document.body.style.background=p.textContent&&first==='v'&&\
         document.cookie==='c=d'&&navigator.language==='de-DE'&&navigator.userAgent==='Us/1'&&\
         Intl.DateTimeFormat().resolvedOptions().timeZone==='Asia/Tokyo'?'#0f0':'#f00',50)</script>",
    );
    let site = Site::serve(&[("/", page)]).await;
    let told = Shot {
        cookies: vec![Cookie {
            name: "c".to_owned(),
            value: "d".to_owned(),
            domain: None,
            path: None,
        }],
        storage: vec![StoredItem { key: "k".to_owned(), value: "v".to_owned(), session: false }],
        headers: vec![("x-preview".to_owned(), "yes".to_owned())],
        locale: Some("de-DE".to_owned()),
        user_agent: Some("Us/1".to_owned()),
        time_zone: "Asia/Tokyo".to_owned(),
        steps: vec![
            Step::Fill { selector: "#i".to_owned(), text: "Zoé".to_owned() },
            Step::Click("#b".to_owned()),
        ],
        waits: vec![Until::Text("done".to_owned())],
        ..Shot::of(site.at("/"))
    };
    let clean = Shot {
        waits: vec![
            Until::Expression("!first && !document.cookie && !i.value".to_owned()),
            Until::Expression("navigator.language === 'en-US'".to_owned()),
            Until::Expression("navigator.userAgent.includes('Firefox')".to_owned()),
        ],
        ..Shot::of(site.at("/"))
    };
    let dark = Shot { color_scheme: Some(ColorScheme::Dark), ..clean.clone() };
    let lost = Shot { steps: vec![Step::Click("#nope".to_owned())], ..clean.clone() };
    let lost = Shot { step_deadline: Duration::from_millis(500), ..lost };
    let results = bench.capture_all(&[told, clean, dark, lost]).await;
    let picture = results[0].as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(Pixels::of(&picture.png).at(600, 600), GREEN);
    assert!(site.seen("/")[0].contains("x-preview: yes"), "{:?}", site.seen("/"));
    results[1].as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert!(matches!(results[2], Err(Error::Unsupported { setting: "color_scheme", .. })));
    assert!(matches!(results[3], Err(Error::Step { number: 1, .. })), "{:?}", results[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_do_not_come_or_rest() {
    let Some(bench) = bench("pages_that_do_not_come_or_rest") else { return };
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let moving = html("<p id=n><script>let i=0;setInterval(()=>n.textContent=++i,400)</script>");
    let site = Site::serve(&[("/moving", moving), ("/", html("<p>x"))]).await;
    let mut moving = Shot::of(site.at("/moving"));
    moving.settle.deadline = Duration::from_secs(2);
    let shots = [
        Shot::of(format!("http://{free}/")),
        Shot::of("http://shop.invalid/"),
        Shot::of(site.at("/").replace("http:", "https:")),
        moving,
        Shot::of(site.at("/nothing")),
    ];
    let results = bench.capture_all(&shots).await;
    for (result, kind) in results.iter().zip(["Refused", "NameNotResolved", "Tls", "NeverSettled"])
    {
        let error = format!("{:?}", result.as_ref().expect_err(kind));
        assert!(error.starts_with(kind), "{error} instead of {kind}");
    }
    let missing = results[4].as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(missing.status, Some(404));
}
