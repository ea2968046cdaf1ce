//! What was seen amounts to. Looks at nothing but its arguments.

mod drift;
mod requests;
mod run;

use gate_core::{Check, Error, Given, Outcome, Proposal, Verdict};
use recorder::UNVOUCHED;

use crate::seen::{Age, Observation, Proposed, Recording, Why};
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
        outcome.checks.push(run::required(recording));
    }
    if !spec.requests.is_empty() {
        let read = |evidence: &gate_core::Evidence| {
            let bytes = given.evidence(&evidence.digest)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        outcome.checks.extend(requests::requests(spec, &seen.asked, &read)?);
    }
    if let (Some(drift), Some(all)) = (&spec.drift, &seen.drift) {
        outcome.checks.extend(drift::drift(drift, all, seen.document.as_ref()));
    }
    let (checks, proposals) = proposed(spec, seen);
    outcome.checks.extend(checks);
    outcome.proposals = proposals;
    Ok(outcome)
}

/// What to do when the service has not answered for this reason.
fn unanswered(why: &str) -> &'static str {
    if why.contains(UNVOUCHED) {
        "if its authority is one of your own, name its file under `authorities`"
    } else {
        "is the service running, and is that its address?"
    }
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
    let aged = recording.age.as_ref().map(aged);
    if recording.interactions + recording.rules == 0 && recording.damages.is_empty() {
        return Vec::new();
    }
    let files = match &recording.damages[..] {
        [] => {
            let interactions = count(recording.interactions, "interaction");
            let rules = match recording.rules {
                0 => String::new(),
                n => format!(" and {}", count(n, "rule")),
            };
            let message = format!("{folder} has {interactions}{rules}, all of them whole");
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
    checks.extend(aged);
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

/// Whether the recording is older than it may be.
fn aged(age: &Age) -> Check {
    let check =
        |verdict, message| Check::new("recording-age", "Age of the recording", verdict, message);
    if age.is_anew {
        return check(Verdict::Pass, format!("{}: it was recorded anew", age.why));
    }
    check(Verdict::Warn, format!("{}: the old recording was used", age.why)).advice(
        "let the service be reached from here, or record it elsewhere: gate record --mode all",
    )
}

/// What is new or differs in the recording, to be decided.
fn proposed(spec: &Settings, seen: &Observation) -> (Option<Check>, Vec<Proposal>) {
    let drifted = seen.drift.as_deref().unwrap_or_default();
    let ids = drift::ids(drifted);
    let proposal = |one: &Proposed| {
        let what = named(&one.endpoints);
        let (title, reason) = match one.why {
            Why::Drift => (format!("record {what} anew"), "the service answers otherwise"),
            Why::New => (format!("keep the recording of {what}"), "it was not recorded before"),
            Why::Changed => (format!("record {what} anew"), "it was recorded otherwise before"),
            Why::Gone => (format!("remove the recording of {what}"), "nothing asked for it"),
        };
        let check = match one.why {
            Why::Drift => drift::check_of(&ids, drifted, one),
            _ => "recorded".to_owned(),
        };
        Proposal::files(&seen.gate, &check, title, one.changes.clone()).because(reason)
    };
    let proposals = seen.proposed.iter().map(proposal).collect();
    let check = (spec.mode != ModeSetting::None).then(|| recorded_anew(seen));
    (check, proposals)
}

/// What was recorded, and waits for somebody to say yes.
fn recorded_anew(seen: &Observation) -> Check {
    let check = |verdict, message: String| Check::new("recorded", "Recordings", verdict, message);
    let recording = seen.recording.as_ref();
    if recording.is_some_and(|recording| recording.is_left_out) {
        let message = "what was recorded is not proposed, because not all went well";
        return check(Verdict::Inconclusive, message.to_owned())
            .advice("mend what stands above, then record again");
    }
    let all: Vec<&Proposed> = seen.proposed.iter().filter(|one| one.why != Why::Drift).collect();
    if all.is_empty() {
        return check(Verdict::Pass, "everything is as it was recorded before".to_owned());
    }
    let folder = recording.map_or("", |recording| recording.folder.as_str());
    let words = [(Why::New, "new"), (Why::Changed, "recorded anew"), (Why::Gone, "not asked for")];
    let told = words.iter().filter_map(|(why, word)| {
        let of = all.iter().filter(|one| one.why == *why);
        let endpoints: Vec<String> = of.flat_map(|one| one.endpoints.iter().cloned()).collect();
        (!endpoints.is_empty()).then(|| format!("{word}: {}", named(&endpoints)))
    });
    let told: Vec<String> = told.collect();
    let message = format!("{folder} would change; {}", told.join("; "));
    let files = all.iter().flat_map(|one| one.files.iter().cloned());
    check(Verdict::Inconclusive, message)
        .advice("look at it, and accept it if it is right: gate approve")
        .evidence(files)
}

#[cfg(test)]
mod tests;
