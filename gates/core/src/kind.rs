//! Kinds: what a crate hands to the binary, and the registry that holds them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::spec::did_you_mean;
use crate::{AnyGate, Context, Error, ExitCode, Gate, Output, Settings, Tool};

/// Everything that a crate brings: its gate, and what else belongs to it.
pub struct Kind {
    gate: Arc<dyn AnyGate>,
    about: Cow<'static, str>,
    commands: Vec<Command>,
    importers: Vec<Importer>,
    probes: Vec<Probe>,
    tools: Vec<Tool>,
}

impl Kind {
    /// A kind of this gate, described by one line.
    pub fn of(gate: impl Gate, about: impl Into<Cow<'static, str>>) -> Kind {
        Kind::erased(Arc::new(gate), about)
    }

    /// A kind of a gate whose types are erased already.
    pub fn erased(gate: Arc<dyn AnyGate>, about: impl Into<Cow<'static, str>>) -> Kind {
        Kind {
            gate,
            about: about.into(),
            commands: Vec::new(),
            importers: Vec::new(),
            probes: Vec::new(),
            tools: Vec::new(),
        }
    }

    /// Brings a command of its own.
    pub fn command(mut self, command: Command) -> Kind {
        self.commands.push(command);
        self
    }

    /// Brings an importer for `gate import`.
    pub fn importer(mut self, importer: Importer) -> Kind {
        self.importers.push(importer);
        self
    }

    /// Brings a probe for `gate doctor`.
    pub fn probe(mut self, probe: Probe) -> Kind {
        self.probes.push(probe);
        self
    }

    /// Brings a tool for people.
    pub fn tool(mut self, tool: Tool) -> Kind {
        self.tools.push(tool);
        self
    }

    /// The gate.
    pub fn gate(&self) -> &Arc<dyn AnyGate> {
        &self.gate
    }

    /// One line about it.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Its tools.
    pub fn tools(&self) -> &[Tool] {
        &self.tools
    }
}

/// A command of the binary: `gate NAME ...`.
#[derive(Clone)]
pub struct Command {
    /// The verb.
    pub name: &'static str,
    /// One line about it, for `gate --help`.
    pub about: &'static str,
    /// The whole help, for the command-line reference.
    pub help: fn() -> String,
    /// What it does.
    pub run: Runs,
}

/// What a [`Command`] does with the arguments after its verb, and what it needs for that.
#[derive(Clone, Copy)]
pub enum Runs {
    /// It works on what it was given and prints. It starts at once: no workspace is searched, no
    /// thread is started, and nothing is left to be swept.
    Alone(fn(&[OsString], &Output) -> ExitCode),
    /// It needs a workspace, other processes or anything else of a context.
    InContext(fn(&[OsString], &Context) -> ExitCode),
    /// It needs the specs, too, such as to look after files that belong to them.
    OnSpecs(fn(&[OsString], &Context, &dyn Specs) -> ExitCode),
    /// It needs the tools of all kinds, to offer them to people.
    WithTools(fn(&[OsString], &Context, &[OfferedTool]) -> ExitCode),
    /// A part of what it does needs no more than [`Runs::Alone`], and the rest the specs.
    AloneOrOnSpecs {
        /// Does it alone; none when it needs the specs for that, and has done nothing yet.
        alone: fn(&[OsString], &Output) -> Option<ExitCode>,
        /// Does it with the specs.
        on_specs: fn(&[OsString], &Context, &dyn Specs) -> ExitCode,
    },
}

/// A tool, and who brings it.
#[derive(Debug, Clone)]
pub struct OfferedTool {
    /// The kind.
    pub kind: String,
    /// The tool.
    pub tool: Tool,
}

/// The specs of a workspace, for commands. Nothing runs.
pub trait Specs {
    /// Reads the chosen specs and gives the gates of one kind. Whatever is wrong with any of them
    /// is said on standard error, all at once; the error is what the command then ends with.
    fn read(&self, kind: &str, choice: &SpecChoice) -> Result<SpecsRead, ExitCode>;

    /// A context in which this gate could be planned. With a choice it has the environments and
    /// the secrets that the gate names, and an error says which of them is not there; without, it
    /// has none.
    fn context(&self, gate: &SpecGate, site: Option<&SpecChoice>) -> Result<Context, Error>;
}

