//! Files beside the one that is read.

use std::path::{Component, Path};

use crate::{Error, Result};

/// Reads a file that is named in another. It has to lie in the folder, or below it.
pub(super) fn beside(folder: Option<&Path>, name: &str) -> Result<Vec<u8>> {
    let folder = folder.ok_or_else(|| {
        Error::new(format!("it names the file {name}, and there is no folder to look for it in"))
    })?;
    let path = Path::new(name);
    let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    let whole = folder.join(path);
    // A link may lead out as well.
    let real = whole.canonicalize().ok().zip(folder.canonicalize().ok());
    let leads_out = real.is_some_and(|(file, folder)| !file.starts_with(folder));
    if !is_inside || name.is_empty() || leads_out {
        return Err(Error::new(format!("it names the file `{name}`, which is not beside it")));
    }
    crate::files::read(&whole)
}
