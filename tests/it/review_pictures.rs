//! Pictures that are hard to show: very large ones, shifts in one column, blocks that have moved,
//! masks; and blinking for those who want less motion.

use std::io::Cursor;

use serde_json::{Value, json};

use crate::environment::Environment;
use crate::review_browser::{Browser, ESCAPE};
use crate::reviewing::Review;
use crate::shifts::site::{self as edited, PAGES};
use crate::site::{Answer, Site};

/// A workspace whose last run compares pages with what they were before these edits of them: a path,
/// the page, and the page after the edit. `with` is the rest of the settings.
fn edited(pages: &[(&str, String, String)], with: &str) -> Environment {
    let as_was: Vec<(&str, Answer)> =
        pages.iter().map(|(path, old, _)| (*path, Answer::Page(old.clone()))).collect();
    let site = Site::serve(&as_was);
    let paths: Vec<&str> = pages.iter().map(|(path, ..)| *path).collect();
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", site.url);
    let spec =
        format!("gate: visual\nname: shop\nwith: {{ pages: [{}], {with} }}\n", paths.join(", "));
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/shop.yaml", &spec)]);
    let ended = environment.gate(&["run"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let ended = environment.gate(&["approve", "--all", "--reason", "first", "--by", "Ada"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for (path, _, new) in pages {
        site.set(path, Answer::Page(new.clone()));
    }
    let ended = environment.gate(&["run"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stderr, ended.stdout);
    environment
}

const DESK: &str = "viewports: [{ name: desk, width: 900, height: 700 }]";

/// One of the pages of the test of shifts, before and after an edit.
fn page(name: &'static str, edit: &str) -> (&'static str, String, String) {
    let (path, body) = match name {
        "sidebar" => ("/sidebar", PAGES[2].1),
        _ => ("/article", PAGES[1].1),
    };
    (path, edited::page(body, ""), edited::page(body, edit))
}

/// How many pixels of the diff image have the red of what has changed.
const RED: &str = "(async () => {
  const { pictures, diff } = gate.viewer.scene;
  const image = new Image();
  image.src = pictures.diff.url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  let red = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] === 0xe0 && data[at + 1] === 0 && data[at + 2] === 0x38) red += 1;
  }
  return red;
})()";

#[test]
fn a_shift_in_one_column_and_a_moved_block_are_gaps_and_the_rest_is_not_red() {
    let pages = [page("sidebar", "banner"), page("article", "moved"), page("article", "button")];
    let check = |page: &(&str, String, String), kind: &str, gaps: [u64; 2]| {
        let environment = edited(std::slice::from_ref(page), DESK);
        let review = Review::of(&environment);
        let browser = Browser::at(&review);
        browser.keys("4");
        browser.until("document.querySelectorAll('.pane').length === 2");
        let kinds = browser.get("gate.changes.all.map(({ kind }) => kind)");
        assert_eq!(kinds, json!([kind]), "{page:?}");
        let red = browser.wait_for(RED).as_u64().unwrap();
        assert_eq!(red > 0, kind == "recoloured", "{kind}: {red} pixels are red");
        let found = browser.get(
            "['.baseline', '.candidate'].map((layer) => \
             document.querySelectorAll(`${layer} .gap`).length)",
        );
        assert_eq!(found, json!(gaps), "{kind}");
        (browser.get("gate.changes.all[0]"), browser.get("gate.viewer.scene.map.width"))
    };
    let (banner, wide) = check(&pages[0], "inserted", [1, 0]);
    assert!(banner["width"].as_f64() < wide.as_f64().map(|wide| wide * 0.8), "{banner}");
    assert_eq!(banner["height"], json!(42));
    let (block, _) = check(&pages[1], "moved", [1, 1]);
    // What has changed places with it may be said to have moved instead.
    assert_ne!(block["from"], block["y"], "{block}");
    check(&pages[2], "recoloured", [0, 0]);
}

#[test]
fn what_was_left_out_is_shown_when_asked_for() {
    let clock = |time: &str, colour: &str| {
        format!(
            "<!doctype html><title>x</title><style>body {{ margin: 40px; font: 16px sans-serif }} \
             #clock {{ width: 200px; height: 50px; background: #def }}</style>\
             <div id=clock>{time}</div><h1 style='color: {colour}'>Opening hours</h1>"
        )
    };
    let page = ("/", clock("10:15", "#0a7a5a"), clock("10:16", "#c22020"));
    let environment = edited(&[page], &format!("{DESK}, mask: ['#clock']"));
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    let pressed = |is: bool| {
        let found = browser.get("document.getElementById('masks').getAttribute('aria-pressed')");
        assert_eq!(found, json!(is.to_string()));
    };
    assert_eq!(browser.get("document.querySelectorAll('.mask').length"), 0);
    pressed(false);
    for press in ["the key", "the button"] {
        let toggle = || match press {
            "the key" => browser.keys("m"),
            _ => browser.click("#masks"),
        };
        toggle();
        browser.until("document.querySelectorAll('.mask').length === 1");
        pressed(true);
        let place = browser.get(
            "(({ left, top, width, height }) => [left, top, width, height]) \
             (document.querySelector('.mask').style)",
        );
        assert_eq!(place, json!(["40px", "40px", "200px", "50px"]));
        // A link to it shows the same.
        assert_eq!(browser.get("location.hash.includes('masks=1')"), true);
        toggle();
        browser.until("!document.querySelector('.mask')");
        pressed(false);
    }
    // What the mask covers has changed, and is neither a change nor red.
    let title = browser.text("#changes");
    assert!(title.starts_with("1 ") && title.contains("h1"), "{title}");
}

