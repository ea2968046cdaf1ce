//! The command line: what a binary made of kinds understands.

mod args;
mod decide;
mod import;
mod inspect;
mod judging;
pub(crate) mod print;
mod running;
mod schema;
mod signals;
mod specs;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches};
use gate_core::ledger::Ledger;
use gate_core::{
    Attempting, Command, Context, Error, EventLog, ExitCode, Kind, Output, Redactor, Registry, Run,
    Runs,
};
use tokio_util::sync::CancellationToken;

use crate::ambient::Ambient;
use crate::discover::{self, Project};
use crate::plugin::Plugin;
use crate::usage::Stop;
use args::{Arguments, Builtin, Talk};

pub use schema::{reference, schemas};

/// A binary in the making: `Cli::new().with(my_gate::kind()).run()`.
#[derive(Default)]
pub struct Cli {
    registry: Registry,
    commands: Vec<Command>,
}

/// What every command works with.
struct Session {
    registry: Registry,
    ambient: Ambient,
    talk: Talk,
    /// Whether standard error is coloured.
    colour: bool,
    runtime: tokio::runtime::Runtime,
}

impl Cli {
    /// A binary that knows no kinds yet.
    pub fn new() -> Cli {
        Cli::default()
    }

    /// Adds a kind.
    ///
    /// # Panics
    /// When two kinds have the same name or bring the same command: a mistake in `main`.
    pub fn with(mut self, kind: Kind) -> Cli {
        if let Err(clash) = self.registry.add(kind) {
            panic!("{clash}");
        }
        self
    }

    /// Adds a command that belongs to no kind.
    pub fn command(mut self, command: Command) -> Cli {
        self.commands.push(command);
        self
    }

    /// The kinds of the binary.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Does what the command line says, and returns what the process ends with.
    pub fn run(self) -> std::process::ExitCode {
        self.run_from(std::env::args_os())
    }

    /// Does what these words say, the first being the program's name.
    pub fn run_from(self, words: impl IntoIterator<Item = OsString>) -> std::process::ExitCode {
        let words: Vec<OsString> = words.into_iter().collect();
        // A command that starts at once does not wait for the grammar of all the others.
        if let Some((name, arguments)) = words.get(1..).and_then(<[_]>::split_first)
            && let Some(command) = name.to_str().and_then(|name| self.named(name))
            && let Some(code) = alone(command.run, arguments)
        {
            return code.into();
        }
        let matches = match self.grammar().try_get_matches_from(words) {
            Ok(matches) => matches,
            Err(error) => return refused(&error).into(),
        };
        self.dispatch(&matches).into()
    }

    /// The grammar, with the commands that kinds bring.
    fn grammar(&self) -> clap::Command {
        let formats = import::formats(&self.registry);
        let mut grammar =
            Arguments::command().mut_subcommand("import", |import| import.after_help(formats));
        for command in self.registry.commands().chain(&self.commands) {
            // Kinds parse for themselves, `--help` included.
            let all = clap::Arg::new("arguments")
                .num_args(0..)
                .allow_hyphen_values(true)
                .trailing_var_arg(true)
                .value_parser(clap::value_parser!(OsString));
            let verb = clap::Command::new(command.name)
                .about(command.about)
                .disable_help_flag(true)
                .arg(all);
            grammar = grammar.subcommand(verb);
        }
        grammar
    }

    /// The command of that name that a kind brings.
    fn named(&self, name: &str) -> Option<Command> {
        self.registry.commands().chain(&self.commands).find(|c| c.name == name).cloned()
    }

    fn dispatch(self, matches: &clap::ArgMatches) -> ExitCode {
        let named = matches.subcommand().and_then(|(name, inner)| Some((self.named(name)?, inner)));
        let arguments = |inner: &clap::ArgMatches| -> Vec<OsString> {
            inner.get_many("arguments").into_iter().flatten().cloned().collect()
        };
        if let Some((command, inner)) = &named
            && let Some(code) = alone(command.run, &arguments(inner))
        {
            return code;
        }
        let talk = Talk::from_arg_matches(matches).unwrap_or(Talk { verbose: 0, quiet: false });
        let session = match Session::new(self, talk) {
            Ok(session) => session,
            Err(stop) => {
                print::stop(&stop, false);
                return stop.exit_code();
            }
        };
        if let Some((command, inner)) = named {
            return session.kinds_command(command.run, &arguments(inner));
        }
        let arguments = match Arguments::from_arg_matches(matches) {
            Ok(arguments) => arguments,
            Err(error) => return refused(&error),
        };
        let colour = session.colour;
        match session.obey(arguments.command) {
            Ok(code) => code,
            Err(stop) => {
                print::stop(&stop, colour);
                stop.exit_code()
            }
        }
    }
}

/// Runs what starts at once; none when more is needed.
fn alone(run: Runs, arguments: &[OsString]) -> Option<ExitCode> {
    match run {
        Runs::Alone(run) => Some(run(arguments, &output())),
        Runs::AloneOrOnSpecs { alone, .. } => alone(arguments, &output()),
        _ => None,
    }
}

/// What clap has to say: help and version go to standard output and are no mistake.
fn refused(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr() {
        print::err(&text);
        ExitCode::USAGE
    } else {
        print::out(&text);
        ExitCode::PROMOTE
    }
}

