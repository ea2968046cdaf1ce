//! What a page may ask for, and where pages come from, in a real browser.

use serde_json::Value;

use crate::environment::Environment;
use crate::site::{Answer, Site, page};

/// What is asked for a page, and the JavaScript that is true only when that was done.
const ASKED: &[(&str, &str, &str)] = &[
    ("cookies", "cookies: { user: ada }", "document.cookie.includes('user=ada')"),
    ("headers", "headers: { x-stage: \"${secret:STAGE}\" }", "request.includes('open-sesame')"),
    ("storage", "storage: { consent: \"yes\" }", "localStorage.consent === 'yes'"),
    ("session", "session_storage: { seen: \"1\" }", "sessionStorage.seen === '1'"),
    ("click", "steps: [{ click: button }]", "done.click"),
    (
        "fill",
        "steps: [{ fill: { selector: input, text: \"${secret:STAGE}\" } }]",
        "document.querySelector('input').value.startsWith('open-sesame')",
    ),
    ("press", "steps: [{ press: { selector: input, key: Enter } }]", "done.key === 'Enter'"),
    ("hover", "steps: [{ hover: button }]", "done.hover"),
    ("scroll", "steps: [{ scroll: \"#end\" }]", "done.scroll > 500"),
    ("script", "steps: [{ script: \"done.script = 1; look()\" }]", "done.script"),
    (
        "order",
        "steps: [{ click: button }, { wait: { text: Thank you } }, { script: \"done.last = done.click; look()\" }]",
        "done.last",
    ),
    ("text", "wait: [{ text: Thank you }]", "done.thanks"),
    ("expression", "wait: [{ expression: done.thanks }, network-idle, fonts]", "done.thanks"),
    ("dark", "color_scheme: dark", "matchMedia('(prefers-color-scheme: dark)').matches"),
    ("motion", "reduced_motion: false", "!matchMedia('(prefers-reduced-motion: reduce)').matches"),
    ("locale", "locale: pt-BR", "navigator.language === 'pt-BR'"),
    (
        "zone",
        "time_zone: Asia/Tokyo",
        "Intl.DateTimeFormat().resolvedOptions().timeZone === 'Asia/Tokyo'",
    ),
    ("clock", "clock: 2030-06-01T12:00:00Z", "new Date().getFullYear() === 2030"),
    (
        "device",
        "devices: [iphone-15]",
        "navigator.userAgent.includes('iPhone') && innerWidth === 393 && devicePixelRatio === 3 \
         && matchMedia('(hover: none)').matches",
    ),
    (
        "turned",
        "viewports: [{ device: iPhone 15, landscape: true, scale: 1 }]",
        "innerWidth === 852 && devicePixelRatio === 1",
    ),
    ("clip", "clip: h1", "false"),
    ("mask", "mask: [\"#box\"]", "false"),
    ("remove", "remove: [\"#box\"]", "false"),
    ("hide", "hide: [\"#box\"]", "false"),
    ("limit", "max_changed: 50%", "false"),
    ("threshold", "threshold: 1", "false"),
];

/// A page whose box is green when the condition holds, and red when it does not.
fn asking(condition: &str) -> Answer {
    Answer::Echo(format!(
        "<!doctype html><meta name=viewport content='width=device-width'><title>x</title>\
         <style>#box {{ width: 80px; height: 80px }} #end {{ margin-top: 2000px }}</style>\
         <h1>Shop</h1><button>Menu</button><input><p id=said></p><div id=box></div>\
         <p id=end>The end</p><script>const request = `REQUEST`; const done = {{}};\
         function look() {{ document.getElementById('box').style.background =\
         ({condition}) ? 'green' : 'red'; }}\
         function on(target, type, name, value) {{ target.addEventListener(type, (event) =>\
         {{ done[name] = value(event); look(); }}); }}\
         const [button] = document.getElementsByTagName('button');\
         const [input] = document.getElementsByTagName('input');\
         on(button, 'click', 'click', () => true); on(button, 'mouseenter', 'hover', () => true);\
         on(input, 'keydown', 'key', (event) => event.key); on(input, 'input', 'input', () => true);\
         on(window, 'scroll', 'scroll', () => scrollY); on(document, 'DOMContentLoaded', 'x', () => 1);\
         setTimeout(() => {{ done.thanks = true; document.getElementById('said').textContent =\
         'Thank you'; look(); }}, 1500);</script>"
    ))
}

