//! The trait that a gate implements, and its erased form that the harness holds.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::finite::to_json;
use crate::spec::{ReadError, With};
use crate::{Context, Error, Given, Outcome, Problem};

/// A part of a gate that can be measured on its own, such as a page; shards split these.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct UnitId(pub String);

impl UnitId {
    /// The unit of a gate that has just one.
    pub fn whole() -> UnitId {
        UnitId("all".to_owned())
    }
}

/// A gate: it plans its units, measures them into an observation, and judges an observation.
///
/// Measuring may do anything and may fail. Judging is a pure function: the harness stores what
/// was measured, reads it back and judges that, in a live run too, so that `gate judge` gives
/// the same outcome later.
pub trait Gate: Send + Sync + 'static {
    /// What specs name it: `gate: KIND`.
    const KIND: &'static str;
    /// Whether it must run alone, because other work would disturb what it measures.
    const EXCLUSIVE: bool = false;
    /// The settings below `with`.
    type Spec: DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static;
    /// What it saw. Maps in it must be ordered, and numbers finite.
    type Observation: Serialize + DeserializeOwned + Send + 'static;

    /// Mistakes in the settings that their types cannot express.
    fn validate(&self, _: &Self::Spec) -> Vec<Problem> {
        Vec::new()
    }

    /// What the settings need in order to be measured. The default is nothing.
    fn needs(&self, _: &Self::Spec) -> Needs {
        Needs::default()
    }

    /// The units that there are. The default is one.
    fn plan(
        &self,
        _: &Self::Spec,
        _: &Context,
    ) -> impl Future<Output = Result<Vec<UnitId>, Error>> + Send {
        async { Ok(vec![UnitId::whole()]) }
    }

    /// Measures some units. Everything that a person may want to open is kept through `cx`.
    fn measure(
        &self,
        spec: &Self::Spec,
        units: &[UnitId],
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Observation, Error>> + Send;

    /// Joins the observations of several shards. The default takes exactly one.
    fn join(&self, parts: Vec<Self::Observation>) -> Result<Self::Observation, Error> {
        let count = parts.len();
        let mut parts = parts.into_iter();
        match (parts.next(), parts.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Error::new(format!("{count} parts of a gate that cannot be split"))),
        }
    }

    /// The settings that shaped the measurement: two specs that agree in these can judge each
    /// other's observations. The default is all of them.
    fn measured_by(&self, spec: &Self::Spec) -> Value {
        serde_json::to_value(spec).unwrap_or(Value::Null)
    }

    /// What the observation amounts to, from nothing but its arguments.
    fn judge(
        &self,
        spec: &Self::Spec,
        seen: &Self::Observation,
        given: &Given<'_>,
    ) -> Result<Outcome, Error>;
}

/// What a gate needs besides its spec, so that a run can say beforehand what is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// A running version of the site to look at.
    pub candidate: bool,
    /// A promotion, with the version that the candidate would replace.
    pub promotion: bool,
    /// Environments that the settings name, each with the path of the setting below `with`.
    pub environments: Vec<(Vec<String>, String)>,
    /// Files that have to be there, relative to the spec, each with the path of the setting below
    /// `with`.
    pub files: Vec<(Vec<String>, String)>,
}

/// A future that the registry can hold.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Settings that were read and validated by their kind.
#[derive(Clone)]
pub struct Settings(Arc<dyn Any + Send + Sync>);

impl Settings {
    /// Of any type that the kind will know again.
    pub fn new<T: Send + Sync + 'static>(value: T) -> Settings {
        Settings(Arc::new(value))
    }

    /// The settings as the type they were made of.
    pub fn get<T: Send + Sync + 'static>(&self) -> &T {
        self.0.downcast_ref().expect("settings are used by the kind that read them")
    }
}

/// What measuring gives.
pub struct Measured {
    /// In the gate's own shape.
    pub seen: Value,
    /// The outcome, from a plug-in that judges while it measures.
    pub answered: Option<Outcome>,
}

