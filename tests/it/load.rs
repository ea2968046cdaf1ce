//! `gate load`, and the kind `load`.

use serde_json::Value;

use crate::environment::{Ended, Environment};
use crate::python::Service;

/// A service that is quick, slow, broken or not to be disturbed, by its paths.
const SERVICE: &str = r#"
import time
from serving import Handler, serve
class Answering(Handler):
    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(0.08)
        status = {"/broken": 500, "/patience": 429}.get(self.path, 200)
        said = "kim" if self.headers.get("x-key") == "open" else "hello"
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "120")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())
    do_POST = do_GET
serve(Answering)
"#;

fn workspace() -> (Environment, Service) {
    let environment = Environment::new(&[("service.py", SERVICE)]);
    let service = Service::start(&environment, &[]);
    (environment, service)
}

/// Runs `gate load` for two seconds, and looks at its exit code.
fn load(environment: &Environment, url: &str, more: &[&str], code: i32) -> Ended {
    let mut words = vec!["load", url, "--rate", "40/s", "--duration", "2s", "--warm-up", "1s"];
    words.extend(more);
    let ended = environment.gate(&words);
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
    ended
}

#[test]
fn a_run_is_told_as_json() {
    let (environment, service) = workspace();
    let thresholds =
        ["--threshold", "p(95)<30s", "--threshold", "max<30s", "--threshold", "rate<1%"];
    let ended = load(&environment, &service.url, &[&thresholds[..], &["--json"]].concat(), 0);
    let run = ended.json();
    assert_eq!(run["schema"], "gate-load/v1");
    assert_eq!((&run["verdict"], &run["reasons"]), (&Value::from("pass"), &serde_json::json!([])));
    let requests = run["requests"].as_u64().unwrap();
    assert!([80, 160].contains(&requests), "{run:#}");
    assert_eq!(run["status"]["200"], requests);
    assert_eq!((&run["failures"], &run["errors"]), (&Value::from(0), &serde_json::json!({})));
    let rate = run["achieved_rate"].as_f64().unwrap();
    assert!((30.0..41.0).contains(&rate), "{run:#}");
    for part in ["latency_ms", "service_ms"] {
        let at = |name: &str| run[part][name].as_f64().unwrap();
        assert!(at("p50") > 0.0 && at("p50") <= at("p99") && at("p99") <= at("max"), "{run:#}");
    }
    assert!(run["send_lag_us"]["p99"].as_u64().is_some(), "{run:#}");
    assert!(run["cpu_us_per_request"].as_f64().unwrap() > 0.0, "{run:#}");
    let first = &run["thresholds"][0];
    assert_eq!((&first["expression"], &first["verdict"]), (&"p(95)<30s".into(), &"pass".into()));
    assert!(first["value"].as_f64().unwrap() < 30_000.0, "{first}");
    assert_eq!(run["thresholds"].as_array().unwrap().len(), 3);
    // A command keeps nothing: there is no run to come back to.
    for kept in [".gate/runs", ".gate/store"] {
        let left = environment.path().join(kept).read_dir().into_iter().flatten().count();
        assert_eq!(left, 0, "{kept}");
    }
}

#[test]
fn what_does_not_hold_is_told() {
    let (environment, service) = workspace();
    let url = format!("{}/slow", service.url);
    let slow = load(&environment, &url, &["--threshold", "med<40ms"], 1);
    assert!(slow.stdout.contains("does not keep med<40ms"), "{}", slow.stdout);
    assert!(slow.stdout.trim_end().ends_with("FAIL"), "{}", slow.stdout);
    let broken = load(&environment, &format!("{}/broken", service.url), &[], 1);
    assert!(broken.stdout.contains("answered 500"), "{}", broken.stdout);
    let allowed = ["--max-failures", "100%"];
    load(&environment, &format!("{}/broken", service.url), &allowed, 0);
    // Too few to tell, however often it is looked at.
    let few = load(&environment, &service.url, &["--threshold", "p(99.9)<30s"], 3);
    assert!(few.stdout.contains("too few requests to tell"), "{}", few.stdout);
    assert!(few.stderr.contains("not decided yet: 2s more"), "{}", few.stderr);
}

#[test]
fn a_service_that_is_not_there_or_wants_patience_is_not_loaded() {
    let (environment, service) = workspace();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = load(&environment, &format!("http://{gone}/"), &["--json"], 3);
    let run = ended.json();
    assert_eq!((&run["verdict"], &run["errors"]["connect"]), (&"inconclusive".into(), &1.into()));
    assert!(run["reasons"][0].as_str().unwrap().contains("connection refused"), "{run:#}");
    let private = service.url.replace("http:", "https:");
    let run = load(&environment, &private, &["--json"], 3).json();
    assert_eq!(run["errors"]["tls"], 1, "{run:#}");
    let ended = load(&environment, &format!("{}/patience", service.url), &[], 3);
    assert!(ended.stdout.contains("it answers 429 (Retry-After: 120)"), "{}", ended.stdout);
}

