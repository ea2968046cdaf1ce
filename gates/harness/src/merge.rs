//! Joining the parts of a sharded suite.

use std::collections::BTreeSet;

use gate_core::{
    AnyGate, Attempt, Error, GateRecord, Interruption, Observation, ObservationSchema, Registry,
    RunRecord, Selection, Store,
};

use crate::judge;
use crate::suite::Shard;
use gate_runs::Stored;

/// Makes one record of the parts. Their evidence must be in `store` already. `id` names the new
/// run.
pub fn join(
    parts: &[Stored],
    registry: &Registry,
    store: &Store,
    id: String,
) -> Result<RunRecord, Error> {
    let parts: Vec<&RunRecord> = parts.iter().map(|part| &part.record).collect();
    complete(&parts)?;
    let first = parts[0];
    let mut record = RunRecord {
        run: id,
        started: parts.iter().map(|part| part.started).min().unwrap_or(first.started),
        finished: parts.iter().filter_map(|part| part.finished).max(),
        selection: Selection { shard: None, ..first.selection.clone() },
        merged_from: parts.iter().map(|part| part.run.clone()).collect(),
        notes: Vec::new(),
        ..first.clone()
    };
    for (index, gate) in record.gates.iter_mut().enumerate() {
        let shares: Vec<&GateRecord> = parts.iter().map(|part| &part.gates[index]).collect();
        let kind = judge::kind(gate, registry)?;
        *gate = joined(&shares, kind, store)?;
    }
    Ok(record)
}

/// The parts must be those of one suite, each once, and all of them.
fn complete(parts: &[&RunRecord]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    let first = parts[0];
    for part in parts {
        let refuse = |why: &str| Error::new(format!("the run {} {why}", part.run));
        let shard: Shard = part
            .selection
            .shard
            .as_deref()
            .and_then(|shard| shard.parse().ok())
            .ok_or_else(|| refuse("is no part: it was not run with --shard"))?;
        let count = first.selection.shard.as_deref().and_then(|s| s.parse().ok());
        if count.is_none_or(|other: Shard| other.count != shard.count) {
            return Err(refuse(&format!(
                "is a part of {}, not of as many as the first",
                shard.count
            )));
        }
        if part.suite != first.suite {
            return Err(refuse("belongs to another suite")
                .hint("specs, variables, environments, filters and version must be the same"));
        }
        if let Some(signal) = part.interrupted {
            let name = match signal {
                Interruption::Interrupt => "SIGINT",
                Interruption::Terminate => "SIGTERM",
            };
            return Err(refuse(&format!("was interrupted by {name}")));
        }
        if part.finished.is_none() {
            return Err(refuse("did not end"));
        }
        let plans = |record: &RunRecord| {
            record.gates.iter().map(|g| (g.name.clone(), g.plan.clone())).collect::<Vec<_>>()
        };
        if plans(part) != plans(first) {
            return Err(refuse("planned other units than the first")
                .hint("did a list of pages change in between? run all parts again"));
        }
        if !seen.insert(shard.index) {
            return Err(refuse(&format!("is part {}, which is there twice", shard.index)));
        }
    }
    let count =
        first.selection.shard.as_deref().and_then(|s| s.parse().ok()).map_or(0, |s: Shard| s.count);
    let missing: Vec<_> =
        (1..=count).filter(|index| !seen.contains(index)).map(|i| i.to_string()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!("part {} of {count} is missing", missing.join(", "))))
}

fn joined(shares: &[&GateRecord], gate: &dyn AnyGate, store: &Store) -> Result<GateRecord, Error> {
    let with_work: Vec<_> = shares.iter().filter(|share| !share.attempts.is_empty()).collect();
    let mut record = shares[0].clone();
    let mut measured: Vec<_> = shares.iter().flat_map(|share| share.units.clone()).collect();
    measured.sort();
    if measured != record.plan {
        return Err(Error::new(format!("the parts of {} do not make up its plan", record.name)));
    }
    record.units.clone_from(&record.plan);
    record.duration_ms = shares.iter().map(|share| share.duration_ms).sum();
    record.attempts = match with_work[..] {
        [] => return Err(Error::new(format!("no part measured {}", record.name))),
        [only] => only.attempts.clone(),
        _ => {
            let earlier =
                |share: &&&GateRecord| share.attempts[..share.attempts.len() - 1].to_vec();
            let mut attempts: Vec<_> = with_work.iter().flat_map(earlier).collect();
            attempts.push(last(&with_work, gate, store)?);
            attempts
        }
    };
    Ok(record)
}

/// The last attempts of all parts as one.
fn last(shares: &[&&GateRecord], gate: &dyn AnyGate, store: &Store) -> Result<Attempt, Error> {
    let mut observations = Vec::new();
    for share in shares {
        match share.attempts.last().expect("only parts with attempts are joined") {
            Attempt::Measured { measured } => {
                observations.push(Observation::load(store, measured)?);
            }
            // One part that could not be measured leaves the whole unmeasured.
            failed @ Attempt::Failed { .. } => return Ok(failed.clone()),
        }
    }
    let first = &observations[0];
    let mut units: Vec<_> = observations.iter().flat_map(|o| o.units.clone()).collect();
    units.sort();
    let mut refs: Vec<_> = observations.iter().flat_map(|o| o.refs.clone()).collect();
    refs.sort_unstable();
    refs.dedup();
    let whole = Observation {
        schema: ObservationSchema::V1,
        gate: first.gate.clone(),
        kind: first.kind.clone(),
        units,
        inputs: first.inputs.clone(),
        refs,
        seen: gate.join(observations.iter().map(|o| o.seen.clone()).collect())?,
        answered: None,
    };
    Ok(Attempt::Measured { measured: whole.keep(store)? })
}