fn checks(report: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = report["gates"][0]["checks"].as_array().unwrap();
    checks.iter().map(|c| (text(&c["id"]), text(&c["verdict"]), text(&c["message"]))).collect()
}

#[test]
fn everything_that_is_asked_for_is_done() {
    let paths: Vec<String> = ASKED.iter().map(|(name, ..)| format!("/{name}")).collect();
    let site = |condition: &dyn Fn(usize) -> String| {
        let pages = paths.iter().enumerate().map(|(n, path)| (&**path, asking(&condition(n))));
        Site::serve(&pages.collect::<Vec<_>>())
    };
    let test = site(&|n| ASKED[n].2.to_owned());
    let live = site(&|_| "true".to_owned());
    let config = format!(
        "environments:\n  test: {{ url: \"{}\" }}\n  live: {{ url: \"{}\" }}\n\
         secrets: {{ STAGE: {{ env: STAGE }} }}\n",
        test.url, live.url
    );
    let spec = |settings: &dyn Fn(usize) -> String| {
        let pages: String = (0..ASKED.len())
            .map(|n| format!("    - path: {}\n{}", paths[n], settings(n)))
            .collect();
        format!("gate: visual\nname: asked\nwith:\n  against: live\n  pages:\n{pages}")
    };
    let asked = spec(&|n| format!("      {}\n", ASKED[n].1));
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/a.yaml", &asked)])
        .with("STAGE", "open-sesame-42");
    let run = || environment.gate(&["run", "--env", "test", "--json"]);
    let done = run();
    for (id, verdict, message) in checks(&done.json()) {
        assert_eq!(verdict, "pass", "{id}: {message}");
    }
    assert_eq!(done.code, 0, "{}", done.stderr);

    // Without what was asked for, every one of them differs: the pages tell the difference.
    environment.write("specs/a.yaml", &spec(&|_| String::new()));
    let plain = run();
    for (id, verdict, message) in checks(&plain.json()) {
        assert_eq!(verdict, "fail", "{id}: {message}");
    }
}

#[test]
fn what_cannot_be_done_is_no_picture() {
    let test = Site::serve(&[("/", page("#0a7", "Shop"))]);
    let check = |settings: &str, says: &str| {
        let config = format!("environments: {{ test: {{ url: \"{}\" }} }}\n", test.url);
        let spec = format!(
            "gate: visual\nname: a\nwith:\n  pages: [/]\n  page_timeout: 1s\n  {settings}\n"
        );
        let environment = Environment::new(&[("gate.yaml", &config), ("specs/a.yaml", &spec)]);
        let ended = environment.gate(&["run", "--json"]);
        assert_eq!(ended.code, 3, "{}{}", ended.stderr, ended.stdout);
        let found = checks(&ended.json());
        assert!(found[0].2.contains(says), "{}", found[0].2);
    };
    check("steps: [{ click: .cta }, { click: .none }]", "step 2 (click `.none`)");
    check("wait: [{ text: Thank you }]", "wait 1 for the text \"Thank you\"");
    check("clip: .none", "there is no `.none` to take the picture of");
    check("time_zone: Mars/Olympus", "time zone");
}

