//! Tools of kinds: what they ask, and asking them. Nothing is known of a tool but its schema.

mod command;
mod form;
mod text;

use std::sync::Arc;
use std::time::Duration;

use gate_core::evidence::Page;
use gate_core::spec::did_you_mean;
use gate_core::{Error, OfferedTool, Problem};
use serde_json::Value;
use tokio::sync::{Semaphore, oneshot};

pub(crate) use command::{Ask, ask};
pub(crate) use form::{Control, Field, Form, Range, shown};

/// How long somebody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many questions are worked on at once. One that never ends keeps its place.
const AT_ONCE: usize = 4;

/// The tools of all kinds.
pub(crate) struct Tools {
    offered: Vec<OfferedTool>,
    turns: Arc<Semaphore>,
    patience: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// There is no such tool.
    Unknown(Error),
    /// What is wrong with the input.
    Problems(Vec<Problem>),
    /// Too many others are being worked on.
    Busy(Error),
    /// Nobody waits any longer.
    TooLong(Error),
    /// The tool panicked.
    Failed(Error),
}

impl Tools {
    pub(crate) fn new(offered: &[OfferedTool]) -> Tools {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Tools { offered: offered.to_vec(), turns, patience: PATIENCE }
    }

    pub(crate) fn all(&self) -> &[OfferedTool] {
        &self.offered
    }

    pub(crate) fn get(&self, id: &str) -> Option<&OfferedTool> {
        self.offered.iter().find(|offered| offered.tool.id == id)
    }

    /// The tool of this name, or which one might be meant.
    pub(crate) fn named(&self, id: &str) -> Result<&OfferedTool, Error> {
        let ids = || self.offered.iter().map(|offered| offered.tool.id);
        self.get(id).ok_or_else(|| {
            let hint = did_you_mean(id, ids()).unwrap_or_else(|| {
                let all = ids().collect::<Vec<_>>().join(", ");
                if all.is_empty() {
                    "no kind brings any".to_owned()
                } else {
                    format!("tools: {all}")
                }
            });
            Error::new(format!("there is no tool `{id}`")).hint(hint)
        })
    }

    /// Puts a question, on a thread of its own: what a tool does with a strange input must neither
    /// end nor hold up whoever asks.
    pub(crate) async fn ask(&self, id: &str, input: Value) -> Result<Page, Unanswered> {
        let tool = &self.named(id).map_err(Unanswered::Unknown)?.tool;
        let problems = Form::of(&(tool.input)()).problems(&input);
        if !problems.is_empty() {
            return Err(Unanswered::Problems(problems));
        }
        let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() else {
            let error = Error::new("too many questions are being worked on");
            return Err(Unanswered::Busy(error.hint("ask again in a moment")));
        };
        let (send, answer) = oneshot::channel();
        let run = tool.run;
        let thread = std::thread::Builder::new().name(format!("tool {id}"));
        let started = thread.spawn(move || {
            // A panic drops both: the place is free again, and there is no answer.
            let _turn = turn;
            // Nobody may be waiting any more.
            let _ = send.send(run(input));
        });
        started.map_err(|error| Unanswered::Failed(error.into()))?;
        match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(answered)) => answered.map_err(Unanswered::Problems),
            Ok(Err(_)) => {
                let error = Error::new("the tool panicked on this input");
                Err(Unanswered::Failed(
                    error.hint("that is a mistake in the tool: please report it"),
                ))
            }
            Err(_) => {
                let seconds = self.patience.as_secs();
                let error = Error::new(format!("there was no answer within {seconds} s"));
                Err(Unanswered::TooLong(error.hint("ask for less at once")))
            }
        }
    }
}

#[cfg(test)]
mod tests;
