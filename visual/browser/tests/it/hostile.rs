//! Pages that move in ways that leave few traces: each is at rest in its picture, or has none.

use std::time::Duration;

use visual_browser::{Capture, Error, Shot};

use crate::{
    Bench, Pixels,
    site::{Answer, Site, file, html},
};

const GREEN: [u8; 3] = [0, 255, 0];
/// Blinks for ever.
const BLINK: &str = "<style>@keyframes k{to{fill:#00f}}rect{fill:#f00;animation:k .3s infinite \
    alternate}</style>";

fn svg(inside: &str) -> Answer {
    let text = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='90' height='90'>{inside}\
        <rect width='90' height='90'/></svg>"
    );
    file("image/svg+xml", text.into_bytes())
}

async fn capture(bench: &Bench, page: Answer) -> Result<Capture, Error> {
    let worker = "let n=0;setInterval(()=>postMessage(n++),400)";
    let painter = "onmessage=e=>{const g=e.data.getContext('2d');let n=0;(function d(){\
        g.fillStyle=`rgb(${n=(n+9)%255},0,0)`;g.fillRect(0,0,99,99);requestAnimationFrame(d)})()}";
    let frame = html("<p id=p>x<script>let n=0;setInterval(()=>p.textContent=++n,400)</script>");
    let script = |text: &str| file("text/javascript", text.as_bytes().to_vec());
    let late =
        Answer { after: Duration::from_millis(400), ..svg("<style>rect{fill:#0f0}</style>") };
    let other = Site::serve(&[("/frame", frame)]).await;
    let mut page = page;
    let text = String::from_utf8(page.body).unwrap();
    page.body =
        text.replace("OTHER", &other.address.replace("127.0.0.1", "localhost")).into_bytes();
    let site = Site::serve(&[
        ("/", page),
        ("/worker.js", script(worker)),
        ("/painter.js", script(painter)),
        ("/blink.svg", svg(BLINK)),
        ("/late.svg", late),
    ])
    .await;
    let mut shot = Shot::of(site.at("/"));
    shot.settle.deadline = Duration::from_secs(3);
    bench.capture_all(&[shot]).await.remove(0)
}

/// The page never settles, and the two frames show where.
async fn check_restless(name: &str, body: &str) {
    let result = capture(&Bench::new().await, html(body)).await;
    let Err(Error::NeverSettled(seen)) = result else { panic!("{name}: {result:?}") };
    assert_ne!(seen.frames[0], seen.frames[1], "{name}: {}", seen.what);
    assert!(seen.what.contains("keeps changing"), "{name}: {}", seen.what);
}

/// The page comes to rest, always at the same picture, which is green at 9,9.
async fn check_calm(name: &str, body: &str) {
    check_calm_in(name, body, [Bench::new().await, Bench::new().await, Bench::driven().await])
        .await;
}

async fn check_calm_in<const N: usize>(name: &str, body: &str, benches: [Bench; N]) {
    let mut pictures = Vec::new();
    for bench in benches {
        let capture = capture(&bench, html(body)).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(Pixels::of(&capture.png).at(9, 9), GREEN, "{name}");
        pictures.push(capture.png);
    }
    assert!(pictures.windows(2).all(|pair| pair[0] == pair[1]), "{name}: pictures differ");
}

const BOX: &str = "<style>body{margin:0}#a{width:90px;height:90px}</style>";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_drawn_past_the_document() {
    let gl = "<canvas id=a></canvas><script>const g=a.getContext('webgl');let n=0;(function d(){\
        g.clearColor((n=(n+9)%255)/255,0,0,1);g.clear(g.COLOR_BUFFER_BIT);\
        requestAnimationFrame(d)})()</script>";
    check_restless("webgl", gl).await;
    let worker = "<canvas id=a></canvas><script>const o=a.transferControlToOffscreen();\
        new Worker('/painter.js').postMessage(o,[o])</script>";
    check_restless("worker that draws", worker).await;
    check_restless("marquee", "<marquee>hello there</marquee>").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_without_the_document() {
    check_restless("image", "<img src=/blink.svg>").await;
    let background = "<div style='width:90px;height:90px;background:url(/blink.svg)'></div>";
    check_restless("background", background).await;
    check_restless("frame of another origin", "<iframe src=OTHER/frame></iframe>").await;
    let apart = "<iframe sandbox=allow-scripts src=OTHER/frame></iframe>";
    check_restless("frame in a process of its own", apart).await;
    let message = "<p id=p>x<script>new Worker('/worker.js').onmessage=e=>p.textContent=e.data\
        </script>";
    check_restless("worker that tells", message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_without_timers() {
    let channel = "<p id=p>x<script>const c=new MessageChannel();let n=0;\
        c.port1.onmessage=()=>{p.textContent=++n;c.port2.postMessage(0)};c.port2.postMessage(0)\
        </script>";
    check_restless("messages", channel).await;
    let rules = "<p id=p>x<style id=s></style><script>let n=0;setInterval(()=>{const t=s.sheet;\
        if(t.cssRules.length)t.deleteRule(0);t.insertRule(`p{color:rgb(${n=(n+9)%255},0,0)}`)},90)\
        </script>";
    check_restless("rules", rules).await;
    let idle = "<p id=p>x<script>let n=0;(function d(){p.textContent=++n;requestIdleCallback(d)})()\
        </script>";
    check_restless("idle callbacks", idle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_rest() {
    let smil = "<svg width=90 height=90><rect width=90 height=90 fill=#0f0><animate \
        attributeName=fill values='#0f0;#f00' dur=1s repeatCount=indefinite /></rect></svg>";
    check_calm("smil", &format!("{BOX}{smil}")).await;
    let rule = "<div id=a></div><script>const s=new CSSStyleSheet();document.adoptedStyleSheets=[s];\
        setTimeout(()=>s.insertRule('#a{background:#0f0}'),700)</script>";
    check_calm("a late rule", &format!("{BOX}{rule}")).await;
    let background = "<div id=a></div><script>addEventListener('load',()=>setTimeout(()=>\
        a.style.background='url(/late.svg)',50))</script>";
    // A driver tells nothing of what is on its way, and the page does not know.
    let benches = [Bench::new().await, Bench::new().await];
    check_calm_in("a late background", &format!("{BOX}{background}"), benches).await;
    let scroll = "<style>@keyframes k{from{background:#0f0}to{background:#f00}}\
        #a{animation:k linear;animation-timeline:scroll()}</style><div id=a></div>\
        <div style='height:3000px'></div>";
    check_calm("an animation by scrolling", &format!("{BOX}{scroll}")).await;
    let progress = "<div id=a style='background:#0f0'></div><progress></progress>";
    check_calm("progress", &format!("{BOX}{progress}")).await;
    let smooth = "<div id=a style='overflow:auto'><div style='height:5000px;background:#f00'></div>\
        <div style='height:90px;background:#0f0'></div></div>\
        <script>setTimeout(()=>a.scrollTo({top:9000,behavior:'smooth'}),100)</script>";
    check_calm("a scroll that takes time", &format!("{BOX}{smooth}")).await;
    let quiet = "<div id=a style='background:#0f0'></div><iframe src=OTHER/nothing></iframe>\
        <canvas></canvas><script>new Worker('data:text/javascript,0')</script>";
    check_calm("a quiet frame, canvas and worker", &format!("{BOX}{quiet}")).await;
}
