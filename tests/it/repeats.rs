//! The same pages again and again: a difference that is none costs trust.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::environment::Environment;

/// The pages of the demo: an animated carousel, a web font, lazy images, a clock and a number that
/// is drawn by lot are among them.
const PAGES: &[&str] = &["/", "/pricing", "/signup", "/privacy", "/imprint"];

/// How often each run photographs: every page in two windows, on both sides.
const A_RUN: usize = 5 * 2 * 2;

struct Served(Child, String);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(environment: &Environment) -> Served {
    let mut command = environment.command(&["demo", "serve", "--port", "0"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://"));
    let url = url.unwrap_or_else(|| panic!("{line}")).trim_end_matches('/').to_owned();
    Served(child, url)
}

/// Ten runs, so 200 pictures, with `GATE_REPEATS=10`; the suite makes do with fewer.
#[test]
fn no_difference_where_there_is_none() {
    #[expect(clippy::disallowed_methods, reason = "how long the test may take")]
    let runs = std::env::var("GATE_REPEATS").ok().and_then(|n| n.parse().ok()).unwrap_or(2);
    let nothing = Environment::new(&[]);
    let served = serve(&nothing);
    let config = format!(
        "environments:\n  live: {{ url: \"{0}\" }}\n  test: {{ url: \"{0}\" }}\n",
        served.1
    );
    let spec = format!(
        "gate: visual\nname: pages\ntimeout: 5m\nwith:\n  against: live\n  pages: [{}]\n  viewports:\n    \
         - {{ name: desktop, width: 1280, height: 800 }}\n    - {{ name: phone, width: 390, height: 844 }}\n",
        PAGES.join(", ")
    );
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/pages.yaml", &spec)]);
    let mut wrong = Vec::new();
    for run in 0..runs {
        let ended = environment.gate(&["run", "--env", "test", "--json"]);
        let report = ended.json();
        let checks = report["gates"][0]["checks"].as_array().unwrap();
        assert_eq!(checks.len(), A_RUN / 2, "{}", ended.stdout);
        let passed = |check: &&Value| check["verdict"] == "pass";
        wrong.extend(checks.iter().filter(|check| !passed(check)).map(|check| {
            format!("run {run}: {} {}: {}", check["id"], check["verdict"], check["message"])
        }));
    }
    println!("{} pictures, {} differences", runs * A_RUN, wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
