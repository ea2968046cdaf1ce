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
/// removed; one whose process was killed is removed by the next that is made beside it.
#[derive(Debug)]
pub struct Making {
    folder: tempfile::TempDir,
    /// Released by the kernel, however the process ends.
    _lock: File,
}

impl Making {
    /// An empty one in this folder, named `.gate-XXXXXX.part`.
    pub fn inside(folder: &Path) -> Result<Making, Error> {
        Making::swept(folder).while_doing(|| format!("making a folder in {}", folder.display()))
    }

    fn swept(folder: &Path) -> std::io::Result<Making> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_one = name.starts_with(Making::BEGINS) && name.ends_with(Making::ENDS);
            if is_one
                && entry.file_type()?.is_dir()
                && File::open(entry.path()).is_ok_and(|lock| lock.try_lock().is_ok())
            {
                // It is in nobody's way, so one that cannot be removed is left.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(Making::BEGINS).suffix(Making::ENDS);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // It takes its final place as it is.
            builder.permissions(fs::Permissions::from_mode(0o755));
        }
        loop {
            let folder = builder.tempdir_in(folder)?;
            let lock = File::open(folder.path())?;
            lock.lock()?;
            // Somebody may have taken it for a leftover before it was locked.
            if folder.path().exists() {
                return Ok(Making { folder, _lock: lock });
            }
        }
    }

    const BEGINS: &str = ".gate-";
    const ENDS: &str = ".part";

    /// Where it lies for now.
    pub fn path(&self) -> &Path {
        self.folder.path()
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
        let _ = self.folder.keep();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let first = Making::inside(folder.path()).unwrap();
        first.write("a", b"1").unwrap();
        // What was left by a process that is gone, and what is another's or nobody's of these.
        for name in [".gate-gone12.part", ".gate", ".gate-x", "x.part"] {
            make_folder(&folder.path().join(name)).unwrap();
        }
        let second = Making::inside(folder.path()).unwrap();
        assert!(first.path().join("a").is_file() && second.path().is_dir());
        assert_eq!(names(folder.path()).len(), 5);
        drop(second);
        first.flush().unwrap();
        first.take_place(&folder.path().join("whole")).unwrap();
        assert_eq!(names(folder.path()), [".gate", ".gate-x", "whole", "x.part"]);
        let mode = std::os::unix::fs::MetadataExt::mode;
        assert_eq!(mode(&folder.path().join("whole").metadata().unwrap()) & 0o700, 0o700);
    }

    #[test]
    fn what_cannot_be_written_to_the_end_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomically(&path, b"old", folder.path()).unwrap();
        let failed = write_piecewise(&path, folder.path(), |out| {
            out.write_all(b"new")?;
            Err(Error::new("no more").hint("try again"))
        });
        let error = failed.unwrap_err();
        assert!(error.message().ends_with("no more") && error.advice().is_some(), "{error}");
        assert_eq!((read(&path).unwrap(), names(folder.path()).len()), (b"old".to_vec(), 1));
    }
}
