//! What is known about the gates of a run that is under way.

use std::collections::BTreeMap;

use gate_core::{Event, Happening, Progress, Verdict};

use crate::reporters::{Paint, clean_line, duration, symbol};

/// The gates that run now, by name.
#[derive(Default)]
pub(super) struct Watch {
    gates: BTreeMap<String, Running>,
}

/// A gate that runs now.
#[derive(Default)]
pub(super) struct Running {
    started_ms: u64,
    attempt: u32,
    /// What the attempt before came to.
    before: Option<Verdict>,
    ended: Option<Verdict>,
    checks: usize,
    /// The worst verdict so far, the first message with it, and how many checks have it.
    worst: Option<(Verdict, String, usize)>,
}

/// What a follower may have to show.
pub(super) enum Turn<'a> {
    /// A gate begins.
    Started { gate: &'a str, kind: &'a str },
    /// A gate is tried once more.
    Again { gate: &'a str, attempt: u32, before: Verdict },
    /// A gate is over.
    Ended { gate: &'a str, counts_as: Verdict, took_ms: u64, what: String },
}

impl Watch {
    /// Takes note of an event, and says what changed with it.
    pub(super) fn note<'a>(&mut self, event: &'a Event) -> Option<Turn<'a>> {
        let gate = event.gate.as_deref()?;
        match &event.event {
            Happening::GateStarted { kind } => {
                let fresh = Running { started_ms: event.t_ms, ..Running::default() };
                self.gates.insert(gate.to_owned(), fresh);
                Some(Turn::Started { gate, kind })
            }
            Happening::GateEnded { verdict, counts_as } => {
                let running = self.gates.remove(gate).unwrap_or_default();
                let took_ms = event.t_ms.saturating_sub(running.started_ms);
                let what = running.what_happened(*verdict, *counts_as);
                Some(Turn::Ended { gate, counts_as: *counts_as, took_ms, what })
            }
            happening => self.gates.get_mut(gate)?.note(gate, event.attempt, happening),
        }
    }
}

impl Running {
    fn note<'a>(
        &mut self,
        gate: &'a str,
        attempt: Option<u32>,
        happening: &Happening,
    ) -> Option<Turn<'a>> {
        let turn = match attempt {
            Some(attempt) if attempt > self.attempt => self.next(gate, attempt),
            _ => None,
        };
        match happening {
            Happening::Check { verdict, message, .. } => self.check(*verdict, message),
            Happening::AttemptEnded { verdict } => self.ended = Some(*verdict),
            _ => {}
        }
        turn
    }

    /// A new attempt: what an earlier one found is no longer true.
    fn next<'a>(&mut self, gate: &'a str, attempt: u32) -> Option<Turn<'a>> {
        let before = self.ended.or(self.before);
        *self = Running { started_ms: self.started_ms, attempt, before, ..Running::default() };
        before.map(|before| Turn::Again { gate, attempt, before })
    }

    fn check(&mut self, verdict: Verdict, message: &str) {
        self.checks += 1;
        match &mut self.worst {
            Some((worst, _, same)) if *worst == verdict => *same += 1,
            Some((worst, ..)) if *worst > verdict => {}
            worst => *worst = Some((verdict, clean_line(message).into_owned(), 1)),
        }
    }

    fn what_happened(&self, verdict: Verdict, counts_as: Verdict) -> String {
        let aside = if verdict == counts_as {
            String::new()
        } else {
            format!("not required ({verdict}): ")
        };
        match &self.worst {
            Some((worst, message, same)) if *worst > Verdict::Pass => match self.checks {
                1 => format!("{aside}{message}"),
                all => format!("{aside}{same} of {all}: {message}"),
            },
            // Red, then green: the check that says so belongs to the report, not to an attempt.
            _ => match self.before.filter(|_| verdict > Verdict::Pass) {
                Some(before) => format!("{aside}an earlier attempt was {before}"),
                None => format!("{aside}{}", crate::reporters::count(self.checks, "check")),
            },
        }
    }
}

/// `✗ fail in 12.3 s: what happened`.
pub(super) fn outcome(counts_as: Verdict, took_ms: u64, what: &str, paint: Paint) -> String {
    let verdict =
        paint.verdict(Some(counts_as), &format!("{} {counts_as}", symbol(Some(counts_as))));
    format!("{verdict} in {}: {what}", duration(took_ms))
}

/// `3 of 12 pages: /pricing`, in one clean line.
pub(super) fn progress(progress: &Progress) -> String {
    let unit = clean_line(&progress.unit);
    let done = match progress.total {
        Some(total) => format!("{} of {total} {unit}", progress.done),
        None => format!("{} {unit}", progress.done),
    };
    match clean_line(&progress.text) {
        text if text.is_empty() => done.trim_end().to_owned(),
        text => format!("{}: {text}", done.trim_end()),
    }
}
