//! A recording to be replayed, in whatever format it lies there.

use std::borrow::Cow;
use std::path::Path;

use gate_core::{Context, Error};
use recorder::import::{self, Format, Imported};
use recorder::{Cassette, Library, Matching, Outcome, Policy, RedactPolicy};
use redact::Cleaner;

use crate::commands::engine_error;

/// What is answered, and what takes the secrets out.
pub(crate) struct Recording {
    pub(crate) library: Library,
    /// Of what is looked up.
    pub(crate) cleaner: Cleaner,
    /// Of what is said about requests.
    spoken: Cleaner,
    /// What could not be carried over.
    pub(crate) warnings: Vec<String>,
}

impl Recording {
    /// What keeps the secrets out of what is said.
    pub(crate) fn discretion(&self) -> Discretion {
        Discretion(self.spoken.clone())
    }
}

/// Opens a cassette, or a file or folder of another tool.
pub(crate) fn open(path: &Path, cx: &Context) -> Result<Recording, Error> {
    if Cassette::is_at(path) {
        let cassette = Cassette::open(path).map_err(engine_error)?;
        let cleaner = cleaner(cassette.policy(), cx)?;
        let library = Library::of_cassette(cassette).map_err(engine_error)?;
        let spoken = cleaner.clone();
        return Ok(Recording { library, cleaner, spoken, warnings: Vec::new() });
    }
    let Imported { format, recorded, rules, repeats, warnings } =
        import::read(path).map_err(engine_error)?;
    let spoken = cleaner(&Policy::default(), cx)?;
    let is_stubs = matches!(format, Format::WireMock | Format::Hoverfly);
    let (cleaner, recorded) = if is_stubs {
        // A stub says what it wants to be asked with, a secret included.
        (cleaner(&that_keeps_all(), cx)?, recorded)
    } else {
        // What comes in is looked up without its secrets; so is what it is looked up in.
        (spoken.clone(), recorder::with_clean_requests(&recorded, &spoken))
    };
    let library = Library::of_recorded(&recorded, Matching::default(), repeats).with_rules(rules);
    Ok(Recording { library, cleaner, spoken, warnings })
}

/// The cassette of a path; of a file or folder of another tool one is made for this command, without
/// secrets, in `scratch`. With it, what could not be carried over.
pub(crate) fn as_cassette(
    path: &Path,
    scratch: &Path,
    cx: &Context,
) -> Result<(Cassette, Vec<String>), Error> {
    if Cassette::is_at(path) {
        let cassette = Cassette::open(path).map_err(engine_error)?;
        let rules = cassette.rules().map_err(engine_error)?.len();
        return Ok((cassette, rules_left_out(rules).into_iter().collect()));
    }
    let Imported { recorded, rules, mut warnings, .. } =
        import::read(path).map_err(engine_error)?;
    let cleaner = cleaner(&Policy::default(), cx)?;
    let (clean, _) = recorder::cleaned(&recorded, &cleaner);
    let cassette =
        Cassette::open_or_new(&scratch.join("imported"), Policy::default).map_err(engine_error)?;
    cassette.write(&clean, &cleaner).map_err(engine_error)?;
    warnings.extend(rules_left_out(rules.len()));
    Ok((cassette, warnings))
}

/// What there is to say of rules where a service is asked again.
pub(crate) fn rules_left_out(rules: usize) -> Option<String> {
    let text = "rules that answer every request of a kind say nothing of a service";
    (rules > 0).then(|| format!("{text}: {rules} left out"))
}

fn that_keeps_all() -> Policy {
    let redact = RedactPolicy {
        allow: vec!["(?s).*".to_owned()],
        keep_personal: true,
        ..RedactPolicy::default()
    };
    Policy { redact, ..Policy::default() }
}

/// What takes the secrets out of what came of a replay, before anybody is told of it.
pub(crate) struct Discretion(Cleaner);

impl Discretion {
    /// The same without secrets.
    pub(crate) fn about(&self, mut outcome: Outcome) -> Outcome {
        for missed in &mut outcome.missed {
            missed.url = self.url(&missed.url);
            for near in &mut missed.miss.nearest {
                near.url = self.url(&near.url);
                for one in &mut near.differences {
                    one.asked = self.part(&one.part, &one.asked);
                    one.recorded = self.part(&one.part, &one.recorded);
                }
            }
        }
        for failed in &mut outcome.failed {
            *failed = self.part("body", failed);
        }
        outcome
    }

    /// An address without its secrets.
    pub(crate) fn url(&self, url: &str) -> String {
        self.0.url(url).into_owned()
    }

    /// The value of a part of a request, as a miss names it.
    fn part(&self, part: &str, value: &str) -> String {
        let text = |clean: Cow<'_, [u8]>| String::from_utf8_lossy(&clean).into_owned();
        match part.strip_prefix("header ") {
            Some(name) => text(self.0.header("", name, value.as_bytes())),
            None if part == "query" => {
                let clean = self.url(&format!("/?{value}"));
                clean.strip_prefix("/?").map_or_else(String::new, str::to_owned)
            }
            None if part == "path" => self.url(value),
            None => text(self.0.body("", "", value.as_bytes())),
        }
    }
}

/// What takes the secrets out, as a policy has it.
pub(crate) fn cleaner(policy: &Policy, cx: &Context) -> Result<Cleaner, Error> {
    let key = recorder::fresh_key().map_err(engine_error)?;
    policy.redact.cleaner(cx.redactor().clone(), key).map_err(engine_error)
}
