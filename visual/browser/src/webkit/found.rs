//! Where the browser is that comes with the library.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The `MiniBrowser` that comes with `WebKitGTK`, which is not on any `PATH`; the newest one.
pub fn minibrowser() -> Option<PathBuf> {
    let below = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let libraries = ["/usr/lib", "/usr/lib64", "/usr/libexec"].map(PathBuf::from);
    let mut found: Vec<PathBuf> = libraries
        .iter()
        .flat_map(|library| [vec![library.clone()], below(library)].concat())
        .flat_map(|folder| below(&folder))
        .filter(|folder| folder.file_name().is_some_and(is_webkit))
        .map(|folder| folder.join("MiniBrowser"))
        .filter(|program| program.is_file())
        .collect();
    found.sort();
    found.pop()
}

fn is_webkit(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with("webkit2gtk-4.")
}
