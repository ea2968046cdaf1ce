//! `gate import`: a file of another tool becomes a spec.

use crate::environment::Environment;
use crate::site::{Answer, Site};

const BACKSTOP: &str = r##"{
    "id": "shop",
    "viewports": [{ "label": "phone", "width": 320, "height": 480 }],
    "onReadyScript": "puppet/onReady.js",
    "scenarios": [
        { "label": "Front page", "url": "https://shop.example/", "hideSelectors": ["#chat"] },
        { "label": "Cart", "url": "https://shop.example/cart", "clickSelector": ".more" }
    ]
}"##;

#[test]
fn a_backstop_configuration_becomes_a_spec_that_runs() {
    let environment = Environment::new(&[
        ("gate.yaml", "environments: { test: { url: \"http://localhost:1\" } }\n"),
        ("backstop.json", BACKSTOP),
    ]);
    let out = ["import", "backstop.json", "--out", "specs/shop.yaml"];
    let ended = environment.gate(&out);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("not carried over: onReadyScript puppet/onReady.js"));
    let spec = std::fs::read_to_string(environment.path().join("specs/shop.yaml")).unwrap();
    let head = "# Imported from backstop.json (backstop).\n#\n# Not carried over:\n#   - onReady";
    assert!(spec.starts_with(head), "{spec}");
    assert!(spec.contains(
        "    - path: /cart\n      name: Cart\n      steps:\n        - click: \".more\"\n"
    ));

    let listed = environment.gate(&["list", "--json"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert!(listed.stdout.contains("\"shop\""), "{}", listed.stdout);

    // The same to standard output, and nothing is replaced.
    let shown = environment.gate(&["import", "backstop", "backstop.json"]);
    assert_eq!((shown.code, shown.stdout), (0, spec));
    let again = environment.gate(&out);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("specs/shop.yaml is there already"), "{}", again.stderr);
}

#[test]
fn what_cannot_be_imported() {
    let environment = Environment::new(&[("notes.txt", "hello"), ("backstop.json", BACKSTOP)]);
    let check = |arguments: &[&str], says: &str| {
        let ended = environment.gate(&[&["import"], arguments].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    };
    check(&["notes.txt"], "this is no file of a format that is known here");
    check(&["backstop", "notes.txt"], "notes.txt cannot be imported as backstop: it is no JSON");
    check(&["bakstop", "backstop.json"], "did you mean `backstop`?");
    check(&["none.json"], "reading ");
    check(&[], "required");
    let help = environment.gate(&["import", "--help"]);
    assert!(help.stdout.contains("the configuration of BackstopJS"), "{}", help.stdout);
}

#[test]
fn a_page_becomes_a_visit_with_what_a_browser_loads() {
    let page = "<!doctype html><title>t</title><h1>Spring</h1><img src=/a.svg>\
         <script>setTimeout(() => fetch('/late'), 200)</script>";
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";
    let site = Site::serve(&[
        ("/spring?token=x1y2", Answer::Page(page.to_owned())),
        ("/a.svg", Answer::Svg(svg.to_owned())),
        ("/late", Answer::Page("more".to_owned())),
    ]);
    let environment = Environment::new(&[(
        "gate.yaml",
        &format!("environments: {{ test: {{ url: \"{}\" }} }}\n", site.url),
    )]);
    let url = format!("{}/spring?token=x1y2", site.url);
    let ended = environment.gate(&["import", "page", &url, "--out", "specs/spring.yaml"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let spec = environment.all_of("specs/spring.yaml");
    let head = format!("# Imported from {}/spring (page).\n", site.url);
    assert!(spec.starts_with(&head), "{spec}");
    for part in ["gate: load", "- get: /a.svg", "- get: /late\n", "wait: "] {
        assert!(spec.contains(part), "{part}: {spec}");
    }
    let listed = environment.gate(&["list", "--json"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);

    // An address needs no format; what is none, or is answered badly, is said.
    let bare = environment.gate(&["import", &url]);
    assert!(bare.code == 0 && bare.stdout.contains("- get: /a.svg"), "{}", bare.stderr);
    let says = |words: &[&str], said: &str| {
        let ended = environment.gate(&[&["import"], words].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    };
    says(&["page", &format!("{}/gone", site.url)], "the page was answered 404");
    says(&["har", &url], "`har` is read from a file, and this is an address");
    says(&["page", "shop.example"], "`shop.example` is no address");
}