/// Which specs, and which site they look at.
#[derive(Debug, Clone, Default)]
pub struct SpecChoice {
    /// Files or folders, relative to the working directory; none for what `gate.yaml` says.
    pub paths: Vec<PathBuf>,
    /// The environment under test.
    pub env: Option<String>,
}

/// What was read of specs.
pub struct SpecsRead {
    /// The gates of the kind, by name.
    pub gates: Vec<SpecGate>,
    /// Every file that was read, whatever its kinds.
    pub files: Vec<PathBuf>,
    /// The folders that were searched; none when the files were named.
    pub folders: Vec<PathBuf>,
}

/// A gate of a spec.
pub struct SpecGate {
    /// Its name.
    pub name: String,
    /// The file that it stands in.
    pub spec: PathBuf,
    /// Its settings, of the kind's own type.
    pub settings: Settings,
}

/// Turns a file of another tool into a spec.
#[derive(Clone)]
pub struct Importer {
    /// The name of the format: `gate import FORMAT FILE`, or `gate import FORMAT URL`.
    pub format: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Whether a file looks like one of this format.
    pub recognises: fn(&[u8]) -> bool,
    /// Turns the file into a spec.
    pub import: fn(&[u8]) -> Result<Imported, Error>,
    /// Gets the file, where it is made from what stands at an address (`http` or `https`) that is
    /// named instead of one.
    pub fetch: Option<Fetch>,
}

/// Gets a file from what stands at an address.
pub type Fetch = fn(&str, &Context) -> Result<Vec<u8>, Error>;

/// What an importer made.
pub struct Imported {
    /// The text of the spec.
    pub spec: String,
    /// What could not be carried over, a line each.
    pub left_out: Vec<String>,
}

/// Looks whether something that a kind needs is there.
#[derive(Clone)]
pub struct Probe {
    /// What it looks for.
    pub name: &'static str,
    /// Looks.
    pub run: fn(&Context) -> Vec<Finding>,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked for.
    pub name: String,
    /// Where it is and which version, or what is wrong with it.
    pub found: Result<String, String>,
    /// What to do when it is not there.
    pub advice: Option<String>,
}

/// Two kinds that claim the same name or verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash(pub String);

impl std::fmt::Display for Clash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Clash {}

/// The kinds of a binary, by name.
#[derive(Default)]
pub struct Registry {
    kinds: BTreeMap<String, Kind>,
}

impl Registry {
    /// Adds a kind; another of the same name, command, import format or tool is a clash.
    pub fn add(&mut self, kind: Kind) -> Result<(), Clash> {
        let name = kind.gate.kind().to_owned();
        if self.kinds.contains_key(&name) {
            return Err(Clash(format!("two kinds are called `{name}`")));
        }
        for command in &kind.commands {
            if self.commands().any(|other| other.name == command.name) {
                return Err(Clash(format!("two kinds bring the command `{}`", command.name)));
            }
        }
        for importer in &kind.importers {
            if self.importers().any(|other| other.format == importer.format) {
                return Err(Clash(format!("two kinds import the format `{}`", importer.format)));
            }
        }
        for tool in &kind.tools {
            if self.kinds().flat_map(Kind::tools).any(|other| other.id == tool.id) {
                return Err(Clash(format!("two kinds bring the tool `{}`", tool.id)));
            }
        }
        self.kinds.insert(name, kind);
        Ok(())
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name)
    }

    /// All of them, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }

    /// All commands that kinds bring.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.kinds().flat_map(|kind| &kind.commands)
    }

    /// All importers that kinds bring.
    pub fn importers(&self) -> impl Iterator<Item = &Importer> {
        self.kinds().flat_map(|kind| &kind.importers)
    }

    /// All probes that kinds bring.
    pub fn probes(&self) -> impl Iterator<Item = &Probe> {
        self.kinds().flat_map(|kind| &kind.probes)
    }

    /// All tools that kinds bring, by kind.
    pub fn tools(&self) -> Vec<OfferedTool> {
        let of = |kind: &Kind| {
            let name = kind.gate.kind().to_owned();
            kind.tools.clone().into_iter().map(move |tool| OfferedTool { kind: name.clone(), tool })
        };
        self.kinds().flat_map(of).collect()
    }

    /// "did you mean", or the list of kinds.
    pub fn hint(&self, wrong: &str) -> String {
        let names = || self.kinds.keys().map(String::as_str);
        did_you_mean(wrong, names())
            .unwrap_or_else(|| format!("kinds: {}", names().collect::<Vec<_>>().join(", ")))
    }
}
