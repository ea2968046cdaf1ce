//! A gate that panics in the middle of its work takes nothing with it.

use std::time::Duration;

use gate_core::ledger::processes_of;
use gate_core::{Context, Error, Gate, Given, Kind, Needs, Outcome, UnitId};
use gate_visual::{Observation, Settings, Visual};

use crate::environment::{Environment, ended};
use crate::site::{Site, page};

/// The `visual` gate with a bug in it, which strikes after as many milliseconds as the seed says.
struct Panics;

impl Gate for Panics {
    const KIND: &'static str = "panics";
    type Spec = Settings;
    type Observation = Observation;

    fn needs(&self, spec: &Settings) -> Needs {
        Gate::needs(&Visual, spec)
    }

    async fn plan(&self, spec: &Settings, cx: &Context) -> Result<Vec<UnitId>, Error> {
        Gate::plan(&Visual, spec, cx).await
    }

    async fn measure(
        &self,
        spec: &Settings,
        units: &[UnitId],
        cx: &Context,
    ) -> Result<Observation, Error> {
        let strikes = tokio::time::sleep(Duration::from_millis(cx.seed()));
        tokio::select! {
            seen = Gate::measure(&Visual, spec, units, cx) => seen,
            () = strikes => panic!("struck after {} ms", cx.seed()),
        }
    }

    fn judge(
        &self,
        spec: &Settings,
        seen: &Observation,
        given: &Given<'_>,
    ) -> Result<Outcome, Error> {
        Gate::judge(&Visual, spec, seen, given)
    }
}

/// Runs the binary with the broken gate: this test's own executable, asked by a variable.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test is its own binary")]
fn the_others_go_on_and_nothing_is_left() {
    if std::env::var_os("GATE_WITH_PANICS").is_some() {
        let cli = gate::cli().with(Kind::of(Panics, "panics"));
        let words = ["gate", "run", "--env", "test", "--report", "json=report.json"];
        let code = cli.run_from(words.map(Into::into));
        std::process::exit(i32::from(code == std::process::ExitCode::from(3)) + 40);
    }
    let site = Site::serve(&[("/", page("#0a7", "Shop")), ("/about", page("#0a7", "About"))]);
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", site.url);
    let spec = "gate: panics\nname: a\nwith: { pages: [/, /about], against: test }\n---\n\
        gate: command\nname: b\nwith: { run: [\"true\"] }\n";
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/a.yaml", spec)]);
    // From before the driver is there to the middle of a page.
    for strike in [1, 60, 150, 300, 500, 700, 900, 1_200] {
        let command = environment.command(&[]);
        let me = std::env::current_exe().unwrap();
        let mut again = std::process::Command::new(me);
        again
            .args([
                "--exact",
                "--quiet",
                "--nocapture",
                "panics::the_others_go_on_and_nothing_is_left",
            ])
            .current_dir(environment.path())
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("GATE_WITH_PANICS", "1")
            .env("GATE_SEED", strike.to_string());
        let done = ended(again.output().unwrap());
        let report = std::fs::read(environment.path().join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        let gates = &report["gates"];
        assert_eq!(gates[1]["verdict"], "pass", "{}", done.stdout);
        if gates[0]["verdict"] != "pass" {
            assert_eq!(done.code, 41, "{}{}", done.stderr, done.stdout);
            assert_eq!(gates[0]["checks"][0]["id"], "gate.panic", "{}", gates[0]);
            let message = gates[0]["checks"][0]["message"].as_str().unwrap();
            assert!(message.contains(&format!("struck after {strike} ms")), "{message}");
        }
        let run = report["run"].as_str().unwrap();
        let scratch = environment.temporary().join(format!("gate-{run}"));
        assert_eq!(processes_of(&scratch), []);
        assert!(!scratch.exists());
    }
}
