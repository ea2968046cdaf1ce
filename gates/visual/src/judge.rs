//! What the views amount to. Looks at nothing but its arguments.

mod deciding;

use gate_core::evidence::DiffAligned;
use gate_core::{Accepted, Check, Evidence, Given, Limit, Metric, Outcome, Proposal, Verdict};

use crate::seen::{Compared, Observation, Side, View};
use crate::settings::{Against, Settings};
use crate::unloaded::{self, Unloaded};
use crate::words;

pub(crate) fn judge(settings: &Settings, seen: &Observation, given: &Given<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    for view in &seen.views {
        let (check, proposal) = Judging { settings, view, accepted: given.accepted() }.judge();
        outcome.checks.push(check);
        outcome.proposals.extend(proposal);
    }
    outcome
}

struct Judging<'a> {
    settings: &'a Settings,
    view: &'a View,
    accepted: &'a [Accepted],
}

type Judged = (Check, Option<Proposal>);

impl Judging<'_> {
    fn judge(&self) -> Judged {
        let view = self.view;
        let (candidate, status) = match &view.candidate {
            Side::Picture { picture, status } => (picture, *status),
            Side::Missing { .. } => return (self.missing(&view.candidate, ""), None),
        };
        let pictures = |more: Option<&Evidence>| {
            [candidate.clone()].into_iter().chain(more.cloned()).collect::<Vec<_>>()
        };
        let Some(baseline) = &view.baseline else {
            if let Some(check) = self.bad_status(status, None) {
                return (check.evidence(pictures(None)), None);
            }
            return self.without_baseline(candidate);
        };
        let (before, before_status) = match baseline {
            Side::Picture { picture, status } => (picture, *status),
            Side::Missing { .. } => {
                let what = format!("{}: ", self.other());
                return (self.missing(baseline, &what).evidence(pictures(None)), None);
            }
        };
        if deciding::is_new(status, before_status) {
            return self.new_page(candidate, before, before_status);
        }
        if let Some(check) = self.bad_status(status, before_status) {
            return (check.evidence(pictures(Some(before))), None);
        }
        match &view.compared {
            Some(compared) => self.compared(compared, candidate, before),
            None => {
                let message = "the pictures were not compared".to_owned();
                (self.check(Verdict::Inconclusive, message), None)
            }
        }
    }

    fn check(&self, verdict: Verdict, message: String) -> Check {
        let View { page, viewport, width, height, browser, .. } = self.view;
        let title = format!("{page} at {viewport} ({width}x{height}), {browser}");
        Check::new(self.view.id(), title, verdict, message)
            .facet("page", page)
            .facet("viewport", viewport)
            .facet("browser", browser)
    }

    /// What the pictures were held against, in words.
    fn other(&self) -> String {
        match &self.settings.against {
            Against::Baselines => "the approved picture".to_owned(),
            Against::Promotion => "live".to_owned(),
            Against::Environment(name) => name.clone(),
        }
    }

    fn missing(&self, side: &Side, what: &str) -> Check {
        let Side::Missing { reason, advice, evidence } = side else {
            return self.check(Verdict::Inconclusive, "there is a picture".to_owned());
        };
        let check = self
            .check(Verdict::Inconclusive, format!("there is no picture: {what}{reason}"))
            .evidence(evidence.clone());
        match advice {
            Some(advice) => check.advice(advice),
            None => check,
        }
    }

    /// A page that answers with an error while the other version does not has got worse. Where
    /// both do, or there is nothing to hold it against, nobody can say: the picture of an error
    /// is no evidence that the page is right.
    fn bad_status(&self, status: Option<u16>, before: Option<u16>) -> Option<Check> {
        let bad = |status: Option<u16>| status.filter(|status| *status >= 400);
        let path = &self.view.path;
        match (bad(status), bad(before)) {
            (None, None) if status.is_none() => Some(
                self.check(
                    Verdict::Inconclusive,
                    format!("the browser does not say with which status {path} answered"),
                )
                .advice("use a newer browser: a picture of an error page proves nothing"),
            ),
            (None, None) => None,
            (Some(now), None) if before.is_some() => {
                let message = format!(
                    "{path} answers with status {now}, and on {} it does not",
                    self.other()
                );
                Some(self.check(Verdict::Fail, message).advice("mend the page"))
            }
            (Some(now), _) => Some(
                self.check(Verdict::Inconclusive, format!("{path} answers with status {now}"))
                    .advice("a picture of an error proves nothing; is the path right?"),
            ),
            (None, Some(before)) => {
                let message = format!("{path} answers with status {before} on {}", self.other());
                Some(
                    self.check(Verdict::Inconclusive, message)
                        .advice("there is nothing to compare with; does that site work?"),
                )
            }
        }
    }

    fn compared(&self, compared: &Compared, candidate: &Evidence, before: &Evidence) -> Judged {
        let limit = self.settings.max_changed_of(self.view.place[0] as usize).fraction();
        let max_shift = self.settings.max_shift_of(self.view.place[0] as usize);
        let [one, other] = compared.sizes;
        let same_size = one == other;
        let shifted = moved_rows(&compared.aligned);
        let measured = |check: Check| {
            check
                .metric(
                    Metric::new("changed share", compared.changed_ratio * 100.0, "%")
                        .limit(Limit::AtMost(limit * 100.0)),
                )
                .metric(Metric::new("changed pixels", compared.changed_pixels as f64, "px"))
                .metric(
                    Metric::new("shifted rows", shifted as f64, "px")
                        .limit(Limit::AtMost(f64::from(max_shift))),
                )
        };
        let other_name = self.other();
        if compared.changed_pixels == 0 && same_size && shifted == 0 {
            let mut message = format!("looks the same as {other_name}");
            if !self.view.unmatched.is_empty() {
                message = format!("{message} (nothing matches {})", self.view.unmatched.join(", "));
            }
            if compared.noise_pixels > 0 {
                let pixels = words::thousands(compared.noise_pixels);
                message = format!("{message} ({pixels} pixels of what moves by itself left out)");
            }
            let check = self.passed(compared, message).evidence([candidate.clone()]);
            return (measured(check), None);
        }
        let evidence = compared.diff.iter().chain([candidate, before]).cloned();
        let what = self.described(compared, shifted);
        // A page that is wider, or higher by more than what was found to have shifted, is not
        // within any limit.
        let explained = same_size || (one[0] == other[0] && shifted > 0);
        let within = compared.changed_ratio <= limit && shifted <= u64::from(max_shift);
        if explained && within {
            let message = format!("within the limit: {what}");
            return (measured(self.passed(compared, message).evidence(evidence)), None);
        }
        if let Some(by) = self.accepted_by(compared, candidate, before) {
            let message = format!(
                "differs from {other_name} as accepted by {} on {} because \"{}\": {what}",
                by.by,
                by.at.date(),
                by.reason
            );
            return (measured(self.check(Verdict::Pass, message).evidence(evidence)), None);
        }
        let check = self
            .check(Verdict::Fail, format!("{what}{}", self.lost()))
            .advice("if this is intended, accept it (`gate review`, or `gate approve` with a reason); if not, mend it")
            .evidence(evidence);
        (measured(check), Some(self.proposal(compared, candidate, before)))
    }

    /// What the page did not get although what it is compared with did, so far as one knows.
    fn unlike_before(&self) -> impl Iterator<Item = &Unloaded> {
        let before = self.view.unloaded_before.as_deref().unwrap_or_default();
        self.view.unloaded.iter().filter(|one| !before.contains(&one.address))
    }

    /// The same in words, to follow others.
    fn lost(&self) -> String {
        let lost: Vec<&Unloaded> = self.unlike_before().collect();
        match (lost.is_empty(), &self.view.unloaded_before) {
            (true, _) => String::new(),
            (false, None) => format!("; {}", unloaded::words(&lost)),
            (false, Some(_)) => format!("; unlike before, {}", unloaded::words(&lost)),
        }
    }

    /// A pass, or a warning: when the page has lost something of its own, even if that cannot be
    /// seen, or when so much of it moves by itself that little is left to pass. What others serve
    /// comes and goes, and is named only where the picture differs.
    fn passed(&self, compared: &Compared, message: String) -> Check {
        let own: Vec<&Unloaded> = self.unlike_before().filter(|one| one.own).collect();
        if self.view.unloaded_before.is_some() && !own.is_empty() {
            let lost = unloaded::words(&own);
            return self
                .check(Verdict::Warn, format!("{message}; but unlike before, {lost}"))
                .advice("bring it back, or take out of the page what asks for it");
        }
        if compared.noise_share <= self.settings.max_noise.fraction() {
            return self.check(Verdict::Pass, message);
        }
        let share = words::share(compared.noise_share);
        self.check(Verdict::Warn, format!("{message}; {share} of the page moves by itself"))
            .advice("hold still what moves (hide, mask), so that the rest can be trusted")
    }

    /// What has shifted, and what has changed besides.
    fn described(&self, compared: &Compared, shifted: u64) -> String {
        let other_name = self.other();
        let mut parts = Vec::new();
        if shifted > 0 {
            parts.push(format!(
                "the page has shifted from {other_name}: {}",
                words::shifts(&compared.aligned)
            ));
        }
        let count = compared.regions.len() as u64 + compared.regions_omitted;
        if count > 0 {
            let s = if count == 1 { " differs" } else { "s differ" };
            let areas = words::regions(&compared.regions, compared.regions_omitted);
            parts.push(format!(
                "{} area{s} from {other_name}: {areas} ({} pixels, {})",
                words::thousands(count),
                words::thousands(compared.changed_pixels),
                words::share(compared.changed_ratio),
            ));
        }
        let [one, other] = compared.sizes;
        if one != other {
            parts.push(format!(
                "the page is now {}x{} instead of {}x{}",
                other[0], other[1], one[0], one[1]
            ));
        }
        parts.join("; ")
    }
}

/// The rows that were inserted or deleted, and those that were moved.
fn moved_rows(aligned: &DiffAligned) -> u64 {
    let moved: u64 = aligned.moved.iter().map(|shift| u64::from(shift.height)).sum();
    aligned.shifted_rows + moved
}

#[cfg(test)]
mod tests;
