//! Where events go: into the run's file, and to whoever follows the run.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use redact::Redactor;

use crate::files::open_for_append;
use crate::{Error, Event, Happening};

/// Follows the events of a run while it is under way.
pub type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// The events of a run, numbered and written in one order.
pub struct EventLog {
    started: Instant,
    redactor: Redactor,
    listeners: Vec<Listener>,
    state: Mutex<State>,
}

struct State {
    seq: u64,
    file: Option<File>,
}

impl EventLog {
    /// A log that is kept at `path`.
    pub fn to_file(path: &Path, redactor: Redactor) -> Result<EventLog, Error> {
        let state = Mutex::new(State { seq: 0, file: Some(open_for_append(path)?) });
        Ok(EventLog { redactor, state, ..EventLog::unkept() })
    }

    /// A log that is not kept.
    pub fn unkept() -> EventLog {
        EventLog {
            started: Instant::now(),
            redactor: Redactor::default(),
            listeners: Vec::new(),
            state: Mutex::new(State { seq: 0, file: None }),
        }
    }

    /// Lets somebody follow the events.
    pub fn follow(mut self, listener: Listener) -> EventLog {
        self.listeners.push(listener);
        self
    }

    /// Records that something happened.
    pub fn emit(&self, gate: Option<&str>, attempt: Option<u32>, event: Happening) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.seq += 1;
        let event = Event {
            seq: state.seq,
            t_ms: self.started.elapsed().as_millis() as u64,
            gate: gate.map(Into::into),
            attempt,
            event,
        };
        let line = serde_json::to_string(&event).expect("events serialise");
        let clean = self.redactor.text(&line);
        if let Some(file) = &mut state.file
            && let Err(error) = writeln!(file, "{clean}")
        {
            // Events are for watching; what the verdict rests on is written elsewhere and checked.
            tracing::warn!("events cannot be written any more: {error}");
            state.file = None;
        }
        let event = match clean {
            std::borrow::Cow::Borrowed(_) => event,
            std::borrow::Cow::Owned(text) => serde_json::from_str(&text).unwrap_or(event),
        };
        for listener in &self.listeners {
            listener(&event);
        }
    }
}
