//! `gate experiment`: what can be worked out from figures alone.

mod adjust;
mod arms;
mod boundaries;
mod bucket;
mod compare;
mod plan;
mod power;
mod srm;
#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::{Parser, Subcommand};
use gate_core::{Command, ExitCode, Output, Runs};
use serde::Serialize;

/// Work out what an experiment's figures say.
///
/// Each command answers one question from figures that you give it, in plain words or with --json.
/// They end with 0 when they have an answer, whatever it is, and with 2 when there is none to the
/// question.
#[derive(Debug, Parser)]
#[command(name = "gate experiment", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    question: Question,
    /// Print the result as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Question {
    Srm(srm::Srm),
    Compare(compare::Compare),
    Plan(plan::Plan),
    Power(power::Power),
    Boundaries(boundaries::Boundaries),
    Adjust(adjust::Adjust),
    Bucket(bucket::BucketOf),
}

/// What came out.
struct Answer {
    json: String,
    words: String,
}

impl Answer {
    fn new(figures: &impl Serialize, words: String) -> Result<Answer, Mistake> {
        let json =
            serde_json::to_string(figures).map_err(|error| Mistake::new(error.to_string()))?;
        Ok(Answer { json, words })
    }
}

/// Why nothing came out: a fragment, and what to do about it.
#[derive(Debug, PartialEq)]
struct Mistake {
    error: String,
    hint: Option<String>,
}

impl Mistake {
    fn new(error: impl Into<String>) -> Mistake {
        Mistake { error: error.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Mistake {
        Mistake { hint: Some(hint.into()), ..self }
    }
}

impl From<stats::Error> for Mistake {
    fn from(error: stats::Error) -> Mistake {
        Mistake::new(error.to_string())
    }
}

/// The command, for the binary.
pub fn command() -> Command {
    Command {
        name: "experiment",
        about: "Work out what an experiment's figures say",
        help,
        run: Runs::Alone(run),
    }
}

fn help() -> String {
    gate_arguments::help::<Arguments>(&[
        "srm",
        "compare",
        "plan",
        "power",
        "boundaries",
        "adjust",
        "bucket",
    ])
}

fn run(words: &[OsString], output: &Output) -> ExitCode {
    let arguments: Arguments = match gate_arguments::parse(words, &output.out, &output.err) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let answered = match &arguments.question {
        Question::Bucket(asked) if asked.has_many() => asked.stream(output).map(|()| None),
        question => question.answer().map(Some),
    };
    match answered {
        Ok(None) => {}
        Ok(Some(answer)) if arguments.json => (output.out)(&format!("{}\n", answer.json)),
        Ok(Some(answer)) => (output.out)(&answer.words),
        Err(mistake) => {
            (output.err)(&format!("gate: {}\n", mistake.error));
            if let Some(hint) = mistake.hint {
                (output.err)(&format!("  hint: {hint}\n"));
            }
            return ExitCode::USAGE;
        }
    }
    ExitCode::PROMOTE
}

impl Question {
    fn answer(&self) -> Result<Answer, Mistake> {
        match self {
            Question::Srm(asked) => asked.answer(),
            Question::Compare(asked) => asked.answer(),
            Question::Plan(asked) => asked.answer(),
            Question::Power(asked) => asked.answer(),
            Question::Boundaries(asked) => asked.answer(),
            Question::Adjust(asked) => asked.answer(),
            Question::Bucket(asked) => asked.answer(),
        }
    }
}

/// None for what JSON has no number for.
fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}
