//! Generated documents are snapshots that fail when they are stale.

use std::collections::BTreeMap;
use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "`make generate` asks for new files by a variable")]
fn hold(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("GATE_GENERATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{} is stale; run `make generate`", path.display());
}

#[test]
fn the_command_line_reference_is_fresh() {
    hold("docs/cli.md", &gate_harness::reference(&gate::cli()));
}

#[test]
fn the_schemas_are_fresh() {
    let schemas: BTreeMap<String, String> = gate_harness::schemas(&gate::cli());
    for (name, text) in &schemas {
        hold(&format!("specs/schema/{name}"), text);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/schema");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(schemas.contains_key(&name), "specs/schema/{name} belongs to no kind");
    }
}
