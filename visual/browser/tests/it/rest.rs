//! Pages that move, load late, or never come to rest.

use std::time::{Duration, Instant};

use visual_browser::{Error, Session, Shot};

use crate::{
    Bench, Pixels,
    site::{Answer, Site, file, html},
};

/// A red and a blue frame, a tenth of a second each, for ever.
const ANIMATED_GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x00\x00\x00\x00\xff\
    \x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00\
    \x21\xf9\x04\x00\x0a\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\
    \x21\xf9\x04\x00\x0a\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x4c\x01\x00\x3b";

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];

fn svg(colour: &str) -> Answer {
    let picture = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='100' height='100'>\
         <rect width='100' height='100' fill='{colour}'/></svg>"
    );
    file("image/svg+xml", picture.into_bytes())
}

/// Captures the page twice, in one session each, and asserts that the pictures are the same bytes
/// and have these colours at these places.
async fn check(page: Answer, expect: &[(u32, u32, [u8; 3])]) {
    let bench = Bench::new().await;
    let slow = Answer { after: Duration::from_millis(300), ..svg("#0f0") };
    let site = Site::serve(&[
        ("/", page),
        ("/green.svg", svg("#0f0")),
        ("/slow.svg", slow),
        ("/red-blue.gif", file("image/gif", ANIMATED_GIF.to_vec())),
        (
            "/green.txt",
            Answer { after: Duration::from_millis(300), ..file("text/plain", b"#0f0".to_vec()) },
        ),
    ])
    .await;
    let shot = Shot::of(site.at("/"));
    let mut pictures = Vec::new();
    for _ in 0..2 {
        let capture = bench.capture_all(std::slice::from_ref(&shot)).await.remove(0);
        pictures.push(capture.unwrap_or_else(|e| panic!("{e}")).png);
    }
    for picture in &pictures {
        let pixels = Pixels::of(picture);
        for (x, y, colour) in expect {
            assert_eq!(pixels.at(*x, *y), *colour, "at {x},{y}");
        }
    }
    assert!(pictures[0] == pictures[1], "pictures differ");
}

