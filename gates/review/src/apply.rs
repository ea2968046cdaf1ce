//! Decisions that were made on static pages, carried out.

use gate_core::decision::{Decision, Said};
use gate_core::{Error, json};
use serde::{Deserialize, Serialize};

use crate::site::{Answer, Site};

/// What the page of a static report gives to be downloaded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Staged {
    pub(crate) schema: Schema,
    pub(crate) run: String,
    pub(crate) decisions: Vec<Decision>,
}

/// The name and version of the file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Schema {
    #[serde(rename = "gate-decisions/v1")]
    V1,
}

impl Staged {
    pub(crate) fn read(bytes: &[u8]) -> Result<Staged, Error> {
        serde_json::from_slice(bytes).map_err(|error| {
            Error::new(format!("this is no file of decisions: {error}"))
                .hint("the review page of a report downloads one: `gate report --out DIR`")
        })
    }
}

/// A decision and what became of it.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) title: String,
    pub(crate) said: Said,
    pub(crate) answer: Answer,
}

/// Carries the decisions out, each for itself. What the file says of a proposal has to be what the
/// run says of it.
pub(crate) fn apply(site: &Site, decisions: Staged) -> Result<Vec<Applied>, Error> {
    if decisions.run != site.report.run {
        return Err(Error::new(format!(
            "the decisions are on run {}, and this is run {}",
            decisions.run, site.report.run
        ))
        .hint("name the run or its bundle: --from BUNDLE"));
    }
    let asked: Vec<_> = decisions
        .decisions
        .iter()
        .map(|one| (format!("{}: {}", one.proposal.gate, one.proposal.title), one.decision))
        .collect();
    let foreign = decisions.decisions.iter().find(|decision| decision.run != decisions.run);
    if let Some(foreign) = foreign {
        return Err(Error::new(format!("one of the decisions is on run {}", foreign.run)));
    }
    // Whoever decided on a page in a file had seen no earlier decision.
    let wanted = decisions.decisions.into_iter().map(|decision| (decision, None)).collect();
    let answers = site.carry_out(wanted)?;
    let applied = asked.into_iter().zip(answers);
    Ok(applied.map(|((title, said), answer)| Applied { title, said, answer }).collect())
}

impl Applied {
    /// One line of JSON.
    pub(crate) fn line(&self) -> String {
        let done = self.answer.refused.is_none();
        let line = json!({
            "proposal": self.answer.proposal,
            "title": self.title,
            "decision": self.said,
            "done": done,
            "reason": self.answer.refused,
        });
        format!("{line}\n")
    }
}
