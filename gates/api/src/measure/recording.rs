//! The recording of a gate. What a run records is written beside it and proposed: the recording
//! itself stays as it is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use gate_core::{Change, Context, Digest, Error, Evidence, Level, Role, files};
use recorder::{
    Cassette, Interaction, Library, Mode, Policy, Recorded, Request, Revised, Search, integrity,
    revised,
};
use redact::Cleaner;

use super::Service;
use crate::age::{Aged, looked_at, recorded_services};
use crate::commands::{cleaner, engine_error as wrong, keep};
use crate::seen::{Age, Proposed, Recording, Required, Why};
use crate::settings::{Settings, Through, Wanted};

/// How many recordings that nothing asked for are named for each pattern.
const NAMED: usize = 10;

/// The recording, and what is written beside it.
pub(crate) struct Recordings {
    /// Where it lies.
    folder: PathBuf,
    /// The same, relative to the workspace.
    shown: String,
    mode: Mode,
    /// What its age has led to.
    aged: Aged,
    /// As it was at the start, where something may be proposed: what somebody else changes in the
    /// meantime is not taken back.
    before: Option<Cassette>,
    /// What is played, and written to when something is recorded.
    cassette: Cassette,
    cleaner: Cleaner,
    library: Arc<Library>,
    recorded: Vec<Recorded>,
    /// A copy with what a service that has drifted answers now.
    drifted: Option<Cassette>,
}

/// What is known of a run when its recording is closed.
pub(super) struct Closing<'s> {
    pub(super) was_played: bool,
    /// Whether all went well, so that what was not asked for was not meant to be.
    pub(super) went_through: bool,
    pub(super) required: &'s [Wanted],
}

impl Recordings {
    pub(crate) async fn open(
        folder: &Path,
        spec: &Settings,
        service: Option<&Service>,
        cx: &Context,
    ) -> Result<Recordings, Error> {
        let (folder, shown) = placed(folder, cx)?;
        let aged = aged(&folder, &shown, spec, service, cx).await?;
        let mode = match aged {
            Aged::Anew(_) => Mode::All,
            _ => spec.mode.mode(),
        };
        let records = mode != Mode::None;
        let original = if records {
            Cassette::open_or_new(&folder, Policy::default).map_err(wrong)?
        } else {
            Cassette::open(&folder).map_err(wrong)?
        };
        let scratch = cx.scratch()?;
        let copied = |from: &Cassette, name: &str| from.copied(&scratch.join(name)).map_err(wrong);
        let is_there = Cassette::is_at(&folder);
        let before = if is_there && (records || spec.drift.is_some()) {
            Some(copied(&original, "before.cassette")?)
        } else {
            None
        };
        let cassette = match &before {
            Some(before) if records => copied(before, "recorded.cassette")?,
            None if records => copied(&original, "recorded.cassette")?,
            _ => original,
        };
        let library = if is_there {
            Library::of_cassette(cassette.clone()).map_err(wrong)?
        } else {
            let matching = cassette.policy().matching().map_err(wrong)?;
            Library::of_recorded(&[], matching, false)
        };
        let library = if spec.allow_repeats { library.repeating(true) } else { library };
        Ok(Recordings {
            folder,
            shown,
            mode,
            aged,
            before,
            cleaner: cleaner(&cassette, cx)?,
            library: Arc::new(library),
            cassette,
            recorded: Vec::new(),
            drifted: None,
        })
    }

    /// The recording as it was at the start.
    pub(super) fn original(&self) -> &Cassette {
        self.before.as_ref().unwrap_or(&self.cassette)
    }

    pub(crate) fn cassette(&self) -> &Cassette {
        &self.cassette
    }

