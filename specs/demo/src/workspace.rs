//! The demo's workspace: the files of `specs/demo`, carried in the binary.

use std::path::{Path, PathBuf};

use gate_core::{Error, files};

use crate::export;

/// Files of this folder, each with the path that it gets.
macro_rules! carried {
    ($($path:literal),* $(,)?) => {
        &[
            $((concat!("demo/", $path), include_str!(concat!("../", $path))),)*
            ("plugins/gate-links", include_str!("../../plugins/gate-links")),
        ]
    };
}

const FILES: &[(&str, &str)] = carried![
    "gate.yaml",
    "specs/pages.yaml",
    "specs/email.yaml",
    "specs/sign-up.yaml",
    "specs/links.yaml",
    "checks/sign_up.py",
    "specs/crm.yaml",
    "specs/site-api.yaml",
    "specs/speed.yaml",
    "specs/hero-results.yaml",
    "specs/crm.cassette/cassette.yaml",
    "specs/crm.cassette/endpoints/localhost_4002/GET_crm_v1_contacts-b38c0c2f.json",
    "specs/crm.cassette/endpoints/localhost_4002/GET_crm_v1_contacts_id-7ddbf7b2.json",
    "specs/crm.cassette/endpoints/localhost_4002/POST_crm_v1_contacts-4084774c.json",
    "checks/address_book.py",
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
    let folder = folder.join("demo");
    export::write(&folder, false)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn every_spec_of_the_demo_is_carried() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/specs");
        let mut open = vec![std::path::PathBuf::from(folder)];
        while let Some(inner) = open.pop() {
            for entry in std::fs::read_dir(inner).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                let carried = format!("demo/{}", name.display());
                let is_hidden = path.file_name().unwrap().to_str().unwrap().starts_with('.');
                if path.is_dir() {
                    open.push(path);
                } else {
                    assert!(is_hidden || FILES.iter().any(|(p, _)| *p == carried), "{carried}");
                }
            }
        }
    }
}
