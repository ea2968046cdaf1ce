//! Finding the workspace and its spec files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gate_core::spec::{Config, Diagnosis, SpecFile};
use gate_core::values::Vars;
use gate_core::{Error, Workspace, files};
use globset::{GlobBuilder, GlobSetBuilder};

use crate::usage::Stop;

/// The file that makes a folder a workspace.
pub const CONFIG_FILE: &str = "gate.yaml";

/// A workspace with its configuration.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder.
    pub workspace: Workspace,
    /// `gate.yaml`, or the defaults when there is none.
    pub config: Config,
}

/// Finds `gate.yaml` by walking up from `folder`; without one, `folder` is the workspace.
pub fn project(folder: &Path, vars: &dyn Vars) -> Result<Project, Stop> {
    let Some(root) = folder.ancestors().find(|above| above.join(CONFIG_FILE).is_file()) else {
        return Ok(Project { workspace: Workspace::at(folder), config: Config::default() });
    };
    let workspace = Workspace::at(root);
    let file = read_spec(&workspace, &root.join(CONFIG_FILE))?;
    let config = Config::read(&file, vars).map_err(Stop::Diagnoses)?;
    Ok(Project { workspace, config })
}

fn read_spec(workspace: &Workspace, path: &Path) -> Result<SpecFile, Diagnosis> {
    let shown = workspace.shown(path);
    let length = fs::metadata(path).map(|found| found.len());
    // A file far too large is not read at all.
    let too_large = length.is_ok_and(|length| length > gate_core::spec::LARGEST_FILE as u64);
    let bytes = if too_large {
        vec![b' '; gate_core::spec::LARGEST_FILE + 1]
    } else {
        files::read(path).map_err(|error| Diagnosis::of_file(&shown, error.message()))?
    };
    SpecFile::new(path.to_owned(), shown, &bytes)
}

/// The spec files of a project: those of `paths`, or those that the configured globs match.
pub fn spec_files(
    project: &Project,
    folder: &Path,
    paths: &[PathBuf],
) -> Result<(Vec<SpecFile>, Vec<Diagnosis>), Stop> {
    let found = if paths.is_empty() {
        configured(project)?
    } else {
        let mut found = BTreeSet::new();
        for path in paths {
            found.extend(named(&folder.join(path), path)?);
        }
        found
    };
    let (mut files, mut diagnoses) = (Vec::new(), Vec::new());
    for path in found {
        match read_spec(&project.workspace, &path) {
            Ok(file) => files.push(file),
            Err(diagnosis) => diagnoses.push(diagnosis),
        }
    }
    Ok((files, diagnoses))
}

fn configured(project: &Project) -> Result<BTreeSet<PathBuf>, Stop> {
    let mut globs = GlobSetBuilder::new();
    for glob in &project.config.specs {
        let glob = GlobBuilder::new(glob).literal_separator(true).build().map_err(|error| {
            Stop::usage(format!("{CONFIG_FILE}: `{glob}` under `specs` is no glob: {error}"))
        })?;
        globs.add(glob);
    }
    let globs = globs
        .build()
        .map_err(|error| Stop::usage(format!("{CONFIG_FILE}: `specs` cannot be used: {error}")))?;
    let root = project.workspace.root();
    let mut found = BTreeSet::new();
    walk(root, &mut |path| {
        if path.strip_prefix(root).is_ok_and(|inside| globs.is_match(inside)) {
            found.insert(path.to_owned());
        }
    })?;
    Ok(found)
}

fn named(path: &Path, as_given: &Path) -> Result<BTreeSet<PathBuf>, Stop> {
    // Links within the path are resolved, so that one file has one name.
    let path = fs::canonicalize(path).map_err(|error| {
        Stop::usage_hint(
            format!("{}: {error}", as_given.display()),
            "PATHS are spec files, or folders with spec files in them",
        )
    })?;
    if path.is_file() {
        return Ok(BTreeSet::from([path]));
    }
    let mut found = BTreeSet::new();
    walk(&path, &mut |path| {
        if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            found.insert(path.to_owned());
        }
    })?;
    if found.is_empty() {
        return Err(Stop::usage_hint(
            format!("{} holds no spec", as_given.display()),
            "a spec is a `.yaml` file that begins with `gate: KIND`",
        ));
    }
    Ok(found)
}

/// Every file below `folder`, but for hidden folders, baselines, cassettes, and folders that
/// are workspaces of their own.
fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) -> Result<(), Stop> {
    let unreadable =
        |error: std::io::Error| Stop::Usage(Error::new(format!("{}: {error}", folder.display())));
    let mut entries: Vec<_> =
        fs::read_dir(folder).and_then(Iterator::collect).map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            let skipped = name.starts_with('.')
                || name.ends_with(".baselines")
                || name.ends_with(".cassette")
                || matches!(&*name, "node_modules" | "target")
                || path.join(CONFIG_FILE).is_file();
            if !skipped {
                walk(&path, visit)?;
            }
        } else if *name != *CONFIG_FILE {
            visit(&path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            files::make_folder(path.parent().unwrap()).unwrap();
            files::write_atomically(&path, text.as_bytes(), path.parent().unwrap()).unwrap();
        }
        folder
    }

    #[test]
    fn globs_find_specs_and_leave_the_rest() {
        let site = site(&[
            ("gate.yaml", "specs: [\"specs/**/*.yaml\"]\n"),
            ("specs/a.yaml", "x"),
            ("specs/deep/b.yaml", "x"),
            ("specs/a.baselines/a/c.yaml", "x"),
            ("specs/crm.cassette/cassette.yaml", "x"),
            ("specs/nested/gate.yaml", "{}"),
            ("specs/nested/d.yaml", "x"),
            ("specs/.hidden/e.yaml", "x"),
            ("other/f.yaml", "x"),
        ]);
        let project = project(&site.path().join("specs/deep"), &|_: &str| None).unwrap();
        assert_eq!(project.workspace.root(), site.path());
        let (files, _) = spec_files(&project, site.path(), &[]).unwrap();
        let shown: Vec<_> = files.iter().map(|file| file.shown.as_str()).collect();
        assert_eq!(shown, ["specs/a.yaml", "specs/deep/b.yaml"]);
    }

    #[test]
    fn a_named_path_must_hold_a_spec() {
        let site = site(&[("gate.yaml", "{}\n"), ("docs/readme.md", "x"), ("a.yml", "x")]);
        let project = project(site.path(), &|_: &str| None).unwrap();
        let find = |path: &str| spec_files(&project, site.path(), &[path.into()]);
        assert!(matches!(find("docs"), Err(Stop::Usage(_))));
        assert!(matches!(find("nowhere"), Err(Stop::Usage(_))));
        assert_eq!(find("a.yml").unwrap().0[0].shown, "a.yml");
    }
}
