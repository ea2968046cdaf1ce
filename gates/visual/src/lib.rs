//! The `visual` gate: photographs pages in a real browser and compares them, with another
//! running version or with approved baselines.

mod baseline;
mod baselines;
mod browsers;
mod capture;
mod colours;
mod compare;
mod diff;
mod doctor;
mod import;
mod install;
mod judge;
mod measure;
mod noise;
mod seen;
mod settings;
mod sources;
mod unloaded;
mod words;
mod workers;

use gate_core::{Context, Error, Gate, Given, Json, Kind, Needs, Outcome, Problem, UnitId};

pub use seen::{Compared, Observation, Side, View};
pub use settings::{Against, MaskSpec, PageSpec, Settings, ViewportSpec};
pub use unloaded::Unloaded;

/// What fuzz targets need of the inside.
#[doc(hidden)]
pub mod fuzzing {
    use crate::baselines::Sidecar;

    /// Reads a sidecar, and does with it what a run does.
    pub fn sidecar(bytes: &[u8]) {
        let Ok(sidecar) = serde_json::from_slice::<Sidecar>(bytes) else { return };
        if let Ok(sidecar) = Sidecar::read(bytes, sidecar.digest) {
            sidecar.try_out();
        }
    }
}

/// The kind, for the binary.
pub fn kind() -> Kind {
    Kind::of(Visual, "photographs pages and compares them with live or with approved pictures")
        .command(baseline::command())
        .command(diff::command())
        .command(install::command())
        .importer(import::backstop())
        .probe(doctor::probe())
        .tool(colours::tool())
}

/// The gate.
pub struct Visual;

impl Gate for Visual {
    const KIND: &'static str = "visual";
    type Spec = Settings;
    type Observation = Observation;

    fn validate(&self, spec: &Settings) -> Vec<Problem> {
        spec.problems()
    }

    fn needs(&self, spec: &Settings) -> Needs {
        let environments = match &spec.against {
            Against::Environment(name) => vec![(vec!["against".to_owned()], name.clone())],
            Against::Baselines | Against::Promotion => Vec::new(),
        };
        let candidate = sources::needs_site(spec);
        let promotion = spec.against == Against::Promotion;
        Needs { candidate, promotion, environments, ..Needs::default() }
    }

    async fn plan(&self, spec: &Settings, cx: &Context) -> Result<Vec<UnitId>, Error> {
        Ok(sources::plan(spec, cx).await?.iter().map(sources::Page::unit).collect())
    }

    async fn measure(
        &self,
        spec: &Settings,
        units: &[UnitId],
        cx: &Context,
    ) -> Result<Observation, Error> {
        measure::measure(spec, units, cx).await
    }

    fn join(&self, parts: Vec<Observation>) -> Result<Observation, Error> {
        let mut views: Vec<View> = parts.into_iter().flat_map(|part| part.views).collect();
        views.sort_by(|one, other| one.order().cmp(&other.order()));
        Ok(Observation { views })
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
        Ok(judge::judge(spec, seen, given))
    }
}
