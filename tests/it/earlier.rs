//! Load that is compared with a run of before.

use crate::environment::{Ended, Environment};
use crate::python::Service;

/// A service that takes as many milliseconds as its path says.
const SERVICE: &str = r#"
import time
from serving import Handler, serve
class Answering(Handler):
    def do_GET(self):
        time.sleep(int(self.path.split("?")[0].strip("/")) / 1000)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
serve(Answering)
"#;

fn load(environment: &Environment, url: &str, rate: &str, more: &[&str], code: i32) -> Ended {
    let mut words = vec!["load", url, "--rate", rate, "--duration", "4s", "--warm-up", "1s"];
    words.extend(more);
    let ended = environment.gate(&words);
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
    ended
}

#[test]
fn a_version_is_compared_with_a_run_of_before() {
    let environment = Environment::new(&[("service.py", SERVICE)]);
    let service = Service::start(&environment, &[]);
    let (quick, slow) = (format!("{}/5?token=abc", service.url), format!("{}/150", service.url));
    load(&environment, &quick, "30/s", &["--save", "before.jsonl"], 0);
    assert!(!environment.all_of("before.jsonl").contains("token"));
    // In so few requests of a busy machine the median alone is steady.
    let steady = ["--percentile", "50", "--tolerance", "50ms"];
    let with = [&["--compare-with", "before.jsonl", "--json"][..], &steady].concat();
    // Time and machine may be others: it warns.
    let run = load(&environment, &slow, "30/s", &with, 0).json();
    assert_eq!(run["verdict"], "warn", "{run:#}");
    assert_eq!(run["comparison"][0]["verdict"], "fail", "{run:#}");
    let reason = run["reasons"][0].as_str().unwrap();
    for said in ["beside an earlier run of", "/5: med", "and perhaps another machine"] {
        assert!(reason.contains(said), "{reason}");
    }
    assert!(run["baseline"]["requests"].as_u64().unwrap() >= 120, "{run:#}");
    load(&environment, &slow, "30/s", &[&with[..], &["--blocks"]].concat(), 1);
    let same = load(&environment, &quick, "30/s", &with, 0).json();
    assert_eq!(same["verdict"], "pass", "{same:#}");
    let more = load(&environment, &quick, "60/s", &with, 3).json();
    assert!(more["reasons"][0].as_str().unwrap().contains("says nothing of the versions"));

    environment.write("broken.jsonl", "hello\n");
    let broken = load(&environment, &quick, "30/s", &["--compare-with", "broken.jsonl"], 2);
    assert!(broken.stderr.contains("is no earlier run: line 1"), "{}", broken.stderr);
    let both = ["--compare", quick.as_str(), "--compare-with", "before.jsonl"];
    let both = load(&environment, &quick, "30/s", &both, 2);
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);

    // The same in a spec.
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", service.url);
    environment.write("gate.yaml", &config);
    let spec = |compare: &str| {
        let spec = format!(
            "gate: load\nname: speed\nwith:\n  path: /150\n  rate: 30/s\n  duration: 4s\n  \
             warm_up: 1s\n  compare: {{ against: stored, percentiles: [50], {compare} }}\n"
        );
        environment.write("specs/speed.yaml", &spec);
        environment.gate(&["run"])
    };
    let warned = spec("file: ../before.jsonl");
    assert_eq!(warned.code, 0, "{}{}", warned.stdout, warned.stderr);
    assert!(warned.stdout.contains("beside an earlier run"), "{}", warned.stdout);
    let failed = spec("file: ../before.jsonl, blocks: true");
    assert_eq!(failed.code, 1, "{}{}", failed.stdout, failed.stderr);
    for compare in ["blocks: true", "file: ../gone.jsonl"] {
        let wrong = spec(compare);
        assert_eq!(wrong.code, 2, "{}{}", wrong.stdout, wrong.stderr);
    }
}
