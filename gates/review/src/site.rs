//! A run as the review shows it, and what was decided on it so far.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use gate_core::decision::{self, Deciding, Decision, DecisionSchema, Refused, Said};
use gate_core::{Error, GateReport, Proposal, Report, Timestamp, Workspace};
use gate_runs::Stored;
use serde::{Deserialize, Serialize};

use crate::files::Files;
use crate::history::History;
use crate::item::{Item, items};

/// A run that is being looked at.
pub(crate) struct Site {
    pub(crate) workspace: Workspace,
    pub(crate) stored: Stored,
    pub(crate) report: Report,
    pub(crate) files: Files,
    pub(crate) items: Vec<Item>,
    pub(crate) history: History,
    /// By proposal, its gate's place in the report and its own in the gate.
    proposals: HashMap<String, (usize, usize)>,
}

/// What is known of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub(crate) enum State {
    /// Nobody has said anything.
    Open,
    /// Somebody has.
    Decided { said: Said, by: String, at: Timestamp, reason: String },
    /// A file that it would replace is not what it was for the run.
    Stale { path: String },
}

/// Something that somebody wants to be decided.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    pub(crate) proposal: String,
    pub(crate) said: Said,
    /// When the last decision that they saw was made; none when they saw none.
    pub(crate) seen: Option<Timestamp>,
}

/// What became of a wish.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) proposal: String,
    #[serde(flatten)]
    pub(crate) now: State,
    /// Why it was not carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
}

impl Site {
    pub(crate) fn open(workspace: Workspace, stored: Stored) -> Result<Site, Error> {
        let report = stored.report()?;
        let files = Files::of(&report);
        let items = items(&report, &stored.store)?;
        let history = History::up_to(&report, &workspace);
        let mut proposals = HashMap::new();
        for (at, gate) in report.gates.iter().enumerate() {
            for (place, proposal) in gate.proposals.iter().enumerate() {
                proposals.insert(proposal.id.clone(), (at, place));
            }
        }
        Ok(Site { workspace, stored, report, files, items, history, proposals })
    }

    pub(crate) fn proposal(&self, id: &str) -> Option<(&GateReport, &Proposal)> {
        let (gate, at) = *self.proposals.get(id)?;
        let gate = &self.report.gates[gate];
        Some((gate, &gate.proposals[at]))
    }

    /// The last decision on each proposal of the run.
    pub(crate) fn decisions(&self) -> Result<BTreeMap<String, Decision>, Error> {
        let mut found = BTreeMap::new();
        for file in self.decision_files()? {
            for decision in decision::load(&file)? {
                if self.proposals.contains_key(&decision.proposal.id) {
                    found.insert(decision.proposal.id.clone(), decision);
                }
            }
        }
        Ok(found)
    }

    /// The files that decisions on the run are recorded in, whether they are there or not.
    pub(crate) fn decision_files(&self) -> Result<BTreeSet<PathBuf>, Error> {
        let gates = self.report.gates.iter().filter(|gate| !gate.proposals.is_empty());
        gates.map(|gate| gate_runs::decisions_file(&self.workspace, gate)).collect()
    }

    /// What is known of a proposal, given the last decision on it.
    pub(crate) fn state(&self, proposal: &Proposal, last: Option<&Decision>) -> State {
        match last {
            Some(last) if last.decision != Said::Undone => State::Decided {
                said: last.decision,
                by: last.by.clone(),
                at: last.at,
                reason: last.reason.clone(),
            },
            _ => match decision::stale(&self.workspace, &proposal.changes) {
                Some(path) => State::Stale { path },
                None => State::Open,
            },
        }
    }

    /// Decides, each wish for itself. What somebody else has decided since it was looked at is not
    /// decided again.
    pub(crate) fn decide(
        &self,
        wishes: &[Wish],
        by: &str,
        reason: &str,
        now: impl Fn() -> Timestamp,
    ) -> Result<Vec<Answer>, Error> {
        let decisions = wishes.iter().filter_map(|wish| {
            let (_, proposal) = self.proposal(&wish.proposal)?;
            let decision = Decision {
                schema: DecisionSchema::V1,
                proposal: proposal.clone(),
                decision: wish.said,
                by: by.to_owned(),
                at: now(),
                reason: reason.to_owned(),
                run: self.report.run.clone(),
            };
            Some((decision, wish.seen))
        });
        self.carry_out(decisions.collect())
    }

