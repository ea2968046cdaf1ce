//! Experiments: is the split what was meant, what has come of it, and how long it takes.

mod commands;
mod judge;
mod measure;
mod question;
mod report;
mod run_time;
mod seen;
mod settings;
mod values;
mod visit;
mod words;

use gate_core::{Context, Error, Gate, Given, Json, Kind, Needs, Outcome, Problem, UnitId};

use report::Report;
pub use seen::{Observation, SeenAllocation, SeenData};
pub use settings::{
    Act, AlsoRunning, Analysis, Beacons, BeforeLaunch, Better, ByName, Conversion, Data,
    EventsTable, ExposuresTable, Holds, Ids, KnownBy, Level, Method, MetricKind, MetricSpec, Over,
    Profile, ProviderSpec, Records, Sdk, Settings, Spends, StaysAfter, Success, Times, Warehouse,
    WarehouseKind, Written,
};
pub use visit::Visits;

/// The kind, for the binary.
pub fn kind() -> Kind {
    let about = "proves that an experiment can be trusted, and says what has come of it";
    Kind::of(Experiment, about).command(commands::command()).tool(run_time::tool())
}

/// The gate.
pub struct Experiment;

impl Gate for Experiment {
    const KIND: &'static str = "experiment";
    type Spec = Settings;
    type Observation = Observation;

    fn validate(&self, spec: &Settings) -> Vec<Problem> {
        spec.problems()
    }

    fn needs(&self, spec: &Settings) -> Needs {
        let before = spec.before_launch.as_ref();
        let is_visited = before.is_some_and(BeforeLaunch::is_visited) && spec.data.is_none();
        Needs { candidate: is_visited, ..Needs::default() }
    }

    async fn measure(
        &self,
        spec: &Settings,
        _: &[UnitId],
        cx: &Context,
    ) -> Result<Observation, Error> {
        let data = measure::data::measure(spec, cx).await?;
        let mut pages = Vec::new();
        if let Some(seen) = &data {
            let judged = &judge::data::judge(spec, seen)?;
            let (name, seed, at) = (cx.gate(), cx.seed(), cx.clock().now());
            let report = Report { name, spec, seen, judged, seed, at };
            pages.push(cx.keep_structured("report", &report.evidence())?);
        }
        // Once real visitors have come they say more than made-up ones.
        let allocation = match &data {
            None => measure::allocation::measure(spec, None, cx).await?,
            Some(_) => None,
        };
        // Whoever comes while real visitors do would be one of them.
        let before = spec.before_launch.as_ref().filter(|before| before.is_visited());
        let visits = match before.filter(|_| data.is_none()) {
            Some(before) => {
                let told = |done, all, who: &str| cx.progress(done, Some(all), who, "");
                let mut seen = visit::visits(spec, before, cx, &told).await?;
                visit::keep(&mut seen, cx)?;
                Some(seen)
            }
            None => None,
        };
        let pages_of = if pages.is_empty() { Json::Null } else { judge::pages_of(spec) };
        Ok(Observation { data, allocation, visits, pages, pages_of })
    }

    fn measured_by(&self, spec: &Settings) -> Json {
        spec.measured_by()
    }

    fn judge(&self, spec: &Settings, seen: &Observation, _: &Given<'_>) -> Result<Outcome, Error> {
        judge::judge(spec, seen)
    }
}
