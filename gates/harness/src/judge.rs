//! From what was recorded to a report. A pure function of the run's record and the store; what
//! it gives for a run on the day it ran, it gives ever after.

use gate_core::spec::{Header, Reading, SpecDocument, SpecFile, With};
use gate_core::{
    AnyGate, Attempt, Check, Context, Error, ExitCode, Failure, GateRecord, GateReport, Given,
    Observation, Outcome, Registry, Report, ReportSchema, RunRecord, Settings, Store, Verdict,
};

/// Whether a run is judged for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// While it runs: a plug-in that judges as it measures has just answered.
    Live,
    /// Later, from the stored run alone.
    Again,
}

/// What judging works with.
pub struct Judging {
    /// Where the observations lie.
    pub store: Store,
    /// Whether it is the first time.
    pub mode: Mode,
    /// For plug-ins, which judge in a process of their own.
    pub context: Context,
}

/// The outcome of one attempt.
pub async fn attempt(
    attempt: &Attempt,
    gate: &dyn AnyGate,
    settings: &Settings,
    judging: &Judging,
) -> Outcome {
    let outcome = match attempt {
        Attempt::Measured { measured } => match Observation::load(&judging.store, measured) {
            Ok(observation) => judged(&observation, gate, settings, judging).await,
            Err(error) => Outcome::of([unmeasured("gate.error", "Judging", &error)]),
        },
        Attempt::Failed { failed, reason, advice } => {
            let error = advice.iter().fold(Error::new(reason.as_str()), Error::hint_ref);
            Outcome::of([unmeasured(&format!("gate.{}", failed.word()), title(*failed), &error)])
        }
    };
    if outcome.checks.is_empty() {
        let nothing = Error::new("the gate checked nothing, and nothing is no pass")
            .hint("look at its settings: do they select anything?");
        return Outcome::of([unmeasured("gate.nothing", "Checks", &nothing)]);
    }
    outcome
}

fn title(failed: Failure) -> &'static str {
    match failed {
        Failure::Error => "Measuring",
        Failure::Panic => "Running the gate",
        Failure::Timeout => "Time-out",
        Failure::Cancelled => "Running to the end",
    }
}

async fn judged(
    observation: &Observation,
    gate: &dyn AnyGate,
    settings: &Settings,
    judging: &Judging,
) -> Outcome {
    if let Some(answered) = &observation.answered {
        if judging.mode == Mode::Live {
            return answered.clone();
        }
        let error = Error::new("it cannot be judged again: its plug-in judges while it measures")
            .hint("run the gate again");
        return Outcome::of([unmeasured("gate.error", "Judging", &error)]);
    }
    let store = judging.store.clone();
    let read = move |digest: &gate_core::Digest| store.get(digest);
    let given = Given::new(&read, &observation.inputs);
    let work = gate.judge(settings, &observation.seen, &given, &judging.context);
    // A judgement is computed where it stands, so a panic has to be caught where it stands.
    let result = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(work)).await;
    match result {
        Ok(Ok(outcome)) => finite(outcome),
        Ok(Err(error)) => Outcome::of([unmeasured("gate.error", "Judging", &error)]),
        Err(_) => {
            let error = Error::new("the gate panicked while it judged")
                .hint("this is a bug in the gate; report it");
            Outcome::of([unmeasured("gate.panic", "Judging", &error)])
        }
    }
}

/// Refuses metrics that JSON cannot hold.
fn finite(outcome: Outcome) -> Outcome {
    let broken = outcome
        .checks
        .iter()
        .flat_map(|check| &check.metrics)
        .find(|metric| !metric.value.is_finite())
        .map(|metric| metric.name.clone());
    match broken {
        None => outcome,
        Some(name) => {
            let error = Error::new(format!("the metric `{name}` is not a finite number"));
            Outcome::of([unmeasured("gate.error", "Judging", &error)])
        }
    }
}

fn unmeasured(id: &str, title: &str, error: &Error) -> Check {
    let check = Check::new(id, title, Verdict::Inconclusive, error.message());
    match error.advice() {
        Some(advice) => check.advice(advice),
        None => check,
    }
}

/// The report of one gate, from its record.
pub async fn gate(
    record: &GateRecord,
    header: &Header,
    gate: &dyn AnyGate,
    settings: &Settings,
    judging: &Judging,
) -> GateReport {
    let mut outcomes = Vec::new();
    for one in &record.attempts {
        outcomes.push(attempt(one, gate, settings, judging).await);
    }
    let earlier = outcomes.len().saturating_sub(1);
    let turned = outcomes.iter().take(earlier).any(|outcome| outcome.verdict().blocks());
    let mut last = outcomes.pop().unwrap_or_default();
    if turned && !last.verdict().blocks() {
        last.checks.push(flaky(earlier + 1, &outcomes));
    }
    let verdict = last.verdict();
    GateReport {
        name: record.name.clone(),
        kind: record.kind.clone(),
        spec: record.spec.clone(),
        required: header.required,
        verdict,
        counts_as: verdict.counted(header.required),
        attempts: record.attempts.clone(),
        checks: last.checks,
        proposals: last.proposals,
        evidence: last.evidence,
        duration_ms: record.duration_ms,
    }
}