    /// How it is played: all of it is recorded when it is too old.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn cleaner(&self) -> &Cleaner {
        &self.cleaner
    }

    pub(crate) fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// Takes what was recorded, behind what was before.
    pub(super) fn add(&mut self, recorded: &[Recorded]) {
        let next = self.recorded.iter().map(|one| one.order.saturating_add(1)).max().unwrap_or(0);
        let first = recorded.iter().map(|one| one.order).min().unwrap_or(0);
        let by = next.saturating_sub(first);
        let moved = recorded
            .iter()
            .map(|one| Recorded { order: one.order + by, interaction: one.interaction.clone() });
        self.recorded.extend(moved);
    }

    /// Puts down what a service answers now where it differs, beside the recording.
    pub(super) fn drifted(
        &mut self,
        answers: Vec<(Interaction, Interaction)>,
        cx: &Context,
    ) -> Result<(), Error> {
        if answers.is_empty() {
            return Ok(());
        }
        let original = self.original();
        let mut all = original.read().map_err(wrong)?;
        let mut places: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (at, one) in all.iter().enumerate() {
            let Request { method, url, .. } = &one.interaction.request;
            places.entry((method.clone(), url.clone())).or_default().push(at);
        }
        for (was, is) in answers {
            let is = recorder::without_secrets(&is, &self.cleaner);
            let Request { method, url, .. } = &was.request;
            let at = places.get(&(method.clone(), url.clone())).into_iter().flatten();
            // The first recording of a request is the one that was asked again.
            let mut first = at.filter(|at| is_same_body(original, &all[**at], &was));
            if let Some(at) = first.next().copied() {
                all[at].interaction.response = is.response;
            }
        }
        let copy = original.copied(&cx.scratch()?.join("drifted.cassette")).map_err(wrong)?;
        copy.write(&all, &self.cleaner).map_err(wrong)?;
        self.drifted = Some(copy);
        Ok(())
    }

    /// What has to be asked for, and what of it nothing asked for.
    fn required(&self, patterns: &[Wanted]) -> Vec<Required> {
        let all = self.library.recorded();
        let unused: Vec<(String, String)> = if self.mode == Mode::All {
            // What is recorded anew was asked for, and the old recording never was.
            let asked: HashSet<(&str, &str)> = self
                .recorded
                .iter()
                .map(|one| &one.interaction.request)
                .map(|request| (request.method.as_str(), request.url.as_str()))
                .collect();
            let left = all.iter().filter(|(method, url)| !asked.contains(&(method, url)));
            left.cloned().collect()
        } else {
            self.library.unused()
        };
        let required = |pattern: &Wanted| {
            let is_meant = |one: &&(String, String)| pattern.covers(&one.0, &one.1);
            let left: Vec<_> = unused.iter().filter(is_meant).collect();
            Required {
                pattern: pattern.to_string(),
                recordings: all.iter().filter(is_meant).count() as u64,
                left: left.len() as u64,
                first: left.iter().take(NAMED).map(|one| format!("{} {}", one.0, one.1)).collect(),
            }
        };
        patterns.iter().map(required).collect()
    }

    /// What is to be told of the recording, and what is proposed.
    pub(super) async fn close(
        self,
        closing: &Closing<'_>,
        cx: &Context,
    ) -> Result<(Recording, Vec<Proposed>), Error> {
        let mut recording = Recording {
            folder: self.shown.clone(),
            interactions: u64::from(self.library.len()),
            rules: self.library.rules().len() as u64,
            age: Age::of(&self.aged),
            ..Recording::default()
        };
        if closing.was_played {
            recording.required = Some(self.required(closing.required));
        }
        let mut proposed = Vec::new();
        if !self.recorded.is_empty() {
            // With everything recorded anew, what was not asked for goes.
            recording.is_left_out = self.mode == Mode::All && !closing.went_through;
            if !recording.is_left_out {
                let new = self.recorded.clone();
                keep(&self.cassette, self.mode, new, &self.cleaner)?;
                proposed = self.differences(&self.cassette, false, cx)?;
                self.keep_age(proposed.is_empty() && closing.went_through, cx);
            }
        }
        if let Some(drifted) = &self.drifted {
            proposed.extend(self.differences(drifted, true, cx)?);
        }
        if Cassette::is_at(&self.folder) {
            // One that has learnt nothing: what is a secret by its shape is called so.
            let (folder, cleaner) = (self.folder.clone(), cleaner(&self.cassette, cx)?);
            let looked = cx.cpu(move || looked_over(&folder, &cleaner)).await;
            (recording.damages, recording.secrets) = looked.map_err(wrong)?;
        }
        Ok((recording, proposed))
    }

    /// Keeps in mind, where git does not see it, that all was recorded and is as it was. What
    /// differs gets its age when it is committed.
    fn keep_age(&self, is_as_it_was: bool, cx: &Context) {
        let Ok(original) = Cassette::open(&self.folder) else { return };
        if self.mode != Mode::All {
            return;
        }
        if is_as_it_was {
            // Where it cannot be written, the next run records again.
            let _ = original.mark_recorded(cx.clock().now().millis() / 1000);
        } else {
            original.forget_recorded();
        }
    }

    fn differences(
        &self,
        cassette: &Cassette,
        is_drift: bool,
        cx: &Context,
    ) -> Result<Vec<Proposed>, Error> {
        let nothing = cx.scratch()?.join("nothing.cassette");
        let before = self.before.as_ref().map_or(nothing.as_path(), Cassette::folder);
        let groups = revised(before, cassette.folder()).map_err(wrong)?;
        groups.into_iter().map(|group| self.proposed(group, cassette, is_drift, cx)).collect()
    }

    fn proposed(
        &self,
        group: Revised,
        cassette: &Cassette,
        is_drift: bool,
        cx: &Context,
    ) -> Result<Proposed, Error> {
        let (mut changes, mut kept) = (Vec::new(), Vec::new());
        let endpoints = |is: bool, was: bool| {
            let is_content = |path: &str| path == "rules.json" || path.starts_with("endpoints/");
            let mut files = group.files.iter().filter(|file| is_content(&file.path));
            files.all(|file| (file.is, file.was) == (is, was))
        };
        let why = match () {
            () if is_drift => Why::Drift,
            () if endpoints(false, true) => Why::Gone,
            () if endpoints(true, false) => Why::New,
            () => Why::Changed,
        };
        for file in &group.files {
            let expected = match &self.before {
                Some(before) if file.was => {
                    Some(Digest::of(&files::read(&before.folder().join(&file.path))?))
                }
                _ => None,
            };
            let candidate = if file.is {
                Some(kept_file(&file.path, &cassette.folder().join(&file.path), cx)?)
            } else {
                None
            };
            let path = format!("{}/{}", self.shown, file.path);
            let digest = candidate.as_ref().map(|evidence| evidence.digest);
            changes.push(Change { path, expected, candidate: digest });
            kept.extend(candidate);
        }
        Ok(Proposed { endpoints: group.endpoints, why, changes, files: kept })
    }
}

