//! Turns a Rust gate into a plug-in: the same gate, in a process of its own.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use redact::Redactor;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::wire::{
    Action, Described, EnvironmentFacts, FileEvidence, Found, Hello, JudgeAnswer, Line,
    MeasureAnswer, PROTOCOL, PlanAnswer, PluginEvent, Request,
};
use crate::ledger::Ledger;
use crate::spec::{Node, Reading, With};
use crate::values::Template;
use crate::{
    Attempting, Clock, Context, Environment, Error, Event, EventLog, Given, Happening, Kind,
    Output, Run, Settings, Store, While, Workspace,
};

/// The largest request that is read, in bytes.
const LARGEST_REQUEST: u64 = 256 << 20;

/// Answers one request from standard input, and returns what the process ends with.
///
/// What the gate keeps as evidence is reported as a file named by its digest.
pub fn main(kind: Kind) -> std::process::ExitCode {
    let mut out = std::io::stdout().lock();
    let mut say = |line: &Line| {
        let text = serde_json::to_string(line).expect("lines serialise");
        writeln!(out, "{text}").and_then(|()| out.flush())
    };
    let gate = kind.gate();
    let hello = Hello {
        protocol: PROTOCOL,
        kind: gate.kind().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        requests: vec![
            Action::Describe,
            Action::Validate,
            Action::Plan,
            Action::Measure,
            Action::Judge,
            Action::Join,
        ],
    };
    let last = match say(&Line::Hello(hello)) {
        Ok(()) => match request().and_then(|request| answer(&kind, request)) {
            Ok(result) => Line::Result(result),
            Err(error) => Line::Error {
                message: error.message().to_owned(),
                hint: error.advice().map(Into::into),
            },
        },
        Err(_) => return std::process::ExitCode::FAILURE,
    };
    match say(&last) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(_) => std::process::ExitCode::FAILURE,
    }
}

fn request() -> Result<Request, Error> {
    let mut text = Vec::new();
    std::io::stdin()
        .lock()
        .take(LARGEST_REQUEST)
        .read_to_end(&mut text)
        .while_doing(|| "reading the request")?;
    let request: Request = serde_json::from_slice(&text).while_doing(|| "reading the request")?;
    if request.protocol == PROTOCOL {
        return Ok(request);
    }
    Err(Error::new(format!("this plug-in speaks protocol {PROTOCOL}, not {}", request.protocol)))
}

fn json<T: Serialize>(value: &T) -> Result<Value, Error> {
    Ok(serde_json::to_value(value)?)
}

fn answer(kind: &Kind, request: Request) -> Result<Value, Error> {
    let gate = kind.gate();
    match request.request {
        Action::Describe => {
            let mut generator = schemars::generate::SchemaSettings::draft07().into_generator();
            json(&Described {
                about: kind.about().to_owned(),
                schema: gate.schema(&mut generator),
                exclusive: gate.exclusive(),
                needs_environment: false,
            })
        }
        Action::Validate => {
            let problems = match settings(kind, &request.with) {
                Ok(settings) => gate.validate(&settings).into_iter().map(Into::into).collect(),
                Err(problem) => vec![problem.into()],
            };
            json(&Found { problems })
        }
        Action::Join => {
            json(&MeasureAnswer { observation: gate.join(request.parts)?, outcome: None })
        }
        Action::Plan | Action::Measure | Action::Judge => {
            let settings = settings(kind, &request.with).map_err(|problem| {
                let error = Error::new(problem.message);
                problem.hint.into_iter().fold(error, Error::hint)
            })?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .while_doing(|| "starting the runtime")?;
            runtime.block_on(work(kind, &settings, request))
        }
    }
}

/// Placeholders were expanded by the host, so that there are none to look up here.
fn settings(kind: &Kind, with: &Value) -> Result<Settings, crate::Problem> {
    let node = node(with);
    let none = |_: &str| None;
    let reading = Reading::expanding(&none);
    kind.gate().read(With { node: &node, reading: &reading }).map_err(|error| crate::Problem {
        path: error.path,
        message: error.message,
        hint: error.hint,
    })
}

fn node(value: &Value) -> Node {
    match value {
        Value::Null => Node::Null,
        Value::Bool(value) => Node::Bool(*value),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Node::Integer(number.into()),
            (_, Some(number)) => Node::Integer(number.into()),
            _ => Node::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Node::Text(text.clone()),
        Value::Array(items) => Node::List(items.iter().map(node).collect()),
        Value::Object(fields) => {
            Node::Map(fields.iter().map(|(name, value)| (name.clone(), node(value))).collect())
        }
    }
}

