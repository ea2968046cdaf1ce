//! The demo's workspace: the files of `specs/demo`, carried in the binary.

use std::path::{Path, PathBuf};

use gate_core::{Error, files};

const FILES: &[(&str, &str)] = &[
    ("demo/gate.yaml", include_str!("../gate.yaml")),
    ("demo/specs/pages.yaml", include_str!("../specs/pages.yaml")),
    ("demo/specs/email.yaml", include_str!("../specs/email.yaml")),
    ("demo/specs/sign-up.yaml", include_str!("../specs/sign-up.yaml")),
    ("demo/specs/links.yaml", include_str!("../specs/links.yaml")),
    ("demo/checks/sign_up.py", include_str!("../checks/sign_up.py")),
    ("plugins/gate-links", include_str!("../../plugins/gate-links")),
];

/// Writes the files below `folder`, and returns the folder of `gate.yaml`. Runs and decisions
/// that are there from before stay.
pub(crate) fn make(folder: &Path) -> Result<PathBuf, Error> {
    for (path, text) in FILES {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        files::make_folder(parent)?;
        files::write_atomically(&path, text.as_bytes(), parent)?;
    }
    Ok(folder.join("demo"))
}

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn every_spec_of_the_demo_is_carried() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/specs");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = format!("demo/specs/{name}");
            assert!(!name.ends_with(".yaml") || FILES.iter().any(|(p, _)| *p == path), "{name}");
        }
    }
}
