//! Lines, for a build's log.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use gate_core::{Event, Happening, Level};

use super::watch::{Turn, Watch, outcome, progress};
use crate::reporters::{Paint, clean_line, count, cut};

/// How long a gate stays silent after it told how far it is, in milliseconds of the run.
const QUIET_MS: u64 = 5_000;
/// How wide a line may become, so that a gate cannot flood a log.
const COLUMNS: usize = 400;

/// Writes a line when a gate starts, when it is tried again and when it ends, and at most one
/// line in five seconds about how far each gate is and one about what it warns of.
pub struct Plain {
    write: Box<dyn Fn(&str) + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    watch: Watch,
    /// When a gate was last heard, by gate and whether it was a warning.
    heard: BTreeMap<(String, bool), u64>,
}

impl Plain {
    /// A follower that hands each line, without its end, to `write`.
    pub fn new(write: Box<dyn Fn(&str) + Send + Sync>) -> Plain {
        Plain { write, state: Mutex::default() }
    }

    /// Shows an event, or takes note of it.
    pub fn follow(&self, event: &Event) {
        // Lines are written under the lock: two gates' lines keep the order of their events.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for line in state.lines(event) {
            (self.write)(&cut(&line, COLUMNS));
        }
    }
}

impl State {
    fn lines(&mut self, event: &Event) -> Vec<String> {
        let turn = self.watch.note(event).map(|turn| match turn {
            Turn::Started { gate, kind } => {
                format!("{}: started ({})", clean_line(gate), clean_line(kind))
            }
            Turn::Again { gate, attempt, before } => {
                format!("{}: attempt {attempt}, the one before was {before}", clean_line(gate))
            }
            Turn::Ended { gate, counts_as, took_ms, what } => {
                let outcome = outcome(counts_as, took_ms, &what, Paint { on: false });
                format!("{}: {outcome}", clean_line(gate))
            }
        });
        turn.into_iter().chain(self.other(event)).collect()
    }

    fn other(&mut self, event: &Event) -> Option<String> {
        let gate = clean_line(event.gate.as_deref().unwrap_or("gate"));
        match &event.event {
            Happening::RunStarted { run, gates } => {
                Some(format!("gate: run {}, {}", clean_line(run), count(gates.len(), "gate")))
            }
            Happening::Progress(step) if self.may_speak(event, false) => {
                Some(format!("{gate}: {}", progress(step)))
            }
            Happening::Log { level: Level::Warn, text } if self.may_speak(event, true) => {
                Some(format!("{gate}: warning: {}", clean_line(text)))
            }
            Happening::RunEnded { verdict, exit_code } => {
                let verdict = verdict.map_or("nothing to judge", |verdict| verdict.word());
                Some(format!("gate: {verdict}, exit code {}", exit_code.0))
            }
            _ => None,
        }
    }

    fn may_speak(&mut self, event: &Event, warning: bool) -> bool {
        let gate = event.gate.clone().unwrap_or_default();
        let last = self.heard.get(&(gate.clone(), warning));
        let may = last.is_none_or(|last| event.t_ms.saturating_sub(*last) >= QUIET_MS);
        if may {
            self.heard.insert((gate, warning), event.t_ms);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::live::story;

    fn written(events: &[Event]) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let plain = Plain::new(Box::new(move |line| sink.lock().unwrap().push(line.to_owned())));
        for event in events {
            plain.follow(event);
        }
        std::mem::take(&mut *lines.lock().unwrap())
    }

    #[test]
    fn a_run_in_lines() {
        insta::assert_snapshot!("plain", written(&story::events()).join("\n"));
    }

    #[test]
    fn a_gate_is_heard_once_in_five_seconds() {
        let steps = |every: u64| -> Vec<_> {
            (0..=20_000 / every).map(|at| story::step("pages", at * every, at)).collect()
        };
        for (every, lines) in [(1, 5), (100, 5), (4_999, 3), (5_000, 5), (10_000, 3)] {
            assert_eq!(written(&steps(every)).len(), lines, "a step every {every} ms");
        }
        let both: Vec<_> =
            (0..100).flat_map(|at| [story::step("a", at, at), story::step("b", at, at)]).collect();
        assert_eq!(written(&both).len(), 2);
    }

    #[test]
    fn nothing_steers_whoever_reads_it() {
        for line in written(&story::hostile()) {
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(!line.contains('\u{202e}') && !line.contains("##["), "{line:?}");
            assert!(!line.trim_start().starts_with("::"), "{line:?}");
            assert!(line.chars().count() <= COLUMNS, "{line:?}");
        }
    }
}
