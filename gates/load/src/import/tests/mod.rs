use gate_core::spec::{Reading, SpecFile, With};

use super::*;

/// Imports a file, reads the specs as a run would, and gives them with what was left out.
fn imported(importer: &Importer, text: &str) -> String {
    assert!((importer.recognises)(text.as_bytes()));
    let imported = (importer.import)(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let file = SpecFile::new("s.yaml".into(), "s.yaml".to_owned(), imported.spec.as_bytes());
    let none = |_: &str| None;
    for document in file.unwrap().documents(&none) {
        let document = document.unwrap_or_else(|error| panic!("{error}\n{}", imported.spec));
        let reading = Reading::expanding(&none);
        let with = With { node: &document.with, reading: &reading };
        let settings: Settings = with.read().unwrap_or_else(|error| {
            panic!("{}\n{}", document.diagnose(&error), imported.spec);
        });
        assert_eq!(settings.problems(), [], "{}", imported.spec);
    }
    let left_out: String = imported.left_out.iter().map(|line| format!("- {line}\n")).collect();
    format!("{}\nNot carried over:\n{left_out}", imported.spec)
}

/// Placeholders are others each time.
fn fixed(text: &str) -> String {
    let mut parts = text.split("redacted-secret-");
    let first = parts.next().unwrap_or_default().to_owned();
    let behind = |part: &str| part.trim_start_matches(|c: char| c.is_ascii_hexdigit()).to_owned();
    parts.fold(first, |text, part| text + "redacted-secret-X" + &behind(part))
}

fn check(name: &str, importer: &Importer, text: &str) {
    let all = [har(), k6(), openapi()];
    let knowing = all.iter().filter(|one| (one.recognises)(text.as_bytes()));
    assert_eq!(knowing.map(|one| one.format).collect::<Vec<_>>(), [importer.format]);
    let text = fixed(&imported(importer, text));
    assert!(!text.contains("ghp_") && !text.contains("secret-of-kim"), "{text}");
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn what_a_browser_loaded() {
    check("har", &har(), include_str!("shop.har"));
}

#[test]
fn the_options_of_a_script() {
    check("k6-script", &k6(), include_str!("script.js"));
    let flat = r#"{"vus": 10, "duration": "30s", "thresholds": {"http_reqs": ["rate>100"]}}"#;
    check("k6-flat", &k6(), flat);
}

#[test]
fn the_paths_of_a_document() {
    check("openapi", &openapi(), include_str!("shop.openapi.yaml"));
}

#[test]
fn what_cannot_be_imported_is_told() {
    let refused = |importer: Importer, text: &str, why: &str| {
        let error = (importer.import)(text.as_bytes()).err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
    };
    refused(har(), "[]", "no log.entries");
    refused(har(), r#"{"log": {"entries": [{"request": 7}]}}"#, "no page that was answered well");
    refused(k6(), "import http from 'k6/http';", "exports no `options`");
    refused(k6(), "export const options = makeOptions(1);", "are no object");
    refused(openapi(), "openapi: 3.1.0\npaths: {}\n", "no path that can be asked");
    refused(openapi(), "{", "neither JSON nor YAML");
}
