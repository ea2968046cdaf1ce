//! Stored runs: finding them, carrying them elsewhere, and pruning old ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gate_core::{
    Attempt, Digest, Error, Observation, Report, RunFolder, RunRecord, Store, While, Workspace,
    files, is_run_id,
};
use tempfile::TempDir;

/// A stored run, wherever it lies.
pub struct Stored {
    /// Its folder.
    pub folder: RunFolder,
    /// The evidence that it rests on.
    pub store: Store,
    /// What it recorded.
    pub record: RunRecord,
    /// Keeps an unpacked bundle for as long as it is in use.
    _unpacked: Option<TempDir>,
}

impl Stored {
    /// Finds a run: an id, `last`, a run's folder, or a bundle as a folder or a zip file.
    pub fn find(workspace: &Workspace, from: &Path, name: &str) -> Result<Stored, Error> {
        if name == "last" {
            let last = ids(workspace).pop().ok_or_else(|| {
                Error::new("there is no run yet").hint("start one with `gate run`")
            })?;
            return Stored::open(&workspace.runs().join(last), workspace.store(), None);
        }
        if is_run_id(name) && workspace.runs().join(name).is_dir() {
            return Stored::open(&workspace.runs().join(name), workspace.store(), None);
        }
        let path = from.join(name);
        if path.is_dir() {
            let (folder, store) = if path.join("store").is_dir() {
                (path.clone(), path.join("store"))
            } else {
                // A run's own folder: `.gate/runs/ID`.
                (path.clone(), path.join("../../store"))
            };
            return Stored::open(&folder, Store::new(store, workspace.private().join("tmp")), None);
        }
        if path.is_file() {
            let unpacked = unpack(workspace, &path)?;
            let store = Store::new(unpacked.path().join("store"), workspace.private().join("tmp"));
            let folder = unpacked.path().to_owned();
            return Stored::open(&folder, store, Some(unpacked));
        }
        Err(Error::new(format!("there is no run `{name}`"))
            .hint("a run is named by its id, `last`, its folder or a bundle"))
    }

    fn open(path: &Path, store: Store, unpacked: Option<TempDir>) -> Result<Stored, Error> {
        let folder = RunFolder::at(path);
        let record = folder.load()?;
        Ok(Stored { folder, store, record, _unpacked: unpacked })
    }

    /// The stored report.
    pub fn report(&self) -> Result<Report, Error> {
        let bytes = files::read(&self.folder.report())?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::new(format!("the report cannot be read: {error}")))
    }

    /// Every file of the store that the run rests on: what its records refer to, and nothing
    /// else.
    pub fn reachable(&self) -> BTreeSet<Digest> {
        let mut found = BTreeSet::new();
        for gate in &self.record.gates {
            for attempt in &gate.attempts {
                if let Attempt::Measured { measured } = attempt {
                    found.insert(*measured);
                    if let Ok(observation) = Observation::load(&self.store, measured) {
                        found.extend(observation.refs);
                    }
                }
            }
        }
        let Ok(report) = self.report() else { return found };
        for gate in &report.gates {
            let evidence = gate.checks.iter().flat_map(|check| &check.evidence);
            for evidence in evidence.chain(&gate.evidence) {
                found.insert(evidence.digest);
                found.extend(&evidence.refs);
            }
            let changes = gate.proposals.iter().flat_map(|proposal| &proposal.changes);
            found.extend(changes.filter_map(|change| change.candidate));
        }
        found
    }

    /// Copies the evidence of the run into another store.
    pub fn copy_evidence(&self, to: &Store) -> Result<(), Error> {
        for digest in self.reachable() {
            if !to.path(&digest).exists() {
                to.put(&self.store.get(&digest)?)?;
            }
        }
        Ok(())
    }
}

/// The ids of the runs of a workspace, the oldest first.
pub fn ids(workspace: &Workspace) -> Vec<String> {
    let entries = fs::read_dir(workspace.runs()).into_iter().flatten().flatten();
    let mut ids: Vec<(std::time::SystemTime, String)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let made = entry.metadata().ok()?.modified().ok()?;
            (is_run_id(&name) && entry.path().join("run.json").is_file()).then_some((made, name))
        })
        .collect();
    // Ids of one second are told apart by when they were last written.
    ids.sort_by(|one, other| {
        (&one.1[..16], one.0, &one.1).cmp(&(&other.1[..16], other.0, &other.1))
    });
    ids.into_iter().map(|(_, id)| id).collect()
}

/// Writes a run with everything that it rests on into a folder of its own.
pub fn bundle(stored: &Stored, to: &Path) -> Result<(), Error> {
    let occupied = fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some());
    if occupied && !to.join("run.json").is_file() {
        return Err(Error::new(format!("{} is not empty, and is not a bundle", to.display()))
            .hint("name a new folder"));
    }
    if occupied {
        fs::remove_dir_all(to).while_doing(|| format!("replacing {}", to.display()))?;
    }
    let folder = to.join("store");
    files::make_folder(&folder)?;
    stored.copy_evidence(&Store::new(folder, to.to_owned()))?;
    let copied = RunFolder::at(to);
    for (from, to_path) in [
        (stored.folder.events(), copied.events()),
        (stored.folder.report(), copied.report()),
        (stored.folder.record(), copied.record()),
    ] {
        files::write_atomically(&to_path, &files::read(&from)?, to)?;
    }
    Ok(())
}

