//! What somebody may decide about a view, and what was decided.

use std::collections::BTreeSet;

use gate_core::{Accepted, AcceptedChange, Change, Evidence, Proposal, Verdict};

use super::{Judged, Judging};
use crate::seen::{BaselineFiles, Compared};
use crate::settings::Against;

/// The statuses of a page that is not there. Anything else that is no page is trouble.
const ABSENT: [u16; 2] = [404, 410];

/// Whether the page is there, and the version that it is compared with has no such page.
pub(super) fn is_new(status: Option<u16>, before: Option<u16>) -> bool {
    status.is_some_and(|status| status < 400)
        && before.is_some_and(|before| ABSENT.contains(&before))
}

impl Judging<'_> {
    pub(super) fn without_baseline(&self, candidate: &Evidence) -> Judged {
        let check = self
            .check(
                Verdict::Inconclusive,
                format!("there is no approved picture to compare with{}", self.lost()),
            )
            .advice("look at the picture; `gate approve` makes it the baseline")
            .evidence([candidate.clone()]);
        let title = format!("first picture of {}", self.view.id());
        let proposal = self.view.files.as_ref().map(|files| self.replace(files, candidate, title));
        (check, proposal.map(|proposal| proposal.because("there is no approved picture yet")))
    }

    fn replace(&self, files: &BaselineFiles, candidate: &Evidence, title: String) -> Proposal {
        let changes = vec![
            Change {
                path: files.picture.clone(),
                expected: files.picture_digest,
                candidate: Some(candidate.digest),
            },
            Change {
                path: files.sidecar(),
                expected: files.sidecar_digest,
                candidate: files.new_sidecar,
            },
        ];
        Proposal::files(&self.view.gate, &self.view.id(), title, changes)
    }

    /// A page that the other version does not have: as a first picture, it is for somebody to
    /// look at. What was said holds for this very picture; live has none to compare with.
    pub(super) fn new_page(
        &self,
        candidate: &Evidence,
        before: &Evidence,
        status: Option<u16>,
    ) -> Judged {
        let (path, other) = (&self.view.path, self.other());
        let fingerprint = format!("new-{}", &candidate.digest.to_string()[..16]);
        let evidence = [candidate.clone(), before.clone()];
        let accepted = self.of_this_view().filter(|a| a.change.fingerprints == [&*fingerprint]);
        if let Some(by) = accepted.max_by_key(|accepted| accepted.at) {
            let message = format!(
                "{path} is new, and accepted as it is by {} on {} because \"{}\"",
                by.by,
                by.at.date(),
                by.reason
            );
            return (self.check(Verdict::Pass, message).evidence(evidence), None);
        }
        let status =
            status.map_or(String::new(), |status| format!(", which answers with {status}"));
        let message = format!("there is no {path} on {other} to compare with{status}: it is new");
        let check = self
            .check(Verdict::Inconclusive, message)
            .advice("look at the picture; `gate approve` accepts it as it is")
            .evidence(evidence);
        let change = self.accepted_change(vec![fingerprint], candidate, before);
        let id = self.view.id();
        let proposal = Proposal::accept(
            &id,
            format!("first picture of {id}, which is not on {other}"),
            change,
        )
        .because(format!("there is no such page on {other} yet"));
        (check, Some(proposal))
    }

    pub(super) fn proposal(
        &self,
        compared: &Compared,
        candidate: &Evidence,
        before: &Evidence,
    ) -> Proposal {
        let id = self.view.id();
        match (&self.settings.against, &self.view.files) {
            (Against::Baselines, Some(files)) => self
                .replace(files, candidate, format!("new picture of {id}{}", self.to_be_learnt()))
                .because(format!(
                    "the page differs from the approved picture{}",
                    self.to_be_learnt()
                )),
            _ => {
                let fingerprints = fingerprints(compared).map(ToOwned::to_owned).collect();
                let change = self.accepted_change(fingerprints, candidate, before);
                let title = format!("accept how {id} differs from {}", self.other());
                Proposal::accept(&id, title, change)
                    .because(format!("the page differs from {}", self.other()))
            }
        }
    }

    fn accepted_change(
        &self,
        mut fingerprints: Vec<String>,
        candidate: &Evidence,
        before: &Evidence,
    ) -> AcceptedChange {
        fingerprints.sort();
        fingerprints.dedup();
        AcceptedChange {
            gate: self.view.gate.clone(),
            page: self.view.page.clone(),
            viewport: self.view.viewport.clone(),
            browser: self.view.browser.clone(),
            baseline: before.digest,
            candidate: candidate.digest,
            fingerprints,
        }
    }

    /// What an approval would forget, and how it is known again.
    pub(super) fn to_be_learnt(&self) -> String {
        match self.view.files.as_ref().map_or(0, |files| files.noise_lost) {
            0 => String::new(),
            lost => {
                let s = if lost == 1 { "" } else { "s" };
                format!(
                    "; what moves by itself in {lost} area{s} is to be learnt anew after that: \
                     gate baseline learn --name {}",
                    self.view.gate
                )
            }
        }
    }

    /// What was accepted of this view.
    fn of_this_view(&self) -> impl Iterator<Item = &Accepted> {
        let view = self.view;
        self.accepted.iter().filter(move |accepted| {
            let change = &accepted.change;
            (&change.page, &change.viewport, &change.browser)
                == (&view.page, &view.viewport, &view.browser)
        })
    }

    /// Who accepted exactly this: both pictures, or every one of its regions.
    pub(super) fn accepted_by(
        &self,
        compared: &Compared,
        candidate: &Evidence,
        before: &Evidence,
    ) -> Option<&Accepted> {
        let of_this_view: Vec<&Accepted> = self.of_this_view().collect();
        let exactly = of_this_view.iter().find(|accepted| {
            accepted.change.baseline == before.digest
                && accepted.change.candidate == candidate.digest
        });
        if let Some(accepted) = exactly {
            return Some(accepted);
        }
        let known: BTreeSet<&str> = of_this_view
            .iter()
            .flat_map(|accepted| accepted.change.fingerprints.iter().map(String::as_str))
            .collect();
        let all = fingerprints(compared).next().is_some()
            && compared.regions_omitted == 0
            && fingerprints(compared).all(|fingerprint| known.contains(fingerprint));
        if all { of_this_view.into_iter().max_by_key(|accepted| accepted.at) } else { None }
    }
}

/// Of all that was seen, each thing that somebody can accept.
pub(super) fn fingerprints(compared: &Compared) -> impl Iterator<Item = &str> {
    let regions = compared.regions.iter().map(|region| region.fingerprint.as_str());
    regions.chain(compared.aligned.shifts().map(|shift| shift.fingerprint.as_str()))
}
