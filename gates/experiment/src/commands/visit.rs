//! `gate experiment visit`: synthetic visitors, before anybody else comes.

use std::io::IsTerminal;

use clap::{Args, value_parser};
use gate_core::{Check, Context, Error, ExitCode, SpecChoice, SpecGate, Specs, Verdict};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::analyze::{Chosen, complained, picked};
use crate::settings::{BeforeLaunch, MOST_BROWSERS, MOST_VISITORS, Settings};
use crate::visit;

/// Does everybody see the variant that they belong in, keep it, and is it recorded?
///
/// Lets synthetic visitors come to the environment under test, some of them in real browsers. Each has an
/// id of its own, for which a replica of the service's SDK says the arm: that has to be the variant that
/// is shown, that stays and that is reported. It ends as `gate run` does: 0 all is well, 1 something is
/// wrong, 3 nobody can tell, 2 the spec or the command is wrong, 4 there is no experiment to visit.
///
/// Example: gate experiment visit specs/spring-hero.yaml --env test
#[derive(Debug, Args)]
pub(super) struct Visit {
    #[command(flatten)]
    chosen: Chosen,
    /// How many come in all; what the spec says when nothing is said here.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=i64::from(MOST_VISITORS)))]
    visitors: Option<u32>,
    /// How many of them come in a real browser.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(0..=i64::from(MOST_BROWSERS)))]
    browsers: Option<u32>,
}

impl Visit {
    /// Lets them come.
    pub(super) fn answer(&self, is_json: bool, cx: &Context, specs: &dyn Specs) -> ExitCode {
        let choice = self.chosen.choice();
        let read = match specs.read("experiment", &choice) {
            Ok(read) => read,
            Err(code) => return code,
        };
        let has_visits = |spec: &Settings| before(spec).is_some();
        let needed = ("visitors", "add before_launch with shows: { ARM: SELECTOR }");
        let name = self.chosen.name.as_deref();
        let gate = match picked(&read.gates, name, has_visits, needed) {
            Ok(gate) => gate,
            Err((error, code)) => return complained(cx, &error, code),
        };
        self.visited(gate, &choice, is_json, cx, specs)
            .unwrap_or_else(|error| complained(cx, &error, ExitCode::INCONCLUSIVE))
    }

    fn visited(
        &self,
        gate: &SpecGate,
        choice: &SpecChoice,
        is_json: bool,
        cx: &Context,
        specs: &dyn Specs,
    ) -> Result<ExitCode, Error> {
        let spec: &Settings = gate.settings.get();
        let Some(before) = before(spec) else { return Ok(ExitCode::NOTHING_SELECTED) };
        let mut before = before.clone();
        before.visitors = self.visitors.unwrap_or(before.visitors);
        before.browsers = self.browsers.unwrap_or(before.browsers).min(before.visitors);
        let own = specs.context(gate, Some(choice))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let is_watched = std::io::stderr().is_terminal() && !is_json;
        let told = |done: u64, all: u64, who: &str| {
            if is_watched {
                cx.complain(&format!("\r{done} of {all} {who} "));
            }
        };
        let seen = runtime.block_on(async {
            tokio::select! {
                seen = visit::visits(spec, &before, &own, &told) => seen.map(Ok),
                code = interrupted() => Ok(Err(code)),
            }
        })?;
        if is_watched {
            cx.complain("\r\x1b[K");
        }
        let seen = match seen {
            Ok(seen) => seen,
            Err(code) => {
                cx.complain("gate: interrupted\n");
                return Ok(code);
            }
        };
        let checks = visit::judged(spec, &before, &seen);
        let verdict = Verdict::over(checks.iter().map(|check| check.verdict));
        let code = ExitCode::of(verdict);
        if is_json {
            let all = json!({
                "schema": "gate-experiment-visit/v1",
                "experiment": gate.name,
                "verdict": verdict,
                "exit_code": code.0,
                "checks": checks,
                "seen": seen,
            });
            cx.print(&format!("{all:#}\n"));
        } else {
            cx.print(&text(&checks, verdict));
        }
        Ok(code)
    }
}

/// Waits until somebody ends it.
async fn interrupted() -> ExitCode {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => ExitCode::INTERRUPTED,
        _ = terminate.recv() => ExitCode::TERMINATED,
    }
}

fn before(spec: &Settings) -> Option<&BeforeLaunch> {
    spec.before_launch.as_ref().filter(|before| before.is_visited())
}

fn text(checks: &[Check], verdict: Verdict) -> String {
    let headline = match verdict {
        Verdict::Pass => "Everybody sees what they should, and it is recorded.",
        Verdict::Warn => "Everybody is where they should be; something deserves a look.",
        Verdict::Fail => "Do not launch this yet.",
        Verdict::Inconclusive => "Nobody can tell yet.",
    };
    let mut text = format!("{headline}\n\n");
    for check in checks {
        let word = check.verdict.word();
        text.push_str(&format!("  {word:<12} {}: {}\n", check.title, check.message));
        if let Some(advice) = check.advice.as_ref().filter(|_| check.verdict != Verdict::Pass) {
            text.push_str(&format!("  {:<12} {advice}\n", ""));
        }
    }
    text
}
