//! What a gate may touch while it measures. Nothing is ambient.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use redact::Redactor;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::evidence::Structured;
use crate::ledger::Ledger;
use crate::process::{self, Finished, Program};
use crate::values::Template;
use crate::{
    Accepted, Clock, Digest, Error, EventLog, Evidence, Happening, Inputs, Level, Progress, Role,
    Store, Workspace,
};

/// A running version of the site, ready to be used.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name in `gate.yaml`.
    pub name: String,
    /// Its address.
    pub url: Url,
    /// `user:password`.
    pub basic_auth: Option<Template>,
    /// Headers sent with every request to it.
    pub headers: BTreeMap<String, Template>,
    /// Cookies sent with every request to it.
    pub cookies: BTreeMap<String, Template>,
}

/// What all gates of a run share.
pub struct Run {
    /// The folder of `gate.yaml`.
    pub workspace: Workspace,
    /// Where evidence is kept.
    pub store: Store,
    /// Takes secrets out of what is kept.
    pub redactor: Redactor,
    /// The secrets that are in use, by name.
    pub secrets: BTreeMap<String, String>,
    /// The clock of the run.
    pub clock: Clock,
    /// The seed of the run.
    pub seed: u64,
    /// Where events go.
    pub events: EventLog,
    /// The process's environment, as it was at the start.
    pub ambient: BTreeMap<String, String>,
    /// What the run has started.
    pub ledger: Arc<Ledger>,
    /// How much may be done at once.
    pub jobs: usize,
    /// Set when the run is interrupted.
    pub cancel: CancellationToken,
    /// Where commands of kinds print.
    pub output: Output,
}

/// Where text for people goes.
pub struct Output {
    /// Standard output.
    pub out: Box<dyn Fn(&str) + Send + Sync>,
    /// Standard error.
    pub err: Box<dyn Fn(&str) + Send + Sync>,
    /// Standard output for programs, as bytes; fails when nobody reads them any more.
    pub bytes: Box<WriteBytes>,
}

/// Writes bytes, all of them, or says why not.
pub type WriteBytes = dyn Fn(&[u8]) -> std::io::Result<()> + Send + Sync;

impl Output {
    /// One that nobody reads.
    pub fn nowhere() -> Output {
        Output { out: Box::new(|_| ()), err: Box::new(|_| ()), bytes: Box::new(|_| Ok(())) }
    }
}

/// What belongs to one attempt of one gate.
#[derive(Default)]
pub struct Attempting {
    /// The gate's name.
    pub gate: String,
    /// Counted from 1.
    pub attempt: u32,
    /// The file that the spec stands in.
    pub spec: PathBuf,
    /// The environment under test.
    pub candidate: Option<Environment>,
    /// The environment that the candidate would replace, in a promotion.
    pub baseline: Option<Environment>,
    /// The environments that the spec may name.
    pub environments: BTreeMap<String, Environment>,
    /// The accepted changes in force for this gate.
    pub accepted: Vec<Accepted>,
}

/// What a gate may touch while it measures. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    run: Arc<Run>,
    attempt: Arc<Attempting>,
    kept: Arc<Mutex<Vec<Digest>>>,
}

impl Context {
    /// A context for one attempt of a gate.
    pub fn new(run: Arc<Run>, attempt: Attempting) -> Context {
        Context { run, attempt: Arc::new(attempt), kept: Arc::default() }
    }

    /// The gate's name.
    pub fn gate(&self) -> &str {
        &self.attempt.gate
    }

    /// The environment under test; an error says how to choose one.
    pub fn candidate(&self) -> Result<&Environment, Error> {
        self.attempt.candidate.as_ref().ok_or_else(|| {
            Error::new("no environment was chosen")
                .hint("use --env NAME, --promotion NAME or --url URL")
        })
    }

    /// The environment that the candidate would replace; there is one in a promotion only.
    pub fn baseline(&self) -> Option<&Environment> {
        self.attempt.baseline.as_ref()
    }

    /// An environment by its name.
    pub fn environment(&self, name: &str) -> Result<&Environment, Error> {
        self.attempt.environments.get(name).ok_or_else(|| {
            Error::new(format!("there is no environment `{name}`"))
                .hint("add it to gate.yaml, under `environments`")
        })
    }

    /// The text with its secrets filled in.
    pub fn reveal(&self, template: &Template) -> Result<String, Error> {
        template.fill(|name| {
            self.run.secrets.get(name).cloned().ok_or_else(|| {
                Error::new(format!("there is no secret `{name}`"))
                    .hint("add it to gate.yaml, under `secrets`")
            })
        })
    }

    /// The folder of `gate.yaml`.
    pub fn workspace(&self) -> &Workspace {
        &self.run.workspace
    }

    /// The folder that paths in the spec are relative to.
    pub fn spec_folder(&self) -> &Path {
        self.attempt.spec.parent().unwrap_or(Path::new("."))
    }

    /// Where the baselines of this gate lie: `shop.baselines/<gate>` beside `shop.yaml`.
    pub fn baselines(&self) -> PathBuf {
        self.attempt.spec.with_extension("baselines").join(&self.attempt.gate)
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.run.seed
    }

    /// The clock of the run.
    pub fn clock(&self) -> &Clock {
        &self.run.clock
    }

    /// How much may be done at once.
    pub fn jobs(&self) -> usize {
        self.run.jobs
    }

    /// A variable of the process's environment, as it was at the start. For what a machine
    /// provides (`PATH`, `SELENIUM_REMOTE_URL`), never for settings: those belong in a spec.
    pub fn ambient(&self, name: &str) -> Option<&str> {
        self.run.ambient.get(name).map(String::as_str)
    }

