//! What a view of a page may ask for: devices, steps, waits, and what the page is given.

use std::time::{Duration, Instant};

use visual_browser::{
    ColorScheme, Device, Error, ScrollTo, Shot, Step, StoredItem, Until, Viewport,
};

use crate::{
    Bench, Pixels,
    site::{Answer, Site, file, html},
};

const GREEN: [u8; 3] = [0, 255, 0];

/// A page that is green when this script gives something true once it is asked, and red before.
fn green_if(body: &str, condition: &str) -> Answer {
    html(&format!(
        "<body style='margin:0;background:#f00'>{body}<script>\
         setInterval(()=>document.body.style.background=({condition})?'#0f0':'#f00',20)</script>"
    ))
}

/// Captures a page, and asserts that it is green at 300,300, or the text of the error.
async fn check(page: Answer, change: impl FnOnce(&mut Shot), expect: Result<(), &str>) {
    let bench = Bench::new().await;
    let next = html("<body style='background:#0f0'>");
    let slow = Answer { after: Duration::from_millis(400), ..next.clone() };
    let text = Answer { after: Duration::from_millis(300), ..file("text/plain", b"hi".to_vec()) };
    let pages = [("/", page), ("/next", next), ("/slow", slow), ("/text", text)];
    let site = Site::serve(&pages).await;
    let mut shot = Shot::of(site.at("/"));
    shot.step_deadline = Duration::from_secs(4);
    change(&mut shot);
    let result = bench.capture_all(&[shot]).await.remove(0);
    match (result, expect) {
        (Ok(capture), Ok(())) => {
            assert_eq!(Pixels::of(&capture.png).at(300, 300), GREEN);
        }
        (Err(error), Err(want)) => assert_eq!(error.to_string(), want),
        (Ok(_), Err(want)) => panic!("a picture instead of: {want}"),
        (Err(error), Ok(())) => panic!("{error}"),
    }
}

/// Each part of a condition as a wait of its own, so that an error names the one that fails.
fn all_of(condition: &str) -> Vec<Until> {
    condition.split("&&").map(|part| Until::Expression(part.trim().to_owned())).collect()
}

