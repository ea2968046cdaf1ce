//! What lies in folders of baselines and is named by no spec.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use gate_core::{Context, Digest, Error, files};
use serde::Serialize;

use crate::baselines::{self, Sidecar};

/// The views of each gate by the folder of its baselines; none where they could not be found out.
pub(super) type Named = BTreeMap<PathBuf, Option<BTreeSet<String>>>;

/// A picture with its sidecar, or a sidecar that has lost its picture.
#[derive(Debug, Serialize)]
pub(super) struct Leftover {
    /// Without an ending, relative to the workspace.
    pub(super) name: String,
    /// Of its files together.
    pub(super) bytes: u64,
    pub(super) reason: String,
    #[serde(skip)]
    pub(super) files: Vec<PathBuf>,
}

/// Something that stays, and why.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    pub(super) path: String,
    pub(super) reason: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    pub(super) gone: Vec<Leftover>,
    /// What `gate` did not write, as far as one can see.
    pub(super) strange: Vec<Kept>,
    /// What could not be looked at.
    pub(super) unknown: Vec<Kept>,
    /// Folders that hold nothing else, the innermost first.
    pub(super) folders: Vec<PathBuf>,
}

/// All folders of baselines that lie below `folder`. Hidden folders and workspaces of their own
/// are passed over, as they are where specs are searched for.
pub(super) fn below(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    for path in entries(folder)?.into_iter().filter(|path| is_folder(path)) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let passed = name.starts_with('.') || matches!(&*name, "node_modules" | "target");
        if name.ends_with(".baselines") {
            found.insert(path);
        } else if !passed && !name.ends_with(".cassette") && !path.join("gate.yaml").is_file() {
            below(&path, found)?;
        }
    }
    Ok(())
}

/// A file beside a folder of baselines that it may belong to, and that was not read.
pub(super) fn unread_owner(folder: &Path, read: &[PathBuf]) -> Result<Option<PathBuf>, Error> {
    let beside = entries(folder.parent().unwrap_or(Path::new(".")))?;
    Ok(beside.into_iter().find(|path| {
        path.is_file() && path.with_extension("baselines") == folder && !read.contains(path)
    }))
}

impl Leftovers {
    /// Looks through the baselines of one spec file.
    pub(super) fn look(
        &mut self,
        folder: &Path,
        named: &Named,
        spec_is_there: bool,
        cx: &Context,
    ) -> Result<(), Error> {
        let inside = entries(folder)?;
        let before = self.folders.len();
        for gate in inside.iter().filter(|path| is_folder(path)) {
            let nothing = BTreeSet::new();
            let name = gate.file_name().unwrap_or_default().to_string_lossy();
            let (views, reason) = match named.get(gate) {
                Some(Some(views)) => (views, format!("`{name}` names no such view")),
                Some(None) => continue,
                None if spec_is_there => (&nothing, format!("the spec has no gate `{name}`")),
                None => (&nothing, "its spec is gone".to_owned()),
            };
            self.look_at_gate(gate, views, &reason, cx)?;
        }
        if self.folders.len() - before == inside.len() && !inside.is_empty() {
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }

    fn look_at_gate(
        &mut self,
        folder: &Path,
        views: &BTreeSet<String>,
        reason: &str,
        cx: &Context,
    ) -> Result<(), Error> {
        let inside = entries(folder)?;
        let mut halves: BTreeMap<String, [Option<&Path>; 2]> = BTreeMap::new();
        for path in inside.iter().filter(|path| path.is_file() && !path.is_symlink()) {
            let half = match path.extension().and_then(|ending| ending.to_str()) {
                Some("png") => 0,
                Some("json") => 1,
                _ => continue,
            };
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            halves.entry(stem).or_default()[half] = Some(path);
        }
        let mut goes = 0;
        for (stem, [picture, sidecar]) in halves {
            let wanted = views.contains(&stem);
            match look_at_view(&stem, picture, sidecar, wanted, cx)? {
                State::InUse => {}
                State::Ours => {
                    let files: Vec<PathBuf> =
                        picture.into_iter().chain(sidecar).map(ToOwned::to_owned).collect();
                    goes += files.len();
                    self.gone.push(leftover(folder, &stem, files, picture, reason, cx)?);
                }
                State::Strange(path, reason) => {
                    self.strange.push(Kept { path: cx.workspace().shown(path), reason });
                }
                State::Unknown(path, reason) => {
                    self.unknown.push(Kept { path: cx.workspace().shown(path), reason });
                }
            }
        }
        // Such a folder that was empty already is one that an earlier removal left behind.
        if goes == inside.len() && (goes > 0 || views.is_empty()) {
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }
}

fn leftover(
    folder: &Path,
    stem: &str,
    files: Vec<PathBuf>,
    picture: Option<&Path>,
    reason: &str,
    cx: &Context,
) -> Result<Leftover, Error> {
    let mut bytes = 0;
    for file in &files {
        bytes += fs::metadata(file)?.len();
    }
    let name = format!("{}/{stem}", cx.workspace().shown(folder));
    let reason = match picture {
        Some(_) => reason.to_owned(),
        None => format!("{reason}, and its picture is gone"),
    };
    Ok(Leftover { name, bytes, reason, files })
}

enum State<'a> {
    InUse,
    Ours,
    Strange(&'a Path, String),
    Unknown(&'a Path, String),
}

/// What two files of one name are.
fn look_at_view<'a>(
    stem: &str,
    picture: Option<&'a Path>,
    sidecar: Option<&'a Path>,
    wanted: bool,
    cx: &Context,
) -> Result<State<'a>, Error> {
    Ok(match (picture, sidecar) {
        (Some(_), Some(_)) if wanted => State::InUse,
        (Some(picture), Some(sidecar)) => {
            let png = match baselines::read_picture(picture, cx) {
                Ok(png) => png.unwrap_or_default(),
                Err(error) => {
                    let advice = error.advice().map(|advice| format!(" ({advice})"));
                    let what = format!("{}{}", error.message(), advice.unwrap_or_default());
                    return Ok(State::Unknown(picture, what));
                }
            };
            match Sidecar::read(&files::read(sidecar)?, Digest::of(&png)) {
                Ok(read) if read.id() == stem => State::Ours,
                Ok(read) => State::Strange(picture, format!("it was renamed from `{}`", read.id())),
                Err(problem) => State::Strange(sidecar, format!("not what gate wrote: {problem}")),
            }
        }
        (Some(picture), None) => {
            let what = "a picture without its sidecar: nothing shows that gate wrote it";
            State::Strange(picture, what.to_owned())
        }
        (None, Some(sidecar)) => match Sidecar::alone(&files::read(sidecar)?) {
            Ok(read) if read.id() == stem && !wanted => State::Ours,
            Ok(_) => State::Strange(sidecar, "a sidecar whose picture is gone".to_owned()),
            Err(problem) => State::Strange(sidecar, format!("not what gate wrote: {problem}")),
        },
        (None, None) => State::InUse,
    })
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() && !path.is_symlink()
}

/// What a folder holds, sorted; nothing when there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = match fs::read_dir(folder) {
        Ok(read) => read,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::new(format!("{}: {error}", folder.display()))),
    };
    let mut paths: Vec<PathBuf> =
        read.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    Ok(paths)
}
