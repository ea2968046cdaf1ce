use gate_core::spec::{Reading, SpecFile, With};

use super::MetricSpec::{Oklab, Yiq};
use super::{BrowserSpec, ClockSpec, Selector, Settings};

/// Reads `with` as a run would; the error is the first mistake with its place and its hint.
fn read(with: &str) -> Result<Settings, String> {
    let indented: String = with.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!("gate: visual\nname: n\nwith:\n{indented}");
    let file = SpecFile::new("s.yaml".into(), "s.yaml".to_owned(), text.as_bytes()).unwrap();
    let vars = |name: &str| (name == "N").then(|| "7".to_owned());
    let document = file.documents(&vars).remove(0).unwrap();
    let reading = Reading::expanding(&vars);
    let said = |diagnosis: gate_core::spec::Diagnosis| {
        let hint = diagnosis.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{diagnosis}{hint}").replace("s.yaml:", "")
    };
    let settings: Settings = With { node: &document.with, reading: &reading }
        .read()
        .map_err(|error| said(document.diagnose(&error)))?;
    match settings.problems().first() {
        Some(problem) => Err(said(document.locate(problem))),
        None => Ok(settings),
    }
}

fn check(with: &str, expect: &str) {
    assert_eq!(read(with).unwrap_err(), expect, "{with}");
}

