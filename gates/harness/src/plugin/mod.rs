//! The host of plug-ins: executables that are kinds of gates.

mod host;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gate_core::protocol::{
    Action, Described, EnvironmentFacts, FileEvidence, Found, JudgeAnswer, MeasureAnswer,
    PlanAnswer, Request,
};
use gate_core::spec::{PluginSpec, ReadError, With};
use gate_core::{
    AnyGate, Boxed, Context, Environment, Error, Given, Measured, Needs, Outcome, Problem,
    Settings, UnitId, While, files,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use host::Talk;
use host::talk;

/// How long a plug-in may take to say what it is, and to look at settings.
const SHORT: Duration = Duration::from_secs(10);

/// A gate that is an executable.
pub struct Plugin {
    kind: String,
    argv: Vec<String>,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    temporary: PathBuf,
    /// What it said of itself, or why it could not.
    described: Result<(Described, BTreeSet<Action>), Error>,
    runtime: tokio::runtime::Handle,
}

impl Plugin {
    /// Asks a plug-in what it is. One that cannot say so is inconclusive when it is used.
    pub fn start(
        spec: &PluginSpec,
        folder: &Path,
        environment: &BTreeMap<String, String>,
        temporary: &Path,
        runtime: &tokio::runtime::Handle,
    ) -> Plugin {
        let mut plugin = Plugin {
            kind: spec.kind.clone(),
            argv: resolve(&spec.command, folder),
            folder: folder.to_owned(),
            environment: environment.clone(),
            temporary: temporary.to_owned(),
            described: Err(Error::new("it was not asked")),
            runtime: runtime.clone(),
        };
        plugin.described = runtime.block_on(plugin.describe());
        plugin
    }

    async fn describe(&self) -> Result<(Described, BTreeSet<Action>), Error> {
        let talk = self.ask(&Request::new(Action::Describe), None).await?;
        let requests = talk.hello.requests.iter().copied().collect::<BTreeSet<_>>();
        if talk.hello.kind != self.kind {
            return Err(Error::new(format!("it says that it is `{}`", talk.hello.kind))
                .hint("correct `kind` in gate.yaml"));
        }
        if !requests.contains(&Action::Measure) {
            return Err(Error::new("it does not answer `measure`"));
        }
        Ok((answer(talk.result)?, requests))
    }

    /// Whether it said what it is, and what it said.
    pub fn described(&self) -> Result<&Described, &Error> {
        self.described.as_ref().map(|(described, _)| described)
    }

    fn answers(&self, action: Action) -> bool {
        self.described.as_ref().is_ok_and(|(_, requests)| requests.contains(&action))
    }

    fn failed(&self, error: Error) -> Error {
        error.while_doing(format!("the plug-in `{}`", self.kind))
    }

    async fn ask(&self, request: &Request, cx: Option<&Context>) -> Result<Talk, Error> {
        let talked = talk(self, request, cx);
        let limited = match request.request {
            // The gate's own time-out holds for these.
            Action::Measure | Action::Plan => talked.await,
            _ => tokio::time::timeout(SHORT, talked).await.unwrap_or_else(|_| {
                let what = request.request.word();
                Err(Error::new(format!("it did not answer `{what}` within 10s")))
            }),
        };
        limited.map_err(|error| self.failed(error))
    }

    async fn ask_for<T: DeserializeOwned>(
        &self,
        request: &Request,
        cx: Option<&Context>,
    ) -> Result<T, Error> {
        let talk = self.ask(request, cx).await?;
        answer(talk.result).map_err(|error| self.failed(error))
    }

    fn request(action: Action, settings: &Settings) -> Request {
        Request { with: settings.get::<Value>().clone(), ..Request::new(action) }
    }

    /// A request with the environments, and the secrets that they and the settings name.
    fn request_in(action: Action, settings: &Settings, cx: &Context) -> Result<Request, Error> {
        let mut request = Plugin::request(action, settings);
        cx.gate().clone_into(&mut request.name);
        request.environment = cx.candidate().ok().map(|found| facts(found, cx)).transpose()?;
        request.baseline = cx.baseline().map(|found| facts(found, cx)).transpose()?;
        let with = gate_core::values::Template::parse(&request.with.to_string());
        for name in with.unwrap_or_default().secrets() {
            let template = gate_core::values::Template::parse(&format!("${{secret:{name}}}"));
            let value = cx.reveal(&template.map_err(Error::new)?)?;
            request.secrets.insert(name.to_owned(), value);
        }
        Ok(request)
    }
}

/// A program that is named by a path is found from the workspace.
fn resolve(argv: &[String], folder: &Path) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(program) = argv.first_mut()
        && program.contains('/')
    {
        *program = folder.join(&program).to_string_lossy().into_owned();
    }
    argv
}

fn answer<T: DeserializeOwned>(result: Value) -> Result<T, Error> {
    serde_json::from_value(result)
        .map_err(|error| Error::new(format!("its result has another shape: {error}")))
}

fn facts(environment: &Environment, cx: &Context) -> Result<EnvironmentFacts, Error> {
    let all = |map: &BTreeMap<String, gate_core::values::Template>| {
        map.iter()
            .map(|(name, value)| Ok((name.clone(), cx.reveal(value)?)))
            .collect::<Result<_, Error>>()
    };
    Ok(EnvironmentFacts {
        name: environment.name.clone(),
        url: environment.url.to_string(),
        basic_auth: environment.basic_auth.as_ref().map(|auth| cx.reveal(auth)).transpose()?,
        headers: all(&environment.headers)?,
        cookies: all(&environment.cookies)?,
    })
}

