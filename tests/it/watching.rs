//! Real browsers that look on while a load runs.

use gate_core::ledger::processes_of;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::environment::{Ended, Environment, ended};
use crate::python::Service;

/// A page with a picture, one that moves by itself, one that is broken, and one that wants to know
/// who asks.
const SITE: &str = r#"
import http.server, time
PICTURE = ("<svg xmlns='http://www.w3.org/2000/svg' width='600' height='400'>"
    "<rect width='600' height='400' fill='teal'/></svg><!--" + "said " * 4000 + "-->")
PAGE = "<!doctype html><title>t</title><h1>Spring</h1><img src=/p.svg width=600 height=400>"
MOVES = ("<!doctype html><title>t</title><style>body{margin:0} div{height:200px;background:teal}"
    "</style><p id=p style='height:0;margin:0'></p><div>text</div>"
    # What moves before anything is painted moves for nobody.
    "<script>new PerformanceObserver(() => setTimeout(() => p.style.height = '360px', 50))"
    ".observe({ type: 'paint', buffered: true })</script>")
HANGS = "<!doctype html><title>t</title><h1>Spring</h1><script>onload = () => setTimeout(() => { for (;;); }, 100)</script>"
CHANGES = {"/turns": (302, ""), "/part.js": (503, ""), "/hangs": (200, HANGS)}
LOADED = {}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        path, status = self.path.split("?")[0], 200
        kind, said = "text/html", PAGE
        if path == "/p.svg":
            kind, said = "image/svg+xml", PICTURE
        elif path == "/moves":
            said = MOVES
        elif path == "/broken":
            status, said = 500, "no"
        elif path in CHANGES:
            # Browsers see it once before anything counts.
            LOADED[path] = LOADED.get(path, 0) + 1
            if LOADED[path] > 1:
                status, said = CHANGES[path]
            elif path == "/part.js":
                kind, said = "text/javascript", ""
        elif path == "/parts":
            said = "<!doctype html><title>t</title><h1>Spring</h1><script src=/part.js></script>"
        elif path == "/private" and self.headers.get("cookie") != "key=open":
            status, said = 403, "no"
        self.send_response(status)
        if status == 302:
            self.send_header("location", "/sorry?token=sesame-open-up-1234")
        self.send_header("content-type", kind)
        self.send_header("cache-control", "max-age=600")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer.request_queue_size = 512
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

fn workspace() -> (Environment, Service) {
    let environment = Environment::new(&[("service.py", SITE)]);
    let service = Service::start(&environment, &[]);
    (environment, service)
}

fn load(environment: &Environment, url: &str, more: &[&str], code: i32) -> Ended {
    let usual = ["--rate", "20/s", "--warm-up", "1s", "--duration", "8s", "--browsers", "1"];
    // However slow this machine is just now, it comes to enough page loads.
    let pace = ["--every", "300ms", "--max-duration", "32s"];
    let ended = environment.gate(&[&["load", url][..], &usual, &pace, more].concat());
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
    ended
}

#[test]
fn a_browser_says_what_a_page_is_like_under_load() {
    let (environment, service) = workspace();
    let limits = ["--threshold", "lcp med<30s", "--threshold", "cls med<0.1", "--json"];
    let run = load(&environment, &service.url, &limits, 0).json();
    let seen = &run["browsers"];
    assert!(seen["samples"].as_u64().unwrap() >= 5, "{run:#}");
    assert_eq!((&seen["failed"], &seen["trouble"]), (&json!(0), &Value::Null), "{run:#}");
    assert_eq!(seen["url"], format!("{}/", service.url));
    let at = |metric: &str, which: &str| seen[metric][which].as_f64().unwrap();
    assert!(at("ttfb_ms", "p50") <= at("fcp_ms", "p50"), "{run:#}");
    assert!(at("fcp_ms", "p50") <= at("lcp_ms", "p50"), "{run:#}");
    assert!(at("lcp_ms", "p75") <= at("lcp_ms", "max"), "{run:#}");
    assert!(at("cls", "max").abs() < 1e-9, "{run:#}");
    let limits: Vec<_> = run["thresholds"].as_array().unwrap().iter().collect();
    assert!(limits.iter().all(|limit| limit["verdict"] == "pass"), "{run:#}");
    // The requests of browsers are none of those that were counted.
    assert_eq!(run["requests"], run["intended"], "{run:#}");
}

#[test]
fn what_a_page_does_to_its_visitors_fails() {
    let (environment, service) = workspace();
    let url = format!("{}/moves", service.url);
    let ended = load(&environment, &url, &["--threshold", "cls med<0.1"], 1);
    let said = "cls med is 0.1562 of ";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
    assert!(ended.stdout.contains("does not keep cls med<0.1"), "{}", ended.stdout);
    assert!(ended.stdout.contains("largest contentful paint p(75)"), "{}", ended.stdout);
    // The page of browsers may be another one than what is asked for.
    let ended = load(&environment, &service.url, &["--page", "/broken"], 1);
    assert!(ended.stdout.contains("failed: it was answered 500"), "{}", ended.stdout);
}

