//! The recording of a gate. What a run records is written beside it and proposed: the recording
//! itself stays as it is.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use gate_core::{Change, Context, Digest, Error, Evidence, Role, files};
use recorder::{Cassette, Interaction, Library, Policy, Recorded, Revised, integrity, revised};
use redact::Cleaner;

use super::library;
use crate::commands::{cleaner, engine_error as wrong};
use crate::seen::{Proposed, Recording};
use crate::settings::ModeSetting;

/// How many recordings that nothing asked for are listed.
const UNUSED: usize = 5000;

/// The recording, and what is written beside it.
pub(crate) struct Recordings {
    /// Where it lies.
    folder: PathBuf,
    /// The same, relative to the workspace.
    shown: String,
    /// What is played, and written to when something is recorded.
    cassette: Cassette,
    cleaner: Cleaner,
    library: Arc<Library>,
    repeats: Option<bool>,
    interactions: u64,
    unused: Option<BTreeSet<(String, String)>>,
    /// A copy with what a service that has drifted answers now.
    drifted: Option<Cassette>,
}

impl Recordings {
    pub(crate) fn open(
        folder: &Path,
        mode: ModeSetting,
        cx: &Context,
    ) -> Result<Recordings, Error> {
        let (folder, shown) = placed(folder, cx)?;
        let records = mode != ModeSetting::None;
        let original = if records {
            Cassette::open_or_new(&folder, Policy::default).map_err(wrong)?
        } else {
            Cassette::open(&folder).map_err(wrong)?
        };
        let cassette = if records {
            original.copied(&cx.scratch()?.join("recorded.cassette")).map_err(wrong)?
        } else {
            original
        };
        let library = library(&cassette, false)?;
        Ok(Recordings {
            folder,
            shown,
            cleaner: cleaner(&cassette, cx)?,
            interactions: u64::from(library.len()),
            library,
            cassette,
            repeats: None,
            unused: None,
            drifted: None,
        })
    }

    /// The same, with the last answer of a recording given again when it is used up.
    pub(crate) fn repeating(mut self, repeats: bool) -> Result<Recordings, Error> {
        if repeats {
            self.repeats = Some(true);
            self.library = library(&self.cassette, true)?;
        }
        Ok(self)
    }

