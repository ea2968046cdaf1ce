//! Decisions: what somebody said to a proposal, and carrying it out.
//!
//! They lie in `gate-decisions.jsonl` beside each spec, a line each, and are only ever added to,
//! so that git can merge two branches of them (`merge=union`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::schema_tag;
use crate::files::{make_folder, open_for_append, open_for_lock, read, read_if_there};
use crate::{
    Accepted, Change, Digest, Error, Proposal, Timestamp, While, Workspace, files::write_atomically,
};

schema_tag!(DecisionSchema, "gate-decision/v1");

/// The file beside each spec.
pub const DECISIONS_FILE: &str = "gate-decisions.jsonl";

/// What somebody said to a proposal: one line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Always `gate-decision/v1`.
    pub schema: DecisionSchema,
    /// The proposal, whole, so that the line speaks for itself.
    pub proposal: Proposal,
    /// What was said.
    pub decision: Said,
    /// Who said it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// The run that made the proposal.
    pub run: String,
}

/// What was said to a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Said {
    /// Yes: it was carried out.
    Approved,
    /// No: nothing changes.
    Rejected,
    /// An earlier decision was taken back.
    Undone,
}

/// The decisions of a file, in the order in which they were made.
pub fn load(file: &Path) -> Result<Vec<Decision>, Error> {
    let Some(bytes) = read_if_there(file)? else { return Ok(Vec::new()) };
    let text = String::from_utf8_lossy(&bytes);
    let mut decisions = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| {
                Error::new(format!("{}:{}: not a decision: {error}", file.display(), index + 1))
                    .hint("lines of this file are only added; take the broken one from git")
            })
        })
        .collect::<Result<Vec<Decision>, Error>>()?;
    // Two branches that were merged may stand in any order.
    decisions.sort_by_key(|decision| decision.at);
    Ok(decisions)
}

/// The last decision on each proposal.
pub fn latest(decisions: &[Decision]) -> BTreeMap<&str, &Decision> {
    decisions.iter().map(|decision| (decision.proposal.id.as_str(), decision)).collect()
}

/// The accepted changes of a gate that are in force.
pub fn accepted(decisions: &[Decision], gate: &str) -> Vec<Accepted> {
    latest(decisions)
        .into_values()
        .filter(|decision| decision.decision == Said::Approved && decision.proposal.gate == gate)
        .filter_map(|decision| {
            Some(Accepted {
                change: decision.proposal.accepts.clone()?,
                by: decision.by.clone(),
                at: decision.at,
                reason: decision.reason.clone(),
            })
        })
        .collect()
}

/// Why a decision was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A file is not what it was when the proposal was made.
    Stale {
        /// The file, relative to the workspace.
        path: String,
    },
    /// Anything else.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Refused {
        Refused::Failed(error.into())
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::Stale { path } => {
                write!(f, "{path} has changed since the run; run the gate again")
            }
            Refused::Failed(error) => error.fmt(f),
        }
    }
}

/// A decision and what it changes: the changes of the proposal for an approval, none for a
/// rejection, the reverse for an undo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deciding {
    /// The file that it is recorded in.
    pub file: PathBuf,
    /// What lands, or none of it.
    pub changes: Vec<Change>,
    /// What was said.
    pub decision: Decision,
}

/// Carries a decision out and records it: all its changes land, or none.
pub fn carry_out(
    workspace: &Workspace,
    file: &Path,
    changes: Vec<Change>,
    decision: Decision,
) -> Result<(), Refused> {
    let deciding = Deciding { file: file.to_owned(), changes, decision };
    carry_out_all(workspace, vec![deciding], |_, _| Ok(()))?.remove(0)
}

