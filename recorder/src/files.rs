//! Files that are whole or not there.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::{Error, Result};

/// What unfinished files begin with; a process that was killed may leave one behind.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Puts a file in place at once; its folder is made when it is missing.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let wrong = |error: std::io::Error| Error::file("writing", path, error);
    fs::create_dir_all(folder).map_err(wrong)?;
    let mut file =
        tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).map_err(wrong)?;
    file.write_all(bytes).map_err(wrong)?;
    put(file, path)
}

/// Puts a finished temporary file in place.
pub(crate) fn put(file: tempfile::NamedTempFile, path: &Path) -> Result<()> {
    let wrong = |error: std::io::Error| Error::file("writing", path, error);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private; what is put in place is like any other file of a checkout.
        let mode = fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(mode).map_err(wrong)?;
    }
    file.as_file().sync_all().map_err(wrong)?;
    file.persist(path).map_err(|error| wrong(error.error))?;
    Ok(())
}

/// Writes a file unless it has these bytes already; says whether it did.
pub(crate) fn write_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(false);
    }
    write(path, bytes).map(|()| true)
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error::file("reading", path, error))
}
