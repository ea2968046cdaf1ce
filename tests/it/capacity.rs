//! `gate load --capacity`, and `capacity` in a spec.

use crate::environment::Environment;
use crate::python::Service;

/// A service with two workers that are busy for 20 ms with each request: 100 a second.
const SERVICE: &str = r#"
import threading, time
from serving import Handler, serve
lock, free = threading.Lock(), [0.0, 0.0]
class Answering(Handler):
    def do_GET(self):
        with lock:
            first = free.index(min(free))
            free[first] = at = max(free[first], time.monotonic()) + 0.02
        time.sleep(max(0, at - time.monotonic()))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
serve(Answering)
"#;

fn workspace() -> (Environment, Service) {
    let environment = Environment::new(&[("service.py", SERVICE)]);
    let service = Service::start(&environment, &[]);
    (environment, service)
}

#[test]
fn the_capacity_of_a_service_is_found() {
    let (environment, service) = workspace();
    let words = ["--capacity", "--from", "40/s", "--to", "160/s", "--within", "50%"];
    let more = ["--duration", "60s", "--warm-up", "1s", "--threshold", "p(95)<500ms", "--json"];
    let ended = environment.gate(&[&["load", &service.url], &words[..], &more].concat());
    let run = ended.json();
    let found = &run["capacity"];
    // A machine that has much else to do may find less, and says so; never more.
    assert!([0, 3].contains(&ended.code), "{run:#}");
    assert!(found["low"].as_f64().is_none_or(|low| (40.0..=110.0).contains(&low)), "{run:#}");
    assert!(found["high"].as_f64().is_none_or(|high| high <= 160.0), "{run:#}");
    let first = &found["steps"][0];
    assert_eq!((&first["rate"], &first["failures"]), (&40.0.into(), &0.into()), "{run:#}");
    assert_eq!(found["holds"], serde_json::json!(["p(95)<500ms"]));
}

#[test]
fn a_spec_says_what_has_to_be_held() {
    let (environment, service) = workspace();
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", service.url);
    environment.write("gate.yaml", &config);
    let spec = |more: &str| {
        let spec = format!(
            "gate: load\nname: holds\nwith:\n  warm_up: 1s\n  capacity:\n    \
             holds: [p(95)<500ms]\n    from: 200/s\n    to: 400/s\n    duration: 30s\n{more}"
        );
        environment.write("specs/holds.yaml", &spec);
    };
    spec("    at_least: 300/s\n");
    let ended = environment.gate(&["run"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("not even 200/s, the lowest rate"), "{}", ended.stdout);
    // Judged again as what is told and not wanted, without asking again.
    spec("");
    let ended = environment.gate(&["judge", "last", "--spec", "specs/holds.yaml"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    spec("  rate: 5/s\n");
    let ended = environment.gate(&["run"]);
    assert_eq!(ended.code, 2, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("has rates, durations and thresholds of its own"));
}

#[test]
fn what_does_not_go_together_is_named() {
    let environment = Environment::new(&[]);
    let check = |words: &[&str], said: &str| {
        let ended = environment.gate(&[&["load", "http://127.0.0.1:9/"], words].concat());
        assert_eq!(ended.code, 2, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
    };
    check(&["--capacity", "--rate", "5/s"], "cannot be used with");
    check(&["--from", "5/s"], "--capacity");
    check(&["--capacity", "--from", "50/s", "--to", "20/s"], "below `to`");
    check(&["--capacity", "--duration", "5s"], "too short to search");
    check(&["--capacity", "--threshold", "count>5"], "what is searched for");
    check(&["--capacity", "--threshold", "p(95)>1s"], "asks for a slow service");
}