impl Session {
    fn new(cli: Cli, talk: Talk) -> Result<Session, Stop> {
        let ambient = Ambient::read().map_err(|error| Stop::Failed(error.into()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Stop::Failed(error.into()))?;
        let colour = crate::reporters::colour_choice(
            ambient.get("NO_COLOR"),
            ambient.get("CLICOLOR"),
            ambient.get("CLICOLOR_FORCE"),
            std::io::IsTerminal::is_terminal(&std::io::stderr()),
        );
        trace(talk, colour);
        Ok(Session { registry: cli.registry, ambient, talk, colour, runtime })
    }

    fn obey(mut self, command: Builtin) -> Result<ExitCode, Stop> {
        match command {
            Builtin::Run(args) => running::run(self, args),
            Builtin::Judge(args) => judging::judge(&mut self, &args),
            Builtin::Merge(args) => judging::merge(&mut self, &args),
            Builtin::Explain(args) => inspect::explain(&self, &args),
            Builtin::List(args) => inspect::list(&mut self, &args),
            Builtin::Kinds(args) => inspect::kinds(&mut self, args.json),
            Builtin::Doctor(args) => inspect::doctor(&self, args.json),
            Builtin::Schema(args) => schema::print(&mut self, args.kind.as_deref()),
            Builtin::Approve(args) => {
                decide::decide(&self, &args, gate_core::decision::Said::Approved)
            }
            Builtin::Reject(args) => {
                decide::decide(&self, &args, gate_core::decision::Said::Rejected)
            }
            Builtin::Undo(args) => decide::undo(&self, &args),
            Builtin::Import(args) => import::import(&self, &args),
        }
    }

    /// The workspace that the working directory belongs to.
    fn project(&self) -> Result<Project, Stop> {
        let vars = |name: &str| self.ambient.get(name).map(Into::into);
        discover::project(&self.ambient.folder, &vars)
    }

    /// Adds the plug-ins of a workspace whose kinds are wanted; all of them when it is not said.
    fn add_plugins(
        &mut self,
        project: &Project,
        wanted: Option<&BTreeSet<String>>,
    ) -> Result<(), Stop> {
        for spec in &project.config.plugins {
            if wanted.is_some_and(|wanted| !wanted.contains(&spec.kind)) {
                continue;
            }
            let plugin = Plugin::start(
                spec,
                project.workspace.root(),
                &self.ambient.variables,
                &self.ambient.temporary,
                self.runtime.handle(),
            );
            let about = match plugin.described() {
                Ok(described) => format!("{} (plug-in)", described.about),
                Err(error) => format!("a plug-in that cannot be used: {error}"),
            };
            self.registry
                .add(Kind::erased(Arc::new(plugin), about))
                .map_err(|clash| Stop::usage(format!("gate.yaml: {clash}")))?;
        }
        Ok(())
    }

    /// A context outside a run, for commands of kinds and for judging.
    fn context(&self, project: &Project) -> Result<Context, Error> {
        let run = self.outside(project, Redactor::default(), BTreeMap::new())?;
        Ok(Context::new(Arc::new(run), Attempting::default()))
    }

    /// What there is of a run outside of one, with these secrets.
    fn outside(
        &self,
        project: &Project,
        redactor: Redactor,
        secrets: BTreeMap<String, String>,
    ) -> Result<Run, Error> {
        let id = format!("command-{:012x}", crate::ambient::random() >> 16);
        // Such a command may be used where there is no workspace, and leaves nothing there.
        let temporary = gate_core::Workspace::at(&self.ambient.temporary);
        let ledger = Ledger::open(&temporary, &id, &self.ambient.temporary)?;
        Ok(Run {
            store: project.workspace.store(),
            workspace: project.workspace.clone(),
            redactor,
            secrets,
            clock: self.ambient.clock().map_err(Error::new)?,
            seed: self.ambient.seed().map_err(Error::new)?,
            events: EventLog::unkept(),
            ambient: self.ambient.variables.clone(),
            ledger: Arc::new(ledger),
            jobs: std::thread::available_parallelism().map_or(1, Into::into),
            cancel: CancellationToken::new(),
            output: output(),
        })
    }

    fn kinds_command(&self, run: Runs, arguments: &[OsString]) -> ExitCode {
        let begun = self.project().and_then(|project| Ok((self.context(&project)?, project)));
        let (cx, project) = match begun {
            Ok(begun) => begun,
            Err(stop) => return self.stopped(&stop),
        };
        match run {
            Runs::Alone(run) => run(arguments, &output()),
            Runs::InContext(run) => run(arguments, &cx),
            Runs::OnSpecs(run) => {
                run(arguments, &cx, &specs::SpecsOf { session: self, project: &project })
            }
            Runs::WithTools(run) => run(arguments, &cx, &self.registry.tools()),
            Runs::AloneOrOnSpecs { on_specs: run, .. } => {
                run(arguments, &cx, &specs::SpecsOf { session: self, project: &project })
            }
        }
    }

    /// Says why nothing was done.
    fn stopped(&self, stop: &Stop) -> ExitCode {
        print::stop(stop, self.colour);
        stop.exit_code()
    }
}

fn output() -> Output {
    let (out, err) = (Box::new(print::out), Box::new(print::err));
    Output { out, err, bytes: Box::new(print::bytes) }
}

/// Logging on standard error, for whoever asks for it.
fn trace(talk: Talk, colour: bool) {
    let level = match (talk.quiet, talk.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "info",
        _ => "debug",
    };
    // A second call, in a test, keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .without_time()
        .with_target(false)
        .try_init();
}