/// What the age of the recording leads to.
async fn aged(
    folder: &Path,
    shown: &str,
    spec: &Settings,
    service: Option<&Service>,
    cx: &Context,
) -> Result<Aged, Error> {
    let is_played = spec.run.is_some() || !spec.requests.is_empty();
    let (Some(after), true) = (spec.re_record_after, is_played && Cassette::is_at(folder)) else {
        return Ok(Aged::Young);
    };
    let cassette = Cassette::open(folder).map_err(wrong)?;
    if cassette.files().map_err(wrong)?.is_empty() {
        return Ok(Aged::Young);
    }
    let is_through_proxy = spec.run.is_some() && spec.through == Through::Proxy;
    let mut services =
        if is_through_proxy { recorded_services(&cassette)? } else { BTreeSet::new() };
    if !is_through_proxy || !spec.requests.is_empty() {
        services.extend(service.map(Service::host));
    }
    let aged = looked_at(&cassette, shown, after, &services, cx).await?;
    match &aged {
        Aged::Young => {}
        Aged::Anew(why) => cx.log(Level::Info, format!("{why}: it is recorded anew")),
        Aged::Unreachable(why) => cx.log(Level::Warn, format!("{why}: the old recording is used")),
    }
    Ok(aged)
}

fn is_same_body(cassette: &Cassette, one: &Recorded, was: &Interaction) -> bool {
    let (here, there) = (&one.interaction.request.body, &was.request.body);
    here.len() == there.len() && cassette.body(here).is_ok_and(|body| there.bytes() == Some(&body))
}

fn kept_file(name: &str, path: &Path, cx: &Context) -> Result<Evidence, Error> {
    let bytes = files::read(path)?;
    let is_text = std::str::from_utf8(&bytes).is_ok();
    let media_type = match is_text {
        true if name.ends_with(".json") => "application/json",
        true => "text/plain; charset=utf-8",
        false => "application/octet-stream",
    };
    let kept = cx.keep(Role::Log, name, media_type, &bytes)?;
    if kept.digest != Digest::of(&bytes) {
        // It would not be what its recording says it is.
        return Err(Error::new(format!(
            "{name} holds a secret of gate.yaml in a form that cannot be replaced"
        ))
        .hint("keep that answer out of the recording"));
    }
    Ok(kept)
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
    // What only a name tells may be none, and would block what is good.
    let secrets = recorder::leaks(&Cassette::open(folder)?, cleaner, Search::Certain)?;
    let secrets = secrets
        .into_iter()
        .map(|leak| (within(&leak.path), format!("{} at {}", leak.what, leak.place)))
        .collect();
    Ok((damages, secrets))
}
