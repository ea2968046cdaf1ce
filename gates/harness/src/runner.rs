//! Running a suite: planning, scheduling, measuring, and recording what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gate_core::decision::{self, DECISIONS_FILE};
use gate_core::ledger::Ledger;
use gate_core::{
    Attempt, Attempting, Clock, Context, Error, EventLog, Failure, GateRecord, Happening, Host,
    Interruption, Listener, Observation, ObservationSchema, Output, Report, Run, RunFolder,
    RunRecord, RunSchema, SpecRef, UnitId, Verdict, files,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::ambient::random;
use crate::judge::{self, Mode};
use crate::suite::{Ready, Shard, Suite};

/// How a suite is run.
pub struct Options {
    /// How many gates run at once, and how much each may do at once.
    pub jobs: usize,
    /// Whether the first gate that blocks ends the run.
    pub fail_fast: bool,
    /// More attempts for each gate than its spec asks for.
    pub retries: Option<u32>,
    /// Which part of the suite.
    pub shard: Option<Shard>,
    /// Where the time comes from.
    pub clock: Clock,
    /// The seed.
    pub seed: u64,
    /// The process's environment.
    pub ambient: BTreeMap<String, String>,
    /// The system's folder for temporary files.
    pub temporary: PathBuf,
    /// Follow the run.
    pub listeners: Vec<Listener>,
    /// What is worth knowing about the run itself.
    pub notes: Vec<String>,
}

/// How long one attempt may take when its spec does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);
/// How long a gate that was told to stop may take to let go.
const LETTING_GO: Duration = Duration::from_secs(10);

/// Set by the first signal.
#[derive(Clone, Default)]
pub struct Interrupt {
    token: CancellationToken,
    by: Arc<Mutex<Option<Interruption>>>,
    ledger: Arc<Mutex<Option<Arc<Ledger>>>>,
}

impl Interrupt {
    /// Interrupts the run.
    pub fn by(&self, signal: Interruption) {
        self.by.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(signal);
        self.token.cancel();
    }

    /// The ledger of the run, once it has one.
    pub fn ledger(&self) -> Arc<Mutex<Option<Arc<Ledger>>>> {
        self.ledger.clone()
    }

    /// The signal, when there was one.
    pub fn signal(&self) -> Option<Interruption> {
        *self.by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that has ended.
pub struct Done {
    /// What it came to.
    pub report: Report,
    /// Where it lies.
    pub folder: RunFolder,
}

/// Runs a suite to its end and writes its record and report, also when it is interrupted.
pub async fn run(suite: Suite, options: Options, interrupt: Interrupt) -> Result<Done, Error> {
    let mut work = begin(suite, options, interrupt)?;
    work.plan().await;
    let names = work.active().map(|index| work.suite.gates[index].header().name.clone()).collect();
    let started = Happening::RunStarted { run: work.record.run.clone(), gates: names };
    work.run.events.emit(None, None, started);
    work.save()?;
    work.measure().await?;
    work.finish().await
}

struct Work {
    suite: Arc<Suite>,
    run: Arc<Run>,
    folder: RunFolder,
    record: RunRecord,
    interrupt: Interrupt,
    options: Options,
}

fn begin(suite: Suite, mut options: Options, interrupt: Interrupt) -> Result<Work, Error> {
    let workspace = suite.project.workspace.clone();
    workspace.prepare()?;
    decision::recover(&workspace)?;
    gate_core::ledger::sweep(&workspace)?;
    let clock = std::mem::replace(&mut options.clock, Clock::machine());
    let started = clock.now();
    let (id, folder) = new_folder(&workspace, &started.compact())?;
    let ledger = Arc::new(Ledger::open(&workspace, &id, &options.temporary)?);
    *interrupt.ledger.lock().unwrap_or_else(PoisonError::into_inner) = Some(ledger.clone());
    let mut events = EventLog::to_file(&folder.events(), suite.redactor.clone())?;
    for listener in options.listeners.drain(..) {
        events = events.follow(listener);
    }
    let record = RunRecord {
        schema: RunSchema::V1,
        run: id,
        started,
        finished: None,
        host: Host {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, Into::into),
        },
        gate_version: env!("CARGO_PKG_VERSION").to_owned(),
        selection: suite.selection.clone(),
        suite: suite.digest,
        seed: options.seed,
        variables: suite.variables.clone(),
        interrupted: None,
        notes: std::mem::take(&mut options.notes),
        merged_from: Vec::new(),
        gates: suite.gates.iter().map(gate_record).collect(),
        skipped: suite.skipped.clone(),
    };
    let run = Run {
        store: workspace.store(),
        workspace,
        redactor: suite.redactor.clone(),
        secrets: suite.secrets.clone(),
        clock,
        seed: options.seed,
        events,
        ambient: std::mem::take(&mut options.ambient),
        ledger,
        jobs: options.jobs,
        cancel: interrupt.token.clone(),
        output: Output::nowhere(),
    };
    Ok(Work { suite: Arc::new(suite), run: Arc::new(run), folder, record, interrupt, options })
}

fn new_folder(
    workspace: &gate_core::Workspace,
    moment: &str,
) -> Result<(String, RunFolder), Error> {
    let mut last = Error::new("no name for the run is free");
    for _ in 0..8 {
        let id = format!("{moment}-{:06x}", random() & 0xff_ffff);
        match RunFolder::create(workspace, &id) {
            Ok(folder) => return Ok((id, folder)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn gate_record(gate: &Ready) -> GateRecord {
    let document = &gate.document;
    GateRecord {
        name: document.header.name.clone(),
        kind: document.header.gate.clone(),
        spec: SpecRef {
            path: document.file.shown.clone(),
            line: document.first_line as u32,
            digest: document.digest(),
        },
        text: document.text.to_string(),
        plan: Vec::new(),
        units: Vec::new(),
        attempts: Vec::new(),
        duration_ms: 0,
    }
}

impl Work {
    /// The gates that this shard has something to do for.
    fn active(&self) -> impl Iterator<Item = usize> {
        let active: Vec<usize> = (0..self.record.gates.len())
            .filter(|&index| !self.record.gates[index].belongs_elsewhere())
            .collect();
        active.into_iter()
    }

    fn save(&self) -> Result<(), Error> {
        self.folder.save(&self.record, &self.run.workspace.private().join("tmp"))
    }

    /// Asks every gate for its units, and deals them to the shards.
    async fn plan(&mut self) {
        let mut single = 0;
        for index in 0..self.suite.gates.len() {
            let cx = context(&self.suite, &self.run, index, 1);
            let planned = match cx {
                Ok(cx) => planned(&self.suite, index, cx, &self.interrupt.token).await,
                Err(error) => Err(failed(Failure::Error, &error)),
            };
            let record = &mut self.record.gates[index];
            match planned {
                Ok(mut units) => {
                    units.sort();
                    units.dedup();
                    let alone = units.len() == 1 || self.suite.gates[index].gate.exclusive();
                    let offset = if alone { single } else { 0 };
                    single += usize::from(alone);
                    record.units = match self.options.shard {
                        Some(shard) if alone && offset % shard.count + 1 != shard.index => {
                            Vec::new()
                        }
                        Some(shard) if !alone => units
                            .iter()
                            .enumerate()
                            .filter(|(k, _)| k % shard.count + 1 == shard.index)
                            .map(|(_, unit)| unit.clone())
                            .collect(),
                        _ => units.clone(),
                    };
                    record.plan = units;
                }
                Err(attempt) => record.attempts.push(attempt),
            }
        }
    }

    /// Measures: gates that may share the machine at the same time, then the others alone.
    async fn measure(&mut self) -> Result<(), Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let slots = Arc::new(Semaphore::new(self.options.jobs.max(1)));
        let (exclusive, shared): (Vec<_>, Vec<_>) = self
            .active()
            .filter(|&index| self.record.gates[index].attempts.is_empty())
            .partition(|&index| self.suite.gates[index].gate.exclusive());
        let mut tasks = tokio::task::JoinSet::new();
        for index in shared {
            let (one, slots) = (self.one(index, &stop), slots.clone());
            tasks.spawn(async move {
                let _slot = slots.acquire_owned().await.expect("the slots are never closed");
                (index, one.run().await)
            });
        }
        while let Some(ended) = tasks.join_next().await {
            let (index, result) = ended.expect("attempts catch their own panics");
            self.take(index, result)?;
        }
        for index in exclusive {
            let result = self.one(index, &stop).run().await;
            self.take(index, result)?;
        }
        Ok(())
    }

    fn one(&self, index: usize, stop: &Arc<AtomicBool>) -> One {
        One {
            suite: self.suite.clone(),
            run: self.run.clone(),
            record: self.record.gates[index].clone(),
            index,
            retries: self.options.retries,
            fail_fast: self.options.fail_fast,
            stop: stop.clone(),
            interrupt: self.interrupt.clone(),
        }
    }

    fn take(
        &mut self,
        index: usize,
        (attempts, took): (Vec<Attempt>, Duration),
    ) -> Result<(), Error> {
        self.record.gates[index].attempts = attempts;
        self.record.gates[index].duration_ms = took.as_millis() as u64;
        self.save()
    }

    async fn finish(mut self) -> Result<Done, Error> {
        self.run.events.emit(None, None, Happening::ReportStarted);
        self.record.finished = Some(self.run.clock.now());
        self.record.interrupted = self.interrupt.signal();
        self.save()?;
        let judging = judge::Judging {
            store: self.run.store.clone(),
            mode: Mode::Live,
            context: judge_context(&self.run),
        };
        let ready = |name: &str| self.suite.gates.iter().find(|gate| gate.header().name == name);
        let mut gates = Vec::new();
        for record in self.record.gates.iter().filter(|record| !record.belongs_elsewhere()) {
            let ready = ready(&record.name).expect("the record has the suite's gates");
            gates.push(
                judge::gate(record, ready.header(), &*ready.gate, &ready.settings, &judging).await,
            );
        }
        let report = judge::report(&self.record, gates);
        write_report(&self.folder, &report, &self.run)?;
        self.run.events.emit(
            None,
            None,
            Happening::RunEnded { verdict: report.verdict, exit_code: report.exit_code },
        );
        self.run.ledger.close();
        Ok(Done { report, folder: self.folder })
    }
}

/// Writes the report of a run.
pub fn write_report(folder: &RunFolder, report: &Report, run: &Run) -> Result<(), Error> {
    let temporary = run.workspace.private().join("tmp");
    files::write_atomically(&folder.report(), &crate::reporters::document(report)?, &temporary)
}

/// A context for judging, which looks at nothing that it could touch.
fn judge_context(run: &Arc<Run>) -> Context {
    Context::new(run.clone(), Attempting::default())
}

fn failed(how: Failure, error: &Error) -> Attempt {
    Attempt::Failed {
        failed: how,
        reason: error.message().to_owned(),
        advice: error.advice().map(Into::into),
    }
}

/// A context for an attempt of a gate of the suite.
pub(crate) fn context(
    suite: &Suite,
    run: &Arc<Run>,
    index: usize,
    attempt: u32,
) -> Result<Context, Error> {
    let gate = &suite.gates[index];
    let header = gate.header();
    let decisions = decision::load(&gate.document.folder().join(DECISIONS_FILE))?;
    Ok(Context::new(
        run.clone(),
        Attempting {
            gate: header.name.clone(),
            attempt,
            spec: gate.document.file.path.clone(),
            candidate: suite.candidate.clone(),
            baseline: suite.baseline.clone(),
            environments: suite.environments.clone(),
            accepted: decision::accepted(&decisions, &header.name),
        },
    ))
}

/// Runs some work of a gate in a task of its own, so that a panic stays there, until it ends,
/// its time is over, or the run is interrupted.
async fn guarded<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
    time: Duration,
    cancel: &CancellationToken,
) -> Result<T, Attempt> {
    let mut task = tokio::spawn(work);
    let (how, error) = tokio::select! {
        biased;
        ended = &mut task => return match ended {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(failed(Failure::Error, &error)),
            Err(ended) => Err(failed(Failure::Panic, &panicked(ended))),
        },
        () = cancel.cancelled() => {
            (Failure::Cancelled, Error::new("the run was interrupted"))
        }
        () = tokio::time::sleep(time) => {
            let time = gate_core::values::DurationValue(time);
            (Failure::Timeout, Error::new(format!("it took longer than its time-out of {time}"))
                .hint("set `timeout:` in the spec, or find out what is slow with -v"))
        }
    };
    task.abort();
    // Dropping the work ends what it started; that has to be over before the run goes on.
    let _ = tokio::time::timeout(LETTING_GO, task).await;
    Err(failed(how, &error))
}

fn panicked(ended: tokio::task::JoinError) -> Error {
    let what = match ended.try_into_panic() {
        Ok(panic) => match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
            (Some(text), _) => (*text).to_owned(),
            (_, Some(text)) => text.clone(),
            _ => "no message".to_owned(),
        },
        Err(_) => "the task was lost".to_owned(),
    };
    Error::new(format!("the gate panicked: {what}")).hint("this is a bug in the gate; report it")
}

fn time_of(gate: &Ready) -> Duration {
    gate.header().timeout.map_or(DEFAULT_TIMEOUT, |timeout| timeout.0)
}

async fn planned(
    suite: &Arc<Suite>,
    index: usize,
    cx: Context,
    cancel: &CancellationToken,
) -> Result<Vec<UnitId>, Attempt> {
    let (suite, time) = (suite.clone(), time_of(&suite.gates[index]));
    let work = async move {
        let ready = &suite.gates[index];
        ready.gate.plan(&ready.settings, &cx).await.map_err(|error| error.while_doing("planning"))
    };
    guarded(work, time, cancel).await
}

/// One gate, from its first attempt to its last.
struct One {
    suite: Arc<Suite>,
    run: Arc<Run>,
    record: GateRecord,
    index: usize,
    retries: Option<u32>,
    fail_fast: bool,
    stop: Arc<AtomicBool>,
    interrupt: Interrupt,
}

impl One {
    async fn run(mut self) -> (Vec<Attempt>, Duration) {
        let started = Instant::now();
        let name = self.record.name.clone();
        if let Some(reason) = self.unwanted() {
            self.record.attempts.push(failed(Failure::Cancelled, &Error::new(reason)));
            return (self.record.attempts, started.elapsed());
        }
        let kind = self.record.kind.clone();
        self.run.events.emit(Some(&name), None, Happening::GateStarted { kind });
        let ready = &self.suite.gates[self.index];
        let most = 1 + self.retries.unwrap_or(ready.header().retries);
        let mut verdict = Verdict::Inconclusive;
        for number in 1..=most {
            let attempt = self.attempt(number).await;
            let interrupted = matches!(attempt, Attempt::Failed { failed: Failure::Cancelled, .. });
            self.record.attempts.push(attempt);
            verdict = self.look(number).await;
            self.run.events.emit(Some(&name), Some(number), Happening::AttemptEnded { verdict });
            if interrupted || !verdict.blocks() {
                break;
            }
        }
        let counts_as = verdict.counted(self.suite.gates[self.index].header().required);
        self.run.events.emit(Some(&name), None, Happening::GateEnded { verdict, counts_as });
        if self.fail_fast && counts_as.blocks() {
            self.stop.store(true, Ordering::Release);
        }
        (self.record.attempts, started.elapsed())
    }

    fn unwanted(&self) -> Option<&'static str> {
        if self.interrupt.signal().is_some() {
            return Some("the run was interrupted before it began");
        }
        self.stop
            .load(Ordering::Acquire)
            .then_some("it was not run, because another gate blocks (--fail-fast)")
    }

    async fn attempt(&self, number: u32) -> Attempt {
        let cx = match context(&self.suite, &self.run, self.index, number) {
            Ok(cx) => cx,
            Err(error) => return failed(Failure::Error, &error),
        };
        let (suite, index, units) = (self.suite.clone(), self.index, self.record.units.clone());
        let time = time_of(&suite.gates[index]);
        let work = async move {
            let inputs = cx.inputs();
            let ready = &suite.gates[index];
            let measured = ready.gate.measure(&ready.settings, &units, &cx).await?;
            let seen = serde_json::to_string(&measured.seen)?;
            let seen = serde_json::from_str(&cx.redactor().text(&seen))?;
            let observation = Observation {
                schema: ObservationSchema::V1,
                gate: ready.header().name.clone(),
                kind: ready.header().gate.clone(),
                units,
                inputs,
                refs: cx.kept(),
                seen,
                answered: measured.answered,
            };
            observation.keep(cx.store())
        };
        match guarded(work, time, &self.interrupt.token).await {
            Ok(measured) => Attempt::Measured { measured },
            Err(failed) => self.clean(failed),
        }
    }

    /// Takes secrets out of what a failure says.
    fn clean(&self, attempt: Attempt) -> Attempt {
        match attempt {
            Attempt::Failed { failed, reason, advice } => Attempt::Failed {
                failed,
                reason: self.run.redactor.text(&reason).into_owned(),
                advice: advice.map(|advice| self.run.redactor.text(&advice).into_owned()),
            },
            measured @ Attempt::Measured { .. } => measured,
        }
    }

    /// Judges what has been measured so far, as the report will.
    async fn look(&self, number: u32) -> Verdict {
        let ready = &self.suite.gates[self.index];
        let judging = judge::Judging {
            store: self.run.store.clone(),
            mode: Mode::Live,
            context: judge_context(&self.run),
        };
        let attempt = self.record.attempts.last().expect("an attempt was just made");
        let outcome = judge::attempt(attempt, &*ready.gate, &ready.settings, &judging).await;
        for check in &outcome.checks {
            self.run.events.emit(
                Some(&self.record.name),
                Some(number),
                Happening::Check {
                    id: check.id.clone(),
                    verdict: check.verdict,
                    message: check.message.clone(),
                },
            );
        }
        outcome.verdict()
    }
}
