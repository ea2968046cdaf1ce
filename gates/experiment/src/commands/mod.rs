//! `gate experiment`: what can be worked out from figures alone, and what an experiment's data say.

mod adjust;
mod analyze;
mod arms;
mod boundaries;
mod bucket;
mod compare;
mod plan;
mod power;
pub(crate) mod simulate;
mod srm;
#[cfg(test)]
mod tests;
mod visit;

use std::ffi::OsString;

use clap::{Parser, Subcommand};
use gate_core::{Command, Context, ExitCode, Output, Runs, Specs};
use serde::Serialize;

/// Work out what an experiment's data or figures say.
///
/// `analyze`, `report`, `sql` and `simulate` are about the experiment of a spec. Each of the other commands answers
/// one question from figures that you give it; they end with 0 when they have an answer, whatever it
/// is, and with 2 when there is none to the question. All of them speak plain words, or JSON with
/// --json.
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
    Analyze(analyze::Analyze),
    Report(analyze::Page),
    Sql(analyze::Sql),
    Simulate(simulate::Simulate),
    Visit(visit::Visit),
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

/// The command, for the kind.
pub(crate) fn command() -> Command {
    Command {
        name: "experiment",
        about: "Work out what an experiment's data or figures say",
        help,
        run: Runs::AloneOrOnSpecs { alone, on_specs },
    }
}

fn help() -> String {
    gate_arguments::help::<Arguments>(&[
        "analyze",
        "report",
        "sql",
        "simulate",
        "visit",
        "srm",
        "compare",
        "plan",
        "power",
        "boundaries",
        "adjust",
        "bucket",
    ])
}

/// What is worked out from figures alone; none for what needs a spec.
fn alone(words: &[OsString], output: &Output) -> Option<ExitCode> {
    let arguments: Arguments = match gate_arguments::parse(words, &output.out, &output.err) {
        Ok(arguments) => arguments,
        Err(code) => return Some(code),
    };
    let answered = match &arguments.question {
        Question::Bucket(asked) if asked.has_many() => asked.stream(output).map(|()| None),
        question => question.answer()?.map(Some),
    };
    Some(match answered {
        Ok(answer) => {
            if let Some(answer) = answer {
                let json = format!("{}\n", answer.json);
                (output.out)(if arguments.json { &json } else { &answer.words });
            }
            ExitCode::PROMOTE
        }
        Err(mistake) => {
            (output.err)(&format!("gate: {}\n", mistake.error));
            if let Some(hint) = mistake.hint {
                (output.err)(&format!("  hint: {hint}\n"));
            }
            ExitCode::USAGE
        }
    })
}

/// What is asked of a spec.
fn on_specs(words: &[OsString], cx: &Context, specs: &dyn Specs) -> ExitCode {
    let arguments: Arguments = match gate_arguments::parse_in(words, cx) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let asked = match &arguments.question {
        Question::Analyze(asked) => analyze::Asked::Analyze(asked),
        Question::Report(asked) => analyze::Asked::Page(asked),
        Question::Sql(asked) => analyze::Asked::Sql(asked),
        Question::Simulate(asked) => return asked.answer(arguments.json, cx, specs),
        Question::Visit(asked) => return asked.answer(arguments.json, cx, specs),
        _ => return ExitCode::USAGE,
    };
    asked.answer(arguments.json, cx, specs)
}

impl Question {
    /// The answer to what needs no spec; none for the others.
    fn answer(&self) -> Option<Result<Answer, Mistake>> {
        Some(match self {
            Question::Analyze(_)
            | Question::Report(_)
            | Question::Sql(_)
            | Question::Simulate(_)
            | Question::Visit(_) => return None,
            Question::Srm(asked) => asked.answer(),
            Question::Compare(asked) => asked.answer(),
            Question::Plan(asked) => asked.answer(),
            Question::Power(asked) => asked.answer(),
            Question::Boundaries(asked) => asked.answer(),
            Question::Adjust(asked) => asked.answer(),
            Question::Bucket(asked) => asked.answer(),
        })
    }
}

/// None for what JSON has no number for.
fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}
