//! The workspace's private folder, and the evidence in it, kept by content.

use std::path::{Path, PathBuf};

use crate::files::{make_folder, read, write_atomically};
use crate::{Digest, Error};

/// The folder of `gate.yaml`, with `.gate/` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// A workspace at this folder. Nothing is made until something is written.
    pub fn at(root: impl Into<PathBuf>) -> Workspace {
        Workspace { root: root.into() }
    }

    /// The folder that paths in reports are relative to.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `.gate`, where runs and evidence lie.
    pub fn private(&self) -> PathBuf {
        self.root.join(".gate")
    }

    /// Where the runs lie, one folder each.
    pub fn runs(&self) -> PathBuf {
        self.private().join("runs")
    }

    /// Makes `.gate` with a `.gitignore` of its own, once.
    pub fn prepare(&self) -> Result<(), Error> {
        let private = self.private();
        let ignore = private.join(".gitignore");
        make_folder(&private.join("store"))?;
        make_folder(&private.join("tmp"))?;
        if !ignore.exists() {
            write_atomically(&ignore, b"*\n", &private.join("tmp"))?;
        }
        Ok(())
    }

    /// The evidence of this workspace; its temporary files lie in `.gate/tmp`.
    pub fn store(&self) -> Store {
        Store::new(self.private().join("store"), self.private().join("tmp"))
    }

    /// `path` as it is shown: relative to the workspace where it lies inside, with `/`.
    pub fn shown(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/").replacen("//", "/", 1)
    }
}

/// Files by the digest of their content: `.gate/store/<blake3>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    folder: PathBuf,
    temporary: PathBuf,
}

impl Store {
    /// A store in `folder`, which writes by way of `temporary` on the same file system.
    pub fn new(folder: PathBuf, temporary: PathBuf) -> Store {
        Store { folder, temporary }
    }

    /// Where a file lies, or would.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    /// Keeps some bytes.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::of(bytes);
        let path = self.path(&digest);
        // A file of that name and length is whole: it came there by a rename.
        let there = path.metadata().is_ok_and(|found| found.len() == bytes.len() as u64);
        if !there {
            write_atomically(&path, bytes, &self.temporary)?;
        }
        Ok(digest)
    }

    /// The bytes of a file, which are checked against their digest.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let bytes = read(&self.path(digest))?;
        if Digest::of(&bytes) == *digest {
            return Ok(bytes);
        }
        Err(Error::new(format!("the stored file {} was altered", digest.short()))
            .hint("the verdict cannot be repeated from it; run the gate again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_an_altered_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        workspace.prepare().unwrap();
        let store = workspace.store();
        let digest = store.put(b"evidence").unwrap();
        assert_eq!(store.get(&digest).unwrap(), b"evidence");
        write_atomically(&store.path(&digest), b"evidencf", folder.path()).unwrap();
        let error = store.get(&digest).unwrap_err();
        assert!(error.message().ends_with("was altered"), "{error}");
        assert!(store.get(&Digest::of(b"never kept")).is_err());
    }

    #[test]
    fn paths_are_shown_relative_to_the_workspace() {
        let workspace = Workspace::at("/site");
        assert_eq!(workspace.shown(Path::new("/site/specs/a.yaml")), "specs/a.yaml");
        assert_eq!(workspace.shown(Path::new("/else/a.yaml")), "/else/a.yaml");
    }
}
