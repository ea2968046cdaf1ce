use gate_core::spec::{Reading, SpecFile, With};

use super::backstop;
use crate::settings::{Settings, Source};

/// Imports a file, reads the spec as a run would, and gives both.
fn imported(json: &str) -> (String, Settings) {
    let imported = (backstop().import)(json.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let file = SpecFile::new("s.yaml".into(), "s.yaml".to_owned(), imported.spec.as_bytes());
    let none = |_: &str| None;
    let document = file.unwrap().documents(&none).remove(0);
    let document = document.unwrap_or_else(|error| panic!("{error}\n{}", imported.spec));
    let reading = Reading::expanding(&none);
    let with = With { node: &document.with, reading: &reading };
    let settings: Settings = with.read().unwrap_or_else(|error| {
        panic!("{}\n{}", document.diagnose(&error), imported.spec);
    });
    assert_eq!(settings.problems(), [], "{}", imported.spec);
    let left_out: String = imported.left_out.iter().map(|line| format!("- {line}\n")).collect();
    (format!("{}\nNot carried over:\n{left_out}", imported.spec), settings)
}

fn check(name: &str, json: &str) {
    let (text, _) = imported(json);
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

const FRESH: &str = include_str!("fresh.json");
const SHOP: &str = include_str!("shop.json");

#[test]
fn what_init_writes() {
    check("fresh", FRESH);
}

#[test]
fn a_grown_configuration() {
    check("shop", SHOP);
    let (_, settings) = imported(SHOP);
    let names: Vec<&str> = settings
        .pages
        .iter()
        .filter_map(|page| match &page.source {
            Source::Path { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["Home", "Search-results", "Cart-header", "Cart-total", "Cart", "Cart-2"]);
    assert_eq!(settings.look_of(1).steps.len(), 8);
    assert_eq!(settings.look_of(2).clip.unwrap().as_str(), "header");
    assert_eq!(settings.max_changed_of(1).to_string(), "2.5%");
}

#[test]
fn what_is_no_configuration() {
    let refused = |json: &str| match (backstop().import)(json.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(imported) => panic!("{}", imported.spec),
    };
    assert!(refused("module.exports = {}").starts_with("it is no JSON: "));
    assert_eq!(refused("[]"), "it is no JSON object");
    assert_eq!(refused("{\"scenarios\": []}"), "it has no scenarios");
    let nowhere = r#"{"scenarios": [{"label": "a"}, {"label": "b", "url": "ftp://x/"}]}"#;
    assert_eq!(
        refused(nowhere),
        "none of its scenarios can be carried over: a: it has no url; b: the address `ftp://x/`"
    );
    let recognises = backstop().recognises;
    assert!(recognises(FRESH.as_bytes()) && recognises(SHOP.as_bytes()));
    assert!(!recognises(b"{\"scenarios\": 1}") && !recognises(b"{\"log\": {}}"));
}

#[test]
fn no_text_gets_out_of_its_place() {
    let hostile = "a: b #\n---\ngate: command\u{1b}[2J \"'${HOME} - ] } ,";
    let hostile = hostile.replace("${HOME}", "");
    let scenario = |field: &str| {
        serde_json::json!({
            "id": hostile,
            "viewports": [{"label": hostile, "width": 5, "height": 5}],
            "scenarios": [{"label": hostile, "url": "http://a/", field: hostile}],
        })
    };
    for field in ["readySelector", "hideSelectors", "clickSelector", "selectors", "referenceUrl"] {
        let (text, settings) = imported(&scenario(field).to_string());
        assert_eq!(settings.pages.len(), 1, "{text}");
    }
    let variable = r#"{"scenarios": [{"label": "x", "url": "http://a/"},
        {"label": "y", "url": "http://a/b", "clickSelector": "${HOME}"}]}"#;
    let (text, settings) = imported(variable);
    assert_eq!(settings.pages.len(), 1);
    assert!(text.contains("y: it holds `${`"), "{text}");
}
