//! Earlier runs of the workspace: what became of each gate, and how its numbers went.

use std::collections::BTreeMap;

use gate_core::{Report, RunFolder, Timestamp, Verdict, Workspace, files};

/// How many runs are looked back at.
const RUNS: usize = 30;
/// How much is read for that, in bytes: a run of a very large suite is a look back of its own.
const BYTES: u64 = 48 << 20;
/// The check that the harness adds to a gate which came to something else in an earlier attempt.
const FLAKY: &str = "gate.flaky";

/// One run of the past.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) run: String,
    pub(crate) started: Timestamp,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) complete: bool,
}

/// What is known of earlier runs, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) runs: Vec<Past>,
    /// By gate, what it came to in each of the runs that had it.
    verdicts: BTreeMap<String, Vec<Verdict>>,
    /// By gate, in how many of the runs an attempt came to something else than the last one.
    flaky: BTreeMap<String, usize>,
    /// By gate, check and metric.
    values: BTreeMap<(String, String, String), Vec<f64>>,
}

impl History {
    /// Of the runs of a workspace up to this one, which may lie elsewhere. What cannot be read is
    /// not a part of it: the run at hand does not depend on it.
    pub(crate) fn up_to(report: &Report, workspace: &Workspace) -> History {
        let ids = gate_runs::ids(workspace);
        let earlier: Vec<&String> =
            ids.iter().rev().filter(|id| **id < report.run).take(RUNS - 1).collect();
        let mut left = BYTES;
        let mut history = History::default();
        let mut reports = Vec::new();
        for id in earlier {
            let path = RunFolder::at(workspace.runs().join(id)).report();
            let size = path.metadata().map_or(u64::MAX, |found| found.len());
            let Some(rest) = left.checked_sub(size) else { break };
            left = rest;
            let read = files::read(&path).ok();
            let read: Option<Report> = read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            reports.extend(read.filter(|read| read.selection == report.selection));
        }
        for report in reports.iter().rev() {
            history.add(report);
        }
        history.add(report);
        history
    }

    fn add(&mut self, report: &Report) {
        self.runs.push(Past {
            run: report.run.clone(),
            started: report.started,
            verdict: report.verdict,
            complete: report.complete,
        });
        for gate in &report.gates {
            self.verdicts.entry(gate.name.clone()).or_default().push(gate.counts_as);
            if gate.checks.iter().any(|check| check.id == FLAKY) {
                *self.flaky.entry(gate.name.clone()).or_default() += 1;
            }
            for check in &gate.checks {
                for metric in &check.metrics {
                    let key = (gate.name.clone(), check.id.clone(), metric.name.clone());
                    self.values.entry(key).or_default().push(metric.value);
                }
            }
        }
    }

    /// What a gate came to in the runs that had it, the oldest first.
    pub(crate) fn verdicts(&self, gate: &str) -> &[Verdict] {
        self.verdicts.get(gate).map_or(&[], Vec::as_slice)
    }

    /// In how many of those an attempt had to be repeated and came to something else.
    pub(crate) fn flaky(&self, gate: &str) -> usize {
        self.flaky.get(gate).copied().unwrap_or(0)
    }

    /// The values of a metric, the oldest first.
    pub(crate) fn values(&self, gate: &str, check: &str, metric: &str) -> &[f64] {
        let key = (gate.to_owned(), check.to_owned(), metric.to_owned());
        self.values.get(&key).map_or(&[], Vec::as_slice)
    }
}
