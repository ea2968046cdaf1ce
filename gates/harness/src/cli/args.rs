//! The command line of the built-in commands.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use url::Url;

use crate::suite::{Shard, Wanted};

/// May this version be promoted?
///
/// Runs the quality gates that guard a site and answers with its exit code: 0 promote, 1 a
/// required gate failed, 2 the command line or a spec is wrong, 3 something could not be
/// measured, 4 nothing was selected.
#[derive(Debug, Parser)]
#[command(name = "gate", version, propagate_version = false, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Builtin,
    /// How much is said.
    #[command(flatten)]
    pub talk: Talk,
}

/// How much is said.
#[derive(Debug, Clone, Copy, Args)]
pub struct Talk {
    /// Say more on standard error; twice for everything.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say only what went wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// What the harness itself can do.
#[derive(Debug, Subcommand)]
pub enum Builtin {
    /// Run gates and say whether the version may be promoted.
    Run(Run),
    /// Repeat the verdict of a stored run, or ask what other limits would have said.
    Judge(Judge),
    /// Show the gates, and what each promotion selects.
    List(List),
    /// Join the parts of a sharded suite and judge the whole.
    Merge(Merge),
    /// Explain what a gate or a check of a run found, and what to do.
    Explain(Explain),
    /// Show the kinds of gates that there are.
    Kinds(Json),
    /// Print the JSON Schema of specs (draft-07), for editors.
    Schema(Schema),
    /// Accept what a run proposes: new baselines, or differences from live.
    Approve(Decide),
    /// Say no to what a run proposes.
    Reject(Decide),
    /// Take a decision back.
    Undo(Undo),
    /// Look whether everything that the gates need is there.
    Doctor(Json),
    /// Make a spec of a file of another tool.
    ///
    /// What could not be carried over is said on standard error and in a comment at the head of
    /// the spec, so that nothing is lost without a word. Read the spec before you rely on it.
    Import(Import),
}

/// `gate run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Which gates.
    #[command(flatten)]
    pub choice: Choice,
    /// Run one part of the suite, such as 2/4; `gate merge` joins the parts.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// How many gates run at once, and how much each does at once [default: one per processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Stop at the first gate that blocks.
    #[arg(long)]
    pub fail_fast: bool,
    /// How many more attempts a gate gets, instead of what its spec says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10))]
    pub retries: Option<u32>,
    /// Where the report goes.
    #[command(flatten)]
    pub sinks: Sinks,
}

/// Which gates.
#[derive(Debug, Clone, Args)]
pub struct Choice {
    /// Spec files, or folders with spec files [default: what gate.yaml says, or specs/**/*.yaml].
    #[arg(value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// Look at this environment of gate.yaml.
    #[arg(long, value_name = "NAME", conflicts_with = "promotion")]
    pub env: Option<String>,
    /// Decide this promotion of gate.yaml: its candidate against its baseline.
    #[arg(long, value_name = "NAME")]
    pub promotion: Option<String>,
    /// Look at this address instead of the candidate's, for instance at a preview.
    #[arg(long, value_name = "URL", value_parser = address)]
    pub url: Option<Url>,
    /// Only gates of this kind; may be given several times.
    #[arg(long = "kind", value_name = "K")]
    pub kinds: Vec<String>,
    /// Only gates whose name matches; may be given several times.
    #[arg(long = "name", value_name = "GLOB")]
    pub names: Vec<String>,
    /// Only gates that have this tag; given several times, all of them.
    #[arg(long = "tag", value_name = "T")]
    pub tags: Vec<String>,
}

impl Choice {
    /// As the suite takes it.
    pub fn wanted(&self, shard: Option<Shard>) -> Wanted {
        Wanted {
            paths: self.paths.clone(),
            env: self.env.clone(),
            promotion: self.promotion.clone(),
            url: self.url.clone(),
            kinds: self.kinds.clone(),
            names: self.names.clone(),
            tags: self.tags.clone(),
            shard,
        }
    }
}