fn flaky(attempts: usize, earlier: &[Outcome]) -> Check {
    let first = earlier
        .iter()
        .flat_map(|outcome| &outcome.checks)
        .find(|check| check.verdict.blocks())
        .map_or_else(String::new, |check| format!(": {}", check.message));
    let message = format!("it took {attempts} attempts; an earlier one did not pass{first}");
    Check::new("gate.flaky", "Retries", Verdict::Warn, message)
        .advice("find out what differs between the attempts; a gate that needs luck loses trust")
}

/// The whole report.
pub fn report(record: &RunRecord, gates: Vec<GateReport>) -> Report {
    let verdict = (!gates.is_empty()).then(|| Verdict::over(gates.iter().map(|g| g.counts_as)));
    let exit_code = match (record.interrupted, verdict) {
        (Some(interruption), _) => interruption.exit_code(),
        (None, Some(verdict)) => ExitCode::of(verdict),
        // An empty part of a suite that is not empty has nothing against it.
        (None, None) => ExitCode::PROMOTE,
    };
    let mut notes = record.notes.clone();
    if let (None, Some(shard)) = (verdict, &record.selection.shard) {
        notes.push(format!("part {shard} of the suite is empty"));
    }
    Report {
        schema: ReportSchema::V1,
        run: record.run.clone(),
        started: record.started,
        finished: record.finished.unwrap_or(record.started),
        host: record.host.clone(),
        gate_version: record.gate_version.clone(),
        selection: record.selection.clone(),
        verdict,
        exit_code,
        complete: record.selection.shard.is_none()
            && record.interrupted.is_none()
            && record.finished.is_some(),
        notes,
        gates,
        skipped: record.skipped.clone(),
    }
}

/// Judges a stored run from nothing but its record and its store.
pub async fn again(
    record: &RunRecord,
    registry: &Registry,
    judging: &Judging,
    other: Option<&[SpecDocument]>,
) -> Result<Report, Error> {
    let vars = |name: &str| record.variables.get(name).cloned();
    let mut gates = Vec::new();
    for stored in record.gates.iter().filter(|stored| !stored.belongs_elsewhere()) {
        let (document, kind) = (stored_document(stored, record)?, kind(stored, registry)?);
        let settings = settings(&document, kind, &vars)?;
        let replaced =
            other.and_then(|documents| documents.iter().find(|d| d.header.name == stored.name));
        let (header, settings) = match replaced {
            Some(document) => {
                let other = self::settings(document, kind, &vars)?;
                agree(stored, kind.measured_by(&settings), kind.measured_by(&other))?;
                (document.header.clone(), other)
            }
            None => (document.header, settings),
        };
        gates.push(gate(stored, &header, kind, &settings, judging).await);
    }
    Ok(report(record, gates))
}

/// The document of a stored gate.
pub fn stored_document(stored: &GateRecord, record: &RunRecord) -> Result<SpecDocument, Error> {
    let vars = |name: &str| record.variables.get(name).cloned();
    let path = stored.spec.path.clone();
    SpecFile::new(path.clone().into(), path, stored.text.as_bytes())
        .and_then(|file| {
            let text = file.text.clone();
            SpecDocument::read(file, &text, 1, &vars)
        })
        .map_err(|diagnosis| Error::new(format!("the stored spec cannot be read: {diagnosis}")))
}

/// The kind of a stored gate.
pub fn kind<'a>(stored: &GateRecord, registry: &'a Registry) -> Result<&'a dyn AnyGate, Error> {
    let kind = registry.get(&stored.kind).ok_or_else(|| {
        Error::new(format!("the run has a gate of the kind `{}`, which is not here", stored.kind))
            .hint(registry.hint(&stored.kind))
    })?;
    Ok(&**kind.gate())
}

/// The settings of a document.
pub fn settings(
    document: &SpecDocument,
    gate: &dyn AnyGate,
    vars: &dyn gate_core::values::Vars,
) -> Result<Settings, Error> {
    let reading = Reading::expanding(vars);
    gate.read(With { node: &document.with, reading: &reading })
        .map_err(|error| Error::new(document.diagnose(&error).to_string()))
}

/// Two specs must agree in what shaped the measurement.
fn agree(
    stored: &GateRecord,
    one: serde_json::Value,
    other: serde_json::Value,
) -> Result<(), Error> {
    if one == other {
        return Ok(());
    }
    let differing = match (&one, &other) {
        (serde_json::Value::Object(one), serde_json::Value::Object(other)) => one
            .iter()
            .find(|(name, value)| other.get(*name) != Some(value))
            .map(|(name, _)| name)
            .or_else(|| other.keys().find(|name| !one.contains_key(*name)))
            .map_or_else(|| "with".to_owned(), |name| format!("with.{name}")),
        _ => "with".to_owned(),
    };
    Err(Error::new(format!("`{differing}` of {} shaped what was measured", stored.name))
        .hint("only limits can be asked about; run the gate again with the other setting"))
}
