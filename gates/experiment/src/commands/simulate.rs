//! `gate experiment simulate`: where the service would put visitors, before any comes.

use std::path::PathBuf;

use clap::Args;
use gate_core::{Check, Context, Error, ExitCode, SpecChoice, SpecGate, Specs, Verdict};
use serde_json::json;

use super::analyze::{Chosen, complained, picked};
use crate::settings::Settings;
use crate::{judge, measure};

/// Where would the service put visitors, before any comes?
///
/// Runs a replica of the service's SDK over your own ids or made-up ones, with the service's own
/// configuration: whether arms and weights are those of the spec, for all and for each segment; whether
/// arms go together with those of other experiments; whether anybody changes arm when more take part;
/// whether SDKs of several languages agree; and whether ids are those of single visitors. It ends as
/// `gate run` does: 0 nothing speaks against it, 1 something is wrong, 3 nobody can tell, 2 the spec or
/// the command is wrong, 4 there is no experiment with a provider.
///
/// Example: gate experiment simulate specs/spring-hero.yaml
#[derive(Debug, Args)]
pub(super) struct Simulate {
    #[command(flatten)]
    chosen: Chosen,
    /// A configuration that is live until this one is: who would be in another arm then?
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
}

impl Simulate {
    pub fn answer(&self, is_json: bool, cx: &Context, specs: &dyn Specs) -> ExitCode {
        let chosen = &self.chosen;
        let choice = SpecChoice { paths: vec![chosen.spec.clone()], env: chosen.env.clone() };
        let read = match specs.read("experiment", &choice) {
            Ok(read) => read,
            Err(code) => return code,
        };
        let fits = |spec: &Settings| spec.provider.is_some();
        let hint =
            "add provider: { type: growthbook, config: features.json, experiment: spring-hero }";
        let gate = match picked(&read.gates, chosen.name.as_deref(), fits, ("provider", hint)) {
            Ok(gate) => gate,
            Err((error, code)) => return complained(cx, &error, code),
        };
        let simulated = self.simulated(gate, is_json, cx, specs);
        simulated.unwrap_or_else(|error| complained(cx, &error, ExitCode::INCONCLUSIVE))
    }

    fn simulated(
        &self,
        gate: &SpecGate,
        is_json: bool,
        cx: &Context,
        specs: &dyn Specs,
    ) -> Result<ExitCode, Error> {
        let spec: &Settings = gate.settings.get();
        let own = specs.context(gate, None)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
        let measured = measure::allocation::measure(spec, self.before.clone(), &own);
        let Some(seen) = runtime.block_on(measured)? else {
            return Ok(ExitCode::NOTHING_SELECTED);
        };
        let checks = judge::allocation::judge(spec, &seen)?;
        let verdict = Verdict::over(checks.iter().map(|check| check.verdict));
        if is_json {
            let all = json!({
                "schema": "gate-allocation/v1",
                "name": gate.name,
                "verdict": verdict,
                "checks": checks,
                "seen": seen,
                "seed": own.seed(),
            });
            cx.print(&format!("{all:#}\n"));
        } else {
            cx.print(&said(&gate.name, verdict, &checks));
        }
        Ok(ExitCode::of(verdict))
    }
}

/// What people read.
pub(crate) fn said(name: &str, verdict: Verdict, checks: &[Check]) -> String {
    let wrong = checks.iter().filter(|check| check.verdict.blocks()).count();
    let mut text = match verdict {
        Verdict::Pass => format!("{name}: nothing speaks against the allocation.\n\n"),
        Verdict::Warn => format!("{name}: the allocation holds, with something to look at.\n\n"),
        Verdict::Inconclusive => {
            format!("{name}: nobody can tell yet whether the allocation holds.\n\n")
        }
        Verdict::Fail => {
            let things =
                if wrong == 1 { "one thing is".to_owned() } else { format!("{wrong} things are") };
            format!("{name}: do not launch, {things} wrong with the allocation.\n\n")
        }
    };
    for check in checks {
        let word = check.verdict.word();
        text.push_str(&format!("  {word:<12} {}: {}\n", check.title, check.message));
        if let Some(advice) = check.advice.as_ref().filter(|_| check.verdict > Verdict::Pass) {
            text.push_str(&format!("  {:<12} {advice}\n", ""));
        }
    }
    text
}