/// Carries out several decisions, each for itself: one that is refused does not keep the others
/// from being carried out. Gives what became of each, in their order.
///
/// `agrees` is asked for each of them while nobody else decides in this workspace, with the last
/// decision on the same proposal that is recorded in its file; what it refuses is not carried out.
pub fn carry_out_all(
    workspace: &Workspace,
    decisions: Vec<Deciding>,
    agrees: impl Fn(&Deciding, Option<&Decision>) -> Result<(), Refused>,
) -> Result<Vec<Result<(), Refused>>, Error> {
    let _held = hold(workspace)?;
    let mut known: BTreeMap<PathBuf, BTreeMap<String, Decision>> = BTreeMap::new();
    for deciding in &decisions {
        if !known.contains_key(&deciding.file) {
            let all = load(&deciding.file)?;
            let last = all.into_iter().map(|one| (one.proposal.id.clone(), one)).collect();
            known.insert(deciding.file.clone(), last);
        }
    }
    let mut changed = BTreeSet::new();
    let mut journal = Vec::new();
    let mut results = Vec::new();
    for deciding in decisions {
        let last = known[&deciding.file].get(&deciding.decision.proposal.id);
        // What two of them would replace, the first one does.
        let again = deciding.changes.iter().find(|change| !changed.insert(change.path.clone()));
        let result = match again {
            Some(change) => Err(Refused::Stale { path: change.path.clone() }),
            None => agrees(&deciding, last).and_then(|()| check(workspace, &deciding.changes)),
        };
        if result.is_ok() {
            journal.push(deciding);
        }
        results.push(result);
    }
    if !journal.is_empty() {
        let temporary = workspace.private().join("tmp");
        write_atomically(&journal_path(workspace), &serde_json::to_vec(&journal)?, &temporary)?;
        finish(workspace)?;
    }
    Ok(results)
}

/// Whether changes can land: what they replace is there, and so is what takes its place.
fn check(workspace: &Workspace, changes: &[Change]) -> Result<(), Refused> {
    for change in changes {
        if current(workspace, &change.path)? != change.expected {
            return Err(Refused::Stale { path: change.path.clone() });
        }
        if let Some(candidate) = &change.candidate {
            workspace.store().get(candidate).while_doing(|| format!("for {}", change.path))?;
        }
    }
    Ok(())
}

/// Holds off decisions for as long as the answer lives, and finishes one that was interrupted: for
/// whoever else changes files that decisions are about.
pub fn hold(workspace: &Workspace) -> Result<File, Error> {
    workspace.prepare()?;
    let lock = open_for_lock(&workspace.private().join("lock"))?;
    lock.lock().while_doing(|| "locking the workspace")?;
    finish(workspace)?;
    Ok(lock)
}

/// Finishes what a crash interrupted. The caller holds the workspace's lock.
fn finish(workspace: &Workspace) -> Result<(), Error> {
    let path = journal_path(workspace);
    let Some(bytes) = read_if_there(&path)? else { return Ok(()) };
    let journal: Vec<Deciding> = serde_json::from_slice(&bytes)?;
    let mut by_file: BTreeMap<&Path, Vec<&Decision>> = BTreeMap::new();
    for deciding in &journal {
        for change in &deciding.changes {
            land(workspace, change)?;
        }
        by_file.entry(&deciding.file).or_default().push(&deciding.decision);
    }
    for (file, decisions) in by_file {
        let recorded = load(file)?;
        let new: Vec<&Decision> =
            decisions.into_iter().filter(|decision| !recorded.contains(decision)).collect();
        append(file, &new)?;
    }
    std::fs::remove_file(&path).while_doing(|| "closing the journal")
}

fn land(workspace: &Workspace, change: &Change) -> Result<(), Error> {
    let target = changeable(workspace, &change.path)?;
    let Some(candidate) = &change.candidate else {
        return match std::fs::remove_file(&target) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error)?,
            _ => Ok(()),
        };
    };
    let folder = target.parent().unwrap_or(workspace.root());
    make_folder(folder)?;
    // Beside its target: baselines may lie on another file system than `.gate`.
    write_atomically(&target, &workspace.store().get(candidate)?, folder)
}

