//! `gate tool`.

use std::io::Read;

use clap::Parser;
use gate_core::{Context, Error, ExitCode};
use serde_json::Value;

use super::{Tools, Unanswered, text};

/// Put a question to a kind of gates, outside of any run.
///
/// Without an ID, shows the tools that there are; with one, what it asks for. The review shows the
/// same tools as forms.
#[derive(Debug, Parser)]
#[command(
    name = "gate tool",
    max_term_width = 100,
    after_help = "Ends with 2 when the input is wrong, and 3 when there was no answer.\n\n\
                  Example:\n  gate tool colour-difference --input \
                  '{\"baseline\": \"#0a7a5a\", \"candidate\": \"#0b7b5b\"}'"
)]
pub(crate) struct Ask {
    /// Which tool.
    id: Option<String>,
    /// The answers to what it asks for, as one JSON object; `-` reads it from standard input.
    #[arg(long, value_name = "JSON", requires = "id")]
    input: Option<String>,
    /// Print JSON: the tools, the schema of the input, or the page.
    #[arg(long)]
    json: bool,
}

/// How much standard input may bring, in bytes; as much as the review takes.
const MOST_INPUT: u64 = 4 << 20;

pub(crate) fn ask(
    arguments: &Ask,
    cx: &Context,
    tools: &Tools,
) -> Result<ExitCode, (Error, ExitCode)> {
    let Some(id) = &arguments.id else {
        let listed = if arguments.json { json(&listed(tools))? } else { text::list(tools.all()) };
        cx.print(&listed);
        return Ok(ExitCode::PROMOTE);
    };
    let offered = tools.named(id).map_err(usage)?;
    let Some(input) = &arguments.input else {
        let schema = || json(&(offered.tool.input)());
        cx.print(&if arguments.json { schema()? } else { text::questions(offered) });
        return Ok(ExitCode::PROMOTE);
    };
    let input = read(input).map_err(usage)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| failed(error.into()))?;
    match runtime.block_on(tools.ask(id, input)) {
        Ok(page) => {
            cx.print(&if arguments.json { json(&page)? } else { text::page(&page) });
            Ok(ExitCode::PROMOTE)
        }
        Err(Unanswered::Problems(problems)) => {
            cx.complain(&text::problems(&problems));
            Ok(ExitCode::USAGE)
        }
        Err(Unanswered::Unknown(error)) => Err(usage(error)),
        Err(Unanswered::Busy(error) | Unanswered::TooLong(error) | Unanswered::Failed(error)) => {
            Err(failed(error))
        }
    }
}

fn usage(error: Error) -> (Error, ExitCode) {
    (error, ExitCode::USAGE)
}

fn failed(error: Error) -> (Error, ExitCode) {
    (error, ExitCode::INCONCLUSIVE)
}

fn listed(tools: &Tools) -> Vec<Value> {
    let one = |offered: &gate_core::OfferedTool| {
        let (id, title) = (offered.tool.id, offered.tool.title);
        serde_json::json!({ "id": id, "title": title, "kind": offered.kind })
    };
    tools.all().iter().map(one).collect()
}

fn json(value: &impl serde::Serialize) -> Result<String, (Error, ExitCode)> {
    let text = serde_json::to_string_pretty(value).map_err(|error| failed(error.into()))?;
    Ok(format!("{text}\n"))
}

fn read(input: &str) -> Result<Value, Error> {
    let mut text = input.to_owned();
    if input == "-" {
        text.clear();
        let read = std::io::stdin().lock().take(MOST_INPUT + 1).read_to_string(&mut text)?;
        if read as u64 > MOST_INPUT {
            return Err(Error::new("the input is larger than 4 MiB"));
        }
    }
    serde_json::from_str(&text).map_err(|error| {
        Error::new(format!("the input is no JSON: {error}"))
            .hint("write an object, such as '{\"name\": \"value\"}'")
    })
}