    /// Where the recording itself lies.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn cassette(&self) -> &Cassette {
        &self.cassette
    }

    pub(crate) fn cleaner(&self) -> &Cleaner {
        &self.cleaner
    }

    pub(crate) fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// Reads what was written since.
    pub(super) fn reopen(&mut self) -> Result<(), Error> {
        let unused = self.unused();
        self.unused = Some(unused);
        self.cassette = Cassette::open(self.cassette.folder()).map_err(wrong)?;
        self.library = library(&self.cassette, self.repeats.unwrap_or(false))?;
        Ok(())
    }

    /// What nothing has asked for so far.
    fn unused(&self) -> BTreeSet<(String, String)> {
        let now: BTreeSet<_> = self.library.unused().into_iter().collect();
        match &self.unused {
            Some(before) => before.intersection(&now).cloned().collect(),
            None => now,
        }
    }

    /// Puts down what a service answers now where it differs, beside the recording.
    pub(super) fn drifted(
        &mut self,
        answers: Vec<(Interaction, Interaction)>,
        cx: &Context,
    ) -> Result<(), Error> {
        if answers.is_empty() || !Cassette::is_at(&self.folder) {
            return Ok(());
        }
        let original = Cassette::open(&self.folder).map_err(wrong)?;
        let mut all = original.read().map_err(wrong)?;
        for (was, is) in answers {
            let is = recorder::without_secrets(&is, &self.cleaner);
            // The first recording of a request is the one that was asked again.
            let first = all.iter_mut().find(|one| {
                let request = &one.interaction.request;
                request.method == was.request.method
                    && request.url == was.request.url
                    && is_same_body(&original, one, &was)
            });
            if let Some(one) = first {
                one.interaction.response = is.response;
            }
        }
        let copy = original.copied(&cx.scratch()?.join("drifted.cassette")).map_err(wrong)?;
        copy.write(&all, &self.cleaner).map_err(wrong)?;
        self.drifted = Some(copy);
        Ok(())
    }

    /// What is to be told of the recording, and what is proposed.
    pub(super) async fn close(
        self,
        was_played: bool,
        cx: &Context,
    ) -> Result<(Recording, Vec<Proposed>), Error> {
        let mut recording = Recording {
            folder: self.shown.clone(),
            interactions: self.interactions,
            ..Recording::default()
        };
        if was_played {
            recording.unused = self.unused().into_iter().take(UNUSED).collect();
        }
        let mut proposed = Vec::new();
        for (cassette, is_drift) in [(Some(&self.cassette), false), (self.drifted.as_ref(), true)] {
            let Some(cassette) = cassette.filter(|one| one.folder() != self.folder) else {
                continue;
            };
            if !Cassette::is_at(cassette.folder()) {
                continue;
            }
            for group in revised(&self.folder, cassette.folder()).map_err(wrong)? {
                proposed.push(self.proposed(group, cassette, is_drift, cx)?);
            }
        }
        if Cassette::is_at(&self.folder) {
            // One that has learnt nothing: what is a secret by its shape is called so.
            let (folder, cleaner) = (self.folder.clone(), cleaner(&self.cassette, cx)?);
            let looked = cx.cpu(move || looked_over(&folder, &cleaner)).await;
            (recording.damages, recording.secrets) = looked.map_err(wrong)?;
        }
        Ok((recording, proposed))
    }

    fn proposed(
        &self,
        group: Revised,
        cassette: &Cassette,
        is_drift: bool,
        cx: &Context,
    ) -> Result<Proposed, Error> {
        let (mut changes, mut kept) = (Vec::new(), Vec::new());
        for file in group.files {
            let expected = if file.was {
                Some(Digest::of(&files::read(&self.folder.join(&file.path))?))
            } else {
                None
            };
            let candidate = if file.is {
                Some(keep(&file.path, &cassette.folder().join(&file.path), cx)?)
            } else {
                None
            };
            let path = format!("{}/{}", self.shown, file.path);
            let digest = candidate.as_ref().map(|evidence| evidence.digest);
            changes.push(Change { path, expected, candidate: digest });
            kept.extend(candidate);
        }
        Ok(Proposed { endpoints: group.endpoints, is_drift, changes, files: kept })
    }
}

fn is_same_body(cassette: &Cassette, one: &Recorded, was: &Interaction) -> bool {
    let (here, there) = (&one.interaction.request.body, &was.request.body);
    here.len() == there.len() && cassette.body(here).is_ok_and(|body| there.bytes() == Some(&body))
}

fn keep(name: &str, path: &Path, cx: &Context) -> Result<Evidence, Error> {
    let bytes = files::read(path)?;
    let is_text = std::str::from_utf8(&bytes).is_ok();
    let media_type = match is_text {
        true if name.ends_with(".json") => "application/json",
        true => "text/plain; charset=utf-8",
        false => "application/octet-stream",
    };
    cx.keep(Role::Log, name, media_type, &bytes)
}

/// Where the recording lies, and the same relative to the workspace.
fn placed(folder: &Path, cx: &Context) -> Result<(PathBuf, String), Error> {
    let root = cx.workspace().root();
    let mut place = PathBuf::new();
    for part in folder.components() {
        match part {
            Component::ParentDir => {
                place.pop();
            }
            Component::CurDir => {}
            part => place.push(part),
        }
    }
    let inner = place.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned);
    let inner = inner.ok_or_else(|| {
        Error::new(format!("{} lies outside of the workspace", folder.display()))
            .hint("put the recording below the folder of gate.yaml")
    })?;
    Ok((place, inner))
}

type Looked = (Vec<(String, String)>, Vec<(String, String)>);

/// What is wrong with the files of a recording, with hints; and the secrets in them.
fn looked_over(folder: &Path, cleaner: &Cleaner) -> recorder::Result<Looked> {
    let within = |path: &Path| {
        let inner = path.strip_prefix(folder).unwrap_or(path);
        inner.display().to_string()
    };
    let damages = integrity(folder)?;
    let damages = damages
        .into_iter()
        .map(|one| (format!("{}: {}", within(&one.path), one.what), one.hint))
        .collect();
    let secrets = recorder::secrets(folder, cleaner)?;
    let secrets =
        secrets.into_iter().map(|(path, what)| (within(&path), what.to_string())).collect();
    Ok((damages, secrets))
}