#[test]
fn the_pages_of_a_sitemap_are_split_over_shards() {
    let urls: String = ["/", "/about", "/pricing"]
        .map(|path| format!("<url><loc>https://www.shop.example{path}</loc></url>"))
        .concat();
    let listing = Answer::Page(format!("<urlset>{urls}</urlset>"));
    let pages = |colour| {
        [
            ("/sitemap.xml", listing.clone()),
            ("/", page("#0a7", "Shop")),
            ("/about", page(colour, "About")),
            ("/pricing", page("#0a7", "Pricing")),
        ]
    };
    let (test, live) = (Site::serve(&pages("#c22")), Site::serve(&pages("#0a7")));
    let config = format!(
        "environments:\n  test: {{ url: \"{}\" }}\n  live: {{ url: \"{}\" }}\n",
        test.url, live.url
    );
    let spec = "gate: visual\nname: all\nwith:\n  against: live\n  pages:\n    \
        - { sitemap: /sitemap.xml, exclude: [/pricing] }\n    - { path: /pricing, max_changed: 1% }\n";
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/a.yaml", spec)]);
    let mut runs = Vec::new();
    for part in ["1/2", "2/2"] {
        let ended = environment.gate(&["run", "--env", "test", "--shard", part, "--json"]);
        runs.push(ended.json()["run"].as_str().unwrap().to_owned());
    }
    let merged = environment.gate(&["merge", &runs[0], &runs[1], "--json"]);
    assert_eq!(merged.code, 1, "{}", merged.stderr);
    let found: Vec<(String, String)> =
        checks(&merged.json()).into_iter().map(|(id, verdict, _)| (id, verdict)).collect();
    let expected = [
        ("about-desktop-chromium", "fail"),
        ("home-desktop-chromium", "pass"),
        ("pricing-desktop-chromium", "pass"),
    ];
    assert_eq!(found, expected.map(|(id, verdict)| (id.to_owned(), verdict.to_owned())));

    // A list that is gone is no reason to pass.
    test.set("/sitemap.xml", Answer::Status(500, String::new()));
    let ended = environment.gate(&["run", "--env", "test", "--json"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    assert!(ended.stdout.contains("the site answers with status 500"), "{}", ended.stdout);
}

#[test]
fn a_browser_that_is_not_there_takes_nothing_from_the_others() {
    let site = Site::serve(&[("/", page("#0a7", "Shop"))]);
    let config = format!(
        "environments:\n  test: {{ url: \"{0}\" }}\n  live: {{ url: \"{0}\" }}\n",
        site.url
    );
    let run = |browsers: &str| {
        let spec = format!(
            "gate: visual\nname: a\nwith: {{ pages: [/], against: live, browsers: {browsers} }}\n"
        );
        let environment = Environment::new(&[("gate.yaml", &config), ("specs/a.yaml", &spec)]);
        let mut command = environment.command(&["run", "--env", "test", "--json"]);
        // A folder with Chromium and what its starting script needs, and no other browser.
        let folder = environment.path().join("bin");
        std::fs::create_dir(&folder).unwrap();
        for entry in std::fs::read_dir("/usr/bin").unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if !["firefox", "geckodriver", "Xvfb"].iter().any(|other| name.starts_with(other)) {
                let target = std::path::Path::new("/usr/bin").join(&name);
                std::os::unix::fs::symlink(target, folder.join(name)).unwrap();
            }
        }
        let ended = crate::environment::ended(command.env("PATH", folder).output().unwrap());
        assert_eq!(ended.code, 3, "{}{}", ended.stderr, ended.stdout);
        let ids: Vec<(String, String)> =
            checks(&ended.json()).into_iter().map(|(id, verdict, _)| (id, verdict)).collect();
        ids
    };
    let expected = [("home-desktop-chromium", "pass"), ("home-desktop-webkit", "inconclusive")];
    let expected = expected.map(|(id, verdict)| (id.to_owned(), verdict.to_owned()));
    assert_eq!(run("[chromium, webkit]"), expected);
    assert_eq!(run("[firefox]"), [("gate.error".to_owned(), "inconclusive".to_owned())]);
}

#[test]
fn local_files_need_no_site() {
    let mail = |colour: &str| format!("<!doctype html><h1 style='color:{colour}'>Welcome</h1>");
    let spec = "gate: visual\nname: mail\nwith:\n  pages: [{ file: ../mail/*.html }]\n";
    let environment = Environment::new(&[
        ("specs/mail.yaml", spec),
        ("mail/welcome.html", &mail("green")),
        ("mail/goodbye.html", &mail("blue")),
    ]);
    let run = || environment.gate(&["run", "--json"]);
    let first = run();
    assert_eq!(first.code, 3, "{}{}", first.stderr, first.stdout);
    let approve = ["approve", "--all", "--reason", "first", "--by", "Kim"];
    assert_eq!(environment.gate(&approve).code, 0);
    assert_eq!(run().code, 0);
    environment.write("mail/goodbye.html", &mail("red"));
    let changed = run();
    let verdicts: Vec<(String, String)> =
        checks(&changed.json()).into_iter().map(|(id, verdict, _)| (id, verdict)).collect();
    let expected =
        [("mail-goodbye-desktop-chromium", "fail"), ("mail-welcome-desktop-chromium", "pass")];
    assert_eq!(verdicts, expected.map(|(id, verdict)| (id.to_owned(), verdict.to_owned())));
}
