//! Promises about the shape of the workspace, held by looking at it.

use std::collections::BTreeSet;
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

fn metadata() -> Metadata {
    MetadataCommand::new()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .other_options(["--locked".to_owned(), "--offline".to_owned()])
        .exec()
        .or_else(|_| MetadataCommand::new().current_dir(env!("CARGO_MANIFEST_DIR")).exec())
        .unwrap()
}

/// Which of our crates each of our crates may depend on.
fn allowed(name: &str) -> &'static [&'static str] {
    match name {
        "gate-core" | "recorder" => &["redact"],
        "gate-arguments" | "gate-command" | "gate-request" | "gate-runs" => &["gate-core"],
        "demo-site" => &["gate-arguments", "gate-core"],
        "gate-harness" | "gate-pages" => &["gate-core", "gate-runs"],
        "gate-review" => &["gate-arguments", "gate-core", "gate-pages", "gate-runs"],
        "gate-api" => &["gate-arguments", "gate-core", "gate-request", "recorder", "redact"],
        "gate-experiment" => {
            &["bucketing", "dataset", "gate-arguments", "gate-core", "gate-pages", "stats"]
        }
        "gate-load" => &[
            "gate-arguments",
            "gate-browsers",
            "gate-core",
            "gate-pages",
            "gate-request",
            "load",
            "redact",
            "stats",
            "visual-browser",
        ],
        "gate-browsers" => &["gate-core", "visual-browser"],
        "gate-visual" => {
            &["gate-arguments", "gate-browsers", "gate-core", "visual-browser", "visual-diff"]
        }
        "gate" => &[
            "demo-site",
            "gate-api",
            "gate-command",
            "gate-core",
            "gate-experiment",
            "gate-harness",
            "gate-load",
            "gate-review",
            "gate-visual",
        ],
        _ => &[],
    }
}

#[test]
fn dependencies_point_one_way() {
    let metadata = metadata();
    let ours: BTreeSet<&str> =
        metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            if dependency.kind == DependencyKind::Development
                || !ours.contains(dependency.name.as_str())
            {
                continue;
            }
            let name = package.name.as_str();
            assert!(
                allowed(name).contains(&dependency.name.as_str()),
                "{name} may not depend on {}",
                dependency.name
            );
        }
    }
}

#[test]
fn there_is_one_tls_provider() {
    let metadata = metadata();
    let names: BTreeSet<&str> =
        metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let resolved: BTreeSet<String> = metadata
        .resolve
        .as_ref()
        .unwrap()
        .nodes
        .iter()
        .map(|node| metadata[&node.id].name.to_string())
        .collect();
    assert!(names.contains("ring"));
    for other in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "boring"] {
        assert!(!resolved.contains(other), "{other} is a second TLS provider");
    }
}

#[test]
fn every_built_in_kind_has_all_that_belongs_to_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kinds: BTreeSet<String> =
        gate::cli().registry().kinds().map(|kind| kind.gate().kind().to_owned()).collect();
    let caught: BTreeSet<&str> = demo_site::faults()
        .iter()
        .map(|fault| fault.caught_by.split_once('/').unwrap().0)
        .collect();
    for kind in &kinds {
        assert!(root.join(format!("specs/{kind}.yaml")).is_file(), "{kind} has no example spec");
        assert!(root.join(format!("specs/schema/{kind}.json")).is_file(), "{kind} has no schema");
        assert!(root.join(format!("gates/{kind}/Cargo.toml")).is_file(), "{kind} has no crate");
        let of_kind = std::fs::read_dir(root.join("specs/demo/specs"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| std::fs::read_to_string(path).unwrap())
            .filter(|text| text.contains(&format!("gate: {kind}\n")))
            .any(|text| caught.iter().any(|gate| text.contains(&format!("name: {gate}\n"))));
        assert!(of_kind, "{kind} has no fault in the demo");
    }
}

#[test]
fn tools_can_be_named_in_an_address_and_by_nobody_else() {
    let cli = gate::cli();
    let tools = cli.registry().tools();
    for gate_core::OfferedTool { kind, tool } in &tools {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(tool.id.chars().all(plain), "{kind}: {}", tool.id);
    }
    let mut registry = gate_core::Registry::default();
    registry.add(gate_visual::kind()).unwrap();
    let own = tools.iter().find(|offered| offered.kind == "visual").unwrap();
    let same = gate_command::kind().tool(own.tool.clone());
    let clash = registry.add(same).unwrap_err().to_string();
    assert!(clash.contains(own.tool.id), "{clash}");
}

#[test]
fn the_example_specs_are_right() {
    // Every spec of the workspace is read and validated before it turns out that none is chosen.
    let output = std::process::Command::new(crate::environment::GATE)
        .args(["run", "--name", "no-such-gate"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
}

/// The modules that may touch what clippy.toml bans, each for a reason that stands there.
const EXCEPTIONS: &[&str] = &[
    "gates/core/src/files.rs",
    "gates/core/src/protocol/serve.rs",
    "gates/harness/src/ambient.rs",
    "gates/harness/src/cli/print.rs",
    "gates/harness/src/cli/signals.rs",
];

#[test]
fn exceptions_from_the_bans_are_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    for top in ["gates", "load", "visual", "recorder", "specs/demo/src"] {
        collect(&root.join(top), &mut found);
    }
    let expect: BTreeSet<String> = EXCEPTIONS.iter().map(|&path| path.to_owned()).collect();
    let relative: BTreeSet<String> = found
        .into_iter()
        .map(|path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(relative, expect);
}

fn collect(folder: &Path, found: &mut BTreeSet<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" && name != "examples" && name != "target" {
            collect(&path, found);
        } else if name.ends_with(".rs") {
            // An attribute may stand on several lines.
            let text: String = std::fs::read_to_string(&path).unwrap().split_whitespace().collect();
            let lifts = ["disallowed_methods", "print_stdout", "print_stderr"]
                .iter()
                .any(|lint| text.contains(&format!("expect(clippy::{lint}")));
            if lifts {
                found.insert(path);
            }
        }
    }
}