/// How long it takes until what blinks has turned twice, in milliseconds.
const TURN_MS: &str = "new Promise((resolve) => {
  const times = [];
  new MutationObserver((_, observer) => {
    times.push(performance.now());
    if (times.length < 2) return;
    observer.disconnect();
    resolve(times[1] - times[0]);
  }).observe(document.querySelector('.layer.candidate'), { attributeFilter: ['hidden'] });
})";

#[test]
fn blinking_is_slow_for_whoever_wants_less_motion_and_can_be_stopped() {
    let environment = edited(&[page("article", "button")], DESK);
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    let turn = || {
        browser.keys("1");
        browser.until("document.querySelector('.layer.diff')");
        browser.keys("7");
        browser.until("document.querySelector('#view-control .pause')");
        browser.wait_for(TURN_MS).as_f64().unwrap()
    };
    let fast = turn();
    assert!((500.0..2000.0).contains(&fast), "{fast}");
    browser.click(".pause");
    let quiet = "new Promise((resolve) => { const see = new MutationObserver(() => resolve(false)); \
        see.observe(document.querySelector('.layer.candidate'), { attributeFilter: ['hidden'] }); \
        setTimeout(() => resolve(true), 1600); })";
    assert_eq!(browser.wait_for(quiet), true);
    browser.prefers("reduced-motion", "reduce");
    let slow = turn();
    assert!(slow > 2000.0, "{slow}");
}

/// A page that is as large as pages get, with a small change at the very bottom.
fn large(colour: &str) -> String {
    format!(
        "<!doctype html><title>Large</title><style>body {{ margin: 0; height: 10728px; \
         position: relative; background: #f4f1ea }} div {{ position: absolute; left: 3000px; \
         top: 10400px; width: 200px; height: 60px; background: {colour} }} i {{ position: absolute; \
         left: 200px; top: 300px; width: 300px; height: 80px; background: {colour} }}\
         </style><i></i><div></div>"
    )
}

/// The colour in the middle of the change that is looked at, as it is on the screen.
fn painted(browser: &Browser) -> Option<[u8; 3]> {
    let at = browser.get(
        "(({ left, top, width, height }) => [left + width / 2, top + height / 2]) \
         (document.querySelector('.box.current').getBoundingClientRect())",
    );
    let png = browser.screenshot();
    let mut decoder = png::Decoder::new(Cursor::new(&png));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let place = |value: &Value| value.as_f64().unwrap() as usize;
    let start = place(&at[1]) * info.line_size + place(&at[0]) * info.color_type.samples();
    pixels.get(start..start + 3)?.try_into().ok()
}

#[test]
fn a_very_large_picture_is_looked_at_in_every_view() {
    let size = "viewports: [{ name: wall, width: 3446, height: 1000 }]";
    let environment = edited(&[("/", large("#0a7a5a"), large("#c22020"))], size);
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    let sizes = browser
        .get("['baseline', 'candidate'].map((name) => gate.viewer.scene.pictures[name].size)");
    let size = json!({ "width": 3446, "height": 10728 });
    assert_eq!(sizes, json!([size, size]));
    browser.get(
        "window.longest = 0, new PerformanceObserver((list) => { for (const { duration } of \
         list.getEntries()) window.longest = Math.max(window.longest, duration); }) \
         .observe({ type: 'longtask', buffered: true })",
    );
    let (old, new) = ([0x0a, 0x7a, 0x5a], [0xc2, 0x20, 0x20]);
    for (key, expect) in [
        ("1", None),
        ("2", Some(old)),
        ("3", Some(new)),
        ("4", None),
        ("5", None),
        ("6", None),
        ("7", None),
    ] {
        browser.keys(key);
        browser.keys(" ");
        browser.until("gate.camera.fitted");
        for region in ["1", "2"] {
            browser.keys("n");
            browser.until(&format!(
                "[...document.querySelectorAll('.box.current')].length && \
                 [...document.querySelectorAll('.box.current')].every((box) => {{ \
                 const [inner, outer] = [box, box.closest('.pane-view')] \
                     .map((one) => one.getBoundingClientRect()); \
                 return box.dataset.at === '{region}' && inner.width >= 30 && \
                     inner.left >= outer.left && inner.right <= outer.right && \
                     inner.top >= outer.top && inner.bottom <= outer.bottom; }})",
            ));
        }
        // Pictures are decoded beside the page: it is on the screen soon, and not at once.
        let shown = |expect: [u8; 3]| (0..100).any(|_| painted(&browser) == Some(expect));
        assert!(expect.is_none_or(shown), "view {key} shows {:?}", painted(&browser));
        let zoom = browser.get("gate.camera.zoom").as_f64().unwrap();
        browser.keys("++");
        assert!(browser.get("gate.camera.zoom").as_f64().unwrap() > zoom * 1.4, "view {key}");
        browser.keys(ESCAPE);
    }
    let longest = browser.get("window.longest").as_f64().unwrap();
    println!("the page was busy for {longest} ms at the longest");
    assert!(longest < 1000.0, "the page did not answer for {longest} ms");
}