#[test]
fn what_is_written_wrong_is_named() {
    let (environment, service) = workspace();
    let check = |words: &[&str], said: &str| {
        let ended = environment.gate(&[&["load"], words].concat());
        assert_eq!(ended.code, 2, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
    };
    let url = service.url.as_str();
    check(&["localhost:80"], "`localhost:80` is no address of a web server");
    check(&["http://no-such-host.invalid/"], "the host `no-such-host.invalid` is not found");
    check(&[url, "--threshold", "p95<1s"], "`p95` is no aggregate");
    check(&[url, "--rate", "0"], "nothing would be sent");
    check(&[url, "--duration", "10ms"], "less than a second says nothing");
    check(&[url, "--rate", "5/s", "--connections", "2"], "cannot be used with");
    check(&[url, "--header", "x"], "`x` is no header");
    check(&[url, "--margin", "5%"], "--compare");
    check(&[], "<URL>");
}

#[test]
fn two_versions_are_compared_in_one_run() {
    let (environment, service) = workspace();
    let (slow, quick) = (format!("{}/slow", service.url), format!("{}/", service.url));
    let compare = |url: &str, other: &str, code: i32| {
        let more = ["--compare", other, "--tolerance", "40ms", "--duration", "3s", "--json"];
        let mut words = vec!["load", url, "--rate", "30/s", "--warm-up", "1s"];
        words.extend(more);
        let ended = environment.gate(&words);
        assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
        ended.json()
    };
    let run = compare(&slow, &quick, 1);
    let median = &run["comparison"][0];
    assert_eq!((&median["metric"], &median["verdict"]), (&"med".into(), &"fail".into()));
    assert!(median["low"].as_f64().unwrap() > median["margin"].as_f64().unwrap(), "{run:#}");
    let requests = |of: &Value| of["requests"].as_u64().unwrap();
    assert_eq!(requests(&run), requests(&run["baseline"]));
    assert_eq!(run["baseline"]["url"], quick);
    let run = compare(&quick, &slow, 0);
    assert_eq!(run["comparison"][0]["verdict"], "pass");
}

#[test]
fn a_closed_loop_has_no_rate() {
    let (environment, service) = workspace();
    let words = ["load", &service.url, "--connections", "2", "--duration", "1s", "--warm-up", "1s"];
    let ended = environment.gate(&[&words[..], &["--json", "--header", "x-key: open"]].concat());
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let run = ended.json();
    assert_eq!(run["intended_rate"], Value::Null);
    assert!(run["requests"].as_u64().unwrap() > 50, "{run:#}");
}

#[test]
fn one_that_is_interrupted_says_nothing_of_the_service() {
    let (environment, service) = workspace();
    let mut command = environment.command(&["load", &service.url, "--duration", "5m", "--json"]);
    let child = command.spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    // It is at work as soon as it has asked for the first time.
    let asked = || environment.all_of("tmp").contains("\"second\"");
    let begun = std::time::Instant::now();
    while !asked() {
        assert!(begun.elapsed().as_secs() < 60, "nothing was counted within a minute");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = crate::environment::ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("it was told to end"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("\"pass\""), "{}", ended.stdout);
}

#[test]
fn the_gate_holds_a_version_to_its_spec() {
    let (environment, service) = workspace();
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", service.url);
    environment.write("gate.yaml", &config);
    let run = |with: &str| {
        let spec = format!("gate: load\nname: speed\nwith:\n{with}");
        environment.write("specs/speed.yaml", &spec);
        environment.gate(&["run", "--json", "-q"])
    };
    let usual = "  rate: 40/s\n  duration: 2s\n  warm_up: 1s\n";
    let good = run(&format!("  path: /offers\n{usual}  thresholds: [\"p(95)<30s\"]\n"));
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    let report = good.json();
    let checks = &report["gates"][0]["checks"];
    let ids: Vec<&str> =
        checks.as_array().unwrap().iter().map(|check| check["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["generator", "failures", "threshold-1"]);
    let roles: Vec<&str> = checks[0]["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|evidence| evidence["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles[..4], ["series", "series", "series", "table"]);
    assert_eq!(roles[4..], ["exchange"; 5], "the slowest");
    // Judged again with another limit, without asking again.
    environment.write(
        "specs/speed.yaml",
        &format!(
            "gate: load\nname: speed\nwith:\n  path: /offers\n{usual}  thresholds: [\"max<1us\"]\n"
        ),
    );
    let other = environment.gate(&["judge", "last", "--spec", "specs/speed.yaml"]);
    assert_eq!(other.code, 1, "{}{}", other.stdout, other.stderr);

    let slow = run(&format!("  path: /slow\n{usual}  thresholds: [med<40ms]\n"));
    assert_eq!(slow.code, 1, "{}{}", slow.stdout, slow.stderr);
    let foreign = run(&format!("  url: http://127.0.0.2/\n{usual}"));
    assert_eq!(foreign.code, 3, "{}{}", foreign.stdout, foreign.stderr);
    assert!(foreign.stdout.contains("is not the host of the environment"), "{}", foreign.stdout);
    let wrong = run("  path: offers\n  rate: 0/s\n");
    assert_eq!(wrong.code, 2);
    for said in ["a path begins with a slash", "nothing would be sent"] {
        assert!(wrong.stderr.contains(said), "{}", wrong.stderr);
    }
}