/// A gate with its types erased. Plug-ins implement this; Rust gates get it from [`Gate`].
pub trait AnyGate: Send + Sync {
    /// The kind's name.
    fn kind(&self) -> &str;
    /// Whether it must run alone.
    fn exclusive(&self) -> bool;
    /// Whether a stored observation can be judged again.
    fn judges(&self) -> bool;
    /// The draft-07 schema of `with`.
    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> Value;
    /// Reads the settings.
    fn read(&self, with: With<'_>) -> Result<Settings, ReadError>;
    /// Mistakes that types cannot express.
    fn validate(&self, settings: &Settings) -> Vec<Problem>;
    /// See [`Gate::needs`].
    fn needs(&self, settings: &Settings) -> Needs;
    /// See [`Gate::plan`].
    fn plan<'a>(
        &'a self,
        settings: &'a Settings,
        cx: &'a Context,
    ) -> Boxed<'a, Result<Vec<UnitId>, Error>>;
    /// See [`Gate::measure`].
    fn measure<'a>(
        &'a self,
        settings: &'a Settings,
        units: &'a [UnitId],
        cx: &'a Context,
    ) -> Boxed<'a, Result<Measured, Error>>;
    /// See [`Gate::join`].
    fn join(&self, parts: Vec<Value>) -> Result<Value, Error>;
    /// See [`Gate::measured_by`].
    fn measured_by(&self, settings: &Settings) -> Value;
    /// See [`Gate::judge`]. It takes a context because a plug-in judges in a process of its own.
    fn judge<'a>(
        &'a self,
        settings: &'a Settings,
        seen: &'a Value,
        given: &'a Given<'a>,
        cx: &'a Context,
    ) -> Boxed<'a, Result<Outcome, Error>>;
}

impl<G: Gate> AnyGate for G {
    fn kind(&self) -> &str {
        G::KIND
    }

    fn exclusive(&self) -> bool {
        G::EXCLUSIVE
    }

    fn judges(&self) -> bool {
        true
    }

    fn schema(&self, generator: &mut schemars::SchemaGenerator) -> Value {
        G::Spec::json_schema(generator).to_value()
    }

    fn read(&self, with: With<'_>) -> Result<Settings, ReadError> {
        with.read::<G::Spec>().map(Settings::new)
    }

    fn validate(&self, settings: &Settings) -> Vec<Problem> {
        Gate::validate(self, settings.get())
    }

    fn needs(&self, settings: &Settings) -> Needs {
        Gate::needs(self, settings.get())
    }

    fn plan<'a>(
        &'a self,
        settings: &'a Settings,
        cx: &'a Context,
    ) -> Boxed<'a, Result<Vec<UnitId>, Error>> {
        Box::pin(Gate::plan(self, settings.get(), cx))
    }

    fn measure<'a>(
        &'a self,
        settings: &'a Settings,
        units: &'a [UnitId],
        cx: &'a Context,
    ) -> Boxed<'a, Result<Measured, Error>> {
        Box::pin(async move {
            let seen = Gate::measure(self, settings.get(), units, cx).await?;
            Ok(Measured { seen: to_json(&seen)?, answered: None })
        })
    }

    fn join(&self, parts: Vec<Value>) -> Result<Value, Error> {
        let parts = parts
            .into_iter()
            .map(serde_json::from_value)
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(&error))?;
        to_json(&Gate::join(self, parts)?)
    }

    fn measured_by(&self, settings: &Settings) -> Value {
        Gate::measured_by(self, settings.get())
    }

    fn judge<'a>(
        &'a self,
        settings: &'a Settings,
        seen: &'a Value,
        given: &'a Given<'a>,
        _: &'a Context,
    ) -> Boxed<'a, Result<Outcome, Error>> {
        Box::pin(async move {
            let seen = G::Observation::deserialize(seen).map_err(|error| unreadable(&error))?;
            Gate::judge(self, settings.get(), &seen, given)
        })
    }
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::new(format!("the observation cannot be read back: {error}"))
        .hint("it may come from another version of gate; run the gate again")
}
