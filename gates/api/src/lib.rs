//! Recorded API integration tests: an application's own tests run against a recording of the
//! services that they use, in any language; requests with asserts; and whether a service still
//! answers as it was recorded.

mod age;
mod commands;
mod judge;
mod measure;
mod recording;
mod seen;
mod settings;
mod traffic;

use gate_core::{Context, Error, Gate, Given, Json, Kind, Needs, Outcome, Problem, UnitId};

pub use seen::Observation;
pub use settings::Settings;

/// The kind, for the binary.
pub fn kind() -> Kind {
    let about = "runs a program against recorded services, makes requests, and finds API drift";
    Kind::of(Api, about)
        .command(commands::record::command())
        .command(commands::replay::command())
        .command(commands::cassette::command())
        .command(commands::drift::command())
}

/// The gate.
pub struct Api;

impl Gate for Api {
    const KIND: &'static str = "api";
    type Spec = Settings;
    type Observation = Observation;

    fn validate(&self, spec: &Settings) -> Vec<Problem> {
        spec.problems()
    }

    fn needs(&self, spec: &Settings) -> Needs {
        let environments = spec.environment.iter();
        let environments =
            environments.map(|name| (vec!["environment".to_owned()], name.clone())).collect();
        let is_named = spec.target.is_some() || spec.environment.is_some();
        let document = spec.drift.iter().filter_map(|drift| drift.openapi.clone());
        let files = document.map(|file| (["drift", "openapi"].map(str::to_owned).into(), file));
        Needs {
            candidate: spec.asks_service() && !is_named,
            environments,
            files: files.collect(),
            ..Needs::default()
        }
    }

    async fn measure(
        &self,
        spec: &Settings,
        _: &[UnitId],
        cx: &Context,
    ) -> Result<Observation, Error> {
        measure::measure(spec, cx).await
    }

    fn measured_by(&self, spec: &Settings) -> Json {
        spec.measured_by()
    }

    fn judge(
        &self,
        spec: &Settings,
        seen: &Observation,
        given: &Given<'_>,
    ) -> Result<Outcome, Error> {
        judge::judge(spec, seen, given)
    }
}