/// Finishes what a crash interrupted, at the start of a run.
pub fn recover(workspace: &Workspace) -> Result<(), Error> {
    if !journal_path(workspace).exists() {
        return Ok(());
    }
    hold(workspace).map(drop)
}

fn journal_path(workspace: &Workspace) -> PathBuf {
    workspace.private().join("journal.json")
}

fn append(file: &Path, decisions: &[&Decision]) -> Result<(), Error> {
    let mut lines = Vec::new();
    for decision in decisions {
        serde_json::to_writer(&mut lines, decision)?;
        lines.push(b'\n');
    }
    let torn =
        read_if_there(file)?.is_some_and(|bytes| !bytes.is_empty() && !bytes.ends_with(b"\n"));
    let mut out = open_for_append(file)?;
    if torn {
        lines.insert(0, b'\n');
    }
    out.write_all(&lines)
        .and_then(|()| out.sync_data())
        .while_doing(|| format!("writing {}", file.display()))
}

/// The first file that changes would replace and that is not what they expect, if there is one. A
/// file that cannot be read, or may not be changed, is none that can be replaced.
pub fn stale(workspace: &Workspace, changes: &[Change]) -> Option<String> {
    let is_expected = |change: &Change| {
        let found = changeable(workspace, &change.path).and_then(|path| read_if_there(&path));
        found.is_ok_and(|bytes| bytes.map(|bytes| Digest::of(&bytes)) == change.expected)
    };
    changes.iter().find(|change| !is_expected(change)).map(|change| change.path.clone())
}

/// The digest of a file of the workspace; none when it is not there. Its content goes into the
/// store, so that the change can be undone.
fn current(workspace: &Workspace, path: &str) -> Result<Option<Digest>, Error> {
    let bytes = read_if_there(&changeable(workspace, path)?)?;
    bytes.map(|bytes| workspace.store().put(&bytes)).transpose()
}

/// The path of a file that a proposal may change: below a folder of approved pictures or of
/// recorded answers. A bundle may come from anybody, and must not reach what programs run.
fn changeable(workspace: &Workspace, path: &str) -> Result<PathBuf, Error> {
    let found = inside(workspace, path)?;
    let folders = Path::new(path).parent().into_iter().flat_map(Path::components);
    let is_ours = folders
        .filter_map(|part| part.as_os_str().to_str())
        .any(|name| OWNED.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending)));
    if is_ours {
        return Ok(found);
    }
    Err(Error::new(format!("a proposal may not change `{path}`"))
        .hint("it may change files in folders that end in `.baselines` or `.cassette`"))
}

/// How the folders end whose files gates propose to change.
const OWNED: [&str; 2] = [".baselines", ".cassette"];

/// The path within the workspace; an error when it would lead out of it, into a hidden folder or
/// through a link.
pub fn inside(workspace: &Workspace, path: &str) -> Result<PathBuf, Error> {
    let relative = Path::new(path);
    let plain = relative.components().all(|part| match part {
        Component::Normal(name) => !name.as_encoded_bytes().starts_with(b"."),
        _ => false,
    });
    if !plain || path.is_empty() {
        return Err(Error::new(format!("`{path}` does not lead to a file of the workspace")));
    }
    let mut at = workspace.root().to_owned();
    for part in relative.components() {
        at.push(part);
        if at.is_symlink() {
            return Err(Error::new(format!("{} is a link, and is not followed", at.display())));
        }
    }
    Ok(at)
}

/// What takes a decision back.
pub fn reversed(changes: &[Change]) -> Vec<Change> {
    changes
        .iter()
        .map(|change| Change {
            path: change.path.clone(),
            expected: change.candidate,
            candidate: change.expected,
        })
        .collect()
}

/// Reads a decision file's digest-addressed candidates from another store into this one.
pub fn carry_candidates(
    from: &crate::Store,
    to: &crate::Store,
    changes: &[Change],
) -> Result<(), Error> {
    for digest in changes.iter().filter_map(|change| change.candidate.as_ref()) {
        if read(&to.path(digest)).is_err() {
            to.put(&from.get(digest)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
