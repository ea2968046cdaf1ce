//! An experiment for people: in a terminal, as JSON, as a page of its own and as a page of a run. All
//! say the same in the same words.

mod evidence;
mod json;
pub(crate) mod page;
mod text;

use gate_core::{Timestamp, Verdict};

use crate::judge::data::Judged;
use crate::seen::SeenData;
use crate::settings::{Analysis, Method, Settings};
use crate::words::{YEAR, list, more_days, percent, times};

/// What is reported.
#[derive(Clone, Copy)]
pub(crate) struct Report<'r> {
    /// The gate's name.
    pub(crate) name: &'r str,
    pub(crate) spec: &'r Settings,
    pub(crate) seen: &'r SeenData,
    pub(crate) judged: &'r Judged,
    /// The seed of the run.
    pub(crate) seed: u64,
    pub(crate) at: Timestamp,
}

/// Words that not everybody knows.
const GLOSSARY: [(&str, &str); 7] = [
    (
        "Arm",
        "one of the versions that are compared; the control is the one that others are held against",
    ),
    ("Split", "which part of the visitors is put into which arm"),
    ("Exposure", "the moment when a visitor is shown their arm for the first time"),
    (
        "Sample ratio mismatch",
        "a split that is so far from what was meant that chance hardly does it: something is broken",
    ),
    ("Interval", "where the true change probably is; a bar that does not touch 0 is a difference"),
    ("Guardrail", "a number that may not become worse, whatever else becomes better"),
    ("p value", "how often chance alone would do this, or more, if there were nothing to find"),
];

impl Report<'_> {
    fn verdict(&self) -> Verdict {
        self.judged.verdict()
    }

    /// How the numbers were worked out, for the footnote.
    fn method(&self) -> String {
        let analysis = &self.spec.analysis;
        let sure = percent(1.0 - analysis.alpha.fraction());
        let looked = match analysis.method {
            Method::AlwaysValid => {
                "asymptotic confidence sequences (arXiv 2103.06476), which may be looked at all the time"
            }
            Method::Fixed => "the normal approximation (Welch for means), for one look",
            Method::GroupSequential => "repeated intervals after Lan and DeMets",
            Method::Bayesian => "credible intervals from even priors",
        };
        let arms = self.judged.primary.len();
        let shared = if arms > 1 {
            format!(", its error shared by {arms} comparisons")
        } else {
            String::new()
        };
        let seen = self.seen;
        let all: f64 = seen.all.iter().map(|cell| cell.units as f64).sum();
        let first = seen.days.keys().next();
        let days =
            first.zip(seen.days.keys().next_back()).map_or_else(String::new, |(from, to)| {
                let zone = self.spec.data.as_ref().map_or("UTC", |data| data.time_zone.as_str());
                format!(" exposed from {from} to {to} ({zone})")
            });
        format!(
            "Differences with {sure} confidence{shared}, by {looked}; as a part of the control by the delta \
             method. The split by chi-squared at one look and by Bayes factors (arXiv 2011.03567) at \
             any time; it counts as wrong below {}. Data: {}, {}{days}. The first exposure decides. \
             Seed {}; nothing here is drawn.",
            percent(analysis.alarm.fraction()),
            seen.source,
            times(all, "visitor"),
            self.seed
        )
    }

    /// Who and what it is about: `control 50%, new_hero 50%`.
    fn split(&self) -> String {
        let arms = self.spec.arms().into_iter().zip(self.spec.shares());
        list(&arms.map(|(arm, share)| format!("{arm} {}", percent(share))).collect::<Vec<_>>())
    }

    /// Days that are left, in words; none where it is decided or unknown.
    fn days_left(&self) -> Option<String> {
        let left = self.left()?;
        Some(if left > YEAR { more_days(left) } else { format!("about {}", times(left, "day")) })
    }

    /// The same as a number.
    fn left(&self) -> Option<f64> {
        let open = self.judged.primary.iter().chain(&self.judged.guardrails);
        let left = open.filter_map(|lift| lift.days_left).fold(0.0_f64, f64::max);
        let is_young =
            |check: &gate_core::Check| check.id == "whole-weeks" && check.verdict.blocks();
        let week = if self.judged.time.iter().any(is_young) {
            7.0 - self.judged.progress.days.unwrap_or(7) as f64
        } else {
            0.0
        };
        let left = left.max(week);
        (left > 0.0 && self.judged.is_trusted && self.verdict() == Verdict::Inconclusive)
            .then_some(left)
    }
}

/// The method's name, as it stands in a spec.
fn named(analysis: &Analysis) -> &'static str {
    match analysis.method {
        Method::AlwaysValid => "always-valid",
        Method::Fixed => "fixed",
        Method::GroupSequential => "group-sequential",
        Method::Bayesian => "bayesian",
    }
}

/// Effects and their limits, as they stand in a spec or a file.
pub(crate) const TRUST: &str = "Can these numbers be trusted?";
pub(crate) const TIME: &str = "Has it run for long enough?";
pub(crate) const COME: &str = "What has come of it?";
pub(crate) const HARM: &str = "Does it harm anything?";
pub(crate) const MORE: &str = "What else there is to see";
pub(crate) const NEXT: &str = "What to do next";
