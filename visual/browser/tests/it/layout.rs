//! The layout that goes with a picture, and what it explains.

use visual_browser::{Capture, Causes, Layout, Rect, Shot};

use crate::{
    Bench,
    site::{Site, file, html},
};

const STYLE: &str = "<style>body{margin:0;font:16px sans-serif}header{height:50px;background:#eee}\
    .cta{display:block;width:80px;height:30px;background:#0a7;color:#fff}p{height:20px;margin:0}\
    x-card{display:block;height:40px}footer{height:30px}</style>";

fn page(cta: &str, between: &str, words: &str, picture: &str) -> String {
    format!(
        "{STYLE}<header><a class=cta style='{cta}'>Buy</a></header>{between}<p>{words}</p>\
         <x-card></x-card><img src='{picture}' width=60 height=40><p>same</p><footer>end</footer>\
         <script>const r=document.querySelector('x-card').attachShadow({{mode:'closed'}});\
         r.innerHTML='<b class=in>{words}</b>'</script>"
    )
}

async fn capture(bodies: &[String], scale: f64) -> Vec<Capture> {
    let bench = Bench::new().await;
    let picture = file("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec());
    let mut captures = Vec::new();
    for body in bodies {
        // Another origin for each, as it is between two environments.
        let pages = [("/", html(body)), ("/a.svg", picture.clone()), ("/b.svg", picture.clone())];
        let site = Site::serve(&pages).await;
        let mut shot = Shot::of(site.at("/"));
        shot.viewport.scale = scale;
        let result = bench.capture_all(&[shot]).await.remove(0);
        captures.push(result.unwrap_or_else(|e| panic!("{e}")));
    }
    captures
}

async fn check(changed: String, region: [u32; 4], was: Option<[u32; 4]>, expect: &str) {
    let pages = [page("", "", "one", "/a.svg"), changed];
    let captures = capture(&pages, 1.0).await;
    let rect = |[x, y, width, height]: [u32; 4]| Rect { x, y, width, height };
    let [before, after] = [&captures[0].layout, &captures[1].layout];
    let cause = Layout::explain(before, after, rect(region), was.map(rect));
    assert_eq!(cause.map(|cause| cause.to_string()).as_deref(), Some(expect));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_real_pages_are_explained() {
    let recoloured = page("background:#c22", "", "one", "/a.svg");
    check(recoloured, [0, 0, 80, 30], None, "a.cta: background-color #0a7 -> #c22").await;
    let words = page("", "", "two", "/a.svg");
    check(words.clone(), [0, 50, 30, 16], None, "p:nth(1): text changed").await;
    check(words, [0, 72, 30, 16], None, "b.in: text changed").await;
    let picture = page("", "", "one", "/b.svg?x=secret-token");
    let captured = capture(std::slice::from_ref(&picture), 1.0).await;
    let json = serde_json::to_string(&captured[0].layout).unwrap();
    assert!(json.contains("/b.svg?~") && !json.contains("secret"), "{json}");
    let another = format!("img: another picture (/a.svg -> {})", {
        let at = json.find("/b.svg?~").unwrap();
        &json[at..at + "/b.svg?~".len() + 8]
    });
    check(picture, [0, 110, 60, 40], None, &another).await;
    let banner = page("", "<div class=banner style='height:42px'>sale</div>", "one", "/a.svg");
    check(banner.clone(), [0, 50, 400, 42], None, "element new: div.banner").await;
    let moved = "footer: moved 42 px down, because of element new: div.banner";
    check(banner, [0, 218, 400, 25], None, moved).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn layouts_are_small_and_repeatable() {
    let rows: String = (0..250)
        .map(|n| format!("<div class=row><b>n{n}</b><span>text <i>{n}</i></span></div>"))
        .collect();
    let body = format!(
        "<style>.row{{display:flex;padding:4px}}.row:nth-child(odd){{background:#eef}}</style>{rows}"
    );
    let captures = capture(&[body.clone(), body], 2.0).await;
    let [first, second] = [&captures[0].layout, &captures[1].layout];
    assert_eq!(first, second);
    let json = serde_json::to_string(first).unwrap();
    assert!(json.len() < 100_000, "{} bytes for {} elements", json.len(), first.len());
    assert_eq!(serde_json::from_str::<Layout>(&json).unwrap(), *first);
    assert!((1000..1010).contains(&first.len()), "{}", first.len());
    let whole = Rect { x: 0, y: 0, width: captures[0].width, height: captures[0].height };
    assert_eq!(Causes::between(first, second).explain(whole, None), None);
}