#[test]
fn what_is_another_page_under_load_than_before_is_no_page() {
    let (environment, service) = workspace();
    let told = |page: &str, seconds: &str| {
        let words = [
            "load",
            &service.url,
            "--rate=20/s",
            "--warm-up=0s",
            "--duration",
            seconds,
            "--max-duration",
            seconds,
            "--browsers=1",
            "--every=300ms",
            "--threshold=lcp max<30s",
            "--page",
            page,
        ];
        let ended = environment.gate(&words);
        assert_eq!(ended.code, 1, "{page}: {}{}", ended.stdout, ended.stderr);
        assert!(!ended.stdout.contains("sesame"), "{}", ended.stdout);
        ended.stdout
    };
    let turns = told("/turns", "3s");
    assert!(turns.contains(&format!("failed: it led to {}/sorry", service.url)), "{turns}");
    let parts = told("/parts", "3s");
    assert!(parts.contains(&format!("failed: {}/part.js did not come", service.url)), "{parts}");
    // Whatever it had painted before it took its visitors' browsers along.
    let hangs = told("/hangs", "2s");
    assert!(hangs.contains("the browser was lost while it was open"), "{hangs}");
}

#[test]
fn a_gate_samples_both_versions_and_can_be_judged_again() {
    let (environment, service) = workspace();
    environment.write(
        "gate.yaml",
        &format!(
            "environments:\n  test: {{ url: \"{0}\", cookies: {{ key: open }} }}\n  live: {{ url: \"{0}\" }}\n\
             promotions:\n  up: {{ candidate: test, baseline: live, tags: [p] }}\n",
            service.url
        ),
    );
    environment.write(
        "specs/a.yaml",
        "gate: load\nname: page\ntags: [p]\nwith:\n  path: /p.svg\n  rate: 20/s\n  duration: 8s\n  \
         max_duration: 8s\n  warm_up: 1s\n  max_failures: 100%\n  \
         compare: { tolerance: 10s, more_failures: 100% }\n  \
         browsers: { count: 2, page: /private, every: 400ms }\n  thresholds: [lcp min<30s]\n",
    );
    let ended = environment.gate(&["run", "--promotion", "up", "--json"]);
    let gate = &ended.json()["gates"][0];
    let checks = gate["checks"].as_array().unwrap();
    let check = |id: &str| checks.iter().find(|check| check["id"] == id).unwrap_or(&Value::Null);
    assert_eq!(check("threshold-1")["verdict"], "pass", "{gate:#}");
    let browsers = check("browsers");
    // Who is let into the environment is let in by browsers, too; the other version lets nobody in.
    assert_eq!(browsers["verdict"], "pass", "{gate:#}");
    let roles: Vec<_> =
        browsers["evidence"].as_array().unwrap().iter().map(|one| &one["role"]).collect();
    assert_eq!(roles, ["series", "series", "table"], "{gate:#}");
    let kept = environment.all_of(".gate/store");
    assert!(kept.contains("it was answered 403") && kept.contains("the other one"));
    let again = environment.gate(&["judge", "last"]);
    assert_eq!(again.code, ended.code, "{}{}", again.stdout, again.stderr);
}

#[test]
fn no_browser_outlives_a_run_that_is_interrupted() {
    let (environment, service) = workspace();
    let words = ["load", &service.url, "--duration", "60s", "--warm-up", "0s", "--browsers", "2"];
    let child = environment.command(&words).spawn().unwrap();
    let browsers = || {
        let folders = std::fs::read_dir(environment.temporary()).into_iter().flatten().flatten();
        folders.flat_map(|folder| processes_of(&folder.path())).count()
    };
    let started = std::time::Instant::now();
    while browsers() == 0 {
        assert!(started.elapsed().as_secs() < 60, "no browser is started");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(browsers(), 0);
}

#[test]
fn what_browsers_cannot_do_is_said_before_anything_is_sent() {
    let (environment, service) = workspace();
    let check = |words: &[&str], said: &str| {
        let ended = environment.gate(&[&["load", &service.url], words].concat());
        assert_eq!(ended.code, 2, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
    };
    check(&["--browsers", "3"], "one or two browsers look on");
    check(&["--threshold", "lcp p(75)<2.5s"], "no browser looks on");
    check(&["--browsers", "1", "--page", "spring"], "a page is a path");
    check(&["--browsers", "1", "--every", "1ms"], "a load test with browsers");
    check(&["--browsers", "1", "--method", "POST"], "nobody says which page they open");
    check(&["--page", "/spring"], "--browsers");
    check(&["--save", "run.html", "--out", "./run.html"], "name two files");
    let bare = Environment::new(&[]).with("PATH", "/nowhere");
    let ended = bare.gate(&["load", &service.url, "--browsers", "1"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("there is no Chromium on the PATH"), "{}", ended.stderr);
}