/// The most that a bundle may unpack to, in bytes.
const LARGEST_BUNDLE: u64 = 8 << 30;

fn unpack(workspace: &Workspace, path: &Path) -> Result<TempDir, Error> {
    workspace.prepare()?;
    let file = fs::File::open(path).while_doing(|| format!("opening {}", path.display()))?;
    let not_one = |error: zip::result::ZipError| {
        Error::new(format!("{} is no bundle: {error}", path.display()))
    };
    let mut archive = zip::ZipArchive::new(file).map_err(not_one)?;
    let temporary = workspace.private().join("tmp");
    let unpacked = tempfile::Builder::new().prefix("bundle-").tempdir_in(temporary)?;
    let mut left = LARGEST_BUNDLE;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(not_one)?;
        let Some(inside) = entry.name().ok().and_then(|name| bundled(&name)) else { continue };
        let target = unpacked.path().join(inside);
        let folder = target.parent().unwrap_or(unpacked.path()).to_owned();
        files::make_folder(&folder)?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(&mut entry, left + 1), &mut bytes)
            .while_doing(|| format!("unpacking {}", path.display()))?;
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| Error::new(format!("{} unpacks to more than 8 GiB", path.display())))?;
        files::write_atomically(&target, &bytes, &folder)?;
    }
    Ok(unpacked)
}

/// Where an entry of an archive belongs in a bundle; none for whatever does not. The folder that
/// some packers put around everything is taken off.
fn bundled(name: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        [.., "store", digest] if digest.parse::<Digest>().is_ok() => {
            Some(Path::new("store").join(digest))
        }
        [.., file @ ("run.json" | "report.json" | "events.jsonl")] => Some(file.into()),
        _ => None,
    }
}

/// How many runs are kept.
const MOST_RUNS: usize = 50;
/// How much evidence is kept, in bytes; the last few runs are kept whatever they weigh.
const MOST_BYTES: u64 = 4 << 30;
/// How many runs are always kept.
const ALWAYS: usize = 3;

/// Removes the oldest runs when there are many, and the evidence that no other run refers to.
pub fn prune(workspace: &Workspace) -> Result<(), Error> {
    let mut kept = ids(workspace);
    let weight = || -> u64 {
        let entries = fs::read_dir(workspace.private().join("store")).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum()
    };
    let many = kept.len().saturating_sub(MOST_RUNS);
    let heavy =
        many == 0 && kept.len() > ALWAYS && kept.len().is_multiple_of(8) && weight() > MOST_BYTES;
    let remove = if heavy { (kept.len() / 4).min(kept.len() - ALWAYS) } else { many };
    if remove == 0 {
        return Ok(());
    }
    let lock = files::open_for_lock(&workspace.private().join("lock"))?;
    if lock.try_lock().is_err() || living(workspace) > 0 {
        // Another run may be about to refer to what this would remove.
        return Ok(());
    }
    for id in kept.drain(..remove) {
        fs::remove_dir_all(workspace.runs().join(&id)).while_doing(|| format!("pruning {id}"))?;
    }
    let mut reachable = BTreeSet::new();
    for id in &kept {
        reachable.extend(Stored::find(workspace, workspace.root(), id)?.reachable());
    }
    // Small pictures are called like the pictures that they were made of.
    for folder in ["store", "thumbnails"] {
        keep_only(&reachable, &workspace.private().join(folder));
    }
    Ok(())
}

/// Removes the files that are called by a digest, unless it is one of these.
fn keep_only(reachable: &BTreeSet<Digest>, folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let digest = entry.file_name().to_str().and_then(|name| name.parse::<Digest>().ok());
        if digest.is_some_and(|digest| !reachable.contains(&digest)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn living(workspace: &Workspace) -> usize {
    fs::read_dir(workspace.private().join("live")).into_iter().flatten().count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use gate_core::{Digest, files};

    use super::{bundled, keep_only};

    #[test]
    fn files_that_no_run_refers_to_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (kept, gone) = (Digest::of(b"kept"), Digest::of(b"gone"));
        for name in [kept.to_string(), gone.to_string(), "README".to_owned()] {
            files::write_atomically(&path(&name), b"x", folder.path()).unwrap();
        }
        keep_only(&BTreeSet::from([kept]), folder.path());
        assert!(path(&kept.to_string()).exists() && path("README").exists());
        assert!(!path(&gone.to_string()).exists());
        keep_only(&BTreeSet::new(), &path("not there"));
    }

    #[test]
    fn only_what_belongs_into_a_bundle_is_unpacked() {
        let digest = Digest::of(b"x").to_string();
        let check = |name: &str, expect: Option<&str>| {
            assert_eq!(bundled(name).map(|p| p.display().to_string()).as_deref(), expect, "{name}");
        };
        check("run.json", Some("run.json"));
        check("night/report.json", Some("report.json"));
        check(&format!("night/store/{digest}"), Some(&format!("store/{digest}")));
        check("../../etc/passwd", None);
        check("store/../../x", None);
        check("/etc/cron.d/x", None);
    }
}