#[tokio::test(flavor = "multi_thread")]
async fn animations_are_brought_to_their_end_or_start() {
    let page = html(
        "<style>body{margin:0}div{width:100px;height:100px;background:#f00}\
         @keyframes turn{from{background:#00f}to{background:#0ff}}\
         @keyframes arrive{to{background:#0f0}}\
         #endless{animation:turn .7s infinite}\
         #once{animation:arrive 5s 2s forwards}</style>\
         <div id=endless></div><div id=once></div><section id=host></section>\
         <script>host.attachShadow({mode:'closed'}).innerHTML=\
         '<style>@keyframes k{to{background:#0f0}}div{width:100px;height:100px;\
          background:#f00;animation:k 9s forwards}</style><div></div>'</script>",
    );
    check(page, &[(9, 9, RED), (9, 109, GREEN), (9, 209, GREEN)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carousels_tickers_and_chance_stand_still() {
    let page = html(
        "<style>body{margin:0}div{width:100px;height:100px}</style>\
         <div id=slide style='background:#0f0'></div><img src=/red-blue.gif width=100 height=100>\
         <p id=clock></p><p id=chance></p><p id=id></p>\
         <script>let n=0;\
         setInterval(()=>slide.style.background=['#f00','#00f'][n++%2],1200);\
         (function next(){setTimeout(()=>{slide.style.background='#ff0';next()},3000)})();\
         clock.textContent=new Date().toISOString()+' '+Date();\
         chance.textContent=Math.random();id.textContent=crypto.randomUUID();\
         </script>",
    );
    check(page, &[(9, 9, GREEN), (9, 109, RED)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_loads_late_is_waited_for() {
    // A lazy image far below, one that a script puts in when it comes into view, one that loads
    // slowly, and a colour that is fetched.
    let page = html(
        "<style>body{margin:0}img{display:block;width:100px;height:100px}\
         #gap{height:3000px}</style>\
         <div id=fetched style='height:100px;background:#f00'></div><div id=gap></div>\
         <img loading=lazy src=/green.svg><img id=seen><img loading=lazy src=/slow.svg>\
         <script>new IntersectionObserver((entries,o)=>{if(entries.some(e=>e.isIntersecting))\
         {seen.src='/slow.svg';o.disconnect()}}).observe(seen);\
         setTimeout(()=>fetch('/green.txt').then(r=>r.text())\
         .then(t=>fetched.style.background=t),300)</script>",
    );
    check(page, &[(9, 9, GREEN), (9, 3109, GREEN), (9, 3209, GREEN), (9, 3309, GREEN)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_waits_for_the_clock_ends() {
    let page = html(
        "<body style='background:#f00'><script>const end=Date.now()+20;\
         while(Date.now()<end);document.body.style.background='#0f0'</script>",
    );
    check(page, &[(9, 9, GREEN)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_goes_on_to_another_is_followed() {
    let bench = Bench::new().await;
    let first = html("<body style='background:#f00'><script>location='/second'</script>");
    let second = html("<body style='background:#0f0'>");
    let site = Site::serve(&[("/", first), ("/second", second)]).await;
    let capture = bench.capture_all(&[Shot::of(site.at("/"))]).await.remove(0).unwrap();
    assert_eq!(capture.final_url, site.at("/second"));
    assert_eq!(Pixels::of(&capture.png).at(9, 9), GREEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn web_fonts_are_waited_for() {
    let font = ["/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/texmf"]
        .iter()
        .find_map(|folder| first_font(std::path::Path::new(folder)))
        .expect("a TrueType font on this machine");
    let page = |family: &str| {
        html(&format!(
            "<style>@font-face{{font-family:web;src:url(/font.ttf)}}\
             p{{font:40px {family}}}</style><p>Grumpy wizards make toxic brew"
        ))
    };
    let slow = Answer { after: Duration::from_millis(500), ..file("font/ttf", font) };
    let fast = Answer { after: Duration::ZERO, ..slow.clone() };
    let mut pictures = Vec::new();
    for (font, family) in [(slow, "web,monospace"), (fast, "web,monospace")] {
        let bench = Bench::new().await;
        let site = Site::serve(&[("/", page(family)), ("/font.ttf", font)]).await;
        let capture = bench.capture_all(&[Shot::of(site.at("/"))]).await.remove(0).unwrap();
        assert_eq!(site.seen("/font.ttf").len(), 1);
        pictures.push(capture.png);
    }
    assert!(pictures[0] == pictures[1], "the slow font was not waited for");
    let bench = Bench::new().await;
    let site = Site::serve(&[("/", page("monospace"))]).await;
    let without = bench.capture_all(&[Shot::of(site.at("/"))]).await.remove(0).unwrap();
    assert!(without.png != pictures[0], "the font was never shown");
}

fn first_font(folder: &std::path::Path) -> Option<Vec<u8>> {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.iter().find_map(|path| {
        let is_font = path.extension().is_some_and(|extension| extension == "ttf");
        let is_plain = !path.to_string_lossy().contains("Mono");
        if path.is_dir() {
            first_font(path)
        } else if is_font && is_plain {
            std::fs::read(path).ok()
        } else {
            None
        }
    })
}

/// Captures a page that does not settle, and one that does in the same session.
async fn check_restless(body: &str, what: &str, frames_differ: Option<bool>) {
    let bench = Bench::new().await;
    let never = Answer { after: Duration::from_mins(10), ..html("") };
    let pages =
        [("/", html(body)), ("/calm", html("<body style='background:#0f0'>")), ("/never", never)];
    let site = Site::serve(&pages).await;
    let mut shot = Shot::of(site.at("/"));
    shot.settle.deadline = Duration::from_secs(2);
    let started = Instant::now();
    let mut session: Session = bench.open().await;
    let error = session.capture(&shot, &|_| {}).await.expect_err("it never settles");
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    let Error::NeverSettled(seen) = error else { panic!("{error}") };
    assert!(seen.what.contains(what), "{}", seen.what);
    match frames_differ {
        Some(differ) => {
            let [first, second] = &seen.frames;
            assert_eq!(Pixels::of(first).width, 1280);
            assert_eq!(first != second, differ);
        }
        None => assert!(seen.frames.iter().all(Vec::is_empty)),
    }
    let calm = session.capture(&Shot::of(site.at("/calm")), &|_| {}).await;
    assert_eq!(Pixels::of(&calm.unwrap_or_else(|e| panic!("{e}")).png).at(9, 9), GREEN);
    session.close().await;
    bench.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_keeps_changing() {
    let body = "<p id=n><script>let i=0;setInterval(()=>n.textContent=++i,400)</script>";
    check_restless(body, "the picture keeps changing", Some(true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_keeps_drawing() {
    let body = "<canvas id=c></canvas><script>let i=0;const g=c.getContext('2d');\
        (function draw(){g.fillStyle=`rgb(${i=(i+7)%256},0,0)`;g.fillRect(0,0,99,99);\
        requestAnimationFrame(draw)})()</script>";
    check_restless(body, "the picture keeps changing", Some(true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_keeps_growing() {
    let body = "<body><script>(function grow(){document.body.append(document.createElement('hr'));\
        requestAnimationFrame(grow)})()</script>";
    check_restless(body, "the height of the page keeps changing", Some(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_late_image_never_comes() {
    let body = "<script>addEventListener('load',()=>setTimeout(()=>{const i=new Image();\
        i.src='/never';document.body.append(i)},10))</script>";
    check_restless(body, "an image is still loading", Some(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_script_never_ends() {
    let body = "<script>addEventListener('load',()=>setTimeout(()=>{for(;;);},50))</script>";
    check_restless(body, "does not end", None).await;
}
