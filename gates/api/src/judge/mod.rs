//! What was seen amounts to. Looks at nothing but its arguments.

mod drift;
mod requests;
mod run;

use gate_core::{Check, Error, Given, Outcome, Proposal, Verdict};

use crate::seen::{Observation, Proposed, Recording};
use crate::settings::{ModeSetting, Settings};

pub(crate) use requests::is_as_wanted;

/// How many things of a list are named in a message.
const NAMED: usize = 3;

pub(crate) fn judge(
    spec: &Settings,
    seen: &Observation,
    given: &Given<'_>,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    if let Some(recording) = &seen.recording {
        outcome.checks.extend(recorded(recording));
    }
    if let Some(ran) = &seen.ran {
        outcome.checks.push(run::exit(spec, ran));
    }
    if let Some(traffic) = &seen.traffic {
        outcome.checks.push(run::answered(traffic, seen.ran.as_ref()));
    }
    if let (Some(recording), false) = (&seen.recording, spec.required.is_empty()) {
        outcome.checks.push(run::required(spec, recording));
    }
    if !spec.requests.is_empty() {
        let read = |evidence: &gate_core::Evidence| {
            let bytes = given.evidence(&evidence.digest)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        outcome.checks.extend(requests::requests(spec, &seen.asked, &read)?);
    }
    if let (Some(drift), Some(all)) = (&spec.drift, &seen.drift) {
        outcome.checks.extend(drift::drift(drift, all));
    }
    let (checks, proposals) = proposed(spec, seen);
    outcome.checks.extend(checks);
    outcome.proposals = proposals;
    Ok(outcome)
}

/// The first few of a list, and how many more there are.
fn named(all: &[String]) -> String {
    let more = all.len().saturating_sub(NAMED);
    let first = all[..all.len() - more].join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

/// `1 request`, `2 requests`.
fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Whether the recording is whole and holds no secret: two checks, where there is one at all.
fn recorded(recording: &Recording) -> Vec<Check> {
    let folder = &recording.folder;
    if recording.interactions == 0 && recording.damages.is_empty() {
        return Vec::new();
    }
    let files = match &recording.damages[..] {
        [] => {
            let interactions = count(recording.interactions, "interaction");
            let message = format!("{folder} has {interactions}, all of them whole");
            Check::new("recording", "Recording", Verdict::Pass, message)
        }
        damages => {
            let all: Vec<String> = damages.iter().map(|(what, _)| what.clone()).collect();
            let message = format!("{folder} is damaged: {}", named(&all));
            Check::new("recording", "Recording", Verdict::Inconclusive, message)
                .advice(&damages[0].1)
        }
    };
    let mut checks = vec![files];
    if !recording.secrets.is_empty() {
        let all: Vec<String> =
            recording.secrets.iter().map(|(path, what)| format!("{path}: {what}")).collect();
        let message = format!("{folder} holds what looks like a secret: {}", named(&all));
        checks.push(
            Check::new("recorded-secrets", "Secrets in the recording", Verdict::Fail, message)
                .advice(
                    "make the secret invalid where it came from, then record again; if it is none, \
                     allow it in redact.allow of cassette.yaml",
                ),
        );
    }
    checks
}

/// What is new or differs in the recording, to be decided.
fn proposed(spec: &Settings, seen: &Observation) -> (Vec<Check>, Vec<Proposal>) {
    let mut checks = Vec::new();
    let mut proposals = Vec::new();
    let folder = seen.recording.as_ref().map_or("", |recording| recording.folder.as_str());
    let mut new: Vec<&Proposed> = Vec::new();
    for one in &seen.proposed {
        let what = named(&one.endpoints);
        let (check, title) = if one.is_drift {
            let check = drift::check_of(seen.drift.as_deref().unwrap_or_default(), one);
            (check, format!("record {what} anew"))
        } else {
            new.push(one);
            ("recorded".to_owned(), format!("keep the recording of {what}"))
        };
        let reason = if one.is_drift { "the service answers otherwise" } else { "it was recorded" };
        proposals.push((check, title, reason, one));
    }
    if spec.mode != ModeSetting::None {
        checks.push(match &new[..] {
            [] => Check::new(
                "recorded",
                "New recordings",
                Verdict::Pass,
                "everything was recorded before",
            ),
            all => {
                let endpoints: Vec<String> =
                    all.iter().flat_map(|one| one.endpoints.iter().cloned()).collect();
                let message = format!(
                    "{} recorded that {folder} does not have yet: {}",
                    if endpoints.len() == 1 { "something was" } else { "things were" },
                    named(&endpoints)
                );
                let files = all.iter().flat_map(|one| one.files.iter().cloned());
                Check::new("recorded", "New recordings", Verdict::Inconclusive, message)
                    .advice("look at them, and accept them if they are right: gate approve")
                    .evidence(files)
            }
        });
    }
    let proposals = proposals
        .into_iter()
        .map(|(check, title, reason, one)| {
            Proposal::files(&seen.gate, &check, title, one.changes.clone()).because(reason)
        })
        .collect();
    (checks, proposals)
}

#[cfg(test)]
mod tests;