const EVERYTHING: &str = r##"
pages:
  - /
  - path: /search
    name: found
    viewports: [iphone-15, { device: Desktop HD, name: wide }]
    clip: main
    mask: [.ad]
    hide: ["#chat"]
    remove: [.cookie-banner]
    basic_auth: "ada:${secret:PREVIEW}"
    cookies: { session: "${secret:SESSION}", plain: a }
    headers: { x-preview: "${N}" }
    storage: { consent: "yes" }
    session_storage: { seen: "1" }
    steps:
      - click: .menu
      - fill: { selector: "#q", text: "${secret:QUERY}" }
      - press: Enter
      - press: { selector: "#q", key: Control+a }
      - hover: .nav
      - scroll: "#footer"
      - scroll: { y: 600 }
      - wait: { text: Thank you }
      - script: document.title = 'x'
    wait: [{ selector: .ready }, { gone: .spinner }, network-idle, fonts, { expression: window.ready }, 500ms]
    color_scheme: dark
    reduced_motion: false
    locale: pt-BR
    time_zone: America/Sao_Paulo
    clock: 2026-11-21T08:30:00Z
    threshold: 0.2
    metric: oklab
    count_antialiased: true
    max_changed: 1%
  - { sitemap: /sitemap.xml, include: [/blog/**], exclude: ["/blog/*/draft"], limit: 20, browsers: [chromium, firefox], viewports: [{ name: a, width: 320, height: 600 }] }
  - { storybook: /index.json, include: [button--*] }
  - { file: "mail/*.html" }
mask: [.clock]
hide: [.first]
cookies: { plain: b, other: c }
devices: [pixel-7]
wait: [fonts]
clock: real
"##;

#[test]
fn everything_that_a_page_may_ask_for() {
    let settings = read(EVERYTHING).unwrap();
    let look = settings.look_of(1);
    let names = |entry| {
        let windows = settings.look_of(entry).windows();
        windows.iter().map(|window| window.name.clone()).collect::<Vec<_>>()
    };
    // What is one wins, what is many is added.
    assert_eq!(names(1), ["iphone-15", "wide"]);
    assert_eq!(look.browsers(), [BrowserSpec::Chromium]);
    let both = [BrowserSpec::Chromium, BrowserSpec::Firefox];
    assert_eq!(settings.look_of(2).browsers(), both);
    let hidden: Vec<_> = look.hide.iter().map(Selector::as_str).collect();
    assert_eq!(hidden, [".first", "#chat"]);
    let cookies: Vec<_> = look.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(cookies, ["other=c", "plain=a", "session=${secret:SESSION}"]);
    assert_eq!(look.basic_auth.unwrap().to_string(), "ada:${secret:PREVIEW}");
    assert_eq!(look.headers["x-preview"].to_string(), "7");
    assert_eq!((look.steps.len(), look.wait.len()), (9, 7));
    assert!(matches!(look.clock, Some(ClockSpec::At(_))));
    assert_eq!(settings.comparing(1).threshold.to_string(), "0.2");
    assert_eq!([settings.comparing(0).metric, settings.comparing(1).metric], [Yiq, Oklab]);
    assert_eq!(settings.max_changed_of(1).to_string(), "1%");
    // The others have what the spec says.
    assert_eq!(names(0), ["pixel-7"]);
    let device = &settings.look_of(0).windows()[0];
    assert!(device.viewport.touch && device.user_agent.is_some());
    assert_eq!(settings.look_of(0).clock, Some(ClockSpec::Real));
    assert_eq!(settings.max_changed_of(0).to_string(), "0%");
    assert_eq!(read("pages: [/]").unwrap().look_of(0).windows()[0].name, "desktop");
}

#[test]
fn what_is_written_can_be_written_again() {
    let settings = read(EVERYTHING).unwrap();
    let json = serde_json::to_string(&settings).unwrap();
    let again: Settings = serde_json::from_str(&json).unwrap();
    assert_eq!(again, settings);
    let measured_by = settings.measured_by().to_string();
    assert!(!measured_by.contains("max_changed") && measured_by.contains("secret:SESSION"));
}

#[test]
fn mistakes_of_form_have_a_place() {
    check("pages: [pricing]", "4:11: the path `pricing` has to begin with one `/`");
    check("pages: [{pth: /}]", "4:12: unknown field `pth` (did you mean `path`?)");
    check(
        "pages: [/]\nhide: .chat",
        "5:9: expected a list, found the text `.chat` (a list of one is written `[.chat]`)",
    );
    check("pages: [{name: x}]", "4:11: the field `path` is missing");
    check(
        "pages: [{path: /, sitemap: /s.xml}]",
        "4:11: a page comes from one of `path`, `sitemap`, `storybook` and `file`; \
         write each as an entry of its own",
    );
    check("pages: [{file: /etc/x.html}]", "4:11: `/etc/x.html` is no path relative to the spec");
    check(
        "pages: [/]\nviewports: [iphone-51]",
        "5:15: no device is called `iphone-51`: did you mean `iphone-15`?",
    );
    check(
        "pages: [/]\nviewports: [{device: ipad, width: 5}]",
        "5:15: a device has its own width and height",
    );
    check("pages: [/]\nviewports: [{name: a, width: 5}]", "5:15: the field `height` is missing");
    check(
        "pages: [/]\nviewports: [{name: a/b, width: 5, height: 5}]",
        "5:15: `a/b` cannot name a viewport: use up to 80 letters, digits, `-` and `_`",
    );
    check(
        "pages: [/]\nviewports: [{name: a, width: 0, height: 5}]",
        "5:32: a window's side lies between 1 and 10000, not at 0",
    );
    check(
        "pages: [/]\nbrowsers: [safari]",
        "5:14: `safari` is not one of `chromium`, `firefox`, `webkit`",
    );
    check("pages: [/]\nhide: [\" \"]", "5:10: an empty selector matches nothing");
    check("pages: [/]\nlocale: german!", "5:11: `german!` is no language such as `de` or `pt-BR`");
}

#[test]
fn mistakes_in_steps_and_waits_have_a_place() {
    let steps = |text: &str| format!("pages: [/]\nsteps:\n  - {text}");
    check(&steps("clik: .a"), "6:7: unknown field `clik` (did you mean `click`?)");
    check(&steps("click"), "6:7: a step is a mapping, such as `click: .menu`");
    check(
        &steps("{ click: .a, hover: .b }"),
        "6:7: a step does one thing, such as `click: .menu`; write `click` and `hover` as two",
    );
    check(&steps("{}"), "6:7: a step does one thing, such as `click: .menu`");
    check(&steps("fill: { selector: .a }"), "6:13: the field `text` is missing");
    check(&steps("scroll: { x: 5, y: low }"), "6:26: expected u32, found the text `low`");
    check(
        &steps("click: \"${secret:X}\""),
        "6:14: a secret (`${secret:X}`) cannot stand here \
         (secrets go where headers, cookies and credentials are set)",
    );
    let waits = |text: &str| format!("pages: [/]\nwait:\n  - {text}");
    check(
        &waits(".ready"),
        "6:7: `.ready` is neither `network-idle`, `fonts` nor a time such as `500ms`; \
         an element is waited for by `selector: .ready`",
    );
    check(
        &waits("500"),
        "6:7: expected `network-idle`, `fonts`, a time such as `500ms`, \
         or a mapping such as `selector: .ready`, found the number `500`",
    );
    check(
        &waits("5 weeks"),
        "6:7: `5 weeks` is not a duration such as `250ms`, `30s`, `2m` or `1h`",
    );
    check(&waits("{ selectr: .a }"), "6:9: unknown field `selectr` (did you mean `selector`?)");
}

#[test]
fn what_a_browser_cannot_do_has_a_place() {
    let or = "(leave it out, or firefox out of `browsers`)";
    check(
        "pages: [{path: /, color_scheme: dark}]\nbrowsers: [firefox]",
        &format!("4:35: firefox cannot be asked for dark colours {or}"),
    );
    check(
        "pages: [/, {path: /a, browsers: [firefox]}]\nreduced_motion: false",
        &format!("5:19: firefox is always asked to move little {or}"),
    );
    check(
        "pages: [/]\nbrowsers: [firefox]\nbasic_auth: \"a:b\"",
        &format!("6:15: firefox takes no user and password {or}"),
    );
    let held = "cannot pass for what is held in a hand: give a name, width and height";
    check(
        "pages: [/]\nbrowsers: [chromium, firefox]\ndevices: [desktop-hd, iphone-15]",
        &format!("6:25: firefox {held} {or}"),
    );
    let or = "(leave it out, or webkit out of `browsers`)";
    check(
        "pages: [/]\nbrowsers: [webkit]\nviewports: [{name: a, width: 320, height: 600, scale: 2}]",
        &format!("6:15: webkit has one pixel for each CSS pixel, and no other `scale` {or}"),
    );
    check(
        "pages: [/]\nbrowsers: [webkit]\nviewports: [{name: a, width: 99, height: 600}]",
        &format!("6:15: webkit has windows of 100 to 4096 pixels a side {or}"),
    );
    check(
        "pages: [/]\nbrowsers: [webkit]\nlocale: de\ntime_zone: UTC",
        &format!("6:11: webkit speaks English alone {or}"),
    );
    check(
        "pages: [/]\nbrowsers: [webkit]\ntime_zone: Asia/Tokyo",
        &format!("6:14: webkit lives in UTC alone {or}"),
    );
    let steps = "can only scroll, wait and run scripts as steps";
    check(
        "pages: [/]\nbrowsers: [webkit]\nsteps: [{scroll: {y: 5}}, {click: a}]",
        &format!("6:10: webkit {steps} {or}"),
    );
    read("pages: [/]\nbrowsers: [webkit]\ncolor_scheme: dark\nclock: 2026-11-21T08:30:00Z")
        .unwrap();
    let fits = "pages: [{path: /, browsers: [chromium], color_scheme: dark}]\nbrowsers: [firefox]";
    read(fits).unwrap();
}

#[test]
fn mistakes_of_meaning_have_a_place() {
    check(
        "pages: [/a, /a/]",
        "4:15: a second page is called `a` (give it a name: { path: ..., name: ... })",
    );
    check("pages: []", "4:10: there is no page (write a path: [/])");
    check("pages: [/]\nviewports: []", "5:14: there is no viewport");
    check("pages: [/]\nbrowsers: [webkit, webkit]", "5:22: webkit is there twice");
    check("pages: [{path: /, devices: [ipad, IPad]}]", "4:37: a second viewport is called `ipad`");
    check(
        "pages: [{sitemap: /s.xml, name: x}]",
        "4:35: the pages of a list are named by their paths \
         (to name one of them, write it as an entry of its own)",
    );
    check("pages: [{path: /, limit: 5}]", "4:28: a single page has nothing to choose from");
    check(
        "pages: [{file: a.html}]\nagainst: live",
        "4:18: a local file is the same whatever it is compared with \
         (compare files with approved pictures, in a gate of their own)",
    );
    check(
        "pages: [{file: a.html, storage: {a: b}}]",
        "4:35: a local file is not asked for over the network",
    );
    check("pages: [/]\ncookies: {\"a b\": c}", "5:20: `a b` cannot name a cookie");
}