    /// All of the process's environment, to be handed to a program.
    pub fn ambient_all(&self) -> &BTreeMap<String, String> {
        &self.run.ambient
    }

    /// The environment of a program that works for this gate: the process's own, where the site
    /// is (GATE_URL, GATE_ENVIRONMENT, and GATE_BASELINE_URL in a promotion), and TMPDIR in the
    /// run's own folder.
    pub fn program_environment(&self) -> Result<BTreeMap<String, String>, Error> {
        let mut env = self.ambient_all().clone();
        if let Ok(candidate) = self.candidate() {
            env.insert("GATE_URL".to_owned(), candidate.url.to_string());
            env.insert("GATE_ENVIRONMENT".to_owned(), candidate.name.clone());
        }
        if let Some(baseline) = self.baseline() {
            env.insert("GATE_BASELINE_URL".to_owned(), baseline.url.to_string());
        }
        env.insert("TMPDIR".to_owned(), self.scratch()?.to_string_lossy().into_owned());
        Ok(env)
    }

    /// Resolves when the run is interrupted. A gate's future is dropped then, too: this is for
    /// work that has something to finish.
    pub async fn cancelled(&self) {
        self.run.cancel.cancelled().await;
    }

    /// Whether the run is interrupted.
    pub fn is_cancelled(&self) -> bool {
        self.run.cancel.is_cancelled()
    }

    /// What the run has started, for gates that start processes through an engine.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.run.ledger
    }

    /// A folder for temporary files of this gate, which is removed after the run.
    pub fn scratch(&self) -> Result<PathBuf, Error> {
        self.run.ledger.make_scratch(&format!("{}-{}", self.attempt.gate, self.attempt.attempt))
    }

    /// Runs a program to its end; dropping the future ends it and all that it started.
    pub async fn run_program(&self, program: Program) -> Result<Finished, Error> {
        process::run(program, &self.run.ledger).await
    }

    /// Computes on the pool that is made for it: the one bridge from tokio to rayon.
    pub async fn cpu<T: Send + 'static>(&self, compute: impl FnOnce() -> T + Send + 'static) -> T {
        let (send, receive) = tokio::sync::oneshot::channel();
        rayon::spawn(move || {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(compute));
            // Nobody waits any more when the gate was cancelled.
            let _ = send.send(result);
        });
        match receive.await.expect("the computation always answers") {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Keeps a file, without the secrets in it.
    pub fn keep(
        &self,
        role: Role,
        label: impl Into<String>,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Evidence, Error> {
        self.keep_file(role, label.into(), media_type, bytes, Vec::new())
    }

    /// Keeps a structured file: a table, a diff, a page.
    pub fn keep_structured<T: Structured>(
        &self,
        label: impl Into<String>,
        value: &T,
    ) -> Result<Evidence, Error> {
        let bytes = serde_json::to_vec(&crate::finite::to_json(value)?)?;
        self.keep_file(T::ROLE, label.into(), "application/json", &bytes, value.refs())
    }

    /// Keeps a file that speaks of others.
    pub fn keep_file(
        &self,
        role: Role,
        label: String,
        media_type: &str,
        bytes: &[u8],
        refs: Vec<Digest>,
    ) -> Result<Evidence, Error> {
        let clean = self.run.redactor.bytes(bytes);
        let digest = self.run.store.put(&clean)?;
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(digest);
        let evidence = Evidence {
            role,
            label: self.run.redactor.text(&label).into_owned(),
            media_type: media_type.to_owned(),
            digest,
            bytes: clean.len() as u64,
            refs,
        };
        self.emit(Happening::Evidence(evidence.clone()));
        Ok(evidence)
    }

    /// The files kept so far in this attempt, each once, in order.
    pub fn kept(&self) -> Vec<Digest> {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        kept.sort_unstable();
        kept.dedup();
        kept
    }

    /// Says how far the work has come.
    pub fn progress(&self, done: u64, total: Option<u64>, unit: &str, text: impl Into<String>) {
        self.emit(Happening::Progress(Progress {
            done,
            total,
            unit: unit.to_owned(),
            text: text.into(),
        }));
    }

    /// Writes a line into the run's log.
    pub fn log(&self, level: Level, text: impl Into<String>) {
        self.emit(Happening::Log { level, text: text.into() });
    }

    /// Records that something happened in this attempt.
    pub fn emit(&self, happening: Happening) {
        let gate = (!self.attempt.gate.is_empty()).then_some(self.attempt.gate.as_str());
        self.run.events.emit(gate, gate.map(|_| self.attempt.attempt), happening);
    }

    /// The inputs that are recorded with this attempt.
    pub fn inputs(&self) -> Inputs {
        Inputs {
            seed: self.run.seed,
            clock: self.run.clock.now(),
            accepted: self.attempt.accepted.clone(),
        }
    }

    /// Prints for a person; for commands of kinds, never for gates.
    pub fn print(&self, text: &str) {
        (self.run.output.out)(&self.run.redactor.text(text));
    }

    /// Prints to standard error; for commands of kinds, never for gates.
    pub fn complain(&self, text: &str) {
        (self.run.output.err)(&self.run.redactor.text(text));
    }

    /// The evidence store.
    pub fn store(&self) -> &Store {
        &self.run.store
    }

    /// What takes secrets out of texts.
    pub fn redactor(&self) -> &Redactor {
        &self.run.redactor
    }
}
