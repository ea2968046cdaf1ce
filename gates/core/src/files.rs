//! Writing files so that they are either whole or not there.
#![expect(clippy::disallowed_methods, reason = "the one place that writes files for the others")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::{Error, While};

/// Writes a file by way of a temporary one in `temporary`, which lies on the same file system:
/// written, flushed to the disk, renamed.
pub fn write_atomically(path: &Path, bytes: &[u8], temporary: &Path) -> Result<(), Error> {
    write_piecewise(path, temporary, |out| Ok(out.write_all(bytes)?))
}

/// The same with a file that is not in memory all at once. When `write` fails, nothing changes.
pub fn write_piecewise(
    path: &Path,
    temporary: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
) -> Result<(), Error> {
    let made = || -> Result<(), Error> {
        let mut file = tempfile::Builder::new().prefix("write-").tempfile_in(temporary)?;
        let mut out = BufWriter::new(&mut file);
        write(&mut out)?;
        out.flush()?;
        drop(out);
        file.as_file().sync_data()?;
        // Temporary files are private; what takes their place is as readable as any other file.
        set_ordinary_mode(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    made().while_doing(|| format!("writing {}", path.display()))
}

/// A folder in the making, under a name of its own until it is complete. Dropped before, it is
/// removed.
#[derive(Debug)]
pub struct Making(tempfile::TempDir);

impl Making {
    /// An empty one in this folder, named `.gate-...`.
    pub fn inside(folder: &Path) -> Result<Making, Error> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".gate-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // It takes its final place as it is.
            builder.permissions(fs::Permissions::from_mode(0o755));
        }
        let made = builder.tempdir_in(folder);
        Ok(Making(made.while_doing(|| format!("making a folder in {}", folder.display()))?))
    }

    /// Where it lies for now.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file whose folder is there already. It reaches the disk with [`Making::flush`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path().join(name);
        fs::write(&path, bytes).while_doing(|| format!("writing {}", path.display()))
    }

    /// Brings everything in it to the disk, at once: of many files each by itself takes long.
    pub fn flush(&self) -> Result<(), Error> {
        let flush = || -> std::io::Result<()> {
            #[cfg(target_os = "linux")]
            rustix::fs::syncfs(File::open(self.path())?)?;
            #[cfg(not(target_os = "linux"))]
            rustix::fs::sync();
            Ok(())
        };
        flush().while_doing(|| format!("writing {}", self.path().display()))
    }

    /// Makes it this folder, which is not there yet.
    pub fn take_place(self, place: &Path) -> Result<(), Error> {
        fs::rename(self.path(), place).while_doing(|| format!("making {}", place.display()))?;
        // It is not under its old name any more, so nothing is left to remove.
        let _ = self.0.keep();
        Ok(())
    }
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
