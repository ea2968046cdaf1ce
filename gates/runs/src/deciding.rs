//! What somebody says to a proposal of a stored run, carried out.

use std::path::PathBuf;

use gate_core::decision::{self, DECISIONS_FILE, Decision, Refused, Said};
use gate_core::{Error, GateReport, Timestamp, Workspace};

use crate::Stored;

/// The file with the decisions on a gate: beside its spec, which must lie in the workspace. A
/// bundle names the spec, and may come from anybody.
pub fn decisions_file(workspace: &Workspace, gate: &GateReport) -> Result<PathBuf, Error> {
    Ok(decision::inside(workspace, &gate.spec.path)?.with_file_name(DECISIONS_FILE))
}

/// Carries out what was said to a proposal of this run: all of it, or nothing. The candidates
/// come from the run; nothing is measured again.
///
/// [`Refused::Stale`] when a file that it would replace is not what it was for the run. A proposal
/// whose id is not the hash of its changes is refused: it was altered on the way.
pub fn carry_out(
    workspace: &Workspace,
    stored: &Stored,
    gate: &GateReport,
    decision: Decision,
) -> Result<(), Refused> {
    if !decision.proposal.is_genuine() {
        return Err(Error::new(format!("the proposal {} was altered", decision.proposal.id)).into());
    }
    let file = decisions_file(workspace, gate)?;
    let changes = match decision.decision {
        Said::Approved => decision.proposal.changes.clone(),
        Said::Rejected | Said::Undone => Vec::new(),
    };
    workspace.prepare()?;
    decision::carry_candidates(&stored.store, &workspace.store(), &changes)?;
    decision::carry_out(workspace, &file, changes, decision)
}

/// Takes back the last word on a proposal: what an approval had replaced is put back.
///
/// [`Refused::Stale`] when a file has changed since the decision.
pub fn take_back(
    workspace: &Workspace,
    file: &std::path::Path,
    last: Decision,
    by: String,
    at: Timestamp,
    reason: String,
) -> Result<(), Refused> {
    let changes = match last.decision {
        Said::Approved => decision::reversed(&last.proposal.changes),
        Said::Rejected | Said::Undone => Vec::new(),
    };
    let undone = Decision { decision: Said::Undone, by, at, reason, ..last };
    decision::carry_out(workspace, file, changes, undone)
}
