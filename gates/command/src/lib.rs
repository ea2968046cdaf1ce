//! The `command` gate: any program is a gate, by its exit code and, if it writes one, its JUnit
//! file. A linter, a unit-test suite, an acceptance test.

mod judge;
mod junit;
mod measure;
mod settings;

use gate_core::{Context, Error, Gate, Given, Kind, Outcome, Problem, UnitId};

pub use measure::{Observation, Tests};
pub use settings::Settings;

/// The kind, for the binary.
pub fn kind() -> Kind {
    Kind::of(Command, "runs a program and takes its exit code, and its JUnit file if it has one")
}

/// The gate.
pub struct Command;

impl Gate for Command {
    const KIND: &'static str = "command";
    type Spec = Settings;
    type Observation = Observation;

    fn validate(&self, spec: &Settings) -> Vec<Problem> {
        spec.problems()
    }

    async fn measure(
        &self,
        spec: &Settings,
        _: &[UnitId],
        cx: &Context,
    ) -> Result<Observation, Error> {
        measure::measure(spec, cx).await
    }

    fn measured_by(&self, spec: &Settings) -> gate_core::Json {
        spec.measured_by()
    }

    fn judge(&self, spec: &Settings, seen: &Observation, _: &Given<'_>) -> Result<Outcome, Error> {
        Ok(judge::judge(spec, seen))
    }
}
