//! Causes, on layouts written by hand: a line an element, indented by its depth.

use super::*;
use crate::layout::{Element, digest};

/// Reads lines such as `  p.a 0,40,300,20 "text" color=red src=/x.png`.
fn layout(text: &str) -> Layout {
    let mut made = Layout {
        properties: [
            "color",
            "background-color",
            "border-top-width",
            "border-top-color",
            "opacity",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..Layout::default()
    };
    let mut open: Vec<(usize, u32)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let depth = line.len() - line.trim_start().len();
        open.retain(|(at, _)| *at < depth);
        let parent = open.last().map_or(0, |(_, parent)| *parent);
        open.push((depth, made.elements.len() as u32));
        let mut words = line.split_whitespace();
        let name = string(&mut made, words.next().unwrap());
        let area: Vec<i32> = words.next().unwrap().split(',').map(|n| n.parse().unwrap()).collect();
        let mut element =
            Element { parent, name, area: area.try_into().unwrap(), text: 0, style: 0, source: 0 };
        let values = ["rgb(0, 0, 0)", "rgba(0, 0, 0, 0)", "0px", "rgb(0, 0, 0)", "1"];
        let mut style: Vec<u32> =
            (0..).zip(values).flat_map(|(at, v)| [at, string(&mut made, v)]).collect();
        for word in words {
            match word.split_once('=') {
                Some(("src", source)) => element.source = string(&mut made, source) + 1,
                Some((name, value)) => {
                    let at = made.properties.iter().position(|known| known == name).unwrap();
                    style[at * 2 + 1] = string(&mut made, &value.replace('_', ", "));
                }
                None => element.text = digest(word.as_bytes()),
            }
        }
        element.style = made.styles.len() as u32;
        made.styles.push(style);
        made.elements.push(element);
    }
    made
}

fn string(layout: &mut Layout, text: &str) -> u32 {
    if let Some(known) = layout.strings.iter().position(|known| known == text) {
        return known as u32;
    }
    layout.strings.push(text.to_owned());
    layout.strings.len() as u32 - 1
}

const PAGE: &str = "
html 0,0,400,400
 header 0,0,400,50
  a.cta 300,10,80,30 \"buy\" background-color=rgb(0_170_119)
 h1 0,50,400,40 \"hello\"
 p 0,90,400,20 \"one\"
 p 0,110,400,20 \"two\"
 img.hero 0,130,400,100 src=/a.png
 footer 0,300,400,100 \"end\"
";

fn check(change: impl Fn(&str) -> String, region: [u32; 4], expect: Option<&str>) {
    let after = change(PAGE);
    let [x, y, width, height] = region;
    let region = Rect { x, y, width, height };
    let got = Layout::explain(&layout(PAGE), &layout(&after), region, None);
    assert_eq!(got.map(|cause| cause.to_string()).as_deref(), expect, "{after}");
}

fn replaced(from: &'static str, to: &'static str) -> impl Fn(&str) -> String {
    move |page| {
        assert!(page.contains(from));
        page.replace(from, to)
    }
}

#[test]
fn what_became_of_an_element() {
    let green = "background-color=rgb(0_170_119)";
    let red = replaced(green, "background-color=rgb(204_34_34)");
    check(&red, [300, 10, 80, 30], Some("a.cta: background-color #0a7 -> #c22"));
    check(&red, [0, 300, 400, 9], None);
    let two = "background-color=rgb(1_2_3) color=rgb(255_255_255) opacity=0.5 border-top-width=1px";
    let many = "a.cta: color #000 -> #fff, background-color #0a7 -> #010203, border-top-width 0px \
        -> 1px and 1 more";
    check(replaced(green, two), [310, 20, 10, 10], Some(many));
    check(replaced("\"hello\"", "\"bye\""), [5, 55, 60, 30], Some("h1: text changed"));
    check(replaced("\"two\"", "\"2\""), [5, 112, 60, 10], Some("p:nth(2): text changed"));
    let picture = "img.hero: another picture (/a.png -> /b.png)";
    check(replaced("/a.png", "/b.png"), [0, 130, 400, 100], Some(picture));
    check(
        replaced(" p 0,90,400,20 \"one\"\n", ""),
        [0, 90, 90, 20],
        Some("element gone: p:nth(1)"),
    );
}

#[test]
fn what_is_new_and_what_that_moved() {
    let banner = |page: &str| {
        let moved = page
            .replace(" p 0,90,", " div.banner 0,90,400,42 \"sale\"\n  b 0,90,40,42\n p 0,132,")
            .replace(" p 0,110,", " p 0,152,")
            .replace("0,130,", "0,172,")
            .replace("0,300,", "0,342,");
        moved.replace("0,0,400,400", "0,0,400,442")
    };
    check(banner, [0, 90, 400, 42], Some("element new: div.banner"));
    let moved = "footer: moved 42 px down, because of element new: div.banner";
    check(banner, [0, 342, 400, 50], Some(moved));
    let wide = replaced("0,0,400,50", "0,0,380,50");
    check(wide, [0, 0, 100, 9], Some("header: resized"));
}

#[test]
fn what_is_inherited_belongs_to_the_ancestor() {
    let all = |page: &str| {
        let lines = page.lines().map(|line| match line.trim() {
            "" => String::new(),
            _ => format!("{line} color=rgb(17_17_17)"),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    check(all, [5, 55, 60, 30], Some("html: color #000 -> #111"));
    // A border that is not there has a colour all the same.
    let border = replaced("h1 0,50,400,40", "h1 0,50,400,40 border-top-color=rgb(1_1_1)");
    check(border, [5, 55, 60, 30], None);
}

#[test]
fn what_was_damaged_explains_nothing() {
    let good = layout(PAGE);
    let region = Rect { x: 0, y: 0, width: 400, height: 400 };
    let mut bad = layout(&PAGE.replace("hello", "bye"));
    assert!(Layout::explain(&good, &bad, region, None).is_some());
    bad.elements[3].parent = 7;
    assert_eq!(Layout::explain(&good, &bad, region, None), None);
    bad.elements[3].parent = 0;
    bad.elements[2].name = 999;
    assert_eq!(Layout::explain(&good, &bad, region, None), None);
    assert_eq!(Layout::explain(&good, &Layout::default(), region, None), None);
}

#[test]
fn values_as_they_are_shown() {
    for (value, shown) in [
        ("rgb(0, 170, 119)", "#0a7"),
        ("rgba(0, 0, 0, 0)", "transparent"),
        ("rgba(0, 0, 0, 0.5)", "#00000080"),
        ("rgb(1, 2, 3) 0px 4px", "#010203 0px 4px"),
        ("rgb(var", "rgb(var"),
        ("", "(nothing)"),
    ] {
        assert_eq!(short(value), shown);
    }
    assert_eq!(short(&"x".repeat(99)).chars().count(), SHOWN);
}