/// Takes a file of a plug-in into the store: a plain file of the folder that it was given.
fn keep_file(cx: &Context, folder: &Path, file: &FileEvidence) -> Result<(), Error> {
    let plain = !file.file.contains('/') && !matches!(file.file.as_str(), "" | "." | "..");
    let path = folder.join(&file.file);
    let kind = path.symlink_metadata().while_doing(|| format!("the evidence `{}`", file.file))?;
    if !plain || !kind.is_file() {
        return Err(Error::new(format!("the evidence `{}` is not a plain file", file.file)));
    }
    let bytes = files::read(&path)?;
    cx.keep_file(file.role, file.label.clone(), &file.media_type, &bytes, file.refs.clone())?;
    Ok(())
}

impl AnyGate for Plugin {
    fn kind(&self) -> &str {
        &self.kind
    }

    fn exclusive(&self) -> bool {
        self.described().is_ok_and(|described| described.exclusive)
    }

    fn judges(&self) -> bool {
        self.answers(Action::Judge)
    }

    fn schema(&self, _: &mut schemars::SchemaGenerator) -> Value {
        self.described().map_or(Value::Bool(true), |described| described.schema.clone())
    }

    fn read(&self, with: With<'_>) -> Result<Settings, ReadError> {
        let value = with.to_json()?;
        let known = self.described().ok().and_then(|described| {
            let closed = described.schema.get("additionalProperties") == Some(&Value::Bool(false));
            described.schema.get("properties").filter(|_| closed)?.as_object()
        });
        if let (Some(known), Some(fields)) = (known, value.as_object())
            && let Some(field) = fields.keys().find(|field| !known.contains_key(*field))
        {
            let hint = gate_core::spec::did_you_mean(field, known.keys().map(String::as_str));
            return Err(ReadError {
                path: vec!["with".to_owned(), field.clone()],
                spot: gate_core::spec::Spot::Key,
                message: format!("unknown field `{field}`"),
                hint,
                missing_variable: false,
            });
        }
        Ok(Settings::new(value))
    }

    fn validate(&self, settings: &Settings) -> Vec<Problem> {
        if !self.answers(Action::Validate) {
            return Vec::new();
        }
        let request = Plugin::request(Action::Validate, settings);
        // Specs are read before the run starts, outside the runtime.
        match self.runtime.block_on(self.ask_for::<Found>(&request, None)) {
            Ok(found) => found.problems.into_iter().map(Into::into).collect(),
            // What is broken about the plug-in shows when it measures, as inconclusive.
            Err(error) => {
                tracing::warn!("{error}");
                Vec::new()
            }
        }
    }

    fn needs(&self, _: &Settings) -> Needs {
        let candidate = self.described().is_ok_and(|described| described.needs_environment);
        Needs { candidate, ..Needs::default() }
    }

    fn plan<'a>(
        &'a self,
        _: &'a Settings,
        _: &'a Context,
    ) -> Boxed<'a, Result<Vec<UnitId>, Error>> {
        // A plug-in is one unit: its own plan is asked for when it measures.
        Box::pin(async { Ok(vec![UnitId::whole()]) })
    }

    fn measure<'a>(
        &'a self,
        settings: &'a Settings,
        _: &'a [UnitId],
        cx: &'a Context,
    ) -> Boxed<'a, Result<Measured, Error>> {
        Box::pin(async move {
            if let Err(error) = &self.described {
                return Err(self.failed(error.clone()));
            }
            let mut request = Plugin::request_in(Action::Measure, settings, cx)?;
            request.inputs = Some(cx.inputs());
            request.units = vec![UnitId::whole()];
            if self.answers(Action::Plan) {
                let plan = Plugin::request_in(Action::Plan, settings, cx)?;
                request.units = self.ask_for::<PlanAnswer>(&plan, Some(cx)).await?.units;
            }
            let folder = cx.scratch()?.join("evidence");
            files::make_folder(&folder)?;
            request.evidence_dir = Some(folder.to_string_lossy().into_owned());
            let answer: MeasureAnswer = self.ask_for(&request, Some(cx)).await?;
            if answer.outcome.is_none() && !self.judges() {
                let error = Error::new("it answers no `judge`, and its `measure` gave no outcome");
                return Err(self.failed(error));
            }
            Ok(Measured { seen: answer.observation, answered: answer.outcome })
        })
    }

    fn join(&self, mut parts: Vec<Value>) -> Result<Value, Error> {
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(Error::new("a plug-in is one unit, and its parts cannot be joined")),
        }
    }

    fn measured_by(&self, settings: &Settings) -> Value {
        settings.get::<Value>().clone()
    }

    fn judge<'a>(
        &'a self,
        settings: &'a Settings,
        seen: &'a Value,
        given: &'a Given<'a>,
        cx: &'a Context,
    ) -> Boxed<'a, Result<Outcome, Error>> {
        Box::pin(async move {
            if let Err(error) = &self.described {
                return Err(self.failed(error.clone()));
            }
            let mut request = Plugin::request(Action::Judge, settings);
            request.observation = Some(seen.clone());
            request.inputs = Some(given.inputs().clone());
            let store = cx.workspace().private().join("store");
            request.evidence_dir = Some(store.to_string_lossy().into_owned());
            Ok(self.ask_for::<JudgeAnswer>(&request, None).await?.outcome)
        })
    }
}