async fn work(kind: &Kind, settings: &Settings, request: Request) -> Result<Value, Error> {
    let gate = kind.gate();
    let inputs = request.inputs.clone();
    let seen = request.observation.clone().unwrap_or(Value::Null);
    let (action, units) = (request.request, request.units.clone());
    let cx = context(request)?;
    match action {
        Action::Plan => json(&PlanAnswer { units: gate.plan(settings, &cx).await? }),
        Action::Measure => {
            let measured = gate.measure(settings, &units, &cx).await?;
            json(&MeasureAnswer { observation: measured.seen, outcome: measured.answered })
        }
        _ => {
            let inputs = inputs.ok_or_else(|| Error::new("the request has no seed and clock"))?;
            let store = cx.store().clone();
            let read = move |digest: &crate::Digest| store.get(digest);
            let given = Given::new(&read, &inputs);
            json(&JudgeAnswer { outcome: gate.judge(settings, &seen, &given, &cx).await? })
        }
    }
}

fn context(request: Request) -> Result<Context, Error> {
    let folder = PathBuf::from(request.evidence_dir.as_deref().unwrap_or("."));
    let ambient = ambient();
    let temporary = ambient.get("TMPDIR").map_or("/tmp", String::as_str).to_owned();
    let workspace = Workspace::at(&folder);
    let run = format!("plugin-{}", std::process::id());
    let inputs = request.inputs;
    let clock = match &inputs {
        Some(inputs) => Clock::fixed(inputs.clock),
        None => Clock::machine(),
    };
    let ledger = Ledger::open(&Workspace::at(&temporary), &run, temporary.as_ref())?;
    let run = Run {
        store: Store::new(folder.clone(), temporary.into()),
        workspace,
        redactor: Redactor::default(),
        secrets: request.secrets,
        clock,
        seed: inputs.as_ref().map_or(0, |inputs| inputs.seed),
        events: EventLog::unkept().follow(Box::new(forward)),
        ambient,
        ledger: Arc::new(ledger),
        jobs: std::thread::available_parallelism().map_or(1, Into::into),
        cancel: tokio_util::sync::CancellationToken::new(),
        output: Output { err: Box::new(eprint_line), ..Output::nowhere() },
    };
    let candidate = request.environment.map(environment).transpose()?;
    let baseline = request.baseline.map(environment).transpose()?;
    let environments = [&candidate, &baseline]
        .into_iter()
        .flatten()
        .map(|environment| (environment.name.clone(), environment.clone()))
        .collect();
    let attempt = Attempting {
        gate: request.name,
        attempt: 1,
        spec: folder.join("spec.yaml"),
        candidate,
        baseline,
        environments,
        accepted: inputs.map(|inputs| inputs.accepted).unwrap_or_default(),
    };
    Ok(Context::new(Arc::new(run), attempt))
}

fn environment(facts: EnvironmentFacts) -> Result<Environment, Error> {
    // The values are the secrets themselves here; a template would look for placeholders.
    let plain = |map: BTreeMap<String, String>| {
        map.into_iter().map(|(name, value)| (name, Template::literal(value))).collect()
    };
    Ok(Environment {
        url: Url::parse(&facts.url)
            .map_err(|error| Error::new(format!("`{}` is not an address: {error}", facts.url)))?,
        name: facts.name,
        basic_auth: facts.basic_auth.map(Template::literal),
        headers: plain(facts.headers),
        cookies: plain(facts.cookies),
    })
}

/// Tells the host what the gate reports.
fn forward(event: &Event) {
    let event = match &event.event {
        Happening::Progress(progress) => PluginEvent::Progress(progress.clone()),
        Happening::Log { level, text } => PluginEvent::Log { level: *level, text: text.clone() },
        Happening::Evidence(evidence) => PluginEvent::Evidence(FileEvidence {
            role: evidence.role,
            label: evidence.label.clone(),
            media_type: evidence.media_type.clone(),
            file: evidence.digest.to_string(),
            refs: evidence.refs.clone(),
        }),
        _ => return,
    };
    let line = serde_json::to_string(&Line::Event(event)).expect("events serialise");
    // The host is gone when this fails, and ends this process, too.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn eprint_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a plug-in is a process of its own, started by the host"
)]
fn ambient() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