fn css(selector: &str) -> String {
    selector.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_what_they_say() {
    let bench = Bench::new().await;
    let page = html("<meta name=viewport content='width=device-width'>");
    let told = "innerWidth===393&&devicePixelRatio===3&&navigator.maxTouchPoints>0&&\
        navigator.userAgent.includes('iPhone')&&'ontouchstart' in window";
    // Without a word on its width a phone lays a page out as if it were a desktop.
    let old = html("<style>body{margin:0}</style><div style='width:980px'>");
    let plain = "innerWidth===1280&&!navigator.maxTouchPoints&&\
        !navigator.userAgent.includes('iPhone')&&matchMedia('(hover:hover)').matches&&\
        matchMedia('(pointer:fine)').matches";
    let site = Site::serve(&[("/", page), ("/old", old)]).await;
    let phone = Device::named("iPhone 16").unwrap();
    let of = |path: &str, waits: &str| Shot {
        waits: all_of(waits),
        viewport: phone.viewport(),
        user_agent: phone.user_agent.map(str::to_owned),
        ..Shot::of(site.at(path))
    };
    let desktop = Shot { waits: all_of(plain), ..Shot::of(site.at("/")) };
    let shots = [of("/", told), of("/old", "document.body.clientWidth===980"), desktop];
    let results = bench.capture_all(&shots).await;
    let sizes = [(1179, 2556), (2940, 0), (1280, 720)];
    for ((result, shot), (width, height)) in results.iter().zip(&shots).zip(sizes) {
        let capture = result.as_ref().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(capture.width, width, "{}", shot.url);
        assert!(height == 0 || capture.height == height, "{}: {}", shot.url, capture.height);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_told_who_looks() {
    let said = "navigator.language==='de-DE'&&(1.5).toLocaleString()==='1,5'&&\
        Intl.DateTimeFormat().resolvedOptions().timeZone==='Europe/Berlin'&&\
        matchMedia('(prefers-color-scheme:dark)').matches&&\
        matchMedia('(prefers-reduced-motion:no-preference)').matches&&\
        localStorage.consent==='\"given\"'&&sessionStorage.step==='2'&&window.first==='\"given\"'";
    let page =
        || html("<body style='background:#0f0'><script>window.first=localStorage.consent</script>");
    check(
        page(),
        |shot| {
            shot.waits = all_of(said);
            shot.locale = Some("de-DE".to_owned());
            shot.time_zone = "Europe/Berlin".to_owned();
            shot.color_scheme = Some(ColorScheme::Dark);
            shot.reduced_motion = false;
            let item = |key: &str, value: &str, session| StoredItem {
                key: key.to_owned(),
                value: value.to_owned(),
                session,
            };
            shot.storage = vec![item("consent", "\"given\"", false), item("step", "2", true)];
        },
        Ok(()),
    )
    .await;
    let plain = "navigator.language==='en-US'&&!localStorage.length&&\
        Intl.DateTimeFormat().resolvedOptions().timeZone==='UTC'&&\
        matchMedia('(prefers-color-scheme:light)').matches&&\
        matchMedia('(prefers-reduced-motion:reduce)').matches";
    check(page(), |shot| shot.waits = all_of(plain), Ok(())).await;
    let nowhere = |shot: &mut Shot| shot.time_zone = "Mars/Olympus".to_owned();
    let error = "the browser does not accept the time zone: there is no `Mars/Olympus`";
    check(page(), nowhere, Err(error)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_page_is_told_reaches_the_next() {
    let bench = Bench::new().await;
    let page = "<style>#b{width:90px;height:90px;background:#0f0}#b:hover{background:#f00}</style>\
        <body style='margin:0'><div id=b></div><p id=says></p><script>\
        says.textContent=[navigator.userAgent,navigator.language,(1.5).toLocaleString(),\
        localStorage.k,matchMedia('(prefers-color-scheme:dark)').matches,navigator.maxTouchPoints]\
        .join(' ')</script>";
    let site = Site::serve(&[("/", html(page))]).await;
    let plain = Shot::of(site.at("/"));
    let told = Shot {
        user_agent: Some("Somebody/1.0".to_owned()),
        locale: Some("fr-FR".to_owned()),
        color_scheme: Some(ColorScheme::Dark),
        viewport: Viewport { touch: true, mobile: true, ..Viewport::default() },
        storage: vec![StoredItem { key: "k".to_owned(), value: "v".to_owned(), session: false }],
        steps: vec![Step::Hover(css("#b"))],
        ..plain.clone()
    };
    let results = bench.capture_all(&[plain.clone(), told, plain]).await;
    let pictures: Vec<_> =
        results.iter().map(|r| &r.as_ref().unwrap_or_else(|e| panic!("{e}")).png).collect();
    assert_eq!(Pixels::of(pictures[0]).at(9, 9), GREEN);
    assert_ne!(pictures[0], pictures[1]);
    assert!(pictures[0] == pictures[2], "something was left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_are_real_input() {
    let form = "<body style='background:#0f0'><style>button:hover{color:red}</style><div style='height:2000px'></div>\
        <input id=name value=old><input id=day type=date><select id=kind><option>a<option>b</select>\
        <div id=note contenteditable>old</div><button id=go disabled>go</button>\
        <script>let log='';for(const t of['mousedown','click','keydown'])\
        addEventListener(t,e=>{log+=e.isTrusted?t[0]:'!'},true);\
        setTimeout(()=>go.disabled=false,300);\
        go.onclick=()=>window.went=document.getElementById('name').value</script>";
    let fill =
        |selector: &str, text: &str| Step::Fill { selector: css(selector), text: text.to_owned() };
    let press = |selector: Option<&str>, key: &str| Step::Press {
        selector: selector.map(css),
        key: key.to_owned(),
    };
    let done = "document.getElementById('name').value==='Zoé!'&&day.value==='2026-01-31'&&\
        kind.value==='b'&&note.textContent==='new'&&window.went==='Zoé!'&&window.ran===2&&\
        go.matches(':hover')&&!log.includes('!')&&log.includes('kk')&&log.endsWith('mc')";
    let steps = vec![
        fill("#name", "Zoé"),
        press(Some("#name"), "End"),
        press(None, "Shift+!"),
        fill("#day", "2026-01-31"),
        fill("#kind", "b"),
        fill("#note", "new"),
        Step::Script("window.ran = await Promise.resolve(2) // done".to_owned()),
        Step::Click(css("#go")),
    ];
    check(
        html(form),
        |shot| {
            shot.steps = steps;
            shot.waits = all_of(done);
        },
        Ok(()),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_cannot_be_done_gives_no_picture() {
    let page = || {
        html(
            "<style>#over{position:fixed;inset:0;background:#00f8}</style><p id=shy hidden>x</p>\
             <a id=under href=/next>under</a><div id=over></div><input id=box type=checkbox>",
        )
    };
    let cases = [
        (Step::Click(css("#nope")), "click `#nope`", "there is no such element"),
        (Step::Hover(css("#shy")), "hover `#shy`", "it is not visible"),
        (Step::Click(css("#under")), "click `#under`", "it is covered by <div#over>"),
        (
            Step::Fill { selector: css("#box"), text: "x".to_owned() },
            "fill `#box`",
            "it cannot be filled in",
        ),
        (
            Step::Press { selector: None, key: "Any".to_owned() },
            "press Any",
            "there is no key `Any`",
        ),
        (Step::Script("throw new Error('no')".to_owned()), "script", "it throws Error: no"),
        (Step::Wait(Until::Text("x y".to_owned())), "wait for the text \"x y\"", "it is not there"),
    ];
    let bench = Bench::new().await;
    let site = Site::serve(&[("/", page())]).await;
    let shots = cases.clone().map(|(step, ..)| Shot {
        steps: vec![Step::Script(String::new()), step],
        step_deadline: Duration::from_millis(300),
        ..Shot::of(site.at("/"))
    });
    for (result, (_, step, reason)) in bench.capture_all(&shots).await.into_iter().zip(cases) {
        let error = result.expect_err("a picture was taken").to_string();
        assert_eq!(error, format!("step 2 ({step}) could not be done: {reason}"));
    }
    let wait = |shot: &mut Shot| {
        shot.waits = vec![Until::Fonts, Until::Gone(css("#under"))];
        shot.step_deadline = Duration::from_millis(300);
    };
    let error = "wait 2 for `#under` to be gone was in vain for 300ms: it is still there";
    check(page(), wait, Err(error)).await;
    let bad = |shot: &mut Shot| shot.waits = vec![Until::Selector(css("p:"))];
    let error = "`p:` is not a valid selector: Failed to execute 'querySelector' on \
        'DocumentFragment': 'p:' is not a valid selector.";
    check(page(), bad, Err(error)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_waited_for() {
    // A timer of seven seconds brings the text, another one of two takes an element away.
    let page = || {
        green_if(
            "<p id=old>old</p><script>setTimeout(()=>{const p=document.createElement('p');\
             p.textContent='late';p.id='late';document.body.append(p);window.came=!!document.getElementById('old')},7000);\
             setTimeout(()=>old.remove(),2000);let n=0;setInterval(()=>n++,3000);\
             fetch('/text').then(r=>r.text()).then(t=>window.got=t)</script>",
            "window.came===false&&window.got==='hi'&&n===2",
        )
    };
    let late = || Until::Text("late".to_owned());
    for until in
        [late(), Until::Selector(css("#late")), Until::Expression("n===2&&came===false".to_owned())]
    {
        let started = Instant::now();
        check(
            page(),
            |shot| {
                shot.waits = vec![until];
                shot.step_deadline = Duration::from_secs(9);
            },
            Ok(()),
        )
        .await;
        assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    }
    // What comes later than may be waited for does not come.
    let error = "wait 1 for the text \"late\" was in vain for 4s: it is not there";
    check(page(), |shot| shot.waits = vec![late()], Err(error)).await;
    // Unless something is waited for, long timers do not run.
    let early = || green_if("<p>x<script>let n=0;setTimeout(()=>n=1,1500)</script>", "n===0");
    check(early(), |_| {}, Ok(())).await;
    let passed = green_if("<script>let n=0;setTimeout(()=>n=1,1500)</script>", "n===1");
    let delay = Until::Delay(Duration::from_secs(2));
    check(passed, |shot| shot.waits = vec![delay], Ok(())).await;
    let idle = green_if(
        "<script>fetch('/text').then(r=>r.text()).then(()=>fetch('/text'))\
        .then(r=>r.text()).then(t=>window.got=t)</script>",
        "window.got",
    );
    check(idle, |shot| shot.waits = vec![Until::NetworkIdle], Ok(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_may_lead_to_another_page() {
    let link = |to: &str| html(&format!("<body style='background:#f00'><a href={to}>on</a>"));
    let click = || vec![Step::Click(css("a"))];
    check(link("/next"), |shot| shot.steps = click(), Ok(())).await;
    check(link("/slow"), |shot| shot.steps = click(), Ok(())).await;
    let form = html("<body style='background:#f00'><form action=/slow><input name=q></form>");
    let enter = || {
        vec![
            Step::Fill { selector: css("input"), text: "x".to_owned() },
            Step::Press { selector: None, key: "Enter".to_owned() },
            Step::Wait(Until::Gone(css("form"))),
        ]
    };
    check(form, |shot| shot.steps = enter(), Ok(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clipped_scrolled_and_removed() {
    let bench = Bench::new().await;
    let page = html(
        "<style>body{margin:0}div{height:1000px}#c{position:absolute;left:10.5px;top:1500px;\
         width:100px;height:50px;background:#0f0}#ad{height:300px;background:#f00}\
         #bar{position:fixed;top:0;height:10px;width:100%;background:#00f}</style>\
         <p id=ad></p><div></div><div></div><div id=c></div><div id=bar></div>",
    );
    let site = Site::serve(&[("/", page)]).await;
    let mut shots = [(); 4].map(|()| Shot::of(site.at("/")));
    shots[0].clip = Some(css("#c"));
    shots[0].viewport.scale = 2.0;
    shots[1].clip = Some(css("#nope"));
    shots[2].remove = vec![css("#ad"), css("#nope")];
    shots[3].steps = vec![Step::Scroll(ScrollTo::Position { x: 0, y: 700 })];
    let results = bench.capture_all(&shots).await;
    let clipped = results[0].as_ref().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((clipped.width, clipped.height), (202, 100));
    assert_eq!(Pixels::of(&clipped.png).at(100, 50), GREEN);
    assert!(matches!(results[1], Err(Error::NothingToClip { .. })), "{:?}", results[1]);
    let removed = results[2].as_ref().unwrap();
    assert_eq!((removed.height, removed.unmatched.as_slice()), (2000, &[css("#nope")][..]));
    let pixels = Pixels::of(&results[3].as_ref().unwrap().png);
    assert_eq!((pixels.height, pixels.at(5, 705), pixels.at(5, 5)), (2332, [0, 0, 255], [255; 3]));
}
