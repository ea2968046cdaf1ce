//! Writing files so that they are either whole or not there.
#![expect(clippy::disallowed_methods, reason = "the one place that writes files for the others")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::{Error, While};

/// Writes a file by way of a temporary one in `temporary`, which lies on the same file system:
/// written, flushed to the disk, renamed.
pub fn write_atomically(path: &Path, bytes: &[u8], temporary: &Path) -> Result<(), Error> {
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix("write-").tempfile_in(temporary)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        // Temporary files are private; what takes their place is as readable as any other file.
        set_ordinary_mode(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().while_doing(|| format!("writing {}", path.display()))
}

#[cfg(unix)]
fn set_ordinary_mode(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).while_doing(|| format!("making the folder {}", path.display()))
}

/// Opens a file for writing at its end, and makes it when it is not there.
pub fn open_for_append(path: &Path) -> Result<File, Error> {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .while_doing(|| format!("opening {}", path.display()))
}

/// Opens a file to be locked, and makes it when it is not there.
pub fn open_for_lock(path: &Path) -> Result<File, Error> {
    File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .while_doing(|| format!("opening {}", path.display()))
}

/// Reads a file whole.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).while_doing(|| format!("reading {}", path.display()))
}

/// Reads a file whole, or nothing when there is no such file.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).while_doing(|| format!("reading {}", path.display())),
    }
}