    /// Carries decisions on the run out, each for itself; each comes with the time of the decision
    /// that was known when it was made.
    pub(crate) fn carry_out(
        &self,
        decisions: Vec<(Decision, Option<Timestamp>)>,
    ) -> Result<Vec<Answer>, Error> {
        let known = self.decisions()?;
        let ids: Vec<String> =
            decisions.iter().map(|(decision, _)| decision.proposal.id.clone()).collect();
        let mut refused: HashMap<usize, String> = HashMap::new();
        let mut seen = HashMap::new();
        let (mut places, mut deciding) = (Vec::new(), Vec::new());
        for (at, (decision, known_at)) in decisions.into_iter().enumerate() {
            match self.deciding(decision, known.get(&ids[at])) {
                Ok(one) => {
                    seen.insert(ids[at].clone(), known_at);
                    places.push(at);
                    deciding.push(one);
                }
                Err(error) => {
                    refused.insert(at, error.to_string());
                }
            }
        }
        let results = decision::carry_out_all(&self.workspace, deciding, |one, last| {
            let last = last.filter(|last| last.decision != Said::Undone);
            if last.map(|last| last.at) == seen[&one.decision.proposal.id] {
                return Ok(());
            }
            let what = match last {
                Some(last) => format!("{} has {} it meanwhile", last.by, word(last.decision)),
                None => "the decision was taken back meanwhile".to_owned(),
            };
            Err(Refused::Failed(Error::new(what)))
        })?;
        for (at, result) in places.into_iter().zip(results) {
            if let Err(error) = result {
                refused.insert(at, error.to_string());
            }
        }
        let known = self.decisions()?;
        let answers = ids.into_iter().enumerate().map(|(at, id)| {
            let last = known.get(&id);
            let now = match self.proposal(&id) {
                Some((_, proposal)) => self.state(proposal, last),
                None => State::Open,
            };
            Answer { proposal: id, now, refused: refused.remove(&at) }
        });
        Ok(answers.collect())
    }

    fn deciding(&self, decision: Decision, last: Option<&Decision>) -> Result<Deciding, Error> {
        let (gate, proposal) = self
            .proposal(&decision.proposal.id)
            .filter(|(_, proposal)| **proposal == decision.proposal)
            .ok_or_else(|| Error::new("the run has no such proposal"))?;
        if !proposal.is_genuine() {
            return Err(Error::new("the proposal was altered on its way"));
        }
        let decided = last.filter(|last| last.decision != Said::Undone);
        let changes = match (decision.decision, decided) {
            (Said::Undone, None) => return Err(Error::new("there is nothing to take back")),
            (Said::Undone, Some(last)) if last.decision == Said::Approved => {
                decision::reversed(&proposal.changes)
            }
            (Said::Approved, Some(last)) if last.decision == Said::Approved => {
                return Err(Error::new(format!("{} has approved it already", last.by)));
            }
            // What was approved has to be taken back first, so that the files follow.
            (Said::Rejected, Some(last)) if last.decision == Said::Approved => {
                return Err(Error::new("it was approved; take that back first"));
            }
            (Said::Approved, _) => {
                self.workspace.prepare()?;
                let store = self.workspace.store();
                decision::carry_candidates(&self.stored.store, &store, &proposal.changes)?;
                proposal.changes.clone()
            }
            (Said::Undone | Said::Rejected, _) => Vec::new(),
        };
        Ok(Deciding { file: gate_runs::decisions_file(&self.workspace, gate)?, changes, decision })
    }
}

fn word(said: Said) -> &'static str {
    match said {
        Said::Approved => "approved",
        Said::Rejected => "rejected",
        Said::Undone => "taken back",
    }
}