/// Where a report goes.
#[derive(Debug, Clone, Default, Args)]
pub struct Sinks {
    /// Write a report: json, junit, markdown, github or terminal to a file (`-` for standard
    /// output), bundle to a folder; may be given several times.
    #[arg(long = "report", value_name = "FORMAT=PATH", value_parser = sink)]
    pub reports: Vec<Sink>,
    /// Print the report as one JSON document on standard output, and nothing else there.
    #[arg(long)]
    pub json: bool,
}

/// A format and where it goes.
#[derive(Debug, Clone)]
pub struct Sink {
    /// The format.
    pub format: crate::reporters::Format,
    /// The file or folder; `-` for standard output.
    pub path: PathBuf,
}

fn sink(text: &str) -> Result<Sink, String> {
    let (format, path) =
        text.split_once('=').ok_or("write FORMAT=PATH, such as junit=report.xml")?;
    let format: crate::reporters::Format = format.parse().map_err(|error| format!("{error}"))?;
    if path.is_empty() {
        return Err("the path is missing".to_owned());
    }
    if path == "-" && format == crate::reporters::Format::Bundle {
        return Err("a bundle is a folder, and needs a path".to_owned());
    }
    Ok(Sink { format, path: path.into() })
}

fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}; begin with https://"))?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some() => Ok(url),
        _ => Err("it must begin with http:// or https://".to_owned()),
    }
}

/// `gate judge`.
#[derive(Debug, Args)]
pub struct Judge {
    /// A run's id, `last`, a run's folder, or a bundle.
    #[arg(default_value = "last")]
    pub run: String,
    /// Take the limits from this spec file instead.
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// Print the report as JSON: byte for byte that of the run.
    #[arg(long)]
    pub json: bool,
}

/// `gate list`.
#[derive(Debug, Args)]
pub struct List {
    /// Which gates.
    #[command(flatten)]
    pub choice: Choice,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `gate merge`.
#[derive(Debug, Args)]
pub struct Merge {
    /// The parts: run ids, runs' folders, or bundles.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<String>,
    /// Where the report goes.
    #[command(flatten)]
    pub sinks: Sinks,
}

/// `gate explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A gate, or one of its checks.
    #[arg(value_name = "NAME[/CHECK]")]
    pub name: String,
    /// Which run.
    #[arg(long, default_value = "last")]
    pub run: String,
}

/// `gate import`.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub struct Import {
    /// What kind of file it is [default: found out by looking at it, or `page` for an address].
    pub format: Option<String>,
    /// The file; for a page, its address with its scheme.
    #[arg(required = true)]
    pub file: PathBuf,
    /// Where the spec goes; a file that is there already is not replaced [default: standard
    /// output].
    #[arg(long, value_name = "SPEC")]
    pub out: Option<PathBuf>,
}

/// Just `--json`.
#[derive(Debug, Args)]
pub struct Json {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `gate schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// A kind, or `gate.yaml` for the schema of that file [default: any spec].
    pub kind: Option<String>,
}

/// `gate approve` and `gate reject`.
#[derive(Debug, Args)]
pub struct Decide {
    /// A run (default: the last one), then the ids of proposals.
    #[arg(value_name = "RUN | ID")]
    pub words: Vec<String>,
    /// Every proposal of the run.
    #[arg(long)]
    pub all: bool,
    /// Only proposals of gates whose name matches.
    #[arg(long, value_name = "GLOB")]
    pub gate: Option<String>,
    /// Why; it is kept with the decision.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who decides [default: git's user].
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Decide although this is a pipeline (CI=true).
    #[arg(long)]
    pub in_ci: bool,
}

/// `gate undo`.
#[derive(Debug, Args)]
pub struct Undo {
    /// The id of the proposal.
    pub id: String,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "taken back")]
    pub reason: String,
    /// Who decides [default: git's user].
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Decide although this is a pipeline (CI=true).
    #[arg(long)]
    pub in_ci: bool,
}
